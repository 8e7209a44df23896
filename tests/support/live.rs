//! A page's end of the live channel.

use std::time::Duration;

use futures::{SinkExt, StreamExt};
use serde_json::Value;
use tokio::{net::TcpStream, time::timeout};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{Error, Message, client::IntoClientRequest, http::StatusCode},
};
use whereabouts::sessions::wire::HEARTBEAT_SECONDS;

use super::Client;

/// Sooner than a heartbeat comes round: whatever is heard by then was pushed.
const WITHIN: Duration = Duration::from_secs(HEARTBEAT_SECONDS - 1);

pub struct Page(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Page {
    /// Opens a channel with this session's cookie, and hears the list that is said first.
    pub async fn open(client: &Client<'_>) -> Self {
        let mut page = Self::try_open(client, &client.app.url("")).await.unwrap();
        assert!(page.news().await.get("List").is_some());
        page
    }

    /// Tries to, as a page of another site would.
    pub async fn try_open(client: &Client<'_>, origin: &str) -> Result<Self, StatusCode> {
        let mut request = format!("ws://{}/live", client.app.addr).into_client_request().unwrap();
        request.headers_mut().insert("cookie", format!("whereabouts={}", client.token).parse().unwrap());
        request.headers_mut().insert("origin", origin.parse().unwrap());
        match connect_async(request).await {
            Ok((socket, _)) => Ok(Self(socket)),
            Err(Error::Http(response)) => Err(response.status()),
            Err(error) => panic!("{error}"),
        }
    }

    /// The next news; heartbeats are none.
    pub async fn news(&mut self) -> Value {
        loop {
            match self.message().await {
                Some(Message::Text(text)) if text.is_empty() => {}
                Some(Message::Text(text)) => return serde_json::from_str(&text).unwrap(),
                other => panic!("{other:?} instead of news"),
            }
        }
    }

    /// Whether the server closes the channel, having said that the session ended.
    pub async fn is_signed_out(&mut self) -> bool {
        let said = self.news_or_gone().await == "SignedOut";
        let closed = matches!(self.message().await, Some(Message::Close(Some(frame))) if u16::from(frame.code) == 4401);
        said && closed
    }

    async fn news_or_gone(&mut self) -> Value {
        loop {
            let news = self.news().await;
            if news.get("Gone").is_none() && news.get("Row").is_none() && news.get("Used").is_none() {
                return news;
            }
        }
    }

    /// Says something to the server.
    pub async fn send(&mut self, text: &str) {
        self.0.send(Message::text(text)).await.unwrap();
    }

    /// The code that the server closes the channel with.
    pub async fn close_code(&mut self) -> Option<u16> {
        loop {
            match self.message().await {
                Some(Message::Close(frame)) => return frame.map(|frame| u16::from(frame.code)),
                Some(_) => {}
                None => return None,
            }
        }
    }

    /// Whether the server ends the channel, with or without a word.
    pub async fn is_cut(&mut self) -> bool {
        loop {
            match timeout(WITHIN, self.0.next()).await.expect("an end, before a heartbeat") {
                Some(Ok(Message::Close(_)) | Err(_)) | None => return true,
                Some(Ok(_)) => {}
            }
        }
    }

    pub async fn message(&mut self) -> Option<Message> {
        timeout(WITHIN, self.0.next()).await.expect("news, before a heartbeat").map(Result::unwrap)
    }
}
