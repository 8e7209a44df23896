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

    /// Returns the tables, the key of the index, and the column with the id of the event. A walk without a value has a condition in place of
    /// the key.
    fn index(&self) -> (&'static str, Result<&'static str, &'static str>, &'static str) {
        let events = |key| ("audit_events e", Ok(key), "e.id");
        let personal = |key| ("audit_personal p JOIN audit_events e ON e.id = p.event_id", Ok(key), "p.event_id");
        match self {
            Self::Everything => ("audit_events e", Err("$1 <> ''"), "e.id"),
            Self::WithoutOrganization => ("audit_events e", Err("e.organization_id IS NULL AND $1 <> ''"), "e.id"),
            Self::Actor(_) => events("e.actor_id"),
            Self::Subject(_) => events("e.subject_id"),
            Self::Credential(_) => events("COALESCE(e.session_id, e.token_id)"),
            Self::Organization(_) => events("e.organization_id"),
            Self::Plant(_) => events("e.plant_id"),
            Self::Action(_) => events("e.action"),
            Self::Ip(_) => personal("p.ip"),
            Self::Country(_) => personal("p.country"),
        }
    }

    /// Returns a statement that selects columns of the next `$4` entries with ids from `$2` up to `$3`, newest first.
    ///
    /// PostgreSQL gets the key and the id as one row. If the key were equal to a value, it would take the order of ids for that of any index,
    /// and might walk all events of the period for a key that has none there.
    pub fn select(&self, columns: &str, dialect: Dialect) -> String {
        let (tables, key, id) = self.index();
        let rest = match (key, dialect) {
            (Ok(key), Dialect::Postgres) => {
                format!("({key}, {id}) >= ($1, $2) AND ({key}, {id}) < ($1, $3) ORDER BY {key} DESC, {id} DESC")
            }
            (Ok(key), Dialect::Sqlite) => format!("{key} = $1 AND {id} >= $2 AND {id} < $3 ORDER BY {id} DESC"),
            (Err(condition), _) if *self == Self::WithoutOrganization => {
                // PostgreSQL takes NULLs for one value only if they are part of the order.
                format!("{condition} AND {id} >= $2 AND {id} < $3 ORDER BY e.organization_id DESC, {id} DESC")
            }
            (Err(condition), _) => format!("{condition} AND {id} >= $2 AND {id} < $3 ORDER BY {id} DESC"),
        };
        format!("SELECT {columns} FROM {tables} WHERE {rest} LIMIT $4")
    }
}

/// Which database a statement is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// SQLite.
    Sqlite,
    /// PostgreSQL.
    Postgres,
}

impl Dialect {
    /// Returns a list of texts of the JSON object `$7`.
    pub fn list(self, name: &str) -> String {
        match self {
            Self::Sqlite => format!("(SELECT value FROM json_each($7, '$.{name}'))"),
            Self::Postgres => format!("(SELECT json_array_elements_text($7::json -> '{name}'))"),
        }
    }
}
