//! What an administrator does, on the page and from the command line. A running server honours it at the next request.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use crate::{
    accounts::{model::Account, store as accounts},
    admin::store::{self, Person},
    audit::{self, Action, Event, Outcome},
    error::AppError,
    foundation::{
        clock::Clock,
        db::{Db, Tx},
        ids::{RequestId, SessionId, UserId},
        services::Services,
    },
    password::actions as password,
    registration::{
        invitations::{self, Invitation},
        store::{self as requests, AccessRequest},
    },
    sessions::{
        actions::{self as sessions, by},
        caller::Caller,
        expiry::Cutoffs,
        model::EndReason,
        store as sessions_store,
    },
};

/// So many people are listed at once; a search finds the others.
pub const MOST_PEOPLE: i64 = 100;

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

/// Keeps an account from signing in and ends all its sessions (SES-5); which.
pub async fn disable(db: &Db, clock: &Clock, user: &UserId, who: By<'_>) -> Result<Vec<SessionId>, AppError> {
    let now = clock.now();
    let mut tx = db.write().await?;
    accounts::set_disabled(&mut tx, user, Some(now)).await?;
    let ended = end_all(&mut tx, user, now, EndReason::AccountDisabled).await?;
    let detail = json!({ "sessions_ended": ended.len() });
    audit::record(&mut tx, clock, who.event(Some(user), Action::AccountDisabled, detail)).await?;
    tx.commit().await?;
    Ok(ended)
}

/// Lets an account sign in again.
pub async fn enable(db: &Db, clock: &Clock, user: &UserId, who: By<'_>) -> Result<(), AppError> {
    let mut tx = db.write().await?;
    if accounts::set_disabled(&mut tx, user, None).await? {
        audit::record(&mut tx, clock, who.event(Some(user), Action::AccountEnabled, json!({}))).await?;
    }
    Ok(tx.commit().await?)
}

/// Ends one session of a person, or all (SES-10); which.
pub async fn revoke(db: &Db, clock: &Clock, user: &UserId, one: Option<&SessionId>, who: By<'_>) -> Result<Vec<SessionId>, AppError> {
    let (now, reason) = (clock.now(), EndReason::RevokedByAdministrator);
    let mut tx = db.write().await?;
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

/// Ends everybody's sessions but the caller's own (SES-10, ASVS 7.4.5); how many.
pub async fn revoke_everybody(services: &Services, caller: &Caller) -> Result<usize, AppError> {
    let (now, reason) = (services.clock.now(), EndReason::RevokedByAdministrator);
    let cutoffs = Cutoffs::at(&services.config.lifetimes, now);
    let mut tx = services.db.write().await?;
    let ended = sessions_store::end_everybody(&mut tx, &caller.session, cutoffs, now, reason).await?;
    let detail = json!({ "everybody": true, "sessions_ended": ended.len() });
    audit::record(&mut tx, &services.clock, by(caller, Action::SessionsRevokedByAdministrator, detail)).await?;
    tx.commit().await?;
    let count = ended.len();
    let mut of_each: HashMap<UserId, Vec<SessionId>> = HashMap::new();
    for (session, user) in ended {
        of_each.entry(user).or_default().push(session);
    }
    for (user, its) in of_each {
        sessions::ended(services, &user, its);
    }
    Ok(count)
}

/// Mails somebody the way to a new password, which nobody else chooses or sees (PWD-8).
pub async fn start_reset(services: &Services, account: &Account, who: By<'_>) -> Result<(), AppError> {
    let mut tx = services.db.write().await?;
    if !password::mail_reset(&mut tx, services, account).await? {
        return Err(AppError::invalid("user", "This address was sent several mails within an hour. Try again later."));
    }
    audit::record(&mut tx, &services.clock, who.event(Some(&account.id), Action::ResetStartedByAdministrator, json!({}))).await?;
    Ok(tx.commit().await?)
}

/// Invites somebody by mail.
pub async fn invite(services: &Services, invitation: &Invitation, who: By<'_>) -> Result<(), AppError> {
    let mut tx = services.db.write().await?;
    invitations::invite(&mut tx, services, invitation, who.event(None, Action::Invited, json!({}))).await?;
    Ok(tx.commit().await?)
}

/// Settles a request: whoever asked is invited, or not.
pub async fn settle(services: &Services, id: &RequestId, is_welcome: bool, who: By<'_>) -> Result<AccessRequest, AppError> {
    let mut tx = services.db.write().await?;
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

/// Does one thing to somebody else's account; what was done, in words.
pub async fn act(services: &Services, caller: &Caller, deed: Deed, account: &Account) -> Result<String, AppError> {
    let (db, clock) = (&services.db, &services.clock);
    let (user, name, who) = (&account.id, &account.username, By::Administrator(caller));
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
