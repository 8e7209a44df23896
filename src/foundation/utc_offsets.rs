//! The offsets of a time zone from UTC over some years: with them a browser formats times like the server, without time zone data.

use serde::{Deserialize, Serialize};

use crate::foundation::timestamp::Timestamp;

/// Offsets from UTC, in minutes east.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UtcOffsets {
    /// The offset before the first change.
    first: i16,
    /// When the offset changes and what it is from then on, in order of time.
    changes: Vec<(Timestamp, i16)>,
}

impl UtcOffsets {
    /// Returns the offset at this time. Outside the years that are covered it is that of their first or last day.
    pub fn at(&self, time: Timestamp) -> i16 {
        self.changes.iter().rev().find(|(from, _)| *from <= time).map_or(self.first, |&(_, offset)| offset)
    }

    /// Returns the offsets of a time zone (an IANA name; UTC if it is unknown) from one time to another.
    #[cfg(feature = "ssr")]
    pub fn of_zone(zone: &str, from: impl Into<Timestamp>, until: impl Into<Timestamp>) -> Self {
        use crate::foundation::timestamp::DAY;
        /// Below the shortest time between two changes, which is six days and 23 hours (Palestine, 2040).
        const STEP: i64 = 3 * DAY;
        let (zone, until) = (time_zone(zone), until.into());
        let mut time = whole_second(from.into());
        let first = offset_at(zone, time);
        let (mut changes, mut before) = (Vec::new(), first);
        while time < until {
            let next = time.plus_millis(STEP);
            let after = offset_at(zone, next);
            if before != after {
                changes.push((first_second_with(after, zone, time, next), after));
            }
            (time, before) = (next, after);
        }
        Self { first, changes }
    }
}

/// Returns the offset of a time zone (an IANA name; UTC if it is unknown) at a time, in minutes east.
#[cfg(feature = "ssr")]
pub fn of_zone_at(zone: &str, time: Timestamp) -> i16 {
    offset_at(time_zone(zone), time)
}

#[cfg(feature = "ssr")]
fn time_zone(name: &str) -> chrono_tz::Tz {
    name.parse().unwrap_or(chrono_tz::Tz::UTC)
}

#[cfg(feature = "ssr")]
fn offset_at(zone: chrono_tz::Tz, time: Timestamp) -> i16 {
    use chrono::{Offset, TimeZone};
    let time = chrono::DateTime::<chrono::Utc>::from(time).naive_utc();
    (zone.offset_from_utc_datetime(&time).fix().local_minus_utc() / 60) as i16 // less than a day
}

#[cfg(feature = "ssr")]
fn whole_second(time: Timestamp) -> Timestamp {
    use crate::foundation::timestamp::SECOND;
    Timestamp::from_millis(time.as_millis().div_euclid(SECOND) * SECOND)
}

/// Returns the first second after `from` at which a zone has this offset, if it changes to it once, by `until`.
#[cfg(feature = "ssr")]
fn first_second_with(offset: i16, zone: chrono_tz::Tz, mut from: Timestamp, mut until: Timestamp) -> Timestamp {
    use crate::foundation::timestamp::SECOND;
    while until.since(from) > SECOND {
        let middle = whole_second(from.plus_millis(until.since(from) / 2));
        if offset_at(zone, middle) == offset {
            until = middle;
        } else {
            from = middle;
        }
    }
    until
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::foundation::timestamp::{DAY, SECOND};

    const NOW: Timestamp = Timestamp::from_millis(1_790_000_000 * SECOND);

    #[test]
    fn offsets_change_in_the_very_second() {
        let offsets = UtcOffsets::of_zone("Europe/Berlin", NOW, NOW.plus_millis(90 * DAY));
        let end_of_summer_time = Timestamp::from_millis(1_792_890_000 * SECOND); // 2026-10-25 01:00:00 UTC
        assert_eq!(offsets, UtcOffsets { first: 120, changes: vec![(end_of_summer_time, 60)] });
        assert_eq!((offsets.at(end_of_summer_time.plus_millis(-1)), offsets.at(end_of_summer_time)), (120, 60));
    }

    #[test]
    fn unknown_zones_are_utc() {
        assert_eq!(UtcOffsets::of_zone("Nowhere/At-All", NOW, NOW.plus_millis(900 * DAY)), UtcOffsets { first: 0, changes: Vec::new() });
    }

    proptest! {
        #[test]
        fn offsets_are_those_of_the_zone(zone in 0..chrono_tz::TZ_VARIANTS.len(), seconds in 0..700 * 86_400_i64) {
            let zone = chrono_tz::TZ_VARIANTS[zone].name();
            let offsets = UtcOffsets::of_zone(zone, NOW, NOW.plus_millis(700 * DAY));
            let time = NOW.plus_millis(seconds * SECOND);
            prop_assert_eq!(offsets.at(time), of_zone_at(zone, time), "{}", zone);
        }
    }
}
