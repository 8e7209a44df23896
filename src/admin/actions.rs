//! Actions of administrators, from the page and the command line. A running server applies them at the next request.

use chrono::{DateTime, Utc};
use serde_json::json;

use crate::{
    accounts::{model::Account, store as accounts},
    admin::store::{self, UserSummary},
    authentication::{
        password::actions as password,
        registration::{
            invitations::{self, Invitation, PendingInvitation},
            notices,
            store::{self as requests, AccessRequest},
        },
    },
    error::AppError,
    foundation::{
        crypto::one_time_tokens::{self, Purpose},
        db::{Db, Tx},
        http::page::PageRequest,
        ids::{OneTimeTokenId, RequestId, SessionId, UserId},
        services::Services,
    },
    plants::{model::Organization, organizations::actions as organizations},
    reauthentication::{actions::require_recent, actor::Actor},
    record::{Action, Recorder},
    sessions::{
        actions::{self as sessions, audit_event},
        caller::CurrentSession,
        ended::Ending,
        epoch::{self, Progress},
        model::EndReason,
        store as sessions_store,
    },
};

/// Users listed at once. A search finds the others.
pub const MAX_LISTED_USERS: i64 = 100;

/// Organizations listed at once. The API lists them all.
const MAX_ORGANIZATIONS: i64 = 200;

/// Invitations listed at once.
pub const MAX_INVITATIONS: i64 = 100;

/// Refuses callers who are not administrators, and records the refusal (LOG-1).
///
/// Errors: [`AppError::NotPermitted`].
pub async fn require_administrator(services: &Services, caller: &CurrentSession) -> Result<(), AppError> {
    Actor::Principal(caller).require_platform_administrator(services).await
}

/// Disables an account: it cannot sign in, its sessions end (SES-5), and its one-time tokens and the invitations that it sent are canceled.
/// Returns the ended sessions.
pub async fn disable(db: &Db, recorder: &Recorder, user: &UserId, actor: Actor<'_>) -> Result<Vec<SessionId>, AppError> {
    let now = recorder.clock().now();
    let mut tx = db.write().await?;
    actor.lock_accounts(&mut tx, user).await?;
    accounts::set_disabled(&mut tx, user, Some(now)).await?;
    let ended = end_all_sessions(&mut tx, user, now, actor.ending(EndReason::AccountDisabled)).await?;
    one_time_tokens::cancel_created_by(&mut tx, user).await?;
    for purpose in [Purpose::Reset, Purpose::Alert, Purpose::SecondFactor, Purpose::EmailChange] {
        one_time_tokens::cancel(&mut tx, purpose, Some(user)).await?;
    }
    let detail = json!({ "sessions_ended": ended.len() });
    recorder.write(&mut tx, actor.event(Some(user), Action::AccountDisabled, detail)).await?;
    tx.commit().await?;
    Ok(ended)
}

/// Enables a disabled account.
pub async fn enable(db: &Db, recorder: &Recorder, user: &UserId, actor: Actor<'_>) -> Result<(), AppError> {
    let mut tx = db.write().await?;
    actor.lock_accounts(&mut tx, user).await?;
    if accounts::set_disabled(&mut tx, user, None).await? {
        recorder.write(&mut tx, actor.event(Some(user), Action::AccountEnabled, json!({}))).await?;
    }
    Ok(tx.commit().await?)
}

/// Ends one session of a user, or all (SES-10). Returns the ended sessions.
pub async fn revoke(
    db: &Db,
    recorder: &Recorder,
    user: &UserId,
    id: Option<&SessionId>,
    actor: Actor<'_>,
) -> Result<Vec<SessionId>, AppError> {
    let (now, ending) = (recorder.clock().now(), actor.ending(EndReason::RevokedByAdministrator));
    let mut tx = db.write().await?;
    actor.lock_accounts(&mut tx, user).await?;
    let ended = match id {
        Some(id) => sessions_store::end(&mut tx, user, id, now, ending).await?.into_iter().map(|row| row.id).collect(),
        None => end_all_sessions(&mut tx, user, now, ending).await?,
    };
    let detail = json!({ "session": id, "sessions_ended": ended.len() });
    recorder.write(&mut tx, actor.event(Some(user), Action::SessionsRevokedByAdministrator, detail)).await?;
    tx.commit().await?;
    Ok(ended)
}

/// Ends all sessions of a user, expired ones too: the command line does not see the uses that the server holds in memory.
async fn end_all_sessions(tx: &mut Tx, user: &UserId, now: DateTime<Utc>, ending: Ending<'_>) -> sqlx::Result<Vec<SessionId>> {
    let ended = sessions_store::end_others(tx, user, None, now, ending).await?;
    Ok(ended.into_iter().map(|session| session.id).collect())
}

/// Invalidates all sessions but the caller's own at once (SES-10, ASVS 7.4.5). A worker ends them one by one afterwards.
pub async fn sign_everybody_out(services: &Services, caller: &CurrentSession) -> Result<(), AppError> {
    require_recent(services, caller)?;
    let mut tx = services.db.write().await?;
    let epoch = epoch::cut_off_everybody(&mut tx, caller, services.clock.now()).await?;
    let detail = json!({ "everybody": true, "epoch": epoch });
    services.recorder.write(&mut tx, audit_event(caller, Action::SessionsRevokedByAdministrator, detail)).await?;
    tx.commit().await?;
    epoch::publish(services);
    Ok(())
}

/// Mails a user a password reset link, so that nobody else chooses or sees the password (PWD-8).
///
/// Errors: [`AppError::NotFound`] unless the account is enabled.
pub async fn start_reset(services: &Services, account: &Account, actor: Actor<'_>) -> Result<(), AppError> {
    let mut tx = services.db.write().await?;
    let locked = actor.lock_accounts(&mut tx, &account.id).await?.filter(|locked| locked.is_enabled).ok_or(AppError::NotFound)?;
    if !password::mail_reset(&mut tx, services, &locked.account).await? {
        return Err(AppError::invalid("user", "Too many emails were sent to this address within an hour. Try again later."));
    }
    services.recorder.write(&mut tx, actor.event(Some(&account.id), Action::ResetStartedByAdministrator, json!({}))).await?;
    Ok(tx.commit().await?)
}

/// Invites a person by mail. All administrators are notified if the person is to be an administrator.
pub async fn invite(services: &Services, invitation: &Invitation, actor: Actor<'_>) -> Result<(), AppError> {
    let mut tx = actor.begin(services).await?;
    invitations::invite(&mut tx, services, invitation, actor.event(None, Action::Invited, json!({}))).await?;
    if invitation.is_admin {
        notices::notify_of_invited_administrator(&mut tx, services, &invitation.email, actor.name(), actor.ip()).await?;
    }
    Ok(tx.commit().await?)
}

/// Cancels an invitation that was not accepted yet, and returns it.
pub async fn cancel_invitation(services: &Services, id: &OneTimeTokenId, actor: Actor<'_>) -> Result<Invitation, AppError> {
    let mut tx = actor.begin(services).await?;
    let invitation = invitations::cancel(&mut tx, services, id, actor.event(None, Action::InvitationCanceled, json!({}))).await?;
    tx.commit().await?;
    Ok(invitation)
}

/// Decides a request for access: invites the person or declines. Returns the request.
///
/// Errors: [`AppError::NotFound`] if it was decided already.
pub async fn decide_request(services: &Services, id: &RequestId, is_accepted: bool, actor: Actor<'_>) -> Result<AccessRequest, AppError> {
    let mut tx = actor.begin(services).await?;
    let request = requests::remove(&mut tx, id).await?.ok_or(AppError::NotFound)?;
    if is_accepted {
        let invitation = Invitation::new(request.email.clone(), false);
        invitations::invite(&mut tx, services, &invitation, actor.event(None, Action::Invited, json!({}))).await?;
    } else {
        services.recorder.write(&mut tx, actor.event(None, Action::AccessDeclined, json!({ "request": id }))).await?;
    }
    tx.commit().await?;
    Ok(request)
}

/// The data of the administrators' page.
pub struct Overview {
    /// Open requests for access.
    pub requests: Vec<AccessRequest>,
    /// Invitations that were not accepted yet, at most [`MAX_INVITATIONS`].
    pub invitations: Vec<PendingInvitation>,
    /// Progress of signing everybody out.
    pub progress: Progress,
    /// The users found, at most [`MAX_LISTED_USERS`].
    pub users: Vec<UserSummary>,
    /// The caller's own id.
    pub own_id: UserId,
    /// The organizations, at most [`MAX_ORGANIZATIONS`].
    pub organizations: Vec<Organization>,
}

/// Loads the data of the administrators' page.
pub async fn overview(services: &Services, caller: &CurrentSession, search: &str) -> Result<Overview, AppError> {
    let page = PageRequest::first(MAX_ORGANIZATIONS);
    let (organizations, _) = organizations::list(services, caller, &page).await?;
    let mut db = services.db.read().await?;
    Ok(Overview {
        organizations,
        requests: requests::list(&mut db).await?,
        invitations: invitations::list(&mut db, MAX_INVITATIONS, services.clock.now()).await?,
        progress: epoch::progress(&mut db).await?,
        users: store::search_users(&mut db, search, MAX_LISTED_USERS).await?,
        own_id: caller.account.id.clone(),
    })
}

/// Returns the account with this id, enabled or not.
///
/// Errors: [`AppError::NotFound`].
pub async fn find(services: &Services, id: &str) -> Result<Account, AppError> {
    let id = UserId::parse(id).ok_or(AppError::NotFound)?;
    let found = accounts::find_credentials(&mut services.db.read().await?, &id).await?;
    found.map(|found| found.account).ok_or(AppError::NotFound)
}

/// Performs an action on another user's account. Returns a sentence about the result. Like all administration, it requires recent
/// authentication (AUT-7).
pub async fn perform(services: &Services, caller: &CurrentSession, action: AccountAction, account: &Account) -> Result<String, AppError> {
    let (db, recorder) = (&services.db, &services.recorder);
    let (user, name, actor) = (&account.id, &account.username, Actor::Principal(caller));
    actor.require_recent(services)?;
    if *user == caller.account.id {
        return Err(AppError::invalid("user", "This is your own account. Manage it on your profile."));
    }
    let ended = match action {
        AccountAction::Disable => disable(db, recorder, user, actor).await?,
        AccountAction::SignOut => revoke(db, recorder, user, None, actor).await?,
        AccountAction::Enable => {
            enable(db, recorder, user, actor).await?;
            return Ok(format!("{name} can sign in again."));
        }
        AccountAction::Reset => {
            start_reset(services, account, actor).await?;
            return Ok(format!("A password reset link is on its way to {name}."));
        }
    };
    let count = ended.len();
    sessions::publish_ended(services, user, ended);
    let sessions = format!("{count} {}", if count == 1 { "session was" } else { "sessions were" });
    Ok(match action {
        AccountAction::Disable => format!("{name} can no longer sign in: {sessions} ended."),
        _ => format!("{name} was signed out: {sessions} ended."),
    })
}

/// An action on an account.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum AccountAction {
    /// Keeps it from signing in and ends its sessions.
    Disable,
    /// Lets it sign in again.
    Enable,
    /// Ends all its sessions.
    SignOut,
    /// Mails it a password reset link.
    Reset,
}
