//! Seals what the database keeps but must not be able to read: ChaCha20-Poly1305 (RFC 8439) with a key that lies in a file
//! beside it (MFA-2, ASVS 13.3.1).

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

/// The file of keys in the data folder: one a line, in base64. The first seals, all open: whoever puts a new one on top has
/// rotated them.
pub const FILE: &str = "keys";
const NONCE: usize = 12;

/// The keys of this installation, newest first.
pub struct Seal(Vec<ChaCha20Poly1305>);

/// What was sealed cannot be opened: with another key, for another row, or changed since.
#[derive(Debug, thiserror::Error)]
#[error("what was sealed cannot be opened: the file of keys is not the one it was sealed with")]
pub struct Broken;

impl Seal {
    /// The keys in `folder`; a first one is made where there is none, for its owner alone (OPS-2).
    pub fn open(folder: &Path) -> anyhow::Result<Self> {
        let file = folder.join(FILE);
        let made = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&file);
        match made {
            Ok(mut new) => {
                let key = ChaCha20Poly1305::generate_key(&mut OsRng);
                writeln!(new, "{}", BASE64_STANDARD_NO_PAD.encode(key))?;
                new.sync_all()?;
            }
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error).with_context(|| format!("{} cannot be written", file.display())),
        }
        let text = fs::read_to_string(&file).with_context(|| format!("{} cannot be read", file.display()))?;
        Self::parse(&text).with_context(|| format!("{} holds no keys: one a line, 32 bytes in base64", file.display()))
    }

    fn parse(text: &str) -> Option<Self> {
        let key = |line: &str| ChaCha20Poly1305::new_from_slice(&BASE64_STANDARD_NO_PAD.decode(line).ok()?).ok();
        let keys: Vec<_> = text.lines().map(str::trim).filter(|line| !line.is_empty()).map(key).collect::<Option<_>>()?;
        (!keys.is_empty()).then_some(Self(keys))
    }

    /// Seals `text` for the row `id`: moved to another row it does not open.
    pub fn seal(&self, id: &str, text: &str) -> String {
        let nonce = ChaCha20Poly1305::generate_nonce(&mut OsRng);
        let payload = Payload { msg: text.as_bytes(), aad: id.as_bytes() };
        let sealed = self.0[0].encrypt(&nonce, payload).expect("what is sealed here is far below the cipher's bound");
        BASE64_STANDARD_NO_PAD.encode([nonce.as_slice(), &sealed].concat())
    }

    /// Opens what was sealed for the row `id`.
    pub fn unseal(&self, id: &str, sealed: &str) -> Result<String, Broken> {
        let bytes = BASE64_STANDARD_NO_PAD.decode(sealed).map_err(|_| Broken)?;
        let (nonce, text) = bytes.split_at_checked(NONCE).ok_or(Broken)?;
        let payload = || Payload { msg: text, aad: id.as_bytes() };
        let opened = self.0.iter().find_map(|key| key.decrypt(Nonce::from_slice(nonce), payload()).ok()).ok_or(Broken)?;
        String::from_utf8(opened).map_err(|_| Broken)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(bytes: &[u8]) -> Seal {
        let lines: Vec<_> = bytes.iter().map(|byte| BASE64_STANDARD_NO_PAD.encode([*byte; 32])).collect();
        Seal::parse(&lines.join("\n")).unwrap()
    }

    /// MFA-2: bound to its row, opened by an older key too, and by no other.
    #[test]
    fn what_is_sealed_opens_in_its_place_alone() {
        let sealed = keys(&[1]).seal("row 1", "a seed");
        assert!(!sealed.contains("seed") && sealed != keys(&[1]).seal("row 1", "a seed"));
        assert_eq!(keys(&[2, 1]).unseal("row 1", &sealed).unwrap(), "a seed");
        assert!(keys(&[1]).unseal("row 2", &sealed).is_err() && keys(&[2]).unseal("row 1", &sealed).is_err());
        for broken in ["", "x", &sealed[1..]] {
            assert!(keys(&[1]).unseal("row 1", broken).is_err(), "{broken}");
        }
    }

    /// OPS-2, OPS-3
    #[test]
    fn the_keys_are_made_once_and_private() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let sealed = Seal::open(folder.path()).unwrap().seal("1", "x");
        assert_eq!(Seal::open(folder.path()).unwrap().unseal("1", &sealed).unwrap(), "x");
        assert_eq!(fs::metadata(folder.path().join(FILE)).unwrap().permissions().mode() & 0o777, 0o600);
        for broken in ["", "\n", "short"] {
            fs::write(folder.path().join(FILE), broken).unwrap();
            assert!(Seal::open(folder.path()).is_err(), "{broken:?}");
        }
    }
}
