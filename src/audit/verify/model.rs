//! What a verification found.

use serde::Serialize;

/// The result of a verification.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Whether all holds.
    pub ok: bool,
    /// Number of events, with those that are not sealed yet.
    pub events: i64,
    /// Number of events in the tree that were verified.
    pub sealed: i64,
    /// The head of the tree. `None` before the first seal.
    pub checkpoint: Option<CheckpointReport>,
    /// The first event that something is wrong with.
    pub first_bad: Option<Bad>,
}

/// A signed head of the tree.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CheckpointReport {
    /// Number of leaves.
    pub size: i64,
    /// The root, in base64.
    pub root: String,
    /// The name of the log.
    pub origin: String,
}

/// What is wrong, and with which event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Bad {
    /// Index of the leaf. `None` for an event that has none.
    pub seq: Option<i64>,
    /// Id of the event. `None` if it is lost.
    pub id: Option<String>,
    /// What is wrong.
    pub why: String,
}

impl Bad {
    /// Describes what is wrong with a leaf.
    pub fn leaf(seq: i64, id: Option<&str>, why: impl Into<String>) -> Self {
        Self { seq: Some(seq), id: id.map(str::to_owned), why: why.into() }
    }
}
