//! A cache of the descriptions of recently seen clients.

use std::{collections::HashMap, mem};

use crate::foundation::client::{device::Device, headers::UserAgentHeaders};

/// Entries per generation. An entry takes at most about 8 kB, so the whole cache stays below 5 MB whatever clients send.
const GENERATION_SIZE: usize = 256;

/// A bounded cache with two generations. Entries of the older one move to the younger one when they are used; the others are dropped with
/// it. This approximates "least recently used" without a list.
#[derive(Default)]
pub struct Cache {
    recent: HashMap<UserAgentHeaders, Device>,
    older: HashMap<UserAgentHeaders, Device>,
}

impl Cache {
    /// Returns the description of a client. `None` if it is not in the cache.
    pub fn get(&mut self, agent: &UserAgentHeaders) -> Option<Device> {
        if let Some(device) = self.recent.get(agent) {
            return Some(device.clone());
        }
        let (agent, device) = self.older.remove_entry(agent)?;
        self.insert(agent, device.clone());
        Some(device)
    }

    /// Adds a description.
    pub fn insert(&mut self, agent: UserAgentHeaders, device: Device) {
        if self.recent.len() >= GENERATION_SIZE {
            self.older = mem::take(&mut self.recent);
        }
        self.recent.insert(agent, device);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::foundation::client::user_agents::unknown;

    fn agent(number: usize) -> UserAgentHeaders {
        UserAgentHeaders { user_agent: number.to_string(), ..UserAgentHeaders::default() }
    }

    #[test]
    fn the_cache_is_bounded_and_keeps_entries_in_use() {
        let mut cache = Cache::default();
        cache.insert(agent(0), unknown());
        for number in 1..10 * GENERATION_SIZE {
            cache.insert(agent(number), unknown());
            assert!(cache.get(&agent(0)).is_some());
        }
        assert!(cache.recent.len() + cache.older.len() <= 2 * GENERATION_SIZE);
        assert!(cache.get(&agent(1)).is_none());
    }
}
