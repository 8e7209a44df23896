//! The last use of each session and API token, kept in memory until it is written. A request only marks its use; one worker writes
//! the marks in batches (`sessions::presence`, `api_tokens::worker`). Lists and lookups prefer these values to those of the database.

use std::{
    collections::{HashMap, HashSet},
    hash::Hash,
    net::IpAddr,
    sync::{Mutex, MutexGuard},
};

use chrono::{DateTime, Utc};

use crate::foundation::{client::headers::UserAgentHeaders, ids::UserId};

/// One use: an authenticated request of a session or an API token.
#[derive(Debug, Clone, PartialEq)]
pub struct Use {
    /// Owner of the session or token.
    pub user: UserId,
    /// Time of the request.
    pub at: DateTime<Utc>,
    /// Client address. Stored together with the time, so that an address is never shown with the time of another use (SES-11).
    pub ip: IpAddr,
    /// User agent headers, where they are written with each use (API tokens).
    pub agent: Option<UserAgentHeaders>,
}

/// Uses that are not written yet, by the id of the session or API token.
pub struct Activity<Id>(Mutex<Marks<Id>>);

struct Marks<Id> {
    uses: HashMap<Id, Use>,
    /// Uses of the last write. A lookup that reads the database before that write and this memory after it would otherwise miss them,
    /// and see only the older use that the database had.
    written: HashMap<Id, Use>,
    unpublished: HashSet<Id>,
    new_agents: HashMap<Id, UserAgentHeaders>,
}

impl<Id> Default for Activity<Id> {
    fn default() -> Self {
        Self(Mutex::new(Marks { uses: HashMap::new(), written: HashMap::new(), unpublished: HashSet::new(), new_agents: HashMap::new() }))
    }
}

impl<Id: Clone + Eq + Hash> Activity<Id> {
    /// Records a use. Ignored if the recorded use is as recent or newer (SES-11).
    pub fn mark(&self, id: &Id, new: Use) {
        let mut marks = self.marks();
        let Marks { uses, unpublished, .. } = &mut *marks;
        match uses.get_mut(id) {
            Some(known) if known.at >= new.at => return,
            Some(known) => *known = Use { agent: new.agent.or(known.agent.take()), ..new },
            None => drop(uses.insert(id.clone(), new)),
        }
        unpublished.insert(id.clone());
    }

    /// Returns the last use. `None` if there was none, or if it was written before the last write.
    pub fn last_use(&self, id: &Id) -> Option<Use> {
        self.marks().last_use(id)
    }

    /// Records that a client's user agent headers changed. Kept until [`Activity::take_new_agents`].
    pub fn record_agent(&self, id: &Id, agent: UserAgentHeaders) {
        self.marks().new_agents.insert(id.clone(), agent);
    }

    /// Returns and clears the user agent headers that changed since the last call.
    pub fn take_new_agents(&self) -> Vec<(Id, UserAgentHeaders)> {
        std::mem::take(&mut self.marks().new_agents).into_iter().collect()
    }

    /// Returns the last use of each session or token that was used since the last call.
    pub fn take_unpublished(&self) -> Vec<(Id, Use)> {
        let mut marks = self.marks();
        let used = std::mem::take(&mut marks.unpublished);
        used.into_iter().filter_map(|id| marks.last_use(&id).map(|last| (id, last))).collect()
    }

    /// Returns all uses that are not written yet. They stay readable here until the write after the one that confirms them
    /// ([`Activity::confirm_written`]).
    pub fn unwritten(&self) -> Vec<(Id, Use)> {
        let mut marks = self.marks();
        marks.written.clear();
        marks.uses.iter().map(|(id, last)| (id.clone(), last.clone())).collect()
    }

    /// Removes written uses, except where there was a newer use in the meantime.
    pub fn confirm_written(&self, written: &[(Id, Use)]) {
        let mut marks = self.marks();
        for (id, last) in written {
            if marks.uses.get(id).is_some_and(|known| known.at == last.at) {
                marks.uses.remove(id);
                marks.written.insert(id.clone(), last.clone());
            }
        }
    }

    /// Same as [`Activity::confirm_written`], without the ids that the write skipped.
    pub fn confirm_written_except(&self, batch: &[(Id, Use)], skipped: &HashSet<Id>) {
        let written: Vec<_> = batch.iter().filter(|(id, _)| !skipped.contains(id)).cloned().collect();
        self.confirm_written(&written);
    }

    fn marks(&self) -> MutexGuard<'_, Marks<Id>> {
        self.0.lock().expect("no code panics while it holds the marks")
    }
}

impl<Id: Clone + Eq + Hash> Marks<Id> {
    fn last_use(&self, id: &Id) -> Option<Use> {
        self.uses.get(id).or_else(|| self.written.get(id)).cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::foundation::ids::SessionId;

    fn used(at: i64, ip: &str) -> Use {
        let at = DateTime::from_timestamp(at, 0).unwrap();
        Use { user: UserId::new(at), at, ip: ip.parse().unwrap(), agent: None }
    }

    /// SES-11
    #[test]
    fn activity_only_moves_forward_and_keeps_time_and_address_together() {
        let (activity, session) = (Activity::default(), SessionId::new(DateTime::UNIX_EPOCH));
        activity.mark(&session, used(20, "192.0.2.20"));
        activity.mark(&session, used(10, "192.0.2.10"));
        assert_eq!(activity.last_use(&session).map(|last| last.ip), Some("192.0.2.20".parse().unwrap()));
    }

    #[test]
    fn a_use_during_a_write_is_not_lost() {
        let (activity, session) = (Activity::default(), SessionId::new(DateTime::UNIX_EPOCH));
        activity.mark(&session, used(10, "192.0.2.10"));
        let written = activity.unwritten();
        activity.mark(&session, used(11, "192.0.2.11"));
        activity.confirm_written(&written);
        assert_eq!(activity.unwritten().len(), 1);
        activity.confirm_written(&activity.unwritten());
        assert!(activity.unwritten().is_empty());
    }

    /// SES-4: a lookup that read the database just before a write still finds the use in memory just after it.
    #[test]
    fn a_use_stays_readable_until_the_write_after_its_own() {
        let (activity, session) = (Activity::default(), SessionId::new(DateTime::UNIX_EPOCH));
        activity.mark(&session, used(10, "192.0.2.10"));
        activity.confirm_written(&activity.unwritten());
        assert!(activity.last_use(&session).is_some());
        assert!(activity.unwritten().is_empty() && activity.last_use(&session).is_none());
    }

    #[test]
    fn each_use_is_published_once() {
        let (activity, session) = (Activity::default(), SessionId::new(DateTime::UNIX_EPOCH));
        activity.mark(&session, used(10, "192.0.2.10"));
        assert_eq!(activity.take_unpublished().len(), 1);
        assert!(activity.take_unpublished().is_empty());
    }
}
