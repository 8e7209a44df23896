//! Counts events by scope, hour and outcome. Pure.

use std::collections::BTreeMap;

use chrono::{DateTime, DurationRound as _, TimeDelta, Utc};

use crate::record::entry::Entry;

/// A scope, an hour, and an outcome.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    /// Id of an organization, portfolio or plant.
    pub scope: String,
    /// Start of the hour, in UTC.
    pub hour: DateTime<Utc>,
    /// `success` or `refused`.
    pub outcome: String,
}

/// Counts the events that name a plant, for the plant and for what contained it then.
pub fn count<'a>(entries: impl IntoIterator<Item = &'a Entry>) -> BTreeMap<Key, i64> {
    let mut counts = BTreeMap::new();
    for entry in entries {
        for key in keys(entry) {
            *counts.entry(key).or_default() += 1;
        }
    }
    counts
}

fn keys(entry: &Entry) -> Vec<Key> {
    let ids = &entry.ids;
    let Some(hour) = hour(&entry.at).filter(|_| ids.plant_id.is_some()) else { return Vec::new() };
    let scopes = [&ids.organization_id, &ids.portfolio_id, &ids.plant_id].into_iter().flatten();
    scopes.map(|scope| Key { scope: scope.clone(), hour, outcome: entry.outcome.clone() }).collect()
}

/// Returns the start of the hour of a time in RFC 3339. `None` for another text, which no entry of ours has.
fn hour(at: &str) -> Option<DateTime<Utc>> {
    DateTime::parse_from_rfc3339(at).ok()?.to_utc().duration_trunc(TimeDelta::hours(1)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::entry::Ids;

    fn entry(at: &str, outcome: &str, plant: Option<&str>) -> Entry {
        let ids = Ids {
            organization_id: Some("organization".to_owned()),
            portfolio_id: Some("portfolio".to_owned()),
            plant_id: plant.map(str::to_owned),
            ..Ids::default()
        };
        let (at, outcome) = (at.to_owned(), outcome.to_owned());
        let (id, action) = (String::new(), "plant.changed".to_owned());
        Entry { v: 1, id, at, action, outcome, ids, request: None, detail: serde_json::Map::new(), personal: Vec::new() }
    }

    #[test]
    fn events_of_plants_are_counted_by_scope_hour_and_outcome() {
        let entries = [
            entry("2026-06-01T12:00:00.000Z", "success", Some("a")),
            entry("2026-06-01T12:59:59.999Z", "success", Some("b")),
            entry("2026-06-01T12:30:00.000Z", "refused", Some("a")),
            entry("2026-06-01T13:00:00.000Z", "success", Some("a")),
            entry("2026-06-01T13:00:00.000Z", "success", None),
        ];
        let counts = count(&entries);
        let of = |scope: &str, hour: &str, outcome: &str| {
            let hour = format!("2026-06-01T{hour}:00:00Z").parse().unwrap();
            counts.get(&Key { scope: scope.to_owned(), hour, outcome: outcome.to_owned() }).copied()
        };
        assert_eq!((of("a", "12", "success"), of("a", "12", "refused"), of("a", "13", "success")), (Some(1), Some(1), Some(1)));
        assert_eq!((of("b", "12", "success"), of("b", "13", "success")), (Some(1), None));
        assert_eq!((of("organization", "12", "success"), of("portfolio", "12", "success")), (Some(2), Some(2)));
        assert_eq!(counts.values().sum::<i64>(), 3 * 4);
    }
}
