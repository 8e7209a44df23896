//! Verification of inclusion and consistency proofs (RFC 9162, sections 2.1.3.2 and 2.1.4.2).

use super::{Hash, empty_root, node_hash};

/// A state of the log: how many leaves it has, and the root over them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TreeHead {
    /// Number of leaves.
    pub size: u64,
    pub root: Hash,
}

/// The proof does not show what it claims.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the proof does not lead to the root of the tree")]
pub struct InvalidProof;

/// Verifies that the tree has this leaf at this index. The proof goes from the leaf's sibling up to the root's child.
pub fn verify_inclusion(proof: &[Hash], leaf: Hash, index: u64, head: TreeHead) -> Result<(), InvalidProof> {
    ensure(index < head.size)?;
    let mut path = Path { node: index, last: head.size - 1 };
    let mut root = leaf;
    for hash in proof {
        root = match path.ascend()? {
            Sibling::Left => node_hash(*hash, root),
            Sibling::Right => node_hash(root, *hash),
        };
    }
    ensure(path.last == 0 && root == head.root)
}

/// Verifies that the old tree is a prefix of the new one. The proof is empty if the trees are equal or the old one is.
pub fn verify_consistency(proof: &[Hash], old: TreeHead, new: TreeHead) -> Result<(), InvalidProof> {
    ensure(old.size <= new.size)?;
    if old.size == 0 {
        return ensure(proof.is_empty() && old.root == empty_root());
    }
    if old.size == new.size {
        return ensure(proof.is_empty() && old.root == new.root);
    }
    // A perfect old tree is a node of the new one, so the proof leaves its root out.
    if old.size.is_power_of_two() {
        return verify_extension(old.root, proof, old, new);
    }
    let (start, rest) = proof.split_first().ok_or(InvalidProof)?;
    verify_extension(*start, rest, old, new)
}

/// Climbs from the last perfect subtree of the old tree to both roots.
fn verify_extension(start: Hash, proof: &[Hash], old: TreeHead, new: TreeHead) -> Result<(), InvalidProof> {
    let mut path = Path { node: old.size - 1, last: new.size - 1 };
    path.shift(path.node.trailing_ones());
    let (mut old_root, mut new_root) = (start, start);
    for hash in proof {
        match path.ascend()? {
            Sibling::Left => (old_root, new_root) = (node_hash(*hash, old_root), node_hash(*hash, new_root)),
            Sibling::Right => new_root = node_hash(new_root, *hash),
        }
    }
    ensure(path.last == 0 && old_root == old.root && new_root == new.root)
}

enum Sibling {
    Left,
    Right,
}

/// A way up the tree: the index of a node, and that of the last node at the same height.
struct Path {
    node: u64,
    last: u64,
}

impl Path {
    /// Moves to the parent. Returns on which side the sibling was.
    ///
    /// Errors: the node is the root.
    fn ascend(&mut self) -> Result<Sibling, InvalidProof> {
        ensure(self.last > 0)?;
        // A last node that is a left child has no sibling until further up, where it is a right child.
        if self.node == self.last {
            self.shift(self.node.trailing_zeros());
        }
        let side = if self.node.is_multiple_of(2) { Sibling::Right } else { Sibling::Left };
        self.shift(1);
        Ok(side)
    }

    fn shift(&mut self, heights: u32) {
        self.node >>= heights;
        self.last >>= heights;
    }
}

fn ensure(holds: bool) -> Result<(), InvalidProof> {
    if holds { Ok(()) } else { Err(InvalidProof) }
}
