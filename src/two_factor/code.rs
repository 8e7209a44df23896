//! Codes: those of the clock (RFC 6238: SHA-1, 6 digits, 30 seconds), and those to recover by.

use chrono::{DateTime, Utc};
use qrcode::{EcLevel, QrCode, render::svg};
use totp_rs::{Algorithm, Secret as Seed, TOTP};

use crate::foundation::secret::hash_hex;

const DIGITS: usize = 6;
const SECONDS: u64 = 30;
/// 160 bits (MFA-2; RFC 4226 asks for 128 and recommends 160).
const SEED_BYTES: usize = 20;
/// How many codes there are to recover by, and how many random bytes are in each: 80 bits (MFA-3).
const RECOVERY_CODES: usize = 10;
const RECOVERY_BYTES: usize = 10;

/// A new seed, in base32.
pub fn new_seed() -> String {
    base32(&random::<SEED_BYTES>())
}

/// Ten new recovery codes, in groups of four characters.
pub fn new_recovery_codes() -> Vec<String> {
    (0..RECOVERY_CODES).map(|_| grouped(&base32(&random::<RECOVERY_BYTES>()))).collect()
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

/// Text in groups of four, as people copy it by hand.
pub fn grouped(text: &str) -> String {
    let characters: Vec<char> = text.chars().collect();
    characters.chunks(4).map(|group| group.iter().collect::<String>()).collect::<Vec<_>>().join(" ")
}

/// What is kept of a recovery code. Plain, since nobody guesses 80 bits.
pub fn hash(recovery_code: &str) -> String {
    hash_hex(plain(recovery_code).as_bytes())
}

/// A code as it was meant: without the spaces and dashes that people put into it.
fn plain(typed: &str) -> String {
    typed.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_uppercase()).collect()
}

/// Whether this looks like a code of the clock, rather than one to recover by.
pub fn is_of_the_clock(typed: &str) -> bool {
    let plain = plain(typed);
    plain.len() == DIGITS && plain.bytes().all(|byte| byte.is_ascii_digit())
}

/// The time step whose code this is: now's, or one either side (MFA-1).
pub fn step(seed: &str, typed: &str, now: DateTime<Utc>) -> Option<i64> {
    let (totp, typed) = (totp(seed)?, plain(typed));
    let this = u64::try_from(now.timestamp()).ok()? / SECONDS;
    // All three are compared, whichever is right.
    let right = [this.saturating_sub(1), this, this + 1].map(|step| (step, same(&totp.generate(step * SECONDS), &typed)));
    right.into_iter().filter(|(_, is_right)| *is_right).map(|(step, _)| step.cast_signed()).max()
}

fn totp(seed: &str) -> Option<TOTP> {
    let seed = Seed::Encoded(seed.to_owned()).to_bytes().ok()?;
    Some(TOTP::new_unchecked(Algorithm::SHA1, DIGITS, 0, SECONDS, seed))
}

/// Compares in a time that does not depend on where they differ.
fn same(a: &str, b: &str) -> bool {
    a.len() == b.len() && a.bytes().zip(b.bytes()).fold(0, |difference, (a, b)| difference | (a ^ b)) == 0
}

/// The address that an app reads, as the QR code says it (Google Authenticator's key URI format).
pub fn address(seed: &str, site: &str, username: &str) -> String {
    let site = serde_urlencoded::to_string([("issuer", site)]).unwrap_or_default(); // a pair of strings always encodes
    let label = site.trim_start_matches("issuer=").to_owned();
    format!("otpauth://totp/{label}:{username}?secret={seed}&{site}&algorithm=SHA1&digits={DIGITS}&period={SECONDS}")
}

/// The address as a QR code, in SVG. Black on white in both schemes: cameras want it so.
pub fn qr_code(address: &str) -> String {
    let code = QrCode::with_error_correction_level(address, EcLevel::M).expect("an address of ours is short");
    let svg = code.render::<svg::Color>().min_dimensions(192, 192).quiet_zone(true).build();
    svg.trim_start_matches(r#"<?xml version="1.0" standalone="yes"?>"#).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// MFA-1: RFC 6238, appendix B, shortened to six digits; one step either side, and no more.
    #[test]
    fn codes_are_those_of_the_rfc() {
        let seed = base32(b"12345678901234567890");
        let at = |seconds| DateTime::from_timestamp(seconds, 0).unwrap();
        for (seconds, code) in [(59, "287082"), (1_111_111_109, "081804"), (1_234_567_890, "005924"), (20_000_000_000, "353130")] {
            assert_eq!(step(&seed, code, at(seconds)), Some(seconds / 30), "{code}");
            assert_eq!(step(&seed, code, at(seconds + 30)), Some(seconds / 30));
            assert_eq!(step(&seed, code, at(seconds - 30)), Some(seconds / 30));
            assert_eq!((step(&seed, code, at(seconds + 60)), step(&seed, code, at(seconds - 60))), (None, None));
        }
        assert_eq!(step(&seed, "287 082", at(59)), Some(1));
        for wrong in ["", "28708", "2870822", "abcdef", "２８７０８２"] {
            assert_eq!(step(&seed, wrong, at(59)), None, "{wrong}");
        }
    }

    /// MFA-2, MFA-3
    #[test]
    fn seeds_and_recovery_codes_are_long_enough() {
        assert_eq!(new_seed().len(), 32); // 160 bits, 5 a character
        let codes = new_recovery_codes();
        assert!(codes.len() == 10 && codes.iter().all(|code| code.len() == 19 && !is_of_the_clock(code)), "{codes:?}");
        assert_eq!(hash(&codes[0]), hash(&codes[0].to_lowercase().replace(' ', "-")));
        assert_ne!(hash(&codes[0]), hash(&codes[1]));
    }

    #[test]
    fn an_app_reads_the_address() {
        let address = address("ABC", "site.example:3000", "alice");
        assert_eq!(
            address,
            "otpauth://totp/site.example%3A3000:alice?secret=ABC&issuer=site.example%3A3000&algorithm=SHA1&digits=6&period=30"
        );
        assert!(qr_code(&address).starts_with("<svg"));
    }
}
