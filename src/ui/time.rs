//! Times in words, and the one clock of a page that they are told by.

use chrono::{DateTime, Duration, Utc};
use leptos::prelude::*;
use serde::{Deserialize, Deserializer, de::Error as _};

use crate::ui::dynamic::words;

/// How long ago: "just now", "3 minutes ago", "yesterday".
pub fn ago(now: DateTime<Utc>, time: DateTime<Utc>) -> String {
    let past = now - time;
    match past {
        _ if past < Duration::minutes(1) => "just now".to_owned(),
        _ if past < Duration::days(1) => format!("{} ago", span(past)),
        _ if past < Duration::days(2) => "yesterday".to_owned(),
        _ => format!("{} ago", span(past)),
    }
}

/// How far ahead: "in 13 days". Rounded, where [`ago`] counts what has passed: a session of 14 days says so for its first hours.
pub fn ahead(now: DateTime<Utc>, time: DateTime<Utc>) -> String {
    let left = time - now;
    match left {
        _ if left <= Duration::zero() => "now".to_owned(),
        _ if left < Duration::minutes(1) => "in less than a minute".to_owned(),
        _ => format!("in {}", rounded_span(left)),
    }
}

fn rounded_span(left: Duration) -> String {
    let unit = if left >= Duration::hours(23) + Duration::minutes(30) {
        Duration::days(1)
    } else if left >= Duration::minutes(59) + Duration::seconds(30) {
        Duration::hours(1)
    } else {
        Duration::minutes(1)
    };
    span(left + unit / 2)
}

/// A span in its largest unit: "14 days", "1 hour".
pub fn span(length: Duration) -> String {
    let (count, unit) = match length {
        _ if length >= Duration::days(1) => (length.num_days(), "day"),
        _ if length >= Duration::hours(1) => (length.num_hours(), "hour"),
        _ if length >= Duration::minutes(1) => (length.num_minutes(), "minute"),
        _ => (length.num_seconds(), "second"),
    };
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {unit}{plural}")
}

/// The exact time in this time zone (an IANA name; UTC where it is not known): "2026-11-23 23:43:00 GMT+01:00".
#[cfg(feature = "ssr")]
pub fn exact(time: DateTime<Utc>, zone: &str) -> String {
    let zone: chrono_tz::Tz = zone.parse().unwrap_or(chrono_tz::Tz::UTC);
    name_utc(time.with_timezone(&zone).format("%Y-%m-%d %H:%M:%S GMT%:z").to_string())
}

/// The same by the browser's own time zones, which a page need not load.
#[cfg(feature = "hydrate")]
pub fn exact(time: DateTime<Utc>, zone: &str) -> String {
    use js_sys::{Date, Function, Object, Reflect};
    let milliseconds = time.timestamp_millis() as f64; // whole for the next 285,000 years
    let written = |zone: &str| {
        let (date, options) = (Date::new(&milliseconds.into()), Object::new());
        Reflect::set(&options, &"timeZone".into(), &zone.into()).ok()?;
        Reflect::set(&options, &"timeZoneName".into(), &"longOffset".into()).ok()?;
        let write: Function = Reflect::get(&date, &"toLocaleString".into()).ok()?.into();
        // Swedish: the one locale that writes times as ISO 8601 does.
        write.call2(&date, &"sv-SE".into(), &options).ok()?.as_string()
    };
    // A browser may not know every name.
    name_utc(written(zone).or_else(|| written("UTC")).unwrap_or_default().replace('\u{2212}', "-"))
}

/// Calls an offset of zero "UTC". Browsers write "GMT", and Chromium from 156 on "GMT+00:00".
fn name_utc(text: String) -> String {
    let zero = ["GMT+00:00", "GMT"].into_iter().find_map(|zero| text.strip_suffix(zero));
    zero.map(|time| format!("{time}UTC")).unwrap_or(text)
}

/// The time zone that a page's times are told in: its person's.
#[derive(Clone, Copy)]
pub struct TimeZone(StoredValue<String>);

impl TimeZone {
    /// Has this page tell times in that zone.
    pub fn provide(name: String) {
        provide_context(Self(StoredValue::new(name)));
    }

    /// The page's.
    pub fn of_page() -> Self {
        use_context().unwrap_or_else(|| Self(StoredValue::new("UTC".to_owned())))
    }

    /// The exact time in it.
    pub fn exact(self, time: DateTime<Utc>) -> String {
        self.0.with_value(|zone| exact(time, zone))
    }
}

/// Reads a time as RFC 3339 writes it. chrono's own reader takes many more forms, which a page would load for nothing.
pub fn read<'de, D: Deserializer<'de>>(from: D) -> Result<DateTime<Utc>, D::Error> {
    let text = String::deserialize(from)?;
    DateTime::parse_from_rfc3339(&text).map(|time| time.to_utc()).map_err(D::Error::custom)
}

/// A time that a person reads in words and a program in full.
#[component]
pub fn Time(
    /// Which.
    #[prop(into)]
    time: Signal<DateTime<Utc>>,
    /// How it is told.
    #[prop(into)]
    told: Signal<String>,
) -> impl IntoView {
    let zone = TimeZone::of_page();
    view! { <time datetime=words(move || time.get().to_rfc3339()) title=words(move || zone.exact(time.get()))>{told}</time> }
}

/// The page's clock: seeded by the server, so that what it rendered and what takes over never differ; then it goes.
#[derive(Clone, Copy)]
pub struct PageClock(RwSignal<DateTime<Utc>>);

impl PageClock {
    /// One that stands at `now` until it is started.
    pub fn new(now: DateTime<Utc>) -> Self {
        Self(RwSignal::new(now))
    }

    /// The time.
    pub fn now(self) -> DateTime<Utc> {
        self.0.get()
    }

    /// Lets it go by the browser's clock, of which only the differences count.
    #[cfg(feature = "hydrate")]
    pub fn start(self) {
        let (server, browser) = (self.0.get_untracked(), js_sys::Date::now());
        let tick = move || {
            let passed = js_sys::Date::now() - browser;
            self.0.set(server + Duration::milliseconds(passed as i64));
        };
        if let Ok(ticking) = set_interval_with_handle(tick, std::time::Duration::from_secs(1)) {
            on_cleanup(move || ticking.clear());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(seconds, 0).unwrap()
    }

    #[test]
    fn exact_times_are_told_where_somebody_is() {
        let time = at(1_790_000_000);
        assert_eq!(exact(time, "Europe/Berlin"), "2026-09-21 16:13:20 GMT+02:00");
        assert_eq!(exact(time, "America/St_Johns"), "2026-09-21 11:43:20 GMT-02:30");
        for zone in ["UTC", "Europe/London", "Nowhere/At-All"] {
            assert_eq!(exact(at(1_800_000_000), zone), "2027-01-15 08:00:00 UTC");
        }
    }

    #[test]
    fn an_offset_of_zero_is_utc_however_a_browser_writes_it() {
        for zero in ["GMT", "GMT+00:00"] {
            assert_eq!(name_utc(format!("2027-01-15 08:00:00 {zero}")), "2027-01-15 08:00:00 UTC");
        }
        for other in ["2027-01-15 08:00:00 GMT+01:00", "2027-01-15 08:00:00 GMT-00:30", ""] {
            assert_eq!(name_utc(other.to_owned()), other);
        }
    }

    #[test]
    fn the_past_is_told_in_words() {
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
    fn the_future_is_told_in_words() {
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
