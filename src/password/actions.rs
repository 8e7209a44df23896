//! What is done with passwords: proving one, changing one, and choosing a new one when it is forgotten.

use std::sync::Arc;

use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};

use crate::{
    accounts::{known, model::Account, store as accounts},
    api_tokens::actions as api_tokens,
    audit::{self, Action, Event, Outcome},
    error::AppError,
    foundation::{
        db::Tx,
        ids::UserId,
        links::{self, Purpose},
        origin::Origin,
        secret::{Secret, hash_hex},
        services::Services,
    },
    mail::{self, Kind, Letter},
    password::{rules, store},
    proof::{actions as proof, store::password},
    sessions::{
        actions::{self as sessions, by},
        caller::Caller,
        model::EndReason,
    },
    tries::Tries,
    two_factor::actions as two_factor,
};

/// A password that was changed.
pub struct Changed {
    /// How many other sessions ended.
    pub revoked: usize,
    /// The current session's new token (SES-3).
    pub token: Secret,
    /// How many API tokens go on working.
    pub api_tokens: i64,
}

/// Changes the caller's password: all other sessions end with it (PWD-4).
pub async fn change(services: &Services, caller: &Caller, current: SecretString, new: SecretString) -> Result<Changed, AppError> {
    let account = &caller.account;
    rules::check("new", new.expose_secret(), &[&account.username, &account.email])?;
    let before = proof::password(services, caller, "current", current).await?;
    let hash = services.hasher.hash(new).await?;
    let mut tx = services.db.write().await?;
    if !store::replace(&mut tx, &account.id, &before, &hash, services.clock.now()).await? {
        return Err(AppError::invalid("current", "Your password was changed meanwhile. Type the current one."));
    }
    let ended = sessions::end_all_but(&mut tx, services, &account.id, Some(&caller.session), EndReason::PasswordChanged).await?;
    let token = sessions::renew(&mut tx, services, caller).await?;
    links::cancel(&mut tx, Purpose::Reset, Some(&account.id)).await?;
    audit::record(&mut tx, &services.clock, by(caller, Action::PasswordChanged, json!({ "sessions_ended": ended.len() }))).await?;
    let api_tokens = api_tokens::count(&mut tx, services, &account.id).await?;
    let letter = changed_letter(&caller.origin, ended.len()).fact("API tokens", format!("{api_tokens}, which go on working"));
    mail::tell(&mut tx, services, account, Kind::PasswordChanged, letter).await?;
    tx.commit().await?;
    let revoked = ended.len();
    sessions::ended(services, &account.id, ended);
    Ok(Changed { revoked, token, api_tokens })
}

/// Has a reset mailed, if somebody has this address. It is done after the answer, and is as much work for an address that
/// nobody has: neither this answer's time nor the next one's tells which it was (ENU-1).
pub async fn ask_for_reset(services: &Arc<Services>, email: String, origin: &Origin) -> Result<(), AppError> {
    let (ip, later) = (origin.ip, services.clone());
    Tries::asking(services, ip).await?;
    services.later.push(async move {
        let found = accounts::find(&mut later.db.read().await?, &email).await?;
        let account = found.filter(|found| found.is_enabled).map(|found| found.account);
        let mut tx = later.db.write().await?;
        let is_mailed = match &account {
            Some(account) => mail_reset(&mut tx, &later, account).await?,
            None => false,
        };
        let detail = json!({ "email_sha256": hash_hex(accounts::key(&email).as_bytes()), "mailed": is_mailed });
        let subject = account.as_ref().map(|account| &account.id);
        let outcome = if is_mailed { Outcome::Success } else { Outcome::Refused };
        let event =
            Event { action: Action::ResetAskedFor, outcome, actor: None, session: None, token: None, subject, ip: Some(ip), detail };
        audit::record(&mut tx, &later.clock, event).await?;
        Ok(tx.commit().await?)
    })
}

/// Mails the way to a new password, unless too much was mailed there already. Whether it was.
pub async fn mail_reset(tx: &mut Tx, services: &Services, account: &Account) -> sqlx::Result<bool> {
    let secret = links::make(tx, Purpose::Reset, Some(&account.id), &(), services.clock.now()).await?;
    let why = "Somebody asked for this with your email address.";
    let letter = Letter::new("Choose a new password", why)
        .say("Somebody, you we hope, asked for a new password for your Whereabouts account.")
        .lead("Choose a new password", reset_path(&secret))
        .advise("This works once, and for 30 minutes. Afterwards you are signed out everywhere and sign in anew.")
        .advise("If it was not you, do nothing: your password stays as it is.");
    mail::send_asked_for(tx, services, Some(&account.id), &account.email, Kind::Reset, letter).await
}

/// The page that a reset's secret opens.
pub fn reset_path(secret: &Secret) -> String {
    format!("/reset-password?token={}", secret.reveal())
}

/// What the page of a reset asks for.
pub struct Reset {
    /// Whose it is.
    pub account: Account,
    /// Whether it asks for the second factor too (PWD-7).
    pub needs_code: bool,
}

/// What this link resets, while it is good.
pub async fn look_at_reset(services: &Services, link: &str) -> Result<Reset, AppError> {
    let mut db = services.db.read().await?;
    let link = links::look(&mut db, Purpose::Reset, link, services.clock.now()).await?.ok_or(AppError::SpentLink)?;
    let user = link.user_id.ok_or(AppError::SpentLink)?;
    let account = accounts::find_by_id(&mut db, &user).await?.ok_or(AppError::SpentLink)?;
    let needs_code = two_factor::is_on(&mut db, &user).await?;
    Ok(Reset { account, needs_code })
}

/// Completes a reset: a new password, and every session ends (PWD-5).
pub async fn reset(services: &Services, link: &str, new: SecretString, code: &str, origin: &Origin) -> Result<(), AppError> {
    let Reset { account, needs_code } = look_at_reset(services, link).await?;
    rules::check("password", new.expose_secret(), &[&account.username, &account.email])?;
    let before = password(&mut services.db.read().await?, &account.id).await?.map(|(hash, _)| hash).ok_or(AppError::SpentLink)?;
    if needs_code {
        two_factor::prove(services, &account, code, origin).await?;
    }
    let hash = services.hasher.hash(new).await?;
    let mut tx = services.db.write().await?;
    let is_spent = links::spend(&mut tx, Purpose::Reset, link, services.clock.now()).await?.is_none();
    if is_spent || !store::replace(&mut tx, &account.id, &before, &hash, services.clock.now()).await? {
        return Err(AppError::SpentLink);
    }
    for purpose in [Purpose::Reset, Purpose::SecondFactor, Purpose::EmailChange, Purpose::Alert] {
        links::cancel(&mut tx, purpose, Some(&account.id)).await?;
    }
    links::cancel_created_by(&mut tx, &account.id).await?;
    known::forget_devices(&mut tx, &account.id).await?;
    let ended = sessions::end_all_but(&mut tx, services, &account.id, None, EndReason::PasswordReset).await?;
    let tokens = api_tokens::end_all(&mut tx, &account.id).await?;
    Tries::forget_account(&mut tx, &account).await?;
    let detail = json!({ "sessions_ended": ended.len(), "tokens_revoked": tokens });
    audit::record(&mut tx, &services.clock, about(&account.id, Action::PasswordReset, Some(origin.ip), detail)).await?;
    let letter = changed_letter(origin, ended.len()).fact("API tokens", format!("{tokens}, all revoked"));
    mail::tell(&mut tx, services, &account, Kind::PasswordChanged, letter).await?;
    tx.commit().await?;
    sessions::ended(services, &account.id, ended);
    Ok(())
}

fn changed_letter(origin: &Origin, ended: usize) -> Letter {
    Letter::new("Your password was changed", "You are told of every change of your password.")
        .say("The password of your Whereabouts account was changed. You were signed out everywhere else.")
        .fact("Signed out", format!("{ended} {}", if ended == 1 { "session" } else { "sessions" }))
        .fact("IP address", origin.ip.to_string())
        .lead("Review your sessions", "/profile?tab=security")
        .advise("If it was not you, ask for a new password at once: use \"Forgot your password?\" on the page where you sign in.")
}

fn about(user: &UserId, action: Action, ip: Option<std::net::IpAddr>, detail: Value) -> Event<'_> {
    Event { action, outcome: Outcome::Success, actor: None, session: None, token: None, subject: Some(user), ip, detail }
}
