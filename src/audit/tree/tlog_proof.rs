//! Files that prove offline that an entry is in the log (C2SP tlog-proof).

use std::fmt;
use std::str::FromStr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::{Checkpoint, CheckpointError, Hash, InvalidProof, Note, VerifierKey, leaf_hash, parse_decimal, verify_inclusion};

const HEADER: &str = "c2sp.org/tlog-proof@v1";

/// An inclusion proof with the checkpoint of the tree. Displays as, and parses from, the text of a `.tlog-proof` file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlogProof {
    /// Data of the application, which nothing authenticates.
    pub extra: Option<Vec<u8>>,
    /// Index of the entry, from 0.
    pub index: u64,
    /// From the leaf's sibling up to the root's child.
    pub hashes: Vec<Hash>,
    pub checkpoint: Note,
}

/// A proof is not one, or does not prove what it should.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TlogProofError {
    #[error("not a tlog-proof")]
    Malformed,
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    #[error(transparent)]
    Inclusion(#[from] InvalidProof),
}

impl TlogProof {
    /// Verifies that the log of this key has this entry, and returns the checkpoint that says so.
    ///
    /// Errors: the checkpoint is not the log's, or its tree does not have the entry at the index.
    pub fn verify(&self, entry: &[u8], key: &VerifierKey) -> Result<Checkpoint, TlogProofError> {
        let checkpoint = Checkpoint::open(&self.checkpoint, key)?;
        verify_inclusion(&self.hashes, leaf_hash(entry), self.index, checkpoint.head)?;
        Ok(checkpoint)
    }
}

impl fmt::Display for TlogProof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{HEADER}")?;
        if let Some(extra) = &self.extra {
            writeln!(f, "extra {}", STANDARD.encode(extra))?;
        }
        writeln!(f, "index {}", self.index)?;
        self.hashes.iter().try_for_each(|hash| writeln!(f, "{}", hash.to_base64()))?;
        write!(f, "\n{}", self.checkpoint)
    }
}

impl FromStr for TlogProof {
    type Err = TlogProofError;

    fn from_str(text: &str) -> Result<Self, TlogProofError> {
        let (proof, checkpoint) = text.split_once("\n\n").ok_or(TlogProofError::Malformed)?;
        let checkpoint = checkpoint.parse().map_err(CheckpointError::Note)?;
        parse(proof, checkpoint).ok_or(TlogProofError::Malformed)
    }
}

/// Parses the lines before the checkpoint.
fn parse(proof: &str, checkpoint: Note) -> Option<TlogProof> {
    let mut lines = proof.split('\n');
    lines.next().filter(|line| *line == HEADER)?;
    let (mut line, mut extra) = (lines.next()?, None);
    if let Some(data) = line.strip_prefix("extra ") {
        extra = Some(STANDARD.decode(data).ok()?);
        line = lines.next()?;
    }
    let index = parse_decimal(line.strip_prefix("index ")?)?;
    let hashes = lines.map(Hash::from_base64).collect::<Result<_, _>>().ok()?;
    Some(TlogProof { extra, index, hashes, checkpoint })
}
