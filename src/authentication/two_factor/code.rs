//! TOTP codes (RFC 6238: SHA-1, 6 digits, 30 seconds) and recovery codes.

use chrono::{DateTime, Utc};
use qrcode::{EcLevel, QrCode, render::svg};
use subtle::ConstantTimeEq;
use totp_rs::{Algorithm, Secret as Seed, TOTP};

use crate::foundation::crypto::secret::hash_hex;

const DIGITS: usize = 6;
const STEP_SECONDS: u64 = 30;
/// 160 bits (MFA-2; RFC 4226 requires 128 and recommends 160).
const SEED_BYTES: usize = 20;
/// Number of recovery codes, and random bytes in each: 80 bits (MFA-3).
const RECOVERY_CODE_COUNT: usize = 10;
const RECOVERY_CODE_BYTES: usize = 10;

/// Generates a seed, in base32.
pub fn new_seed() -> String {
    base32(&random::<SEED_BYTES>())
}

/// Generates ten recovery codes, in groups of four characters.
pub fn new_recovery_codes() -> Vec<String> {
    (0..RECOVERY_CODE_COUNT).map(|_| group_by_four(&base32(&random::<RECOVERY_CODE_BYTES>()))).collect()
}

fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("a system without randomness cannot keep secrets");
    bytes
}

fn base32(bytes: &[u8]) -> String {
    match Seed::Raw(bytes.to_vec()).to_encoded() {
        Seed::Encoded(text) => text,
        Seed::Raw(_) => unreachable!("it was just encoded"),
    }
}

/// Splits text into groups of four characters, which are easier to copy by hand.
pub fn group_by_four(text: &str) -> String {
    let characters: Vec<char> = text.chars().collect();
    characters.chunks(4).map(|group| group.iter().collect::<String>()).collect::<Vec<_>>().join(" ")
}

/// Returns the SHA-256 of a recovery code. No slow hash: the code has 80 random bits.
pub fn hash_recovery_code(recovery_code: &str) -> String {
    hash_hex(normalize(recovery_code).as_bytes())
}

/// Normalizes a typed code: removes spaces and dashes, and converts it to upper case.
fn normalize(typed: &str) -> String {
    typed.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_uppercase()).collect()
}

/// Returns whether a typed code has the format of a TOTP code, rather than of a recovery code.
pub fn is_totp_format(typed: &str) -> bool {
    let code = normalize(typed);
    code.len() == DIGITS && code.bytes().all(|byte| byte.is_ascii_digit())
}

/// Returns the time step of a TOTP code: the current one, the previous or the next (MFA-1). `None` if the code is wrong.
pub fn matching_step(seed: &str, typed: &str, now: DateTime<Utc>) -> Option<i64> {
    let (totp, typed) = (totp(seed)?, normalize(typed));
    let current = u64::try_from(now.timestamp()).ok()? / STEP_SECONDS;
    // Always compares all three, so that the time does not depend on which one matches.
    let candidates = [current.saturating_sub(1), current, current + 1]
        .map(|step| (step, totp.generate(step * STEP_SECONDS).as_bytes().ct_eq(typed.as_bytes())));
    candidates.into_iter().filter(|(_, is_match)| bool::from(*is_match)).map(|(step, _)| step.cast_signed()).max()
}

fn totp(seed: &str) -> Option<TOTP> {
    let seed = Seed::Encoded(seed.to_owned()).to_bytes().ok()?;
    Some(TOTP::new_unchecked(Algorithm::SHA1, DIGITS, 0, STEP_SECONDS, seed))
}

/// Returns the `otpauth:` URI of the QR code (Google Authenticator's key URI format).
pub fn otpauth_uri(seed: &str, site: &str, username: &str) -> String {
    let site = serde_urlencoded::to_string([("issuer", site)]).unwrap_or_default(); // a pair of strings always encodes
    let label = site.trim_start_matches("issuer=").to_owned();
    format!("otpauth://totp/{label}:{username}?secret={seed}&{site}&algorithm=SHA1&digits={DIGITS}&period={STEP_SECONDS}")
}

/// Renders a URI as a QR code in SVG. Black on white in both color schemes, as cameras require.
pub fn qr_code(uri: &str) -> String {
    let code = QrCode::with_error_correction_level(uri, EcLevel::M).expect("an otpauth URI is short");
    let svg = code.render::<svg::Color>().min_dimensions(192, 192).quiet_zone(true).build();
    svg.trim_start_matches(r#"<?xml version="1.0" standalone="yes"?>"#).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// MFA-1: test vectors of RFC 6238, appendix B, cut to six digits. One step of tolerance on either side.
    #[test]
    fn codes_match_rfc_6238() {
        let seed = base32(b"12345678901234567890");
        let at = |seconds| DateTime::from_timestamp(seconds, 0).unwrap();
        for (seconds, code) in [(59, "287082"), (1_111_111_109, "081804"), (1_234_567_890, "005924"), (20_000_000_000, "353130")] {
            assert_eq!(matching_step(&seed, code, at(seconds)), Some(seconds / 30), "{code}");
            assert_eq!(matching_step(&seed, code, at(seconds + 30)), Some(seconds / 30));
            assert_eq!(matching_step(&seed, code, at(seconds - 30)), Some(seconds / 30));
            assert_eq!((matching_step(&seed, code, at(seconds + 60)), matching_step(&seed, code, at(seconds - 60))), (None, None));
        }
        assert_eq!(matching_step(&seed, "287 082", at(59)), Some(1));
        for wrong in ["", "28708", "2870822", "abcdef", "２８７０８２"] {
            assert_eq!(matching_step(&seed, wrong, at(59)), None, "{wrong}");
        }
    }

    /// MFA-2, MFA-3
    #[test]
    fn seeds_and_recovery_codes_are_long_enough() {
        assert_eq!(new_seed().len(), 32); // 160 bits, 5 per character
        let codes = new_recovery_codes();
        assert!(codes.len() == 10 && codes.iter().all(|code| code.len() == 19 && !is_totp_format(code)), "{codes:?}");
        assert_eq!(hash_recovery_code(&codes[0]), hash_recovery_code(&codes[0].to_lowercase().replace(' ', "-")));
        assert_ne!(hash_recovery_code(&codes[0]), hash_recovery_code(&codes[1]));
    }

    #[test]
    fn otpauth_uri_has_the_key_uri_format() {
        let uri = otpauth_uri("ABC", "site.example:3000", "alice");
        assert_eq!(uri, "otpauth://totp/site.example%3A3000:alice?secret=ABC&issuer=site.example%3A3000&algorithm=SHA1&digits=6&period=30");
        assert!(qr_code(&uri).starts_with("<svg"));
    }
}
