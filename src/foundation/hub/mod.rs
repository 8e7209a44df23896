//! Publishes what changed to the open pages of a person, on this node and on the others.
//!
//! Nothing is *right* because of the hub: every request looks its session up. Changes carry ids, times and addresses, never
//! secrets.

mod message;
mod outside;
mod relay;

pub use outside::publish_from_outside;
pub use relay::Outgoing;

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicBool, Ordering},
    },
};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use tokio::sync::{
    broadcast::{self, error::RecvError, error::TryRecvError},
    mpsc,
};

use crate::foundation::ids::{SessionId, UserId};
use message::Message;

/// Changes that a subscriber may be behind before it has to look everything up again.
const BACKLOG: usize = 256;
/// Messages that may wait for the other nodes. More become one [`Change::Missed`].
const QUEUE: usize = 1_024;
/// Uses of one tick that other nodes are told of. More become one [`Change::Missed`].
const MAX_USES_PER_TICK: usize = 500;

/// What happened to a person's sessions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Change {
    /// A sign-in.
    Began(SessionId),
    /// The uses of one tick.
    Used(Vec<SessionUse>),
    /// An end, whatever the reason.
    Ended(Vec<SessionId>),
    /// Something may have been missed: look everything up again.
    Missed,
}

/// The last use of a session. Other nodes are told more than its id, since the database lags behind by some seconds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionUse {
    /// Whose session.
    pub user: UserId,
    /// Which.
    pub session: SessionId,
    /// When it was used.
    pub at: DateTime<Utc>,
    /// From where. It travels with its time (SES-11).
    pub ip: IpAddr,
}

type Subscribers = HashMap<UserId, broadcast::Sender<Change>>;

/// The hub of one node.
pub struct Hub {
    node: String,
    subscribers: Arc<Mutex<Subscribers>>,
    others: Option<Queue>,
}

/// Messages on their way to the other nodes.
struct Queue {
    messages: mpsc::Sender<Message>,
    /// Set when a message found no room.
    overflowed: Arc<AtomicBool>,
}

impl Hub {
    /// The hub of a node that stands alone.
    pub fn alone() -> Self {
        Self { node: String::new(), subscribers: Arc::default(), others: None }
    }

    /// The hub of one node among several; `node` is a name that no other has.
    pub fn among_nodes(node: String) -> (Self, Outgoing) {
        let (sender, receiver) = mpsc::channel(QUEUE);
        let overflowed = Arc::new(AtomicBool::new(false));
        let outgoing = Outgoing::new(node.clone(), receiver, overflowed.clone());
        (Self { node, subscribers: Arc::default(), others: Some(Queue { messages: sender, overflowed }) }, outgoing)
    }

    /// What happens to this person's sessions from now on.
    pub fn subscribe(&self, user: &UserId) -> Subscription {
        let mut subscribers = lock(&self.subscribers);
        let changes = subscribers.entry(user.clone()).or_insert_with(|| broadcast::Sender::new(BACKLOG)).subscribe();
        Subscription { subscribers: self.subscribers.clone(), user: user.clone(), changes }
    }

    /// Publishes a change to the pages of `user`, here and on other nodes. Called after the commit of what it tells.
    pub fn publish(&self, user: &UserId, change: Change) {
        if let Some(others) = &self.others {
            Message::of_change(user, &change).into_iter().for_each(|message| others.push(message));
        }
        self.deliver(user, change);
    }

    /// Publishes the uses of one tick, here and on other nodes.
    pub fn publish_uses(&self, uses: Vec<SessionUse>) {
        if let Some(others) = &self.others {
            match uses.len() {
                0..=MAX_USES_PER_TICK => Message::of_uses(&uses).into_iter().for_each(|message| others.push(message)),
                _ => others.push(Message::Missed),
            }
        }
        self.deliver_uses(uses);
    }

    /// Asks everybody's pages, here and on other nodes, to look everything up again: those of sessions that ended close.
    pub fn publish_missed(&self) {
        if let Some(others) = &self.others {
            others.push(Message::Missed);
        }
        self.deliver_missed();
    }

    fn deliver(&self, user: &UserId, change: Change) {
        if let Some(subscriber) = lock(&self.subscribers).get(user) {
            // Sending fails only if nobody is subscribed any more.
            let _ = subscriber.send(change);
        }
    }

    fn deliver_uses(&self, uses: Vec<SessionUse>) {
        let subscribers = lock(&self.subscribers);
        let mut by_user: HashMap<UserId, Vec<SessionUse>> = HashMap::new();
        for used in uses.into_iter().filter(|used| subscribers.contains_key(&used.user)) {
            by_user.entry(used.user.clone()).or_default().push(used);
        }
        for (user, uses) in by_user {
            let _ = subscribers[&user].send(Change::Used(uses));
        }
    }

    fn deliver_missed(&self) {
        for subscriber in lock(&self.subscribers).values() {
            let _ = subscriber.send(Change::Missed);
        }
    }
}

impl Queue {
    fn push(&self, message: Message) {
        // The queue is full, or the relay has stopped.
        if self.messages.try_send(message).is_err() {
            self.overflowed.store(true, Ordering::Release);
        }
    }
}

fn lock(subscribers: &Mutex<Subscribers>) -> MutexGuard<'_, Subscribers> {
    subscribers.lock().expect("no code panics while it holds the subscribers")
}

/// What happens to one person's sessions. Their buffer is freed with their last subscription.
pub struct Subscription {
    subscribers: Arc<Mutex<Subscribers>>,
    user: UserId,
    changes: broadcast::Receiver<Change>,
}

impl Subscription {
    /// The next change. Errors: [`RecvError::Lagged`] when changes were lost because nobody received them in time.
    pub async fn recv(&mut self) -> Result<Change, RecvError> {
        self.changes.recv().await
    }

    /// The next change, if it is there already.
    pub fn try_recv(&mut self) -> Result<Change, TryRecvError> {
        self.changes.try_recv()
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        let mut subscribers = lock(&self.subscribers);
        if subscribers.get(&self.user).is_some_and(|subscriber| subscriber.receiver_count() <= 1) {
            subscribers.remove(&self.user);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user() -> UserId {
        UserId::new(DateTime::UNIX_EPOCH)
    }

    fn session() -> SessionId {
        SessionId::new(DateTime::UNIX_EPOCH)
    }

    fn used(user: &UserId) -> SessionUse {
        SessionUse { user: user.clone(), session: session(), at: DateTime::UNIX_EPOCH, ip: "192.0.2.1".parse().unwrap() }
    }

    #[tokio::test]
    async fn a_person_hears_of_their_own_sessions_alone() {
        let hub = Hub::alone();
        let (alice, bob) = (user(), user());
        let (mut to_alice, mut to_bob) = (hub.subscribe(&alice), hub.subscribe(&bob));
        let began = Change::Began(session());
        hub.publish(&alice, began.clone());
        assert_eq!(to_alice.recv().await.unwrap(), began);
        assert!(to_bob.try_recv().is_err());
    }

    /// LIM-5: the uses of one tick are one change, whoever's they are; nobody hears of another's.
    #[tokio::test]
    async fn uses_of_one_tick_are_one_change() {
        let hub = Hub::alone();
        let (alice, bob, nobody) = (user(), user(), user());
        let (mut to_alice, mut to_bob) = (hub.subscribe(&alice), hub.subscribe(&bob));
        let uses = [used(&alice), used(&bob), used(&alice), used(&nobody)];
        hub.publish_uses(uses.to_vec());
        assert_eq!(to_alice.recv().await.unwrap(), Change::Used(vec![uses[0].clone(), uses[2].clone()]));
        assert_eq!(to_bob.recv().await.unwrap(), Change::Used(vec![uses[1].clone()]));
        assert!(to_alice.try_recv().is_err() && to_bob.try_recv().is_err());
    }

    #[test]
    fn a_buffer_is_freed_with_its_last_subscription() {
        let (hub, alice) = (Hub::alone(), user());
        let (one, two) = (hub.subscribe(&alice), hub.subscribe(&alice));
        drop(one);
        assert!(lock(&hub.subscribers).contains_key(&alice));
        drop(two);
        assert!(lock(&hub.subscribers).is_empty());
    }

    /// LIM-5: what waits for other nodes is bounded.
    #[test]
    fn the_queue_to_other_nodes_is_bounded() {
        let (hub, mut outgoing) = Hub::among_nodes("node".to_owned());
        let alice = user();
        for _ in 0..QUEUE {
            hub.publish(&alice, Change::Began(session()));
        }
        assert_eq!(outgoing.waiting().len(), QUEUE);
        for _ in 0..=QUEUE {
            hub.publish(&alice, Change::Began(session()));
        }
        assert_eq!(outgoing.waiting(), [Message::Missed]);
    }

    /// LIM-5: however many sessions are used in one tick, other nodes are told in a bounded number of messages.
    #[test]
    fn too_many_uses_of_one_tick_become_one_missed() {
        let (hub, mut outgoing) = Hub::among_nodes("node".to_owned());
        let alice = user();
        hub.publish_uses((0..MAX_USES_PER_TICK).map(|_| used(&alice)).collect());
        let sent: usize = outgoing.waiting().iter().map(|message| if let Message::Uses(uses) = message { uses.len() } else { 0 }).sum();
        assert_eq!(sent, MAX_USES_PER_TICK);
        hub.publish_uses((0..=MAX_USES_PER_TICK).map(|_| used(&alice)).collect());
        assert_eq!(outgoing.waiting(), [Message::Missed]);
    }
}
