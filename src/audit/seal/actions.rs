//! Seals the queue: each committed event becomes a leaf of the tree, whose new head is signed.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;
use tokio::task::spawn_blocking;

use crate::{
    audit::{
        rollup::{model::count, store as rollup},
        seal::{
            outside::CheckpointFiles,
            store::{self, Head, Leaf, Queued},
        },
        tree::{Checkpoint, Hash, InvalidKey, Note, SigningKey, TileId, TiledTree, TreeHead, empty_root, leaf_hash},
    },
    foundation::{
        crypto::keyring::Keyring,
        db::{Connection, Db, Tx},
        services::Services,
    },
    record::{Action, Event, Outcome, entry::Entry},
};

/// Events in a transaction: enough for thousands a second, and few enough that other writes hardly wait.
const BATCH_SIZE: i64 = 1_024;
const CHECKPOINT_INTERVAL: TimeDelta = TimeDelta::hours(1);

/// Why nothing can be sealed.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    /// The database failed.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
    /// A checkpoint outside the database cannot be read or written.
    #[error("the checkpoint in the data folder cannot be read or written: {0}")]
    File(#[from] std::io::Error),
    /// The name of the log cannot be the name of a key.
    #[error("the audit log cannot be signed: {0}")]
    InvalidKey(#[from] InvalidKey),
    /// The tree was signed with another key.
    #[error("the audit log is signed with {expected}, and the file of keys holds another key; bring back the file of keys")]
    OtherKey {
        /// The verifier key in the database.
        expected: String,
    },
    /// The database was changed or replaced since the checkpoint in the data folder.
    #[error(
        "the database does not hold the tree of the checkpoint in the data folder ({0}); it was changed, or replaced by an older copy. \
         `whereabouts audit verify` shows more"
    )]
    NotConsistent(String),
    /// The head was removed since the server started.
    #[error("the head of the tree is missing from the database; `whereabouts audit verify` shows more")]
    NoHead,
    /// The leaves and tiles do not have the root that was signed.
    #[error("the leaves and tiles in the database do not have the signed root; `whereabouts audit verify` shows more")]
    WrongRoot,
}

/// Seals events on one node. It keeps the right edge of the tree in memory, and loads it again after another node has sealed.
#[derive(Default)]
pub struct Sealer {
    tree: TiledTree,
    /// Whether the tree was compared with the checkpoint outside the database.
    is_checked: bool,
}

impl Sealer {
    /// Seals the first events of the queue. Returns how many left it: none if there are none, or while another node seals.
    ///
    /// Errors: see [`SealError`].
    pub async fn seal(&mut self, services: &Services) -> Result<usize, SealError> {
        let mut db = services.db.read().await?;
        if !store::has_queued(&mut db).await? {
            return Ok(0);
        }
        drop(db);
        let mut tx = services.db.write().await?;
        let files = CheckpointFiles::new(&services.config.storage.data_dir);
        let Some((mut head, key)) = lock_head(&mut tx, services).await? else { return Ok(0) };
        self.follow(&mut tx, &head, &key, &files).await?;
        let (queued, tree) = self.append_queued(&mut tx, services).await?;
        sign(&mut head, tree.head(), &key, services.clock.now());
        store::update_head(&mut tx, &head).await?;
        let is_hourly = insert_hourly_checkpoint(&mut tx, &head).await?;
        self.is_checked = false; // unless the commit and the file succeed
        tx.commit().await?;
        self.tree = tree;
        keep_outside(files, head, is_hourly).await?;
        self.is_checked = true;
        Ok(queued)
    }

    /// Seals until the queue is empty, or the server stops.
    ///
    /// Errors: see [`SealError`].
    pub async fn seal_all(&mut self, services: &Services) -> Result<(), SealError> {
        while self.seal(services).await? > 0 && !services.is_stopping() {
            tokio::task::yield_now().await;
        }
        Ok(())
    }

    /// Loads the tree of the head, unless it is in memory, and compares it with the checkpoint outside the database.
    async fn follow(&mut self, tx: &mut Tx, head: &Head, key: &SigningKey, files: &CheckpointFiles) -> Result<(), SealError> {
        let signed = TreeHead { size: head.size as u64, root: store::to_hash(&head.root)? };
        if self.is_checked && self.tree.head() == signed {
            return Ok(());
        }
        self.tree = load_tree(tx, signed.size).await?;
        if self.tree.head() != signed {
            return Err(SealError::WrongRoot);
        }
        compare_with_outside(tx, signed.size, key, files).await?;
        self.is_checked = true;
        Ok(())
    }

    /// Takes events from the queue and adds those that are authentic to the tree. Returns how many it took, and the new tree.
    async fn append_queued(&self, tx: &mut Tx, services: &Services) -> Result<(usize, TiledTree), SealError> {
        let queued = store::list_queued(tx, BATCH_SIZE).await?;
        let mut tree = self.tree.clone();
        let (authentic, refused) = authenticate(&queued, services);
        let first = tree.head().size as i64;
        let leaves: Vec<_> = (first..).zip(&authentic).map(|(seq, authentic)| leaf(seq, authentic, services)).collect();
        let tiles: Vec<_> = leaves.iter().flat_map(|leaf| tree.append(leaf.hash)).collect();
        store::insert_leaves(tx, &leaves).await?;
        store::insert_tiles(tx, &tiles).await?;
        store::remove_queued(tx, &queued).await?;
        rollup::add(tx, &count(authentic.iter().map(|authentic| &authentic.entry))).await?;
        for refused in refused {
            record_refused(tx, services, refused).await?;
        }
        Ok((queued.len(), tree))
    }
}

/// An event that was written by this program.
struct Authentic<'a> {
    event_id: &'a str,
    bytes: &'a [u8],
    entry: Entry,
}

/// Divides events into those that were written by this program, and others.
fn authenticate<'a>(queued: &'a [Queued], services: &Services) -> (Vec<Authentic<'a>>, Vec<&'a Queued>) {
    let (mut authentic, mut others) = (Vec::with_capacity(queued.len()), Vec::new());
    for queued in queued {
        match authenticate_one(queued, services) {
            Some(event) => authentic.push(event),
            None => others.push(queued),
        }
    }
    (authentic, others)
}

/// Returns an event if it was written by this program: somebody with the database alone could write one too (AUD-8).
fn authenticate_one<'a>(queued: &'a Queued, services: &Services) -> Option<Authentic<'a>> {
    let bytes = queued.entry.as_ref()?.as_bytes();
    if queued.is_sealed || !services.keyring.is_authentic_event(bytes, &queued.mac) {
        return None;
    }
    let entry = serde_json::from_slice::<Entry>(bytes).ok().filter(|entry| entry.id == queued.event_id)?;
    Some(Authentic { event_id: &queued.event_id, bytes, entry })
}

/// Returns the leaf of an event at this place.
fn leaf<'a>(seq: i64, &Authentic { event_id, bytes, .. }: &Authentic<'a>, services: &Services) -> Leaf<'a> {
    Leaf { seq, event_id, hash: leaf_hash(bytes), mac: services.keyring.authenticate_leaf(seq, bytes) }
}

/// Records that an event in the queue was not written by this program, or was removed before it was sealed.
async fn record_refused(tx: &mut Tx, services: &Services, refused: &Queued) -> sqlx::Result<()> {
    tracing::error!(
        event = refused.event_id,
        is_removed = refused.entry.is_none(),
        "an event of the audit log is not authentic and is not sealed"
    );
    let detail = json!({ "event": refused.event_id, "is_removed": refused.entry.is_none() });
    services.recorder.write(tx, Event { outcome: Outcome::Refused, ..Event::new(Action::EventRefused, detail) }).await
}

/// Begins the log of a database that has none: signs the head of an empty tree under the name `<host>/audit`. Each start calls it, before
/// anything is written that another key would authenticate.
///
/// Errors: [`SealError::OtherKey`], [`SealError::InvalidKey`], [`SealError::Database`].
pub async fn begin(db: &Db, keyring: &Keyring, host: &str, now: DateTime<Utc>) -> Result<(), SealError> {
    if store::find_head(&mut db.read().await?).await?.is_none() {
        let key = SigningKey::from_seed(&format!("{host}/audit"), keyring.audit_signing_seed())?;
        let mut tx = db.write().await?;
        store::insert_head(&mut tx, &first_head(&key, now)).await?;
        tx.commit().await?;
    }
    check_key(db, keyring).await
}

/// Checks that the log of a database, if it has one, is signed by the key of this installation: events that are written with another one
/// would be refused (AUD-8).
///
/// Errors: [`SealError::OtherKey`], [`SealError::InvalidKey`], [`SealError::Database`].
pub async fn check_key(db: &Db, keyring: &Keyring) -> Result<(), SealError> {
    let head = store::find_head(&mut db.read().await?).await?;
    head.map_or(Ok(()), |head| find_key(&head, keyring).map(drop))
}

/// Returns the key that signs the log.
fn find_key(head: &Head, keyring: &Keyring) -> Result<SigningKey, SealError> {
    let key = SigningKey::from_seed(&head.origin, keyring.audit_signing_seed())?;
    if key.verifier().to_string() == head.verifier_key { Ok(key) } else { Err(SealError::OtherKey { expected: head.verifier_key.clone() }) }
}

/// Locks the head, with the key that signs it. `None` while another node seals.
async fn lock_head(tx: &mut Tx, services: &Services) -> Result<Option<(Head, SigningKey)>, SealError> {
    let Some(head) = store::lock_head(tx).await? else {
        return store::find_head(tx).await?.map_or(Err(SealError::NoHead), |_| Ok(None));
    };
    let key = find_key(&head, &services.keyring)?;
    if is_signed(&head, &key) { Ok(Some((head, key))) } else { Err(SealError::WrongRoot) }
}

/// Returns whether the columns of the head say what its note says: otherwise leaves that somebody added would be signed (AUD-8).
fn is_signed(head: &Head, key: &SigningKey) -> bool {
    let opened = head.note.parse().ok().and_then(|note: Note| Checkpoint::open(&note, key.verifier()).ok());
    opened.is_some_and(|signed| signed.head.size == head.size as u64 && signed.head.root.as_bytes() == head.root.as_slice())
}

fn first_head(key: &SigningKey, now: DateTime<Utc>) -> Head {
    let (origin, verifier_key) = (key.verifier().name().to_owned(), key.verifier().to_string());
    let mut head = Head { origin, verifier_key, size: 0, root: Vec::new(), note: String::new(), sealed_at: now };
    sign(&mut head, TreeHead { size: 0, root: empty_root() }, key, now);
    head
}

fn sign(head: &mut Head, tree: TreeHead, key: &SigningKey, now: DateTime<Utc>) {
    head.size = tree.size as i64;
    head.root = tree.root.as_bytes().to_vec();
    head.note = Checkpoint::sign(tree, key).to_string();
    head.sealed_at = now;
}

/// Loads the right edge of the tree at a size.
///
/// Errors: [`SealError::WrongRoot`] if hashes are missing.
pub async fn load_tree(db: &mut impl Connection, size: u64) -> Result<TiledTree, SealError> {
    let mut partial: Vec<Vec<Hash>> = Vec::new();
    for level in 0..8 {
        partial.push(store::load_tile(db, TileId::partial(level, size), size).await?);
    }
    TiledTree::restore(size, &partial).map_err(|_| SealError::WrongRoot)
}

/// Checks that the tree in the database contains that of the checkpoint outside: otherwise it was changed, or rolled back (AUD-4).
async fn compare_with_outside(tx: &mut Tx, size: u64, key: &SigningKey, files: &CheckpointFiles) -> Result<(), SealError> {
    let Some(text) = files.read()? else { return Ok(()) };
    let invalid = |why: String| SealError::NotConsistent(format!("{}: {why}", files.latest().display()));
    let note: Note = text.parse().map_err(|error| invalid(format!("{error}")))?;
    let outside = Checkpoint::open(&note, key.verifier()).map_err(|error| invalid(error.to_string()))?.head;
    if outside.size > size {
        return Err(invalid(format!("it has {} events, the database {size}", outside.size)));
    }
    match load_tree(tx, outside.size).await?.head() == outside {
        true => Ok(()),
        false => Err(invalid(format!("its root of {} events is another one", outside.size))),
    }
}

/// Stores the head as a checkpoint if the last one is an hour old. Returns whether it did.
async fn insert_hourly_checkpoint(tx: &mut Tx, head: &Head) -> sqlx::Result<bool> {
    let last = store::find_last_checkpoint(tx).await?;
    let is_due = last.is_none_or(|last| head.sealed_at - last >= CHECKPOINT_INTERVAL);
    if is_due {
        store::insert_checkpoint(tx, head).await?;
    }
    Ok(is_due)
}

/// Writes the head to the data folder, and once an hour to the file of checkpoints and the log. Waits for the disk on a thread of its own.
async fn keep_outside(files: CheckpointFiles, head: Head, is_hourly: bool) -> std::io::Result<()> {
    let write = move || {
        files.replace(&head.note)?;
        if is_hourly {
            files.append(&head.note)?;
            tracing::info!(origin = head.origin, size = head.size, root = hex::encode(&head.root), "checkpoint of the audit log");
        }
        Ok(())
    };
    spawn_blocking(write).await.unwrap_or_else(|error| Err(std::io::Error::other(error)))
}
