//! How many requests each client of the API made in the running minute. In memory, a node each: whoever guesses passwords or codes is
//! counted elsewhere, in the database.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use chrono::{DateTime, Utc};

/// So many requests a minute are answered.
pub const MOST_A_MINUTE: u32 = 1_200;
const MINUTE: i64 = 60;

/// The counts of this minute: the next one begins with none.
#[derive(Default)]
pub struct Quota(Mutex<(i64, HashMap<String, u32>)>);

/// What is left of a client's minute.
#[derive(Debug, PartialEq, Eq)]
pub struct Left {
    /// How many requests more.
    pub requests: u32,
    /// In how many seconds the next minute begins.
    pub seconds: u64,
    /// Whether this request was one too many.
    pub is_over: bool,
}

impl Quota {
    /// Counts a request of this client.
    pub fn count(&self, client: String, now: DateTime<Utc>) -> Left {
        let (minute, second) = (now.timestamp().div_euclid(MINUTE), now.timestamp().rem_euclid(MINUTE));
        // Whoever panicked here left a count that is whole.
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if counts.0 != minute {
            *counts = (minute, HashMap::new());
        }
        let made = counts.1.entry(client).or_default();
        *made = made.saturating_add(1);
        let seconds = (MINUTE - second).unsigned_abs();
        Left { requests: MOST_A_MINUTE.saturating_sub(*made), seconds, is_over: *made > MOST_A_MINUTE }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// LIM-5
    #[test]
    fn each_client_has_a_minute_of_its_own() {
        let (quota, now) = (Quota::default(), DateTime::from_timestamp(600, 0).unwrap());
        let last = (0..MOST_A_MINUTE).map(|_| quota.count("a".to_owned(), now)).last();
        assert_eq!(last, Some(Left { requests: 0, seconds: 60, is_over: false }));
        assert!(quota.count("a".to_owned(), now).is_over && !quota.count("b".to_owned(), now).is_over);
        let later = DateTime::from_timestamp(659, 0).unwrap();
        assert_eq!(quota.count("a".to_owned(), later), Left { requests: 0, seconds: 1, is_over: true });
        assert!(!quota.count("a".to_owned(), DateTime::from_timestamp(660, 0).unwrap()).is_over);
    }
}
