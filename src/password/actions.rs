//! What is done with passwords: proving one, changing one, and choosing a new one when it is forgotten.

use std::sync::Arc;

use secrecy::{ExposeSecret, SecretString};
use serde_json::json;

use crate::{
    accounts::{actions::about, known, model::Account, store as accounts},
    api_tokens::actions as api_tokens,
    audit::{self, Action, Event, Outcome},
    error::AppError,
    foundation::{
        db::Tx,
        links::{self, Purpose},
        origin::Origin,
        secret::{Secret, hash_hex},
        services::Services,
    },
    mail::{self, Kind, Letter},
    password::{rules, store},
    proof::actions::{self as proof, Asked},
    sessions::{
        actions::{self as sessions, by},
        caller::Caller,
        model::EndReason,
    },
    tries::{self, Limit},
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
    let slot = services.hasher.reserve()?;
    let verified = proof::password(services, caller, Asked { purpose: "password_change", field: "current" }, current).await?;
    let hash = slot.hash(new).await;
    let mut tx = services.db.write().await?;
    verified.ensure_unchanged(&sessions::lock_account(&mut tx, caller).await?)?;
    store::replace(&mut tx, &account.id, &hash, services.clock.now()).await?;
    let ended = sessions::end_all_but(&mut tx, services, &account.id, Some(&caller.session), EndReason::PasswordChanged).await?;
    let token = sessions::renew(&mut tx, services, caller).await?;
    links::cancel(&mut tx, Purpose::Reset, Some(&account.id)).await?;
    audit::record(&mut tx, &services.clock, by(caller, Action::PasswordChanged, json!({ "sessions_ended": ended.len() }))).await?;
    let api_tokens = api_tokens::count(&mut tx, services, &account.id).await?;
    let letter = changed_letter(&caller.origin, ended.len()).fact("API tokens", format!("{api_tokens}, which go on working"));
    mail::tell(&mut tx, services, account, Kind::PasswordChanged, letter).await?;
    tries::refund(&mut tx, &[&verified.counted]).await?;
    tx.commit().await?;
    let revoked = ended.len();
    sessions::ended(services, &account.id, ended);
    Ok(Changed { revoked, token, api_tokens })
}

/// Has a reset mailed, if somebody has this address. It is done after the answer, and is as much work for an address that
/// nobody has: neither this answer's time nor the next one's tells which it was (ENU-1).
pub async fn ask_for_reset(services: &Arc<Services>, email: String, origin: &Origin) -> Result<(), AppError> {
    let (ip, later) = (origin.ip, services.clone());
    tries::attempt(services, vec![Limit::MailsAskedFrom(ip)]).await?;
    services.later.push(async move {
        let found = accounts::find(&mut later.db.read().await?, &email).await?;
        let mut tx = later.db.write().await?;
        let locked = match &found {
            Some(found) => accounts::lock(&mut tx, &found.account.id).await?,
            None => None,
        };
        // The account may have been disabled meanwhile, or have another address: then nobody has this one.
        let is_theirs = |locked: &accounts::Credentials| {
            let account = &locked.account;
            locked.is_enabled && [&account.email, &account.username].into_iter().any(|name| accounts::key(name) == accounts::key(&email))
        };
        let account = locked.filter(is_theirs).map(|locked| locked.account);
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

/// Mails the way to a new password, unless too much was mailed there already. Returns whether it was. The caller holds the account's
/// lock, so a concurrent reset either cancels this link or finishes before it is created.
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
    let slot = services.hasher.reserve()?;
    let counted = match needs_code {
        true => Some(tries::attempt(services, vec![Limit::CodeForReset(hash_hex(link.as_bytes()))]).await?),
        false => None,
    };
    let hash = slot.hash(new).await;
    let mut tx = services.db.write().await?;
    let locked = accounts::lock(&mut tx, &account.id).await?.filter(|locked| locked.is_enabled).ok_or(AppError::SpentLink)?;
    links::spend(&mut tx, Purpose::Reset, link, services.clock.now()).await?.ok_or(AppError::SpentLink)?;
    if two_factor::is_on(&mut tx, &account.id).await? {
        // Enabled since the page was opened: a code that nobody counted is not looked at.
        if counted.is_none() {
            return Err(AppError::WrongCode);
        }
        if two_factor::use_code(&mut tx, services, &account, code, origin).await?.is_none() {
            drop(tx);
            return Err(two_factor::reject_for_reset(services, &account, origin).await?);
        }
    }
    store::replace(&mut tx, &account.id, &hash, services.clock.now()).await?;
    for purpose in [Purpose::Reset, Purpose::SecondFactor, Purpose::EmailChange, Purpose::Alert] {
        links::cancel(&mut tx, purpose, Some(&account.id)).await?;
    }
    links::cancel_created_by(&mut tx, &account.id).await?;
    two_factor::forget_prepared(&mut tx, &account.id).await?;
    known::forget_devices(&mut tx, &account.id).await?;
    let ended = sessions::end_all_but(&mut tx, services, &account.id, None, EndReason::PasswordReset).await?;
    let tokens = api_tokens::end_all(&mut tx, &account.id).await?;
    let detail = json!({ "sessions_ended": ended.len(), "tokens_revoked": tokens });
    let event = Event { ip: Some(origin.ip), ..about(&account.id, Action::PasswordReset, detail) };
    audit::record(&mut tx, &services.clock, event).await?;
    let letter = changed_letter(origin, ended.len()).fact("API tokens", format!("{tokens}, all revoked"));
    mail::tell(&mut tx, services, &account, Kind::PasswordChanged, letter).await?;
    let strangers = tries::CountedAttempt::of_strangers(&locked.account);
    tries::refund(&mut tx, &counted.iter().chain([&strangers]).collect::<Vec<_>>()).await?;
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
