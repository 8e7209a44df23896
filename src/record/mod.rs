//! Writes audit events: who did what, with which session, from where, and when. Events are never changed. What an event tells stands in
//! three parts: the entry, which the tree of the audit log holds for ever; personal parts, of which the tree holds hashes, so that they can
//! be erased; and a place in the queue of the sealer (`audit/`), authenticated by a key outside the database.

mod carry_over;
pub mod detail;
pub mod entry;
mod model;
mod prepared;
mod store;

use std::sync::Arc;

pub use carry_over::carry_over;
pub use model::{Action, Event, Outcome, RecordedEvent, RefusedSignIn};
pub use store::recent;

use chrono::{DateTime, Utc};
use serde_json::json;

use crate::{
    foundation::{
        client::geoip::GeoIp,
        clock::Clock,
        crypto::{hasher::Hasher, keyring::Keyring},
        db::{Db, Tx},
        group_commit::GroupCommit,
        services::Background,
    },
    record::prepared::Source,
};

/// Writes audit events.
#[derive(Clone)]
pub struct Recorder {
    clock: Clock,
    keyring: Arc<Keyring>,
    geoip: Option<Background<GeoIp>>,
}

impl Recorder {
    /// Creates a recorder. Without `geoip`, events have no locations.
    pub fn new(clock: Clock, keyring: Arc<Keyring>, geoip: Option<Background<GeoIp>>) -> Self {
        Self { clock, keyring, geoip }
    }

    /// Returns the same recorder with locations.
    pub fn with_locations(&self, geoip: Arc<GeoIp>) -> Self {
        Self { geoip: Some(Background::ready(geoip)), ..self.clone() }
    }

    /// Returns the clock that gives events their times.
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// Writes an audit event, in the transaction of the change that it describes, so that neither is committed without the other (AUD-1).
    pub async fn write(&self, tx: &mut Tx, event: Event<'_>) -> sqlx::Result<()> {
        self.write_past(tx, [(self.clock.now(), event)]).await
    }

    /// Writes events of the past, for sample data.
    pub async fn write_past<'a>(&self, tx: &mut Tx, events: impl IntoIterator<Item = (DateTime<Utc>, Event<'a>)>) -> sqlx::Result<()> {
        let geoip = self.geoip.as_ref().and_then(Background::if_loaded);
        let prepared: Vec<_> = events.into_iter().map(|(at, event)| Source::new(at, &event, geoip.as_deref()).prepare()).collect();
        store::insert(tx, &prepared, &self.keyring).await
    }
}

/// Refused sign-ins that wait to be written. One is committed, together with others, when [`GroupCommit::submit`] returns `Ok`.
pub type RefusedSignIns = GroupCommit<RefusedSignIn, ()>;

/// Writes submitted sign-ins in groups. Never returns.
pub async fn run(refused_sign_ins: &RefusedSignIns, db: &Db, recorder: &Recorder, hasher: &Hasher) {
    let commit = async |group: Vec<RefusedSignIn>| {
        let mut tx = db.write().await?;
        let now = recorder.clock.now();
        recorder.write_past(&mut tx, group.iter().map(|refused| (now, event(refused)))).await?;
        tx.commit().await?;
        Ok(group.iter().map(|_| Ok(())).collect())
    };
    refused_sign_ins.run(|| hasher.is_overloaded(), commit).await;
}

fn event(RefusedSignIn { subject, client, identifier_hash }: &RefusedSignIn) -> Event<'_> {
    let detail = json!({ "identifier_sha256": identifier_hash });
    Event { outcome: Outcome::Refused, subject: subject.as_ref(), client: Some(client), ..Event::new(Action::SignIn, detail) }
}
