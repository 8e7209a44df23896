//! What an event says.

use std::net::IpAddr;

use crate::foundation::ids::{SessionId, UserId};

/// What was done. The names are stable: people filter by them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, sqlx::Type)]
#[sqlx(type_name = "TEXT", rename_all = "snake_case")]
pub enum Action {
    /// A sign-in, right or wrong.
    SignIn,
    /// A session ended itself.
    SignOut,
    /// A session was ended by its owner from another one.
    SessionRevoked,
    /// All other sessions were ended by their owner.
    OtherSessionsRevoked,
    /// Sessions were ended by an administrator.
    SessionsRevokedByAdministrator,
    /// The session longest unused gave way to a new one (SES-9).
    SessionDisplaced,
    /// A password was changed by its owner.
    PasswordChanged,
    /// A password was given again, before something that could take the account over.
    PasswordConfirmed,
    /// A reset was asked for: mailed, or refused to an address that nobody has or that was sent too much.
    ResetAskedFor,
    /// A forgotten password was replaced.
    PasswordReset,
    /// The second factor was turned on.
    SecondFactorEnabled,
    /// The second factor was turned off.
    SecondFactorDisabled,
    /// Recovery codes took the place of those before.
    RecoveryCodesRenewed,
    /// A recovery code was used.
    RecoveryCodeUsed,
    /// A sign-in was said to be the owner's own.
    SignInConfirmed,
    /// A sign-in was said not to be the owner's.
    SignInDisowned,
    /// A mail could not be sent for two days.
    MailGivenUp,
    /// An account was made.
    AccountCreated,
    /// An account was disabled.
    AccountDisabled,
    /// An account was enabled again.
    AccountEnabled,
}

/// How it went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, sqlx::Type)]
#[sqlx(type_name = "TEXT", rename_all = "snake_case")]
pub enum Outcome {
    /// It was done.
    Success,
    /// It was refused.
    Refused,
}

/// One event, before it is written.
#[derive(Debug)]
pub struct Event<'a> {
    /// What was done.
    pub action: Action,
    /// How it went.
    pub outcome: Outcome,
    /// Who did it; nobody for a stranger and for the command line.
    pub actor: Option<&'a UserId>,
    /// With which session.
    pub session: Option<&'a SessionId>,
    /// Whose account it is about.
    pub subject: Option<&'a UserId>,
    /// From where; nowhere for the command line.
    pub ip: Option<IpAddr>,
    /// What else there is to say. Never a secret, never a full mail address (LOG-3).
    pub detail: serde_json::Value,
}
