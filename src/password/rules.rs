//! What may be a password (PWD-2, PWD-3; ASVS 6.2, NIST SP 800-63B): long enough, not among the commonest, and nothing that
//! says who one is. No rules on what it is made of.

use std::{collections::HashSet, sync::LazyLock};

use unicode_normalization::UnicodeNormalization;
use zxcvbn::{Score, zxcvbn};

use crate::error::AppError;

const LEAST: usize = 8;
const MOST: usize = 128;
/// What zxcvbn looks at: its work grows with the square of the length, and what is longer is strong anyway.
const RATED: usize = 64;
const PRODUCT: &str = "whereabouts";

/// Where each comes from stands in the file's head.
static COMMON: LazyLock<HashSet<&'static str>> =
    LazyLock::new(|| include_str!("common.txt").lines().filter(|line| !line.starts_with("# ")).collect());

/// Whether this may be the password of somebody who goes by these names. `field` is where it was typed.
pub fn check(field: &str, password: &str, names: &[&str]) -> Result<(), AppError> {
    let password: String = password.nfc().collect();
    let refuse = |words: &str| Err(AppError::invalid(field, words));
    match password.chars().count() {
        ..LEAST => return refuse("A password has at least 8 characters. 12 or more are better."),
        LEAST..=MOST => {}
        _ => return refuse("A password has at most 128 characters."),
    }
    let lower = password.to_lowercase();
    if COMMON.contains(lower.as_str()) || COMMON.contains(password.as_str()) {
        return refuse("This is one of the passwords that are guessed first. Choose another.");
    }
    if lower.contains(PRODUCT) || names.iter().any(|name| !name.is_empty() && lower.contains(&name.to_lowercase())) {
        return refuse("A password must not hold your username, your email address or the name of this service. Choose another.");
    }
    Ok(())
}

/// How strong a password is, from 0 to 4, and in words: help, no rule.
pub fn strength(password: &str) -> (u8, String) {
    if let Err(error) = check("password", password, &[]) {
        return (0, error.to_string());
    }
    let rated: String = password.chars().take(RATED).collect();
    let entropy = zxcvbn(&rated, &[PRODUCT]);
    let advice = entropy.feedback().and_then(|feedback| feedback.warning()).map(|warning| format!(" {warning}")).unwrap_or_default();
    match entropy.score() {
        Score::Zero | Score::One => (1, format!("Easy to guess.{advice}")),
        Score::Two => (2, format!("Could be guessed.{advice}")),
        Score::Three => (3, "Good.".to_owned()),
        _ => (4, "Strong.".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_taken(password: &str) -> bool {
        check("password", password, &["alice", "alice.l@example.com"]).is_ok()
    }

    /// PWD-2: 8 to 128 characters, any of them, counted as people see them, and nothing is asked of what they are.
    #[test]
    fn length_alone_is_a_rule() {
        for good in ["tr0ub4dö", "a b c d e ", "        !", "🦉🦉🦉🦉🦉🦉🦉🦉", &"é".repeat(128), &"e\u{301}".repeat(128)]
        {
            assert!(is_taken(good), "{good}");
        }
        for bad in ["", "1234567", "e\u{301}e\u{301}e\u{301}e\u{301}", &"é".repeat(129)] {
            assert!(!is_taken(bad), "{bad}");
        }
    }

    /// PWD-3: the commonest, in any case, and what says who one is.
    #[test]
    fn what_is_guessed_first_is_refused() {
        assert_eq!(COMMON.len(), 10_000);
        for bad in ["password", "Password", "QWERTYUIOP", "12345678", "my Alice 99", "alice.l@example.com!", "Whereabouts1"] {
            assert!(!is_taken(bad), "{bad}");
        }
    }

    #[test]
    fn strength_is_told_in_words() {
        assert_eq!(strength("short").0, 0);
        assert!(strength("aaaaaaaaaa").0 <= 1);
        assert_eq!(strength("correct horse battery"), (4, "Strong.".to_owned()));
    }
}
