//! Tells the open pages of a person what changed, on this node and, over PostgreSQL's LISTEN/NOTIFY, on the others.
//!
//! Nothing is *right* because of the hub: every request looks its session up. Changes carry ids, never secrets.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard},
    time::Duration,
};

use serde::{Deserialize, Serialize};
use tokio::{
    sync::{broadcast, mpsc},
    time::MissedTickBehavior,
};

use crate::foundation::{
    ids::{SessionId, UserId},
    postgres::PostgresPool,
};

/// Changes that a slow page may be behind before it has to ask for everything anew.
const BACKLOG: usize = 256;
/// PostgreSQL refuses a NOTIFY of 8000 bytes; this many ids stay well below.
const IDS_A_MESSAGE: usize = 100;
const MESSAGES_A_NOTIFY: usize = 10;
const CHANNEL: &str = "whereabouts";
/// How often the channel between nodes is checked: a frozen server cuts no connection.
const CHECK_INTERVAL: Duration = Duration::from_secs(5);

/// What happened to a person's sessions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Change {
    /// A sign-in.
    Began(SessionId),
    /// A use.
    Used(SessionId),
    /// An end, whatever the reason.
    Ended(Vec<SessionId>),
    /// Something may have been missed: ask for everything anew.
    Missed,
}

#[derive(Serialize, Deserialize)]
struct Message {
    from: String,
    user: UserId,
    change: Change,
}

/// The hub of one node.
pub struct Hub {
    node: String,
    pages: Mutex<HashMap<UserId, broadcast::Sender<Change>>>,
    others: Option<mpsc::UnboundedSender<Message>>,
}

/// The other end of [`Hub::among_nodes`], for [`Outgoing::relay`].
pub struct Outgoing(mpsc::UnboundedReceiver<Message>);

impl Hub {
    /// The hub of a node that stands alone.
    pub fn alone() -> Self {
        Self { node: String::new(), pages: Mutex::default(), others: None }
    }

    /// The hub of one node among several; `node` is a name that no other has.
    pub fn among_nodes(node: String) -> (Self, Outgoing) {
        let (sender, receiver) = mpsc::unbounded_channel();
        (Self { node, pages: Mutex::default(), others: Some(sender) }, Outgoing(receiver))
    }

    /// What happens to this person's sessions from now on.
    pub fn subscribe(&self, user: &UserId) -> broadcast::Receiver<Change> {
        self.pages().entry(user.clone()).or_insert_with(|| broadcast::Sender::new(BACKLOG)).subscribe()
    }

    /// Tells the pages of `user`, here and on other nodes. Called after the commit of what it tells.
    pub fn publish(&self, user: &UserId, change: Change) {
        self.tell(user, change.clone());
        let Some(others) = &self.others else { return };
        for change in in_small_parts(change) {
            // The relay ends with the node: then nobody is left to be told.
            let _ = others.send(Message { from: self.node.clone(), user: user.clone(), change });
        }
    }

    fn tell(&self, user: &UserId, change: Change) {
        let mut pages = self.pages();
        if pages.get(user).is_some_and(|page| page.send(change).is_err()) {
            pages.remove(user);
        }
    }

    fn tell_everybody(&self, change: &Change) {
        self.pages().retain(|_, page| page.send(change.clone()).is_ok());
    }

    fn pages(&self) -> MutexGuard<'_, HashMap<UserId, broadcast::Sender<Change>>> {
        self.pages.lock().expect("no code panics while it holds the pages")
    }

    /// Hears what other nodes commit, for ever. After a cut every page here asks anew.
    pub async fn listen(&self, pool: &PostgresPool) {
        loop {
            if let Err(error) = self.listen_until_cut(pool).await {
                tracing::warn!(%error, "the channel between nodes was cut; listening again");
            }
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    }

    async fn listen_until_cut(&self, pool: &PostgresPool) -> sqlx::Result<()> {
        let mut listener = pool.listen(CHANNEL).await?;
        self.tell_everybody(&Change::Missed);
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

    fn hear(&self, payload: &str) {
        match serde_json::from_str::<Vec<Message>>(payload) {
            Ok(messages) => {
                for message in messages.into_iter().filter(|message| message.from != self.node) {
                    self.tell(&message.user, message.change);
                }
            }
            Err(error) => tracing::warn!(%error, "another node said what this one does not understand"),
        }
    }
}

impl Outgoing {
    /// Sends what this node commits to the others, for ever. It is batched: one statement for what has come meanwhile.
    pub async fn relay(&mut self, pool: &PostgresPool) {
        let mut batch = Vec::new();
        while self.0.recv_many(&mut batch, MESSAGES_A_NOTIFY).await > 0 {
            for part in batch.chunk_by(|a, b| a.size() + b.size() < 8) {
                let payload = serde_json::to_string(part).expect("ids and names are JSON");
                if let Err(error) = pool.notify(CHANNEL, &payload).await {
                    // Only late, not wrong: the other nodes look sessions up, and their pages check again by themselves.
                    tracing::warn!(%error, "other nodes could not be told of a change");
                }
            }
            batch.clear();
        }
    }

    /// Sends what still waits when the server stops. What is committed later is told to nobody.
    pub async fn finish(&mut self, pool: &PostgresPool) {
        self.0.close();
        self.relay(pool).await;
    }
}

impl Message {
    /// How many ids it carries.
    fn size(&self) -> usize {
        match &self.change {
            Change::Ended(sessions) => sessions.len(),
            _ => 1,
        }
    }
}

fn in_small_parts(change: Change) -> Vec<Change> {
    match change {
        Change::Ended(sessions) => sessions.chunks(IDS_A_MESSAGE).map(|part| Change::Ended(part.to_vec())).collect(),
        other => vec![other],
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;

    #[tokio::test]
    async fn a_person_hears_of_their_own_sessions_alone() {
        let hub = Hub::alone();
        let (alice, bob) = (UserId::new(DateTime::UNIX_EPOCH), UserId::new(DateTime::UNIX_EPOCH));
        let (mut to_alice, mut to_bob) = (hub.subscribe(&alice), hub.subscribe(&bob));
        let began = Change::Began(SessionId::new(DateTime::UNIX_EPOCH));
        hub.publish(&alice, began.clone());
        assert_eq!(to_alice.recv().await.unwrap(), began);
        assert!(to_bob.try_recv().is_err());
    }

    #[test]
    fn a_thousand_ends_fit_into_notifications() {
        let sessions = (0..999).map(|_| SessionId::new(DateTime::UNIX_EPOCH)).collect();
        for change in in_small_parts(Change::Ended(sessions)) {
            let user = UserId::new(DateTime::UNIX_EPOCH);
            let message = Message { from: "f".repeat(36), user, change };
            assert!(serde_json::to_string(&vec![message]).unwrap().len() < 8000);
        }
    }
}
