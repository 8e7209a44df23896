//! When each session, or API token, was last used, held in memory until it is written. A request only marks; one worker writes the
//! marks in a batch (`sessions::presence`, `api_tokens::worker`). Lists and look-ups read this memory over the database.

use std::{
    collections::{HashMap, HashSet},
    hash::Hash,
    net::IpAddr,
    sync::{Mutex, MutexGuard},
};

use chrono::{DateTime, Utc};

use crate::foundation::{agent::Agent, ids::UserId};

/// One use: an authenticated request that a person or a script made.
#[derive(Debug, Clone, PartialEq)]
pub struct Use {
    /// Whose account.
    pub user: UserId,
    /// When.
    pub at: DateTime<Utc>,
    /// From where. It travels with its time, so that no address is ever shown beside another use's time (SES-11).
    pub ip: IpAddr,
    /// What the client says of itself, where that is written with each use (API tokens).
    pub agent: Option<Agent>,
}

/// The uses that are not written yet, of what ids of this kind name.
pub struct Activity<Id>(Mutex<Marks<Id>>);

struct Marks<Id> {
    uses: HashMap<Id, Use>,
    /// Those of the last write. A look-up that read the database before the write and this memory after it finds them here; otherwise a
    /// session could seem unused for as long as the database knew.
    written: HashMap<Id, Use>,
    unannounced: HashSet<Id>,
    new_agents: HashMap<Id, Agent>,
}

impl<Id> Default for Activity<Id> {
    fn default() -> Self {
        Self(Mutex::new(Marks { uses: HashMap::new(), written: HashMap::new(), unannounced: HashSet::new(), new_agents: HashMap::new() }))
    }
}

impl<Id: Clone + Eq + Hash> Activity<Id> {
    /// Notes a use. An older one than the one noted changes nothing (SES-11).
    pub fn mark(&self, id: &Id, new: Use) {
        let mut marks = self.marks();
        let Marks { uses, unannounced, .. } = &mut *marks;
        match uses.get_mut(id) {
            Some(known) if known.at >= new.at => return,
            Some(known) => *known = Use { agent: new.agent.or(known.agent.take()), ..new },
            None => drop(uses.insert(id.clone(), new)),
        }
        unannounced.insert(id.clone());
    }

    /// The last use, if it is not written yet, or has been written just now.
    pub fn last_use(&self, id: &Id) -> Option<Use> {
        self.marks().last_use(id)
    }

    /// Notes that the client now says something else of itself. It stays noted until it is taken.
    pub fn note_agent(&self, id: &Id, agent: Agent) {
        self.marks().new_agents.insert(id.clone(), agent);
    }

    /// What clients newly say of themselves, since this was last asked.
    pub fn take_new_agents(&self) -> Vec<(Id, Agent)> {
        std::mem::take(&mut self.marks().new_agents).into_iter().collect()
    }

    /// The last use of whatever was used since this was last asked.
    pub fn take_unannounced(&self) -> Vec<(Id, Use)> {
        let mut marks = self.marks();
        let used = std::mem::take(&mut marks.unannounced);
        used.into_iter().filter_map(|id| marks.last_use(&id).map(|last| (id, last))).collect()
    }

    /// All that waits to be written. It stays readable here until the write after the one that [`Activity::forget`] tells of.
    pub fn unwritten(&self) -> Vec<(Id, Use)> {
        let mut marks = self.marks();
        marks.written.clear();
        marks.uses.iter().map(|(id, last)| (id.clone(), last.clone())).collect()
    }

    /// Forgets what was written, unless it has been used again since.
    pub fn forget(&self, written: &[(Id, Use)]) {
        let mut marks = self.marks();
        for (id, last) in written {
            if marks.uses.get(id).is_some_and(|known| known.at == last.at) {
                marks.uses.remove(id);
                marks.written.insert(id.clone(), last.clone());
            }
        }
    }

    /// The same of a batch, but for the ids that were skipped.
    pub fn forget_except(&self, batch: &[(Id, Use)], skipped: &HashSet<Id>) {
        let written: Vec<_> = batch.iter().filter(|(id, _)| !skipped.contains(id)).cloned().collect();
        self.forget(&written);
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
        activity.forget(&written);
        assert_eq!(activity.unwritten().len(), 1);
        activity.forget(&activity.unwritten());
        assert!(activity.unwritten().is_empty());
    }

    /// SES-4: who read the database just before a write finds the use in memory just after it.
    #[test]
    fn a_use_is_found_until_the_write_after_its_own() {
        let (activity, session) = (Activity::default(), SessionId::new(DateTime::UNIX_EPOCH));
        activity.mark(&session, used(10, "192.0.2.10"));
        activity.forget(&activity.unwritten());
        assert!(activity.last_use(&session).is_some());
        assert!(activity.unwritten().is_empty() && activity.last_use(&session).is_none());
    }

    #[test]
    fn each_use_is_announced_once() {
        let (activity, session) = (Activity::default(), SessionId::new(DateTime::UNIX_EPOCH));
        activity.mark(&session, used(10, "192.0.2.10"));
        assert_eq!(activity.take_unannounced().len(), 1);
        assert!(activity.take_unannounced().is_empty());
    }
}
