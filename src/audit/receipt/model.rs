//! What a receipt contains, and how it is verified.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    audit::tree::{Checkpoint, TlogProof, TlogProofError, VerifierKey},
    record::entry::{Entry, PersonalPart, Salted},
};

/// The proof that an event is in the audit log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Receipt {
    /// The bytes that the tree holds a hash of, in base64: JSON.
    pub entry: String,
    /// What the event says about people, as far as it was not erased.
    pub personal: Vec<ReceiptPart>,
    /// Proof in the form of C2SP tlog-proof: the index of the leaf, the inclusion proof, and a signed checkpoint.
    pub proof: String,
}

/// A personal part of an event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReceiptPart {
    /// 32 random bytes, in base64.
    pub salt: String,
    /// What the part says, in base64: JSON.
    pub bytes: String,
    /// SHA-256 of salt and bytes, in hexadecimal, as it stands in the entry.
    pub hash: String,
}

/// A receipt that was verified.
#[derive(Debug)]
pub struct Verified {
    /// The event.
    pub entry: Entry,
    /// Its personal parts.
    pub personal: Vec<PersonalPart>,
    /// Index of its leaf.
    pub seq: u64,
    /// The signed checkpoint that contains it.
    pub checkpoint: Checkpoint,
}

/// Why a receipt proves nothing.
#[derive(Debug, thiserror::Error)]
pub enum InvalidReceipt {
    /// It is not a receipt.
    #[error("it is not a receipt: {0}")]
    Malformed(String),
    /// The proof does not hold.
    #[error("the proof does not hold: {0}")]
    Proof(#[from] TlogProofError),
    /// A personal part was changed, or belongs to another event.
    #[error("the personal part {0} does not belong to the event, or was changed")]
    Personal(usize),
}

impl ReceiptPart {
    /// Encodes a stored part.
    pub fn new(salted: &Salted) -> Self {
        let salt = hex::decode(&salted.salt).unwrap_or_default(); // a damaged salt proves nothing
        Self { salt: BASE64_STANDARD.encode(salt), bytes: BASE64_STANDARD.encode(&salted.content), hash: salted.hash() }
    }

    fn decode(&self) -> Option<Salted> {
        let (salt, bytes) = (BASE64_STANDARD.decode(&self.salt).ok()?, BASE64_STANDARD.decode(&self.bytes).ok()?);
        Some(Salted { salt: hex::encode(salt), content: String::from_utf8(bytes).ok()? })
    }
}

impl Receipt {
    /// Verifies that the entry is in a log that this key signed, and that the personal parts belong to it.
    ///
    /// Errors: see [`InvalidReceipt`].
    pub fn verify(&self, key: &VerifierKey) -> Result<Verified, InvalidReceipt> {
        let malformed = |what: &str| InvalidReceipt::Malformed(format!("{what} cannot be read"));
        let bytes = BASE64_STANDARD.decode(&self.entry).map_err(|_| malformed("the entry"))?;
        let proof: TlogProof = self.proof.parse().map_err(|_| malformed("the proof"))?;
        let checkpoint = proof.verify(&bytes, key)?;
        let entry: Entry = serde_json::from_slice(&bytes).map_err(|_| malformed("the entry"))?;
        let personal = self.personal.iter().enumerate().map(|(number, part)| {
            let salted = part.decode().filter(|salted| entry.personal.contains(&salted.hash()));
            salted.and_then(|salted| serde_json::from_str(&salted.content).ok()).ok_or(InvalidReceipt::Personal(number))
        });
        Ok(Verified { personal: personal.collect::<Result<_, _>>()?, entry, seq: proof.index, checkpoint })
    }
}
