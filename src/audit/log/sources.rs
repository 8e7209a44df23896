//! The indexes that lead to events, newest first.

/// A walk along an index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Walk {
    /// All events.
    Everything,
    /// What this person did.
    Actor(String),
    /// What concerns this person.
    Subject(String),
    /// What this session or API token did.
    Credential(String),
    /// What happened in this organization.
    Organization(String),
    /// What belongs to no organization.
    WithoutOrganization,
    /// What happened with this plant.
    Plant(String),
    /// All events of one action.
    Action(String),
    /// What came from this address.
    Ip(String),
    /// What came from this country.
    Country(String),
}

impl Walk {
    /// Returns the value that the index is walked for, which is `$1` of the statement. A walk without one has a text that is never empty.
    pub fn value(&self) -> &str {
        match self {
            Self::Actor(value)
            | Self::Subject(value)
            | Self::Credential(value)
            | Self::Organization(value)
            | Self::Plant(value)
            | Self::Action(value)
            | Self::Ip(value)
            | Self::Country(value) => value,
            Self::Everything | Self::WithoutOrganization => "-",
        }
    }

    /// Returns the tables, the condition on `$1`, the column with the id of the event, and the order.
    fn parts(&self) -> (&'static str, &'static str, &'static str, &'static str) {
        let events = |condition| ("audit_events e", condition, "e.id", "e.id DESC");
        let personal =
            |condition| ("audit_personal p JOIN audit_events e ON e.id = p.event_id", condition, "p.event_id", "p.event_id DESC");
        match self {
            Self::Everything => events("$1 <> ''"),
            Self::Actor(_) => events("e.actor_id = $1"),
            Self::Subject(_) => events("e.subject_id = $1"),
            Self::Credential(_) => events("COALESCE(e.session_id, e.token_id) = $1"),
            Self::Organization(_) => events("e.organization_id = $1"),
            // PostgreSQL takes NULLs for one value only if they are part of the order.
            Self::WithoutOrganization => {
                ("audit_events e", "e.organization_id IS NULL AND $1 <> ''", "e.id", "e.organization_id DESC, e.id DESC")
            }
            Self::Plant(_) => events("e.plant_id = $1"),
            Self::Action(_) => events("e.action = $1"),
            Self::Ip(_) => personal("p.ip = $1"),
            Self::Country(_) => personal("p.country = $1"),
        }
    }

    /// Returns a statement that selects columns of the next `$4` entries with ids from `$2` up to `$3`, newest first.
    pub fn select(&self, columns: &str) -> String {
        let (tables, condition, id, order) = self.parts();
        format!("SELECT {columns} FROM {tables} WHERE {condition} AND {id} >= $2 AND {id} < $3 ORDER BY {order} LIMIT $4")
    }
}
