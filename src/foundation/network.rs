//! The network of a client: what rate limits and connection limits count as one client.

use std::net::IpAddr;

use ipnet::IpNet;

/// Returns the network that `ip` belongs to: an IPv4 address alone, or the /64 of an IPv6 address, since an IPv6 client can use any
/// address of its /64.
pub fn network(ip: IpAddr) -> IpNet {
    let ip = ip.to_canonical();
    let prefix = if ip.is_ipv4() { 32 } else { 64 };
    IpNet::new_assert(ip, prefix).trunc()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// LIM-5
    #[test]
    fn ipv6_addresses_of_one_64_are_one_network() {
        let of = |ip: &str| network(ip.parse().unwrap());
        assert_eq!(of("2001:db8:1:2::1"), of("2001:db8:1:2:ffff::9"));
        assert_ne!(of("2001:db8:1:2::1"), of("2001:db8:1:3::1"));
        assert_ne!(of("192.0.2.1"), of("192.0.2.2"));
        assert_eq!(of("::ffff:192.0.2.1"), of("192.0.2.1"));
    }
}
