//! Ended sessions, as shown to their owner.

use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    foundation::{
        client::{device::Device, location::Location},
        config::Lifetimes,
        ids::SessionId,
        timestamp::Timestamp,
    },
    sessions::{actions::MAX_SESSIONS_PER_USER, ended::store::EndedRow, model::EndReason, store::SessionRow},
    ui::{number::format_count, time::span},
};

/// A session that ended in the last 30 days.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct EndedSession {
    /// Unique id.
    pub id: SessionId,
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
    #[schema(value_type = chrono::DateTime<chrono::Utc>)]
    pub created_at: Timestamp,
    /// Time of the last use.
    #[schema(value_type = chrono::DateTime<chrono::Utc>)]
    pub last_active_at: Timestamp,
    /// How the user authenticated, for example "Password".
    pub sign_in_method: String,
    /// When it ended.
    #[schema(value_type = chrono::DateTime<chrono::Utc>)]
    pub ended_at: Timestamp,
    /// Why it ended.
    pub end_reason: EndReason,
    /// Who ended it. Null if it expired, was ended because of a new sign-in or an emailed link, or if it is not known.
    pub ended_by: Option<EndedBy>,
}

/// Who ended a session. Administrators are not named.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct EndedBy {
    /// What ended it.
    pub kind: EndedByKind,
    /// Id of your session or API token; null for an administrator.
    pub id: Option<String>,
    /// Name of the device of your session, or of your API token, at that time; null for an administrator.
    pub name: Option<String>,
}

/// What ended a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum EndedByKind {
    /// A session of its owner: another one, or itself.
    Session,
    /// An API token of its owner.
    ApiToken,
    /// An administrator.
    Administrator,
}

impl EndReason {
    fn is_by_administrator(self) -> bool {
        matches!(self, Self::RevokedByAdministrator | Self::EverybodySignedOut | Self::AccountDisabled)
    }
}

impl From<EndedRow> for EndedSession {
    fn from(row: EndedRow) -> Self {
        let ended_by = ended_by(&row);
        let EndedRow { session, ended_at, end_reason, .. } = row;
        let SessionRow { id, device, location, ip, first_ip, user_agent, sign_in_method, .. } = session;
        let (created_at, last_active_at) = (session.created_at.into(), session.last_active_at.into());
        let ended_at = ended_at.into();
        Self { id, device, location, ip, first_ip, user_agent, created_at, last_active_at, sign_in_method, ended_at, end_reason, ended_by }
    }
}

fn ended_by(row: &EndedRow) -> Option<EndedBy> {
    if row.end_reason.is_by_administrator() {
        return Some(EndedBy { kind: EndedByKind::Administrator, id: None, name: None });
    }
    let (kind, id) = match (&row.ended_by_session_id, &row.ended_by_token_id) {
        (Some(session), _) => (EndedByKind::Session, session.to_string()),
        (None, Some(token)) => (EndedByKind::ApiToken, token.to_string()),
        (None, None) => return None,
    };
    Some(EndedBy { kind, id: Some(id), name: row.ended_by_name.clone() })
}

/// Why a session ended, in words.
#[derive(Debug, PartialEq, Eq)]
pub struct Why {
    /// What happened.
    pub what: &'static str,
    /// By whom, from where or how; empty if that is not known.
    pub how: String,
}

impl EndedSession {
    /// Returns why the session ended, in words.
    pub fn why(&self, lifetimes: &Lifetimes) -> Why {
        let (what, how) = match self.end_reason {
            EndReason::SignedOut => ("Signed out", "on the device itself".to_owned()),
            EndReason::Revoked => ("Revoked by you", self.place_of_end()),
            EndReason::RevokedByAdministrator => ("Ended by an administrator", String::new()),
            EndReason::EverybodySignedOut => ("Everybody was signed out", "by an administrator".to_owned()),
            EndReason::IdleTimeout => ("Expired", format!("{} without use", timeout(lifetimes.idle_timeout))),
            EndReason::AbsoluteTimeout => ("Expired", format!("{} after the sign-in", timeout(lifetimes.absolute_timeout))),
            EndReason::Replaced => ("Replaced", "by a new sign-in in the same browser".to_owned()),
            EndReason::Evicted => {
                ("Ended for a newer session", format!("because you had more than {}", format_count(MAX_SESSIONS_PER_USER)))
            }
            EndReason::AccountDisabled => ("Account disabled", "by an administrator".to_owned()),
            EndReason::PasswordChanged => ("Password changed", self.place_of_end()),
            EndReason::PasswordReset => ("Password reset", "with a link by email".to_owned()),
            EndReason::Disowned => ("You said it was not you", "by the email about this sign-in".to_owned()),
        };
        Why { what, how }
    }

    /// Returns from where its owner ended it; empty if that is not known.
    fn place_of_end(&self) -> String {
        match &self.ended_by {
            Some(EndedBy { kind: EndedByKind::Session, name: Some(device), .. }) => format!("from {device}"),
            Some(EndedBy { kind: EndedByKind::ApiToken, name: Some(token), .. }) => format!("with the API token {token}"),
            _ => String::new(),
        }
    }
}

fn timeout(length: std::time::Duration) -> String {
    span(i64::try_from(length.as_millis()).unwrap_or(i64::MAX)) // timeouts are at most ten years
}
