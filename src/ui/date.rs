//! Dates as the server formats them, and the time zones that it knows.

use chrono::{DateTime, Datelike, Utc};
use chrono_tz::{TZ_VARIANTS, Tz};

/// Formats a day: "2 May 2026".
pub fn date(time: DateTime<Utc>) -> String {
    time.format("%-d %B %Y").to_string()
}

/// Formats a day in a time zone (an IANA name; UTC if it is unknown): "2 May", with the year unless it is the current one.
pub fn day(time: DateTime<Utc>, zone: &str, now: DateTime<Utc>) -> String {
    let (time, now) = (in_zone(time, zone), in_zone(now, zone));
    let format = if time.year() == now.year() { "%-d %B" } else { "%-d %B %Y" };
    time.format(format).to_string()
}

/// Formats the last day of something that ends at a time, like [`day`]: what ends at midnight lasts until the day before.
pub fn last_day(end: DateTime<Utc>, zone: &str, now: DateTime<Utc>) -> String {
    day(end - chrono::Duration::seconds(1), zone, now)
}

/// Formats a moment in a time zone: "at 11:43" on the current day, "on 2 May at 11:43" on any other.
pub fn moment(time: DateTime<Utc>, zone: &str, now: DateTime<Utc>) -> String {
    let is_today = in_zone(time, zone).date_naive() == in_zone(now, zone).date_naive();
    let clock = time_of_day(time, zone);
    if is_today { format!("at {clock}") } else { format!("on {} at {clock}", day(time, zone, now)) }
}

/// Formats a moment of the last weeks in a time zone: "today at 11:43", "yesterday", or the day as [`day`] does.
pub fn recent_day(time: DateTime<Utc>, zone: &str, now: DateTime<Utc>) -> String {
    match (in_zone(now, zone).date_naive() - in_zone(time, zone).date_naive()).num_days() {
        0 => format!("today at {}", time_of_day(time, zone)),
        1 => "yesterday".to_owned(),
        _ => day(time, zone, now),
    }
}

/// Formats the time of the day in a time zone: "11:43".
pub fn time_of_day(time: DateTime<Utc>, zone: &str) -> String {
    in_zone(time, zone).format("%H:%M").to_string()
}

fn in_zone(time: DateTime<Utc>, zone: &str) -> DateTime<Tz> {
    time.with_timezone(&zone.parse().unwrap_or(Tz::UTC))
}

/// Returns the IANA names of all time zones.
pub fn time_zones() -> impl Iterator<Item = &'static str> {
    TZ_VARIANTS.iter().map(|zone| zone.name())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        DateTime::parse_from_rfc3339(text).unwrap().to_utc()
    }

    #[test]
    fn days_and_moments_are_in_the_time_zone() {
        let now = at("2026-05-12T09:43:00Z");
        let cases = [
            ("2026-05-12T09:43:00Z", "12 May", "at 11:43"),
            ("2026-05-11T22:30:00Z", "12 May", "at 00:30"),
            ("2026-05-11T21:30:00Z", "11 May", "on 11 May at 23:30"),
            ("2025-12-31T23:30:00Z", "1 January", "on 1 January at 00:30"),
            ("2025-09-09T12:00:00Z", "9 September 2025", "on 9 September 2025 at 14:00"),
        ];
        for (time, on, when) in cases {
            assert_eq!((day(at(time), "Europe/Berlin", now).as_str(), moment(at(time), "Europe/Berlin", now).as_str()), (on, when));
        }
        let recent = ["2026-05-11T22:30:00Z", "2026-05-11T21:30:00Z", "2026-05-10T21:30:00Z"];
        assert_eq!(recent.map(|time| recent_day(at(time), "Europe/Berlin", now)), ["today at 00:30", "yesterday", "10 May"]);
        assert_eq!(time_of_day(now, "Nowhere/At-All"), "09:43");
    }
}
