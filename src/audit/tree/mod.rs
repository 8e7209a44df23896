//! The Merkle tree of the audit log: hashing, tiles, proofs and signed checkpoints, without a database.
//!
//! Hashes and proofs follow RFC 6962; tiles, notes, checkpoints and proof files follow the C2SP specifications
//! tlog-tiles, signed-note, tlog-checkpoint and tlog-proof.

mod checkpoint;
mod compact_range;
mod hash;
mod key;
mod node;
mod note;
mod proof;
mod proof_plan;
mod tile_path;
mod tiled_tree;
mod tlog_proof;

#[cfg(test)]
mod tests;

use std::str::FromStr;

pub use checkpoint::{Checkpoint, CheckpointError};
pub use compact_range::CompactRange;
pub use hash::{Hash, InvalidHash, empty_root, leaf_hash, node_hash};
pub use key::{InvalidKey, SigningKey, VerifierKey};
pub use node::Node;
pub use note::{Note, NoteError};
pub use proof::{InvalidProof, TreeHead, verify_consistency, verify_inclusion};
pub use proof_plan::{PlanError, ProofPlan};
pub use tile_path::{InvalidTilePath, TILE_WIDTH, TileId, TilePath};
pub use tiled_tree::{FullTile, TiledTree, WrongTileWidth};
pub use tlog_proof::{TlogProof, TlogProofError};

/// Parses a decimal number. `None` unless it is written exactly as we would: no sign, no leading zeros.
fn parse_decimal<T: FromStr + ToString>(text: &str) -> Option<T> {
    text.parse().ok().filter(|number: &T| number.to_string() == text)
}
