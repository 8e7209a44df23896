//! Relative and exact times, and the clock of a page that they are based on.

use leptos::prelude::*;

use crate::foundation::timestamp::{DAY, HOUR, MINUTE, SECOND, Timestamp};
#[cfg(feature = "ssr")]
use crate::foundation::utc_offsets;
#[cfg(feature = "hydrate")]
use crate::foundation::utc_offsets::UtcOffsets;

const TWO_DAYS: i64 = 2 * DAY;

/// Formats how long ago a time was: "just now", "3 minutes ago", "yesterday".
pub fn ago(now: impl Into<Timestamp>, time: impl Into<Timestamp>) -> String {
    match now.into().since(time) {
        ..MINUTE => "just now".to_owned(),
        DAY..TWO_DAYS => "yesterday".to_owned(),
        past => span(past) + " ago",
    }
}

/// Formats how far ahead a time is: "in 13 days". Rounded to the nearest unit, while [`ago`] rounds down, so that a session of 14 days
/// shows "14 days" in its first hours.
pub fn ahead(now: impl Into<Timestamp>, time: impl Into<Timestamp>) -> String {
    match time.into().since(now) {
        ..=0 => "now".to_owned(),
        1..MINUTE => "in less than a minute".to_owned(),
        left => "in ".to_owned() + &rounded_span(left),
    }
}

fn rounded_span(left: i64) -> String {
    let unit = match left {
        _ if left >= DAY - HOUR / 2 => DAY,
        _ if left >= HOUR - MINUTE / 2 => HOUR,
        _ => MINUTE,
    };
    span(left + unit / 2)
}

/// Formats a duration in milliseconds in its largest unit: "14 days", "1 hour".
pub fn span(length: i64) -> String {
    let (unit, name) = match length {
        DAY.. => (DAY, " day"),
        HOUR.. => (HOUR, " hour"),
        MINUTE.. => (MINUTE, " minute"),
        _ => (SECOND, " second"),
    };
    let count = length / unit;
    count.to_string() + name + if count == 1 { "" } else { "s" }
}

/// Formats the exact time in a time zone (an IANA name; UTC if it is unknown): "2026-11-23 23:43:00 GMT+01:00".
#[cfg(feature = "ssr")]
pub fn exact(time: impl Into<Timestamp>, zone: &str) -> String {
    let time = time.into();
    exact_at(time, utc_offsets::of_zone_at(zone, time))
}

/// Formats the exact time at an offset from UTC in minutes.
fn exact_at(time: Timestamp, offset: i16) -> String {
    let local = iso(time.plus_millis(i64::from(offset) * MINUTE));
    let part = |range| local.get(range).unwrap_or_default();
    [part(0..10), " ", part(11..19), " ", &offset_name(offset)].concat()
}

/// Names an offset from UTC in minutes: "GMT+01:00", or "UTC".
fn offset_name(offset: i16) -> String {
    if offset == 0 {
        return "UTC".to_owned();
    }
    let two_digits = |number: u16| if number < 10 { "0".to_owned() + &number.to_string() } else { number.to_string() };
    let minutes = offset.unsigned_abs();
    [if offset < 0 { "GMT-" } else { "GMT+" }, &two_digits(minutes / 60), ":", &two_digits(minutes % 60)].concat()
}

/// Formats a time for machines: RFC 3339 with milliseconds, as browsers write it.
#[cfg(feature = "ssr")]
fn iso(time: Timestamp) -> String {
    chrono::DateTime::<chrono::Utc>::from(time).to_rfc3339_opts(chrono::SecondsFormat::Millis, true)
}

/// Formats a time for machines.
#[cfg(feature = "hydrate")]
fn iso(time: Timestamp) -> String {
    let date = js_sys::Date::new(&(time.as_millis() as f64).into()); // exact for the next 285,000 years
    date.to_iso_string().into()
}

/// The time zone of a page's times, which is the user's. The server knows it by its name, the browser by its offsets.
#[derive(Clone, Copy)]
pub struct TimeZone(StoredValue<Zone>);

#[cfg(feature = "ssr")]
type Zone = String;
#[cfg(feature = "hydrate")]
type Zone = UtcOffsets;

impl TimeZone {
    /// Sets the time zone of this page.
    pub fn provide(zone: Zone) {
        provide_context(Self(StoredValue::new(zone)));
    }

    /// Returns the time zone of this page, which must have been set.
    pub fn of_page() -> Self {
        expect_context()
    }

    /// Formats the exact time in this zone.
    pub fn exact(self, time: Timestamp) -> String {
        #[cfg(feature = "ssr")]
        return self.0.with_value(|zone| exact(time, zone));
        #[cfg(feature = "hydrate")]
        self.0.with_value(|zone| exact_at(time, zone.at(time)))
    }
}

/// A time in words, with its exact value in the `datetime` and `title` attributes.
#[component]
pub fn Time(
    /// The time.
    #[prop(into)]
    time: Signal<Timestamp>,
    /// The time in words.
    #[prop(into)]
    text: Signal<String>,
) -> impl IntoView {
    let zone = TimeZone::of_page();
    let datetime = Signal::derive(move || iso(time.get()));
    let title = Signal::derive(move || zone.exact(time.get()));
    view! { <time datetime=datetime title=title>{text}</time> }
}

/// The page's clock. It starts with the server's time, so that the server's HTML and hydration never differ.
#[derive(Clone, Copy)]
pub struct PageClock(RwSignal<Timestamp>);

impl PageClock {
    /// Creates a clock that stays at `now` until it is started.
    pub fn new(now: Timestamp) -> Self {
        Self(RwSignal::new(now))
    }

    /// Returns the time of the clock.
    pub fn now(self) -> Timestamp {
        self.0.get()
    }

    /// Starts the clock, for the lifetime of the page. It uses only differences of the browser's clock, which may be wrong and which showed
    /// `loaded_at` milliseconds at the clock's first time.
    #[cfg(feature = "hydrate")]
    pub fn start(self, loaded_at: f64) {
        let first = self.0.get_untracked();
        let tick = move || self.0.set(first.plus_millis((js_sys::Date::now() - loaded_at) as i64));
        set_interval(tick, std::time::Duration::from_secs(1));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_millis(seconds * SECOND)
    }

    #[test]
    fn exact_times_are_in_the_time_zone_of_the_user() {
        let time = at(1_790_000_000);
        assert_eq!(exact(time, "Europe/Berlin"), "2026-09-21 16:13:20 GMT+02:00");
        assert_eq!(exact(time, "America/St_Johns"), "2026-09-21 11:43:20 GMT-02:30");
        for zone in ["UTC", "Europe/London", "Nowhere/At-All"] {
            assert_eq!(exact(at(1_800_000_000), zone), "2027-01-15 08:00:00 UTC");
        }
    }

    #[test]
    fn past_times_are_in_words() {
        let cases = [
            (0, "just now"),
            (59, "just now"),
            (60, "1 minute ago"),
            (179, "2 minutes ago"),
            (3600, "1 hour ago"),
            (86_399, "23 hours ago"),
            (86_400, "yesterday"),
            (172_800, "2 days ago"),
            (86_400 * 40, "40 days ago"),
        ];
        for (seconds, words) in cases {
            assert_eq!(ago(at(seconds), at(0)), words);
        }
    }

    #[test]
    fn future_times_are_in_words() {
        let days = 86_400;
        let cases = [
            (14 * days, "in 14 days"),
            (14 * days - 1, "in 14 days"),
            (13 * days + 3600, "in 13 days"),
            (days - 1, "in 1 day"),
            (7200, "in 2 hours"),
            (3599, "in 1 hour"),
            (90, "in 2 minutes"),
            (60, "in 1 minute"),
            (59, "in less than a minute"),
            (0, "now"),
            (-5, "now"),
        ];
        for (seconds, words) in cases {
            assert_eq!(ahead(at(0), at(seconds)), words, "{seconds}");
        }
    }
}
