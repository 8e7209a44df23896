//! Dates as the server writes them.

use chrono::{DateTime, Utc};

/// A day: "2 May 2026".
pub fn date(time: DateTime<Utc>) -> String {
    time.format("%-d %B %Y").to_string()
}
