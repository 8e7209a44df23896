//! Invitations, and the accounts created with them. The token is sent by mail only, so using it verifies the email address.

use chrono::{DateTime, Utc};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::{
    accounts::{
        actions::NewAccount,
        model::{Account, check_chosen_username, check_email, check_username},
        store::{self as accounts, normalize_identifier},
    },
    authentication::{
        password::rules,
        registration::{granted, notices, store},
    },
    error::AppError,
    foundation::{
        client::info::ClientInfo,
        crypto::{
            one_time_tokens::{self, OneTimeTokenSummary, Purpose},
            secret::{Secret, hash_hex},
        },
        db::{Connection, Tx},
        ids::{OneTimeTokenId, OrganizationId, UserId},
        services::Services,
    },
    mail::{self, Content, Kind},
    permissions::grants::{emails, model::GrantTerms, store as grants},
    reauthentication::actor::COMMAND_LINE,
    record::{Action, Event, Outcome},
};

/// An invitation to create an account.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Invitation {
    /// The email address of the invitation and of the future account.
    pub email: String,
    /// Whether the account becomes an administrator.
    pub is_admin: bool,
    /// The organization of the access that is granted with the account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub organization: Option<OrganizationId>,
    /// Access that is granted with the account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grant: Option<GrantTerms>,
}

impl Invitation {
    /// Creates an invitation that grants no access.
    pub fn new(email: String, is_admin: bool) -> Self {
        Self { email, is_admin, organization: None, grant: None }
    }
}

/// Sends an invitation and removes the access request of the same address. `event` names the inviter.
///
/// Errors: [`AppError::Invalid`] if the address is malformed, has an account, or its mail limit is reached. Platform administrators may know
/// of any account. Those who grant access do not learn of a disabled one: the invitation is sent, and creates no account.
pub async fn invite(tx: &mut Tx, services: &Services, invitation: &Invitation, event: Event<'_>) -> Result<(), AppError> {
    let email = &invitation.email;
    check_email(email)?;
    let found = accounts::find(tx, email).await?;
    if found.is_some_and(|found| found.is_enabled || invitation.grant.is_none()) {
        return Err(AppError::invalid("email", "An account with this email address already exists."));
    }
    if !mail_invitation(tx, services, invitation, event.actor, "Someone invited you to create an account.").await? {
        return Err(AppError::invalid("email", "Too many emails were sent to this address within an hour. Invite it again later."));
    }
    store::remove_by_email(tx, email).await?;
    Ok(services.recorder.write(tx, Event { detail: event_detail(invitation), ..event }).await?)
}

/// Returns the detail of an event. Holds a hash of the email address instead of the address (LOG-3).
fn event_detail(invitation: &Invitation) -> serde_json::Value {
    let hash = hash_hex(normalize_identifier(&invitation.email).as_bytes());
    let mut detail = json!({ "email_sha256": hash, "administrator": invitation.is_admin });
    if let Some(grant) = &invitation.grant {
        detail["organization"] = json!(invitation.organization);
        detail["grant"] = json!(grant);
    }
    detail
}

/// Mails an invitation link. Returns false if the mail limit of the address is reached. The token ends with the account of
/// `inviter`, if there is one.
pub async fn mail_invitation(
    tx: &mut Tx,
    services: &Services,
    invitation: &Invitation,
    inviter: Option<&UserId>,
    why: &'static str,
) -> sqlx::Result<bool> {
    let secret = one_time_tokens::create_by(tx, Purpose::Invitation, inviter, invitation, services.clock.now()).await?;
    let site = services.config.public_url().authority;
    let content = Content::new("Create your Whereabouts account", why)
        .paragraph(format!("You can create an account at {site}. Open the link to choose a username and a password."));
    let content = add_promise(tx, content, invitation.grant.as_ref())
        .await?
        .button("Create your account", invitation_path(&secret))
        .note("The link works once, for 7 days. If you do not want an account, ignore this email.");
    mail::enqueue_limited(tx, services, None, &invitation.email, Kind::Invitation, content).await
}

/// Adds what access the account comes with.
async fn add_promise(tx: &mut Tx, content: Content, grant: Option<&GrantTerms>) -> sqlx::Result<Content> {
    let Some(grant) = grant else { return Ok(content) };
    let Some((name, organization)) = grants::scope_names(tx, &grant.scope).await? else { return Ok(content) };
    let until = emails::until(grant.expires_at, "UTC"); // nobody knows the person's time zone yet
    Ok(emails::add_promise(content, grant.role, grant.scope.kind(), (&name, &organization), until))
}

fn invitation_path(secret: &Secret) -> String {
    format!("/register?token={}", secret.reveal())
}

/// Returns the invitation of this token without consuming it.
///
/// Errors: [`AppError::LinkExpired`].
pub async fn peek(services: &Services, token: &str) -> Result<Invitation, AppError> {
    let found = one_time_tokens::peek(&mut services.db.read().await?, Purpose::Invitation, token, services.clock.now()).await?;
    found.and_then(|token| token.detail()).ok_or(AppError::LinkExpired)
}

/// Creates the invited account and consumes the token. With it come the grants that invitations of this address carry.
///
/// Errors: [`AppError::LinkExpired`], [`AppError::Invalid`], [`AppError::Busy`].
pub async fn accept(services: &Services, token: &str, username: String, password: SecretString) -> Result<Account, AppError> {
    let Invitation { email, is_admin, .. } = peek(services, token).await?;
    if is_admin {
        check_username(&username)?;
    } else {
        check_chosen_username(&username)?;
    }
    rules::check("password", password.expose_secret(), &[&username, &email])?;
    let hash = services.hasher.reserve()?.hash(password.clone()).await;
    let mut tx = services.db.write().await?;
    let carrying = granted::lock_carrying(&mut tx, services, &email).await?;
    let consumed =
        one_time_tokens::consume(&mut tx, Purpose::Invitation, token, services.clock.now()).await?.ok_or(AppError::LinkExpired)?;
    let account = NewAccount { username, email, password, is_admin }.create(&mut tx, &services.recorder, &hash).await?;
    store::remove_by_email(&mut tx, &account.email).await?;
    granted::create_carried(&mut tx, services, &account, &consumed, carrying).await?;
    if is_admin {
        let inviter = inviter_name(&mut tx, consumed.created_by.as_ref()).await?;
        notices::notify_of_new_administrator(&mut tx, services, &account, &inviter).await?;
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

/// An invitation that was not accepted yet.
pub struct PendingInvitation {
    /// The id of the one-time token.
    pub id: OneTimeTokenId,
    /// The invitation.
    pub invitation: Invitation,
    /// The username of the administrator who sent it. `None` for the command line and for open registration.
    pub inviter: Option<String>,
    /// When it was sent.
    pub sent_at: DateTime<Utc>,
    /// When it expires.
    pub expires_at: DateTime<Utc>,
}

/// Lists up to `limit` pending invitations: those sent by administrators first, each group newest first.
pub async fn list(db: &mut impl Connection, limit: i64, now: DateTime<Utc>) -> sqlx::Result<Vec<PendingInvitation>> {
    let listed = one_time_tokens::list(db, Purpose::Invitation, limit, now).await?;
    let show = |token: OneTimeTokenSummary| {
        let OneTimeTokenSummary { id, creator, created_at, expires_at, detail } = token;
        let invitation = one_time_tokens::parse_detail(&detail)?;
        Some(PendingInvitation { id, invitation, inviter: creator, sent_at: created_at, expires_at })
    };
    Ok(listed.into_iter().filter_map(show).collect())
}

/// Cancels an invitation and returns it. `event` names who canceled it.
///
/// Errors: [`AppError::NotFound`] if it was accepted or canceled, or has expired.
pub async fn cancel(tx: &mut Tx, services: &Services, id: &OneTimeTokenId, event: Event<'_>) -> Result<Invitation, AppError> {
    let canceled = one_time_tokens::cancel_by_id(tx, Purpose::Invitation, id, services.clock.now()).await?;
    let invitation: Invitation = canceled.and_then(|token| token.detail()).ok_or(AppError::NotFound)?;
    services.recorder.write(tx, Event { detail: event_detail(&invitation), ..event }).await?;
    Ok(invitation)
}

/// Returns an event without an actor or account, for a request from somebody who is not signed in.
pub fn anonymous_event<'a>(action: Action, is_success: bool, email: &str, client: &'a ClientInfo) -> Event<'a> {
    let outcome = if is_success { Outcome::Success } else { Outcome::Refused };
    let detail = json!({ "email_sha256": hash_hex(normalize_identifier(email).as_bytes()) });
    Event { outcome, client: Some(client), ..Event::new(action, detail) }
}
