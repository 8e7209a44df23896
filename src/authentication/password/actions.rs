//! Changes and resets passwords.

use std::sync::Arc;

use secrecy::{ExposeSecret, SecretString};
use serde_json::json;

use crate::{
    accounts::{actions::administration_event, known, model::Account, store as accounts},
    api_tokens::actions as api_tokens,
    authentication::{
        password::{rules, store},
        two_factor::actions as two_factor,
    },
    error::AppError,
    foundation::{
        client::info::ClientInfo,
        crypto::{
            one_time_tokens::{self, Purpose},
            secret::{Secret, hash_hex},
        },
        db::Tx,
        services::Services,
    },
    mail::{self, Content, Kind},
    rate_limit::{self, Limit},
    reauthentication::actions::{self as reauthentication, PasswordPrompt},
    record::{Action, Event, Outcome},
    sessions::{
        actions::{self as sessions, audit_event},
        caller::CurrentSession,
        ended::Ending,
        model::EndReason,
    },
};

/// Result of a password change.
pub struct ChangeOutcome {
    /// Number of other sessions that ended.
    pub revoked: usize,
    /// The current session's new token (SES-3).
    pub token: Secret,
    /// Number of API tokens, which keep working.
    pub api_tokens: i64,
}

/// Changes the caller's password. All other sessions end (PWD-4).
///
/// Errors: [`AppError::Invalid`] if the new password breaks a rule or the current one is wrong, [`AppError::TooManyAttempts`],
/// [`AppError::Busy`].
pub async fn change(
    services: &Services,
    caller: &CurrentSession,
    current: SecretString,
    new: SecretString,
) -> Result<ChangeOutcome, AppError> {
    let account = &caller.account;
    rules::check("new", new.expose_secret(), &[&account.username, &account.email])?;
    let slot = services.hasher.reserve()?;
    let verified =
        reauthentication::verify_password(services, caller, PasswordPrompt { purpose: "password_change", field: "current" }, current)
            .await?;
    let hash = slot.hash(new).await;
    let mut tx = services.db.write().await?;
    verified.ensure_unchanged(&sessions::lock_account(&mut tx, caller).await?)?;
    store::replace(&mut tx, &account.id, &hash, services.clock.now()).await?;
    let ended =
        sessions::end_all_but(&mut tx, services, &account.id, Some(&caller.session), Ending::by(caller, EndReason::PasswordChanged))
            .await?;
    let token = sessions::rotate_token(&mut tx, services, caller).await?;
    one_time_tokens::cancel(&mut tx, Purpose::Reset, Some(&account.id)).await?;
    services.recorder.write(&mut tx, audit_event(caller, Action::PasswordChanged, json!({ "sessions_ended": ended.len() }))).await?;
    let api_tokens = api_tokens::count(&mut tx, services, &account.id).await?;
    let content = password_changed_email(&caller.client_info, ended.len()).fact("API tokens", format!("{api_tokens} (still valid)"));
    mail::enqueue(&mut tx, services, account, Kind::PasswordChanged, content).await?;
    rate_limit::refund(&mut tx, &[&verified.attempt]).await?;
    tx.commit().await?;
    let revoked = ended.len();
    sessions::publish_ended(services, &account.id, ended);
    Ok(ChangeOutcome { revoked, token, api_tokens })
}

/// Mails a reset link if the address belongs to an account. The work happens after the response, and an unknown address takes as
/// much of it: neither this response's time nor that of the next reveals whether the account exists (ENU-1).
pub async fn request_reset(services: &Arc<Services>, email: String, client_info: &ClientInfo) -> Result<(), AppError> {
    let (client, job_services) = (client_info.clone(), services.clone());
    rate_limit::attempt(services, vec![Limit::MailsRequestedFromNetwork(client.ip)]).await?;
    services.background_jobs.enqueue(async move {
        let found = accounts::find(&mut job_services.db.read().await?, &email).await?;
        let mut tx = job_services.db.write().await?;
        let locked = match &found {
            Some(found) => accounts::lock(&mut tx, &found.account.id).await?,
            None => None,
        };
        // The account may have been disabled or given another address since the look-up.
        let is_theirs = |locked: &accounts::Credentials| {
            let account = &locked.account;
            locked.is_enabled
                && [&account.email, &account.username]
                    .into_iter()
                    .any(|name| accounts::normalize_identifier(name) == accounts::normalize_identifier(&email))
        };
        let account = locked.filter(is_theirs).map(|locked| locked.account);
        let is_mailed = match &account {
            Some(account) => mail_reset(&mut tx, &job_services, account).await?,
            None => false,
        };
        let detail = json!({ "email_sha256": hash_hex(accounts::normalize_identifier(&email).as_bytes()), "mailed": is_mailed });
        let subject = account.as_ref().map(|account| &account.id);
        let outcome = if is_mailed { Outcome::Success } else { Outcome::Refused };
        let event = Event { outcome, subject, client: Some(&client), ..Event::new(Action::ResetAskedFor, detail) };
        job_services.recorder.write(&mut tx, event).await?;
        Ok(tx.commit().await?)
    })
}

/// Mails a reset link. Returns false if the mail limit of the address is reached. The caller holds the account's lock, so a
/// concurrent reset either cancels this token or finishes before it is created.
pub async fn mail_reset(tx: &mut Tx, services: &Services, account: &Account) -> sqlx::Result<bool> {
    let secret = one_time_tokens::create(tx, Purpose::Reset, Some(&account.id), &(), services.clock.now()).await?;
    let why = "Someone requested this with your email address.";
    let content = Content::new("Choose a new password", why)
        .paragraph("Someone, hopefully you, requested a new password for your Whereabouts account.")
        .button("Choose a new password", reset_path(&secret))
        .note("The link works once, for 30 minutes. The new password signs you out everywhere.")
        .note("If this was not you, ignore this email. Your password stays the same.");
    mail::enqueue_limited(tx, services, Some(&account.id), &account.email, Kind::Reset, content).await
}

/// Returns the path of the reset page with this token.
pub fn reset_path(secret: &Secret) -> String {
    format!("/reset-password?token={}", secret.reveal())
}

/// A reset that was requested and not completed yet.
pub struct PendingReset {
    /// The account whose password is reset.
    pub account: Account,
    /// Whether a code of the second factor is required too (PWD-7).
    pub needs_code: bool,
}

/// Returns the reset of this token without consuming it.
///
/// Errors: [`AppError::LinkExpired`].
pub async fn peek_reset(services: &Services, token: &str) -> Result<PendingReset, AppError> {
    let mut db = services.db.read().await?;
    let found = one_time_tokens::peek(&mut db, Purpose::Reset, token, services.clock.now()).await?.ok_or(AppError::LinkExpired)?;
    let user = found.user_id.ok_or(AppError::LinkExpired)?;
    let account = accounts::find_by_id(&mut db, &user).await?.ok_or(AppError::LinkExpired)?;
    let needs_code = two_factor::is_enabled(&mut db, &user).await?;
    Ok(PendingReset { account, needs_code })
}

/// Completes a reset: sets the new password, ends all sessions and revokes all API tokens (PWD-5).
///
/// Errors: [`AppError::LinkExpired`], [`AppError::Invalid`] if the password breaks a rule, [`AppError::WrongCode`],
/// [`AppError::TooManyAttempts`], [`AppError::Busy`].
pub async fn reset(services: &Services, token: &str, new: SecretString, code: &str, client_info: &ClientInfo) -> Result<(), AppError> {
    let PendingReset { account, needs_code } = peek_reset(services, token).await?;
    rules::check("password", new.expose_secret(), &[&account.username, &account.email])?;
    let slot = services.hasher.reserve()?;
    let attempt = match needs_code {
        true => Some(rate_limit::attempt(services, vec![Limit::CodesForReset(hash_hex(token.as_bytes()))]).await?),
        false => None,
    };
    let hash = slot.hash(new).await;
    let mut tx = services.db.write().await?;
    let locked = accounts::lock(&mut tx, &account.id).await?.filter(|locked| locked.is_enabled).ok_or(AppError::LinkExpired)?;
    one_time_tokens::consume(&mut tx, Purpose::Reset, token, services.clock.now()).await?.ok_or(AppError::LinkExpired)?;
    if two_factor::is_enabled(&mut tx, &account.id).await? {
        // Enabled since the page was opened: a code is not verified unless its attempt was counted.
        if attempt.is_none() {
            return Err(AppError::WrongCode);
        }
        if two_factor::use_code(&mut tx, services, &account, code, client_info).await?.is_none() {
            drop(tx);
            return Err(two_factor::record_rejected_reset_code(services, &account, client_info).await?);
        }
    }
    store::replace(&mut tx, &account.id, &hash, services.clock.now()).await?;
    for purpose in [Purpose::Reset, Purpose::SecondFactor, Purpose::EmailChange, Purpose::Alert] {
        one_time_tokens::cancel(&mut tx, purpose, Some(&account.id)).await?;
    }
    one_time_tokens::cancel_created_by(&mut tx, &account.id).await?;
    two_factor::remove_prepared(&mut tx, &account.id).await?;
    known::forget_devices(&mut tx, &account.id).await?;
    let ended = sessions::end_all_but(&mut tx, services, &account.id, None, Ending::new(EndReason::PasswordReset)).await?;
    let tokens = api_tokens::revoke_all_of_user(&mut tx, &account.id).await?;
    let detail = json!({ "sessions_ended": ended.len(), "tokens_revoked": tokens });
    let event = Event { client: Some(client_info), ..administration_event(&account.id, Action::PasswordReset, detail) };
    services.recorder.write(&mut tx, event).await?;
    let content = password_changed_email(client_info, ended.len()).fact("API tokens", format!("{tokens} (all revoked)"));
    mail::enqueue(&mut tx, services, &account, Kind::PasswordChanged, content).await?;
    let unknown_clients = rate_limit::CountedAttempt::by_unknown_clients(&locked.account);
    rate_limit::refund(&mut tx, &attempt.iter().chain([&unknown_clients]).collect::<Vec<_>>()).await?;
    tx.commit().await?;
    sessions::publish_ended(services, &account.id, ended);
    Ok(())
}

fn password_changed_email(client_info: &ClientInfo, ended: usize) -> Content {
    Content::new("Your password was changed", "You get this email for every change of your password.")
        .paragraph("The password of your Whereabouts account was changed. You were signed out everywhere else.")
        .fact("Signed out", format!("{ended} {}", if ended == 1 { "session" } else { "sessions" }))
        .fact("IP address", client_info.ip.to_string())
        .button("Review your sessions", "/profile?tab=security")
        .note("If this was not you, choose a new password immediately: use \"Forgot your password?\" on the login page.")
}
