//! What an API token is, as its owner sees it, and what one may be asked for.

use chrono::{DateTime, Duration, Months, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{access::Group, error::AppError, foundation::ids::TokenId, ui::plain_form::with_query};

/// The tab.
pub const PAGE: &str = "/profile?tab=api-tokens";
/// The page that makes a token.
pub const NEW: &str = "/profile/tokens/new";
const ROTATE: &str = "/profile/tokens/rotate";

/// So many live tokens a person has at most.
pub const MOST_A_PERSON: i64 = 64;
/// How long a token lives if nobody says, in months: a year.
pub const USUAL_LIFE: Months = Months::new(12);
/// How long it lives at most, in months: 5 years.
pub const LONGEST_LIFE: Months = Months::new(60);
/// So long the secret before a rotation goes on working at most.
pub const LONGEST_GRACE: Duration = Duration::hours(24);
/// So long before it expires its owner is told.
pub const TOLD_BEFORE: Duration = Duration::days(14);
/// A use counts as one of the last days for so long.
pub const LATELY: Duration = Duration::days(7);
/// Longer names are refused, in characters.
const LONGEST_NAME: usize = 64;

/// An API token. Nothing in it opens anything: its secret is shown once, and never again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ApiToken {
    /// Names the row.
    pub id: TokenId,
    /// What its owner calls it.
    pub name: String,
    /// What it may do.
    pub group: Group,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it ends by itself.
    pub expires_at: DateTime<Utc>,
    /// Its last use; none if it was never used.
    pub last_use: Option<LastUse>,
}

/// When and by whom an API token was last used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct LastUse {
    /// When.
    pub at: DateTime<Utc>,
    /// From which address.
    pub ip: String,
    /// From where: "London, United Kingdom".
    pub location: String,
    /// The country, ISO 3166-1, two capitals.
    pub country_code: Option<String>,
    /// By what: "curl".
    pub client: String,
}

/// What somebody asks a new token to be.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, ToSchema)]
#[schema(as = TokenRequest)]
#[serde(deny_unknown_fields)]
pub struct Wanted {
    /// What to call it: 1 to 64 characters in one line.
    #[schema(min_length = 1, max_length = 64)]
    pub name: String,
    /// What it may do.
    pub group: Group,
    /// When it is to end: in a year unless said, within 5 years.
    #[serde(default)]
    pub expires_at: Option<DateTime<Utc>>,
}

/// How a token is to be given a new secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Rotation {
    /// So many seconds the secret before goes on working: none unless said, a day at most.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 86400)]
    pub grace_seconds: u32,
    /// When the token is to end: as before unless said, within 5 years.
    #[serde(default)]
    pub expires_at: Option<DateTime<Utc>>,
}

impl Wanted {
    /// Its name, if it can be one.
    pub fn check_name(&self) -> Result<&str, AppError> {
        let name = self.name.trim();
        let fits = (1..=LONGEST_NAME).contains(&name.chars().count()) && !name.chars().any(char::is_control);
        if fits { Ok(name) } else { Err(AppError::invalid("name", "A name has 1 to 64 characters, in one line.")) }
    }
}

impl Rotation {
    /// How long the secret before goes on working.
    pub fn grace(self) -> Result<Duration, AppError> {
        let grace = Duration::seconds(self.grace_seconds.into());
        if grace <= LONGEST_GRACE {
            Ok(grace)
        } else {
            Err(AppError::invalid("grace_seconds", "The grace is at most 86400 seconds: 24 hours."))
        }
    }
}

/// When a token may end: after now, and within 5 years.
pub fn check_expiry(asked: DateTime<Utc>, now: DateTime<Utc>) -> Result<DateTime<Utc>, AppError> {
    let fits = asked > now && asked <= now + LONGEST_LIFE;
    let words = "A token expires in the future, and within 5 years.";
    if fits { Ok(asked) } else { Err(AppError::invalid("expires_at", words)) }
}

/// The page that rotates this token.
pub fn rotation_path(id: &str) -> String {
    with_query(ROTATE, &[("id", id)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_expires_within_five_years() {
        let at = |text: &str| DateTime::parse_from_rfc3339(text).unwrap().to_utc();
        let now = at("2026-06-01T12:00:00Z");
        for good in ["2026-06-01T12:00:01Z", "2031-06-01T12:00:00Z"] {
            assert!(check_expiry(at(good), now).is_ok(), "{good}");
        }
        for bad in ["2026-06-01T12:00:00Z", "2026-05-31T12:00:00Z", "2031-06-01T12:00:01Z", "9999-12-31T23:59:59Z"] {
            assert!(check_expiry(at(bad), now).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_name_is_one_short_line() {
        let named = |name: &str| Wanted { name: name.to_owned(), group: Group::Full, expires_at: None }.check_name().map(str::to_owned);
        assert_eq!(named("  backup job "), Ok("backup job".to_owned()));
        assert!(named(&"é".repeat(64)).is_ok());
        for bad in ["", "  ", "a\nb", "a\u{7}", &"x".repeat(65)] {
            assert!(named(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_grace_is_at_most_a_day() {
        let grace = |grace_seconds| Rotation { grace_seconds, expires_at: None }.grace();
        assert_eq!(grace(86_400), Ok(Duration::days(1)));
        assert!(grace(86_401).is_err());
    }
}
