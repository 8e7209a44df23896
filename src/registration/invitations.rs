//! Invitations, and the accounts that are made by them. Whoever opens one has the mail, so the address is verified.

use std::net::IpAddr;

use chrono::{DateTime, Utc};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::{
    accounts::{
        actions::NewAccount,
        model::{Account, check_chosen_username, check_email, check_username},
        store::{self as accounts, key},
    },
    audit::{self, Action, Event, Outcome},
    error::AppError,
    foundation::{
        db::{Connection, Tx},
        ids::{OneTimeTokenId, UserId},
        links::{self, ListedLink, Purpose},
        secret::{Secret, hash_hex},
        services::Services,
    },
    mail::{self, Kind, Letter},
    password::rules,
    registration::{actions::COMMAND_LINE, notices, store},
};

/// Who is invited.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Invitation {
    /// The address that the invitation is mailed to, and that the account gets.
    pub email: String,
    /// Whether the account administers the service.
    pub is_admin: bool,
}

/// Invites somebody, and settles their request, if there is one; `event` says by whom. Said in words where they have an
/// account already: an administrator may know.
pub async fn invite(tx: &mut Tx, services: &Services, invitation: &Invitation, event: Event<'_>) -> Result<(), AppError> {
    let email = &invitation.email;
    check_email(email)?;
    if accounts::find(tx, email).await?.is_some() {
        return Err(AppError::invalid("email", "Somebody with this email address has an account already."));
    }
    if !mail_invitation(tx, services, invitation, event.actor, "Somebody invited this email address.").await? {
        return Err(AppError::invalid("email", "This address was sent several mails within an hour. Invite it again later."));
    }
    store::settle_email(tx, email).await?;
    Ok(audit::record(tx, &services.clock, Event { detail: about(invitation), ..event }).await?)
}

/// Addresses are told apart on record, and not told (LOG-3).
fn about(invitation: &Invitation) -> serde_json::Value {
    json!({ "email_sha256": hash_hex(key(&invitation.email).as_bytes()), "administrator": invitation.is_admin })
}

/// Mails a link that makes an account, unless too much was mailed there already. Whether it was. The link ends with the account
/// of `inviter`, if there is one.
pub async fn mail_invitation(
    tx: &mut Tx,
    services: &Services,
    invitation: &Invitation,
    inviter: Option<&UserId>,
    why: &'static str,
) -> sqlx::Result<bool> {
    let secret = links::make_by(tx, Purpose::Invitation, inviter, invitation, services.clock.now()).await?;
    let site = services.config.public_url().authority;
    let letter = Letter::new("Create your Whereabouts account", why)
        .say(format!("You can create an account at {site}. Choose a username and a password, and it is yours."))
        .lead("Create your account", join_path(&secret))
        .advise("This works once, and for 7 days. If you do not want an account, do nothing.");
    mail::send_asked_for(tx, services, None, &invitation.email, Kind::Invitation, letter).await
}

fn join_path(secret: &Secret) -> String {
    format!("/register?token={}", secret.reveal())
}

/// Whom this link invites, while it is good. Looking at it changes nothing.
pub async fn look(services: &Services, link: &str) -> Result<Invitation, AppError> {
    let found = links::look(&mut services.db.read().await?, Purpose::Invitation, link, services.clock.now()).await?;
    found.and_then(|link| link.detail()).ok_or(AppError::SpentLink)
}

/// Makes the account that a link invites to, and spends the link.
pub async fn join(services: &Services, link: &str, username: String, password: SecretString) -> Result<Account, AppError> {
    let Invitation { email, is_admin } = look(services, link).await?;
    if is_admin {
        check_username(&username)?;
    } else {
        check_chosen_username(&username)?;
    }
    rules::check("password", password.expose_secret(), &[&username, &email])?;
    let hash = services.hasher.reserve()?.hash(password.clone()).await;
    let mut tx = services.db.write().await?;
    let spent = links::spend(&mut tx, Purpose::Invitation, link, services.clock.now()).await?.ok_or(AppError::SpentLink)?;
    let account = NewAccount { username, email, password, is_admin }.create(&mut tx, &services.clock, &hash).await?;
    store::settle_email(&mut tx, &account.email).await?;
    if is_admin {
        let inviter = inviter_name(&mut tx, spent.created_by.as_ref()).await?;
        notices::administrator_added(&mut tx, services, &account, &inviter).await?;
    }
    tx.commit().await?;
    Ok(account)
}

async fn inviter_name(tx: &mut Tx, inviter: Option<&UserId>) -> sqlx::Result<String> {
    let found = match inviter {
        Some(inviter) => accounts::find_by_id(tx, inviter).await?,
        None => None,
    };
    Ok(found.map_or_else(|| COMMAND_LINE.to_owned(), |account| account.username))
}

/// An invitation that was not answered yet.
pub struct WaitingInvitation {
    /// Names the invitation.
    pub id: OneTimeTokenId,
    /// Who is invited.
    pub invitation: Invitation,
    /// The username of the administrator who sent it. `None` for the command line and for open registration.
    pub inviter: Option<String>,
    /// When it was sent.
    pub sent_at: DateTime<Utc>,
    /// From when on it makes no account.
    pub expires_at: DateTime<Utc>,
}

/// Up to `limit` invitations that were not answered yet: those of administrators first, each group newest first.
pub async fn list(db: &mut impl Connection, limit: i64, now: DateTime<Utc>) -> sqlx::Result<Vec<WaitingInvitation>> {
    let listed = links::list(db, Purpose::Invitation, limit, now).await?;
    let show = |link: ListedLink| {
        let invitation = link.detail()?;
        let ListedLink { id, creator, created_at, expires_at, .. } = link;
        Some(WaitingInvitation { id, invitation, inviter: creator, sent_at: created_at, expires_at })
    };
    Ok(listed.into_iter().filter_map(show).collect())
}

/// Cancels an invitation; `event` says by whom. Returns whom it invited.
///
/// Errors: [`AppError::NotFound`] if it was answered or canceled, or has expired.
pub async fn cancel(tx: &mut Tx, services: &Services, id: &OneTimeTokenId, event: Event<'_>) -> Result<Invitation, AppError> {
    let canceled = links::cancel_one(tx, Purpose::Invitation, id, services.clock.now()).await?;
    let invitation: Invitation = canceled.and_then(|link| link.detail()).ok_or(AppError::NotFound)?;
    audit::record(tx, &services.clock, Event { detail: about(&invitation), ..event }).await?;
    Ok(invitation)
}

/// An event of somebody who asks for an account without having one.
pub fn asked(action: Action, is_mailed: bool, email: &str, ip: IpAddr) -> Event<'static> {
    let outcome = if is_mailed { Outcome::Success } else { Outcome::Refused };
    let detail = json!({ "email_sha256": hash_hex(key(email).as_bytes()) });
    Event { action, outcome, actor: None, session: None, token: None, subject: None, ip: Some(ip), detail }
}
