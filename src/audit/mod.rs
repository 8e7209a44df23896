//! The record: who did what, with which session, from where, when. Only ever added to.

mod model;
mod store;

pub use model::{Action, Event, Outcome, Recorded};
pub use store::recent;

use crate::foundation::{clock::Clock, db::Tx};

/// Puts an event on record, in the transaction of what it tells: neither stands without the other.
pub async fn record(tx: &mut Tx, clock: &Clock, event: Event<'_>) -> sqlx::Result<()> {
    store::insert(tx, clock.now(), event).await
}
