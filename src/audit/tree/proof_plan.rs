//! Which hashes a proof consists of (RFC 6962, sections 2.1.1 and 2.1.2), so that they can be loaded before it is built.

use std::collections::BTreeSet;
use std::ops::Range;

use super::compact_range::join_peaks;
use super::{Hash, Node, TileId};

/// A proof to be built: the subtrees whose roots are its hashes, as ranges of leaves, in the order of the proof.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProofPlan {
    subtrees: Vec<Range<u64>>,
}

/// A proof that does not exist, or whose hashes were not found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    #[error("a tree of {size} leaves has none at index {index}")]
    NoSuchLeaf { index: u64, size: u64 },
    #[error("a tree of {old} leaves is larger than one of {new}")]
    OldIsLarger { old: u64, new: u64 },
    #[error("the hash of {0:?} is missing")]
    MissingHash(Node),
}

impl ProofPlan {
    /// Plans the proof that a tree of this size has a leaf at this index.
    pub fn inclusion(index: u64, size: u64) -> Result<Self, PlanError> {
        if index >= size {
            return Err(PlanError::NoSuchLeaf { index, size });
        }
        let (mut subtrees, _) = descend(0..size, |tree| (tree.end - tree.start > 1).then_some(index));
        subtrees.reverse();
        Ok(Self { subtrees })
    }

    /// Plans the proof that the tree of the old size is a prefix of that of the new one. Empty if they are equal or the old one is 0.
    pub fn consistency(old: u64, new: u64) -> Result<Self, PlanError> {
        if old > new {
            return Err(PlanError::OldIsLarger { old, new });
        }
        if old == 0 {
            return Ok(Self { subtrees: Vec::new() });
        }
        let (mut subtrees, last) = descend(0..new, |tree| (tree.end != old).then_some(old - 1));
        // The verifier knows the old root, which is this subtree if it begins at the first leaf.
        subtrees.extend(Some(last).filter(|tree| tree.start > 0));
        subtrees.reverse();
        Ok(Self { subtrees })
    }

    /// Returns the perfect subtrees whose hashes the proof needs.
    pub fn nodes(&self) -> impl Iterator<Item = Node> {
        self.subtrees.iter().flat_map(Node::covering)
    }

    /// Returns the tiles that hold these hashes. Each is as wide as the tree makes it ([`TileId::width`]).
    pub fn tiles(&self) -> BTreeSet<TileId> {
        self.nodes().map(|node| node.tile().0).collect()
    }

    /// Builds the proof, for instance with [`Node::hash_in`] from loaded tiles.
    ///
    /// Errors: [`PlanError::MissingHash`] if `hash_of` returns `None`.
    pub fn build(&self, hash_of: impl Fn(Node) -> Option<Hash>) -> Result<Vec<Hash>, PlanError> {
        let hash = |node| hash_of(node).ok_or(PlanError::MissingHash(node));
        let root = |leaves| Node::covering(leaves).into_iter().map(hash).collect::<Result<Vec<_>, _>>();
        self.subtrees.iter().map(|leaves| Ok(join_peaks(&root(leaves)?))).collect()
    }
}

/// Walks down towards the leaf that `target` returns, until it returns `None`. Returns the siblings passed, and where it ended.
fn descend(mut tree: Range<u64>, target: impl Fn(&Range<u64>) -> Option<u64>) -> (Vec<Range<u64>>, Range<u64>) {
    let mut siblings = Vec::new();
    while let Some(leaf) = target(&tree) {
        let (left, right) = split(&tree);
        let (inside, sibling) = if left.contains(&leaf) { (left, right) } else { (right, left) };
        siblings.push(sibling);
        tree = inside;
    }
    (siblings, tree)
}

/// Splits a tree of at least two leaves after the largest power of two below its size.
fn split(tree: &Range<u64>) -> (Range<u64>, Range<u64>) {
    let middle = tree.start + (1 << (tree.end - tree.start - 1).ilog2());
    (tree.start..middle, middle..tree.end)
}
