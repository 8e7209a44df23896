//! What the browser may know of an account, and what an account may be called.

use serde::{Deserialize, Serialize};

use crate::{error::AppError, foundation::ids::UserId};

/// An account, as its owner sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(sqlx::FromRow))]
pub struct Account {
    /// Its id.
    #[cfg_attr(feature = "ssr", sqlx(rename = "user_id"))]
    pub id: UserId,
    /// The name to sign in by.
    pub username: String,
    /// The address to sign in by, and to be told by.
    pub email: String,
    /// The person's name; the username until another is given.
    pub name: String,
    /// Whether this person administers the service.
    pub is_admin: bool,
}

/// 3 to 32 letters, digits, dots, dashes and underscores, a letter or digit first.
pub fn check_username(username: &str) -> Result<(), AppError> {
    let fits = (3..=32).contains(&username.chars().count())
        && username.starts_with(|c: char| c.is_ascii_alphanumeric())
        && username.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_'));
    let words = "A username has 3 to 32 letters, digits, dots, dashes and underscores, and starts with a letter or digit.";
    if fits { Ok(()) } else { Err(AppError::invalid("username", words)) }
}

/// One @ with something on both sides, no spaces and no control characters (ALT-4): whether it receives mail, only a mail can tell.
pub fn check_email(email: &str) -> Result<(), AppError> {
    let parts = email.split_once('@').is_some_and(|(local, domain)| !local.is_empty() && !domain.is_empty() && !domain.contains('@'));
    let fits = parts && email.len() <= 254 && !email.chars().any(|c| c.is_whitespace() || c.is_control());
    if fits { Ok(()) } else { Err(AppError::invalid("email", "That is no email address. Write it like name@example.com.")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_addresses_are_checked() {
        for good in ["alice", "a.b-c_d", "0xabc"] {
            assert!(check_username(good).is_ok(), "{good}");
        }
        for bad in ["", "al", ".alice", "alice@home", "a b c", "älice", &"a".repeat(33)] {
            assert!(check_username(bad).is_err(), "{bad}");
        }
        assert!(check_email("alice@example.com").is_ok());
        for bad in ["", "alice", "@x", "x@", "a@b@c", "a b@c", "a@b\r\nBcc: x@y"] {
            assert!(check_email(bad).is_err(), "{bad}");
        }
    }
}
