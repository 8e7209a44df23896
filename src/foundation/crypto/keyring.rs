//! The keys of this installation, from a file outside the database: they encrypt values that must not be readable from the database alone
//! (MFA-2, ASVS 13.3.1), and authenticate and sign what the database alone must not be able to forge (AUD-4, AUD-8).

use std::{
    fs,
    io::{Read as _, Write as _},
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

use anyhow::Context as _;
use base64::{Engine, prelude::BASE64_STANDARD_NO_PAD};
use chacha20poly1305::{
    ChaCha20Poly1305, Nonce,
    aead::{Aead, AeadCore, KeyInit, OsRng, Payload},
};
use hmac::{Hmac, Mac as _};
use sha2::Sha256;

use crate::foundation::crypto::secret::random_bytes;

/// The key file in the data folder: one key per line, 32 bytes in base64, after its purpose and a space. A key without a purpose encrypts:
/// the first one encrypts, all decrypt. To rotate, add a new one as the first line.
pub const FILE_NAME: &str = "keys";
const NONCE_BYTES: usize = 12;

/// 32 bytes of a key.
pub type Key = [u8; 32];

/// What a key is for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Purpose {
    Encryption,
    /// The seed of the Ed25519 key that signs the tree of the audit log. What authenticates events before is derived from it, so that who has
    /// one has the other.
    AuditSigning,
}

impl Purpose {
    const ALL: [Self; 2] = [Self::Encryption, Self::AuditSigning];

    /// Returns what stands before the key in its line.
    fn prefix(self) -> &'static str {
        match self {
            Self::Encryption => "",
            Self::AuditSigning => "audit-signing ",
        }
    }

    /// Parses a line of the file.
    fn parse(line: &str) -> Option<(Self, Key)> {
        let with_prefix = |purpose: &Self| *purpose != Self::Encryption && line.starts_with(purpose.prefix());
        let purpose = Self::ALL.into_iter().find(with_prefix).unwrap_or(Self::Encryption); // a key without a purpose
        let key = BASE64_STANDARD_NO_PAD.decode(line.strip_prefix(purpose.prefix())?.trim()).ok()?;
        Some((purpose, key.try_into().ok()?))
    }
}

/// The keys of this installation.
pub struct Keyring {
    /// Newest first.
    encryption: Vec<ChaCha20Poly1305>,
    audit_signing: Key,
    /// Derived from the one before.
    audit_mac: Key,
}

/// The value cannot be decrypted: it was encrypted with another key or for another row, or was modified.
#[derive(Debug, thiserror::Error)]
#[error("the value cannot be decrypted: the key file does not hold the key that it was encrypted with")]
pub struct DecryptionError;

impl Keyring {
    /// Loads the keys in `folder`. Without a key file it creates one, readable only by its owner (OPS-2). A key of a purpose that a file
    /// from before does not hold is added to it.
    ///
    /// Errors: a file that cannot be written or read, or that holds anything but keys.
    pub fn open(folder: &Path) -> anyhow::Result<Self> {
        let path = folder.join(FILE_NAME);
        let text = match fs::read_to_string(&path) {
            Ok(text) if Self::parse(&text).is_some() => text, // it may be read-only
            _ => Self::complete(&path).with_context(|| format!("{} cannot be read and written", path.display()))?,
        };
        Self::parse(&text).with_context(|| format!("{} holds no valid keys: write one per line, 32 bytes in base64", path.display()))
    }

    /// Loads the keys in `folder` without writing anything.
    ///
    /// Errors: there is no key file, or it lacks a key.
    pub fn open_existing(folder: &Path) -> anyhow::Result<Self> {
        let path = folder.join(FILE_NAME);
        let text = fs::read_to_string(&path).with_context(|| format!("{} cannot be read", path.display()))?;
        Self::parse(&text).with_context(|| format!("{} does not hold the keys of this version", path.display()))
    }

    /// Checks that [`Keyring::open`] can read the file in `folder` and, if a key is missing, write it. Call it before anything is changed.
    ///
    /// Errors: it cannot.
    pub fn check(folder: &Path) -> anyhow::Result<()> {
        let path = folder.join(FILE_NAME);
        let is_complete = fs::read_to_string(&path).is_ok_and(|text| Self::parse(&text).is_some());
        let opened = || fs::OpenOptions::new().read(true).append(true).create(true).mode(0o600).open(&path).map(drop);
        if is_complete { Ok(()) } else { opened().with_context(|| format!("{} cannot be read and written", path.display())) }
    }

    /// Reads the file, and adds what is missing. A file with something else than keys stays as it is.
    fn complete(path: &Path) -> std::io::Result<String> {
        let mut file = fs::OpenOptions::new().read(true).append(true).create(true).mode(0o600).open(path)?;
        file.lock()?; // nodes that start together use the keys of the first one
        let is_new = file.metadata()?.len() == 0;
        let mut text = String::new();
        file.read_to_string(&mut text)?;
        let Some(keys) = parse_lines(&text) else { return Ok(text) };
        for purpose in Purpose::ALL {
            // An encryption key is never added to a file from before: what is encrypted could not be decrypted.
            let is_missing = !keys.iter().any(|(known, _)| *known == purpose) && (is_new || purpose != Purpose::Encryption);
            if is_missing {
                let line_break = if text.is_empty() || text.ends_with('\n') { "" } else { "\n" };
                let line = format!("{line_break}{}{}\n", purpose.prefix(), BASE64_STANDARD_NO_PAD.encode(random_bytes::<32>()));
                file.write_all(line.as_bytes())?;
                text.push_str(&line);
            }
        }
        file.sync_all()?;
        Ok(text)
    }

    fn parse(text: &str) -> Option<Self> {
        let keys = parse_lines(text)?;
        let of = |purpose| keys.iter().filter(move |(known, _)| *known == purpose).map(|(_, key)| key);
        let encryption: Vec<_> = of(Purpose::Encryption).map(|key| ChaCha20Poly1305::new(key.into())).collect();
        let audit_signing = *of(Purpose::AuditSigning).next()?;
        let audit_mac = mac(&audit_signing, b"whereabouts audit mac").finalize().into_bytes().into();
        (!encryption.is_empty()).then_some(Self { encryption, audit_signing, audit_mac })
    }

    /// Returns the HMAC-SHA256 of an event that waits for the tree of the audit log, in hexadecimal.
    pub fn authenticate_event(&self, entry: &[u8]) -> String {
        hex::encode(self.event_mac(entry).finalize().into_bytes())
    }

    /// Returns whether an event that waits for the tree was written with the key.
    pub fn is_authentic_event(&self, entry: &[u8], mac: &str) -> bool {
        hex::decode(mac).is_ok_and(|mac| self.event_mac(entry).verify_slice(&mac).is_ok())
    }

    /// Returns the HMAC-SHA256 of an event at its place in the tree, in hexadecimal.
    pub fn authenticate_leaf(&self, seq: i64, entry: &[u8]) -> String {
        hex::encode(self.leaf_mac(seq, entry).finalize().into_bytes())
    }

    /// Returns whether an event was sealed at this place of the tree.
    pub fn is_authentic_leaf(&self, seq: i64, entry: &[u8], mac: &str) -> bool {
        hex::decode(mac).is_ok_and(|mac| self.leaf_mac(seq, entry).verify_slice(&mac).is_ok())
    }

    fn leaf_mac(&self, seq: i64, entry: &[u8]) -> Hmac<Sha256> {
        mac(&self.audit_mac, b"leaf").chain_update(seq.to_be_bytes()).chain_update(entry)
    }

    fn event_mac(&self, entry: &[u8]) -> Hmac<Sha256> {
        mac(&self.audit_mac, b"event").chain_update(entry)
    }

    /// Returns the seed of the Ed25519 key that signs the tree of the audit log.
    pub fn audit_signing_seed(&self) -> &Key {
        &self.audit_signing
    }

    /// Encrypts `text` for the row `id`. In another row it cannot be decrypted.
    pub fn encrypt(&self, id: &str, text: &str) -> String {
        let nonce = ChaCha20Poly1305::generate_nonce(&mut OsRng);
        let payload = Payload { msg: text.as_bytes(), aad: id.as_bytes() };
        let encrypted = self.encryption[0].encrypt(&nonce, payload).expect("the text is far below the cipher's size limit");
        BASE64_STANDARD_NO_PAD.encode([nonce.as_slice(), &encrypted].concat())
    }

    /// Decrypts a value that was encrypted for the row `id`.
    ///
    /// Errors: [`DecryptionError`] if no key decrypts it, it belongs to another row, or it was modified.
    pub fn decrypt(&self, id: &str, encrypted: &str) -> Result<String, DecryptionError> {
        let bytes = BASE64_STANDARD_NO_PAD.decode(encrypted).map_err(|_| DecryptionError)?;
        let (nonce, text) = bytes.split_at_checked(NONCE_BYTES).ok_or(DecryptionError)?;
        let payload = || Payload { msg: text, aad: id.as_bytes() };
        let decrypted = self.encryption.iter().find_map(|key| key.decrypt(Nonce::from_slice(nonce), payload()).ok());
        String::from_utf8(decrypted.ok_or(DecryptionError)?).map_err(|_| DecryptionError)
    }
}

/// Begins an HMAC-SHA256 with what it is for, so that none can be taken for another one.
fn mac(key: &Key, purpose: &[u8]) -> Hmac<Sha256> {
    <Hmac<Sha256> as hmac::Mac>::new_from_slice(key).expect("HMAC takes keys of any length").chain_update(purpose)
}

/// Parses all lines that are not empty. `None` if one holds no key.
fn parse_lines(text: &str) -> Option<Vec<(Purpose, Key)>> {
    text.lines().map(str::trim).filter(|line| !line.is_empty()).map(Purpose::parse).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keyring(bytes: &[u8]) -> Keyring {
        let key = |byte| BASE64_STANDARD_NO_PAD.encode([byte; 32]);
        let lines: Vec<_> = bytes.iter().map(|byte| key(*byte)).collect();
        Keyring::parse(&format!("{}\naudit-signing {}\n", lines.join("\n"), key(9))).unwrap()
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

    /// AUD-8
    #[test]
    fn an_event_is_authentic_only_with_its_own_mac() {
        let keys = keyring(&[1]);
        let mac = keys.authenticate_event(b"entry");
        assert!(keys.is_authentic_event(b"entry", &mac));
        for (entry, mac) in [(&b"other"[..], mac.as_str()), (b"entry", ""), (b"entry", "zz"), (b"entry", &mac[2..])] {
            assert!(!keys.is_authentic_event(entry, mac));
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
        for broken in ["\n", "short", "audit-signing short"] {
            fs::write(folder.path().join(FILE_NAME), broken).unwrap();
            assert!(Keyring::open(folder.path()).is_err(), "{broken:?}");
            let kept = fs::read_to_string(folder.path().join(FILE_NAME)).unwrap();
            assert!(kept == broken || broken == "\n", "{kept:?}");
        }
    }

    #[test]
    fn a_key_file_from_before_gets_the_keys_of_the_audit_log() {
        let folder = tempfile::tempdir().unwrap();
        let before = BASE64_STANDARD_NO_PAD.encode([1; 32]);
        fs::write(folder.path().join(FILE_NAME), &before).unwrap();
        let encrypted = keyring(&[1]).encrypt("1", "x");
        let opened = Keyring::open(folder.path()).unwrap();
        assert_eq!(opened.decrypt("1", &encrypted).unwrap(), "x");
        let (mac, seed) = (opened.authenticate_event(b"entry"), *opened.audit_signing_seed());
        let again = Keyring::open(folder.path()).unwrap();
        assert!(again.is_authentic_event(b"entry", &mac) && *again.audit_signing_seed() == seed);
        assert!(fs::read_to_string(folder.path().join(FILE_NAME)).unwrap().starts_with(&format!("{before}\naudit-signing ")));
    }
}
