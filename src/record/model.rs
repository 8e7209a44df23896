//! The content of audit events.

use std::net::IpAddr;

use crate::foundation::ids::{SessionId, TokenId, UserId};
use chrono::{DateTime, Utc};

/// The action of an audit event. The names are stable, because users filter by them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, sqlx::Type)]
#[sqlx(type_name = "TEXT", rename_all = "snake_case")]
pub enum Action {
    /// A sign-in, successful or not.
    SignIn,
    /// A session signed out.
    SignOut,
    /// A session was revoked by its owner from another one.
    SessionRevoked,
    /// All other sessions were revoked by their owner.
    OtherSessionsRevoked,
    /// A password reset was started by an administrator.
    ResetStartedByAdministrator,
    /// Sessions were revoked by an administrator.
    SessionsRevokedByAdministrator,
    /// All sessions were ended because an administrator signed everybody out.
    EverybodySignedOut,
    /// The least recently used session was evicted for a new one (SES-9).
    SessionDisplaced,
    /// A password was changed by its owner.
    PasswordChanged,
    /// A password was entered again before an action that could take the account over.
    PasswordConfirmed,
    /// A wrong password was entered in a session, for a reauthentication or to change the password.
    PasswordRejected,
    /// A wrong code was entered in a session, or with a reset link.
    CodeRejected,
    /// A password reset was requested. Refused for an address without an account or beyond its rate limit.
    ResetAskedFor,
    /// A forgotten password was replaced.
    PasswordReset,
    /// The second factor was enabled.
    SecondFactorEnabled,
    /// The second factor was disabled.
    SecondFactorDisabled,
    /// The recovery codes were replaced.
    RecoveryCodesRenewed,
    /// A recovery code was used.
    RecoveryCodeUsed,
    /// A sign-in was confirmed by the owner.
    SignInConfirmed,
    /// A sign-in was disowned by the owner.
    SignInDisowned,
    /// Somebody was invited.
    Invited,
    /// An invitation was canceled.
    InvitationCanceled,
    /// An account was requested, where registration is open.
    RegistrationAskedFor,
    /// Access was requested, where registration is by invitation.
    AccessRequested,
    /// A request for access was declined.
    AccessDeclined,
    /// The name, username or time zone was changed.
    ProfileChanged,
    /// A change of the email address was requested.
    EmailChangeAskedFor,
    /// One of the two addresses confirmed the change.
    EmailChangeConfirmed,
    /// The email address was changed.
    EmailChanged,
    /// An administrative action was refused to a user who is not an administrator.
    AdministrationRefused,
    /// An API token was created.
    TokenCreated,
    /// An API token got a new secret.
    TokenRotated,
    /// An API token was revoked by its owner.
    TokenRevoked,
    /// All API tokens were revoked by their owner.
    TokensRevoked,
    /// A request was refused because the API token does not have the permission.
    TokenRefused,
    /// A mail could not be sent for two days, or before its link expired.
    MailGivenUp,
    /// An account was created.
    AccountCreated,
    /// An account was disabled.
    AccountDisabled,
    /// An account was enabled.
    AccountEnabled,
    /// An organization was created.
    OrganizationCreated,
    /// The name or the host suffixes of an organization were changed.
    OrganizationChanged,
    /// An organization was deleted, with all that it contained.
    OrganizationDeleted,
    /// A portfolio was created.
    PortfolioCreated,
    /// A portfolio was renamed.
    PortfolioChanged,
    /// A portfolio was deleted, with its plants or after they were moved.
    PortfolioDeleted,
    /// A plant was created.
    PlantCreated,
    /// A plant was changed.
    PlantChanged,
    /// A plant was moved to another portfolio.
    PlantMoved,
    /// A plant was deleted, with its devices and grants.
    PlantDeleted,
    /// Plants and devices were imported from a file.
    PlantsImported,
    /// Remote access of a plant was closed.
    RemoteAccessClosed,
    /// Remote access of a plant was reopened.
    RemoteAccessReopened,
    /// A device was created.
    DeviceCreated,
    /// A device was changed.
    DeviceChanged,
    /// A device was deleted.
    DeviceDeleted,
    /// A person got a role in an organization, or another one.
    MemberChanged,
    /// A person lost the role in an organization, and the grants there.
    MemberRemoved,
    /// A grant was created.
    GrantCreated,
    /// The end of a grant was changed.
    GrantExtended,
    /// A grant was ended.
    GrantEnded,
    /// All grants of a vendor in an organization were ended.
    VendorAccessEnded,
    /// A person who has no grants left no longer works for a vendor.
    VendorPersonRemoved,
    /// Somebody who is neither member nor grantee was looked up by exact name or address.
    PersonLookedUp,
}

impl Action {
    /// Describes the action to the user whose account it concerns.
    pub fn description(self, outcome: Outcome) -> &'static str {
        match (self, outcome) {
            (Self::SignIn, Outcome::Success) => "Signed in",
            (Self::SignIn, Outcome::Refused) => "Sign-in failed",
            (Self::SignOut, _) => "Signed out",
            (Self::SessionRevoked, _) => "Revoked a session",
            (Self::OtherSessionsRevoked, _) => "Revoked all other sessions",
            (Self::ResetStartedByAdministrator, _) => "Password reset started by an administrator",
            (Self::SessionsRevokedByAdministrator, _) => "Sessions ended by an administrator",
            (Self::EverybodySignedOut, _) => "Everybody was signed out",
            (Self::SessionDisplaced, _) => "Least recently used session ended",
            (Self::PasswordChanged, _) => "Password changed",
            (Self::PasswordConfirmed, _) => "Password confirmed",
            (Self::PasswordRejected, _) => "Wrong password entered while signed in",
            (Self::CodeRejected, _) => "Wrong code entered",
            (Self::ResetAskedFor, Outcome::Success) => "Password reset email sent",
            (Self::ResetAskedFor, Outcome::Refused) => "Password reset email not sent: too many requests",
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
            (Self::EmailChangeAskedFor, _) => "Email change requested",
            (Self::EmailChangeConfirmed, _) => "Email change confirmed by one address",
            (Self::EmailChanged, _) => "Email changed",
            (Self::AdministrationRefused, _) => "Administration refused",
            (Self::TokenCreated, _) => "API token created",
            (Self::TokenRotated, _) => "API token rotated",
            (Self::TokenRevoked, _) => "API token revoked",
            (Self::TokensRevoked, _) => "All API tokens revoked",
            (Self::TokenRefused, _) => "API token used without permission",
            (Self::MailGivenUp, _) => "An email to you could not be sent",
            (Self::AccountCreated, _) => "Account created",
            (Self::AccountDisabled, _) => "Account disabled",
            (Self::AccountEnabled, _) => "Account enabled",
            (Self::OrganizationCreated, _) => "Organization created",
            (Self::OrganizationChanged, _) => "Organization changed",
            (Self::OrganizationDeleted, _) => "Organization deleted",
            (Self::PortfolioCreated, _) => "Portfolio created",
            (Self::PortfolioChanged, _) => "Portfolio renamed",
            (Self::PortfolioDeleted, _) => "Portfolio deleted",
            (Self::PlantCreated, _) => "Plant created",
            (Self::PlantChanged, _) => "Plant changed",
            (Self::PlantMoved, _) => "Plant moved",
            (Self::PlantDeleted, _) => "Plant deleted",
            (Self::PlantsImported, _) => "Plants imported",
            (Self::RemoteAccessClosed, _) => "Remote access closed",
            (Self::RemoteAccessReopened, _) => "Remote access reopened",
            (Self::DeviceCreated, _) => "Device created",
            (Self::DeviceChanged, _) => "Device changed",
            (Self::DeviceDeleted, _) => "Device deleted",
            (Self::MemberChanged, _) => "Role in an organization changed",
            (Self::MemberRemoved, _) => "Removed from an organization",
            (Self::GrantCreated, Outcome::Success) => "Access granted",
            (Self::GrantCreated, Outcome::Refused) => "Access of an invitation not granted",
            (Self::GrantExtended, _) => "Access extended",
            (Self::GrantEnded, _) => "Access ended",
            (Self::VendorAccessEnded, _) => "Access of a vendor ended",
            (Self::VendorPersonRemoved, _) => "No longer works for a vendor",
            (Self::PersonLookedUp, _) => "Looked up for a grant",
        }
    }
}

/// The outcome of the action.
#[derive(Debug, Clone, Copy, PartialEq, Eq, sqlx::Type)]
#[sqlx(type_name = "TEXT", rename_all = "snake_case")]
pub enum Outcome {
    /// The action was done.
    Success,
    /// The action was refused.
    Refused,
}

/// An audit event to write.
#[derive(Debug)]
pub struct Event<'a> {
    /// What was done.
    pub action: Action,
    /// The outcome of the action.
    pub outcome: Outcome,
    /// Who did it. `None` for anonymous clients and the command line.
    pub actor: Option<&'a UserId>,
    /// The session that was used.
    pub session: Option<&'a SessionId>,
    /// The API token that was used, if it was not a session.
    pub token: Option<&'a TokenId>,
    /// The account that it concerns.
    pub subject: Option<&'a UserId>,
    /// The client's IP address. `None` for the command line.
    pub ip: Option<IpAddr>,
    /// Further details. Never a secret, never a full email address (LOG-3).
    pub detail: serde_json::Value,
}

/// A refused sign-in to write.
#[derive(Debug)]
pub struct RefusedSignIn {
    /// The account, if there is one.
    pub subject: Option<UserId>,
    /// The client's IP address.
    pub ip: IpAddr,
    /// The hash of the identifier that was entered. Not the identifier itself: it may be a password in the wrong field (LOG-3).
    pub identifier_hash: String,
}

/// An audit event, as shown to the user whose account it concerns.
#[derive(Debug, sqlx::FromRow)]
pub struct RecordedEvent {
    /// What was done.
    pub action: Action,
    /// The outcome of the action.
    pub outcome: Outcome,
    /// When it happened.
    pub occurred_at: DateTime<Utc>,
    /// The client's IP address. `None` for the command line.
    pub ip: Option<String>,
}
