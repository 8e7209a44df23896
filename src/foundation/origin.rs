//! Where a request comes from: the client's address, and what the client says of itself.

use std::net::{IpAddr, SocketAddr};

use axum::{
    Extension,
    extract::{ConnectInfo, Request, State},
    http::{HeaderMap, HeaderName, header},
    middleware::Next,
    response::Response,
};
use ipnet::IpNet;

use crate::foundation::{agent::Agent, services::Shared};

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
    let ip = client_address(peer.0.ip(), headers, &services.config.trusted_proxies);
    let origin = Origin { ip, agent: Agent::of(headers) };
    request.extensions_mut().insert(origin);
    next.run(request).await
}

/// The [`Origin`] that [`identify`] found, as an argument of a handler.
pub type From = Extension<Origin>;

/// The client's address: the peer's, unless the peer is a trusted proxy. Then it is the right-most entry that no trusted
/// proxy wrote of itself (NET-1). Where `X-Forwarded-For` and `Forwarded` disagree, one of them came through from
/// outside, and neither is believed.
pub fn client_address(peer: IpAddr, headers: &HeaderMap, trusted: &[IpNet]) -> IpAddr {
    let peer = peer.to_canonical();
    let said = |name: HeaderName, address: fn(&str) -> Option<IpAddr>| {
        headers.contains_key(&name).then(|| rightmost_untrusted(peer, headers, &name, address, trusted))
    };
    match (said(HeaderName::from_static("x-forwarded-for"), plain_address), said(header::FORWARDED, forwarded_address)) {
        (Some(a), Some(b)) if a != b => peer,
        (Some(address), _) | (None, Some(address)) => address,
        (None, None) => peer,
    }
}

fn rightmost_untrusted(
    peer: IpAddr,
    headers: &HeaderMap,
    name: &HeaderName,
    address: fn(&str) -> Option<IpAddr>,
    trusted: &[IpNet],
) -> IpAddr {
    let is_trusted = |ip: &IpAddr| trusted.iter().any(|net| net.contains(ip));
    let lines: Vec<&str> = headers.get_all(name).iter().filter_map(|line| line.to_str().ok()).collect();
    let mut client = peer;
    for entry in lines.iter().flat_map(|line| line.split(',')).rev() {
        if !is_trusted(&client) {
            break;
        }
        // What cannot be read came from beyond the proxy that we trust: the last address known for sure stands.
        let Some(ip) = address(entry.trim()) else { break };
        client = ip.to_canonical();
    }
    client
}

/// An entry of `X-Forwarded-For`: an address, with a port or without.
fn plain_address(entry: &str) -> Option<IpAddr> {
    let bare = || entry.trim_start_matches('[').trim_end_matches(']').parse().ok();
    bare().or_else(|| entry.parse::<SocketAddr>().ok().map(|socket| socket.ip()))
}

/// An entry of `Forwarded` (RFC 7239): `for=192.0.2.1;proto=https`, `for="[2001:db8::1]:443"`.
fn forwarded_address(entry: &str) -> Option<IpAddr> {
    let mut pairs = entry.split(';').filter_map(|pair| pair.trim().split_once('='));
    let (_, address) = pairs.find(|(name, _)| name.eq_ignore_ascii_case("for"))?;
    plain_address(address.trim_matches('"'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(peer: &str, header: &str, value: &str) -> String {
        let trusted = ["10.0.0.0/8".parse().unwrap(), "fd00::/8".parse().unwrap()];
        let headers = HeaderMap::from_iter([(header.parse().unwrap(), value.parse().unwrap())]);
        client_address(peer.parse().unwrap(), &headers, &trusted).to_string()
    }

    /// NET-1
    #[test]
    fn a_stranger_is_not_believed() {
        for header in ["x-forwarded-for", "forwarded", "x-real-ip", "cf-connecting-ip", "true-client-ip"] {
            assert_eq!(address("192.0.2.1", header, "81.2.69.142"), "192.0.2.1", "{header}");
            assert_eq!(address("192.0.2.1", header, "for=81.2.69.142"), "192.0.2.1", "{header}");
        }
        assert_eq!(address("10.0.0.1", "x-real-ip", "81.2.69.142"), "10.0.0.1");
    }

    /// NET-1
    #[test]
    fn a_trusted_proxy_is_read_from_the_right() {
        let forwarded_for = |value| address("10.0.0.1", "x-forwarded-for", value);
        assert_eq!(forwarded_for("81.2.69.142"), "81.2.69.142");
        assert_eq!(forwarded_for("1.1.1.1, 81.2.69.142"), "81.2.69.142");
        assert_eq!(forwarded_for("1.1.1.1, 81.2.69.142, 10.0.0.2"), "81.2.69.142");
        assert_eq!(forwarded_for("81.2.69.142:55555"), "81.2.69.142");
        assert_eq!(forwarded_for("[2001:db8::1]:443"), "2001:db8::1");
        assert_eq!(forwarded_for("::ffff:81.2.69.142"), "81.2.69.142");
        assert_eq!(forwarded_for("81.2.69.142, junk"), "10.0.0.1");
        assert_eq!(address("10.0.0.1", "forwarded", "for=1.1.1.1, for=\"[2001:db8::1]:443\";proto=https"), "2001:db8::1");
    }

    /// NET-1
    #[test]
    fn two_headers_that_disagree_are_not_believed() {
        let mut headers = HeaderMap::from_iter([("x-forwarded-for".parse().unwrap(), "81.2.69.142".parse().unwrap())]);
        headers.insert(header::FORWARDED, "for=1.1.1.1".parse().unwrap());
        let trusted = ["10.0.0.0/8".parse().unwrap()];
        assert_eq!(client_address("10.0.0.1".parse().unwrap(), &headers, &trusted).to_string(), "10.0.0.1");
    }

    proptest::proptest! {
        /// NET-1: whatever a stranger sends, the peer's address stands.
        #[test]
        fn no_header_of_a_stranger_changes_the_address(value in "[ -~]{0,80}") {
            proptest::prop_assert_eq!(address("192.0.2.1", "x-forwarded-for", &value), "192.0.2.1");
        }
    }
}
