//! Carries over the events of schemas before version 12, which have no entry, so that the tree begins with them.

use chrono::{DateTime, Utc};
use sqlx::FromRow;

use crate::{
    execute, fetch,
    foundation::{
        crypto::keyring::Keyring,
        db::{Backend, Connection as _, Db, Tx},
    },
    record::{
        Action,
        entry::{Ids, PersonalPart},
        prepared::Source,
        store,
    },
};

const BATCH_SIZE: i64 = 2_000;

#[derive(FromRow)]
struct EventBefore {
    id: String,
    occurred_at: DateTime<Utc>,
    action: String,
    outcome: String,
    actor_id: Option<String>,
    subject_id: Option<String>,
    session_id: Option<String>,
    token_id: Option<String>,
    ip: Option<String>,
    detail: String,
}

/// Moves all events from before to the tables of today, oldest first. If it is interrupted, the next call goes on. Runs after each
/// migration of the database. Once anything is sealed, nothing is carried over: whoever holds the database alone could have events of their
/// own signed (AUD-8).
pub async fn carry_over(db: &Db, keyring: &Keyring) -> sqlx::Result<()> {
    loop {
        let mut tx = db.write().await?;
        lock(&mut tx).await?;
        if has_tree(&mut tx).await? {
            return Ok(());
        }
        let found = take_oldest(&mut tx).await?;
        if found.is_empty() {
            return Ok(());
        }
        let prepared: Vec<_> = found.into_iter().map(|event| source(event).prepare()).collect();
        store::insert(&mut tx, &prepared, keyring).await?;
        tx.commit().await?;
    }
}

async fn has_tree(tx: &mut Tx) -> sqlx::Result<bool> {
    Ok(fetch!(tx, fetch_optional as (i64,), "SELECT size FROM audit_head WHERE id = 1")?.is_some())
}

/// Waits for other nodes that carry over. SQLite has one writer.
async fn lock(tx: &mut Tx) -> sqlx::Result<()> {
    match tx.backend() {
        Backend::Sqlite(_) => Ok(()),
        Backend::Postgres(_) => {
            execute!(tx, "SET LOCAL lock_timeout = 0")?; // the others take as long as their events need
            execute!(tx, "LOCK TABLE audit_events_before_tree IN EXCLUSIVE MODE").map(drop)
        }
    }
}

/// Removes the oldest events from their table, and returns them: ids are in the order of times.
async fn take_oldest(tx: &mut Tx) -> sqlx::Result<Vec<EventBefore>> {
    let sql = "SELECT * FROM audit_events_before_tree ORDER BY id LIMIT $1";
    let found = fetch!(tx, fetch_all as EventBefore, sql, BATCH_SIZE)?;
    if let Some(last) = found.last() {
        execute!(tx, "DELETE FROM audit_events_before_tree WHERE id <= $1", &last.id)?;
    }
    Ok(found)
}

fn source(event: EventBefore) -> Source {
    let EventBefore { actor_id, subject_id, session_id, token_id, .. } = event;
    let detail = serde_json::from_str(&event.detail).unwrap_or_else(|_| [("text".to_owned(), event.detail.into())].into_iter().collect());
    Source {
        id: event.id,
        at: event.occurred_at,
        action: key(&event.action),
        outcome: event.outcome,
        ids: Ids { actor_id, subject_id, session_id, token_id, ..Ids::default() },
        request: None,
        client: PersonalPart { ip: event.ip, ..PersonalPart::default() },
        detail,
    }
}

/// Returns the key of an action from before: actions were stored by their names in snake case.
fn key(before: &str) -> String {
    let action = Action::ALL.iter().find(|action| snake_case(&format!("{action:?}")) == before);
    action.map_or_else(|| format!("before.{before}"), |action| action.key().to_owned())
}

fn snake_case(name: &str) -> String {
    let mut text = String::new();
    for letter in name.chars() {
        if letter.is_ascii_uppercase() && !text.is_empty() {
            text.push('_');
        }
        text.push(letter.to_ascii_lowercase());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn actions_from_before_have_their_keys_of_today() {
        for (before, today) in [("sign_in", "account.signed_in"), ("session_displaced", "session.evicted"), ("other", "before.other")] {
            assert_eq!(key(before), today);
        }
    }
}
