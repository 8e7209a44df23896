//! What an administrator does, on the page and from the command line. A running server honours it at the next request.

use std::net::IpAddr;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use crate::{
    accounts::{
        model::Account,
        store::{self as accounts, Credentials},
    },
    admin::store::{self, Person},
    audit::{self, Action, Event, Outcome},
    error::AppError,
    foundation::{
        clock::Clock,
        db::{Db, Tx},
        ids::{OneTimeTokenId, RequestId, SessionId, UserId},
        links::{self, Purpose},
        services::Services,
    },
    password::actions as password,
    proof::actions::require_fresh,
    registration::{
        actions::COMMAND_LINE,
        invitations::{self, Invitation, WaitingInvitation},
        notices,
        store::{self as requests, AccessRequest},
    },
    sessions::{
        actions::{self as sessions, by, lock_account},
        caller::Caller,
        epoch::{self, Progress},
        model::EndReason,
        store as sessions_store,
    },
};

/// So many people are listed at once; a search finds the others.
pub const MOST_PEOPLE: i64 = 100;

/// So many invitations are listed.
pub const MAX_INVITATIONS: i64 = 100;

/// Who administers.
#[derive(Clone, Copy)]
pub enum By<'a> {
    /// Whoever may run the program on its machine.
    CommandLine,
    /// An administrator who is signed in: [`administrator`] found so.
    Administrator(&'a Caller),
}

impl By<'_> {
    /// The event of something done to somebody.
    fn event<'a>(&'a self, subject: Option<&'a UserId>, action: Action, detail: Value) -> Event<'a> {
        let event = match self {
            Self::CommandLine => {
                Event { action, outcome: Outcome::Success, actor: None, session: None, token: None, subject, ip: None, detail }
            }
            Self::Administrator(caller) => by(caller, action, detail),
        };
        Event { subject, ..event }
    }

    /// Errors: [`AppError::ProofNeeded`] if the administrator's last proof is too old. The command line needs none.
    fn require_fresh(&self, services: &Services) -> Result<(), AppError> {
        match self {
            Self::CommandLine => Ok(()),
            Self::Administrator(caller) => require_fresh(services, caller),
        }
    }

    /// Opens the transaction of something that outlives the session it is done with, such as an invitation. A reset or a disable of
    /// the administrator's account comes either before it, which refuses it, or after it, and ends what it left.
    async fn begin(&self, services: &Services) -> Result<Tx, AppError> {
        self.require_fresh(services)?;
        let mut tx = services.db.write().await?;
        if let Self::Administrator(caller) = self {
            lock_account(&mut tx, caller).await?;
        }
        Ok(tx)
    }

    /// Locks the account that something is done to, and the administrator's own, in the order of their ids (see [`accounts::lock`]).
    /// `None` if there is no such account.
    ///
    /// Errors: [`AppError::NotSignedIn`] if the administrator's session ended while the request was under way.
    async fn lock(&self, tx: &mut Tx, user: &UserId) -> Result<Option<Credentials>, AppError> {
        let Self::Administrator(caller) = self else { return Ok(accounts::lock(tx, user).await?) };
        if caller.account.id < *user {
            lock_account(tx, caller).await?;
            return Ok(accounts::lock(tx, user).await?);
        }
        let locked = accounts::lock(tx, user).await?;
        lock_account(tx, caller).await?;
        Ok(locked)
    }

    /// Who it is, in a mail.
    fn name(&self) -> &str {
        match self {
            Self::CommandLine => COMMAND_LINE,
            Self::Administrator(caller) => &caller.account.username,
        }
    }

    /// From where. `None` for the command line.
    fn ip(&self) -> Option<IpAddr> {
        match self {
            Self::CommandLine => None,
            Self::Administrator(caller) => Some(caller.origin.ip),
        }
    }
}

/// Refuses whoever is no administrator, on record (LOG-1).
pub async fn require_administrator(services: &Services, caller: &Caller) -> Result<(), AppError> {
    if caller.account.is_admin {
        return Ok(());
    }
    let mut tx = services.db.write().await?;
    let event = Event { outcome: Outcome::Refused, ..by(caller, Action::AdministrationRefused, json!({})) };
    audit::record(&mut tx, &services.clock, event).await?;
    tx.commit().await?;
    Err(AppError::NotPermitted)
}

/// Keeps an account from signing in and ends all its sessions (SES-5), with its links and the invitations that it sent. Returns which
/// sessions.
pub async fn disable(db: &Db, clock: &Clock, user: &UserId, who: By<'_>) -> Result<Vec<SessionId>, AppError> {
    let now = clock.now();
    let mut tx = db.write().await?;
    who.lock(&mut tx, user).await?;
    accounts::set_disabled(&mut tx, user, Some(now)).await?;
    let ended = end_all(&mut tx, user, now, EndReason::AccountDisabled).await?;
    links::cancel_created_by(&mut tx, user).await?;
    for purpose in [Purpose::Reset, Purpose::Alert, Purpose::SecondFactor, Purpose::EmailChange] {
        links::cancel(&mut tx, purpose, Some(user)).await?;
    }
    let detail = json!({ "sessions_ended": ended.len() });
    audit::record(&mut tx, clock, who.event(Some(user), Action::AccountDisabled, detail)).await?;
    tx.commit().await?;
    Ok(ended)
}

/// Lets an account sign in again.
pub async fn enable(db: &Db, clock: &Clock, user: &UserId, who: By<'_>) -> Result<(), AppError> {
    let mut tx = db.write().await?;
    who.lock(&mut tx, user).await?;
    if accounts::set_disabled(&mut tx, user, None).await? {
        audit::record(&mut tx, clock, who.event(Some(user), Action::AccountEnabled, json!({}))).await?;
    }
    Ok(tx.commit().await?)
}

/// Ends one session of a person, or all (SES-10); which.
pub async fn revoke(db: &Db, clock: &Clock, user: &UserId, one: Option<&SessionId>, who: By<'_>) -> Result<Vec<SessionId>, AppError> {
    let (now, reason) = (clock.now(), EndReason::RevokedByAdministrator);
    let mut tx = db.write().await?;
    who.lock(&mut tx, user).await?;
    let ended = match one {
        Some(id) => sessions_store::end(&mut tx, user, id, now, reason).await?.into_iter().map(|row| row.id).collect(),
        None => end_all(&mut tx, user, now, reason).await?,
    };
    let detail = json!({ "session": one, "sessions_ended": ended.len() });
    audit::record(&mut tx, clock, who.event(Some(user), Action::SessionsRevokedByAdministrator, detail)).await?;
    tx.commit().await?;
    Ok(ended)
}

/// Ends all sessions of a person, expired ones too: who runs the command line does not see what the server holds in memory.
async fn end_all(tx: &mut Tx, user: &UserId, now: DateTime<Utc>, reason: EndReason) -> sqlx::Result<Vec<SessionId>> {
    let ended = sessions_store::end_others(tx, user, None, now, reason).await?;
    Ok(ended.into_iter().map(|session| session.id).collect())
}

/// Cuts off everybody's sessions but the caller's own, at once (SES-10, ASVS 7.4.5). A job ends them one by one afterwards.
pub async fn revoke_everybody(services: &Services, caller: &Caller) -> Result<(), AppError> {
    require_fresh(services, caller)?;
    let mut tx = services.db.write().await?;
    let epoch = epoch::cut_off_everybody(&mut tx, caller, services.clock.now()).await?;
    let detail = json!({ "everybody": true, "epoch": epoch });
    audit::record(&mut tx, &services.clock, by(caller, Action::SessionsRevokedByAdministrator, detail)).await?;
    tx.commit().await?;
    epoch::publish(services);
    Ok(())
}

/// Mails somebody the way to a new password, which nobody else chooses or sees (PWD-8).
pub async fn start_reset(services: &Services, account: &Account, who: By<'_>) -> Result<(), AppError> {
    let mut tx = services.db.write().await?;
    let locked = who.lock(&mut tx, &account.id).await?.filter(|locked| locked.is_enabled).ok_or(AppError::NotFound)?;
    if !password::mail_reset(&mut tx, services, &locked.account).await? {
        return Err(AppError::invalid("user", "This address was sent several mails within an hour. Try again later."));
    }
    audit::record(&mut tx, &services.clock, who.event(Some(&account.id), Action::ResetStartedByAdministrator, json!({}))).await?;
    Ok(tx.commit().await?)
}

/// Invites somebody by mail. All administrators are notified of an invitation as an administrator.
pub async fn invite(services: &Services, invitation: &Invitation, who: By<'_>) -> Result<(), AppError> {
    let mut tx = who.begin(services).await?;
    invitations::invite(&mut tx, services, invitation, who.event(None, Action::Invited, json!({}))).await?;
    if invitation.is_admin {
        notices::administrator_invited(&mut tx, services, invitation, who.name(), who.ip()).await?;
    }
    Ok(tx.commit().await?)
}

/// Cancels an invitation that was not answered yet. Returns whom it invited.
pub async fn cancel_invitation(services: &Services, id: &OneTimeTokenId, who: By<'_>) -> Result<Invitation, AppError> {
    let mut tx = who.begin(services).await?;
    let invitation = invitations::cancel(&mut tx, services, id, who.event(None, Action::InvitationCanceled, json!({}))).await?;
    tx.commit().await?;
    Ok(invitation)
}

/// Settles a request: whoever asked is invited, or not.
pub async fn settle(services: &Services, id: &RequestId, is_welcome: bool, who: By<'_>) -> Result<AccessRequest, AppError> {
    let mut tx = who.begin(services).await?;
    let request = requests::settle(&mut tx, id).await?.ok_or(AppError::NotFound)?;
    if is_welcome {
        let invitation = Invitation { email: request.email.clone(), is_admin: false };
        invitations::invite(&mut tx, services, &invitation, who.event(None, Action::Invited, json!({}))).await?;
    } else {
        audit::record(&mut tx, &services.clock, who.event(None, Action::AccessDeclined, json!({ "request": id }))).await?;
    }
    tx.commit().await?;
    Ok(request)
}

/// What the page shows.
pub struct Overview {
    /// People who would like to join.
    pub requests: Vec<AccessRequest>,
    /// Invitations that were not answered yet, or some of them.
    pub invitations: Vec<WaitingInvitation>,
    /// How far signing everybody out has come.
    pub progress: Progress,
    /// People with an account, or some of them.
    pub people: Vec<Person>,
    /// Whoever looks.
    pub own: UserId,
}

/// Who is there, and who would like to be.
pub async fn overview(services: &Services, caller: &Caller, search: &str) -> Result<Overview, AppError> {
    let mut db = services.db.read().await?;
    Ok(Overview {
        requests: requests::list(&mut db).await?,
        invitations: invitations::list(&mut db, MAX_INVITATIONS, services.clock.now()).await?,
        progress: epoch::progress(&mut db).await?,
        people: store::people(&mut db, search, MOST_PEOPLE).await?,
        own: caller.account.id.clone(),
    })
}

/// The account of this id, enabled or not.
pub async fn find(services: &Services, id: &str) -> Result<Account, AppError> {
    let id = UserId::parse(id).ok_or(AppError::NotFound)?;
    let found = accounts::credentials(&mut services.db.read().await?, &id).await?;
    found.map(|found| found.account).ok_or(AppError::NotFound)
}

/// Does one thing to somebody else's account; what was done, in words. Like all acts of administration it asks for recent
/// authentication (AUT-7).
pub async fn act(services: &Services, caller: &Caller, deed: Deed, account: &Account) -> Result<String, AppError> {
    let (db, clock) = (&services.db, &services.clock);
    let (user, name, who) = (&account.id, &account.username, By::Administrator(caller));
    who.require_fresh(services)?;
    if *user == caller.account.id {
        return Err(AppError::invalid("user", "This is your own account: what concerns it is on your profile."));
    }
    let ended = match deed {
        Deed::Disable => disable(db, clock, user, who).await?,
        Deed::SignOut => revoke(db, clock, user, None, who).await?,
        Deed::Enable => {
            enable(db, clock, user, who).await?;
            return Ok(format!("{name} can sign in again."));
        }
        Deed::Reset => {
            start_reset(services, account, who).await?;
            return Ok(format!("A link for a new password is on its way to {name}."));
        }
    };
    let count = ended.len();
    sessions::ended(services, user, ended);
    let sessions = format!("{count} {}", if count == 1 { "session was" } else { "sessions were" });
    Ok(match deed {
        Deed::Disable => format!("{name} cannot sign in any more; {sessions} ended."),
        _ => format!("{name} was signed out: {sessions} ended."),
    })
}

/// What is done to an account.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Deed {
    /// It cannot sign in any more.
    Disable,
    /// It can again.
    Enable,
    /// All its sessions end.
    SignOut,
    /// It is mailed the way to a new password.
    Reset,
}
