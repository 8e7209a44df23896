//! What the open pages of one person are told, found out once for all of them.
//!
//! The first page of a person on this node starts a feed; the feed ends after the last one. It takes together what the hub said
//! meanwhile, asks the database once, and passes the news on to every page: what a use costs does not depend on how many are open.

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
        hub::{Change, SessionUse, Subscription},
        ids::{SessionId, UserId},
        services::Services,
    },
    sessions::{
        actions,
        model::{News, Session},
    },
};

/// News that a slow page may be behind before it has to ask for the whole list.
const BACKLOG: usize = 64;
/// The whole list is sent at most this often, however often something may have been missed.
const REFRESH: Duration = Duration::seconds(1);
/// Feeds that ask the database at the same time. When everybody's pages have to look again at once, requests still find a connection.
const QUERIES_AT_ONCE: usize = 4;

/// News of one person, for none of their pages in particular: a list is whole, and no session is the current one.
pub type SharedNews = Arc<News>;

/// The feeds of one node.
#[derive(Clone)]
pub struct Feeds {
    by_user: Arc<Mutex<HashMap<UserId, WeakSender<SharedNews>>>>,
    queries: Arc<Semaphore>,
}

impl Default for Feeds {
    fn default() -> Self {
        Self { by_user: Arc::default(), queries: Arc::new(Semaphore::new(QUERIES_AT_ONCE)) }
    }
}

impl Feeds {
    /// The news of this person from now on.
    pub fn join(&self, services: &Arc<Services>, user: &UserId) -> Receiver<SharedNews> {
        // Before anybody can join the feed that may start here: whoever joins it misses nothing from then on.
        let changes = services.hub.subscribe(user);
        let (news, started) = self.join_or_start(user);
        if let Some(pages) = started {
            let feed = Feed { services: services.clone(), user: user.clone(), changes, pages, remote_uses: HashMap::new() };
            tokio::spawn(feed.run());
        }
        news
    }

    /// Joins the feed of this person, or else starts one, which then is to be run.
    fn join_or_start(&self, user: &UserId) -> (Receiver<SharedNews>, Option<Pages>) {
        let mut feeds = self.lock();
        if let Some(news) = feeds.get(user).and_then(WeakSender::upgrade) {
            return (news.subscribe(), None);
        }
        let (news, receiver) = broadcast::channel(BACKLOG);
        feeds.insert(user.clone(), news.downgrade());
        (receiver, Some(Pages { feeds: self.clone(), user: user.clone(), news }))
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<UserId, WeakSender<SharedNews>>> {
        self.by_user.lock().expect("no code panics while it holds the feeds")
    }
}

/// The open pages of one person, as their feed sees them. Dropped, it closes the channel of each that is still there.
struct Pages {
    feeds: Feeds,
    user: UserId,
    news: Sender<SharedNews>,
}

impl Pages {
    fn send(&self, news: News) {
        // The last page may go just now.
        let _ = self.news.send(Arc::new(news));
    }

    /// Returns once no page is left: then none can join any more.
    async fn all_gone(&self) {
        loop {
            self.news.closed().await;
            let mut feeds = self.feeds.lock();
            if self.news.receiver_count() == 0 {
                feeds.remove(&self.user);
                return;
            }
        }
    }
}

impl Drop for Pages {
    fn drop(&mut self) {
        let mut feeds = self.feeds.lock();
        // Not if another feed took its place.
        if feeds.get(&self.user).and_then(WeakSender::upgrade).is_some_and(|news| news.same_channel(&self.news)) {
            feeds.remove(&self.user);
        }
    }
}

struct Feed {
    services: Arc<Services>,
    user: UserId,
    changes: Subscription,
    pages: Pages,
    /// The last use of each session that was told while this feed is open: the database may not know those of other nodes yet.
    remote_uses: HashMap<SessionId, SessionUse>,
}

/// What happened since the pages were last told.
#[derive(Default)]
struct Pending {
    began: Vec<SessionId>,
    used: HashSet<SessionId>,
    ended: Vec<SessionId>,
    /// Whether something may have been missed.
    missed: bool,
}

impl Feed {
    async fn run(mut self) {
        let mut pending = Pending::default();
        // After a list, and after a failure, the next list waits for this.
        let (mut pause, mut is_pausing): (Pause, bool) = (Box::pin(ready(())), true);
        loop {
            tokio::select! {
                change = self.changes.recv() => self.note(&mut pending, change.unwrap_or(Change::Missed)), // it lagged
                () = &mut pause, if is_pausing => is_pausing = false,
                () = self.pages.all_gone() => return,
            }
            while let Ok(change) = self.changes.try_recv() {
                self.note(&mut pending, change);
            }
            let is_list_due = pending.missed && !is_pausing;
            let next_list = self.services.clock.now() + REFRESH;
            let sent = if is_list_due { self.send_list(&mut pending).await } else { self.send_changes(&mut pending).await };
            pending.missed |= sent.is_err(); // the failure was logged where it happened
            if is_list_due || sent.is_err() {
                let clock = self.services.clock.clone();
                (pause, is_pausing) = (Box::pin(async move { clock.sleep_until(next_list).await }), true);
            }
        }
    }

    fn note(&mut self, pending: &mut Pending, change: Change) {
        match change {
            Change::Began(session) => pending.began.push(session),
            Change::Used(uses) => {
                for used in uses {
                    pending.used.insert(used.session.clone());
                    let known = self.remote_uses.entry(used.session.clone()).or_insert_with(|| used.clone());
                    if known.at < used.at {
                        *known = used;
                    }
                }
            }
            Change::Ended(sessions) => {
                self.remote_uses.retain(|id, _| !sessions.contains(id));
                pending.used.retain(|id| !sessions.contains(id));
                pending.began.retain(|id| !sessions.contains(id));
                pending.ended.extend(sessions);
            }
            Change::Missed => pending.missed = true,
        }
    }

    /// Sends the whole list, which makes up for whatever is pending. That of a disabled account is empty, so that its pages close.
    async fn send_list(&self, pending: &mut Pending) -> Result<(), AppError> {
        *pending = Pending::default();
        let turn = self.turn().await?;
        let account = accounts::find_by_id(&mut self.services.db.read().await?, &self.user).await?;
        let rows = match account {
            Some(_) => actions::for_pages(&self.services, &self.user, None, &self.remote_uses).await?,
            None => Vec::new(),
        };
        drop(turn);
        self.pages.send(News::List(Box::new(actions::whole_list(&self.services, rows))));
        Ok(())
    }

    /// Sends what is pending, after one query: uses change no total, so they ask for their own rows alone.
    async fn send_changes(&self, pending: &mut Pending) -> Result<(), AppError> {
        let Pending { began, used, ended, missed } = std::mem::take(pending);
        pending.missed = missed;
        let only_used = began.is_empty() && ended.is_empty();
        if only_used && used.is_empty() {
            return Ok(());
        }
        let ids: Option<Vec<SessionId>> = only_used.then(|| used.iter().cloned().collect());
        let turn = self.turn().await?;
        let rows = actions::for_pages(&self.services, &self.user, ids.as_deref(), &self.remote_uses).await?;
        drop(turn);
        if !only_used {
            self.send_began_and_ended(&rows, &began, ended);
        }
        let used: Vec<Session> = rows.into_iter().filter(|row| used.contains(&row.id)).collect();
        if !used.is_empty() {
            self.pages.send(News::Used(used));
        }
        Ok(())
    }

    /// Waits for a turn to ask the database.
    async fn turn(&self) -> Result<SemaphorePermit<'_>, AppError> {
        self.pages.feeds.queries.acquire().await.map_err(|error| AppError::internal(&error))
    }

    /// Ends first: each piece of news says how many sessions there are after it.
    fn send_began_and_ended(&self, rows: &[Session], began: &[SessionId], ended: Vec<SessionId>) {
        let began: Vec<&Session> = rows.iter().filter(|row| began.contains(&row.id)).collect(); // one may have expired meanwhile
        let total = rows.len() - began.len();
        if !ended.is_empty() {
            self.pages.send(News::Gone { sessions: ended, total });
        }
        for (before, session) in began.into_iter().enumerate() {
            self.pages.send(News::Row { session: Box::new(session.clone()), total: total + before + 1, began: true });
        }
    }
}

type Pause = Pin<Box<dyn Future<Output = ()> + Send>>;

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;

    /// LIM-5: pages of one person share a feed, and nothing of it is left after the last one.
    #[tokio::test]
    async fn a_feed_lasts_as_long_as_its_pages() {
        let (feeds, alice) = (Feeds::default(), UserId::new(DateTime::UNIX_EPOCH));
        let (mut one, started) = feeds.join_or_start(&alice);
        let (mut two, started_again) = feeds.join_or_start(&alice);
        assert!(started_again.is_none());
        let pages = started.unwrap();
        pages.send(News::SignedOut);
        assert_eq!([&*one.recv().await.unwrap(), &*two.recv().await.unwrap()], [&News::SignedOut; 2]);
        drop((one, two));
        pages.all_gone().await;
        assert!(feeds.lock().is_empty());
    }

    /// A feed that fails closes the channels of its pages; the next page starts another one.
    #[tokio::test]
    async fn a_feed_that_fails_is_replaced() {
        let (feeds, alice) = (Feeds::default(), UserId::new(DateTime::UNIX_EPOCH));
        let (mut page, failed) = feeds.join_or_start(&alice);
        drop(failed);
        assert!(page.recv().await.is_err());
        let (_page, started) = feeds.join_or_start(&alice);
        assert!(started.is_some());
    }
}
