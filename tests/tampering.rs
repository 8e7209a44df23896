//! Whatever somebody with the database alone changes in the audit log, `verify` finds and names it (AUD-2).

use sqlx::{Connection as _, PgConnection, SqliteConnection};
use whereabouts::{
    audit::{
        seal::{
            actions::{SealError, Sealer, check_key},
            store,
        },
        tree::{Checkpoint, Hash, Note, SigningKey, TiledTree, leaf_hash},
    },
    foundation::crypto::keyring::Keyring,
    record::carry_over,
};

use crate::{
    audit::{id_at, report, seal, write},
    support::{Backend, TestApp},
};

/// Sealed events, which are two full tiles and more.
const EVENTS: i64 = 700;
/// The event that is tampered with.
const SEQ: i64 = 300;

async fn start(backend: Backend) -> TestApp {
    let app = TestApp::start(backend).await;
    write(&app, EVENTS as usize).await;
    seal(&app).await;
    app
}

/// Executes statements on the database directly, with its triggers and foreign keys out of the way.
pub async fn tamper(app: &TestApp, statements: &[&str]) {
    let url = &app.database_url;
    match app.backend() {
        Backend::Sqlite => {
            let mut connection = SqliteConnection::connect(url).await.unwrap();
            sqlx::raw_sql("PRAGMA foreign_keys = OFF").execute(&mut connection).await.unwrap();
            let triggers: Vec<(String, String)> =
                sqlx::query_as("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetch_all(&mut connection).await.unwrap();
            for (name, _) in &triggers {
                execute(&mut connection, &format!("DROP TRIGGER {name}")).await;
            }
            for statement in statements {
                execute(&mut connection, statement).await;
            }
            // They look as if nothing had happened.
            for (_, sql) in &triggers {
                execute(&mut connection, sql).await;
            }
            connection.close().await.unwrap();
        }
        Backend::Postgres => {
            let mut connection = PgConnection::connect(url).await.unwrap();
            let statements = [&["SET session_replication_role = replica"], statements].concat();
            sqlx::raw_sql(sqlx::AssertSqlSafe(statements.join(";"))).execute(&mut connection).await.unwrap();
        }
    }
}

async fn execute(connection: &mut SqliteConnection, sql: &str) {
    sqlx::raw_sql(sqlx::AssertSqlSafe(sql.to_owned())).execute(connection).await.unwrap();
}

/// Tampers with the event at [`SEQ`], whose id is `$ID` in the statements, and checks that `verify` names it.
async fn is_found(app: &TestApp, statements: &[&str]) {
    assert!(report(app).await.ok);
    let id = id_at(app, SEQ).await;
    let statements: Vec<_> = statements.iter().map(|sql| sql.replace("$ID", &format!("'{id}'"))).collect();
    tamper(app, &statements.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let report = report(app).await;
    let bad = report.first_bad.clone().unwrap_or_else(|| panic!("nothing was found after {statements:?}"));
    assert!(!report.ok && bad.seq == Some(SEQ), "{bad:?} after {statements:?}");
}

macro_rules! found {
    ($($name:ident: $($statement:literal),+;)*) => {$(
        both!($name, start, |app| {
            is_found(&app, &[$($statement),+]).await;
        });
    )*};
}

found! {
    a_changed_column_is_found: "UPDATE audit_events SET outcome = 'refused' WHERE id = $ID";
    a_changed_time_is_found: "UPDATE audit_events SET occurred_at = '2026-01-01T00:00:00+00:00' WHERE id = $ID";
    a_changed_entry_is_found: "UPDATE audit_events SET entry = REPLACE(entry, 'success', 'refused') WHERE id = $ID";
    a_changed_personal_part_is_found: "UPDATE audit_personal SET content = REPLACE(content, '192.0.2.7', '192.0.2.8') WHERE event_id = $ID";
    a_changed_column_of_a_personal_part_is_found: "UPDATE audit_personal SET ip = '192.0.2.8' WHERE event_id = $ID";
    a_removed_personal_part_is_found: "DELETE FROM audit_personal WHERE event_id = $ID";
    a_deleted_event_is_found: "DELETE FROM audit_personal WHERE event_id = $ID", "DELETE FROM audit_events WHERE id = $ID";
    a_deleted_leaf_is_found: "DELETE FROM audit_leaves WHERE event_id = $ID";
    swapped_leaves_are_found: "UPDATE audit_leaves SET seq = -1 WHERE seq = 300", "UPDATE audit_leaves SET seq = 300 WHERE seq = 301", "UPDATE audit_leaves SET seq = 301 WHERE seq = -1";
    swapped_events_are_found: "UPDATE audit_leaves SET event_id = 'x' WHERE seq = 301",
        "UPDATE audit_leaves SET event_id = (SELECT id FROM audit_events WHERE id > $ID ORDER BY id LIMIT 1) WHERE seq = 300",
        "UPDATE audit_leaves SET event_id = $ID WHERE seq = 301";
    a_changed_leaf_is_found: "UPDATE audit_leaves SET hash = (SELECT root FROM audit_tiles WHERE number = 0) WHERE seq = 300";
}

/// Returns what is wrong after tampering, with the seq and the id that are named.
async fn first_bad(app: &TestApp, statements: &[&str]) -> (Option<i64>, Option<String>) {
    assert!(report(app).await.ok);
    tamper(app, statements).await;
    let bad = report(app).await.first_bad.unwrap_or_else(|| panic!("nothing was found after {statements:?}"));
    (bad.seq, bad.id)
}

const COPY: &str =
    "INSERT INTO audit_events SELECT '0fffffff-0000-7000-8000-000000000000', occurred_at, action, outcome, actor_id, subject_id,
    session_id, token_id, organization_id, portfolio_id, plant_id, device_id, entry FROM audit_events ORDER BY id LIMIT 1";
const COPY_ID: &str = "0fffffff-0000-7000-8000-000000000000";

both!(an_added_event_is_found, start, |app| {
    assert_eq!(first_bad(&app, &[COPY]).await, (None, Some(COPY_ID.to_owned())));
});

both!(
    /// AUD-8: an event that somebody writes with the database alone is never signed.
    an_event_added_to_the_queue_is_found_and_not_sealed, start, |app| {
        let queue = format!("INSERT INTO audit_queue SELECT '{COPY_ID}', mac FROM audit_leaves WHERE seq = 0");
        assert_eq!(first_bad(&app, &[COPY, &queue]).await, (None, Some(COPY_ID.to_owned())));
        seal(&app).await;
        let sql = "SELECT COUNT(*) FROM audit_leaves WHERE event_id = '0fffffff-0000-7000-8000-000000000000'";
        assert_eq!((app.count(sql).await, app.count("SELECT COUNT(*) FROM audit_queue").await), (0, 0));
        assert_eq!(app.count_events("audit.event_refused", "refused").await, 1);
        assert_eq!(report(&app).await.first_bad.unwrap().id.as_deref(), Some(COPY_ID));
    }
);

both!(an_event_removed_from_the_queue_is_found, start, |app| {
    write(&app, 1).await;
    let last = "SELECT MAX(event_id) FROM audit_queue";
    let statements = [&format!("DELETE FROM audit_queue WHERE event_id IN ({last})")[..]];
    assert!(matches!(first_bad(&app, &statements).await, (None, Some(_))));
});

both!(a_duplicated_leaf_is_found, start, |app| {
    let id = id_at(&app, EVENTS - 1).await;
    let copy = "INSERT INTO audit_leaves SELECT 700, '0fffffff-0000-7000-8000-000000000000', hash, mac FROM audit_leaves WHERE seq = 300";
    assert_eq!(first_bad(&app, &[copy]).await.0, Some(EVENTS));
    assert_ne!(id, COPY_ID);
});

both!(a_cut_off_end_is_found, start, |app| {
    let sql = [
        "DELETE FROM audit_personal WHERE event_id IN (SELECT event_id FROM audit_leaves WHERE seq >= 690)",
        "DELETE FROM audit_events WHERE id IN (SELECT event_id FROM audit_leaves WHERE seq >= 690)",
        "DELETE FROM audit_leaves WHERE seq >= 690",
    ];
    assert_eq!(first_bad(&app, &sql).await.0, Some(690));
});

both!(
    /// AUD-4: an older copy of the database holds a signed tree too, but not that of the checkpoint outside.
    a_rolled_back_database_is_found, |app| {
        write(&app, 300).await;
        seal(&app).await;
        let head = store::find_head(&mut app.services.db.read().await.unwrap()).await.unwrap().unwrap();
        write(&app, 10).await;
        seal(&app).await;
        let head_of_yesterday =
            format!("UPDATE audit_head SET size = 300, note = '{}', root = (SELECT hash FROM audit_leaves WHERE seq = 0)", head.note);
        let sql = ["DELETE FROM audit_personal WHERE event_id IN (SELECT event_id FROM audit_leaves WHERE seq >= 300)",
            "DELETE FROM audit_events WHERE id IN (SELECT event_id FROM audit_leaves WHERE seq >= 300)",
            "DELETE FROM audit_leaves WHERE seq >= 300", &head_of_yesterday];
        tamper(&app, &sql).await;
        let mut tx = app.services.db.write().await.unwrap();
        store::update_head(&mut tx, &head).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(report(&app).await.first_bad.unwrap().seq, Some(300));
        write(&app, 1).await;
        let refused = Sealer::default().seal_all(&app.services).await.unwrap_err();
        assert!(matches!(refused, SealError::NotConsistent(_)), "{refused}");
    }
);

both!(a_changed_tile_is_found, start, |app| {
    let sql =
        "UPDATE audit_tiles SET hashes = (SELECT hashes FROM audit_tiles WHERE level = 0 AND number = 0) WHERE level = 0 AND number = 1";
    assert_eq!(first_bad(&app, &[sql]).await.0, Some(256));
});

both!(a_removed_tile_is_found, start, |app| {
    assert_eq!(first_bad(&app, &["DELETE FROM audit_tiles WHERE level = 0 AND number = 1"]).await.0, Some(256));
});

both!(a_removed_head_is_found, start, |app| {
    assert_eq!(first_bad(&app, &["DELETE FROM audit_head"]).await.0, Some(0));
});

both!(
    /// AUD-4
    a_head_signed_with_another_key_is_found, start, |app| {
        let forged = SigningKey::from_seed("127.0.0.1/audit", &[7; 32]).unwrap();
        let head = store::find_head(&mut app.services.db.read().await.unwrap()).await.unwrap().unwrap();
        let note: Note = head.note.parse().unwrap();
        let key = SigningKey::from_seed(&head.origin, app.services.keyring.audit_signing_seed()).unwrap();
        let tree = Checkpoint::open(&note, key.verifier()).unwrap().head;
        let note = Checkpoint::sign(tree, &forged).to_string();
        let only_note = format!("UPDATE audit_head SET note = '{note}'");
        assert!(report(&app).await.ok);
        tamper(&app, &[&only_note]).await;
        assert!(!report(&app).await.ok);
        tamper(&app, &[&format!("UPDATE audit_head SET verifier_key = '{}'", forged.verifier())]).await;
        assert!(report(&app).await.first_bad.unwrap().why.contains("another key"));
        write(&app, 1).await;
        let refused = Sealer::default().seal_all(&app.services).await.unwrap_err();
        assert!(matches!(refused, SealError::OtherKey { .. }), "{refused}");
    }
);

both!(
    /// AUD-2: an entry that is hashed again, with all that is above it, has no HMAC of this program.
    a_leaf_hashed_again_with_its_parents_is_found, start, |app| {
        let id = id_at(&app, SEQ).await;
        let mut db = app.services.db.read().await.unwrap();
        let (entry,): (String,) = whereabouts::fetch!(&mut db, fetch_one as (String,), "SELECT entry FROM audit_events WHERE id = $1", id).unwrap();
        let forged = entry.replace("success", "refused");
        let mut tree = TiledTree::default();
        let mut tiles = Vec::new();
        let hashes: Vec<(Vec<u8>,)> = whereabouts::fetch!(&mut db, fetch_all as (Vec<u8>,), "SELECT hash FROM audit_leaves ORDER BY seq").unwrap();
        drop(db);
        for (seq, (hash,)) in hashes.iter().enumerate() {
            let hash = if seq as i64 == SEQ { leaf_hash(forged.as_bytes()) } else { Hash::from_bytes(hash.as_slice().try_into().unwrap()) };
            tiles.extend(tree.append(hash));
        }
        let bytes = |bytes: &[u8]| match app.backend() {
            Backend::Sqlite => format!("X'{}'", hex(bytes)),
            Backend::Postgres => format!("'\\x{}'", hex(bytes)),
        };
        let mut statements = vec![
            format!("UPDATE audit_events SET entry = '{forged}', outcome = 'refused' WHERE id = '{id}'"),
            format!("UPDATE audit_leaves SET hash = {} WHERE seq = {SEQ}", bytes(leaf_hash(forged.as_bytes()).as_bytes())),
        ];
        statements.extend(tiles.iter().map(|tile| {
            let (hashes, root) = (bytes(&Hash::join_tile(&tile.hashes)), bytes(tile.root.as_bytes()));
            format!("UPDATE audit_tiles SET hashes = {hashes}, root = {root} WHERE level = {} AND number = {}", tile.id.level, tile.id.index)
        }));
        let statements: Vec<_> = statements.iter().map(String::as_str).collect();
        assert_eq!(first_bad(&app, &statements).await, (Some(SEQ), Some(id)));
    }
);

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

both!(
    /// AUD-8: once the log has begun, nothing is carried over: whoever holds the database could have an event of their own signed.
    an_event_written_into_the_table_from_before_is_not_signed, start, |app| {
        let forged = "INSERT INTO audit_events_before_tree (id, occurred_at, action, outcome, detail)
                      VALUES ('0fffffff-0000-7000-8000-000000000000', '2026-01-01T00:00:00+00:00', 'sign_in', 'success', '{}')";
        tamper(&app, &[forged]).await;
        carry_over(&app.services.db, &app.services.keyring).await.unwrap();
        seal(&app).await;
        assert_eq!(app.count("SELECT COUNT(*) FROM audit_events").await, EVENTS);
        assert!(report(&app).await.ok);
    }
);

both!(
    /// AUD-8: a leaf is not signed because the columns of the head count it.
    a_leaf_that_the_head_counts_is_not_signed, start, |app| {
        let mut tree = TiledTree::default();
        let mut db = app.services.db.read().await.unwrap();
        let hashes: Vec<(Vec<u8>,)> = whereabouts::fetch!(&mut db, fetch_all as (Vec<u8>,), "SELECT hash FROM audit_leaves ORDER BY seq").unwrap();
        drop(db);
        for (hash,) in &hashes {
            tree.append(Hash::from_bytes(hash.as_slice().try_into().unwrap()));
        }
        let forged = leaf_hash(b"{}");
        tree.append(forged);
        let bytes = |bytes: &[u8]| match app.backend() {
            Backend::Sqlite => format!("X'{}'", hex(bytes)),
            Backend::Postgres => format!("'\\x{}'", hex(bytes)),
        };
        let leaf = format!("INSERT INTO audit_leaves (seq, event_id, hash, mac) VALUES ({EVENTS}, '{COPY_ID}', {}, '')", bytes(forged.as_bytes()));
        let head = format!("UPDATE audit_head SET size = {}, root = {}", EVENTS + 1, bytes(tree.head().root.as_bytes()));
        tamper(&app, &[&leaf, &head]).await;
        write(&app, 1).await;
        let refused = Sealer::default().seal_all(&app.services).await.unwrap_err();
        assert!(matches!(refused, SealError::WrongRoot), "{refused}");
        assert!(!report(&app).await.ok);
    }
);

both!(an_added_event_with_a_leaf_below_the_first_is_found, start, |app| {
    let leaf = format!("INSERT INTO audit_leaves SELECT -1, '{COPY_ID}', hash, mac FROM audit_leaves WHERE seq = 0");
    assert_eq!(first_bad(&app, &[COPY, &leaf]).await, (None, Some(COPY_ID.to_owned())));
});

both!(
    /// A sealed event that somebody puts back into the queue is neither sealed again nor in the way of others.
    an_event_put_back_into_the_queue_stops_nothing, |app| {
        write(&app, 1).await;
        let put_back = "CREATE TABLE kept AS SELECT * FROM audit_queue";
        tamper(&app, &[put_back]).await;
        seal(&app).await;
        tamper(&app, &["INSERT INTO audit_queue SELECT * FROM kept"]).await;
        write(&app, 1).await;
        seal(&app).await;
        let report = report(&app).await;
        // With the event about it.
        assert!(report.ok && report.sealed == 3, "{report:?}");
        assert_eq!(app.count_events("audit.event_refused", "refused").await, 1);
    }
);

both!(
    /// AUD-8: whoever has another file of keys cannot write events that would be refused.
    another_file_of_keys_is_refused, start, |app| {
        let folder = tempfile::tempdir().unwrap();
        let other = Keyring::open(folder.path()).unwrap();
        let refused = check_key(&app.services.db, &other).await.unwrap_err();
        assert!(matches!(refused, SealError::OtherKey { .. }), "{refused}");
        check_key(&app.services.db, &app.services.keyring).await.unwrap();
    }
);
