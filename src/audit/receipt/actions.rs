//! Makes receipts.

use std::collections::HashMap;

use anyhow::Context as _;
use base64::{Engine as _, prelude::BASE64_STANDARD};

use crate::{
    audit::{
        receipt::{
            model::{Receipt, ReceiptPart},
            store,
        },
        seal::store as tree,
        tree::{ProofPlan, TlogProof},
    },
    foundation::{db::Connection, ids::EventId},
};

/// What there is of a receipt.
#[derive(Debug)]
pub enum Found {
    /// The receipt.
    Receipt(Box<Receipt>),
    /// The event is not in the tree yet: it will be in a moment.
    NotSealed,
    /// There is no such event.
    Nothing,
}

/// Makes the receipt of an event, with a proof for the latest checkpoint.
///
/// Errors: the database cannot be read, or does not hold the whole tree.
pub async fn find(db: &mut impl Connection, id: &EventId) -> anyhow::Result<Found> {
    // Before the event: its leaf may be sealed meanwhile.
    let head = tree::find_head(db).await?;
    let Some(sealed) = store::find_entry(db, id).await? else { return Ok(Found::Nothing) };
    let (Some(head), Some(seq)) = (head, sealed.seq) else { return Ok(Found::NotSealed) };
    if seq >= head.size {
        return Ok(Found::NotSealed);
    }
    let proof = prove(db, seq as u64, &head).await?.to_string();
    let personal = store::list_parts(db, id).await?.iter().map(ReceiptPart::new).collect();
    Ok(Found::Receipt(Box::new(Receipt { entry: BASE64_STANDARD.encode(sealed.entry), personal, proof })))
}

async fn prove(db: &mut impl Connection, index: u64, head: &tree::Head) -> anyhow::Result<TlogProof> {
    let size = head.size as u64;
    let plan = ProofPlan::inclusion(index, size)?;
    let mut tiles = HashMap::new();
    for tile in plan.tiles() {
        tiles.insert(tile, tree::load_tile(db, tile, size).await?);
    }
    let hashes = plan.build(|node| node.hash_in(&tiles))?;
    let checkpoint = head.note.parse().context("the head of the audit log is damaged")?;
    Ok(TlogProof { extra: None, index, hashes, checkpoint })
}
