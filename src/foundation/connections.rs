//! Counts and limits open TCP connections, in total and per network (LIM-5, NET-3).

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

use crate::foundation::{client::network::network, config::Config};

/// One network may hold this fraction (1/n) of all connections.
const NETWORK_SHARE_DIVISOR: usize = 4;
/// Lower bound of the limit per network: browsers open six connections to a host, and several people may share an address.
const MIN_NETWORK_LIMIT: usize = 16;

/// The open connections of this node. Cheap to clone.
#[derive(Clone, Default)]
pub struct Connections(Arc<Shared>);

#[derive(Default)]
struct Shared {
    open: Mutex<Open>,
    counters: Counters,
}

#[derive(Default)]
struct Open {
    total: usize,
    networks: HashMap<String, usize>,
}

/// Counts since the start of the server.
#[derive(Default)]
pub struct Counters {
    /// Connections refused because the node had reached its limit.
    pub refused: AtomicU64,
    /// Connections refused because their network had reached its limit.
    pub refused_by_network: AtomicU64,
    /// Connections closed because no request arrived in time.
    pub silent: AtomicU64,
}

/// An admitted connection. Counted until it is dropped.
pub struct Permit {
    connections: Connections,
    network: Option<String>,
}

/// Why a connection is refused.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The node has reached its limit.
    #[error("the server has as many connections as WHEREABOUTS_MAX_CONNECTIONS allows")]
    Total,
    /// The network has reached its limit.
    #[error("a client has as many connections as one network may")]
    Network,
}

impl Connections {
    /// Admits a connection from `peer`. Trusted proxies are exempt from the limit per network.
    ///
    /// Errors: [`Refused`] if a limit is reached. The connection is counted as refused and must be closed.
    pub fn admit(&self, peer: IpAddr, config: &Config) -> Result<Permit, Refused> {
        let max = usize::try_from(config.max_connections).unwrap_or(usize::MAX); // a u32 always fits
        let network = (!config.is_trusted_proxy(peer.to_canonical())).then(|| network(peer));
        let mut open = self.lock();
        if open.total >= max {
            self.0.counters.refused.fetch_add(1, Relaxed);
            return Err(Refused::Total);
        }
        if let Some(network) = &network {
            let count = open.networks.entry(network.clone()).or_default();
            if *count >= (max / NETWORK_SHARE_DIVISOR).max(MIN_NETWORK_LIMIT) {
                self.0.counters.refused_by_network.fetch_add(1, Relaxed);
                return Err(Refused::Network);
            }
            *count += 1;
        }
        open.total += 1;
        Ok(Permit { connections: self.clone(), network })
    }

    /// Returns the number of open connections, including upgraded ones.
    pub fn count(&self) -> usize {
        self.lock().total
    }

    /// Counts a connection that is closed because no request arrived in time.
    pub fn count_silent(&self) {
        self.0.counters.silent.fetch_add(1, Relaxed);
    }

    /// Returns the counts since the start of the server.
    pub fn counters(&self) -> &Counters {
        &self.0.counters
    }

    fn lock(&self) -> MutexGuard<'_, Open> {
        // No code panics while it holds the counts.
        self.0.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut open = self.connections.lock();
        open.total -= 1;
        let Some(network) = &self.network else { return };
        if let Some(count) = open.networks.get_mut(network) {
            *count -= 1;
            if *count == 0 {
                open.networks.remove(network);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;

    fn config(options: &[&str]) -> Config {
        #[derive(clap::Parser)]
        struct Options {
            #[command(flatten)]
            config: Config,
        }
        Options::try_parse_from(["test"].iter().chain(options)).unwrap().config
    }

    /// LIM-5
    #[test]
    fn one_network_is_limited_to_a_quarter_and_all_networks_to_the_total() {
        let (connections, config) = (Connections::default(), config(&["--max-connections", "100"]));
        let admit = |ip: &str, count: usize| -> Result<Vec<Permit>, Refused> {
            (0..count).map(|_| connections.admit(ip.parse().unwrap(), &config)).collect()
        };
        let mut permits = admit("2001:db8:1:2::1", 25).unwrap();
        assert_eq!(admit("2001:db8:1:2:ffff::9", 1).err(), Some(Refused::Network));
        for network in ["2001:db8:1:3::1", "192.0.2.1", "192.0.2.2"] {
            permits.extend(admit(network, 25).unwrap());
        }
        assert_eq!(admit("192.0.2.3", 1).err(), Some(Refused::Total));
        permits.truncate(99);
        assert!(admit("192.0.2.3", 1).is_ok());
        drop(permits);
        assert!(connections.count() == 0 && connections.lock().networks.is_empty());
        let counters = connections.counters();
        assert_eq!((counters.refused.load(Relaxed), counters.refused_by_network.load(Relaxed)), (1, 1));
    }

    /// LIM-5
    #[test]
    fn a_trusted_proxy_may_hold_every_connection() {
        let (connections, config) = (Connections::default(), config(&["--max-connections", "40", "--trusted-proxies", "10.0.0.0/8"]));
        let permits: Vec<_> = (0..40).map(|_| connections.admit("::ffff:10.0.0.1".parse().unwrap(), &config).unwrap()).collect();
        assert_eq!(connections.admit("10.0.0.1".parse().unwrap(), &config).err(), Some(Refused::Total));
        drop(permits);
        assert_eq!(connections.count(), 0);
    }
}
