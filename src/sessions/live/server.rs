//! Server end of the live channel, one WebSocket per page: browsers allow only six event streams per host over HTTP/1.1.

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
    sync::{
        broadcast::{Receiver, error::RecvError},
        watch,
    },
    time::timeout,
};

use crate::{
    error::AppError,
    foundation::{
        channels::OpenChannel,
        services::{Services, Shared},
        wire,
    },
    sessions::{
        actions,
        caller::CurrentSession,
        live::{
            feed::{self, Feeds},
            protocol::{AUDIT, HEARTBEAT, HEARTBEAT_SECONDS, SIGNED_IN, SIGNED_OUT},
        },
        model::{LiveMessage, PAGE_SIZE, Query, Session},
    },
};

/// Maximum size of a message from a page, which holds only its [`PageQuery`].
const MAX_MESSAGE_BYTES: usize = 4_096;
/// Messages that a page may send between two heartbeats: more than a held key produces.
const MAX_MESSAGES_PER_HEARTBEAT: u32 = 300;
/// A page that does not read for this long is disconnected.
const SEND_TIMEOUT: Duration = Duration::from_secs(10);
/// RFC 6455 close code: the server is going away.
const GOING_AWAY: u16 = 1001;
/// RFC 6455 close code: the client violates the policy.
const POLICY_VIOLATION: u16 = 1008;
/// Application close code: the session ended.
const SESSION_ENDED: u16 = 4401;

/// Search and number of rows that a page shows: in the URL of its channel, and in a message whenever they change.
#[derive(serde::Deserialize)]
pub struct PageQuery {
    search: Option<String>,
    show: Option<usize>,
    /// Whether the page has no list, so that it only receives texts.
    #[serde(default)]
    notices: bool,
    /// Whether the page shows the audit log.
    #[serde(default)]
    audit: bool,
}

impl From<PageQuery> for Query {
    fn from(PageQuery { search, show, .. }: PageQuery) -> Self {
        Self { search: search.unwrap_or_default(), show: show.unwrap_or(PAGE_SIZE).min(1_000) }
    }
}

/// `GET /live`: opens the channel of a page. Without a session it answers 401, so that a plain request tells a page why it is refused.
///
/// Errors: [`AppError::TooManyAttempts`] above the limit of open channels, [`AppError::Invalid`] for a malformed query.
pub async fn connect(
    State(services): Shared,
    Extension(feeds): Extension<Feeds>,
    caller: CurrentSession,
    page_query: Result<UrlQuery<PageQuery>, QueryRejection>,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, AppError> {
    let UrlQuery(page_query) = page_query.map_err(|error| AppError::invalid("query", error.body_text()))?;
    let upgrade = match upgrade {
        Ok(upgrade) => upgrade,
        Err(rejection) => return Ok(rejection.into_response()),
    };
    let open = services.channels.open(&caller.account.id, caller.client_info.ip).ok_or(AppError::TooManyAttempts { seconds: 30 })?;
    let run = move |socket| {
        // Joins before the first list is sent: what happens in between is sent twice, but never missed.
        let messages = feeds.join(&services, &caller.account.id);
        let (has_list, has_audit_log) = (!page_query.notices, page_query.audit);
        Channel { services, caller, has_list, has_audit_log, query: page_query.into(), message_count: 0, _open: open }.run(socket, messages)
    };
    Ok(upgrade.max_message_size(MAX_MESSAGE_BYTES).max_frame_size(MAX_MESSAGE_BYTES).on_upgrade(run))
}

struct Channel {
    services: Arc<Services>,
    caller: CurrentSession,
    /// Whether the page shows a list of sessions.
    has_list: bool,
    /// Whether the page shows the audit log.
    has_audit_log: bool,
    query: Query,
    /// Messages received since the last heartbeat.
    message_count: u32,
    _open: OpenChannel,
}

/// Why a channel closes.
enum Close {
    /// The page is gone or unreachable.
    Gone,
    /// Its session ended.
    SessionEnded,
    /// The page sends too many messages.
    TooManyMessages,
    /// The server stops, or cannot verify the session: the page should reconnect.
    Reconnect,
}

impl Channel {
    async fn run(mut self, mut socket: WebSocket, mut messages: Receiver<feed::SharedMessage>) {
        let close = self.serve(&mut socket, &mut messages).await;
        // Errors do not matter here: the connection is dropped next.
        let _ = match close {
            Close::Gone => Ok(()),
            Close::SessionEnded => {
                let _ = send(&mut socket, Message::Text(SIGNED_OUT.into())).await;
                send(&mut socket, close_frame(SESSION_ENDED)).await
            }
            Close::TooManyMessages => send(&mut socket, close_frame(POLICY_VIOLATION)).await,
            Close::Reconnect => send(&mut socket, close_frame(GOING_AWAY)).await,
        };
    }

    async fn serve(&mut self, socket: &mut WebSocket, messages: &mut Receiver<feed::SharedMessage>) -> Close {
        // A page without a list has its session checked by the first heartbeat, which is sent at once.
        if self.has_list
            && let Err(close) = self.send_list(socket).await
        {
            return close;
        }
        let services = self.services.clone();
        let mut sealed = self.has_audit_log.then(|| services.sealed.subscribe());
        // Events may have been sealed since the page was rendered.
        sealed.iter_mut().for_each(watch::Receiver::mark_changed);
        let mut heartbeat = tokio::time::interval(Duration::from_secs(HEARTBEAT_SECONDS));
        loop {
            let result = tokio::select! {
                message = messages.recv() => self.forward(socket, message).await,
                message = socket.recv() => self.receive(message),
                _ = heartbeat.tick() => self.send_heartbeat(socket).await,
                () = changed(&mut sealed) => send(socket, Message::Text(AUDIT.into())).await,
                () = services.clock.sleep_until(self.caller.expires_at) => self.send_heartbeat(socket).await,
                () = services.stopped() => Err(Close::Reconnect),
            };
            if let Err(close) = result {
                return close;
            }
        }
    }

    async fn forward(&mut self, socket: &mut WebSocket, message: Result<feed::SharedMessage, RecvError>) -> Result<(), Close> {
        match message {
            Ok(message) => self.send_personalized(socket, (*message).clone()).await,
            Err(RecvError::Lagged(_)) => self.send_list(socket).await,
            Err(RecvError::Closed) => Err(Close::Reconnect), // the feed failed: reconnecting starts a new one
        }
    }

    /// Sends the current list. A page without a list only needs to know whether its session still exists.
    async fn send_list(&mut self, socket: &mut WebSocket) -> Result<(), Close> {
        if !self.has_list {
            return self.refresh_own_session().await;
        }
        let rows = actions::list_all(&self.services, &self.caller).await.map_err(|_| Close::Reconnect)?;
        self.send_personalized(socket, LiveMessage::List(Box::new(actions::whole_list(&self.services, rows)))).await
    }

    async fn send_personalized(&mut self, socket: &mut WebSocket, mut message: LiveMessage) -> Result<(), Close> {
        self.personalize(&mut message)?;
        if let LiveMessage::Row { session, began: true, .. } = &message
            && !session.current
        {
            send(socket, Message::Text(format!("{SIGNED_IN}{}", session.name()).into())).await?;
        }
        if !self.has_list {
            return Ok(());
        }
        let bytes = wire::encode(&message).map_err(|_| Close::Gone)?; // every message can be encoded: tested in `model.rs`
        send(socket, Message::Binary(bytes.into())).await
    }

    /// Adapts a message to this page: marks its own session as current, and filters lists by its query.
    ///
    /// Errors: [`Close::SessionEnded`] if the message shows that the page's session ended.
    fn personalize(&mut self, message: &mut LiveMessage) -> Result<(), Close> {
        match message {
            LiveMessage::List(list) => {
                if !self.recognize(&mut list.rows) {
                    return Err(Close::SessionEnded);
                }
                list.narrow(&self.query);
            }
            LiveMessage::Used(rows) => drop(self.recognize(rows)),
            LiveMessage::Gone { sessions, .. } if sessions.contains(&self.caller.session) => return Err(Close::SessionEnded),
            // A page is not older than its own session, but the message about it may be late.
            LiveMessage::Row { session, .. } => drop(self.recognize(std::slice::from_mut(session))),
            LiveMessage::Gone { .. } => {}
        }
        Ok(())
    }

    /// Marks the own session among these rows and adopts its expiry. Returns false if it is not among them.
    fn recognize(&mut self, rows: &mut [Session]) -> bool {
        let own = rows.iter_mut().find(|row| row.id == self.caller.session);
        if let Some(own) = own {
            own.current = true;
            self.caller.expires_at = own.expires_at.into();
            return true;
        }
        false
    }

    /// Checks that the session still exists, whatever messages may have been missed, and sends a heartbeat, which checks the page.
    async fn send_heartbeat(&mut self, socket: &mut WebSocket) -> Result<(), Close> {
        self.message_count = 0;
        self.refresh_own_session().await?;
        send(socket, Message::Text(HEARTBEAT.into())).await
    }

    /// Looks the session up and adopts its expiry, which moves when the session is used elsewhere.
    async fn refresh_own_session(&mut self) -> Result<(), Close> {
        match actions::get(&self.services, &self.caller, &self.caller.session).await {
            Ok(session) => {
                self.caller.expires_at = session.expires_at.into();
                Ok(())
            }
            Err(AppError::NotFound) => Err(Close::SessionEnded),
            Err(_) => Err(Close::Reconnect),
        }
    }

    /// Handles a message from the page: adopts a new query, and ignores anything else.
    ///
    /// Errors: [`Close::Gone`] if the page closed the channel, [`Close::TooManyMessages`] above [`MAX_MESSAGES_PER_HEARTBEAT`].
    fn receive(&mut self, message: Option<Result<Message, axum::Error>>) -> Result<(), Close> {
        let Some(Ok(message)) = message else { return Err(Close::Gone) };
        self.message_count += 1;
        if self.message_count > MAX_MESSAGES_PER_HEARTBEAT {
            return Err(Close::TooManyMessages);
        }
        match message {
            Message::Close(_) => return Err(Close::Gone),
            Message::Text(text) => {
                if let Ok(page_query @ PageQuery { search: Some(_), .. }) = serde_urlencoded::from_str(&text) {
                    self.query = page_query.into();
                }
            }
            Message::Binary(_) | Message::Ping(_) | Message::Pong(_) => {}
        }
        Ok(())
    }
}

/// Waits for a change, for ever without a receiver.
async fn changed(receiver: &mut Option<watch::Receiver<i64>>) {
    let is_closed = match receiver {
        Some(receiver) => receiver.changed().await.is_err(),
        None => true,
    };
    if is_closed {
        std::future::pending::<()>().await;
    }
}

/// Sends a message within [`SEND_TIMEOUT`], so that a page that does not read cannot hold its channel open.
async fn send<S: Sink<Message> + Unpin>(socket: &mut S, message: Message) -> Result<(), Close> {
    match timeout(SEND_TIMEOUT, socket.send(message)).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(_)) | Err(_) => Err(Close::Gone),
    }
}

fn close_frame(code: u16) -> Message {
    Message::Close(Some(CloseFrame { code, reason: "".into() }))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// LIM-5: a page that does not read is disconnected after ten seconds.
    #[tokio::test(start_paused = true)]
    async fn a_page_that_does_not_read_is_disconnected() {
        let (mut socket, _page) = futures::channel::mpsc::channel(1);
        assert!(send(&mut socket, close_frame(GOING_AWAY)).await.is_ok());
        let started = tokio::time::Instant::now();
        assert!(matches!(send(&mut socket, close_frame(GOING_AWAY)).await, Err(Close::Gone)));
        assert_eq!(started.elapsed(), SEND_TIMEOUT);
    }
}
