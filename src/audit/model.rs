//! What an event says.

use std::net::IpAddr;

use crate::foundation::ids::{SessionId, TokenId, UserId};
use chrono::{DateTime, Utc};

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
    /// A reset was started by an administrator.
    ResetStartedByAdministrator,
    /// Sessions were ended by an administrator.
    SessionsRevokedByAdministrator,
    /// All sessions have been ended after an administrator signed everybody out.
    EverybodySignedOut,
    /// The session longest unused gave way to a new one (SES-9).
    SessionDisplaced,
    /// A password was changed by its owner.
    PasswordChanged,
    /// A password was given again, before something that could take the account over.
    PasswordConfirmed,
    /// A wrong password was entered in a session: to confirm something, or to change the password.
    PasswordRejected,
    /// A wrong code was entered in a session, or with a reset link.
    CodeRejected,
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
    /// Somebody was invited.
    Invited,
    /// An invitation was canceled.
    InvitationCanceled,
    /// An account was asked for, where registration is open.
    RegistrationAskedFor,
    /// Access was asked for, where it is by invitation.
    AccessRequested,
    /// A request for access was declined.
    AccessDeclined,
    /// Name, username or time zone are others.
    ProfileChanged,
    /// Another email address was asked for.
    EmailChangeAskedFor,
    /// One of both addresses confirmed the change.
    EmailChangeConfirmed,
    /// The email address is another.
    EmailChanged,
    /// Something of administration was refused to somebody who is no administrator.
    AdministrationRefused,
    /// An API token was made.
    TokenCreated,
    /// An API token has a new secret.
    TokenRotated,
    /// An API token was revoked by its owner.
    TokenRevoked,
    /// All API tokens were revoked by their owner.
    TokensRevoked,
    /// An API token asked for what it may not do.
    TokenRefused,
    /// A mail could not be sent for two days, or until its link expired.
    MailGivenUp,
    /// An account was made.
    AccountCreated,
    /// An account was disabled.
    AccountDisabled,
    /// An account was enabled again.
    AccountEnabled,
}

impl Action {
    /// What was done, to the person whose account it is about.
    pub fn in_words(self, outcome: Outcome) -> &'static str {
        match (self, outcome) {
            (Self::SignIn, Outcome::Success) => "Signed in",
            (Self::SignIn, Outcome::Refused) => "Sign-in failed",
            (Self::SignOut, _) => "Signed out",
            (Self::SessionRevoked, _) => "Revoked a session",
            (Self::OtherSessionsRevoked, _) => "Revoked all other sessions",
            (Self::ResetStartedByAdministrator, _) => "Password reset started by an administrator",
            (Self::SessionsRevokedByAdministrator, _) => "Sessions ended by an administrator",
            (Self::EverybodySignedOut, _) => "Everybody was signed out",
            (Self::SessionDisplaced, _) => "Session longest unused ended, for one more",
            (Self::PasswordChanged, _) => "Password changed",
            (Self::PasswordConfirmed, _) => "Password confirmed",
            (Self::PasswordRejected, _) => "Wrong password entered while signed in",
            (Self::CodeRejected, _) => "Wrong code entered",
            (Self::ResetAskedFor, Outcome::Success) => "Password reset mailed",
            (Self::ResetAskedFor, Outcome::Refused) => "Password reset not mailed: too many were",
            (Self::PasswordReset, _) => "Password reset",
            (Self::SecondFactorEnabled, _) => "Two-factor authentication turned on",
            (Self::SecondFactorDisabled, _) => "Two-factor authentication turned off",
            (Self::RecoveryCodesRenewed, _) => "Recovery codes renewed",
            (Self::RecoveryCodeUsed, _) => "Recovery code used",
            (Self::SignInConfirmed, _) => "Sign-in confirmed as yours",
            (Self::SignInDisowned, _) => "Sign-in reported as not yours",
            (Self::Invited | Self::RegistrationAskedFor | Self::AccessRequested, _) => "Invited",
            (Self::InvitationCanceled, _) => "Invitation canceled",
            (Self::AccessDeclined, _) => "Access declined",
            (Self::ProfileChanged, _) => "Profile changed",
            (Self::EmailChangeAskedFor, _) => "Email change asked for",
            (Self::EmailChangeConfirmed, _) => "Email change confirmed by one address",
            (Self::EmailChanged, _) => "Email changed",
            (Self::AdministrationRefused, _) => "Administration refused",
            (Self::TokenCreated, _) => "API token created",
            (Self::TokenRotated, _) => "API token rotated",
            (Self::TokenRevoked, _) => "API token revoked",
            (Self::TokensRevoked, _) => "All API tokens revoked",
            (Self::TokenRefused, _) => "An API token asked for what it may not do",
            (Self::MailGivenUp, _) => "A mail to you could not be sent",
            (Self::AccountCreated, _) => "Account created",
            (Self::AccountDisabled, _) => "Account disabled",
            (Self::AccountEnabled, _) => "Account enabled",
        }
    }
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
    /// With which API token, where it was none of a session.
    pub token: Option<&'a TokenId>,
    /// Whose account it is about.
    pub subject: Option<&'a UserId>,
    /// From where; nowhere for the command line.
    pub ip: Option<IpAddr>,
    /// What else there is to say. Never a secret, never a full mail address (LOG-3).
    pub detail: serde_json::Value,
}

/// An event as the person reads it whose account it is about.
#[derive(Debug, sqlx::FromRow)]
pub struct Recorded {
    /// What was done.
    pub action: Action,
    /// How it went.
    pub outcome: Outcome,
    /// When.
    pub at: DateTime<Utc>,
    /// From where; nowhere for the command line.
    pub ip: Option<String>,
}
