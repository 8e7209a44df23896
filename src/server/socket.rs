//! A client's socket. It counts as a connection until it is closed, even after an upgrade, and is closed if its client stops reading.

use std::{
    io::{ErrorKind, IoSlice, Result},
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    time::{Sleep, sleep},
};

use crate::foundation::connections::Permit;

/// A client that reads nothing of what is sent to it for this long is disconnected (NET-3). hyper has no such timer.
const WRITE_TIMEOUT: Duration = Duration::from_secs(30);

/// A TCP stream with its [`Permit`].
pub struct Socket {
    stream: TcpStream,
    /// Runs while a write waits for the client.
    stall_timer: Option<Pin<Box<Sleep>>>,
    _permit: Permit,
}

impl Socket {
    /// Wraps a stream, and keeps the permit until it is dropped.
    pub fn new(stream: TcpStream, permit: Permit) -> Self {
        // Pages are streamed in pieces: without this, each would wait for the acknowledgment of the previous one.
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "TCP_NODELAY could not be set");
        }
        Self { stream, stall_timer: None, _permit: permit }
    }

    fn stream(self: Pin<&mut Self>) -> Pin<&mut TcpStream> {
        Pin::new(&mut self.get_mut().stream)
    }

    /// Fails a write that has been pending for [`WRITE_TIMEOUT`].
    fn fail_if_stalled(&mut self, cx: &mut Context<'_>, written: Poll<Result<usize>>) -> Poll<Result<usize>> {
        if written.is_ready() {
            self.stall_timer = None;
            return written;
        }
        let stall_timer = self.stall_timer.get_or_insert_with(|| Box::pin(sleep(WRITE_TIMEOUT)));
        ready!(stall_timer.as_mut().poll(cx));
        Poll::Ready(Err(ErrorKind::TimedOut.into()))
    }
}

impl AsyncRead for Socket {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<Result<()>> {
        self.stream().poll_read(cx, buffer)
    }
}

impl AsyncWrite for Socket {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<Result<usize>> {
        let written = self.as_mut().stream().poll_write(cx, bytes);
        self.fail_if_stalled(cx, written)
    }

    fn poll_write_vectored(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[IoSlice<'_>]) -> Poll<Result<usize>> {
        let written = self.as_mut().stream().poll_write_vectored(cx, bytes);
        self.fail_if_stalled(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        self.stream().poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        self.stream().poll_shutdown(cx)
    }
}
