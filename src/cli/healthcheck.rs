//! `whereabouts healthcheck`: for containers, which have no curl.

use std::{net::SocketAddr, time::Duration};

use anyhow::Context as _;
use clap::Args;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// Check whether a running server is ready.
#[derive(Args)]
pub struct Healthcheck {
    /// Address of the server.
    #[arg(long, env = "WHEREABOUTS_ADDR", default_value = "127.0.0.1:3000")]
    addr: SocketAddr,
}

/// Succeeds if the server answers that it is ready.
pub async fn run(check: &Healthcheck) -> anyhow::Result<()> {
    let response = tokio::time::timeout(Duration::from_secs(5), probe(check.addr)).await.context("no response within 5 seconds")??;
    anyhow::ensure!(response.starts_with("HTTP/1.1 200"), "the server is not ready");
    println!("ready");
    Ok(())
}

async fn probe(addr: SocketAddr) -> anyhow::Result<String> {
    let mut server = TcpStream::connect(addr).await.with_context(|| format!("nothing listens on {addr}"))?;
    server.write_all(b"GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").await?;
    let mut response = String::new();
    server.read_to_string(&mut response).await?;
    Ok(response)
}
