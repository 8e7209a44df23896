//! Where a sign-in leads, and why one is needed.

use chrono::Duration;
use serde::{Deserialize, Serialize};

use crate::{
    sessions::model::{EndReason, HOME},
    ui::{plain_form::Flash, time::span},
};

/// A path of this site that a sign-in may lead to (WEB-6).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Next(String);

impl Next {
    /// What `next=` says, if it is a path of this site; else home. A browser reads `//x` and `/\x` as another host, and
    /// drops tabs and line breaks before it reads.
    pub fn parse(text: &str) -> Self {
        let is_path = text.starts_with('/') && !text.starts_with("//");
        let is_plain = text.chars().all(|c| c.is_ascii_graphic() && c != '\\');
        let hides_a_host = text.to_ascii_lowercase().starts_with("/%2f") || text.to_ascii_lowercase().starts_with("/%5c");
        if is_path && is_plain && !hides_a_host && text.len() <= 512 { Self(text.to_owned()) } else { Self(HOME.to_owned()) }
    }

    /// The path.
    pub fn path(&self) -> &str {
        &self.0
    }
}

/// What the login page has to say before anything is typed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Welcome {
    /// Why the last session ended, if one did.
    pub ended: Option<String>,
    /// No account exists yet: how to make the first one.
    pub is_first_start: bool,
    /// What the page before wants said, and what was typed before.
    pub flash: Flash,
}

/// Why a session ended, to its person.
pub fn in_words(reason: EndReason, idle_timeout: Duration) -> Option<String> {
    Some(match reason {
        EndReason::SignedOut | EndReason::Replaced => return None,
        EndReason::Revoked => "You were signed out from another device.".to_owned(),
        EndReason::RevokedByAdministrator => "An administrator signed you out.".to_owned(),
        EndReason::Idle => format!("Your session ended after {} without use. Sign in to go on.", span(idle_timeout)),
        EndReason::TooOld => "Your session reached its greatest age. Sign in to go on.".to_owned(),
        EndReason::Displaced => "You were signed in at too many places, so this one, longest unused, was signed out.".to_owned(),
        EndReason::AccountDisabled => "You were signed out. To sign in again, ask your administrator.".to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// WEB-6
    #[test]
    fn next_leads_to_this_site_alone() {
        for good in ["/", "/plants/7?tab=a#b", "/profile?next=https://x"] {
            assert_eq!(Next::parse(good).path(), good);
        }
        let bad = [
            "",
            "x",
            "//x",
            "/\\x",
            "\\\\x",
            "https:x",
            "https://x",
            "javascript:alert(1)",
            "/\t/x",
            "/\n/x",
            " /x",
            "/%2fx",
            "/%5Cx",
            "/%2F%2Fx",
            "/a b",
            "/é",
            "\u{0}",
        ];
        for bad in bad {
            assert_eq!(Next::parse(bad).path(), HOME, "{bad:?}");
        }
    }

    proptest::proptest! {
        /// WEB-6: whatever is sent, what comes out starts with one slash and another character than a slash.
        #[test]
        fn next_never_leaves(text in ".{0,40}") {
            let next = Next::parse(&text);
            let rest = next.path().strip_prefix('/').unwrap();
            proptest::prop_assert!(!rest.starts_with(['/', '\\']));
        }
    }

    #[test]
    fn an_end_is_told_in_words() {
        let words = in_words(EndReason::Idle, Duration::days(14)).unwrap();
        assert_eq!(words, "Your session ended after 14 days without use. Sign in to go on.");
        assert_eq!(in_words(EndReason::SignedOut, Duration::days(14)), None);
    }
}
