//! Descriptions of the clients that were seen last.

use std::{collections::HashMap, mem};

use crate::foundation::{agent::Agent, device::Device};

/// Entries of one generation. An entry is at most some 8 kB, so the whole cache stays below 5 MB whatever strangers send.
const GENERATION: usize = 256;

/// A bounded cache in two generations. Entries of the older one move to the younger one when they are used; the others are
/// dropped with it. That comes close to "least recently used" without a list.
#[derive(Default)]
pub struct Cache {
    recent: HashMap<Agent, Device>,
    older: HashMap<Agent, Device>,
}

impl Cache {
    /// The description of this client, if it is still here.
    pub fn get(&mut self, agent: &Agent) -> Option<Device> {
        if let Some(device) = self.recent.get(agent) {
            return Some(device.clone());
        }
        let (agent, device) = self.older.remove_entry(agent)?;
        self.insert(agent, device.clone());
        Some(device)
    }

    /// Adds a description.
    pub fn insert(&mut self, agent: Agent, device: Device) {
        if self.recent.len() >= GENERATION {
            self.older = mem::take(&mut self.recent);
        }
        self.recent.insert(agent, device);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::foundation::user_agents::unknown;

    fn agent(number: usize) -> Agent {
        Agent { user_agent: number.to_string(), ..Agent::default() }
    }

    #[test]
    fn the_cache_is_bounded_and_keeps_what_is_used() {
        let mut cache = Cache::default();
        cache.insert(agent(0), unknown());
        for number in 1..10 * GENERATION {
            cache.insert(agent(number), unknown());
            assert!(cache.get(&agent(0)).is_some());
        }
        assert!(cache.recent.len() + cache.older.len() <= 2 * GENERATION);
        assert!(cache.get(&agent(1)).is_none());
    }
}
