//! The audit log: sealing, verification, receipts and tiles.

use std::sync::Arc;

use chrono::Duration;
use reqwest::StatusCode;
use serde_json::json;
use whereabouts::{
    audit::{
        receipt::{
            actions::{self as receipts, Found},
            model::Receipt,
        },
        seal::{
            actions::{SealError, Sealer},
            outside::CheckpointFiles,
            store,
        },
        tree::{Checkpoint, Note, SigningKey, VerifierKey},
        verify::{
            actions::{Trusted, verify},
            model::Report,
        },
    },
    foundation::{
        client::{headers::UserAgentHeaders, info::ClientInfo},
        ids::{EventId, UserId},
    },
    record::{Action, Event},
};

use crate::support::{Backend, TestApp};

pub async fn seal(app: &TestApp) {
    Sealer::default().seal_all(&app.services).await.unwrap();
}

pub fn files(app: &TestApp) -> CheckpointFiles {
    CheckpointFiles::new(&app.services.config.storage.data_dir)
}

pub async fn report(app: &TestApp) -> Report {
    let trusted = Trusted { keyring: app.services.keyring.clone(), files: &files(app) };
    verify(&app.services.db, &trusted, |_, _| {}).await.unwrap()
}

/// Writes events of two people.
pub async fn write(app: &TestApp, count: usize) {
    let people = [UserId::new(app.services.clock.now()), UserId::new(app.services.clock.now())];
    let client = ClientInfo::new("192.0.2.7".parse().unwrap(), UserAgentHeaders::default());
    for chunk in (0..count).collect::<Vec<_>>().chunks(100) {
        let mut tx = app.services.db.write().await.unwrap();
        let events = chunk.iter().map(|number| {
            app.services.clock.advance(Duration::milliseconds(1));
            let event = Event::new(Action::PlantChanged, json!({ "name": "Solarpark Süd", "number": number }));
            (
                app.services.clock.now(),
                Event { actor: people.get(number % 2), subject: people.get(number % 2), client: Some(&client), ..event },
            )
        });
        app.services.recorder.write_past(&mut tx, events).await.unwrap();
        tx.commit().await.unwrap();
    }
}

pub async fn id_at(app: &TestApp, seq: i64) -> String {
    let mut db = app.services.db.read().await.unwrap();
    let sql = "SELECT event_id FROM audit_leaves WHERE seq = $1";
    let (id,): (String,) = whereabouts::fetch!(&mut db, fetch_one as (String,), sql, seq).unwrap();
    id
}

both!(
    /// AUD-1, AUD-2, AUD-4: events that were written are in a signed tree, also outside the database, and hold.
    events_are_sealed_in_their_order, |app| {
        app.add_user("alice").await;
        app.add_user("bob").await;
        app.sign_in("alice").await;
        let before = report(&app).await;
        assert!(before.ok && before.sealed == 0 && before.events == 3, "{before:?}");
        seal(&app).await;
        write(&app, 600).await;
        seal(&app).await;
        let after = report(&app).await;
        assert!(after.ok, "{after:?}");
        assert_eq!((after.events, after.sealed, after.checkpoint.unwrap().size), (603, 603, 603));
        assert_eq!(app.count("SELECT COUNT(*) FROM audit_queue").await, 0);
        assert_eq!(app.count("SELECT COUNT(*) FROM audit_tiles").await, 2);
        assert_eq!(app.count("SELECT COUNT(*) FROM audit_checkpoints").await, 1);
        let ids = "SELECT COUNT(*) FROM audit_leaves one JOIN audit_leaves next ON next.seq = one.seq + 1 WHERE one.event_id >= next.event_id";
        assert_eq!(app.count(ids).await, 0);
        let key = SigningKey::from_seed("localhost/audit", app.services.keyring.audit_signing_seed()).unwrap();
        let note: Note = files(&app).read().unwrap().unwrap().parse().unwrap();
        assert_eq!(Checkpoint::open(&note, key.verifier()).unwrap().head.size, 603);
        assert_eq!(files(&app).read_all().unwrap().len(), 2);
    }
);
