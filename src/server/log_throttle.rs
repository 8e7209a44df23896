//! Log lines about events that an attacker can cause as often as they like.

use chrono::{DateTime, TimeDelta, Utc};

const INTERVAL: TimeDelta = TimeDelta::minutes(1);

/// Allows one log line a minute, and counts the events that it stands for.
#[derive(Default)]
pub struct LogThrottle {
    events: u64,
    last_line: Option<DateTime<Utc>>,
}

impl LogThrottle {
    /// Counts an event. Returns how many there were since the last line if a line is due, else `None`.
    pub fn count(&mut self, now: DateTime<Utc>) -> Option<u64> {
        self.events += 1;
        if self.last_line.is_some_and(|last| now - last < INTERVAL) {
            return None;
        }
        self.last_line = Some(now);
        Some(std::mem::take(&mut self.events))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_is_one_line_a_minute() {
        let (mut throttle, start) = (LogThrottle::default(), DateTime::UNIX_EPOCH);
        let mut at = |second: i64| throttle.count(start + TimeDelta::seconds(second));
        assert_eq!([at(0), at(0), at(59), at(60), at(61), at(200)], [Some(1), None, None, Some(3), None, Some(2)]);
    }
}
