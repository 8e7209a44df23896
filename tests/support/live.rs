//! The live channel as a page uses it.

use std::time::Duration;

use futures::{SinkExt, StreamExt};
use serde_json::Value;
use tokio::{net::TcpStream, time::timeout};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{Error, Message, client::IntoClientRequest, http::StatusCode},
};
use whereabouts::{
    foundation::wire,
    sessions::{
        live::protocol::{HEARTBEAT, HEARTBEAT_SECONDS, SIGNED_IN, SIGNED_OUT},
        model::LiveMessage,
    },
};

use super::Client;

/// Shorter than the heartbeat interval: whatever arrives within it was pushed.
const PUSH_TIMEOUT: Duration = Duration::from_secs(HEARTBEAT_SECONDS - 1);

pub struct Page(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Page {
    /// Opens a channel with this session's cookie and receives the list that the server sends first.
    pub async fn open(client: &Client<'_>) -> Self {
        let mut page = Self::try_open(client, &client.app.url(""), "").await.unwrap();
        assert!(page.next_message().await.get("List").is_some());
        page
    }

    /// Opens the channel of a page without a list.
    pub async fn open_without_list(client: &Client<'_>) -> Self {
        Self::try_open(client, &client.app.url(""), "?notices=true").await.unwrap()
    }

    /// Tries to open a channel with this Origin header. Returns the status of the response if the server refuses.
    pub async fn try_open(client: &Client<'_>, origin: &str, query: &str) -> Result<Self, StatusCode> {
        let mut request = format!("ws://{}/live{query}", client.app.addr).into_client_request().unwrap();
        request.headers_mut().insert("cookie", format!("whereabouts={}", client.token).parse().unwrap());
        request.headers_mut().insert("origin", origin.parse().unwrap());
        match connect_async(request).await {
            Ok((socket, _)) => Ok(Self(socket)),
            Err(Error::Http(response)) => Err(response.status()),
            Err(error) => panic!("{error}"),
        }
    }

    /// Returns the next message about the list or the end of the session, as JSON.
    pub async fn next_message(&mut self) -> Value {
        loop {
            match self.next_frame().await {
                Some(Message::Text(text)) if text == SIGNED_OUT => return "SignedOut".into(),
                Some(Message::Text(text)) => assert!(text == HEARTBEAT || text.starts_with(SIGNED_IN), "{text}"),
                Some(Message::Binary(bytes)) => return serde_json::to_value(wire::decode::<LiveMessage>(&bytes).unwrap()).unwrap(),
                other => panic!("{other:?} instead of a message"),
            }
        }
    }

    /// Returns the next frame that is not a heartbeat.
    pub async fn next_frame_besides_heartbeats(&mut self) -> Option<Message> {
        loop {
            match self.next_frame().await {
                Some(Message::Text(text)) if text == HEARTBEAT => {}
                other => return other,
            }
        }
    }

    /// Returns whether the server announces the end of the session and closes the channel with code 4401.
    pub async fn is_signed_out(&mut self) -> bool {
        let is_notified = self.next_message_besides_list_updates().await == "SignedOut";
        let is_closed = matches!(self.next_frame().await, Some(Message::Close(Some(frame))) if u16::from(frame.code) == 4401);
        is_notified && is_closed
    }

    async fn next_message_besides_list_updates(&mut self) -> Value {
        loop {
            let message = self.next_message().await;
            if message.get("Gone").is_none() && message.get("Row").is_none() && message.get("Used").is_none() {
                return message;
            }
        }
    }

    /// Sends a text message to the server.
    pub async fn send(&mut self, text: &str) {
        assert!(self.is_sent(text).await);
    }

    /// Sends a text message to the server. Returns false if the server has disconnected.
    pub async fn is_sent(&mut self, text: &str) -> bool {
        self.0.send(Message::text(text)).await.is_ok()
    }

    /// Waits for the close frame and returns its code. `None` if the connection ends without one.
    pub async fn close_code(&mut self) -> Option<u16> {
        loop {
            match self.next_frame().await {
                Some(Message::Close(frame)) => return frame.map(|frame| u16::from(frame.code)),
                Some(_) => {}
                None => return None,
            }
        }
    }

    /// Returns true once the server ends the connection, with or without a close frame.
    pub async fn is_disconnected(&mut self) -> bool {
        loop {
            match timeout(PUSH_TIMEOUT, self.0.next()).await.expect("an end, before a heartbeat") {
                Some(Ok(Message::Close(_)) | Err(_)) | None => return true,
                Some(Ok(_)) => {}
            }
        }
    }

    pub async fn next_frame(&mut self) -> Option<Message> {
        timeout(PUSH_TIMEOUT, self.0.next()).await.expect("news, before a heartbeat").map(Result::unwrap)
    }
}
