//! The secret of an API token: `wab_`, 43 random characters, and 6 that check them, so that secret scanners know one wherever it
//! lies: `wab_[0-9A-Za-z]{49}`. Letters and digits alone, so that a double click takes all of it.

use crate::foundation::secret::hash_hex;

const PREFIX: &str = "wab_";
const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
/// 62 to this power is more than 2 to the 256th (SES-1, ASVS 7.2.3).
const RANDOM: usize = 43;
const CHECK: usize = 6;

/// One secret. It is given out once; the database keeps [`TokenSecret::hash`].
#[derive(Clone)]
pub struct TokenSecret(String);

impl TokenSecret {
    /// A new one.
    pub fn generate() -> Self {
        let random: String = std::iter::repeat_with(random_byte)
            // Above, the first letters of the alphabet would come more often.
            .filter(|byte| usize::from(*byte) < 4 * ALPHABET.len())
            .map(|byte| char::from(ALPHABET[usize::from(byte) % ALPHABET.len()]))
            .take(RANDOM)
            .collect();
        Self(format!("{PREFIX}{random}{}", check(&random)))
    }

    /// What a client sent, if it is a secret of ours and typed right. Another text opens nothing, and is never looked up.
    pub fn parse(text: &str) -> Option<Self> {
        let rest = text.strip_prefix(PREFIX)?;
        let (random, sum) = rest.split_at_checked(RANDOM)?;
        (rest.len() == RANDOM + CHECK && check(random) == sum).then(|| Self(text.to_owned()))
    }

    /// Its SHA-256 in hexadecimal. Plain, since nobody guesses 256 bits.
    pub fn hash(&self) -> String {
        hash_hex(self.0.as_bytes())
    }

    /// The secret itself, for the one answer that hands it over.
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

/// The CRC-32 of the random part, in six digits of the alphabet.
fn check(random: &str) -> String {
    let mut rest = crc32fast::hash(random.as_bytes()) as usize;
    let mut digits = [ALPHABET[0]; CHECK];
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
        assert!(62_f64.log2() * RANDOM as f64 > 256.0);
        assert_eq!(secret.reveal().len(), 53);
        assert!(!format!("{secret:?}").contains(&secret.reveal()[4..]));
        assert_ne!(secret.reveal(), TokenSecret::generate().reveal());
        assert!(secret.reveal()[4..].bytes().all(|c| c.is_ascii_alphanumeric()));
    }

    /// Known values of CRC-32 (of nothing, and of "123456789": ECMA-182's check) in base 62.
    #[test]
    fn the_check_is_crc_32() {
        assert_eq!(check(""), "000000");
        assert_eq!(crc32fast::hash(b"123456789"), 0xCBF4_3926);
        assert_eq!(check("123456789"), "3jZRME");
    }

    #[test]
    fn one_wrong_character_is_seen() {
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
