//! Points in time that server and browser share. The browser has no calendar of its own to load: it counts, and leaves formatting to
//! its built-in `Date`.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Milliseconds per second, minute, hour and day.
pub const SECOND: i64 = 1_000;
/// See [`SECOND`].
pub const MINUTE: i64 = 60 * SECOND;
/// See [`SECOND`].
pub const HOUR: i64 = 60 * MINUTE;
/// See [`SECOND`].
pub const DAY: i64 = 24 * HOUR;

/// A point in time: microseconds since 1970 in UTC, the precision of both databases.
///
/// In JSON it is RFC 3339; in the messages of a page it is the number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Timestamp(i64);

impl Timestamp {
    /// Creates a time from milliseconds since 1970.
    pub const fn from_millis(milliseconds: i64) -> Self {
        Self(milliseconds.saturating_mul(1_000))
    }

    /// Returns the milliseconds since 1970, rounded down.
    pub fn as_millis(self) -> i64 {
        self.0.div_euclid(1_000)
    }

    /// Returns the milliseconds that have passed since another time; negative if that is later.
    pub fn since(self, other: impl Into<Self>) -> i64 {
        self.0.saturating_sub(other.into().0) / 1_000
    }

    /// Returns the time that is so many milliseconds later.
    #[must_use]
    pub fn plus_millis(self, milliseconds: i64) -> Self {
        Self(self.0.saturating_add(milliseconds.saturating_mul(1_000)))
    }
}

#[cfg(feature = "ssr")]
impl From<chrono::DateTime<chrono::Utc>> for Timestamp {
    fn from(time: chrono::DateTime<chrono::Utc>) -> Self {
        Self(time.timestamp_micros())
    }
}

#[cfg(feature = "ssr")]
impl From<Timestamp> for chrono::DateTime<chrono::Utc> {
    fn from(time: Timestamp) -> Self {
        Self::from_timestamp_micros(time.0).unwrap_or_default() // out of range only for years that no clock shows
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        #[cfg(feature = "ssr")]
        if to.is_human_readable() {
            return chrono::DateTime::<chrono::Utc>::from(*self).serialize(to);
        }
        self.0.serialize(to)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        #[cfg(feature = "ssr")]
        if from.is_human_readable() {
            return chrono::DateTime::<chrono::Utc>::deserialize(from).map(Self::from);
        }
        i64::deserialize(from).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_has_rfc_3339_and_messages_have_the_number() {
        let time = Timestamp(1_790_000_000_123_456);
        let json = serde_json::to_string(&time).unwrap();
        assert_eq!(json, "\"2026-09-21T14:13:20.123456Z\"");
        assert_eq!(serde_json::from_str::<Timestamp>(&json).unwrap(), time);
        let bytes = postcard::to_allocvec(&time).unwrap();
        assert_eq!(postcard::from_bytes::<Timestamp>(&bytes).unwrap(), time);
        assert!(bytes.len() < 10, "{bytes:?}");
    }

    #[test]
    fn differences_are_in_milliseconds() {
        let time = Timestamp::from_millis(5_000);
        assert_eq!((time.since(Timestamp::from_millis(2_000)), time.since(Timestamp::from_millis(6_000))), (3_000, -1_000));
        assert_eq!(time.plus_millis(DAY).as_millis(), 86_405_000);
    }
}
