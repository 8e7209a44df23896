//! Changes that another process of the same database makes: the command line, while the server runs.
//!
//! On PostgreSQL it notifies as a node does. SQLite notifies nobody outside its process, so there the change is left in a table
//! that the server polls.

use chrono::{DateTime, Utc};

use super::{
    Change, Hub,
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

/// No node has this name.
const NODE: &str = "command line";

/// Publishes a change to the pages of `user` from a process that serves none. Called after the commit of what it tells.
pub async fn publish_from_outside(db: &Db, now: DateTime<Utc>, user: &UserId, change: &Change) -> sqlx::Result<()> {
    let payloads = payloads(NODE, Message::of_change(user, change));
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
    /// Delivers what other processes left in a SQLite database since this was last called.
    pub async fn receive_from_outside(&self, db: &Db) -> sqlx::Result<()> {
        if let Db::Postgres(_) = db {
            return Ok(()); // `Hub::listen` hears it
        }
        let waiting: Option<(String,)> =
            fetch!(&mut db.read().await?, fetch_optional as (String,), "SELECT id FROM notifications LIMIT 1")?;
        if waiting.is_none() {
            return Ok(()); // most of the time: no write lock is taken for it
        }
        let mut tx = db.write().await?;
        let left: Vec<(String,)> = fetch!(&mut tx, fetch_all as (String,), "DELETE FROM notifications RETURNING payload")?;
        tx.commit().await?;
        left.iter().for_each(|(payload,)| self.hear(payload));
        Ok(())
    }
}
