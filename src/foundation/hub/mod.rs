//! Publishes session events to the open pages of a user, on this node and on all others.
//!
//! Correctness never depends on the hub, because every request looks its session up. Events contain ids, times and addresses, never
//! secrets.

mod cli;
mod message;
mod relay;

pub use cli::publish_from_cli;
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

/// Events that a subscriber may lag behind. Beyond that it has to reload everything.
const SUBSCRIPTION_BUFFER: usize = 256;
/// Messages to other nodes that may wait. Further ones are replaced by one [`Message::Missed`].
const OUTGOING_QUEUE_CAPACITY: usize = 1_024;
/// Uses per tick that are sent to other nodes. More are replaced by one [`Message::Missed`].
const MAX_USES_PER_TICK: usize = 500;

/// An event of a user's sessions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum SessionEvent {
    /// A session began.
    Began(SessionId),
    /// Sessions were used: the uses of one tick.
    Used(Vec<SessionUse>),
    /// Sessions ended, for any reason.
    Ended(Vec<SessionId>),
    /// Events may have been lost: the subscriber has to reload everything.
    Missed,
}

/// The last use of a session. Carries more than the session id, because the database lags behind by a few seconds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionUse {
    /// Owner of the session.
    pub user: UserId,
    /// The session.
    pub session: SessionId,
    /// Time of the request.
    pub at: DateTime<Utc>,
    /// Client address. Sent together with the time (SES-11).
    pub ip: IpAddr,
}

type Subscribers = HashMap<UserId, broadcast::Sender<SessionEvent>>;

/// The hub of one node.
pub struct Hub {
    node: String,
    subscribers: Arc<Mutex<Subscribers>>,
    outgoing: Option<OutgoingQueue>,
}

/// Queue of messages to the other nodes.
struct OutgoingQueue {
    messages: mpsc::Sender<Message>,
    /// Set when a message was dropped because the queue was full.
    overflowed: Arc<AtomicBool>,
}

impl Hub {
    /// Creates the hub of a single node.
    pub fn single_node() -> Self {
        Self { node: String::new(), subscribers: Arc::default(), outgoing: None }
    }

    /// Creates the hub of one node among several. `node` must be unique among them.
    pub fn among_nodes(node: String) -> (Self, Outgoing) {
        let (sender, receiver) = mpsc::channel(OUTGOING_QUEUE_CAPACITY);
        let overflowed = Arc::new(AtomicBool::new(false));
        let outgoing = Outgoing::new(node.clone(), receiver, overflowed.clone());
        (Self { node, subscribers: Arc::default(), outgoing: Some(OutgoingQueue { messages: sender, overflowed }) }, outgoing)
    }

    /// Subscribes to events of this user's sessions, from now on.
    pub fn subscribe(&self, user: &UserId) -> Subscription {
        let mut subscribers = lock(&self.subscribers);
        let events = subscribers.entry(user.clone()).or_insert_with(|| broadcast::Sender::new(SUBSCRIPTION_BUFFER)).subscribe();
        Subscription { subscribers: self.subscribers.clone(), user: user.clone(), events }
    }

    /// Publishes an event to the pages of `user`, on this node and all others. Called after the commit of its cause.
    pub fn publish(&self, user: &UserId, event: SessionEvent) {
        if let Some(outgoing) = &self.outgoing {
            Message::from_event(user, &event).into_iter().for_each(|message| outgoing.push(message));
        }
        self.deliver(user, event);
    }

    /// Publishes the uses of one tick, on this node and all others.
    pub fn publish_uses(&self, uses: Vec<SessionUse>) {
        if let Some(outgoing) = &self.outgoing {
            match uses.len() {
                0..=MAX_USES_PER_TICK => Message::from_uses(&uses).into_iter().for_each(|message| outgoing.push(message)),
                _ => outgoing.push(Message::Missed),
            }
        }
        self.deliver_uses(uses);
    }

    /// Publishes [`SessionEvent::Missed`] to all users' pages, on this node and all others. Pages whose session ended then close.
    pub fn publish_missed(&self) {
        if let Some(outgoing) = &self.outgoing {
            outgoing.push(Message::Missed);
        }
        self.deliver_missed();
    }

    fn deliver(&self, user: &UserId, event: SessionEvent) {
        if let Some(subscriber) = lock(&self.subscribers).get(user) {
            // Sending fails only if there is no subscription any more.
            let _ = subscriber.send(event);
        }
    }

    fn deliver_uses(&self, uses: Vec<SessionUse>) {
        let subscribers = lock(&self.subscribers);
        let mut by_user: HashMap<UserId, Vec<SessionUse>> = HashMap::new();
        for used in uses.into_iter().filter(|used| subscribers.contains_key(&used.user)) {
            by_user.entry(used.user.clone()).or_default().push(used);
        }
        for (user, uses) in by_user {
            let _ = subscribers[&user].send(SessionEvent::Used(uses));
        }
    }

    fn deliver_missed(&self) {
        for subscriber in lock(&self.subscribers).values() {
            let _ = subscriber.send(SessionEvent::Missed);
        }
    }
}

impl OutgoingQueue {
    fn push(&self, message: Message) {
        // Fails if the queue is full, or the relay has stopped.
        if self.messages.try_send(message).is_err() {
            self.overflowed.store(true, Ordering::Release);
        }
    }
}

fn lock(subscribers: &Mutex<Subscribers>) -> MutexGuard<'_, Subscribers> {
    subscribers.lock().expect("no code panics while it holds the subscribers")
}

/// A subscription to the events of one user's sessions. The user's buffer is freed with the last subscription.
pub struct Subscription {
    subscribers: Arc<Mutex<Subscribers>>,
    user: UserId,
    events: broadcast::Receiver<SessionEvent>,
}

impl Subscription {
    /// Waits for the next event.
    ///
    /// Errors: [`RecvError::Lagged`] if events were lost because they were not received in time.
    pub async fn recv(&mut self) -> Result<SessionEvent, RecvError> {
        self.events.recv().await
    }

    /// Returns the next event if it is available now.
    ///
    /// Errors: [`TryRecvError::Empty`] if there is none, and otherwise as for [`Subscription::recv`].
    pub fn try_recv(&mut self) -> Result<SessionEvent, TryRecvError> {
        self.events.try_recv()
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
    async fn subscribers_receive_only_events_of_their_own_sessions() {
        let hub = Hub::single_node();
        let (alice, bob) = (user(), user());
        let (mut to_alice, mut to_bob) = (hub.subscribe(&alice), hub.subscribe(&bob));
        let began = SessionEvent::Began(session());
        hub.publish(&alice, began.clone());
        assert_eq!(to_alice.recv().await.unwrap(), began);
        assert!(to_bob.try_recv().is_err());
    }

    /// LIM-5: the uses of one tick are one event per user, and no user receives those of another.
    #[tokio::test]
    async fn uses_of_one_tick_are_one_event_per_user() {
        let hub = Hub::single_node();
        let (alice, bob, nobody) = (user(), user(), user());
        let (mut to_alice, mut to_bob) = (hub.subscribe(&alice), hub.subscribe(&bob));
        let uses = [used(&alice), used(&bob), used(&alice), used(&nobody)];
        hub.publish_uses(uses.to_vec());
        assert_eq!(to_alice.recv().await.unwrap(), SessionEvent::Used(vec![uses[0].clone(), uses[2].clone()]));
        assert_eq!(to_bob.recv().await.unwrap(), SessionEvent::Used(vec![uses[1].clone()]));
        assert!(to_alice.try_recv().is_err() && to_bob.try_recv().is_err());
    }

    #[test]
    fn a_buffer_is_freed_with_its_last_subscription() {
        let (hub, alice) = (Hub::single_node(), user());
        let (one, two) = (hub.subscribe(&alice), hub.subscribe(&alice));
        drop(one);
        assert!(lock(&hub.subscribers).contains_key(&alice));
        drop(two);
        assert!(lock(&hub.subscribers).is_empty());
    }

    /// LIM-5: the number of messages that wait for other nodes is bounded.
    #[test]
    fn the_queue_to_other_nodes_is_bounded() {
        let (hub, mut outgoing) = Hub::among_nodes("node".to_owned());
        let alice = user();
        for _ in 0..OUTGOING_QUEUE_CAPACITY {
            hub.publish(&alice, SessionEvent::Began(session()));
        }
        assert_eq!(outgoing.drain().len(), OUTGOING_QUEUE_CAPACITY);
        for _ in 0..=OUTGOING_QUEUE_CAPACITY {
            hub.publish(&alice, SessionEvent::Began(session()));
        }
        assert_eq!(outgoing.drain(), [Message::Missed]);
    }

    /// LIM-5: the uses of one tick are sent to other nodes in a bounded number of messages.
    #[test]
    fn too_many_uses_of_one_tick_become_one_missed() {
        let (hub, mut outgoing) = Hub::among_nodes("node".to_owned());
        let alice = user();
        hub.publish_uses((0..MAX_USES_PER_TICK).map(|_| used(&alice)).collect());
        let sent: usize = outgoing.drain().iter().map(|message| if let Message::Uses(uses) = message { uses.len() } else { 0 }).sum();
        assert_eq!(sent, MAX_USES_PER_TICK);
        hub.publish_uses((0..=MAX_USES_PER_TICK).map(|_| used(&alice)).collect());
        assert_eq!(outgoing.drain(), [Message::Missed]);
    }
}
