//! The live channel, one a page: a WebSocket, since browsers allow only six event streams a host over HTTP/1.1.

use std::{sync::Arc, time::Duration};

use axum::{
    extract::{
        Query as UrlQuery, State, WebSocketUpgrade,
        rejection::QueryRejection,
        ws::{CloseFrame, Message, WebSocket, rejection::WebSocketUpgradeRejection},
    },
    response::{IntoResponse, Response},
};
use tokio::sync::broadcast::{Receiver, error::RecvError};

use crate::{
    error::AppError,
    foundation::{
        channels::Open,
        hub::Change,
        services::{Services, Shared},
    },
    sessions::{
        actions,
        caller::Caller,
        model::{News, PAGE, Query},
        wire::HEARTBEAT_SECONDS,
    },
};

/// A client says next to nothing here.
const LONGEST_MESSAGE: usize = 4096;
/// RFC 6455: the server goes away.
const GOING_AWAY: u16 = 1001;
/// Ours: the session ended.
const SESSION_ENDED: u16 = 4401;

/// What a page shows, in the address of its channel.
#[derive(serde::Deserialize)]
pub struct Shown {
    #[serde(default)]
    search: String,
    show: Option<usize>,
}

/// `GET /live`: refused without a session, so that a page learns by a plain request why its channel does not open.
pub async fn connect(
    State(services): Shared,
    caller: Caller,
    shown: Result<UrlQuery<Shown>, QueryRejection>,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, AppError> {
    let UrlQuery(Shown { search, show }) = shown.map_err(|error| AppError::invalid("query", error.body_text()))?;
    let query = Query { search, show: show.unwrap_or(PAGE).min(1_000) };
    let upgrade = match upgrade {
        Ok(upgrade) => upgrade,
        Err(rejection) => return Ok(rejection.into_response()),
    };
    let open = services.channels.open(&caller.account.id, caller.origin.ip).ok_or(AppError::TooManyAttempts { seconds: 30 })?;
    let channel = Channel { services, caller, query, _open: open };
    Ok(upgrade.max_message_size(LONGEST_MESSAGE).max_frame_size(LONGEST_MESSAGE).on_upgrade(|socket| channel.run(socket)))
}

struct Channel {
    services: Arc<Services>,
    caller: Caller,
    query: Query,
    _open: Open,
}

/// Why a channel closes.
enum Close {
    /// The page is gone, or cannot be reached.
    Gone,
    /// Its session ended.
    SessionEnded,
    /// The server stops, or cannot vouch for the session: the page is to come back.
    Later,
}

impl Channel {
    async fn run(mut self, mut socket: WebSocket) {
        let mut changes = self.services.hub.subscribe(&self.caller.account.id);
        let close = self.serve(&mut socket, &mut changes).await;
        // Whatever cannot be sent any more need not be: the connection is dropped behind it.
        let _ = match close {
            Close::Gone => Ok(()),
            Close::SessionEnded => {
                let _ = say(&mut socket, &News::SignedOut).await;
                socket.send(closing(SESSION_ENDED)).await
            }
            Close::Later => socket.send(closing(GOING_AWAY)).await,
        };
    }

    async fn serve(&mut self, socket: &mut WebSocket, changes: &mut Receiver<Change>) -> Close {
        // Subscribed first, told everything second: what happens in between is told twice, and never missed.
        if let Err(close) = self.tell(socket, Change::Missed).await {
            return close;
        }
        let services = self.services.clone();
        let mut heartbeat = tokio::time::interval(Duration::from_secs(HEARTBEAT_SECONDS));
        loop {
            let told = tokio::select! {
                change = changes.recv() => self.hear(socket, change).await,
                message = socket.recv() => listen(message),
                _ = heartbeat.tick() => self.check(socket).await,
                () = services.clock.sleep_until(self.caller.expires_at) => self.check(socket).await,
                () = services.stopped() => Err(Close::Later),
            };
            if let Err(close) = told {
                return close;
            }
        }
    }

    async fn hear(&mut self, socket: &mut WebSocket, change: Result<Change, RecvError>) -> Result<(), Close> {
        match change {
            Ok(Change::Ended(sessions)) if sessions.contains(&self.caller.session) => Err(Close::SessionEnded),
            Ok(change) => self.tell(socket, change).await,
            Err(_) => self.tell(socket, Change::Missed).await,
        }
    }

    async fn tell(&mut self, socket: &mut WebSocket, change: Change) -> Result<(), Close> {
        if change == Change::Missed {
            self.vouch().await?;
        }
        match actions::news(&self.services, &self.caller, &self.query, change).await {
            Ok(Some(news)) => say(socket, &news).await,
            Ok(None) => Ok(()),
            Err(_) => Err(Close::Later),
        }
    }

    /// A heartbeat: is the session still there, whatever was or was not heard? And is the page?
    async fn check(&mut self, socket: &mut WebSocket) -> Result<(), Close> {
        self.vouch().await?;
        socket.send(Message::Text("".into())).await.map_err(|_| Close::Gone)
    }

    /// Looks the session up; using it elsewhere puts its end off.
    async fn vouch(&mut self) -> Result<(), Close> {
        match actions::one(&self.services, &self.caller, &self.caller.session).await {
            Ok(session) => {
                self.caller.expires_at = session.expires_at;
                Ok(())
            }
            Err(AppError::NotFound) => Err(Close::SessionEnded),
            Err(_) => Err(Close::Later),
        }
    }
}

/// What a page says is of no interest, only that it goes.
fn listen(message: Option<Result<Message, axum::Error>>) -> Result<(), Close> {
    match message {
        Some(Ok(Message::Close(_)) | Err(_)) | None => Err(Close::Gone),
        Some(Ok(_)) => Ok(()),
    }
}

async fn say(socket: &mut WebSocket, news: &News) -> Result<(), Close> {
    let text = serde_json::to_string(news).expect("news are JSON");
    socket.send(Message::Text(text.into())).await.map_err(|_| Close::Gone)
}

fn closing(code: u16) -> Message {
    Message::Close(Some(CloseFrame { code, reason: "".into() }))
}
