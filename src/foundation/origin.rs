//! Where a request comes from: the client's address, and what the client says of itself.

use std::net::{IpAddr, SocketAddr};

use axum::{
    Extension,
    extract::{ConnectInfo, Request, State},
    http::HeaderMap,
    middleware::Next,
    response::Response,
};

use crate::foundation::{
    agent::Agent,
    config::{Config, ForwardedHeader},
    forwarded::{Entries, address_in_forwarded, address_in_x_forwarded_for},
    network::is_private,
    services::{Services, Shared},
};

/// What one request says of its client.
#[derive(Debug, Clone, PartialEq)]
pub struct Origin {
    /// The client's address; IPv4 in IPv6 is unwrapped.
    pub ip: IpAddr,
    /// The client in its own words.
    pub agent: Agent,
}

/// Middleware: every request behind it carries its [`Origin`].
pub async fn identify(State(services): Shared, peer: ConnectInfo<SocketAddr>, mut request: Request, next: Next) -> Response {
    let headers = request.headers();
    let ip = client_address(peer.0.ip(), headers, &services.config);
    notice_unnamed_proxy(&services, ip);
    let origin = Origin { ip, agent: Agent::of(headers) };
    request.extensions_mut().insert(origin);
    next.run(request).await
}

/// The [`Origin`] that [`identify`] found, as an argument of a handler.
pub type From = Extension<Origin>;

/// Returns the client's address: the peer's, unless the peer is a trusted proxy. Then it is the right-most address in the configured
/// header that is not a trusted proxy's (NET-1). An entry that cannot be read came from beyond the proxies that we trust, so the last
/// address known for sure is returned.
pub fn client_address(peer: IpAddr, headers: &HeaderMap, config: &Config) -> IpAddr {
    let mut client = peer.to_canonical();
    let mut entries = Entries::from_the_right(headers, config.forwarded_header);
    while config.is_trusted_proxy(client) {
        let address = entries.next().and_then(|entry| match config.forwarded_header {
            ForwardedHeader::XForwardedFor => address_in_x_forwarded_for(entry),
            ForwardedHeader::Forwarded => address_in_forwarded(entry),
        });
        match address {
            Some(ip) => client = ip.to_canonical(),
            None => break,
        }
    }
    client
}

/// Warns once per process if a request comes from a private address although no proxy is trusted: then it is most likely the address
/// of a proxy, which all users share.
fn notice_unnamed_proxy(services: &Services, ip: IpAddr) {
    let is_unnamed = services.config.trusted_proxies.is_empty() && is_private(ip) && !services.config.public_url().is_loopback();
    if is_unnamed && services.unnamed_proxy.set(ip).is_ok() {
        tracing::warn!(
            "requests arrive from a private address, but no trusted proxy is configured; if it is your reverse proxy, all users appear \
             with its address and share its rate limits: set WHEREABOUTS_TRUSTED_PROXIES to it (/admin shows the address)"
        );
    }
}
