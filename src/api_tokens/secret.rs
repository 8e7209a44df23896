//! The secret of an API token: `wab_`, 43 random characters and a checksum of 6, so that secret scanners recognize it:
//! `wab_[0-9A-Za-z]{49}`. Only letters and digits, so that a double click selects all of it.

use crate::foundation::crypto::secret::hash_hex;

const PREFIX: &str = "wab_";
const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
/// 62^43 is more than 2^256 (SES-1, ASVS 7.2.3).
const RANDOM_CHARS: usize = 43;
const CHECKSUM_CHARS: usize = 6;

/// The secret of an API token. It is shown once; the database stores only [`TokenSecret::hash`].
#[derive(Clone)]
pub struct TokenSecret(String);

impl TokenSecret {
    /// Generates a random secret.
    pub fn generate() -> Self {
        let random: String = std::iter::repeat_with(random_byte)
            // Larger bytes would make the first characters of the alphabet more likely.
            .filter(|byte| usize::from(*byte) < 4 * ALPHABET.len())
            .map(|byte| char::from(ALPHABET[usize::from(byte) % ALPHABET.len()]))
            .take(RANDOM_CHARS)
            .collect();
        Self(format!("{PREFIX}{random}{}", checksum(&random)))
    }

    /// Parses what a client sent. Returns `None`, without a database query, if the format or the checksum is wrong.
    pub fn parse(text: &str) -> Option<Self> {
        let rest = text.strip_prefix(PREFIX)?;
        let (random, sum) = rest.split_at_checked(RANDOM_CHARS)?;
        (rest.len() == RANDOM_CHARS + CHECKSUM_CHARS && checksum(random) == sum).then(|| Self(text.to_owned()))
    }

    /// Returns its SHA-256 in hexadecimal. No slow hash: the secret has 256 random bits.
    pub fn hash(&self) -> String {
        hash_hex(self.0.as_bytes())
    }

    /// Returns the secret itself, for the one response that contains it.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for TokenSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TokenSecret(…)")
    }
}

fn random_byte() -> u8 {
    let mut byte = [0];
    getrandom::fill(&mut byte).expect("a system without randomness cannot keep secrets");
    byte[0]
}

/// Returns the CRC-32 of the random part as six digits in base 62.
fn checksum(random: &str) -> String {
    let mut rest = crc32fast::hash(random.as_bytes()) as usize;
    let mut digits = [ALPHABET[0]; CHECKSUM_CHARS];
    for digit in digits.iter_mut().rev() {
        *digit = ALPHABET[rest % ALPHABET.len()];
        rest /= ALPHABET.len();
    }
    digits.map(char::from).iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// SES-1
    #[test]
    fn a_secret_is_long_enough_and_hides_itself() {
        let secret = TokenSecret::generate();
        assert!(62_f64.log2() * RANDOM_CHARS as f64 > 256.0);
        assert_eq!(secret.reveal().len(), 53);
        assert!(!format!("{secret:?}").contains(&secret.reveal()[4..]));
        assert_ne!(secret.reveal(), TokenSecret::generate().reveal());
        assert!(secret.reveal()[4..].bytes().all(|c| c.is_ascii_alphanumeric()));
    }

    /// Known values of CRC-32 (of nothing, and of "123456789": ECMA-182's check) in base 62.
    #[test]
    fn the_checksum_is_crc_32() {
        assert_eq!(checksum(""), "000000");
        assert_eq!(crc32fast::hash(b"123456789"), 0xCBF4_3926);
        assert_eq!(checksum("123456789"), "3jZRME");
    }

    #[test]
    fn one_wrong_character_is_detected() {
        let secret = TokenSecret::generate().reveal().to_owned();
        assert!(TokenSecret::parse(&secret).is_some());
        for at in 0..secret.len() {
            let other = if &secret[at..=at] == "x" { "y" } else { "x" };
            let wrong = format!("{}{other}{}", &secret[..at], &secret[at + 1..]);
            assert!(TokenSecret::parse(&wrong).is_none(), "{wrong}");
        }
        for bad in ["", "wab_", "wab_é", &secret[..52], &format!("{secret}0"), &format!(" {secret}"), &format!("wab_{}", "é".repeat(25))]
        {
            assert!(TokenSecret::parse(bad).is_none(), "{bad}");
        }
    }
}
