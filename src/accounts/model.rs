//! The account as shared with the browser, and the rules for usernames, names and email addresses.

use serde::{Deserialize, Serialize};

use crate::{
    error::AppError,
    foundation::{
        ids::UserId,
        text::{is_blank, is_deceptive, is_invisible},
    },
};

/// An account, as shown to its owner.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(sqlx::FromRow))]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct Account {
    /// Its id.
    #[cfg_attr(feature = "ssr", sqlx(rename = "user_id"))]
    pub id: UserId,
    /// Username, for signing in.
    pub username: String,
    /// Email address, for signing in and notifications.
    pub email: String,
    /// Display name. Defaults to the username.
    pub name: String,
    /// IANA name of the time zone in which times are shown to the user.
    pub time_zone: String,
    /// Whether the user is an administrator.
    pub is_admin: bool,
}

/// Checks a username: 3 to 32 letters, digits, dots, dashes and underscores, starting with a letter or digit.
///
/// Errors: [`AppError::Invalid`].
pub fn check_username(username: &str) -> Result<(), AppError> {
    let is_valid = (3..=32).contains(&username.chars().count())
        && username.starts_with(|c: char| c.is_ascii_alphanumeric())
        && username.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_'));
    let message = "A username has 3 to 32 letters, digits, dots, dashes or underscores, and starts with a letter or digit.";
    if is_valid { Ok(()) } else { Err(AppError::invalid("username", message)) }
}

/// Usernames that nobody may choose: they sound like the service itself, or are standard mailbox names (RFC 2142).
const RESERVED_USERNAMES: [&str; 28] = [
    "abuse",
    "account",
    "admin",
    "administrator",
    "anonymous",
    "api",
    "help",
    "hostmaster",
    "info",
    "login",
    "mail",
    "me",
    "moderator",
    "nobody",
    "noreply",
    "official",
    "operator",
    "postmaster",
    "register",
    "root",
    "security",
    "staff",
    "support",
    "system",
    "team",
    "webmaster",
    "whereabouts",
    "www",
];

/// Checks a username that a user chooses: see [`check_username`]; reserved ones are refused too.
///
/// Errors: [`AppError::Invalid`].
pub fn check_chosen_username(username: &str) -> Result<(), AppError> {
    check_username(username)?;
    if RESERVED_USERNAMES.iter().any(|reserved| confusable_skeleton(reserved) == confusable_skeleton(username)) {
        return Err(AppError::invalid("username", "This username is reserved. Choose another one."));
    }
    Ok(())
}

/// Returns the skeleton of a username (Unicode TR 39). Two usernames with the same skeleton look alike and count as one, so that nobody
/// can impersonate another user. Case is ignored; 0 and o, 1 and l and I, rn and m, vv and w, and all punctuation are equivalent.
pub fn confusable_skeleton(username: &str) -> String {
    let folded: String = username
        .chars()
        .map(|c| match c.to_ascii_lowercase() {
            '0' => 'o',
            '1' | 'i' => 'l',
            '.' | '_' => '-',
            other => other,
        })
        .collect();
    folded.replace("rn", "m").replace("vv", "w")
}

/// Checks a name: 1 to 80 characters in one line, and none that nobody sees.
///
/// Errors: [`AppError::Invalid`].
pub fn check_name(name: &str) -> Result<(), AppError> {
    let is_valid = name.chars().count() <= 80 && !is_blank(name) && !name.chars().any(is_deceptive);
    let message = "A name has 1 to 80 characters, no line breaks and no invisible characters.";
    if is_valid { Ok(()) } else { Err(AppError::invalid("name", message)) }
}

/// Checks an email address: one @ with text on both sides, no spaces and no control characters (ALT-4). Only a mail can verify that it
/// receives mail.
///
/// Errors: [`AppError::Invalid`].
pub fn check_email(email: &str) -> Result<(), AppError> {
    let has_parts = email.split_once('@').is_some_and(|(local, domain)| !local.is_empty() && !domain.is_empty() && !domain.contains('@'));
    let is_valid = has_parts && email.len() <= 254 && !email.chars().any(|c| c.is_whitespace() || c.is_control() || is_invisible(c));
    if is_valid { Ok(()) } else { Err(AppError::invalid("email", "Enter a valid email address, such as name@example.com.")) }
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
        assert!(check_name("Ålice 李").is_ok() && check_name("").is_err() && check_name("a\nb").is_err());
        assert!(check_email("alice@example.com").is_ok());
        for bad in ["", "alice", "@x", "x@", "a@b@c", "a b@c", "a@b\r\nBcc: x@y", "a\u{200D}@b"] {
            assert!(check_email(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn confusable_names_have_the_same_skeleton() {
        for (one, other) in [
            ("alice", "ALICE"),
            ("alice", "AIice"),
            ("alice", "a1ice"),
            ("bob", "b0b"),
            ("marnie", "mamie"),
            ("a.b-c", "a_b.c"),
            ("wim", "vvim"),
        ] {
            assert_eq!(confusable_skeleton(one), confusable_skeleton(other));
        }
        for other in ["alicia", "alice2", "a-lice"] {
            assert_ne!(confusable_skeleton("alice"), confusable_skeleton(other));
        }
        assert!(check_username("root").is_ok() && check_chosen_username("r00t").is_err() && check_chosen_username("Adrnin").is_err());
    }
}
