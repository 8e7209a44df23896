//! How many live channels are open, by person and by address (LIM-5).

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard},
};

use crate::foundation::ids::UserId;

const MOST_A_PERSON: usize = 100;
const MOST_AN_ADDRESS: usize = 1_000;

/// The open channels. Cheap to clone.
#[derive(Clone, Default)]
pub struct Channels(Arc<Mutex<Counts>>);

#[derive(Default)]
struct Counts {
    people: HashMap<UserId, usize>,
    addresses: HashMap<IpAddr, usize>,
}

/// One open channel; it counts until it is dropped.
pub struct Open {
    channels: Channels,
    person: UserId,
    address: IpAddr,
}

impl Channels {
    /// Room for one more, unless this person or this address has too many.
    pub fn open(&self, person: &UserId, address: IpAddr) -> Option<Open> {
        let mut counts = self.counts();
        let is_full = counts.people.get(person).is_some_and(|open| *open >= MOST_A_PERSON)
            || counts.addresses.get(&address).is_some_and(|open| *open >= MOST_AN_ADDRESS);
        if is_full {
            return None;
        }
        *counts.people.entry(person.clone()).or_default() += 1;
        *counts.addresses.entry(address).or_default() += 1;
        Some(Open { channels: self.clone(), person: person.clone(), address })
    }

    /// Returns how many are open.
    pub fn count(&self) -> usize {
        self.counts().people.values().sum()
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.0.lock().expect("no code panics while it holds the counts")
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        let mut counts = self.channels.counts();
        close(&mut counts.people, &self.person);
        close(&mut counts.addresses, &self.address);
    }
}

fn close<K: std::hash::Hash + Eq>(open: &mut HashMap<K, usize>, key: &K) {
    if let Some(count) = open.get_mut(key) {
        *count -= 1;
        if *count == 0 {
            open.remove(key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// LIM-5
    #[test]
    fn a_person_has_a_bounded_number_of_channels() {
        let (channels, alice) = (Channels::default(), UserId::new(chrono::DateTime::UNIX_EPOCH));
        let address = "192.0.2.1".parse().unwrap();
        let mut open: Vec<_> = (0..MOST_A_PERSON).map(|_| channels.open(&alice, address).unwrap()).collect();
        assert!(channels.open(&alice, address).is_none());
        open.pop();
        assert!(channels.open(&alice, address).is_some());
        drop(open);
        assert!(channels.counts().people.is_empty() && channels.counts().addresses.is_empty());
    }
}
