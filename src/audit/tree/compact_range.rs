//! The right edge of a tree, which is enough to append leaves and to compute the root.

use super::proof::TreeHead;
use super::{Hash, empty_root, node_hash};

/// The roots of the perfect subtrees of which a tree consists: one for each bit of its size, the largest first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CompactRange {
    size: u64,
    peaks: Vec<Hash>,
}

impl CompactRange {
    /// Restores the edge of a tree of so many leaves. The caller guarantees a peak for each bit of the size.
    pub(super) fn from_peaks(size: u64, peaks: Vec<Hash>) -> Self {
        debug_assert_eq!(peaks.len(), size.count_ones() as usize);
        Self { size, peaks }
    }

    /// Number of leaves.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The roots of the perfect subtrees, largest first.
    pub(super) fn peaks(&self) -> &[Hash] {
        &self.peaks
    }

    /// Appends the hash of a leaf. Each trailing one of the old size is a subtree that it completes.
    pub fn append(&mut self, leaf: Hash) {
        let completed = self.size.trailing_ones() as usize;
        let merged = self.peaks.drain(self.peaks.len() - completed..).rfold(leaf, |right, left| node_hash(left, right));
        self.peaks.push(merged);
        self.size += 1;
    }

    /// Returns the root of the tree, for no leaves that of the empty tree.
    pub fn root(&self) -> Hash {
        join_peaks(&self.peaks)
    }

    /// Returns the size and the root.
    pub fn head(&self) -> TreeHead {
        TreeHead { size: self.size, root: self.root() }
    }
}

/// Appends leaves to an empty tree.
impl FromIterator<Hash> for CompactRange {
    fn from_iter<I: IntoIterator<Item = Hash>>(leaves: I) -> Self {
        let mut range = Self::default();
        leaves.into_iter().for_each(|leaf| range.append(leaf));
        range
    }
}

/// Joins the roots of perfect subtrees, largest first, to the root over them all.
pub(super) fn join_peaks(peaks: &[Hash]) -> Hash {
    peaks.iter().rev().copied().reduce(|right, left| node_hash(left, right)).unwrap_or_else(empty_root)
}
