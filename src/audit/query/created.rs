//! The periods of `created:`.

use std::fmt;

use chrono::{DateTime, Days, Months, TimeDelta, Utc};
use chrono_tz::Tz;

use super::{
    error::QueryError,
    moment::{Moment, first_instant},
};

/// The period of a query without `created:`.
pub const DEFAULT_PERIOD: Created = Created::Last(3, Unit::Months);

/// The largest number in "last 3 months".
const MAX_COUNT: u16 = 9_999;

/// A period.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Created {
    /// `all`: no limit.
    All,
    /// `last 3 months`: so many units before now. Days, weeks and months are those of the calendar, at the same time of the day.
    Last(u16, Unit),
    /// `>=2026-05-01`: from its start.
    Since(Moment),
    /// `>2026-05-01`: from its end.
    After(Moment),
    /// `<2026-05-01`: until its start.
    Before(Moment),
    /// `<=2026-05-01`: until its end.
    Until(Moment),
    /// `2026-05-01..2026-05-03`: from the start of the first to the end of the second.
    Between(Moment, Moment),
    /// `2026-05-01`: from its start to its end.
    During(Moment),
}

/// A unit of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// 60 minutes, also where clocks change.
    Hours,
    /// Days of the calendar.
    Days,
    /// Seven days.
    Weeks,
    /// Months of the calendar: a month before 31 March is the last day of February.
    Months,
}

/// A start or an end of a period.
#[derive(Debug, Clone, Copy)]
pub(super) enum Edge<'a> {
    StartOf(&'a Moment),
    EndOf(&'a Moment),
    Ago(u16, Unit),
}

/// Creates a period that one moment limits.
type Limit = fn(Moment) -> Created;

/// Operators before a moment. Those with two characters come first.
const OPERATORS: [(&str, Limit); 4] = [(">=", Created::Since), ("<=", Created::Until), (">", Created::After), ("<", Created::Before)];

impl Created {
    /// Parses the value of `created:`. Returns `None` if it is not a period.
    pub(super) fn parse(text: &str) -> Option<Self> {
        if text.eq_ignore_ascii_case("all") {
            return Some(Self::All);
        }
        if let Some((operator, limit)) = OPERATORS.into_iter().find(|(operator, _)| text.starts_with(operator)) {
            return Moment::parse(text[operator.len()..].trim_start()).map(limit);
        }
        if let Some((first, last)) = text.split_once("..") {
            return Some(Self::Between(Moment::parse(first.trim_end())?, Moment::parse(last.trim_start())?));
        }
        parse_last(text).or_else(|| Moment::parse(text).map(Self::During))
    }

    /// Returns the start. `None` if there is no limit.
    pub(super) fn start(&self) -> Option<Edge<'_>> {
        match self {
            Self::Since(moment) | Self::Between(moment, _) | Self::During(moment) => Some(Edge::StartOf(moment)),
            Self::After(moment) => Some(Edge::EndOf(moment)),
            Self::Last(count, unit) => Some(Edge::Ago(*count, *unit)),
            Self::All | Self::Before(_) | Self::Until(_) => None,
        }
    }

    /// Returns the end. `None` if there is no limit.
    pub(super) fn end(&self) -> Option<Edge<'_>> {
        match self {
            Self::Before(moment) => Some(Edge::StartOf(moment)),
            Self::Until(moment) | Self::Between(_, moment) | Self::During(moment) => Some(Edge::EndOf(moment)),
            Self::All | Self::Last(..) | Self::Since(_) | Self::After(_) => None,
        }
    }
}

impl fmt::Display for Created {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_str("all"),
            Self::Last(1, unit) => write!(f, "last 1 {}", unit.singular()),
            Self::Last(count, unit) => write!(f, "last {count} {}s", unit.singular()),
            Self::Since(moment) => write!(f, ">={moment}"),
            Self::After(moment) => write!(f, ">{moment}"),
            Self::Before(moment) => write!(f, "<{moment}"),
            Self::Until(moment) => write!(f, "<={moment}"),
            Self::Between(first, last) => write!(f, "{first}..{last}"),
            Self::During(moment) => moment.fmt(f),
        }
    }
}

impl Unit {
    fn singular(self) -> &'static str {
        match self {
            Self::Hours => "hour",
            Self::Days => "day",
            Self::Weeks => "week",
            Self::Months => "month",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        let text = text.to_ascii_lowercase();
        let singular = text.strip_suffix('s').unwrap_or(&text);
        [Self::Hours, Self::Days, Self::Weeks, Self::Months].into_iter().find(|unit| unit.singular() == singular)
    }
}

impl Edge<'_> {
    /// Returns the instant in a time zone. `None` if it is before all times.
    pub(super) fn instant(self, now: DateTime<Utc>, tz: Tz) -> Option<DateTime<Utc>> {
        match self {
            Self::StartOf(moment) => Some(moment.start(tz)),
            Self::EndOf(moment) => Some(moment.end(tz)),
            Self::Ago(count, unit) => ago(count, unit, now, tz),
        }
    }

    fn moment(&self) -> Option<&Moment> {
        match self {
            Self::StartOf(moment) | Self::EndOf(moment) => Some(moment),
            Self::Ago(..) => None,
        }
    }
}

/// Checks that the values of `created:` are one period: there is at most one start and one end, and the start is first.
pub(super) fn check(periods: &[&Created]) -> Result<(), QueryError> {
    let starts: Vec<_> = periods.iter().filter_map(|period| period.start()).collect();
    let ends: Vec<_> = periods.iter().filter_map(|period| period.end()).collect();
    let is_contradictory = periods.len() > 1 && periods.contains(&&Created::All);
    if starts.len() > 1 || ends.len() > 1 || is_contradictory {
        return Err(QueryError::SeveralPeriods);
    }
    match (starts.first().and_then(Edge::moment), ends.first().and_then(Edge::moment)) {
        (Some(start), Some(end)) if start.is_after(end) => {
            Err(QueryError::ReversedPeriod { start: start.to_string(), end: end.to_string() })
        }
        _ => Ok(()),
    }
}

/// Parses "last 3 months".
fn parse_last(text: &str) -> Option<Created> {
    let mut words = text.split_whitespace();
    let is_last = words.next()?.eq_ignore_ascii_case("last");
    let count = words.next()?.parse().ok().filter(|count| (1..=MAX_COUNT).contains(count))?;
    let unit = Unit::parse(words.next()?)?;
    (is_last && words.next().is_none()).then_some(Created::Last(count, unit))
}

fn ago(count: u16, unit: Unit, now: DateTime<Utc>, tz: Tz) -> Option<DateTime<Utc>> {
    let local = now.with_timezone(&tz).naive_local();
    let before = match unit {
        Unit::Hours => return now.checked_sub_signed(TimeDelta::hours(count.into())),
        Unit::Days => local.checked_sub_days(Days::new(count.into())),
        Unit::Weeks => local.checked_sub_days(Days::new(7 * u64::from(count))),
        Unit::Months => local.checked_sub_months(Months::new(count.into())),
    };
    before.map(|before| first_instant(before, tz))
}
