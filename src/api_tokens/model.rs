//! Types and limits of API tokens, as their owner sees them.

use chrono::{DateTime, Duration, Months, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{access::Group, error::AppError, foundation::ids::TokenId, ui::form_response::with_query};

/// Path of the tab.
pub const PAGE: &str = "/profile?tab=api-tokens";
/// Path of the page that creates a token.
pub const NEW_TOKEN_PAGE: &str = "/profile/tokens/new";
const ROTATE_PAGE: &str = "/profile/tokens/rotate";

/// Unexpired tokens per user.
pub const MAX_TOKENS_PER_USER: i64 = 64;
/// Lifetime of a token unless another is requested: a year.
pub const DEFAULT_LIFETIME_MONTHS: Months = Months::new(12);
/// Longest lifetime of a token: 5 years.
pub const MAX_LIFETIME_MONTHS: Months = Months::new(60);
/// Longest time for which a previous secret keeps working after a rotation.
pub const MAX_GRACE_PERIOD: Duration = Duration::hours(24);
/// How long before a token expires its owner is reminded.
pub const EXPIRY_REMINDER: Duration = Duration::days(14);
/// Uses within this period count as recent.
pub const RECENT_USE_PERIOD: Duration = Duration::days(7);
/// Longer names are refused, in characters.
const MAX_NAME_CHARS: usize = 64;

/// An API token, without its secret, which is shown only once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ApiToken {
    /// Unique id.
    pub id: TokenId,
    /// Name chosen by the owner.
    pub name: String,
    /// Permission group: what the token may do.
    pub group: Group,
    /// Time of creation.
    pub created_at: DateTime<Utc>,
    /// When it expires.
    pub expires_at: DateTime<Utc>,
    /// The last use. Null if it was never used.
    pub last_use: Option<LastUse>,
}

/// The last use of an API token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct LastUse {
    /// Time of the use.
    pub at: DateTime<Utc>,
    /// IP address.
    pub ip: String,
    /// Approximate location, for example "London, United Kingdom".
    pub location: String,
    /// ISO 3166-1 alpha-2 code of the country.
    pub country_code: Option<String>,
    /// Client, for example "curl".
    pub client: String,
}

/// A request to create an API token.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, ToSchema)]
#[schema(as = TokenRequest)]
#[serde(deny_unknown_fields)]
pub struct TokenRequest {
    /// Name: 1 to 64 characters, no line breaks.
    #[schema(min_length = 1, max_length = 64)]
    pub name: String,
    /// Permission group: what the token may do.
    pub group: Group,
    /// When it expires. Defaults to one year from now, at most 5 years.
    #[serde(default)]
    pub expires_at: Option<DateTime<Utc>>,
}

/// A request to rotate an API token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Rotation {
    /// Seconds for which the previous secret keeps working. Defaults to 0, at most 86,400.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 86400)]
    pub grace_seconds: u32,
    /// New expiry of the token, at most 5 years from now. Defaults to the current expiry.
    #[serde(default)]
    pub expires_at: Option<DateTime<Utc>>,
}

impl TokenRequest {
    /// Returns the trimmed name.
    ///
    /// Errors: it does not have 1 to 64 characters in one line.
    pub fn check_name(&self) -> Result<&str, AppError> {
        let name = self.name.trim();
        let fits = (1..=MAX_NAME_CHARS).contains(&name.chars().count()) && !name.chars().any(char::is_control);
        if fits { Ok(name) } else { Err(AppError::invalid("name", "A name has 1 to 64 characters and no line breaks.")) }
    }
}

impl Rotation {
    /// Returns how long the previous secret keeps working.
    ///
    /// Errors: longer than [`MAX_GRACE_PERIOD`].
    pub fn grace_period(self) -> Result<Duration, AppError> {
        let grace = Duration::seconds(self.grace_seconds.into());
        if grace <= MAX_GRACE_PERIOD {
            Ok(grace)
        } else {
            Err(AppError::invalid("grace_seconds", "The grace period is at most 86,400 seconds (24 hours)."))
        }
    }
}

/// Returns a requested expiry.
///
/// Errors: it is not after `now` and within [`MAX_LIFETIME_MONTHS`].
pub fn check_expiry(requested: DateTime<Utc>, now: DateTime<Utc>) -> Result<DateTime<Utc>, AppError> {
    let fits = requested > now && requested <= now + MAX_LIFETIME_MONTHS;
    let words = "The expiry must be in the future and within 5 years.";
    if fits { Ok(requested) } else { Err(AppError::invalid("expires_at", words)) }
}

/// Returns the path of the page that rotates this token.
pub fn rotation_path(id: &str) -> String {
    with_query(ROTATE_PAGE, &[("id", id)])
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
        let named =
            |name: &str| TokenRequest { name: name.to_owned(), group: Group::Full, expires_at: None }.check_name().map(str::to_owned);
        assert_eq!(named("  backup job "), Ok("backup job".to_owned()));
        assert!(named(&"é".repeat(64)).is_ok());
        for bad in ["", "  ", "a\nb", "a\u{7}", &"x".repeat(65)] {
            assert!(named(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_grace_is_at_most_a_day() {
        let grace = |grace_seconds| Rotation { grace_seconds, expires_at: None }.grace_period();
        assert_eq!(grace(86_400), Ok(Duration::days(1)));
        assert!(grace(86_401).is_err());
    }
}
