//! What the browser may know of a session, and the rules that both sides run.

use chrono::{DateTime, Duration, Utc};
use serde::{Deserialize, Serialize};

use crate::{
    foundation::{device::Device, ids::SessionId, location::Location},
    ui::time,
};

/// The page with the card: where everybody lands who did not ask for another.
pub const HOME: &str = "/profile?tab=security";
/// Rows that the page shows at first, and how many more at each request for more.
pub const PAGE: usize = 25;
/// From this many sessions on there is a search box.
pub const SEARCH_FROM: usize = 10;

/// One session, as its owner sees it. Nothing in it opens anything.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct Session {
    /// Names the row.
    pub id: SessionId,
    /// Whether it is the one that asks.
    pub current: bool,
    /// What signed in.
    pub device: Device,
    /// From where it was last used.
    pub location: Location,
    /// The address that it was last used from.
    pub ip: String,
    /// The address that it signed in from.
    pub first_ip: String,
    /// The client in its own words, made harmless.
    pub user_agent: String,
    /// When it signed in.
    #[serde(deserialize_with = "time::read")]
    pub created_at: DateTime<Utc>,
    /// When it was last used.
    #[serde(deserialize_with = "time::read")]
    pub last_active_at: DateTime<Utc>,
    /// Whether that is within the online window.
    pub online: bool,
    /// When it ends if it is not used again.
    #[serde(deserialize_with = "time::read")]
    pub idle_expires_at: DateTime<Utc>,
    /// When it ends however much it is used.
    #[serde(deserialize_with = "time::read")]
    pub absolute_expires_at: DateTime<Utc>,
    /// The nearer of the two.
    #[serde(deserialize_with = "time::read")]
    pub expires_at: DateTime<Utc>,
    /// How its person proved who they are: "Password".
    pub sign_in_method: String,
    /// Whether the account had not signed in from this country in the 90 days before. False for its first sign-in.
    pub new_location: bool,
}

impl Session {
    /// What its button ends, in words: "Firefox on Windows, Berlin".
    pub fn name(&self) -> String {
        format!("{}, {}", self.device.label, self.location.short())
    }

    /// Younger than a day.
    pub fn is_new(&self, now: DateTime<Utc>) -> bool {
        now - self.created_at < Duration::days(1)
    }

    /// Whether it ended by itself.
    pub fn is_expired(&self, now: DateTime<Utc>) -> bool {
        self.expires_at <= now
    }

    /// Whether every word of a search stands somewhere in what the row says.
    pub fn matches(&self, search: &str) -> bool {
        let said = [&self.device.label, &self.location.label, &self.ip, &self.user_agent].map(|text| fold(text));
        fold(search).split_whitespace().all(|word| said.iter().any(|text| text.contains(word)))
    }

    /// The order of the list: most recently active first; the id decides between equals.
    pub fn rank(&self) -> (std::cmp::Reverse<DateTime<Utc>>, std::cmp::Reverse<&SessionId>) {
        (std::cmp::Reverse(self.last_active_at), std::cmp::Reverse(&self.id))
    }
}

/// In small letters. A browser has the tables for that already; ours would be a tenth of what a page loads.
fn fold(text: &str) -> String {
    #[cfg(feature = "hydrate")]
    return js_sys::JsString::from(text).to_lower_case().into();
    #[cfg(not(feature = "hydrate"))]
    text.to_lowercase()
}

/// What a person asks to see.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub struct Query {
    /// Words that the rows must hold; none for all.
    pub search: String,
    /// How many rows.
    pub show: usize,
}

/// The top of the list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Sessions {
    /// The rows asked for, most recently active first.
    pub rows: Vec<Session>,
    /// How many match the search.
    pub matching: usize,
    /// How many sessions there are in all, the current one included.
    pub total: usize,
    /// The server's time when it said so.
    #[serde(deserialize_with = "time::read")]
    pub now: DateTime<Utc>,
    /// A session counts as online this long after its last use, in seconds.
    pub online_window: i64,
    /// Whether locations are from DB-IP, whose licence (CC BY 4.0) asks to be named with a link.
    pub is_by_dbip: bool,
}

impl Sessions {
    /// How many besides the current one.
    pub fn others(&self) -> usize {
        self.total.saturating_sub(1)
    }

    /// Leaves of a list of all sessions what is asked for.
    #[cfg(feature = "ssr")]
    pub fn narrow(&mut self, query: &Query) {
        self.rows.retain(|session| session.matches(&query.search));
        self.matching = self.rows.len();
        self.rows.truncate(query.show);
    }
}

/// What the server says on the live channel.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum News {
    /// The list as it stands: said first, and again when something may have been missed.
    List(Box<Sessions>),
    /// A session began or was used.
    Row {
        /// The session.
        session: Box<Session>,
        /// How many there are now.
        total: usize,
        /// It began just now.
        began: bool,
    },
    /// Sessions were used: how many there are stays the same.
    Used(Vec<Session>),
    /// Sessions ended.
    Gone {
        /// Which.
        sessions: Vec<SessionId>,
        /// How many are left.
        total: usize,
    },
    /// The session of this very page ended.
    SignedOut,
}

impl Sessions {
    /// The list after the news. Rows that do not match the search stay away.
    pub fn hear(&mut self, news: News, search: &str) {
        match news {
            News::List(list) => *self = *list,
            News::Row { session, total, .. } => self.put(*session, total, search),
            News::Used(sessions) => sessions.into_iter().for_each(|session| self.put(session, self.total, search)),
            News::Gone { sessions, total } => self.drop(&sessions, total),
            News::SignedOut => {}
        }
    }

    fn put(&mut self, session: Session, total: usize, search: &str) {
        let began = total > self.total;
        self.total = total;
        let known = self.rows.iter().position(|row| row.id == session.id);
        if let Some(at) = known {
            // A list that came meanwhile may know of a later use (SES-11).
            if self.rows[at].last_active_at <= session.last_active_at {
                self.rows[at] = session;
            }
        } else if session.matches(search) {
            self.rows.push(session);
            self.matching += usize::from(began);
        }
        self.rows.sort_by(|a, b| a.rank().cmp(&b.rank()));
        self.matching = self.matching.max(self.rows.len());
    }

    fn drop(&mut self, gone: &[SessionId], total: usize) {
        let before = self.rows.len();
        self.rows.retain(|row| !gone.contains(&row.id));
        self.matching = self.matching.saturating_sub(before - self.rows.len()).min(total);
        self.total = total;
    }
}

/// "1 other session", "4 other sessions".
pub fn other_sessions(count: usize) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} other session{plural}")
}

/// What is said after Revoke All.
pub fn signed_out(count: usize) -> String {
    format!("{} {} signed out.", other_sessions(count), if count == 1 { "was" } else { "were" })
}

/// Why a session ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(sqlx::Type), sqlx(type_name = "TEXT", rename_all = "snake_case"))]
#[serde(rename_all = "snake_case")]
pub enum EndReason {
    /// Its person signed out of it.
    SignedOut,
    /// Its owner ended it from another one.
    Revoked,
    /// An administrator ended it.
    RevokedByAdministrator,
    /// Not used for the idle timeout.
    Idle,
    /// The absolute timeout came.
    TooOld,
    /// A new sign-in in the same browser took its place (SES-3).
    Replaced,
    /// The account had too many (SES-9).
    Displaced,
    /// The account was disabled.
    AccountDisabled,
    /// The password was changed elsewhere.
    PasswordChanged,
    /// A forgotten password was replaced.
    PasswordReset,
    /// Its owner said, by an alert, that it was not theirs.
    Disowned,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::foundation::{
        device::{DeviceKind, Form},
        location::Place,
    };

    fn session(id: u32, last_active: i64) -> Session {
        let at = |seconds| DateTime::from_timestamp(seconds, 0).unwrap();
        let label = "Firefox on Windows".to_owned();
        Session {
            id: serde_json::from_str(&format!("\"{id:08}\"")).unwrap(),
            current: false,
            device: Device { label, browser: None, os: None, kind: DeviceKind::Browser, form: Form::Desktop },
            location: Location::of(Place::Known { city: Some("Berlin".into()), country: "Germany".into(), country_code: "DE".into() }),
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
        Sessions { rows, matching: total, total, now: DateTime::UNIX_EPOCH, online_window: 300, is_by_dbip: false }
    }

    fn order(list: &Sessions) -> Vec<String> {
        list.rows.iter().map(|row| row.id.to_string()).collect()
    }

    #[test]
    fn a_use_moves_a_row_up_and_a_sign_in_adds_one() {
        let mut list = list(vec![session(1, 20), session(2, 10)]);
        list.hear(News::Row { session: Box::new(session(2, 30)), total: 2, began: false }, "");
        assert_eq!((order(&list), list.total, list.matching), (vec!["00000002".into(), "00000001".into()], 2, 2));
        list.hear(News::Row { session: Box::new(session(3, 40)), total: 3, began: false }, "");
        assert_eq!((order(&list).first().cloned(), list.total, list.matching), (Some("00000003".into()), 3, 3));
    }

    /// SES-11: a use that is told late puts no row back.
    #[test]
    fn a_use_changes_no_total_and_only_moves_forward() {
        let mut list = list(vec![session(1, 20), session(2, 10)]);
        list.hear(News::Used(vec![session(2, 30), session(1, 15)]), "");
        assert_eq!((order(&list), list.total, list.matching), (vec!["00000002".into(), "00000001".into()], 2, 2));
        assert_eq!(list.rows[1].last_active_at, session(1, 20).last_active_at);
    }

    #[test]
    fn what_ended_leaves_and_may_have_left_before() {
        let mut list = list(vec![session(1, 20), session(2, 10)]);
        let gone = vec![list.rows[1].id.clone(), session(9, 0).id];
        list.hear(News::Gone { sessions: gone.clone(), total: 1 }, "");
        list.hear(News::Gone { sessions: gone, total: 1 }, "");
        assert_eq!((order(&list), list.total, list.matching, list.others()), (vec!["00000001".into()], 1, 1, 0));
    }

    #[test]
    fn a_row_that_does_not_match_the_search_stays_away_but_counts() {
        let mut list = list(vec![session(1, 20)]);
        list.hear(News::Row { session: Box::new(session(2, 30)), total: 2, began: false }, "curl");
        assert_eq!((list.rows.len(), list.total, list.matching), (1, 2, 1));
    }

    #[test]
    fn a_search_looks_for_every_word_anywhere() {
        let row = session(1, 0);
        for found in ["", "berlin", "FIREFOX germany", "192.0.2", "win mozilla"] {
            assert!(row.matches(found), "{found}");
        }
        assert!(!row.matches("firefox london"));
    }
}
