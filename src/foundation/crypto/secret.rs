//! Random secrets, of which only the hash is stored.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};

const BYTES: usize = 32;

/// 256 random bits from the system's generator, as 43 characters of base64url (ASVS 7.2.3).
/// It is shown once; the database stores [`Secret::hash`].
#[derive(Clone)]
pub struct Secret(String);

impl Secret {
    /// Generates a secret.
    pub fn generate() -> Self {
        Self(BASE64_URL_SAFE_NO_PAD.encode(random_bytes::<BYTES>()))
    }

    /// Parses a secret that a client sent. `None` if it does not have the format of our secrets: it is then not looked up.
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(text).ok()?;
        (bytes.len() == BYTES).then(|| Self(text.to_owned()))
    }

    /// Returns the SHA-256 of the secret in hexadecimal. No slow hash: the secret has 256 random bits.
    pub fn hash(&self) -> String {
        hash_hex(self.0.as_bytes())
    }

    /// Returns the secret itself, for the one response that shows it.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// Returns random bytes from the system's generator.
pub fn random_bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("a system without randomness cannot keep secrets");
    bytes
}

/// Returns the SHA-256 of some bytes in lower-case hexadecimal.
pub fn hash_hex(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// SES-1
    #[test]
    fn a_secret_has_256_bits_and_is_not_shown_by_debug() {
        let secret = Secret::generate();
        assert_eq!(secret.reveal().len(), 43);
        assert_ne!(secret.reveal(), Secret::generate().reveal());
        assert!(!format!("{secret:?}").contains(secret.reveal()));
        assert_eq!(secret.hash().len(), 64);
    }

    #[test]
    fn other_formats_are_not_parsed() {
        assert!(Secret::parse(Secret::generate().reveal()).is_some());
        for bad in ["", "x", "not base64 at all!", &"A".repeat(44), &"é".repeat(43)] {
            assert!(Secret::parse(bad).is_none(), "{bad:?}");
        }
    }
}
