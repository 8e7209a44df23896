//! What the browser may know of an account, and what an account may be called.

use serde::{Deserialize, Serialize};

use crate::{error::AppError, foundation::ids::UserId};

/// An account, as its owner sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(sqlx::FromRow))]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
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
    /// The IANA name of the time zone that this person's times are told in.
    pub time_zone: String,
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

/// Names that nobody chooses for themselves: they sound like us, or are addresses of every site (RFC 2142).
const RESERVED: [&str; 28] = [
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

/// Whether somebody may choose this name: see [`check_username`], and none that sounds like us.
pub fn check_chosen_username(username: &str) -> Result<(), AppError> {
    check_username(username)?;
    if RESERVED.iter().any(|reserved| look(reserved) == look(username)) {
        return Err(AppError::invalid("username", "This name is kept for the service itself. Choose another."));
    }
    Ok(())
}

/// How a username looks: two that look alike are one name, so that nobody passes for another. Case never counts, as
/// 0 and o, 1 and l and I, rn and m, vv and w, and all three kinds of punctuation are taken for each other.
pub fn look(username: &str) -> String {
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

/// 1 to 80 characters in one line.
pub fn check_name(name: &str) -> Result<(), AppError> {
    let fits = (1..=80).contains(&name.chars().count()) && !name.chars().any(char::is_control);
    if fits { Ok(()) } else { Err(AppError::invalid("name", "A name has 1 to 80 characters, in one line.")) }
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
        assert!(check_name("Ålice 李").is_ok() && check_name("").is_err() && check_name("a\nb").is_err());
        assert!(check_email("alice@example.com").is_ok());
        for bad in ["", "alice", "@x", "x@", "a@b@c", "a b@c", "a@b\r\nBcc: x@y"] {
            assert!(check_email(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn names_that_look_alike_are_one() {
        for (one, other) in [
            ("alice", "ALICE"),
            ("alice", "AIice"),
            ("alice", "a1ice"),
            ("bob", "b0b"),
            ("marnie", "mamie"),
            ("a.b-c", "a_b.c"),
            ("wim", "vvim"),
        ] {
            assert_eq!(look(one), look(other));
        }
        for other in ["alicia", "alice2", "a-lice"] {
            assert_ne!(look("alice"), look(other));
        }
        assert!(check_username("root").is_ok() && check_chosen_username("r00t").is_err() && check_chosen_username("Adrnin").is_err());
    }
}
