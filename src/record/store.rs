//! SQL of audit events: inserts and reads.

use chrono::SecondsFormat;
use serde_json::{Value, json};

use crate::{
    execute, fetch,
    foundation::{
        crypto::keyring::Keyring,
        db::{Backend, Connection, Tx},
        ids::UserId,
    },
    record::{
        RecordedEvent,
        prepared::{Prepared, StoredPart},
    },
};

/// The columns of `audit_events`, and how each database reads them from the JSON of a row.
macro_rules! events {
    ($select:literal) => {
        concat!(
            "INSERT INTO audit_events (id, occurred_at, action, outcome, actor_id, subject_id, session_id, token_id, organization_id, \
             portfolio_id, plant_id, device_id, entry) ",
            $select
        )
    };
}

const SQLITE_EVENTS: &str = events!(
    "SELECT value ->> 'id', value ->> 'occurred_at', value ->> 'action', value ->> 'outcome', value ->> 'actor', value ->> 'subject',
         value ->> 'session', value ->> 'token', value ->> 'organization', value ->> 'portfolio', value ->> 'plant', value ->> 'device',
         value ->> 'entry'
     FROM json_each($1)"
);
const SQLITE_PERSONAL: &str = "INSERT INTO audit_personal (event_id, part, person_id, ip, country, salt, content)
    SELECT value ->> 'event', value ->> 'part', value ->> 'person', value ->> 'ip', value ->> 'country', value ->> 'salt', value ->> 'content'
    FROM json_each($1)";
const SQLITE_QUEUE: &str = "INSERT INTO audit_queue (event_id, mac) SELECT value ->> 'id', value ->> 'mac' FROM json_each($1)";

/// One statement, because each is a round trip.
const POSTGRES: &str = concat!(
    "WITH events AS (",
    events!(
        "SELECT id, occurred_at, action, outcome, actor, subject, session, token, organization, portfolio, plant, device, entry
         FROM json_to_recordset($1::json) AS e (id TEXT, occurred_at TIMESTAMPTZ, action TEXT, outcome TEXT, actor TEXT, subject TEXT,
             session TEXT, token TEXT, organization TEXT, portfolio TEXT, plant TEXT, device TEXT, entry TEXT)"
    ),
    "), personal AS (
         INSERT INTO audit_personal (event_id, part, person_id, ip, country, salt, content)
         SELECT event, part, person, ip, country, salt, content
         FROM json_to_recordset($2::json) AS p (event TEXT, part INTEGER, person TEXT, ip TEXT, country TEXT, salt TEXT, content TEXT)
     )
     INSERT INTO audit_queue (event_id, mac) SELECT id, mac FROM json_to_recordset($1::json) AS q (id TEXT, mac TEXT)"
);

/// Inserts events, with their personal parts and their places in the queue.
pub async fn insert(tx: &mut Tx, events: &[Prepared], keyring: &Keyring) -> sqlx::Result<()> {
    let rows = Value::from_iter(events.iter().map(|event| event_row(event, keyring))).to_string();
    let parts = events.iter().flat_map(|event| event.parts.iter().enumerate().map(|(number, part)| part_row(event, number, part)));
    let parts = Value::from_iter(parts).to_string();
    match tx.backend() {
        Backend::Sqlite(_) => {
            execute!(tx, SQLITE_EVENTS, &rows)?;
            execute!(tx, SQLITE_PERSONAL, &parts)?;
            execute!(tx, SQLITE_QUEUE, &rows)?;
        }
        Backend::Postgres(_) => drop(execute!(tx, POSTGRES, &rows, &parts)?),
    }
    Ok(())
}

fn event_row(Prepared { at, entry, json, .. }: &Prepared, keyring: &Keyring) -> Value {
    let ids = &entry.ids;
    json!({
        // The form in which SQLite's driver writes times.
        "id": entry.id, "occurred_at": at.to_rfc3339_opts(SecondsFormat::AutoSi, false), "action": entry.action, "outcome": entry.outcome,
        "actor": ids.actor_id, "subject": ids.subject_id, "session": ids.session_id, "token": ids.token_id,
        "organization": ids.organization_id, "portfolio": ids.portfolio_id, "plant": ids.plant_id, "device": ids.device_id,
        "entry": json, "mac": keyring.authenticate_event(json.as_bytes()),
    })
}

fn part_row(event: &Prepared, number: usize, StoredPart { person, part, salted }: &StoredPart) -> Value {
    json!({
        "event": event.entry.id, "part": number, "person": person, "ip": part.ip, "country": part.country, "salt": salted.salt,
        "content": salted.content,
    })
}

/// Returns the last `limit` events that concern an account, newest first.
pub async fn recent(db: &mut impl Connection, subject: &UserId, limit: i64) -> sqlx::Result<Vec<RecordedEvent>> {
    let sql = "SELECT e.action, e.outcome, e.occurred_at, (SELECT MAX(p.ip) FROM audit_personal p WHERE p.event_id = e.id) AS ip
               FROM audit_events e WHERE e.subject_id = $1 ORDER BY e.id DESC LIMIT $2";
    fetch!(db, fetch_all as RecordedEvent, sql, subject, limit)
}
