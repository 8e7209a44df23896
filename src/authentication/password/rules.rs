//! Password rules (PWD-2, PWD-3; ASVS 6.2, NIST SP 800-63B): long enough, not one of the most common passwords, and without the
//! user's names. No composition rules.

use std::{collections::HashSet, sync::LazyLock};

use unicode_normalization::UnicodeNormalization;
use zxcvbn::{Score, zxcvbn};

use crate::error::AppError;

const MIN_CHARS: usize = 8;
const MAX_CHARS: usize = 128;
/// Number of characters passed to zxcvbn: its run time is quadratic in the length, and longer passwords are strong anyway.
const MAX_RATED_CHARS: usize = 64;
const PRODUCT: &str = "whereabouts";

/// The most common passwords. The head of the file names their source.
static COMMON_PASSWORDS: LazyLock<HashSet<&'static str>> =
    LazyLock::new(|| include_str!("common.txt").lines().filter(|line| !line.starts_with("# ")).collect());

/// Checks a new password against the rules. It must not contain any of `names`.
///
/// Errors: [`AppError::Invalid`] with `field` as the form field.
pub fn check(field: &str, password: &str, names: &[&str]) -> Result<(), AppError> {
    let password: String = password.nfc().collect();
    let refuse = |words: &str| Err(AppError::invalid(field, words));
    match password.chars().count() {
        ..MIN_CHARS => return refuse("A password has at least 8 characters. 12 or more are better."),
        MIN_CHARS..=MAX_CHARS => {}
        _ => return refuse("A password has at most 128 characters."),
    }
    let lower = password.to_lowercase();
    if COMMON_PASSWORDS.contains(lower.as_str()) || COMMON_PASSWORDS.contains(password.as_str()) {
        return refuse("This is one of the most common passwords. Choose another one.");
    }
    if lower.contains(PRODUCT) || names.iter().any(|name| !name.is_empty() && lower.contains(&name.to_lowercase())) {
        return refuse("A password must not contain your username, your email address or the name of this service. Choose another one.");
    }
    Ok(())
}

/// Rates the strength of a password: a score from 0 to 4, and a description. Advice only, not a rule.
pub fn strength(password: &str) -> (u8, String) {
    if let Err(error) = check("password", password, &[]) {
        return (0, error.to_string());
    }
    let rated: String = password.chars().take(MAX_RATED_CHARS).collect();
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

    fn is_accepted(password: &str) -> bool {
        check("password", password, &["alice", "alice.l@example.com"]).is_ok()
    }

    /// PWD-2: 8 to 128 characters, counted after NFC normalization, with no rule on which characters.
    #[test]
    fn only_the_length_is_restricted() {
        for good in ["tr0ub4dö", "a b c d e ", "        !", "🦉🦉🦉🦉🦉🦉🦉🦉", &"é".repeat(128), &"e\u{301}".repeat(128)]
        {
            assert!(is_accepted(good), "{good}");
        }
        for bad in ["", "1234567", "e\u{301}e\u{301}e\u{301}e\u{301}", &"é".repeat(129)] {
            assert!(!is_accepted(bad), "{bad}");
        }
    }

    /// PWD-3: common passwords in any case, and passwords with the user's names.
    #[test]
    fn common_passwords_and_names_are_refused() {
        assert_eq!(COMMON_PASSWORDS.len(), 10_000);
        for bad in ["password", "Password", "QWERTYUIOP", "12345678", "my Alice 99", "alice.l@example.com!", "Whereabouts1"] {
            assert!(!is_accepted(bad), "{bad}");
        }
    }

    #[test]
    fn strength_has_a_score_and_a_description() {
        assert_eq!(strength("short").0, 0);
        assert!(strength("aaaaaaaaaa").0 <= 1);
        assert_eq!(strength("correct horse battery"), (4, "Strong.".to_owned()));
    }
}
