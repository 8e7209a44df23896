//! Where the hashes of perfect subtrees are: in the tree, and in its tiles.

use std::collections::HashMap;
use std::ops::Range;

use super::{CompactRange, Hash, TILE_WIDTH, TileId};

/// A perfect subtree: the one of 2^height leaves that begins at leaf index · 2^height.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Node {
    pub height: u8,
    pub index: u64,
}

impl Node {
    /// Returns the perfect subtrees of which a subtree of an RFC 6962 tree consists, the largest first.
    pub(super) fn covering(leaves: &Range<u64>) -> Vec<Self> {
        let mut start = leaves.start;
        let mut nodes = Vec::new();
        while start < leaves.end {
            let height = (leaves.end - start).ilog2();
            nodes.push(Self { height: height as u8, index: start >> height });
            start += 1 << height;
        }
        nodes
    }

    /// Returns the tile from which the hash can be computed, and which of the tile's hashes are the subtree's.
    pub fn tile(self) -> (TileId, Range<usize>) {
        let count = 1 << (self.height % 8);
        let first = self.index * count;
        let offset = (first % TILE_WIDTH as u64) as usize;
        let tile = TileId { level: self.height / 8, index: first / TILE_WIDTH as u64 };
        (tile, offset..offset + count as usize)
    }

    /// Computes the hash from loaded tiles. `None` if the tile is absent or too narrow.
    pub fn hash_in(self, tiles: &HashMap<TileId, Vec<Hash>>) -> Option<Hash> {
        let (tile, hashes) = self.tile();
        let hashes = tiles.get(&tile)?.get(hashes)?;
        Some(hashes.iter().copied().collect::<CompactRange>().root())
    }
}
