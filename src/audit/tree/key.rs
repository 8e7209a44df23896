//! Ed25519 keys of signed notes (C2SP signed-note, "Signatures" and "Verifier keys").

use std::fmt;
use std::str::FromStr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::{PUBLIC_KEY_LENGTH, SECRET_KEY_LENGTH, Signature, Signer, VerifyingKey};
use sha2::{Digest, Sha256};

/// The signature type byte of Ed25519.
const ED25519: u8 = 0x01;

/// The first bytes of a hash over a key: they name it, but do not authenticate it.
pub(super) type KeyId = [u8; 4];

/// The public key of a log, with the name under which it signs. Its text form is a vkey: `<name>+<key ID>+<key>`.
#[derive(Clone, PartialEq, Eq)]
pub struct VerifierKey {
    name: String,
    id: KeyId,
    key: VerifyingKey,
}

/// The private key of a log.
pub struct SigningKey {
    key: ed25519_dalek::SigningKey,
    verifier: VerifierKey,
}

/// The name or the text form of a key is not valid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidKey {
    #[error("a key's name is not empty and has neither spaces, control characters nor plus signs")]
    Name,
    #[error("not an Ed25519 verifier key of the form name+id+key")]
    Format,
    #[error("the key ID is not that of the name and key")]
    Id,
}

impl VerifierKey {
    fn new(name: &str, key: VerifyingKey) -> Result<Self, InvalidKey> {
        if !is_valid_name(name) {
            return Err(InvalidKey::Name);
        }
        Ok(Self { name: name.to_owned(), id: key_id(name, &key), key })
    }

    /// The name, which for a log is the origin of its checkpoints.
    pub fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn id(&self) -> KeyId {
        self.id
    }

    /// Returns whether the bytes are this key's signature of the text. Refuses weak keys and malleable signatures.
    pub(super) fn is_signature_of(&self, text: &str, signature: &[u8]) -> bool {
        Signature::from_slice(signature).is_ok_and(|signature| self.key.verify_strict(text.as_bytes(), &signature).is_ok())
    }
}

impl fmt::Display for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = [&[ED25519], self.key.as_bytes().as_slice()].concat();
        write!(f, "{}+{}+{}", self.name, hex::encode(self.id), STANDARD.encode(key))
    }
}

impl fmt::Debug for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VerifierKey({self})")
    }
}

impl FromStr for VerifierKey {
    type Err = InvalidKey;

    fn from_str(text: &str) -> Result<Self, InvalidKey> {
        // Base64 may have plus signs too.
        let [name, id, key] = text.splitn(3, '+').collect::<Vec<_>>().try_into().map_err(|_| InvalidKey::Format)?;
        let verifier = Self::new(name, parse_key(key).ok_or(InvalidKey::Format)?)?;
        if id == hex::encode(verifier.id) { Ok(verifier) } else { Err(InvalidKey::Id) }
    }
}

fn parse_key(text: &str) -> Option<VerifyingKey> {
    let bytes: [u8; 1 + PUBLIC_KEY_LENGTH] = STANDARD.decode(text).ok()?.try_into().ok()?;
    let key = bytes.strip_prefix(&[ED25519])?.try_into().ok()?;
    VerifyingKey::from_bytes(key).ok()
}

impl SigningKey {
    /// Derives the key from 32 random secret bytes (RFC 8032). The name is the log's origin.
    ///
    /// Errors: [`InvalidKey::Name`].
    pub fn from_seed(name: &str, seed: &[u8; SECRET_KEY_LENGTH]) -> Result<Self, InvalidKey> {
        let key = ed25519_dalek::SigningKey::from_bytes(seed);
        Ok(Self { verifier: VerifierKey::new(name, key.verifying_key())?, key })
    }

    /// The public key, to be published.
    pub fn verifier(&self) -> &VerifierKey {
        &self.verifier
    }

    pub(super) fn sign(&self, text: &str) -> Vec<u8> {
        self.key.sign(text.as_bytes()).to_vec()
    }
}

/// Shows the public key alone.
impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({})", self.verifier)
    }
}

pub(super) fn is_valid_name(name: &str) -> bool {
    !name.is_empty() && !name.contains(|c: char| c == '+' || c < ' ' || c.is_whitespace())
}

fn key_id(name: &str, key: &VerifyingKey) -> KeyId {
    let hash = Sha256::new().chain_update(name).chain_update([b'\n', ED25519]).chain_update(key.as_bytes()).finalize();
    hash[..4].try_into().expect("a SHA-256 hash has 32 bytes")
}
