//! Feeds: live messages for all open pages of one user, computed once.
//!
//! The first page of a user on this node starts a feed, and the feed ends after the last one closes. It batches the events from the
//! hub, queries the database once and sends the messages to every page, so the cost of a use does not depend on the number of pages.

use std::{
    collections::{HashMap, HashSet},
    future::ready,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard},
};

use chrono::Duration;
use tokio::sync::{
    Semaphore, SemaphorePermit,
    broadcast::{self, Receiver, Sender, WeakSender},
};

use crate::{
    accounts::store as accounts,
    error::AppError,
    foundation::{
        hub::{SessionEvent, SessionUse, Subscription},
        ids::{SessionId, UserId},
        services::Services,
    },
    sessions::{
        actions,
        model::{LiveMessage, Session},
    },
};

/// Messages that a page may lag behind. After more it is sent the whole list.
const MESSAGE_BACKLOG: usize = 64;
/// Minimum interval between two whole lists, however often events may have been missed.
const LIST_INTERVAL: Duration = Duration::seconds(1);
/// Feeds that query the database at the same time, so that requests still get a connection when all pages must be refreshed at once.
const MAX_CONCURRENT_QUERIES: usize = 4;

/// A message to all pages of one user, not yet personalized: lists are unfiltered, and no session is marked as current.
pub type SharedMessage = Arc<LiveMessage>;

/// The feeds of one node.
#[derive(Clone)]
pub struct Feeds {
    by_user: Arc<Mutex<HashMap<UserId, WeakSender<SharedMessage>>>>,
    queries: Arc<Semaphore>,
}

impl Default for Feeds {
    fn default() -> Self {
        Self { by_user: Arc::default(), queries: Arc::new(Semaphore::new(MAX_CONCURRENT_QUERIES)) }
    }
}

impl Feeds {
    /// Subscribes to the live messages of a user, and starts their feed if none is running.
    pub fn join(&self, services: &Arc<Services>, user: &UserId) -> Receiver<SharedMessage> {
        // Subscribes before anybody can join a feed that starts here, so that nobody who joins it misses an event.
        let events = services.hub.subscribe(user);
        let (messages, started) = self.join_or_start(user);
        if let Some(pages) = started {
            let feed = Feed { services: services.clone(), user: user.clone(), events, pages, remote_uses: HashMap::new() };
            tokio::spawn(feed.run());
        }
        messages
    }

    /// Joins the user's feed, or registers a new one. Returns `Some` if it is new: then the caller must run it.
    fn join_or_start(&self, user: &UserId) -> (Receiver<SharedMessage>, Option<Pages>) {
        let mut feeds = self.lock();
        if let Some(sender) = feeds.get(user).and_then(WeakSender::upgrade) {
            return (sender.subscribe(), None);
        }
        let (sender, receiver) = broadcast::channel(MESSAGE_BACKLOG);
        feeds.insert(user.clone(), sender.downgrade());
        (receiver, Some(Pages { feeds: self.clone(), user: user.clone(), sender }))
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<UserId, WeakSender<SharedMessage>>> {
        self.by_user.lock().expect("no code panics while it holds the feeds")
    }
}

/// The feed's handle to the user's open pages. Dropping it closes the channels of those that are left.
struct Pages {
    feeds: Feeds,
    user: UserId,
    sender: Sender<SharedMessage>,
}

impl Pages {
    fn send(&self, message: LiveMessage) {
        // Fails if the last page has just closed.
        let _ = self.sender.send(Arc::new(message));
    }

    /// Waits until no page is left, and unregisters the feed, so that no page can join it any more.
    async fn wait_until_empty(&self) {
        loop {
            self.sender.closed().await;
            let mut feeds = self.feeds.lock();
            if self.sender.receiver_count() == 0 {
                feeds.remove(&self.user);
                return;
            }
        }
    }
}

impl Drop for Pages {
    fn drop(&mut self) {
        let mut feeds = self.feeds.lock();
        // Not if another feed has taken its place.
        if feeds.get(&self.user).and_then(WeakSender::upgrade).is_some_and(|sender| sender.same_channel(&self.sender)) {
            feeds.remove(&self.user);
        }
    }
}

struct Feed {
    services: Arc<Services>,
    user: UserId,
    events: Subscription,
    pages: Pages,
    /// Latest use of each session received by this feed: the database may not have those of other nodes yet.
    remote_uses: HashMap<SessionId, SessionUse>,
}

/// Events since the last messages to the pages.
#[derive(Default)]
struct Pending {
    created: Vec<SessionId>,
    used: HashSet<SessionId>,
    ended: Vec<SessionId>,
    /// Whether events may have been missed, so that the whole list must be sent.
    is_incomplete: bool,
}

impl Feed {
    async fn run(mut self) {
        let mut pending = Pending::default();
        // After a list and after a failure, the next list waits for this pause.
        let (mut pause, mut is_pausing): (Pause, bool) = (Box::pin(ready(())), true);
        loop {
            tokio::select! {
                event = self.events.recv() => self.record(&mut pending, event.unwrap_or(SessionEvent::Missed)), // it lagged
                () = &mut pause, if is_pausing => is_pausing = false,
                () = self.pages.wait_until_empty() => return,
            }
            while let Ok(event) = self.events.try_recv() {
                self.record(&mut pending, event);
            }
            let is_list_due = pending.is_incomplete && !is_pausing;
            let next_list = self.services.clock.now() + LIST_INTERVAL;
            let sent = if is_list_due { self.send_list(&mut pending).await } else { self.send_changes(&mut pending).await };
            pending.is_incomplete |= sent.is_err(); // the failure was logged where it happened
            if is_list_due || sent.is_err() {
                let clock = self.services.clock.clone();
                (pause, is_pausing) = (Box::pin(async move { clock.sleep_until(next_list).await }), true);
            }
        }
    }

    fn record(&mut self, pending: &mut Pending, event: SessionEvent) {
        match event {
            SessionEvent::Began(session) => pending.created.push(session),
            SessionEvent::Used(uses) => {
                for used in uses {
                    pending.used.insert(used.session.clone());
                    let known = self.remote_uses.entry(used.session.clone()).or_insert_with(|| used.clone());
                    if known.at < used.at {
                        *known = used;
                    }
                }
            }
            SessionEvent::Ended(sessions) => {
                self.remote_uses.retain(|id, _| !sessions.contains(id));
                pending.used.retain(|id| !sessions.contains(id));
                pending.created.retain(|id| !sessions.contains(id));
                pending.ended.extend(sessions);
            }
            SessionEvent::Missed => pending.is_incomplete = true,
        }
    }

    /// Sends the whole list, which replaces everything pending. For a disabled account it is empty, so that its pages close.
    async fn send_list(&self, pending: &mut Pending) -> Result<(), AppError> {
        *pending = Pending::default();
        let permit = self.acquire_query_permit().await?;
        let account = accounts::find_by_id(&mut self.services.db.read().await?, &self.user).await?;
        let rows = match account {
            Some(_) => actions::list_for_pages(&self.services, &self.user, None, &self.remote_uses).await?,
            None => Vec::new(),
        };
        drop(permit);
        self.pages.send(LiveMessage::List(Box::new(actions::whole_list(&self.services, rows))));
        Ok(())
    }

    /// Sends pending events after one query. Uses do not change the total, so without other events only their rows are queried.
    async fn send_changes(&self, pending: &mut Pending) -> Result<(), AppError> {
        let Pending { created, used, ended, is_incomplete } = std::mem::take(pending);
        pending.is_incomplete = is_incomplete;
        let only_used = created.is_empty() && ended.is_empty();
        if only_used && used.is_empty() {
            return Ok(());
        }
        let ids: Option<Vec<SessionId>> = only_used.then(|| used.iter().cloned().collect());
        let permit = self.acquire_query_permit().await?;
        let rows = actions::list_for_pages(&self.services, &self.user, ids.as_deref(), &self.remote_uses).await?;
        drop(permit);
        if !only_used {
            self.send_created_and_ended(&rows, &created, ended);
        }
        let used: Vec<Session> = rows.into_iter().filter(|row| used.contains(&row.id)).collect();
        if !used.is_empty() {
            self.pages.send(LiveMessage::Used(used));
        }
        Ok(())
    }

    /// Waits for one of the [`MAX_CONCURRENT_QUERIES`] permits.
    async fn acquire_query_permit(&self) -> Result<SemaphorePermit<'_>, AppError> {
        self.pages.feeds.queries.acquire().await.map_err(|error| AppError::internal(&error))
    }

    /// Sends ended sessions first, then created ones: each message carries the total after it.
    fn send_created_and_ended(&self, rows: &[Session], created: &[SessionId], ended: Vec<SessionId>) {
        let created: Vec<&Session> = rows.iter().filter(|row| created.contains(&row.id)).collect(); // one may have expired meanwhile
        let total = rows.len() - created.len();
        if !ended.is_empty() {
            self.pages.send(LiveMessage::Gone { sessions: ended, total });
        }
        for (before, session) in created.into_iter().enumerate() {
            self.pages.send(LiveMessage::Row { session: Box::new(session.clone()), total: total + before + 1, began: true });
        }
    }
}

type Pause = Pin<Box<dyn Future<Output = ()> + Send>>;

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;

    /// LIM-5: the pages of one user share a feed, and it is removed after the last page closes.
    #[tokio::test]
    async fn a_feed_ends_with_its_last_page() {
        let (feeds, alice) = (Feeds::default(), UserId::new(DateTime::UNIX_EPOCH));
        let (mut one, started) = feeds.join_or_start(&alice);
        let (mut two, started_again) = feeds.join_or_start(&alice);
        assert!(started_again.is_none());
        let pages = started.unwrap();
        let message = LiveMessage::Used(Vec::new());
        pages.send(message.clone());
        assert_eq!([&*one.recv().await.unwrap(), &*two.recv().await.unwrap()], [&message; 2]);
        drop((one, two));
        pages.wait_until_empty().await;
        assert!(feeds.lock().is_empty());
    }

    /// A failed feed closes the channels of its pages, and the next page starts a new one.
    #[tokio::test]
    async fn a_failed_feed_is_replaced() {
        let (feeds, alice) = (Feeds::default(), UserId::new(DateTime::UNIX_EPOCH));
        let (mut page, failed) = feeds.join_or_start(&alice);
        drop(failed);
        assert!(page.recv().await.is_err());
        let (_page, started) = feeds.join_or_start(&alice);
        assert!(started.is_some());
    }
}
