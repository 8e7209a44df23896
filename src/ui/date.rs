//! Dates as the server formats them, and the time zones that it knows.

use chrono::{DateTime, Utc};
use chrono_tz::TZ_VARIANTS;

/// Formats a day: "2 May 2026".
pub fn date(time: DateTime<Utc>) -> String {
    time.format("%-d %B %Y").to_string()
}

/// Returns the IANA names of all time zones.
pub fn time_zones() -> impl Iterator<Item = &'static str> {
    TZ_VARIANTS.iter().map(|zone| zone.name())
}
