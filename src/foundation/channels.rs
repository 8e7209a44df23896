//! Counts and limits open live channels, by user and by network (LIM-5).

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard},
};

use crate::foundation::{client::network::network, ids::UserId};

const MAX_PER_USER: usize = 100;
const MAX_PER_NETWORK: usize = 1_000;

/// The open channels. Cheap to clone.
#[derive(Clone, Default)]
pub struct Channels(Arc<Mutex<Counts>>);

#[derive(Default)]
struct Counts {
    users: HashMap<UserId, usize>,
    networks: HashMap<String, usize>,
}

/// One open channel. Counted until it is dropped.
pub struct OpenChannel {
    channels: Channels,
    user: UserId,
    network: String,
}

impl Channels {
    /// Counts one more channel. `None` if the user, or the network of this address, has too many open channels.
    pub fn open(&self, user: &UserId, address: IpAddr) -> Option<OpenChannel> {
        let network = network(address);
        let mut counts = self.counts();
        let is_full = counts.users.get(user).is_some_and(|open| *open >= MAX_PER_USER)
            || counts.networks.get(&network).is_some_and(|open| *open >= MAX_PER_NETWORK);
        if is_full {
            return None;
        }
        *counts.users.entry(user.clone()).or_default() += 1;
        *counts.networks.entry(network.clone()).or_default() += 1;
        Some(OpenChannel { channels: self.clone(), user: user.clone(), network })
    }

    /// Returns the number of open channels.
    pub fn count(&self) -> usize {
        self.counts().users.values().sum()
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.0.lock().expect("no code panics while it holds the counts")
    }
}

impl Drop for OpenChannel {
    fn drop(&mut self) {
        let mut counts = self.channels.counts();
        decrement(&mut counts.users, &self.user);
        decrement(&mut counts.networks, &self.network);
    }
}

fn decrement<K: std::hash::Hash + Eq>(open: &mut HashMap<K, usize>, key: &K) {
    if let Some(count) = open.get_mut(key) {
        *count -= 1;
        if *count == 0 {
            open.remove(key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// LIM-5
    #[test]
    fn a_user_has_a_bounded_number_of_channels() {
        let (channels, alice) = (Channels::default(), UserId::new(chrono::DateTime::UNIX_EPOCH));
        let address = "192.0.2.1".parse().unwrap();
        let mut open: Vec<_> = (0..MAX_PER_USER).map(|_| channels.open(&alice, address).unwrap()).collect();
        assert!(channels.open(&alice, address).is_none());
        open.pop();
        assert!(channels.open(&alice, address).is_some());
        drop(open);
        assert!(channels.counts().users.is_empty() && channels.counts().networks.is_empty());
    }

    /// LIM-5: an IPv6 /64 counts as one network, so that its addresses share one limit.
    #[test]
    fn an_ipv6_network_has_a_bounded_number_of_channels() {
        let channels = Channels::default();
        let open = |last: usize, network: &str| {
            let address = format!("2001:db8:1:{network}::{last:x}").parse().unwrap();
            channels.open(&UserId::new(chrono::DateTime::UNIX_EPOCH), address)
        };
        let _open: Vec<_> = (0..MAX_PER_NETWORK).map(|last| open(last, "1").unwrap()).collect();
        assert!(open(MAX_PER_NETWORK, "1").is_none());
        assert!(open(0, "2").is_some());
    }
}
