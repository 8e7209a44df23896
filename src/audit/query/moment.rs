//! Days and times in a query.

use std::fmt;

use chrono::{DateTime, Datelike, Days, FixedOffset, NaiveDate, NaiveDateTime, NaiveTime, Offset, TimeDelta, TimeZone, Timelike, Utc};
use chrono_tz::{GapInfo, Tz};

/// A day, minute, second or microsecond. Without an offset it is in the time zone of the reader.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moment {
    local: NaiveDateTime,
    precision: Precision,
    offset: Option<FixedOffset>,
}

/// How much of a time is written, and so how long it lasts. Databases store microseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Precision {
    Day,
    Minute,
    Second,
    Microsecond,
}

impl Moment {
    /// Parses `2026-05-01`, or a time such as `2026-05-01T10:00`, with or without seconds and the offset of RFC 3339.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let Some((date, time)) = text.split_once(['T', 't', ' ']) else {
            return Some(Self { local: parse_date(text)?.and_time(NaiveTime::MIN), precision: Precision::Day, offset: None });
        };
        let (time, offset) = split_offset(time)?;
        let (time, precision) = parse_time(time)?;
        Some(Self { local: parse_date(date)?.and_time(time), precision, offset })
    }

    /// Returns the first instant. A local time that occurs twice begins with its first occurrence, and one that clocks skip when they are
    /// put forward begins, and ends, at the change.
    pub(super) fn start(&self, tz: Tz) -> DateTime<Utc> {
        match self.offset {
            Some(offset) => (self.local - offset).and_utc(),
            None => first_instant(self.local, tz),
        }
    }

    /// Returns the instant at which it is over. A local time that occurs twice ends with its second occurrence.
    pub(super) fn end(&self, tz: Tz) -> DateTime<Utc> {
        let duration = match self.precision {
            Precision::Day => return first_instant(self.local + Days::new(1), tz),
            Precision::Minute => TimeDelta::minutes(1),
            Precision::Second => TimeDelta::seconds(1),
            Precision::Microsecond => TimeDelta::microseconds(1),
        };
        if self.offset.is_some() {
            return self.start(tz) + duration;
        }
        let last = tz.from_local_datetime(&self.local).latest();
        last.map_or_else(|| self.start(tz), |last| last.to_utc() + duration)
    }

    /// Returns whether it is after another one, for certain in every time zone.
    pub(super) fn is_after(&self, other: &Self) -> bool {
        match (self.offset, other.offset) {
            (None, None) if self.precision == Precision::Day || other.precision == Precision::Day => self.local.date() > other.local.date(),
            (None, None) => self.local > other.local,
            (Some(offset), Some(other_offset)) => self.local - offset > other.local - other_offset,
            _ => false,
        }
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let format = match self.precision {
            Precision::Day => "%Y-%m-%d",
            Precision::Minute => "%Y-%m-%dT%H:%M",
            Precision::Second => "%Y-%m-%dT%H:%M:%S",
            Precision::Microsecond => "%Y-%m-%dT%H:%M:%S%.6f",
        };
        self.local.format(format).fmt(f)?;
        match self.offset {
            Some(offset) if offset.local_minus_utc() == 0 => f.write_str("Z"),
            Some(offset) => offset.fmt(f),
            None => Ok(()),
        }
    }
}

/// Returns the first instant at or after which clocks show a local time.
pub fn first_instant(local: NaiveDateTime, tz: Tz) -> DateTime<Utc> {
    let first = tz.from_local_datetime(&local).earliest().or_else(|| GapInfo::new(&local, &tz)?.end);
    first.map_or_else(|| local.and_utc(), |first| first.to_utc()) // a local time exists, or is in a gap that ends
}

fn parse_date(text: &str) -> Option<NaiveDate> {
    let date: NaiveDate = text.parse().ok()?;
    (1970..=9999).contains(&date.year()).then_some(date)
}

/// Parses a time without an offset. Leap seconds are refused, because no clock of a database has them.
fn parse_time(text: &str) -> Option<(NaiveTime, Precision)> {
    let formats = [("%H:%M", Precision::Minute), ("%H:%M:%S", Precision::Second), ("%H:%M:%S%.f", Precision::Microsecond)];
    let (time, precision) =
        formats.into_iter().find_map(|(format, precision)| Some((NaiveTime::parse_from_str(text, format).ok()?, precision)))?;
    let microseconds = (time.nanosecond() < 1_000_000_000).then(|| time.nanosecond() / 1_000)?;
    Some((time.with_nanosecond(microseconds * 1_000)?, precision))
}

/// Divides a time from its offset: `Z` or such as `+02:00`. Returns `None` for an invalid offset.
fn split_offset(text: &str) -> Option<(&str, Option<FixedOffset>)> {
    if let Some(time) = text.strip_suffix(['Z', 'z']) {
        return Some((time, Some(Utc.fix())));
    }
    match text.find(['+', '-']) {
        Some(position) => Some((&text[..position], Some(text[position..].parse().ok()?))),
        None => Some((text, None)),
    }
}
