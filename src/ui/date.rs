//! Dates as the server writes them, and the time zones that it knows.

use chrono::{DateTime, Utc};
use chrono_tz::TZ_VARIANTS;

/// A day: "2 May 2026".
pub fn date(time: DateTime<Utc>) -> String {
    time.format("%-d %B %Y").to_string()
}

/// The names of all time zones.
pub fn time_zones() -> impl Iterator<Item = &'static str> {
    TZ_VARIANTS.iter().map(|zone| zone.name())
}
