//! Between nodes: PostgreSQL's LISTEN and NOTIFY.

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

/// The channel's name in PostgreSQL.
pub(super) const CHANNEL: &str = "whereabouts";
/// Messages that are sent by one statement.
const MESSAGES_PER_STATEMENT: usize = 100;
/// Pause before the database is asked again after it failed.
const RETRY: Duration = Duration::from_millis(500);
/// How often the channel between nodes is checked: a frozen server cuts no connection.
const CHECK_INTERVAL: Duration = Duration::from_secs(5);

/// The messages of one node to the others, for [`Outgoing::relay`].
pub struct Outgoing {
    node: String,
    messages: mpsc::Receiver<Message>,
    overflowed: Arc<AtomicBool>,
}

impl Outgoing {
    pub(super) fn new(node: String, messages: mpsc::Receiver<Message>, overflowed: Arc<AtomicBool>) -> Self {
        Self { node, messages, overflowed }
    }

    /// Sends queued messages to other nodes until the queue closes, one statement per batch.
    pub async fn relay(&mut self, pool: &PostgresPool) {
        let mut batch = Vec::new();
        while self.messages.recv_many(&mut batch, MESSAGES_PER_STATEMENT).await > 0 {
            self.replace_overflow(&mut batch);
            // What cannot be sent is only late, not wrong: the other nodes look sessions up. Their pages look again once they can be told.
            while let Err(error) = pool.notify(CHANNEL, &payloads(&self.node, std::mem::take(&mut batch))).await {
                tracing::warn!(%error, "other nodes could not be told of a change");
                tokio::time::sleep(RETRY).await;
                batch.push(Message::Missed);
            }
        }
    }

    /// Sends what still waits when the server stops. Later commits are not sent.
    pub async fn finish(&mut self, pool: &PostgresPool) {
        self.messages.close();
        self.relay(pool).await;
    }

    /// What found no room is made up for by one [`Message::Missed`], which covers the rest of the batch too.
    fn replace_overflow(&self, batch: &mut Vec<Message>) {
        if self.overflowed.swap(false, Ordering::AcqRel) {
            *batch = vec![Message::Missed];
        }
    }

    /// What waits to be sent.
    #[cfg(test)]
    pub(super) fn waiting(&mut self) -> Vec<Message> {
        let mut batch = std::iter::from_fn(|| self.messages.try_recv().ok()).collect();
        self.replace_overflow(&mut batch);
        batch
    }
}

impl Hub {
    /// Receives messages of other nodes. After a lost connection, all pages of this node refresh.
    pub async fn listen(&self, pool: &PostgresPool) {
        loop {
            if let Err(error) = self.listen_until_cut(pool).await {
                tracing::warn!(%error, "the channel between nodes was cut; listening again");
            }
            tokio::time::sleep(RETRY).await;
        }
    }

    async fn listen_until_cut(&self, pool: &PostgresPool) -> sqlx::Result<()> {
        let mut listener = pool.listen(CHANNEL).await?;
        self.deliver_missed();
        let mut checks = tokio::time::interval(CHECK_INTERVAL);
        checks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                notification = listener.try_recv() => match notification? {
                    Some(notification) => self.hear(notification.payload()),
                    // The connection was lost, and what was said meanwhile with it.
                    None => return Ok(()),
                },
                _ = checks.tick() => pool.check(&mut listener).await?,
            }
        }
    }

    /// Delivers what another node or process said.
    pub(super) fn hear(&self, payload: &str) {
        match serde_json::from_str::<Envelope>(payload) {
            Ok(envelope) if envelope.from == self.node => {}
            Ok(envelope) => envelope.messages.into_iter().for_each(|message| self.deliver_message(message)),
            Err(error) => {
                tracing::warn!(%error, "another node said what this one does not understand");
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
