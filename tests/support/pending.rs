//! A request that the server has begun to answer, and that is finished when the test says so.

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use super::TestApp;

/// A POST whose head has arrived and whose body has not.
pub struct PendingPost {
    socket: TcpStream,
    body: String,
}

impl PendingPost {
    /// Returns once the server waits for the body, which it says with `100 Continue`.
    pub async fn begin(app: &TestApp, path: &str, content_type: &str, body: &str) -> Self {
        Self::begin_as(app, "", path, content_type, body).await
    }

    /// The same, with this session's token as a cookie.
    pub async fn begin_as(app: &TestApp, token: &str, path: &str, content_type: &str, body: &str) -> Self {
        let mut socket = TcpStream::connect(app.addr).await.unwrap();
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: {0}\r\nOrigin: http://{0}\r\nAccept: application/json\r\nContent-Type: {content_type}\r\n\
             Content-Length: {1}\r\nCookie: whereabouts={token}\r\nConnection: close\r\nExpect: 100-continue\r\n\r\n",
            app.addr,
            body.len()
        );
        socket.write_all(head.as_bytes()).await.unwrap();
        let mut go_on = [0; "HTTP/1.1 100 Continue\r\n\r\n".len()];
        socket.read_exact(&mut go_on).await.unwrap();
        assert!(go_on.starts_with(b"HTTP/1.1 100 "), "{}", String::from_utf8_lossy(&go_on));
        Self { socket, body: body.to_owned() }
    }

    /// Sends the body; the status of the answer. The server closes the connection behind it.
    pub async fn finish(mut self) -> u16 {
        self.socket.write_all(self.body.as_bytes()).await.unwrap();
        let mut answer = String::new();
        self.socket.read_to_string(&mut answer).await.unwrap();
        answer.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or_else(|| panic!("{answer}"))
    }
}
