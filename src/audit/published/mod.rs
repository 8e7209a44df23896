//! The tree as C2SP tlog-tiles: checkpoint, tiles and verifier key. It holds hashes only.

pub mod http;
