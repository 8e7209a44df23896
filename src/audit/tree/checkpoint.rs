//! Signed tree heads (C2SP tlog-checkpoint).

use super::{Hash, Note, NoteError, SigningKey, TreeHead, VerifierKey, parse_decimal};

/// What a log signs: that it is in this state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// The log's identity, which is its key's name as well.
    pub origin: String,
    pub head: TreeHead,
}

/// A note is not a checkpoint of the log.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CheckpointError {
    #[error(transparent)]
    Note(#[from] NoteError),
    #[error("not a checkpoint")]
    Malformed,
    #[error("the checkpoint is of the log {0}")]
    OtherOrigin(String),
}

impl Checkpoint {
    /// Signs a tree head. The origin is the name of the key.
    pub fn sign(head: TreeHead, key: &SigningKey) -> Note {
        let body = Self { origin: key.verifier().name().to_owned(), head }.body();
        Note::sign(body, key).expect("a key's name has no control characters")
    }

    /// Verifies the signature of the log, whose origin is the name of the key, and returns what was signed.
    ///
    /// Extension lines are ignored. Errors: see [`CheckpointError`].
    pub fn open(note: &Note, key: &VerifierKey) -> Result<Self, CheckpointError> {
        let checkpoint = parse(note.verify(key)?).ok_or(CheckpointError::Malformed)?;
        if checkpoint.origin != key.name() {
            return Err(CheckpointError::OtherOrigin(checkpoint.origin));
        }
        Ok(checkpoint)
    }

    fn body(&self) -> String {
        format!("{}\n{}\n{}\n", self.origin, self.head.size, self.head.root.to_base64())
    }
}

fn parse(text: &str) -> Option<Checkpoint> {
    let lines: Vec<_> = text.strip_suffix('\n')?.split('\n').collect();
    let [origin, size, root, ..] = lines[..] else { return None };
    let head = TreeHead { size: parse_decimal(size)?, root: Hash::from_base64(root).ok()? };
    let has_no_empty_line = !lines.contains(&"");
    has_no_empty_line.then(|| Checkpoint { origin: origin.to_owned(), head })
}
