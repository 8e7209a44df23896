//! A request that the server has started to process and that completes when the test sends the body.

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use super::TestApp;

/// A POST request whose head has arrived and whose body has not.
pub struct PendingPost {
    socket: TcpStream,
    body: String,
}

impl PendingPost {
    /// Sends the head. Returns once the server asks for the body with `100 Continue`.
    pub async fn start(app: &TestApp, path: &str, content_type: &str, body: &str) -> Self {
        Self::start_as(app, "", path, content_type, body).await
    }

    /// Like [`start`](Self::start), with this session token as a cookie.
    pub async fn start_as(app: &TestApp, token: &str, path: &str, content_type: &str, body: &str) -> Self {
        let mut socket = TcpStream::connect(app.addr).await.unwrap();
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: {0}\r\nOrigin: http://{0}\r\nAccept: application/json\r\nContent-Type: {content_type}\r\n\
             Content-Length: {1}\r\nCookie: whereabouts={token}\r\nConnection: close\r\nExpect: 100-continue\r\n\r\n",
            app.addr,
            body.len()
        );
        socket.write_all(head.as_bytes()).await.unwrap();
        let mut interim = [0; "HTTP/1.1 100 Continue\r\n\r\n".len()];
        socket.read_exact(&mut interim).await.unwrap();
        assert!(interim.starts_with(b"HTTP/1.1 100 "), "{}", String::from_utf8_lossy(&interim));
        Self { socket, body: body.to_owned() }
    }

    /// Sends the body and returns the status of the response. The server closes the connection afterwards.
    pub async fn finish(mut self) -> u16 {
        self.socket.write_all(self.body.as_bytes()).await.unwrap();
        let mut answer = String::new();
        self.socket.read_to_string(&mut answer).await.unwrap();
        answer.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or_else(|| panic!("{answer}"))
    }
}
