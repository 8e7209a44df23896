//! Texts with signatures (C2SP signed-note).

use std::fmt;
use std::str::FromStr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::key::{KeyId, is_valid_name};
use super::{SigningKey, VerifierKey};

/// Longest note that is read, in bytes. The specification asks for room for 16 signatures of nearly 5 kB.
const MAX_LENGTH: usize = 256 * 1024;
const SIGNATURE_PREFIX: &str = "— ";

/// A text and its signatures, of which none is verified yet. Displays as, and parses from, a signed note.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    text: String,
    signatures: Vec<Signature>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Signature {
    name: String,
    id: KeyId,
    bytes: Vec<u8>,
}

/// A note cannot be created, read or trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoteError {
    #[error("a note's text ends in a newline and has no other control characters")]
    InvalidText,
    #[error("not a signed note")]
    Malformed,
    #[error("the note has no signature by the key")]
    NotSigned,
    #[error("a signature by the key is wrong")]
    WrongSignature,
}

impl Note {
    /// Signs a text.
    ///
    /// Errors: [`NoteError::InvalidText`].
    pub fn sign(text: String, key: &SigningKey) -> Result<Self, NoteError> {
        if !is_valid_text(&text) {
            return Err(NoteError::InvalidText);
        }
        let verifier = key.verifier();
        let signature = Signature { name: verifier.name().to_owned(), id: verifier.id(), bytes: key.sign(&text) };
        Ok(Self { text, signatures: vec![signature] })
    }

    /// Returns the text, if the key has signed it. Signatures by other keys are ignored.
    ///
    /// Errors: [`NoteError::NotSigned`], or [`NoteError::WrongSignature`] if any that names the key does not verify.
    pub fn verify(&self, key: &VerifierKey) -> Result<&str, NoteError> {
        let mut signatures = self.signatures.iter().filter(|line| line.name == key.name() && line.id == key.id()).peekable();
        signatures.peek().ok_or(NoteError::NotSigned)?;
        let are_right = signatures.all(|line| key.is_signature_of(&self.text, &line.bytes));
        are_right.then_some(self.text.as_str()).ok_or(NoteError::WrongSignature)
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.text)?;
        self.signatures.iter().try_for_each(|signature| writeln!(f, "{signature}"))
    }
}

impl fmt::Display for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = STANDARD.encode([&self.id, self.bytes.as_slice()].concat());
        write!(f, "{SIGNATURE_PREFIX}{} {bytes}", self.name)
    }
}

impl FromStr for Note {
    type Err = NoteError;

    fn from_str(note: &str) -> Result<Self, NoteError> {
        if note.len() > MAX_LENGTH || !is_valid_text(note) {
            return Err(NoteError::Malformed);
        }
        parse(note).ok_or(NoteError::Malformed)
    }
}

/// The last empty line ends the text, which may have empty lines itself.
fn parse(note: &str) -> Option<Note> {
    let (text, signatures) = note.split_at(note.rfind("\n\n")? + 1);
    let signatures = signatures.strip_prefix('\n')?.strip_suffix('\n')?;
    let signatures = signatures.split('\n').map(parse_signature).collect::<Option<_>>()?;
    Some(Note { text: text.to_owned(), signatures })
}

fn parse_signature(line: &str) -> Option<Signature> {
    let (name, bytes) = line.strip_prefix(SIGNATURE_PREFIX)?.split_once(' ')?;
    let bytes = STANDARD.decode(bytes).ok()?;
    let (id, bytes) = bytes.split_first_chunk()?;
    let is_valid = is_valid_name(name) && !bytes.is_empty();
    is_valid.then(|| Signature { name: name.to_owned(), id: *id, bytes: bytes.to_vec() })
}

fn is_valid_text(text: &str) -> bool {
    text.ends_with('\n') && text.bytes().all(|byte| byte >= b' ' || byte == b'\n')
}
