//! The audit log: seals events into a Merkle tree, verifies it, and shows who accessed plants and devices. Events are written by `record/`.

pub mod log;
pub mod published;
pub mod query;
pub mod receipt;
pub mod rollup;
pub mod seal;
pub mod tree;
pub mod verify;
