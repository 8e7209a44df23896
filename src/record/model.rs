//! The content of audit events.

use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use crate::foundation::{
    client::info::ClientInfo,
    ids::{SessionId, TokenId, UserId},
};

/// `actions! { /// What was done. Variant = "noun.verb", … }`: defines [`Action`] with its keys.
macro_rules! actions {
    ($(#[doc = $doc:literal] $action:ident = $key:literal,)*) => {
        /// The action of an audit event. The keys are stable, because users filter by them.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Action {
            $(#[doc = $doc] $action,)*
        }

        impl Action {
            /// All actions.
            pub const ALL: &[Self] = &[$(Self::$action),*];

            /// Returns the key: `noun.verb`.
            pub fn key(self) -> &'static str {
                match self {
                    $(Self::$action => $key,)*
                }
            }
        }
    };
}

actions! {
    /// A sign-in, successful or not.
    SignIn = "account.signed_in",
    /// A session signed out.
    SignOut = "account.signed_out",
    /// A session was revoked by its owner from another one.
    SessionRevoked = "session.revoked",
    /// All other sessions were revoked by their owner.
    OtherSessionsRevoked = "session.others_revoked",
    /// A password reset was started by an administrator.
    ResetStartedByAdministrator = "password.reset_started",
    /// Sessions were revoked by an administrator.
    SessionsRevokedByAdministrator = "session.revoked_by_administrator",
    /// All sessions were ended because an administrator signed everybody out.
    EverybodySignedOut = "session.everybody_ended",
    /// The least recently used session was evicted for a new one (SES-9).
    SessionDisplaced = "session.evicted",
    /// A password was changed by its owner.
    PasswordChanged = "password.changed",
    /// A password was entered again before an action that could take the account over.
    PasswordConfirmed = "password.confirmed",
    /// A wrong password was entered in a session, for a reauthentication or to change the password.
    PasswordRejected = "password.rejected",
    /// A wrong code was entered in a session, or with a reset link.
    CodeRejected = "code.rejected",
    /// A password reset was requested. Refused for an address without an account or beyond its rate limit.
    ResetAskedFor = "password.reset_requested",
    /// A forgotten password was replaced.
    PasswordReset = "password.reset",
    /// The second factor was enabled.
    SecondFactorEnabled = "second_factor.enabled",
    /// The second factor was disabled.
    SecondFactorDisabled = "second_factor.disabled",
    /// The recovery codes were replaced.
    RecoveryCodesRenewed = "recovery_codes.renewed",
    /// A recovery code was used.
    RecoveryCodeUsed = "recovery_code.used",
    /// A sign-in was confirmed by the owner.
    SignInConfirmed = "sign_in.confirmed",
    /// A sign-in was disowned by the owner.
    SignInDisowned = "sign_in.disowned",
    /// Somebody was invited.
    Invited = "invitation.created",
    /// An invitation was canceled.
    InvitationCanceled = "invitation.canceled",
    /// An account was requested, where registration is open.
    RegistrationAskedFor = "registration.requested",
    /// Access was requested, where registration is by invitation.
    AccessRequested = "access.requested",
    /// A request for access was declined.
    AccessDeclined = "access.declined",
    /// The name, username or time zone was changed.
    ProfileChanged = "profile.changed",
    /// A change of the email address was requested.
    EmailChangeAskedFor = "email.change_requested",
    /// One of the two addresses confirmed the change.
    EmailChangeConfirmed = "email.change_confirmed",
    /// The email address was changed.
    EmailChanged = "email.changed",
    /// An administrative action was refused to a user who is not an administrator.
    AdministrationRefused = "administration.refused",
    /// An API token was created.
    TokenCreated = "token.created",
    /// An API token got a new secret.
    TokenRotated = "token.rotated",
    /// An API token was revoked by its owner.
    TokenRevoked = "token.revoked",
    /// All API tokens were revoked by their owner.
    TokensRevoked = "token.all_revoked",
    /// A request was refused because the API token does not have the permission.
    TokenRefused = "token.refused",
    /// A mail could not be sent for two days, or before its link expired.
    MailGivenUp = "mail.given_up",
    /// An account was created.
    AccountCreated = "account.created",
    /// An account was disabled.
    AccountDisabled = "account.disabled",
    /// An account was enabled.
    AccountEnabled = "account.enabled",
    /// An organization was created.
    OrganizationCreated = "organization.created",
    /// The name or the host suffixes of an organization were changed.
    OrganizationChanged = "organization.changed",
    /// An organization was deleted, with all that it contained.
    OrganizationDeleted = "organization.deleted",
    /// A portfolio was created.
    PortfolioCreated = "portfolio.created",
    /// A portfolio was renamed.
    PortfolioChanged = "portfolio.changed",
    /// A portfolio was deleted, with its plants or after they were moved.
    PortfolioDeleted = "portfolio.deleted",
    /// A plant was created.
    PlantCreated = "plant.created",
    /// A plant was changed.
    PlantChanged = "plant.changed",
    /// A plant was moved to another portfolio.
    PlantMoved = "plant.moved",
    /// A plant was deleted, with its devices and grants.
    PlantDeleted = "plant.deleted",
    /// Plants and devices were imported from a file.
    PlantsImported = "plant.imported",
    /// Remote access of a plant was closed.
    RemoteAccessClosed = "remote_access.closed",
    /// Remote access of a plant was reopened.
    RemoteAccessReopened = "remote_access.reopened",
    /// A device was created.
    DeviceCreated = "device.created",
    /// A device was changed.
    DeviceChanged = "device.changed",
    /// A device was deleted.
    DeviceDeleted = "device.deleted",
    /// A person got a role in an organization, or another one.
    MemberChanged = "member.changed",
    /// A person lost the role in an organization, and the grants there.
    MemberRemoved = "member.removed",
    /// A grant was created.
    GrantCreated = "grant.created",
    /// The end of a grant was changed.
    GrantExtended = "grant.extended",
    /// A grant was ended.
    GrantEnded = "grant.ended",
    /// All grants of a vendor in an organization were ended.
    VendorAccessEnded = "vendor.access_ended",
    /// A person who has no grants left no longer works for a vendor.
    VendorPersonRemoved = "vendor.person_removed",
    /// Events that concern others were read in the audit log. Written once per session or API token, filter and five minutes.
    AuditRead = "audit.read",
    /// Events of the audit log were exported. Written before the first of them is sent.
    AuditExported = "audit.exported",
    /// An event in the queue of the audit log was not written by this program, or was removed before it was sealed.
    EventRefused = "audit.event_refused",
    /// Somebody who is neither member nor grantee was looked up by exact name or address.
    PersonLookedUp = "person.looked_up",
}

impl Action {
    /// Returns the action with this key. `None` for a key of another version of this program.
    pub fn parse(key: &str) -> Option<Self> {
        Self::ALL.iter().find(|action| action.key() == key).copied()
    }

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
            (Self::AuditRead, _) => "Audit log read",
            (Self::AuditExported, _) => "Audit log exported",
            (Self::EventRefused, _) => "Audit event refused: it was not written by Whereabouts",
            (Self::PersonLookedUp, _) => "Looked up for a grant",
        }
    }
}

/// The outcome of the action.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema, sqlx::Type)]
#[sqlx(type_name = "TEXT", rename_all = "snake_case")]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The action was done.
    Success,
    /// The action was refused.
    Refused,
}

impl Outcome {
    /// Returns the key: `success` or `refused`.
    pub fn key(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Refused => "refused",
        }
    }
}

/// An audit event to write.
#[derive(Debug, Clone)]
pub struct Event<'a> {
    /// What was done.
    pub action: Action,
    /// The outcome of the action.
    pub outcome: Outcome,
    /// Who did it. `None` for anonymous clients, the server and the command line.
    pub actor: Option<&'a UserId>,
    /// The name of who did it.
    pub actor_name: Option<&'a str>,
    /// The session that was used.
    pub session: Option<&'a SessionId>,
    /// The API token that was used, if it was not a session.
    pub token: Option<&'a TokenId>,
    /// The account that it concerns.
    pub subject: Option<&'a UserId>,
    /// The client. `None` for the server and the command line.
    pub client: Option<&'a ClientInfo>,
    /// The rest, as the fields of an object. Never a secret, never a full email address (LOG-3). `organization`, `portfolio`, `plant` and
    /// `device` are the ids of what it concerns, or a `scope` with `kind` and `id`.
    pub detail: serde_json::Value,
}

impl Event<'_> {
    /// Describes an action that was done, by nobody yet.
    pub fn new(action: Action, detail: serde_json::Value) -> Self {
        let (actor, actor_name, session, token, subject, client) = (None, None, None, None, None, None);
        Self { action, outcome: Outcome::Success, actor, actor_name, session, token, subject, client, detail }
    }
}

/// A refused sign-in to write.
#[derive(Debug)]
pub struct RefusedSignIn {
    /// The account, if there is one.
    pub subject: Option<UserId>,
    /// The client.
    pub client: ClientInfo,
    /// The hash of the identifier that was entered. Not the identifier itself: it may be a password in the wrong field (LOG-3).
    pub identifier_hash: String,
}

/// An audit event, as shown to the user whose account it concerns.
#[derive(Debug, sqlx::FromRow)]
pub struct RecordedEvent {
    /// The key of what was done.
    pub action: String,
    /// The outcome of the action.
    pub outcome: Outcome,
    /// When it happened.
    pub occurred_at: DateTime<Utc>,
    /// The client's IP address. `None` for the server and the command line, or if it was erased.
    pub ip: Option<String>,
}

impl RecordedEvent {
    /// Describes what was done to the user whose account it concerns.
    pub fn description(&self) -> &str {
        Action::parse(&self.action).map_or(self.action.as_str(), |action| action.description(self.outcome))
    }
}
