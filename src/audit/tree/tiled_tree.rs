//! A tree that cuts its hashes into tiles while it grows (C2SP tlog-tiles).

use super::compact_range::CompactRange;
use super::proof::TreeHead;
use super::{Hash, TILE_WIDTH, TileId};

/// The levels that a tree of fewer than 2^64 leaves can have.
const LEVELS: u8 = 8;

/// A growing tree. It holds its right edge alone: the partial tile of each level.
#[derive(Debug, Clone, Default)]
pub struct TiledTree {
    range: CompactRange,
    partial: [Vec<Hash>; LEVELS as usize],
}

/// A tile whose 256 hashes are all known. It never changes again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FullTile {
    pub id: TileId,
    /// All 256 hashes.
    pub hashes: Vec<Hash>,
    /// The root over the hashes, which is an entry of the next level.
    pub root: Hash,
}

/// A tree of this size has another number of hashes in a partial tile.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a tree of {size} leaves has {expected} hashes in the partial tile of level {level}, not {actual}")]
pub struct WrongTileWidth {
    size: u64,
    level: u8,
    expected: usize,
    actual: usize,
}

impl TiledTree {
    /// Restores a tree from its size and the partial tile of each level, from level 0 up. Empty ones at the end may be left out.
    ///
    /// Errors: a tile's width does not fit the size. Whether the hashes are right shows in [`Self::head`] alone.
    pub fn restore(size: u64, partial: &[Vec<Hash>]) -> Result<Self, WrongTileWidth> {
        let tiles: [Vec<Hash>; _] = std::array::from_fn(|level| partial.get(level).cloned().unwrap_or_default());
        for (level, hashes) in (0..).zip(&tiles) {
            let expected = TileId::partial(level, size).width(size);
            if hashes.len() != expected {
                return Err(WrongTileWidth { size, level, expected, actual: hashes.len() });
            }
        }
        Ok(Self { range: restore_range(size, &tiles), partial: tiles })
    }

    /// Returns the size and the root.
    pub fn head(&self) -> TreeHead {
        self.range.head()
    }

    /// Returns the partial tiles that are not empty, from level 0 up.
    pub fn partial_tiles(&self) -> impl Iterator<Item = (TileId, &[Hash])> {
        let tiles = (0..).zip(&self.partial).filter(|(_, hashes)| !hashes.is_empty());
        tiles.map(|(level, hashes)| (TileId::partial(level, self.range.size()), hashes.as_slice()))
    }

    /// Appends the hash of a leaf. Returns the tiles that it completes, from level 0 up: mostly none.
    pub fn append(&mut self, leaf: Hash) -> Vec<FullTile> {
        self.range.append(leaf);
        let mut completed = Vec::new();
        let mut hash = leaf;
        for level in 0..LEVELS {
            let Some(tile) = self.push(level, hash) else { break };
            hash = tile.root;
            completed.push(tile);
        }
        completed
    }

    /// Adds a hash to a level's partial tile. Returns the tile if that makes it full.
    fn push(&mut self, level: u8, hash: Hash) -> Option<FullTile> {
        let partial = &mut self.partial[usize::from(level)];
        partial.push(hash);
        if partial.len() < TILE_WIDTH {
            return None;
        }
        let hashes = std::mem::take(partial);
        let root = hashes.iter().copied().collect::<CompactRange>().root();
        // The tile is counted in the size already, so that the partial one is the next.
        let index = TileId::partial(level, self.range.size()).index - 1;
        Some(FullTile { id: TileId { level, index }, hashes, root })
    }
}

/// Joins the levels' peaks. Each hash of a partial tile spans more leaves than all levels below, and the checked widths of the tiles
/// are the digits of the size to base 256, so there is a peak for each bit of the size.
fn restore_range(size: u64, tiles: &[Vec<Hash>]) -> CompactRange {
    let levels = tiles.iter().rev().map(|hashes| hashes.iter().copied().collect::<CompactRange>());
    CompactRange::from_peaks(size, levels.flat_map(|range| range.peaks().to_vec()).collect())
}
