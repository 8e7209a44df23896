//! Requests, confirms and cancels a change of the email address.

use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::{
    accounts::{
        actions::{administration_event, map_unique_violation},
        known,
        model::{Account, check_email},
        store::{self as accounts, normalize_identifier},
    },
    authentication::email_change::store,
    error::AppError,
    foundation::{
        client::info::ClientInfo,
        crypto::one_time_tokens::{self, Purpose},
        db::Tx,
        ids::UserId,
        services::Services,
    },
    mail::{self, Content, Kind},
    reauthentication::actions::require_recent,
    record::{Action, Event},
    sessions::{
        actions::{audit_event, lock_account},
        caller::CurrentSession,
    },
};

const WHY: &str = "Someone requested a change of the email address of a Whereabouts account.";

/// The address that a token was mailed to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum Side {
    Old,
    New,
}

/// What a token confirms.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Confirmation {
    /// The new address.
    pub email: String,
    side: Side,
}

/// Status of a change after a confirmation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChangeStatus {
    /// The other address has not confirmed it yet.
    Pending,
    /// The account has its new address.
    Done,
}

/// Requests a change: mails a link to both addresses. The caller does not learn whether the new one belongs to another account; its
/// owner is notified by mail instead.
///
/// Errors: [`AppError::ReauthenticationRequired`]; [`AppError::Invalid`] if the address is malformed or unchanged, or too many mails were sent to
/// the old one.
pub async fn request(services: &Services, caller: &CurrentSession, email: &str) -> Result<(), AppError> {
    require_recent(services, caller)?;
    check_email(email)?;
    if normalize_identifier(email) == normalize_identifier(&caller.account.email) {
        return Err(AppError::invalid("email", "This is already your email address."));
    }
    let mut tx = services.db.write().await?;
    let account = &lock_account(&mut tx, caller).await?.account;
    one_time_tokens::cancel(&mut tx, Purpose::EmailChange, Some(&account.id)).await?;
    store::replace(&mut tx, &account.id, email).await?;
    if !mail_link(&mut tx, services, account, email, Side::Old).await? {
        return Err(AppError::invalid("email", "Too many emails were sent to your address within an hour. Try again later."));
    }
    match accounts::find(&mut tx, email).await? {
        Some(other) => {
            let content = Content::new("Someone tried to use your email address", WHY).paragraph(
                "Someone tried to use this email address for another account. It belongs to your account, so nothing was changed.",
            );
            mail::enqueue_limited(&mut tx, services, Some(&other.account.id), &other.account.email, Kind::EmailChange, content).await?;
        }
        None => {
            mail_link(&mut tx, services, account, email, Side::New).await?;
        }
    }
    services.recorder.write(&mut tx, audit_event(caller, Action::EmailChangeAskedFor, json!({}))).await?;
    Ok(tx.commit().await?)
}

/// Mails a link to one of the two addresses. Returns false if its mail limit is reached.
async fn mail_link(tx: &mut Tx, services: &Services, account: &Account, email: &str, side: Side) -> sqlx::Result<bool> {
    let confirmation = Confirmation { email: email.to_owned(), side };
    let secret = one_time_tokens::create(tx, Purpose::EmailChange, Some(&account.id), &confirmation, services.clock.now()).await?;
    let to = if side == Side::Old { &account.email } else { email };
    let content = Content::new("Confirm the change of your email address", WHY)
        .paragraph("Someone, hopefully you, requested a new email address for your Whereabouts account. It changes once both addresses have confirmed it.")
        .fact("Account", &account.username)
        .fact("New address", email)
        .button("Confirm the change", format!("/verify-email?token={}", secret.reveal()))
        .note("The link works once, for one day. If this was not you, do not confirm it, and change your password.");
    mail::enqueue_limited(tx, services, Some(&account.id), to, Kind::EmailChange, content).await
}

/// Returns the new address of a pending change. `None` if there is none.
pub async fn pending(services: &Services, user: &UserId) -> Result<Option<String>, AppError> {
    Ok(store::find(&mut services.db.read().await?, user).await?.map(|change| change.new_email))
}

/// Cancels a pending change and its tokens.
pub async fn cancel(services: &Services, caller: &CurrentSession) -> Result<(), AppError> {
    let mut tx = services.db.write().await?;
    lock_account(&mut tx, caller).await?;
    store::remove(&mut tx, &caller.account.id).await?;
    one_time_tokens::cancel(&mut tx, Purpose::EmailChange, Some(&caller.account.id)).await?;
    Ok(tx.commit().await?)
}

/// Returns what this token confirms, without consuming it.
///
/// Errors: [`AppError::LinkExpired`].
pub async fn peek(services: &Services, token: &str) -> Result<Confirmation, AppError> {
    let found = one_time_tokens::peek(&mut services.db.read().await?, Purpose::EmailChange, token, services.clock.now()).await?;
    found.and_then(|token| token.detail()).ok_or(AppError::LinkExpired)
}

/// Confirms the change for one address. The second confirmation completes it, and both addresses are notified.
///
/// Errors: [`AppError::LinkExpired`].
pub async fn confirm(services: &Services, token: &str, client_info: &ClientInfo) -> Result<ChangeStatus, AppError> {
    let found = one_time_tokens::peek(&mut services.db.read().await?, Purpose::EmailChange, token, services.clock.now()).await?;
    let owner = found.and_then(|token| token.user_id).ok_or(AppError::LinkExpired)?;
    let mut tx = services.db.write().await?;
    accounts::lock(&mut tx, &owner).await?;
    let consumed =
        one_time_tokens::consume(&mut tx, Purpose::EmailChange, token, services.clock.now()).await?.ok_or(AppError::LinkExpired)?;
    let confirmation: Confirmation = consumed.detail().ok_or(AppError::LinkExpired)?;
    let user = consumed.user_id.ok_or(AppError::LinkExpired)?;
    let side = confirmation.side;
    let change = store::confirm(&mut tx, &user, side == Side::Old, side == Side::New).await?;
    let change = change.filter(|change| change.new_email == confirmation.email).ok_or(AppError::LinkExpired)?;
    let event = |action| Event { client: Some(client_info), ..administration_event(&user, action, json!({})) };
    if !(change.is_old_confirmed && change.is_new_confirmed) {
        services.recorder.write(&mut tx, event(Action::EmailChangeConfirmed)).await?;
        tx.commit().await?;
        return Ok(ChangeStatus::Pending);
    }
    let before = accounts::find_by_id(&mut tx, &user).await?.ok_or(AppError::LinkExpired)?;
    accounts::set_email(&mut tx, &user, &change.new_email).await.map_err(map_unique_violation)?;
    store::remove(&mut tx, &user).await?;
    for purpose in [Purpose::EmailChange, Purpose::Reset, Purpose::Alert] {
        one_time_tokens::cancel(&mut tx, purpose, Some(&user)).await?;
    }
    known::forget_devices(&mut tx, &user).await?;
    services.recorder.write(&mut tx, event(Action::EmailChanged)).await?;
    let after = Account { email: change.new_email, ..before.clone() };
    for account in [&before, &after] {
        mail::enqueue(&mut tx, services, account, Kind::EmailChange, address_changed_email(&before, &after, client_info)).await?;
    }
    tx.commit().await?;
    Ok(ChangeStatus::Done)
}

fn address_changed_email(before: &Account, after: &Account, client_info: &ClientInfo) -> Content {
    Content::new("Your email address was changed", "You get this email for every change of your email address.")
        .paragraph("The email address of your Whereabouts account was changed. Use the new one to sign in. Emails go there from now on.")
        .fact("Old address", &before.email)
        .fact("New address", &after.email)
        .fact("IP address", client_info.ip.to_string())
        .button("Review your sessions", "/profile?tab=security")
        .note("If this was not you, contact your administrator immediately.")
}
