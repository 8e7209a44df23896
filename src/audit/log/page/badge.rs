//! The badge of the last verification, which opens to what it means and what to do.

use chrono::{DateTime, TimeDelta, Utc};
use leptos::prelude::*;

use crate::{
    audit::verify::{store::VerificationRow, worker::MIN_INCREMENT},
    foundation::timestamp::Timestamp,
    ui::{icon::Icon, number::format_count, time::ago},
};

/// After these times, a verification counts as late: a log of so many events is verified as a whole every ten minutes, a larger one within
/// a day.
const LATE: TimeDelta = TimeDelta::hours(1);
const LATE_IF_LARGE: TimeDelta = TimeDelta::hours(26);

/// What the badge says.
struct Badge {
    class: &'static str,
    icon: Icon,
    words: String,
    /// Number of events that were verified. `None`: none were.
    size: Option<i64>,
    explanation: String,
}

/// Renders the badge.
pub fn badge(verification: Option<&VerificationRow>, now: DateTime<Utc>) -> impl IntoView + use<> {
    let Badge { class, icon, words, size, explanation } = describe(verification, now);
    let checkpoint = size.map(|size| view! { <span class="checkpoint">" · checkpoint "{format_count(size)}</span> });
    view! {
        <button type="button" class=class popovertarget="verification">{icon.draw()}<span>{words}{checkpoint}</span></button>
        <div id="verification" class="drop-menu explanation" popover="auto">
            <p>{explanation}</p>
            <p>"To verify it yourself, run "<code>"whereabouts audit verify"</code>" on the server, or download the receipt of an event."</p>
            <a href="/audit/checkpoint" download="checkpoint">"Checkpoint"<small>"The signed tree of all events"</small></a>
            <a href="/audit/key" download="key">"Key"<small>"Verifies checkpoints and receipts"</small></a>
        </div>
    }
}

fn describe(verification: Option<&VerificationRow>, now: DateTime<Utc>) -> Badge {
    let Some(VerificationRow { verified_at, size, bad_seq, why }) = verification else {
        let explanation =
            "The server verifies the log by parts, every ten minutes: a small one as a whole, a large one within a day.".to_owned();
        return Badge { class: "verified is-late", icon: Icon::Shield, words: "Not verified yet".to_owned(), size: None, explanation };
    };
    if let Some(why) = why {
        let words = bad_seq.map_or_else(|| "The log was changed".to_owned(), |seq| format!("Event {} was changed", format_count(seq)));
        let explanation = format!(
            "The last verification found: {why}. Somebody changed the database without this program. Keep a copy of it and of the data \
             folder as they are, and compare them with a backup and with checkpoints that were kept elsewhere."
        );
        return Badge { class: "verified is-bad", icon: Icon::ShieldAlert, words, size: None, explanation };
    }
    let since = ago(Timestamp::from(now), Timestamp::from(*verified_at));
    let explanation = "Every event, the tree and its checkpoints were computed again, and nothing was changed, removed, moved or added.";
    let late = if *size <= MIN_INCREMENT { LATE } else { LATE_IF_LARGE };
    let (class, explanation) = if now - *verified_at > late {
        ("verified is-late", format!("{explanation} This was some time ago: the log of the server says why it was not repeated."))
    } else {
        ("verified", explanation.to_owned())
    };
    Badge { class, icon: Icon::ShieldOn, words: format!("Verified {since}"), size: Some(*size), explanation }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_badge_is_green_only_after_a_recent_verification_that_passed() {
        let now: DateTime<Utc> = "2026-06-01T12:00:00Z".parse().unwrap();
        let says = |minutes: i64, bad_seq: Option<i64>, why: Option<&str>| {
            let row =
                VerificationRow { verified_at: now - TimeDelta::minutes(minutes), size: 48_213, bad_seq, why: why.map(str::to_owned) };
            let badge = describe(Some(&row), now);
            (badge.class, badge.words)
        };
        assert_eq!(says(12, None, None), ("verified", "Verified 12 minutes ago".to_owned()));
        assert_eq!(says(61, None, None), ("verified is-late", "Verified 1 hour ago".to_owned()));
        assert_eq!(says(1, Some(48_190), Some("its entry was changed")), ("verified is-bad", "Event 48,190 was changed".to_owned()));
        assert_eq!(says(1, None, Some("a checkpoint")), ("verified is-bad", "The log was changed".to_owned()));
        assert_eq!(describe(None, now).words, "Not verified yet");
        let large = |hours| VerificationRow { verified_at: now - TimeDelta::hours(hours), size: 1_000_000, bad_seq: None, why: None };
        assert_eq!([25, 27].map(|hours| describe(Some(&large(hours)), now).class), ["verified", "verified is-late"]);
    }
}
