//! SHA-256 hashes of leaves and nodes (RFC 6962, section 2.1).

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

/// A hash in the tree: of a leaf, of a node or of the root.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Hash([u8; Self::LENGTH]);

/// The text or bytes are not a hash in its canonical form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a SHA-256 hash")]
pub struct InvalidHash;

impl Hash {
    /// Bytes in a hash.
    pub const LENGTH: usize = 32;

    pub const fn from_bytes(bytes: [u8; Self::LENGTH]) -> Self {
        Self(bytes)
    }

    pub const fn as_bytes(&self) -> &[u8; Self::LENGTH] {
        &self.0
    }

    /// Returns standard Base64 with padding, as in checkpoints and proofs.
    pub fn to_base64(self) -> String {
        STANDARD.encode(self.0)
    }

    /// Parses standard Base64 with padding.
    pub fn from_base64(text: &str) -> Result<Self, InvalidHash> {
        STANDARD.decode(text).map_err(|_| InvalidHash)?.try_into().map(Self).map_err(|_| InvalidHash)
    }

    /// Parses 64 hexadecimal digits of either case.
    pub fn from_hex(text: &str) -> Result<Self, InvalidHash> {
        let mut bytes = [0; Self::LENGTH];
        hex::decode_to_slice(text, &mut bytes).map_err(|_| InvalidHash)?;
        Ok(Self(bytes))
    }

    /// Splits the bytes of a tile into its hashes.
    pub fn split_tile(bytes: &[u8]) -> Result<Vec<Self>, InvalidHash> {
        let (hashes, rest) = bytes.as_chunks();
        if rest.is_empty() { Ok(hashes.iter().copied().map(Self).collect()) } else { Err(InvalidHash) }
    }

    /// Concatenates hashes to the bytes of a tile.
    pub fn join_tile(hashes: &[Self]) -> Vec<u8> {
        hashes.iter().flat_map(|hash| hash.0).collect()
    }
}

/// Lowercase hexadecimal digits.
impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Hash({self})")
    }
}

/// Returns the root of the tree without leaves: the hash of no bytes.
pub fn empty_root() -> Hash {
    sha256(&[])
}

/// Hashes the bytes of an entry. The prefix 0x00 keeps leaves apart from inner nodes.
pub fn leaf_hash(entry: &[u8]) -> Hash {
    sha256(&[&[0], entry])
}

/// Hashes an inner node with the prefix 0x01.
pub fn node_hash(left: Hash, right: Hash) -> Hash {
    sha256(&[&[1], &left.0, &right.0])
}

fn sha256(parts: &[&[u8]]) -> Hash {
    let mut hasher = Sha256::new();
    parts.iter().for_each(|part| hasher.update(part));
    Hash(hasher.finalize().into())
}
