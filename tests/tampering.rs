//! Whatever somebody with the database alone changes in the audit log, `verify` finds and names it (AUD-2).

use sqlx::{Connection as _, PgConnection, SqliteConnection};
use whereabouts::audit::{
    seal::{
        actions::{SealError, Sealer},
        store,
    },
    tree::{Checkpoint, Hash, Note, SigningKey, TiledTree, leaf_hash},
};

use crate::{
    audit::{files, id_at, report, seal, write},
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
async fn tamper(app: &TestApp, statements: &[&str]) {
    let url = app.services.config.storage.url();
    match app.backend() {
        Backend::Sqlite => {
            let mut connection = SqliteConnection::connect(&url).await.unwrap();
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
            let mut connection = PgConnection::connect(&url).await.unwrap();
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
    assert!(bad.id.is_none_or(|named| named == id));
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
