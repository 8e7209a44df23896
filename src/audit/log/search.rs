//! A search with ids in place of names.

use std::net::IpAddr;

use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};

use crate::audit::{log::sources::Walk, query::IpNetwork};

/// Below every id, and above.
const LOWEST: &str = "00000000-0000-0000-0000-000000000000";
const HIGHEST: &str = "ffffffff-ffff-ffff-ffff-ffffffffffff";

/// Which events a search finds, among those that the reader sees.
#[derive(Debug, Clone)]
pub struct Search {
    /// The lowest id.
    pub from: String,
    /// The id above the highest.
    pub before: String,
    /// What must hold.
    pub conditions: Vec<Condition>,
    /// Networks of the client's address, which SQL does not compare.
    pub networks: Vec<NetworkCondition>,
    /// Sets of walks that have every event of the search, apart from those that the reader sees.
    pub plans: Vec<Plan>,
}

/// Walks that together have every event of a search.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The walks.
    pub walks: Vec<Walk>,
    /// Among plans of which none is known to be short, that with the lowest rank is taken.
    pub rank: u8,
}

/// A condition on the columns of an event.
#[derive(Debug, Clone)]
pub struct Condition {
    /// What is compared.
    pub subject: Compared,
    /// Whether events with one of the values are excluded.
    pub is_negated: bool,
    /// The values, of which one must be equal.
    pub values: Vec<String>,
}

/// What a condition compares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compared {
    /// A column of `audit_events`.
    Column(&'static str),
    /// A column of `audit_personal`.
    Personal(&'static str),
    /// Any of the columns that words are about.
    AnyName,
}

/// A condition on the client's address.
#[derive(Debug, Clone)]
pub struct NetworkCondition {
    /// Whether events from one of the networks are excluded.
    pub is_negated: bool,
    /// The networks, of which one must have the address.
    pub networks: Vec<IpNetwork>,
}

impl Search {
    /// Creates a search of a period without conditions.
    pub fn new((start, end): (Option<DateTime<Utc>>, Option<DateTime<Utc>>)) -> Self {
        Self {
            from: start.map_or_else(|| LOWEST.to_owned(), first_id),
            before: end.map_or_else(|| HIGHEST.to_owned(), first_id),
            conditions: Vec::new(),
            networks: Vec::new(),
            plans: Vec::new(),
        }
    }

    /// Returns the conditions as SQL about the event `e`. `list` returns the list of texts with a name in [`Search::lists`].
    pub fn to_sql(&self, list: impl Fn(&str) -> String) -> String {
        let conditions = self.conditions.iter().enumerate().map(|(number, condition)| condition.to_sql(&list(&list_name(number))));
        conditions.map(|condition| format!(" AND {condition}")).collect()
    }

    /// Returns the values of the conditions, by the names of their lists.
    pub fn lists(&self) -> Map<String, Value> {
        self.conditions.iter().enumerate().map(|(number, condition)| (list_name(number), json!(condition.values))).collect()
    }

    /// Returns whether the address of an event meets the conditions on networks.
    pub fn is_from(&self, ip: Option<&str>) -> bool {
        let ip: Option<IpAddr> = ip.and_then(|ip| ip.parse().ok());
        self.networks.iter().all(|condition| {
            let is_in = ip.is_some_and(|ip| condition.networks.iter().any(|network| network.contains(ip)));
            is_in != condition.is_negated
        })
    }
}

impl Condition {
    fn to_sql(&self, list: &str) -> String {
        match (self.subject, self.is_negated) {
            (Compared::Column(column), false) => format!("e.{column} IN {list}"),
            (Compared::Column(column), true) => format!("(e.{column} IS NULL OR e.{column} NOT IN {list})"),
            (Compared::Personal(column), is_negated) => {
                let not = if is_negated { "NOT " } else { "" };
                format!("{not}EXISTS (SELECT 1 FROM audit_personal p WHERE p.event_id = e.id AND p.{column} IN {list})")
            }
            (Compared::AnyName, _) => {
                let columns = ["actor_id", "subject_id", "plant_id", "device_id"].map(|column| format!("e.{column} IN {list}"));
                format!("({})", columns.join(" OR "))
            }
        }
    }
}

fn list_name(number: usize) -> String {
    format!("c{number}")
}

/// Returns the lowest id that an event can have at a time or later. Events have times in milliseconds.
pub fn first_id(time: DateTime<Utc>) -> String {
    let is_between = !time.timestamp_subsec_nanos().is_multiple_of(1_000_000);
    let millis = (time.timestamp_millis() + i64::from(is_between)).clamp(0, (1 << 48) - 1);
    format!("{:08x}-{:04x}-0000-0000-000000000000", millis >> 16, millis & 0xffff)
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;
    use crate::foundation::ids::EventId;

    #[test]
    fn ids_are_bounds_of_times() {
        let time = DateTime::parse_from_rfc3339("2026-06-01T12:00:00.123Z").unwrap().to_utc();
        let (before, at) = (EventId::new(time - TimeDelta::milliseconds(1)), EventId::new(time));
        let bound = first_id(time);
        assert!(before.as_str() < bound.as_str() && bound.as_str() <= at.as_str());
        let between = first_id(time + TimeDelta::microseconds(1));
        assert!(at.as_str() < between.as_str() && between == first_id(time + TimeDelta::milliseconds(1)));
        assert_eq!(first_id(DateTime::UNIX_EPOCH - TimeDelta::days(1)), LOWEST);
    }

    #[test]
    fn networks_are_compared_with_the_address() {
        let network = |text: &str| match crate::audit::query::Query::parse(&format!("ip:{text}")).unwrap().terms[0].filter().unwrap().value
        {
            crate::audit::query::Value::Ip(network) => network,
            _ => unreachable!(),
        };
        let search = |is_negated, networks: &[&str]| {
            let networks = networks.iter().map(|text| network(text)).collect();
            Search { networks: vec![NetworkCondition { is_negated, networks }], ..Search::new((None, None)) }
        };
        let only = search(false, &["192.0.2.0/24", "2001:db8::/32"]);
        assert!(only.is_from(Some("192.0.2.7")) && only.is_from(Some("2001:db8::1")));
        assert!(!only.is_from(Some("192.0.3.7")) && !only.is_from(Some("2001:db9::1")) && !only.is_from(None));
        let other = search(true, &["192.0.2.0/24"]);
        assert!(!other.is_from(Some("192.0.2.7")) && other.is_from(Some("192.0.3.7")) && other.is_from(None));
    }
}
