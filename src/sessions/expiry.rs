//! Session expiry. The only place that computes it (ASVS 7.3.1, 7.3.2).

use chrono::{DateTime, Duration, Utc};

use crate::{foundation::config::Lifetimes, sessions::model::EndReason};

/// The two expiry times of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Expiry {
    /// Last use plus the idle timeout.
    pub idle: DateTime<Utc>,
    /// Sign-in plus the absolute timeout.
    pub absolute: DateTime<Utc>,
}

impl Expiry {
    /// Computes the expiry of a session from its sign-in and its last use.
    pub fn new(lifetimes: &Lifetimes, created_at: DateTime<Utc>, last_active_at: DateTime<Utc>) -> Self {
        let add = |time: DateTime<Utc>, timeout| time + Duration::from_std(timeout).expect("timeouts are at most ten years");
        Self { idle: add(last_active_at, lifetimes.idle_timeout), absolute: add(created_at, lifetimes.absolute_timeout) }
    }

    /// Returns the earlier of the two times.
    pub fn at(&self) -> DateTime<Utc> {
        self.idle.min(self.absolute)
    }

    /// Returns why the session has expired; `None` if it has not. It has expired from the expiry time on, not only after it (SES-4).
    pub fn reason(&self, now: DateTime<Utc>) -> Option<EndReason> {
        let reason = if self.absolute <= self.idle { EndReason::AbsoluteTimeout } else { EndReason::IdleTimeout };
        (self.at() <= now).then_some(reason)
    }
}

/// Cutoff times for SQL: sessions that were created or last used at these times or before have expired.
#[derive(Debug, Clone, Copy)]
pub struct Cutoffs {
    /// Sign-in time of the newest session past the absolute timeout.
    pub created: DateTime<Utc>,
    /// Last use of the newest session past the idle timeout.
    pub used: DateTime<Utc>,
}

impl Cutoffs {
    /// Computes the cutoffs for the time `now`.
    pub fn at(lifetimes: &Lifetimes, now: DateTime<Utc>) -> Self {
        let subtract = |timeout| now - Duration::from_std(timeout).expect("timeouts are at most ten years");
        Self { created: subtract(lifetimes.absolute_timeout), used: subtract(lifetimes.idle_timeout) }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration as StdDuration;

    use proptest::prelude::*;

    use super::*;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(seconds, 0).unwrap()
    }

    fn lifetimes(idle: u64, absolute: u64) -> Lifetimes {
        let seconds = StdDuration::from_secs;
        Lifetimes { idle_timeout: seconds(idle), absolute_timeout: seconds(absolute), online_window: seconds(1) }
    }

    proptest! {
        /// SES-4: both timeouts take effect exactly at the expiry time, and the SQL cutoffs agree with Rust.
        #[test]
        fn sessions_expire_at_the_exact_time(idle in 1..1000u64, absolute in 1..1000u64, created in 0..1000i64, used in 0..1000i64) {
            let (lifetimes, last) = (lifetimes(idle, absolute), created + used);
            let expiry = Expiry::new(&lifetimes, at(created), at(last));
            let end = (last + idle as i64).min(created + absolute as i64);
            prop_assert_eq!(expiry.at(), at(end));
            prop_assert!(expiry.reason(at(end)).is_some());
            prop_assert!(expiry.reason(at(end) - Duration::microseconds(1)).is_none());
            for now in [at(end), at(end) - Duration::microseconds(1)] {
                let cutoffs = Cutoffs::at(&lifetimes, now);
                prop_assert_eq!(at(created) <= cutoffs.created || at(last) <= cutoffs.used, expiry.reason(now).is_some());
            }
        }
    }

    #[test]
    fn the_reason_is_the_timeout_that_came_first() {
        assert_eq!(Expiry::new(&lifetimes(10, 100), at(0), at(0)).reason(at(10)), Some(EndReason::IdleTimeout));
        assert_eq!(Expiry::new(&lifetimes(10, 100), at(0), at(95)).reason(at(100)), Some(EndReason::AbsoluteTimeout));
    }
}
