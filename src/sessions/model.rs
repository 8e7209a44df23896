//! Sessions as sent to the browser, and the rules that server and browser share.

use serde::{Deserialize, Serialize};

use crate::foundation::{
    client::{device::Device, location::Location},
    ids::SessionId,
    timestamp::{DAY, Timestamp},
};

/// Page with the Active Sessions card. The default destination after sign-in.
pub const HOME: &str = "/profile?tab=security";
/// Rows that the page shows at first, and that each "Show more" adds.
pub const PAGE_SIZE: usize = 25;
/// The card shows a search box from this number of sessions on.
pub const MIN_SESSIONS_FOR_SEARCH: usize = 10;

/// A session, as shown to its owner. Contains no secrets.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct Session {
    /// Unique id.
    pub id: SessionId,
    /// Whether this is the session of the request.
    pub current: bool,
    /// The device or client that signed in.
    pub device: Device,
    /// Approximate location of the last use.
    pub location: Location,
    /// IP address of the last use.
    pub ip: String,
    /// IP address of the sign-in.
    pub first_ip: String,
    /// The `User-Agent` header of the client, sanitized.
    pub user_agent: String,
    /// Time of the sign-in.
    #[cfg_attr(feature = "ssr", schema(value_type = chrono::DateTime<chrono::Utc>))]
    pub created_at: Timestamp,
    /// Time of the last use.
    #[cfg_attr(feature = "ssr", schema(value_type = chrono::DateTime<chrono::Utc>))]
    pub last_active_at: Timestamp,
    /// Whether the last use is within the online window.
    pub online: bool,
    /// When it expires if it is not used again.
    #[cfg_attr(feature = "ssr", schema(value_type = chrono::DateTime<chrono::Utc>))]
    pub idle_expires_at: Timestamp,
    /// When it expires at the latest, even if it is used.
    #[cfg_attr(feature = "ssr", schema(value_type = chrono::DateTime<chrono::Utc>))]
    pub absolute_expires_at: Timestamp,
    /// The earlier of `idle_expires_at` and `absolute_expires_at`.
    #[cfg_attr(feature = "ssr", schema(value_type = chrono::DateTime<chrono::Utc>))]
    pub expires_at: Timestamp,
    /// How the user authenticated, for example "Password".
    pub sign_in_method: String,
    /// Whether the sign-in came from a country that the account had not used in the previous 90 days. False for its first sign-in.
    pub new_location: bool,
}

impl Session {
    /// Returns a name for messages about the session: "Firefox on Windows, Berlin".
    pub fn name(&self) -> String {
        format!("{}, {}", self.device.label, self.location.short())
    }

    /// Returns whether the session is less than a day old.
    pub fn is_new(&self, now: Timestamp) -> bool {
        now.since(self.created_at) < DAY
    }

    /// Returns whether the session has expired.
    pub fn is_expired(&self, now: impl Into<Timestamp>) -> bool {
        self.expires_at <= now.into()
    }

    /// Returns whether each word of a search occurs in the device, location, IP address or user agent.
    pub fn matches(&self, search: &str) -> bool {
        let texts = [&self.device.label, &self.location.label, &self.ip, &self.user_agent].map(|text| to_lowercase(text));
        to_lowercase(search).split_whitespace().all(|word| texts.iter().any(|text| text.contains(word)))
    }

    /// Returns the sort key of the list: most recently active first, ties broken by id.
    pub fn sort_key(&self) -> (std::cmp::Reverse<Timestamp>, std::cmp::Reverse<&SessionId>) {
        (std::cmp::Reverse(self.last_active_at), std::cmp::Reverse(&self.id))
    }
}

/// Converts to lowercase. In WebAssembly it calls the browser, because Rust's Unicode tables would be a tenth of the download.
fn to_lowercase(text: &str) -> String {
    #[cfg(feature = "hydrate")]
    return js_sys::JsString::from(text).to_lower_case().into();
    #[cfg(not(feature = "hydrate"))]
    text.to_lowercase()
}

/// Which part of the list a user asks for.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub struct Query {
    /// Words that each row must contain; empty for all rows.
    pub search: String,
    /// Maximum number of rows.
    pub show: usize,
}

impl Query {
    /// Formats the query for a URL.
    pub fn to_url(&self) -> String {
        let pairs = [("search", self.search.as_str()), ("show", &self.show.to_string())];
        serde_urlencoded::to_string(pairs).unwrap_or_default() // pairs of strings always encode
    }
}

/// The first rows of the list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Sessions {
    /// The requested rows, most recently active first.
    pub rows: Vec<Session>,
    /// Number of sessions that match the search.
    pub matching: usize,
    /// Number of all sessions, including the current one.
    pub total: usize,
    /// Server time of the list.
    pub now: Timestamp,
    /// Seconds after its last use for which a session counts as online.
    pub online_window: i64,
    /// Whether locations come from DB-IP, whose license (CC BY 4.0) requires attribution with a link.
    pub is_by_dbip: bool,
}

impl Sessions {
    /// Returns the number of sessions other than the current one.
    pub fn others(&self) -> usize {
        self.total.saturating_sub(1)
    }

    /// Reduces a list of all sessions to what the query asks for.
    #[cfg(feature = "ssr")]
    pub fn narrow(&mut self, query: &Query) {
        self.rows.retain(|session| session.matches(&query.search));
        self.matching = self.rows.len();
        self.rows.truncate(query.show);
    }
}

/// A message from the server on the live channel.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum LiveMessage {
    /// The current list. Sent first, and again when messages may have been missed.
    List(Box<Sessions>),
    /// A session was created or used.
    Row {
        /// The session.
        session: Box<Session>,
        /// Number of sessions now.
        total: usize,
        /// Whether it has just been created.
        began: bool,
    },
    /// Sessions were used. Their number stays the same.
    Used(Vec<Session>),
    /// Sessions ended.
    Gone {
        /// Ids of the ended sessions.
        sessions: Vec<SessionId>,
        /// Number of remaining sessions.
        total: usize,
    },
}

impl Sessions {
    /// Applies a message to the list. Rows that do not match the search are not added.
    pub fn apply(&mut self, message: LiveMessage, search: &str) {
        match message {
            LiveMessage::List(list) => *self = *list,
            LiveMessage::Row { session, total, .. } => self.upsert(*session, total, search),
            LiveMessage::Used(sessions) => sessions.into_iter().for_each(|session| self.upsert(session, self.total, search)),
            LiveMessage::Gone { sessions, total } => self.remove(&sessions, total),
        }
    }

    fn upsert(&mut self, session: Session, total: usize, search: &str) {
        let is_new = total > self.total;
        self.total = total;
        let position = self.rows.iter().position(|row| row.id == session.id);
        if let Some(index) = position {
            // A list that arrived in the meantime may contain a later use (SES-11).
            if self.rows[index].last_active_at <= session.last_active_at {
                self.rows.remove(index);
                self.insert(session);
            }
        } else if session.matches(search) {
            self.insert(session);
            self.matching += usize::from(is_new);
        }
        self.matching = self.matching.max(self.rows.len());
    }

    fn insert(&mut self, session: Session) {
        let index = self.rows.partition_point(|row| row.sort_key() < session.sort_key());
        self.rows.insert(index, session);
    }

    fn remove(&mut self, ended: &[SessionId], total: usize) {
        let before = self.rows.len();
        self.rows.retain(|row| !ended.contains(&row.id));
        self.matching = self.matching.saturating_sub(before - self.rows.len()).min(total);
        self.total = total;
    }
}

/// Formats a count: "1 other session", "4 other sessions".
pub fn other_sessions(count: usize) -> String {
    count.to_string() + if count == 1 { " other session" } else { " other sessions" }
}

/// Returns the message shown after Revoke All.
pub fn signed_out(count: usize) -> String {
    other_sessions(count) + if count == 1 { " was signed out." } else { " were signed out." }
}

/// Why a session ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(sqlx::Type, utoipa::ToSchema), sqlx(type_name = "TEXT", rename_all = "snake_case"))]
#[serde(rename_all = "snake_case")]
pub enum EndReason {
    /// The user signed out.
    SignedOut,
    /// The owner revoked it from another session or with an API token.
    Revoked,
    /// An administrator revoked it.
    RevokedByAdministrator,
    /// An administrator signed everybody out.
    EverybodySignedOut,
    /// It was not used for the duration of the idle timeout.
    IdleTimeout,
    /// It reached the absolute timeout.
    AbsoluteTimeout,
    /// A new sign-in in the same browser replaced it (SES-3).
    Replaced,
    /// The account had too many sessions (SES-9).
    Evicted,
    /// The account was disabled.
    AccountDisabled,
    /// The password was changed in another session.
    PasswordChanged,
    /// The password was reset.
    PasswordReset,
    /// The owner disowned it in response to a sign-in alert.
    Disowned,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::foundation::client::{
        device::{DeviceKind, Form},
        location::Place,
    };

    fn session(id: u32, last_active: i64) -> Session {
        let at = |seconds: i64| Timestamp::from_millis(seconds * 1_000);
        let label = "Firefox on Windows".to_owned();
        Session {
            id: serde_json::from_str(&format!("\"{id:08}\"")).unwrap(),
            current: false,
            device: Device { label, browser: None, os: None, kind: DeviceKind::Browser, form: Form::Desktop },
            location: Location::from_place(Place::Known {
                city: Some("Berlin".into()),
                country: "Germany".into(),
                country_code: "DE".into(),
            }),
            ip: "192.0.2.1".to_owned(),
            first_ip: "192.0.2.1".to_owned(),
            user_agent: "Mozilla/5.0".to_owned(),
            created_at: at(0),
            last_active_at: at(last_active),
            online: false,
            idle_expires_at: at(1_000_000),
            absolute_expires_at: at(2_000_000),
            expires_at: at(1_000_000),
            sign_in_method: "Password".to_owned(),
            new_location: false,
        }
    }

    fn list(rows: Vec<Session>) -> Sessions {
        let total = rows.len();
        Sessions { rows, matching: total, total, now: Timestamp::from_millis(0), online_window: 300, is_by_dbip: false }
    }

    fn row_ids(list: &Sessions) -> Vec<String> {
        list.rows.iter().map(|row| row.id.to_string()).collect()
    }

    #[test]
    fn a_use_moves_a_row_up_and_a_sign_in_adds_a_row() {
        let mut list = list(vec![session(1, 20), session(2, 10)]);
        list.apply(LiveMessage::Row { session: Box::new(session(2, 30)), total: 2, began: false }, "");
        assert_eq!((row_ids(&list), list.total, list.matching), (vec!["00000002".into(), "00000001".into()], 2, 2));
        list.apply(LiveMessage::Row { session: Box::new(session(3, 40)), total: 3, began: false }, "");
        assert_eq!((row_ids(&list).first().cloned(), list.total, list.matching), (Some("00000003".into()), 3, 3));
    }

    /// SES-11: a use that is received late does not move a row back.
    #[test]
    fn a_use_keeps_the_total_and_never_moves_a_row_back() {
        let mut list = list(vec![session(1, 20), session(2, 10)]);
        list.apply(LiveMessage::Used(vec![session(2, 30), session(1, 15)]), "");
        assert_eq!((row_ids(&list), list.total, list.matching), (vec!["00000002".into(), "00000001".into()], 2, 2));
        assert_eq!(list.rows[1].last_active_at, session(1, 20).last_active_at);
    }

    #[test]
    fn ended_sessions_are_removed_once() {
        let mut list = list(vec![session(1, 20), session(2, 10)]);
        let ended = vec![list.rows[1].id.clone(), session(9, 0).id];
        list.apply(LiveMessage::Gone { sessions: ended.clone(), total: 1 }, "");
        list.apply(LiveMessage::Gone { sessions: ended, total: 1 }, "");
        assert_eq!((row_ids(&list), list.total, list.matching, list.others()), (vec!["00000001".into()], 1, 1, 0));
    }

    #[test]
    fn a_row_that_does_not_match_the_search_is_counted_but_not_added() {
        let mut list = list(vec![session(1, 20)]);
        list.apply(LiveMessage::Row { session: Box::new(session(2, 30)), total: 2, began: false }, "curl");
        assert_eq!((list.rows.len(), list.total, list.matching), (1, 2, 1));
    }

    #[test]
    fn a_search_finds_every_word_in_any_field() {
        let row = session(1, 0);
        for search in ["", "berlin", "FIREFOX germany", "192.0.2", "win mozilla"] {
            assert!(row.matches(search), "{search}");
        }
        assert!(!row.matches("firefox london"));
    }
}
