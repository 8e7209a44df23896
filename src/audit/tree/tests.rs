//! The tree against published vectors and another implementation; its text forms against the C2SP specifications.

mod notes;
mod oracle;
mod tiles;
mod vectors;

use std::collections::HashMap;
use std::sync::LazyLock;

use super::*;

/// A log as a database stores it: all leaf hashes, and the tiles that became full.
struct StoredLog {
    leaves: Vec<Hash>,
    full: HashMap<TileId, FullTile>,
    head: TreeHead,
}

/// The example of C2SP tlog-tiles, with a full tile of level 1.
static LOG: LazyLock<StoredLog> = LazyLock::new(|| StoredLog::new(70_000));

impl StoredLog {
    fn new(size: u64) -> Self {
        let leaves: Vec<_> = (0..size).map(|index| leaf_hash(&index.to_be_bytes())).collect();
        let mut tree = TiledTree::default();
        let full = leaves.iter().flat_map(|leaf| tree.append(*leaf)).map(|tile| (tile.id, tile)).collect();
        Self { leaves, full, head: tree.head() }
    }

    /// Returns the hashes of a tile as it was at this size, from what is stored.
    fn tile(&self, id: TileId, size: u64) -> Vec<Hash> {
        let sources = id.sources(size);
        match id.level {
            0 => sources.map(|index| self.leaves[index as usize]).collect(),
            level => sources.map(|index| self.full[&TileId { level: level - 1, index }].root).collect(),
        }
    }

    fn restore(&self, size: u64) -> TiledTree {
        let partial: Vec<_> = (0..8).map(|level| self.tile(TileId::partial(level, size), size)).collect();
        TiledTree::restore(size, &partial).unwrap()
    }

    /// Builds a proof as a server does: first the tiles, then the hashes from them.
    fn prove(&self, plan: &ProofPlan, size: u64) -> Vec<Hash> {
        let tiles = plan.tiles().into_iter().map(|id| (id, self.tile(id, size))).collect();
        plan.build(|node| node.hash_in(&tiles)).unwrap()
    }
}
