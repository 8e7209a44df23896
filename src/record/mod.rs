//! Writes audit events: who did what, with which session, from where, and when. Events are never changed.

mod model;
mod store;

pub use model::{Action, Event, Outcome, RecordedEvent, RefusedSignIn};
pub use store::recent;

use chrono::{DateTime, Utc};

use crate::foundation::{
    clock::Clock,
    crypto::hasher::Hasher,
    db::{Db, Tx},
    group_commit::GroupCommit,
};

/// Writes an audit event, in the transaction of the change that it describes, so that neither is committed without the other.
pub async fn write(tx: &mut Tx, clock: &Clock, event: Event<'_>) -> sqlx::Result<()> {
    store::insert(tx, clock.now(), event).await
}

/// Writes events of the past, for sample data: up to 3,000.
pub async fn write_past(tx: &mut Tx, events: &[(DateTime<Utc>, Event<'_>)]) -> sqlx::Result<()> {
    store::insert_past(tx, events).await
}

/// Refused sign-ins that wait to be written. One is committed, together with others, when [`GroupCommit::submit`] returns `Ok`.
pub type RefusedSignIns = GroupCommit<RefusedSignIn, ()>;

/// Writes submitted sign-ins in groups. Never returns.
pub async fn run(refused_sign_ins: &RefusedSignIns, db: &Db, clock: &Clock, hasher: &Hasher) {
    let commit = async |group: Vec<RefusedSignIn>| {
        let mut tx = db.write().await?;
        store::insert_refused(&mut tx, clock.now(), &group).await?;
        tx.commit().await?;
        Ok(group.iter().map(|_| Ok(())).collect())
    };
    refused_sign_ins.run(|| hasher.is_overloaded(), commit).await;
}
