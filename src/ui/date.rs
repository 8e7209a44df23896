//! Dates and times as the server writes them.

use chrono::{DateTime, Utc};
use chrono_tz::{TZ_VARIANTS, Tz};

/// A day: "2 May 2026".
pub fn date(time: DateTime<Utc>) -> String {
    time.format("%-d %B %Y").to_string()
}

/// A time in somebody's own time zone: "2026-11-23 23:43:00 CET".
pub fn local(time: DateTime<Utc>, time_zone: &str) -> String {
    let zone: Tz = time_zone.parse().unwrap_or(Tz::UTC); // one that is known no more
    time.with_timezone(&zone).format("%Y-%m-%d %H:%M:%S %Z").to_string()
}

/// The names of all time zones.
pub fn time_zones() -> impl Iterator<Item = &'static str> {
    TZ_VARIANTS.iter().map(|zone| zone.name())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_told_where_somebody_is() {
        let time = DateTime::from_timestamp(1_790_000_000, 0).unwrap();
        assert_eq!(local(time, "Europe/Berlin"), "2026-09-21 16:13:20 CEST");
        assert_eq!(local(time, "Nowhere/At-All"), "2026-09-21 14:13:20 UTC");
        assert!(time_zones().any(|zone| zone == "America/Sao_Paulo"));
    }
}
