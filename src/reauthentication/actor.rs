//! Who performs a change: somebody signed in, or the command line.

use std::net::IpAddr;

use serde_json::{Value, json};

use crate::{
    access::Principal,
    accounts::store::{self as accounts, Credentials},
    error::AppError,
    foundation::{db::Tx, ids::UserId, services::Services},
    reauthentication::actions::require_recent,
    record::{Action, Event, Outcome},
    sessions::{
        actions::{audit_event, lock_account},
        ended::Ending,
        model::EndReason,
    },
};

/// Name of the command line in mails, in place of the name of a user.
pub const COMMAND_LINE: &str = "the command line";

/// Who performs a change.
#[derive(Clone, Copy)]
pub enum Actor<'a> {
    /// Someone who may run the program on the server's machine.
    CommandLine,
    /// Somebody signed in. The action checks what they may do.
    Principal(&'a Principal),
}

impl Actor<'_> {
    /// Returns the audit event of an action on `subject`.
    pub fn event<'a>(&'a self, subject: Option<&'a UserId>, action: Action, detail: Value) -> Event<'a> {
        let event = match self {
            Self::CommandLine => Event::new(action, by_command_line(detail)),
            Self::Principal(principal) => audit_event(principal, action, detail),
        };
        Event { subject, ..event }
    }

    /// Requires a platform administrator, and records a refusal (LOG-1). The command line is one.
    ///
    /// Errors: [`AppError::NotPermitted`].
    pub async fn require_platform_administrator(&self, services: &Services) -> Result<(), AppError> {
        let Self::Principal(principal) = self else { return Ok(()) };
        if principal.account.is_admin {
            return Ok(());
        }
        let mut tx = services.db.write().await?;
        let event = Event { outcome: Outcome::Refused, ..audit_event(principal, Action::AdministrationRefused, json!({})) };
        services.recorder.write(&mut tx, event).await?;
        tx.commit().await?;
        Err(AppError::NotPermitted)
    }

    /// Requires a session with recent authentication. The command line needs none.
    ///
    /// Errors: [`AppError::ReauthenticationRequired`] if it is too old, [`AppError::SessionRequired`] for an API token.
    pub fn require_recent(&self, services: &Services) -> Result<(), AppError> {
        match self {
            Self::CommandLine => Ok(()),
            Self::Principal(principal) => require_recent(services, principal),
        }
    }

    /// Begins a transaction that creates something that outlives the principal's session, such as an invitation. A concurrent reset or
    /// disable of the principal's account either comes first, and it is refused, or comes later and cancels what it created.
    pub async fn begin(&self, services: &Services) -> Result<Tx, AppError> {
        self.require_recent(services)?;
        let mut tx = services.db.write().await?;
        self.lock(&mut tx).await?;
        Ok(tx)
    }

    /// Locks the principal's account (see [`accounts::lock`]). Does nothing for the command line.
    ///
    /// Errors: [`AppError::NotSignedIn`] if the principal's session or API token ended during the request.
    pub async fn lock(&self, tx: &mut Tx) -> Result<(), AppError> {
        match self {
            Self::CommandLine => Ok(()),
            Self::Principal(principal) => lock_account(tx, principal).await.map(drop),
        }
    }

    /// Locks the affected account and the principal's own, in the order of their ids (see [`accounts::lock`]). Returns `None` if there
    /// is no such account.
    ///
    /// Errors: [`AppError::NotSignedIn`] if the principal's session ended during the request.
    pub async fn lock_accounts(&self, tx: &mut Tx, user: &UserId) -> Result<Option<Credentials>, AppError> {
        let Self::Principal(principal) = self else { return Ok(accounts::lock(tx, user).await?) };
        if principal.account.id < *user {
            lock_account(tx, principal).await?;
            return Ok(accounts::lock(tx, user).await?);
        }
        let locked = accounts::lock(tx, user).await?;
        lock_account(tx, principal).await?;
        Ok(locked)
    }

    /// Returns how the actor ends sessions for this reason.
    pub fn ending(&self, reason: EndReason) -> Ending<'_> {
        match self {
            Self::CommandLine => Ending::new(reason),
            Self::Principal(principal) => Ending::by(principal, reason),
        }
    }

    /// Returns the name for mails.
    pub fn name(&self) -> &str {
        match self {
            Self::CommandLine => COMMAND_LINE,
            Self::Principal(principal) => &principal.account.username,
        }
    }

    /// Returns the principal's IP address. `None` for the command line.
    pub fn ip(&self) -> Option<IpAddr> {
        match self {
            Self::CommandLine => None,
            Self::Principal(principal) => Some(principal.client_info.ip),
        }
    }
}

/// Adds to the detail of an event that it came from the command line.
fn by_command_line(mut detail: Value) -> Value {
    detail["by"] = json!("command_line");
    detail
}
