//! Events from the command line: another process on the same database, while the server runs.
//!
//! On PostgreSQL the process sends NOTIFY, as a node does. SQLite has no notifications between processes, so the event is inserted
//! into a table that the server polls.

use chrono::{DateTime, Utc};

use super::{
    Hub, SessionEvent,
    message::{Message, payloads},
    relay::CHANNEL,
};
use crate::{
    execute, fetch,
    foundation::{
        db::Db,
        ids::{NotificationId, UserId},
    },
};

/// Sender name of the command line. No node has this name.
const NODE: &str = "command line";

/// Publishes an event to the pages of `user` from a process that is not a server. Called after the commit of its cause.
pub async fn publish_from_cli(db: &Db, now: DateTime<Utc>, user: &UserId, event: &SessionEvent) -> sqlx::Result<()> {
    let payloads = payloads(NODE, Message::from_event(user, event));
    if let Db::Postgres(pool) = db {
        return pool.notify(CHANNEL, &payloads).await;
    }
    let mut tx = db.write().await?;
    for payload in payloads {
        execute!(&mut tx, "INSERT INTO notifications (id, payload) VALUES ($1, $2)", NotificationId::new(now), payload)?;
    }
    tx.commit().await
}

impl Hub {
    /// Delivers events that the command line left in a SQLite database since the last call. Does nothing on PostgreSQL.
    pub async fn receive_from_cli(&self, db: &Db) -> sqlx::Result<()> {
        if let Db::Postgres(_) = db {
            return Ok(()); // `Hub::listen` receives them
        }
        let waiting: Option<(String,)> =
            fetch!(&mut db.read().await?, fetch_optional as (String,), "SELECT id FROM notifications LIMIT 1")?;
        if waiting.is_none() {
            return Ok(()); // the usual case: takes no write lock
        }
        let mut tx = db.write().await?;
        let left: Vec<(String,)> = fetch!(&mut tx, fetch_all as (String,), "DELETE FROM notifications RETURNING payload")?;
        tx.commit().await?;
        left.iter().for_each(|(payload,)| self.apply(payload));
        Ok(())
    }
}
