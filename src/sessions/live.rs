//! The live channel, one a page: a WebSocket, since browsers allow only six event streams a host over HTTP/1.1.

use std::{sync::Arc, time::Duration};

use axum::{
    Extension,
    extract::{
        Query as UrlQuery, State, WebSocketUpgrade,
        rejection::QueryRejection,
        ws::{CloseFrame, Message, WebSocket, rejection::WebSocketUpgradeRejection},
    },
    response::{IntoResponse, Response},
};
use futures::{Sink, SinkExt};
use tokio::{
    sync::broadcast::{Receiver, error::RecvError},
    time::timeout,
};

use crate::{
    error::AppError,
    foundation::{
        channels::Open,
        services::{Services, Shared},
    },
    sessions::{
        actions,
        caller::Caller,
        feed::{self, Feeds},
        model::{News, PAGE, Query, Session},
        wire::HEARTBEAT_SECONDS,
    },
};

/// Bytes of a message from a page: it says what it shows.
const MAX_MESSAGE: usize = 4_096;
/// Messages of a page between two heartbeats: more than a held key types.
const MAX_MESSAGES: u32 = 300;
/// A page that takes nothing for this long is cut off.
const SEND_TIMEOUT: Duration = Duration::from_secs(10);
/// RFC 6455: the server goes away.
const GOING_AWAY: u16 = 1001;
/// RFC 6455: the client does not keep to the rules.
const POLICY_VIOLATION: u16 = 1008;
/// Ours: the session ended.
const SESSION_ENDED: u16 = 4401;

/// What a page shows: in the address of its channel, and in a message whenever it changes.
#[derive(serde::Deserialize)]
pub struct Shown {
    search: Option<String>,
    show: Option<usize>,
}

impl From<Shown> for Query {
    fn from(Shown { search, show }: Shown) -> Self {
        Self { search: search.unwrap_or_default(), show: show.unwrap_or(PAGE).min(1_000) }
    }
}

/// `GET /live`: refused without a session, so that a page learns by a plain request why its channel does not open.
pub async fn connect(
    State(services): Shared,
    Extension(feeds): Extension<Feeds>,
    caller: Caller,
    shown: Result<UrlQuery<Shown>, QueryRejection>,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, AppError> {
    let UrlQuery(shown) = shown.map_err(|error| AppError::invalid("query", error.body_text()))?;
    let upgrade = match upgrade {
        Ok(upgrade) => upgrade,
        Err(rejection) => return Ok(rejection.into_response()),
    };
    let open = services.channels.open(&caller.account.id, caller.origin.ip).ok_or(AppError::TooManyAttempts { seconds: 30 })?;
    let run = move |socket| {
        // Joined first, told everything second: what happens in between is told twice, and never missed.
        let news = feeds.join(&services, &caller.account.id);
        Channel { services, caller, query: shown.into(), messages: 0, _open: open }.run(socket, news)
    };
    Ok(upgrade.max_message_size(MAX_MESSAGE).max_frame_size(MAX_MESSAGE).on_upgrade(run))
}

struct Channel {
    services: Arc<Services>,
    caller: Caller,
    query: Query,
    /// Messages since the last heartbeat.
    messages: u32,
    _open: Open,
}

/// Why a channel closes.
enum Close {
    /// The page is gone, or cannot be reached.
    Gone,
    /// Its session ended.
    SessionEnded,
    /// It sends too much.
    TooManyMessages,
    /// The server stops, or cannot vouch for the session: the page is to come back.
    Later,
}

impl Channel {
    async fn run(mut self, mut socket: WebSocket, mut news: Receiver<feed::SharedNews>) {
        let close = self.serve(&mut socket, &mut news).await;
        // Whatever cannot be sent any more need not be: the connection is dropped behind it.
        let _ = match close {
            Close::Gone => Ok(()),
            Close::SessionEnded => {
                let _ = say(&mut socket, &News::SignedOut).await;
                send(&mut socket, closing(SESSION_ENDED)).await
            }
            Close::TooManyMessages => send(&mut socket, closing(POLICY_VIOLATION)).await,
            Close::Later => send(&mut socket, closing(GOING_AWAY)).await,
        };
    }

    async fn serve(&mut self, socket: &mut WebSocket, news: &mut Receiver<feed::SharedNews>) -> Close {
        if let Err(close) = self.refresh(socket).await {
            return close;
        }
        let services = self.services.clone();
        let mut heartbeat = tokio::time::interval(Duration::from_secs(HEARTBEAT_SECONDS));
        loop {
            let told = tokio::select! {
                news = news.recv() => self.hear(socket, news).await,
                message = socket.recv() => self.listen(message),
                _ = heartbeat.tick() => self.check(socket).await,
                () = services.clock.sleep_until(self.caller.expires_at) => self.check(socket).await,
                () = services.stopped() => Err(Close::Later),
            };
            if let Err(close) = told {
                return close;
            }
        }
    }

    async fn hear(&mut self, socket: &mut WebSocket, news: Result<feed::SharedNews, RecvError>) -> Result<(), Close> {
        match news {
            Ok(news) => self.tell(socket, (*news).clone()).await,
            Err(RecvError::Lagged(_)) => self.refresh(socket).await,
            Err(RecvError::Closed) => Err(Close::Later), // the feed failed: the next one starts anew
        }
    }

    /// Sends the list as it stands.
    async fn refresh(&mut self, socket: &mut WebSocket) -> Result<(), Close> {
        let rows = actions::all(&self.services, &self.caller).await.map_err(|_| Close::Later)?;
        self.tell(socket, News::List(Box::new(actions::whole_list(&self.services, rows)))).await
    }

    async fn tell(&mut self, socket: &mut WebSocket, mut news: News) -> Result<(), Close> {
        self.personalize(&mut news)?;
        say(socket, &news).await
    }

    /// Makes the news of a person those of this page: with its own session as the current one, and what it shows of a list.
    fn personalize(&mut self, news: &mut News) -> Result<(), Close> {
        match news {
            News::List(list) => {
                if !self.recognize(&mut list.rows) {
                    return Err(Close::SessionEnded);
                }
                list.narrow(&self.query);
            }
            News::Used(rows) => drop(self.recognize(rows)),
            News::Gone { sessions, .. } if sessions.contains(&self.caller.session) => return Err(Close::SessionEnded),
            News::Row { .. } | News::Gone { .. } | News::SignedOut => {} // no page is older than its own session
        }
        Ok(())
    }

    /// Finds the own session among these. Its use puts its end off.
    fn recognize(&mut self, rows: &mut [Session]) -> bool {
        let own = rows.iter_mut().find(|row| row.id == self.caller.session);
        if let Some(own) = own {
            own.current = true;
            self.caller.expires_at = own.expires_at;
            return true;
        }
        false
    }

    /// A heartbeat: is the session still there, whatever was or was not heard? And is the page?
    async fn check(&mut self, socket: &mut WebSocket) -> Result<(), Close> {
        self.messages = 0;
        self.vouch().await?;
        send(socket, Message::Text("".into())).await
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

    /// A page says what it shows. Anything else that it says is of no interest, only that it goes.
    fn listen(&mut self, message: Option<Result<Message, axum::Error>>) -> Result<(), Close> {
        let Some(Ok(message)) = message else { return Err(Close::Gone) };
        self.messages += 1;
        if self.messages > MAX_MESSAGES {
            return Err(Close::TooManyMessages);
        }
        match message {
            Message::Close(_) => return Err(Close::Gone),
            Message::Text(text) => {
                if let Ok(shown @ Shown { search: Some(_), .. }) = serde_urlencoded::from_str(&text) {
                    self.query = shown.into();
                }
            }
            Message::Binary(_) | Message::Ping(_) | Message::Pong(_) => {}
        }
        Ok(())
    }
}

async fn say(socket: &mut WebSocket, news: &News) -> Result<(), Close> {
    let text = serde_json::to_string(news).expect("news are JSON");
    send(socket, Message::Text(text.into())).await
}

/// Sends within [`SEND_TIMEOUT`]: a page that does not read holds neither its channel nor what waits for it.
async fn send<S: Sink<Message> + Unpin>(socket: &mut S, message: Message) -> Result<(), Close> {
    match timeout(SEND_TIMEOUT, socket.send(message)).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(_)) | Err(_) => Err(Close::Gone),
    }
}

fn closing(code: u16) -> Message {
    Message::Close(Some(CloseFrame { code, reason: "".into() }))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// LIM-5: a page that does not read is cut off after ten seconds.
    #[tokio::test(start_paused = true)]
    async fn a_page_that_does_not_read_is_cut_off() {
        let (mut socket, _page) = futures::channel::mpsc::channel(1);
        assert!(send(&mut socket, closing(GOING_AWAY)).await.is_ok());
        let started = tokio::time::Instant::now();
        assert!(matches!(send(&mut socket, closing(GOING_AWAY)).await, Err(Close::Gone)));
        assert_eq!(started.elapsed(), SEND_TIMEOUT);
    }
}
