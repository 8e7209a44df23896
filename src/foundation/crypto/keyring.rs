//! Encrypts values that must not be readable from the database alone: ChaCha20-Poly1305 (RFC 8439) with a key from a file outside the
//! database (MFA-2, ASVS 13.3.1).

use std::{
    fs,
    io::{ErrorKind, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

use anyhow::Context as _;
use base64::{Engine, prelude::BASE64_STANDARD_NO_PAD};
use chacha20poly1305::{
    ChaCha20Poly1305, Nonce,
    aead::{Aead, AeadCore, KeyInit, OsRng, Payload},
};

/// The key file in the data folder: one key per line, in base64. The first key encrypts, all keys decrypt. To rotate keys, add a new one
/// as the first line.
pub const FILE_NAME: &str = "keys";
const NONCE_BYTES: usize = 12;

/// The keys of this installation, newest first.
pub struct Keyring(Vec<ChaCha20Poly1305>);

/// The value cannot be decrypted: it was encrypted with another key or for another row, or was modified.
#[derive(Debug, thiserror::Error)]
#[error("the value cannot be decrypted: the key file does not hold the key that it was encrypted with")]
pub struct DecryptionError;

impl Keyring {
    /// Loads the keys in `folder`. Without a key file it creates one with a first key, readable only by its owner (OPS-2).
    ///
    /// Errors: a file that cannot be written or read, or that holds anything but keys.
    pub fn open(folder: &Path) -> anyhow::Result<Self> {
        let file = folder.join(FILE_NAME);
        let created = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&file);
        match created {
            Ok(mut new) => {
                let key = ChaCha20Poly1305::generate_key(&mut OsRng);
                writeln!(new, "{}", BASE64_STANDARD_NO_PAD.encode(key))?;
                new.sync_all()?;
            }
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error).with_context(|| format!("{} cannot be written", file.display())),
        }
        let text = fs::read_to_string(&file).with_context(|| format!("{} cannot be read", file.display()))?;
        Self::parse(&text).with_context(|| format!("{} holds no valid keys: write one per line, 32 bytes in base64", file.display()))
    }

    fn parse(text: &str) -> Option<Self> {
        let key = |line: &str| ChaCha20Poly1305::new_from_slice(&BASE64_STANDARD_NO_PAD.decode(line).ok()?).ok();
        let keys: Vec<_> = text.lines().map(str::trim).filter(|line| !line.is_empty()).map(key).collect::<Option<_>>()?;
        (!keys.is_empty()).then_some(Self(keys))
    }

    /// Encrypts `text` for the row `id`. In another row it cannot be decrypted.
    pub fn encrypt(&self, id: &str, text: &str) -> String {
        let nonce = ChaCha20Poly1305::generate_nonce(&mut OsRng);
        let payload = Payload { msg: text.as_bytes(), aad: id.as_bytes() };
        let encrypted = self.0[0].encrypt(&nonce, payload).expect("the text is far below the cipher's size limit");
        BASE64_STANDARD_NO_PAD.encode([nonce.as_slice(), &encrypted].concat())
    }

    /// Decrypts a value that was encrypted for the row `id`.
    ///
    /// Errors: [`DecryptionError`] if no key decrypts it, it belongs to another row, or it was modified.
    pub fn decrypt(&self, id: &str, encrypted: &str) -> Result<String, DecryptionError> {
        let bytes = BASE64_STANDARD_NO_PAD.decode(encrypted).map_err(|_| DecryptionError)?;
        let (nonce, text) = bytes.split_at_checked(NONCE_BYTES).ok_or(DecryptionError)?;
        let payload = || Payload { msg: text, aad: id.as_bytes() };
        let decrypted = self.0.iter().find_map(|key| key.decrypt(Nonce::from_slice(nonce), payload()).ok()).ok_or(DecryptionError)?;
        String::from_utf8(decrypted).map_err(|_| DecryptionError)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keyring(bytes: &[u8]) -> Keyring {
        let lines: Vec<_> = bytes.iter().map(|byte| BASE64_STANDARD_NO_PAD.encode([*byte; 32])).collect();
        Keyring::parse(&lines.join("\n")).unwrap()
    }

    /// MFA-2: a value is bound to its row, and can be decrypted with an older key but with no other.
    #[test]
    fn values_can_be_decrypted_only_in_their_row() {
        let encrypted = keyring(&[1]).encrypt("row 1", "a seed");
        assert!(!encrypted.contains("seed") && encrypted != keyring(&[1]).encrypt("row 1", "a seed"));
        assert_eq!(keyring(&[2, 1]).decrypt("row 1", &encrypted).unwrap(), "a seed");
        assert!(keyring(&[1]).decrypt("row 2", &encrypted).is_err() && keyring(&[2]).decrypt("row 1", &encrypted).is_err());
        for broken in ["", "x", &encrypted[1..]] {
            assert!(keyring(&[1]).decrypt("row 1", broken).is_err(), "{broken}");
        }
    }

    /// OPS-2, OPS-3
    #[test]
    fn the_key_file_is_created_once_and_private() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let encrypted = Keyring::open(folder.path()).unwrap().encrypt("1", "x");
        assert_eq!(Keyring::open(folder.path()).unwrap().decrypt("1", &encrypted).unwrap(), "x");
        assert_eq!(fs::metadata(folder.path().join(FILE_NAME)).unwrap().permissions().mode() & 0o777, 0o600);
        for broken in ["", "\n", "short"] {
            fs::write(folder.path().join(FILE_NAME), broken).unwrap();
            assert!(Keyring::open(folder.path()).is_err(), "{broken:?}");
        }
    }
}
