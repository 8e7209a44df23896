//! Rate limits: how many requests each client made in the current minute. In memory, for each node: guesses of passwords and codes are
//! counted elsewhere, in the database.

use std::{
    collections::HashMap,
    hash::{BuildHasher, RandomState},
    sync::{Mutex, PoisonError},
};

use chrono::{DateTime, Utc};

const MINUTE_SECONDS: i64 = 60;
/// Counters of networks. However many networks an attacker has, they take 256 KiB.
const NETWORK_COUNTERS: usize = 65_536;

/// Requests a minute that are answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// To each session or API token.
    pub signed_in: u32,
    /// To each network whose requests have none.
    pub anonymous: u32,
}

/// The limits of the API.
pub const API: Limits = Limits { signed_in: 1_200, anonymous: 1_200 };
/// The limits of server functions: the forms and buttons of pages.
pub const SERVER_FUNCTIONS: Limits = Limits { signed_in: 600, anonymous: 300 };

/// Who is counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Counted {
    /// A session or an API token, by its id.
    SignedIn(String),
    /// The network of a client that is not signed in, by its name ([`network`](crate::foundation::network::network)).
    Anonymous(String),
}

/// The counters of the current minute.
///
/// Those of signed-in clients are exact, and as many as there are sessions and API tokens in use. Those of networks are a fixed number,
/// by a keyed hash: two networks that share one (1 in 65,536) share its limit. So a flood from very many networks may refuse other
/// anonymous clients, but never takes more memory, and never refuses anybody who is signed in.
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

/// What is left of a client's minute.
#[derive(Debug, PartialEq, Eq)]
pub struct Left {
    /// Requests that were allowed in this minute.
    pub limit: u32,
    /// Requests that remain.
    pub requests: u32,
    /// Seconds until the next minute begins.
    pub seconds: u64,
    /// Whether this request was one too many.
    pub is_over: bool,
}

impl Quota {
    /// Counters with these limits.
    pub fn new(limits: Limits) -> Self {
        let counters = Counters { minute: 0, signed_in: HashMap::new(), networks: vec![0; NETWORK_COUNTERS] };
        Self { limits, hasher: RandomState::new(), counters: Mutex::new(counters) }
    }

    /// Counts a request of this client.
    pub fn count(&self, client: Counted, now: DateTime<Utc>) -> Left {
        let (minute, second) = (now.timestamp().div_euclid(MINUTE_SECONDS), now.timestamp().rem_euclid(MINUTE_SECONDS));
        // Whoever panicked here left counters that are whole.
        let mut counters = self.counters.lock().unwrap_or_else(PoisonError::into_inner);
        if counters.minute != minute {
            counters.minute = minute;
            counters.signed_in.clear();
            counters.networks.fill(0);
        }
        let (made, limit) = match client {
            Counted::SignedIn(id) => (counters.signed_in.entry(id).or_default(), self.limits.signed_in),
            Counted::Anonymous(network) => (&mut counters.networks[self.counter_of(&network)], self.limits.anonymous),
        };
        *made = made.saturating_add(1);
        let seconds = (MINUTE_SECONDS - second).unsigned_abs();
        Left { limit, requests: limit.saturating_sub(*made), seconds, is_over: *made > limit }
    }

    fn counter_of(&self, network: &str) -> usize {
        // The remainder is smaller than the number of counters, which fits.
        (self.hasher.hash_one(network) % NETWORK_COUNTERS as u64) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::foundation::network::network;

    fn second(second: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(600 + second, 0).unwrap()
    }

    /// LIM-5
    #[test]
    fn each_client_has_a_minute_of_its_own() {
        let quota = Quota::new(API);
        let count = |id: &str, at: i64| quota.count(Counted::SignedIn(id.to_owned()), second(at));
        for _ in 1..1_200 {
            count("a", 0);
        }
        assert_eq!(count("a", 0), Left { limit: 1_200, requests: 0, seconds: 60, is_over: false });
        assert!(count("a", 0).is_over && !count("b", 0).is_over);
        assert_eq!(count("a", 59), Left { limit: 1_200, requests: 0, seconds: 1, is_over: true });
        assert!(!count("a", 60).is_over);
    }

    /// LIM-5: requests from more networks than there are counters take no more memory, and nobody who is signed in is refused.
    #[test]
    fn a_flood_from_many_networks_is_bounded() {
        let quota = Quota::new(Limits { signed_in: 1, anonymous: 2 });
        let networks = (0..4 * NETWORK_COUNTERS as u128).map(|n| network(std::net::Ipv6Addr::from(n << 64).into()));
        let refused = networks.filter(|network| quota.count(Counted::Anonymous(network.clone()), second(0)).is_over).count();
        assert!(refused > NETWORK_COUNTERS, "{refused}");
        assert!(!quota.count(Counted::SignedIn("a".to_owned()), second(0)).is_over);
        let counters = quota.counters.lock().unwrap();
        assert_eq!((counters.networks.len(), counters.signed_in.len()), (NETWORK_COUNTERS, 1));
    }
}
