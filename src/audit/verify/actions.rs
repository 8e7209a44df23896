//! Recomputes the tree from the events, and compares it with what is stored and signed.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use anyhow::Context as _;
use base64::{Engine as _, prelude::BASE64_STANDARD};
use tokio::task::JoinHandle;

use crate::{
    audit::{
        seal::{
            outside::CheckpointFiles,
            store::{Head, find_head, to_hash},
        },
        tree::{Checkpoint, FullTile, Hash, Note, SigningKey, TILE_WIDTH, TiledTree, TreeHead, VerifierKey},
        verify::{
            checks::{check_event, stored_hash},
            model::{Bad, CheckpointReport, Report},
            store::{self, EventRow, EventsRow, PartRow, TileRow},
        },
    },
    foundation::{crypto::keyring::Keyring, db::Db},
};

/// Leaves that are read and held at once.
const BATCH_SIZE: i64 = 4_096;
/// So that requests that share the thread do not wait.
const LEAVES_BETWEEN_YIELDS: i64 = 128;

/// What the log is compared with: the keys and the checkpoints outside the database.
pub struct Trusted<'a> {
    /// The keys of this installation.
    pub keyring: Arc<Keyring>,
    /// The checkpoints in the data folder.
    pub files: &'a CheckpointFiles,
}

/// Either what was looked for, or the first bad event.
type Found<T> = Result<T, Box<Bad>>;

/// Leaves between two calls of `progress`.
const PROGRESS_INTERVAL: i64 = 50_000;

/// Verifies the whole log. Calls `progress` with the number of verified leaves and of all.
///
/// Errors: the database or a checkpoint cannot be read.
pub async fn verify(db: &Db, trusted: &Trusted<'_>, progress: impl Fn(i64, i64)) -> anyhow::Result<Report> {
    let mut verifier = Verifier::default();
    loop {
        match verifier.advance(db, trusted, PROGRESS_INTERVAL).await? {
            Increment::Part { verified, size } => progress(verified, size),
            Increment::Whole(report) => return Ok(report),
        }
    }
}

/// Verifies a log by increments. It keeps the tree up to where it is.
#[derive(Default)]
pub struct Verifier {
    tree: TiledTree,
}

/// What an increment found.
#[derive(Debug)]
pub enum Increment {
    /// All holds up to here.
    Part {
        /// Number of verified leaves.
        verified: i64,
        /// Number of leaves.
        size: i64,
    },
    /// The log was verified to its end, or something is wrong. The next increment begins anew.
    Whole(Report),
}

impl Verifier {
    /// Verifies the next leaves, at most so many, and after the last one all that is not sealed yet.
    ///
    /// Errors: the database or a checkpoint cannot be read.
    pub async fn advance(&mut self, db: &Db, trusted: &Trusted<'_>, leaves: i64) -> anyhow::Result<Increment> {
        // Before the head: what is sealed meanwhile is beyond neither.
        let notes = load_notes(db, trusted).await?;
        let last = store::find_last_leaf(&mut db.read().await?).await?;
        let head = find_head(&mut db.read().await?).await?;
        let verified = self.advance_tree(db, trusted, head.as_ref(), (last, &notes), leaves).await?;
        let (sealed, size) = (self.tree.head().size as i64, head.as_ref().map_or(0, |head| head.size));
        if verified.is_ok() && sealed < size {
            return Ok(Increment::Part { verified: sealed, size });
        }
        self.tree = TiledTree::default();
        let (events, verified) = match verified {
            Ok(()) => verify_rest(db, trusted).await?,
            bad => (walk_events(db).await?.0, bad),
        };
        let first_bad = verified.err().map(|bad| *bad);
        Ok(Increment::Whole(Report { ok: first_bad.is_none(), events, sealed, checkpoint: head.as_ref().map(describe), first_bad }))
    }

    /// Verifies the head, all checkpoints, and the next leaves with their tiles.
    async fn advance_tree(
        &mut self,
        db: &Db,
        trusted: &Trusted<'_>,
        head: Option<&Head>,
        (last, notes): (Option<i64>, &[String]),
        leaves: i64,
    ) -> anyhow::Result<Found<()>> {
        let Some(head) = head else { return Ok(missing_head(last, notes)) };
        let key = SigningKey::from_seed(&head.origin, trusted.keyring.audit_signing_seed()).context("the log has no valid name")?;
        let signed = match check_head(head, key.verifier()) {
            Ok(signed) => signed,
            bad => return Ok(bad.map(drop)),
        };
        let anchors = match open_anchors(notes, head, key.verifier()) {
            Ok(anchors) => anchors,
            bad => return Ok(bad.map(drop)),
        };
        let mut walk = Walk { tree: std::mem::take(&mut self.tree), anchors, keyring: trusted.keyring.clone() };
        let from = walk.tree.head().size as i64;
        let to = head.size.min(from.saturating_add(leaves));
        let walked = walk.run(db, from, to).await?;
        self.tree = walk.tree;
        Ok(walked.and_then(|()| if to < head.size { Ok(()) } else { check_end(head, signed, self.tree.head(), last) }))
    }
}

fn describe(head: &Head) -> CheckpointReport {
    CheckpointReport { size: head.size, root: BASE64_STANDARD.encode(&head.root), origin: head.origin.clone() }
}

/// Without a head there must be no leaf, and no checkpoint outside.
fn missing_head(last: Option<i64>, notes: &[String]) -> Found<()> {
    let is_empty = last.is_none() && notes.is_empty();
    if is_empty { Ok(()) } else { Err(Box::new(Bad { seq: Some(0), id: None, why: "the head of the tree was removed".to_owned() })) }
}

fn whole_log(why: impl Into<String>) -> Box<Bad> {
    Box::new(Bad { seq: None, id: None, why: why.into() })
}

/// Checks the signature of the head, and that its columns say what is signed.
fn check_head(head: &Head, key: &VerifierKey) -> Found<TreeHead> {
    if head.verifier_key != key.to_string() {
        return Err(whole_log("the head names another key"));
    }
    let signed = open(&head.note, key).map_err(|why| whole_log(format!("the head is not signed by the key of this log: {why}")))?;
    let is_same = signed.size == head.size as u64 && signed.root.as_bytes() == head.root.as_slice();
    if is_same { Ok(signed) } else { Err(whole_log("the head was changed: it is not what was signed")) }
}

fn open(note: &str, key: &VerifierKey) -> Result<TreeHead, String> {
    let note: Note = note.parse().map_err(|error| format!("{error}"))?;
    Checkpoint::open(&note, key).map(|checkpoint| checkpoint.head).map_err(|error| error.to_string())
}

/// Loads the checkpoints in the database and those outside it.
async fn load_notes(db: &Db, trusted: &Trusted<'_>) -> anyhow::Result<Vec<String>> {
    let mut notes = trusted.files.read_all()?;
    notes.extend(store::list_checkpoints(&mut db.read().await?).await?);
    notes.sort_unstable();
    notes.dedup();
    Ok(notes)
}

/// Returns the signed roots by size. One that is larger than the head shows that the database was rolled back.
fn open_anchors(notes: &[String], head: &Head, key: &VerifierKey) -> Found<BTreeMap<u64, Hash>> {
    let mut anchors = BTreeMap::new();
    for note in notes {
        match open(note, key) {
            Ok(signed) if signed.size > head.size as u64 => {
                let why = format!("a checkpoint of {} events was kept: the events after this one were removed", signed.size);
                return Err(Box::new(Bad::leaf(head.size, None, why)));
            }
            Ok(signed) if *anchors.entry(signed.size).or_insert(signed.root) == signed.root => {}
            Ok(signed) => return Err(whole_log(format!("two checkpoints of {} events have different roots", signed.size))),
            Err(why) => return Err(whole_log(format!("a checkpoint is not signed by the key of this log: {why}"))),
        }
    }
    Ok(anchors)
}

/// Checks that the tree ends where the head says, with the root that was signed.
fn check_end(head: &Head, signed: TreeHead, computed: TreeHead, last: Option<i64>) -> Found<()> {
    if last.is_some_and(|last| last >= head.size) {
        return Err(Box::new(Bad::leaf(head.size, None, "a leaf was added after the end of the tree")));
    }
    if computed == signed { Ok(()) } else { Err(whole_log("the root of the tree is not the one that was signed")) }
}

/// A walk along the leaves.
struct Walk {
    tree: TiledTree,
    anchors: BTreeMap<u64, Hash>,
    keyring: Arc<Keyring>,
}

/// Leaves with the personal parts of their events.
struct Batch {
    from: i64,
    to: i64,
    leaves: Vec<EventRow>,
    parts: HashMap<String, Vec<PartRow>>,
}

impl Walk {
    /// Walks from one leaf to before another. While a batch is checked, the next one is read.
    async fn run(&mut self, db: &Db, from: i64, to: i64) -> anyhow::Result<Found<()>> {
        let mut next = (from < to).then(|| read_batch(db, from, to));
        while let Some(reading) = next.take() {
            let batch = reading.await??;
            next = (batch.to < to).then(|| read_batch(db, batch.to, to));
            if let Err(bad) = self.check_batch(db, &batch).await? {
                return Ok(Err(bad));
            }
        }
        Ok(Ok(()))
    }

    async fn check_batch(&mut self, db: &Db, batch: &Batch) -> anyhow::Result<Found<()>> {
        let mut tiles = Vec::new();
        for seq in batch.from..batch.to {
            let row = batch.leaves.get((seq - batch.from) as usize).filter(|row| row.seq == Some(seq));
            let Some(row) = row else { return Ok(Err(Box::new(Bad::leaf(seq, None, "it was removed from the tree")))) };
            match self.check_leaf(seq, row, batch.parts.get(&row.event_id).map_or(&[], Vec::as_slice)) {
                Ok(completed) => tiles.extend(completed),
                bad => return Ok(bad.map(drop)),
            }
            if seq % LEAVES_BETWEEN_YIELDS == 0 {
                tokio::task::yield_now().await;
            }
        }
        check_tiles(db, &tiles).await
    }

    /// Checks a leaf, and adds it to the tree. Returns the tiles that it completes.
    fn check_leaf(&mut self, seq: i64, row: &EventRow, parts: &[PartRow]) -> Found<Vec<FullTile>> {
        let bad = |why: String| Box::new(Bad::leaf(seq, Some(&row.event_id), why));
        check_event(row, parts, &self.keyring).map_err(bad)?;
        let hash = stored_hash(row).ok_or_else(|| bad("its leaf in the tree was changed".to_owned()))?;
        let completed = self.tree.append(hash);
        let head = self.tree.head();
        match self.anchors.get(&head.size) {
            Some(root) if *root != head.root => Err(bad("the tree up to here is not the one that was signed".to_owned())),
            _ => Ok(completed),
        }
    }
}

fn read_batch(db: &Db, from: i64, size: i64) -> JoinHandle<sqlx::Result<Batch>> {
    let (db, to) = (db.clone(), size.min(from + BATCH_SIZE));
    tokio::spawn(async move {
        let mut connection = db.read().await?;
        let leaves = store::list_leaves(&mut connection, from, to).await?;
        let parts = group(store::list_parts(&mut connection, from, to).await?);
        Ok(Batch { from, to, leaves, parts })
    })
}

fn group(rows: Vec<PartRow>) -> HashMap<String, Vec<PartRow>> {
    let mut parts: HashMap<String, Vec<PartRow>> = HashMap::with_capacity(rows.len());
    for row in rows {
        parts.entry(row.event_id.clone()).or_default().push(row);
    }
    parts
}

async fn check_tiles(db: &Db, tiles: &[FullTile]) -> anyhow::Result<Found<()>> {
    let mut connection = db.read().await?;
    for tile in tiles {
        let stored = store::find_tile(&mut connection, tile.id.level.into(), tile.id.index as i64).await?;
        if let Some(position) = first_difference(tile, stored.as_ref()) {
            let (level, index) = (u32::from(tile.id.level), tile.id.index);
            let first = ((index * TILE_WIDTH as u64 + position as u64) << (8 * level)) as i64;
            let why = format!("its hash in the tile {index} of level {level} was changed or removed");
            return Ok(Err(Box::new(Bad::leaf(first, None, why))));
        }
    }
    Ok(Ok(()))
}

/// Returns the first hash of a tile that is not stored as it was computed.
fn first_difference(tile: &FullTile, stored: Option<&TileRow>) -> Option<usize> {
    let Some(stored) = stored else { return Some(0) };
    let expected = Hash::join_tile(&tile.hashes);
    let length = expected.len() / tile.hashes.len();
    let differs = expected.chunks(length).zip(stored.hashes.chunks(length)).position(|(expected, stored)| expected != stored);
    let is_whole = stored.hashes.len() == expected.len() && to_hash(&stored.root).ok() == Some(tile.root);
    differs.or((!is_whole).then_some(0))
}

/// Verifies events that are not sealed yet, and that there is no event besides. Returns the number of all events too.
async fn verify_rest(db: &Db, trusted: &Trusted<'_>) -> anyhow::Result<(i64, Found<()>)> {
    let checked = verify_queue(db, &trusted.keyring).await?;
    let (events, added) = walk_events(db).await?;
    let why = "it was added: it is neither in the tree nor in the queue".to_owned();
    let rest = added.map_or(Ok(()), |id| Err(Box::new(Bad { seq: None, id: Some(id), why })));
    Ok((events, checked.and(rest)))
}

/// Counts all events, and finds the first that is neither in the tree nor in the queue.
async fn walk_events(db: &Db) -> sqlx::Result<(i64, Option<String>)> {
    let (mut events, mut after, mut first_added) = (0, String::new(), None);
    loop {
        let EventsRow { count, last, added } = store::walk_events(&mut db.read().await?, &after, BATCH_SIZE).await?;
        let Some(last) = last else { return Ok((events, first_added)) };
        (events, after, first_added) = (events + count, last, first_added.or(added));
    }
}

async fn verify_queue(db: &Db, keyring: &Keyring) -> anyhow::Result<Found<()>> {
    let (mut connection, mut after) = (db.read().await?, String::new());
    loop {
        let queued = store::list_queued(&mut connection, &after, BATCH_SIZE).await?;
        let Some(last) = queued.last() else { return Ok(Ok(())) };
        let parts = group(store::list_parts_of(&mut connection, &queued).await?);
        for row in &queued {
            let theirs = parts.get(&row.event_id).map_or(&[][..], Vec::as_slice);
            if let Err(why) = check_event(row, theirs, keyring) {
                return Ok(Err(Box::new(Bad { seq: None, id: Some(row.event_id.clone()), why })));
            }
        }
        after = last.event_id.clone();
    }
}
