//! Random secrets, and the hash that is all we keep of them.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};

const BYTES: usize = 32;

/// 256 random bits from the system's generator, as 43 characters of base64url (ASVS 7.2.3).
/// It is given out once; the database keeps [`Secret::hash`].
#[derive(Clone)]
pub struct Secret(String);

impl Secret {
    /// A new one.
    pub fn generate() -> Self {
        let mut bytes = [0; BYTES];
        getrandom::fill(&mut bytes).expect("a system without randomness cannot keep secrets");
        Self(BASE64_URL_SAFE_NO_PAD.encode(bytes))
    }

    /// What a client sent, if it has the form of a secret of ours. Another form opens nothing, and is never looked up.
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(text).ok()?;
        (bytes.len() == BYTES).then(|| Self(text.to_owned()))
    }

    /// Its SHA-256 in hexadecimal. Plain, since nobody guesses 256 bits: a slow hash guards short secrets.
    pub fn hash(&self) -> String {
        hash_hex(self.0.as_bytes())
    }

    /// The secret itself, for the one answer that hands it over.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// SHA-256 in lower-case hexadecimal.
pub fn hash_hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// SES-1
    #[test]
    fn a_secret_has_256_bits_and_hides_itself() {
        let secret = Secret::generate();
        assert_eq!(secret.reveal().len(), 43);
        assert_ne!(secret.reveal(), Secret::generate().reveal());
        assert!(!format!("{secret:?}").contains(secret.reveal()));
        assert_eq!(secret.hash().len(), 64);
    }

    #[test]
    fn only_our_own_form_is_parsed() {
        assert!(Secret::parse(Secret::generate().reveal()).is_some());
        for bad in ["", "x", "not base64 at all!", &"A".repeat(44), &"é".repeat(43)] {
            assert!(Secret::parse(bad).is_none(), "{bad:?}");
        }
    }
}
