//! When a session ends by itself: the one place that computes it (ASVS 7.3.1, 7.3.2).

use chrono::{DateTime, Duration, Utc};

use crate::{foundation::config::Lifetimes, sessions::model::EndReason};

/// Both clocks of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Expiry {
    /// Last use and the idle timeout.
    pub idle: DateTime<Utc>,
    /// Sign-in and the absolute timeout.
    pub absolute: DateTime<Utc>,
}

impl Expiry {
    /// Of a session that signed in and was last used then.
    pub fn of(lifetimes: &Lifetimes, created_at: DateTime<Utc>, last_active_at: DateTime<Utc>) -> Self {
        let after = |time: DateTime<Utc>, timeout| time + Duration::from_std(timeout).expect("timeouts are at most ten years");
        Self { idle: after(last_active_at, lifetimes.idle_timeout), absolute: after(created_at, lifetimes.absolute_timeout) }
    }

    /// The nearer of the two.
    pub fn at(&self) -> DateTime<Utc> {
        self.idle.min(self.absolute)
    }

    /// Why the session is over at `now`, if it is: at the very second, not after it (SES-4).
    pub fn reason(&self, now: DateTime<Utc>) -> Option<EndReason> {
        let reason = if self.absolute <= self.idle { EndReason::TooOld } else { EndReason::Idle };
        (self.at() <= now).then_some(reason)
    }
}

/// The latest sign-in and the latest use of sessions that are over at `now`, for SQL.
#[derive(Debug, Clone, Copy)]
pub struct Cutoffs {
    /// Whoever signed in then or before is over.
    pub created: DateTime<Utc>,
    /// Whoever was last used then or before is over.
    pub used: DateTime<Utc>,
}

impl Cutoffs {
    /// At `now`.
    pub fn at(lifetimes: &Lifetimes, now: DateTime<Utc>) -> Self {
        let before = |timeout| now - Duration::from_std(timeout).expect("timeouts are at most ten years");
        Self { created: before(lifetimes.absolute_timeout), used: before(lifetimes.idle_timeout) }
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
        /// SES-4: both clocks hold at the very second, and SQL's cutoffs say the same as Rust.
        #[test]
        fn both_clocks_hold_at_the_very_second(idle in 1..1000u64, absolute in 1..1000u64, created in 0..1000i64, used in 0..1000i64) {
            let (lifetimes, last) = (lifetimes(idle, absolute), created + used);
            let expiry = Expiry::of(&lifetimes, at(created), at(last));
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
    fn the_reason_is_the_clock_that_came_first() {
        assert_eq!(Expiry::of(&lifetimes(10, 100), at(0), at(0)).reason(at(10)), Some(EndReason::Idle));
        assert_eq!(Expiry::of(&lifetimes(10, 100), at(0), at(95)).reason(at(100)), Some(EndReason::TooOld));
    }
}
