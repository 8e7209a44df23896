//! Request quotas: how many requests each client may make per minute. Counted in memory, per node. Attempts at passwords and codes are
//! counted elsewhere, in the database (`rate_limit`).

use std::{
    collections::HashMap,
    hash::{BuildHasher, RandomState},
    sync::{Mutex, PoisonError},
};

use chrono::{DateTime, Utc};

const MINUTE_SECONDS: i64 = 60;
/// Number of counters for networks. They take 256 KiB, however many networks an attacker has.
const NETWORK_COUNTERS: usize = 65_536;

/// Requests per minute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// For each session or API token.
    pub signed_in: u32,
    /// For each network, for requests without a session or API token.
    pub anonymous: u32,
}

/// The limits of the API.
pub const API_LIMITS: Limits = Limits { signed_in: 1_200, anonymous: 1_200 };
/// The limits of server functions, which the forms and buttons of pages call.
pub const SERVER_FUNCTION_LIMITS: Limits = Limits { signed_in: 600, anonymous: 300 };

/// The client that a request is counted for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum QuotaKey {
    /// A session or an API token, by its id.
    SignedIn(String),
    /// A client that is not signed in, by the name of its network ([`network`](crate::foundation::client::network::network)).
    Anonymous(String),
}

/// The counters of the current minute.
///
/// Signed-in clients have exact counters, one for each session or API token in use. Networks share a fixed number of counters by a keyed
/// hash: two networks with the same counter (1 in 65,536) share its limit. A flood from very many networks may therefore cause other
/// anonymous clients to be refused, but never takes more memory and never affects anybody who is signed in.
pub struct Quota {
    limits: Limits,
    hasher: RandomState,
    counters: Mutex<Counters>,
}

struct Counters {
    minute: i64,
    signed_in: HashMap<String, u32>,
    networks: Vec<u32>,
}

/// The state of a client's quota in the current minute.
#[derive(Debug, PartialEq, Eq)]
pub struct QuotaStatus {
    /// Requests allowed per minute.
    pub limit: u32,
    /// Requests that remain in this minute.
    pub remaining: u32,
    /// Seconds until the next minute begins.
    pub reset_seconds: u64,
    /// Whether this request exceeds the limit.
    pub is_exceeded: bool,
}

impl Quota {
    /// Creates counters with these limits.
    pub fn new(limits: Limits) -> Self {
        let counters = Counters { minute: 0, signed_in: HashMap::new(), networks: vec![0; NETWORK_COUNTERS] };
        Self { limits, hasher: RandomState::new(), counters: Mutex::new(counters) }
    }

    /// Counts a request. Returns the quota that the client has left.
    pub fn count(&self, client: QuotaKey, now: DateTime<Utc>) -> QuotaStatus {
        let (minute, second) = (now.timestamp().div_euclid(MINUTE_SECONDS), now.timestamp().rem_euclid(MINUTE_SECONDS));
        // The counters stay valid after a panic.
        let mut counters = self.counters.lock().unwrap_or_else(PoisonError::into_inner);
        if counters.minute != minute {
            counters.minute = minute;
            counters.signed_in.clear();
            counters.networks.fill(0);
        }
        let (requests, limit) = match client {
            QuotaKey::SignedIn(id) => (counters.signed_in.entry(id).or_default(), self.limits.signed_in),
            QuotaKey::Anonymous(network) => (&mut counters.networks[self.counter_index(&network)], self.limits.anonymous),
        };
        *requests = requests.saturating_add(1);
        let seconds = (MINUTE_SECONDS - second).unsigned_abs();
        QuotaStatus { limit, remaining: limit.saturating_sub(*requests), reset_seconds: seconds, is_exceeded: *requests > limit }
    }

    fn counter_index(&self, network: &str) -> usize {
        // The remainder is smaller than the number of counters, which fits.
        (self.hasher.hash_one(network) % NETWORK_COUNTERS as u64) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::foundation::client::network::network;

    fn second(second: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(600 + second, 0).unwrap()
    }

    /// LIM-5
    #[test]
    fn each_client_has_its_own_quota() {
        let quota = Quota::new(API_LIMITS);
        let count = |id: &str, at: i64| quota.count(QuotaKey::SignedIn(id.to_owned()), second(at));
        for _ in 1..1_200 {
            count("a", 0);
        }
        assert_eq!(count("a", 0), QuotaStatus { limit: 1_200, remaining: 0, reset_seconds: 60, is_exceeded: false });
        assert!(count("a", 0).is_exceeded && !count("b", 0).is_exceeded);
        assert_eq!(count("a", 59), QuotaStatus { limit: 1_200, remaining: 0, reset_seconds: 1, is_exceeded: true });
        assert!(!count("a", 60).is_exceeded);
    }

    /// LIM-5: requests from more networks than there are counters take no more memory and do not affect anybody who is signed in.
    #[test]
    fn a_flood_from_many_networks_takes_bounded_memory() {
        let quota = Quota::new(Limits { signed_in: 1, anonymous: 2 });
        let networks = (0..4 * NETWORK_COUNTERS as u128).map(|n| network(std::net::Ipv6Addr::from(n << 64).into()));
        let refused = networks.filter(|network| quota.count(QuotaKey::Anonymous(network.clone()), second(0)).is_exceeded).count();
        assert!(refused > NETWORK_COUNTERS, "{refused}");
        assert!(!quota.count(QuotaKey::SignedIn("a".to_owned()), second(0)).is_exceeded);
        let counters = quota.counters.lock().unwrap();
        assert_eq!((counters.networks.len(), counters.signed_in.len()), (NETWORK_COUNTERS, 1));
    }
}
