//! Relays messages between nodes with PostgreSQL's LISTEN and NOTIFY.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tokio::{sync::mpsc, time::MissedTickBehavior};

use super::{
    Hub,
    message::{Envelope, Message, payloads},
};
use crate::foundation::postgres::PostgresPool;

/// Name of the channel in PostgreSQL.
pub(super) const CHANNEL: &str = "whereabouts";
/// Messages per NOTIFY statement.
const MESSAGES_PER_STATEMENT: usize = 100;
/// Pause before a retry after a failure of the database.
const RETRY_DELAY: Duration = Duration::from_millis(500);
/// Interval of checks of the listening connection, because a frozen server does not close it.
const CHECK_INTERVAL: Duration = Duration::from_secs(5);

/// Messages of one node to the others, sent by [`Outgoing::relay`].
pub struct Outgoing {
    node: String,
    messages: mpsc::Receiver<Message>,
    overflowed: Arc<AtomicBool>,
}

impl Outgoing {
    pub(super) fn new(node: String, messages: mpsc::Receiver<Message>, overflowed: Arc<AtomicBool>) -> Self {
        Self { node, messages, overflowed }
    }

    /// Sends queued messages to the other nodes until the queue closes, one statement per batch.
    pub async fn relay(&mut self, pool: &PostgresPool) {
        let mut batch = Vec::new();
        while self.messages.recv_many(&mut batch, MESSAGES_PER_STATEMENT).await > 0 {
            self.replace_overflow(&mut batch);
            // Lost messages only delay pages, since the other nodes look sessions up. Their pages reload once the database is back.
            while let Err(error) = pool.notify(CHANNEL, &payloads(&self.node, std::mem::take(&mut batch))).await {
                tracing::warn!(%error, "other nodes could not be notified");
                tokio::time::sleep(RETRY_DELAY).await;
                batch.push(Message::Missed);
            }
        }
    }

    /// Sends the messages that still wait when the server stops. Later ones are dropped.
    pub async fn finish(&mut self, pool: &PostgresPool) {
        self.messages.close();
        self.relay(pool).await;
    }

    /// Replaces the batch by one [`Message::Missed`] if messages were dropped since the last call: it covers the batch as well.
    fn replace_overflow(&self, batch: &mut Vec<Message>) {
        if self.overflowed.swap(false, Ordering::AcqRel) {
            *batch = vec![Message::Missed];
        }
    }

    /// Returns and removes the messages that wait to be sent.
    #[cfg(test)]
    pub(super) fn drain(&mut self) -> Vec<Message> {
        let mut batch = std::iter::from_fn(|| self.messages.try_recv().ok()).collect();
        self.replace_overflow(&mut batch);
        batch
    }
}

impl Hub {
    /// Receives messages of other nodes. After a lost connection, all pages of this node reload. Never returns.
    pub async fn listen(&self, pool: &PostgresPool) {
        loop {
            if let Err(error) = self.listen_until_disconnected(pool).await {
                tracing::warn!(%error, "the connection for notifications was lost; listening again");
            }
            tokio::time::sleep(RETRY_DELAY).await;
        }
    }

    async fn listen_until_disconnected(&self, pool: &PostgresPool) -> sqlx::Result<()> {
        let mut listener = pool.listen(CHANNEL).await?;
        self.deliver_missed();
        let mut checks = tokio::time::interval(CHECK_INTERVAL);
        checks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                notification = listener.try_recv() => match notification? {
                    Some(notification) => self.apply(notification.payload()),
                    // The connection was lost, and with it the notifications in between.
                    None => return Ok(()),
                },
                _ = checks.tick() => pool.check(&mut listener).await?,
            }
        }
    }

    /// Applies a payload of another node or process: delivers its messages to the pages of this node.
    pub(super) fn apply(&self, payload: &str) {
        match serde_json::from_str::<Envelope>(payload) {
            Ok(envelope) if envelope.from == self.node => {}
            Ok(envelope) => envelope.messages.into_iter().for_each(|message| self.deliver_message(message)),
            Err(error) => {
                tracing::warn!(%error, "a notification of another node could not be parsed");
                self.deliver_missed();
            }
        }
    }

    fn deliver_message(&self, message: Message) {
        match message {
            Message::Change { user, change } => self.deliver(&user, change),
            Message::Uses(uses) => self.deliver_uses(uses),
            Message::Missed => self.deliver_missed(),
        }
    }
}
