//! Information about the client of a request: its IP address, and its user agent and client hints.

use std::net::{IpAddr, SocketAddr};

use axum::{
    Extension,
    extract::{ConnectInfo, Request, State},
    http::HeaderMap,
    middleware::Next,
    response::Response,
};

use crate::foundation::{
    client::{
        forwarded::{Entries, address_in_forwarded, address_in_x_forwarded_for},
        headers::UserAgentHeaders,
        network::is_private,
    },
    config::{Config, ForwardedHeader},
    http::request_id::RequestId,
    services::{Services, Shared},
};

/// The client of one request.
#[derive(Debug, Clone, PartialEq)]
pub struct ClientInfo {
    /// The client's IP address. IPv4-mapped IPv6 addresses are converted to IPv4.
    pub ip: IpAddr,
    /// User agent and client hints.
    pub agent: UserAgentHeaders,
    /// The id of the request. `None` outside the router.
    pub request_id: Option<RequestId>,
}

impl ClientInfo {
    /// Creates the information about a client outside the router.
    pub fn new(ip: IpAddr, agent: UserAgentHeaders) -> Self {
        Self { ip, agent, request_id: None }
    }
}

/// Middleware that adds the [`ClientInfo`] of each request to its extensions.
pub async fn identify(State(services): Shared, peer: ConnectInfo<SocketAddr>, mut request: Request, next: Next) -> Response {
    let headers = request.headers();
    let ip = client_address(peer.0.ip(), headers, &services.config);
    warn_about_untrusted_proxy(&services, ip);
    let request_id = request.extensions().get::<RequestId>().cloned();
    let client_info = ClientInfo { ip, agent: UserAgentHeaders::from_headers(headers), request_id };
    request.extensions_mut().insert(client_info);
    next.run(request).await
}

/// Extracts the [`ClientInfo`] that [`identify`] added to the request.
pub type ClientInfoExtractor = Extension<ClientInfo>;

/// Returns the client's address: the peer's, unless the peer is a trusted proxy. Then it is the right-most address in the configured
/// header that does not belong to a trusted proxy (NET-1). An entry that cannot be parsed was not written by a trusted proxy, so the
/// last verified address is returned.
pub fn client_address(peer: IpAddr, headers: &HeaderMap, config: &Config) -> IpAddr {
    let mut client = peer.to_canonical();
    let mut entries = Entries::right_to_left(headers, config.forwarded_header);
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

/// Logs a warning, once per process, if a request comes from a private address although no trusted proxy is configured. The address is
/// then most likely that of a proxy, which all users share.
fn warn_about_untrusted_proxy(services: &Services, ip: IpAddr) {
    let is_unconfigured = services.config.trusted_proxies.is_empty() && is_private(ip) && !services.config.public_url().is_loopback();
    if is_unconfigured && services.unconfigured_proxy.set(ip).is_ok() {
        tracing::warn!(
            "requests arrive from a private address, but no trusted proxy is configured; if it is your reverse proxy, all users appear \
             with its address and share its rate limits: set WHEREABOUTS_TRUSTED_PROXIES to it (/admin shows the address)"
        );
    }
}
