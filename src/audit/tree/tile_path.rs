//! Addresses of tiles: level, index and width, and their paths (C2SP tlog-tiles, "Merkle Tree").

use std::fmt;
use std::ops::Range;
use std::str::FromStr;

use super::parse_decimal;

/// Hashes in a full tile.
pub const TILE_WIDTH: usize = 256;
const MAX_LEVEL: u8 = 63;

/// A tile's place. At level 0 its hashes are leaves; at level n each is the root of a full tile of level n - 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TileId {
    pub level: u8,
    pub index: u64,
}

impl TileId {
    /// Returns how many hashes, 0 to 256, the tile has in a tree of this size.
    pub fn width(self, tree_size: u64) -> usize {
        let sources = self.sources(tree_size);
        (sources.end - sources.start) as usize
    }

    /// Returns where the hashes come from in a tree of this size: at level 0 the indexes of leaves, above those of full tiles of the
    /// level below. Empty if the tree does not reach the tile.
    pub fn sources(self, tree_size: u64) -> Range<u64> {
        let end = hashes_at_level(self.level, tree_size);
        let start = self.index.saturating_mul(TILE_WIDTH as u64).min(end);
        start..start.saturating_add(TILE_WIDTH as u64).min(end)
    }

    /// Returns the tile at the right edge that a tree of this size has at this level. Its width may be 0.
    pub fn partial(level: u8, tree_size: u64) -> Self {
        Self { level, index: hashes_at_level(level, tree_size) / TILE_WIDTH as u64 }
    }
}

/// Returns the number of hashes in all tiles of a level.
fn hashes_at_level(level: u8, tree_size: u64) -> u64 {
    tree_size.checked_shr(8 * u32::from(level)).unwrap_or(0)
}

/// A request for a tile: `tile/<L>/<N>` for a full one, `tile/<L>/<N>.p/<W>` for its first W hashes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TilePath {
    pub tile: TileId,
    /// Number of hashes, 1 to 256.
    pub width: usize,
}

/// The path is not that of a tile, or not in its canonical form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not the path of a tile")]
pub struct InvalidTilePath;

impl TilePath {
    /// Returns whether a tree of this size has so many hashes in the tile.
    pub fn exists_in(self, tree_size: u64) -> bool {
        self.width <= self.tile.width(tree_size)
    }
}

impl fmt::Display for TilePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "tile/{}/{}", self.tile.level, format_index(self.tile.index))?;
        match self.width {
            TILE_WIDTH => Ok(()),
            width => write!(f, ".p/{width}"),
        }
    }
}

impl FromStr for TilePath {
    type Err = InvalidTilePath;

    fn from_str(path: &str) -> Result<Self, InvalidTilePath> {
        parse(path).ok_or(InvalidTilePath)
    }
}

fn parse(path: &str) -> Option<TilePath> {
    let (level, rest) = path.strip_prefix("tile/")?.split_once('/')?;
    let level = parse_decimal(level).filter(|level| *level <= MAX_LEVEL)?;
    let (index, width) = match rest.split_once(".p/") {
        Some((index, width)) => (index, parse_decimal(width).filter(|width| (1..TILE_WIDTH).contains(width))?),
        None => (rest, TILE_WIDTH),
    };
    Some(TilePath { tile: TileId { level, index: parse_index(index)? }, width })
}

/// Formats groups of three digits, all but the last with an `x` before: 1234067 is `x001/x234/067`.
fn format_index(index: u64) -> String {
    let last = format!("{:03}", index % 1000);
    std::iter::successors(Some(index / 1000), |rest| Some(rest / 1000))
        .take_while(|rest| *rest > 0)
        .fold(last, |path, rest| format!("x{:03}/{path}", rest % 1000))
}

/// Parses what [`format_index`] writes, and nothing else.
fn parse_index(text: &str) -> Option<u64> {
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    digits.parse().ok().filter(|index| format_index(*index) == text)
}
