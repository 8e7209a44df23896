//! Prepares, enables, verifies and disables the second factor.

use chrono::{DateTime, Utc};
use secrecy::SecretString;
use serde_json::json;

use crate::{
    accounts::{actions::administration_event, model::Account},
    authentication::two_factor::{code, store},
    error::AppError,
    foundation::{
        client::info::ClientInfo,
        db::{Connection, Tx},
        ids::UserId,
        services::Services,
    },
    mail::{self, Content, Kind},
    rate_limit::{self, Limit},
    reauthentication::actions::{self as reauthentication, PasswordPrompt, VerifiedPassword},
    record::{Action, Event, Outcome},
    sessions::{
        actions::{audit_event, lock_account},
        caller::CurrentSession,
        store as sessions_store,
    },
};

const WHY: &str = "You get this email for every change of your two-factor authentication.";

/// Status of the second factor, for the Security tab.
pub struct Status {
    /// When it was enabled. `None` while it is off.
    pub since: Option<DateTime<Utc>>,
    /// Number of unused recovery codes.
    pub codes_left: i64,
}

/// Returns the status of the user's second factor.
pub async fn status(services: &Services, user: &UserId) -> Result<Status, AppError> {
    let mut db = services.db.read().await?;
    let since = store::find(&mut db, user).await?.and_then(|factor| factor.enabled_at);
    Ok(Status { since, codes_left: store::count_recovery_codes(&mut db, user).await? })
}

/// Returns whether sign-ins of this user require a second factor.
pub async fn is_enabled(db: &mut impl Connection, user: &UserId) -> Result<bool, AppError> {
    Ok(enabled_at(db, user).await?.is_some())
}

/// Returns when the user's second factor was enabled. `None` while it is off.
pub async fn enabled_at(db: &mut impl Connection, user: &UserId) -> Result<Option<DateTime<Utc>>, AppError> {
    Ok(store::find(db, user).await?.and_then(|factor| factor.enabled_at))
}

/// Removes a factor that was prepared and not enabled, in the transaction of a password reset: an attacker may have prepared it.
pub async fn remove_prepared(tx: &mut Tx, user: &UserId) -> sqlx::Result<()> {
    store::remove_prepared(tx, user).await
}

/// A prepared factor, for the setup dialog.
pub struct Prepared {
    /// The seed as text, for apps without a camera.
    pub seed: String,
    /// The seed as a QR code.
    pub qr_code: String,
    /// The recovery codes.
    pub recovery_codes: Vec<String>,
}

/// Prepares a factor with a new seed and new recovery codes, without enabling it (MFA-4).
///
/// Errors: [`AppError::ReauthenticationRequired`]; [`AppError::Invalid`] if a factor is enabled already.
pub async fn prepare(services: &Services, caller: &CurrentSession) -> Result<(), AppError> {
    reauthentication::require_recent(services, caller)?;
    let user = &caller.account.id;
    let encrypt = |what, text: &str| services.keyring.encrypt(&associated_data(user, what), text);
    let (seed, codes) = (encrypt("seed", &code::new_seed()), encrypt("codes", &code::new_recovery_codes().join("\n")));
    let mut tx = services.db.write().await?;
    lock_account(&mut tx, caller).await?;
    if !store::prepare(&mut tx, user, &seed, &codes, services.clock.now()).await? {
        return Err(AppError::invalid("code", "Two-factor authentication is already on."));
    }
    Ok(tx.commit().await?)
}

/// Returns the associated data to which an encrypted text is bound (MFA-2).
fn associated_data(user: &UserId, what: &str) -> String {
    format!("{what} of {user}")
}

fn decrypt(services: &Services, user: &UserId, what: &str, encrypted: &str) -> Result<String, AppError> {
    services.keyring.decrypt(&associated_data(user, what), encrypted).map_err(|error| AppError::internal(&error))
}

/// Returns the prepared factor.
///
/// Errors: [`AppError::ReauthenticationRequired`]; [`AppError::NotFound`] if none is prepared, or it is enabled already.
pub async fn find_prepared(services: &Services, caller: &CurrentSession) -> Result<Prepared, AppError> {
    reauthentication::require_recent(services, caller)?;
    let user = &caller.account.id;
    let factor = store::find(&mut services.db.read().await?, user).await?;
    let factor = factor.filter(|factor| factor.enabled_at.is_none()).ok_or(AppError::NotFound)?;
    let seed = decrypt(services, user, "seed", &factor.encrypted_seed)?;
    let codes = decrypt(services, user, "codes", &factor.encrypted_codes)?;
    let uri = code::otpauth_uri(&seed, &services.config.public_url().authority, &caller.account.username);
    Ok(Prepared {
        qr_code: code::qr_code(&uri),
        seed: code::group_by_four(&seed),
        recovery_codes: codes.lines().map(str::to_owned).collect(),
    })
}

/// Enables the prepared factor with its first code (MFA-4).
///
/// Errors: [`AppError::ReauthenticationRequired`], [`AppError::TooManyAttempts`], [`AppError::WrongCode`], [`AppError::NotFound`] if none is prepared.
pub async fn enable(services: &Services, caller: &CurrentSession, typed: &str) -> Result<(), AppError> {
    reauthentication::require_recent(services, caller)?;
    let user = &caller.account.id;
    let attempt = rate_limit::attempt(services, vec![Limit::CodesInSession(caller.session.clone())]).await?;
    let factor = store::find(&mut services.db.read().await?, user).await?;
    let factor = factor.filter(|factor| factor.enabled_at.is_none()).ok_or(AppError::NotFound)?;
    let (now, seed) = (services.clock.now(), decrypt(services, user, "seed", &factor.encrypted_seed)?);
    let Some(step) = code::matching_step(&seed, typed, now) else {
        return Err(record_rejected_code(services, audit_event(caller, Action::CodeRejected, json!({ "purpose": "enrollment" }))).await?);
    };
    let codes = decrypt(services, user, "codes", &factor.encrypted_codes)?;
    let mut tx = services.db.write().await?;
    lock_account(&mut tx, caller).await?;
    if !store::enable(&mut tx, user, &factor.encrypted_seed, step, now).await? {
        return Err(AppError::NotFound);
    }
    store::replace_recovery_codes(&mut tx, user, &codes.lines().map(code::hash_recovery_code).collect::<Vec<_>>()).await?;
    let content =
        Content::new("Two-factor authentication is on", WHY).paragraph("From now on, signing in requires your password and a code.");
    record_and_notify(&mut tx, services, caller, Action::SecondFactorEnabled, content).await?;
    rate_limit::refund(&mut tx, &[&attempt]).await?;
    Ok(tx.commit().await?)
}

/// Disables the factor, after password and code (MFA-4).
///
/// Errors: those of [`verify_password_and_code`]; [`AppError::NotFound`] if there is no factor.
pub async fn disable(services: &Services, caller: &CurrentSession, password: SecretString, typed: &str) -> Result<(), AppError> {
    let (mut tx, verified) = verify_password_and_code(services, caller, password, typed).await?;
    if !store::remove(&mut tx, &caller.account.id).await? {
        return Err(AppError::NotFound);
    }
    let content = Content::new("Two-factor authentication is off", WHY).paragraph("From now on, signing in requires only your password.");
    record_and_notify(&mut tx, services, caller, Action::SecondFactorDisabled, content).await?;
    verified.refund(&mut tx).await?;
    Ok(tx.commit().await?)
}

/// Replaces the recovery codes, after password and code (MFA-3, MFA-4). The new ones are stored encrypted until the user confirms
/// that they are saved.
///
/// Errors: [`AppError::ReauthenticationRequired`], and those of [`verify_password_and_code`].
pub async fn renew_codes(services: &Services, caller: &CurrentSession, password: SecretString, typed: &str) -> Result<(), AppError> {
    reauthentication::require_recent(services, caller)?;
    let (mut tx, verified) = verify_password_and_code(services, caller, password, typed).await?;
    let (user, codes) = (&caller.account.id, code::new_recovery_codes());
    let hashes: Vec<_> = codes.iter().map(|code| code::hash_recovery_code(code)).collect();
    let encrypted = services.keyring.encrypt(&associated_data(user, "codes"), &codes.join("\n"));
    store::replace_recovery_codes(&mut tx, user, &hashes).await?;
    store::set_encrypted_codes(&mut tx, user, &encrypted).await?;
    let content = Content::new("Your recovery codes were replaced", WHY).paragraph("Your previous recovery codes no longer work.");
    record_and_notify(&mut tx, services, caller, Action::RecoveryCodesRenewed, content).await?;
    verified.refund(&mut tx).await?;
    Ok(tx.commit().await?)
}

/// Returns the new recovery codes that the user has not confirmed to have saved. Empty if there are none.
///
/// Errors: [`AppError::ReauthenticationRequired`].
pub async fn new_codes(services: &Services, caller: &CurrentSession) -> Result<Vec<String>, AppError> {
    reauthentication::require_recent(services, caller)?;
    let user = &caller.account.id;
    match store::find(&mut services.db.read().await?, user).await? {
        Some(factor) if factor.enabled_at.is_some() && !factor.encrypted_codes.is_empty() => {
            Ok(decrypt(services, user, "codes", &factor.encrypted_codes)?.lines().map(str::to_owned).collect())
        }
        _ => Ok(Vec::new()),
    }
}

/// Removes the encrypted new recovery codes after the user has saved them. Only their hashes remain.
pub async fn clear_new_codes(services: &Services, caller: &CurrentSession) -> Result<(), AppError> {
    let mut tx = services.db.write().await?;
    lock_account(&mut tx, caller).await?;
    store::set_encrypted_codes(&mut tx, &caller.account.id, "").await?;
    Ok(tx.commit().await?)
}

/// A password and a code that were verified together, with their counted attempts.
struct VerifiedPasswordAndCode {
    password: VerifiedPassword,
    code_attempt: rate_limit::CountedAttempt,
}

impl VerifiedPasswordAndCode {
    /// Refunds both attempts. Call it last in a transaction.
    async fn refund(&self, tx: &mut Tx) -> sqlx::Result<()> {
        rate_limit::refund(tx, &[&self.password.attempt, &self.code_attempt]).await
    }
}

/// Verifies password and code. Returns the transaction in which the code is marked as used, with the account locked.
///
/// Errors: those of [`reauthentication::verify_password`], [`AppError::WrongCode`], [`AppError::NotSignedIn`] if the session ended in
/// the meantime.
async fn verify_password_and_code(
    services: &Services,
    caller: &CurrentSession,
    password: SecretString,
    typed: &str,
) -> Result<(Tx, VerifiedPasswordAndCode), AppError> {
    let prompt = PasswordPrompt { purpose: "second_factor", field: "password" };
    let password = reauthentication::verify_password(services, caller, prompt, password).await?;
    let limit = session_limit(services, caller).await?;
    let code_attempt = match rate_limit::attempt(services, vec![limit]).await {
        Ok(attempt) => attempt,
        Err(error) => return Err(password.attempt.refund_and(services, error).await),
    };
    let mut tx = services.db.write().await?;
    password.ensure_unchanged(&lock_account(&mut tx, caller).await?)?;
    if use_code(&mut tx, services, &caller.account, typed, &caller.client_info).await?.is_none() {
        drop(tx);
        let error =
            record_rejected_code(services, audit_event(caller, Action::CodeRejected, json!({ "purpose": "second_factor" }))).await?;
        return Err(password.attempt.refund_and(services, error).await);
    }
    Ok((tx, VerifiedPasswordAndCode { password, code_attempt }))
}

/// Returns the rate limit of codes in this session. Sessions that are older than the factor share one limit, because the password
/// alone was enough to create any number of them.
async fn session_limit(services: &Services, caller: &CurrentSession) -> Result<Limit, AppError> {
    let user = &caller.account.id;
    let mut db = services.db.read().await?;
    let session = sessions_store::find(&mut db, user, &caller.session).await?.ok_or(AppError::NotSignedIn)?;
    let is_newer = enabled_at(&mut db, user).await?.is_some_and(|enabled_at| session.created_at > enabled_at);
    Ok(if is_newer { Limit::CodesInSession(caller.session.clone()) } else { Limit::CodesInOlderSessions(user.clone()) })
}

/// Records a wrong code and returns the error.
async fn record_rejected_code(services: &Services, event: Event<'_>) -> Result<AppError, AppError> {
    let mut tx = services.db.write().await?;
    services.recorder.write(&mut tx, Event { outcome: Outcome::Refused, ..event }).await?;
    tx.commit().await?;
    Ok(AppError::WrongCode)
}

/// Records a wrong code of a password reset and returns the error.
pub async fn record_rejected_reset_code(services: &Services, account: &Account, client_info: &ClientInfo) -> Result<AppError, AppError> {
    let event = administration_event(&account.id, Action::CodeRejected, json!({ "purpose": "password_reset" }));
    record_rejected_code(services, Event { client: Some(client_info), ..event }).await
}

async fn record_and_notify(
    tx: &mut Tx,
    services: &Services,
    caller: &CurrentSession,
    action: Action,
    content: Content,
) -> sqlx::Result<()> {
    services.recorder.write(tx, audit_event(caller, action, json!({}))).await?;
    let content = content
        .fact("IP address", caller.client_info.ip.to_string())
        .button("Review your account", "/profile?tab=security")
        .note("If this was not you, change your password immediately and review your sessions.");
    mail::enqueue(tx, services, &caller.account, Kind::SecondFactorChanged, content).await
}

/// The kind of code that verified the second factor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CodeKind {
    /// A TOTP code.
    Totp,
    /// A recovery code, which was removed.
    RecoveryCode,
}

/// Verifies a TOTP code or a recovery code and marks it as used. The caller has locked the account and counted the attempt
/// (`rate_limit`). Returns `None` if the code is wrong or was used already.
pub async fn use_code(
    tx: &mut Tx,
    services: &Services,
    account: &Account,
    typed: &str,
    client_info: &ClientInfo,
) -> Result<Option<CodeKind>, AppError> {
    if code::is_totp_format(typed) {
        let factor = store::find(tx, &account.id).await?.filter(|factor| factor.enabled_at.is_some());
        let Some(factor) = factor else { return Ok(None) };
        let seed = decrypt(services, &account.id, "seed", &factor.encrypted_seed)?;
        let Some(step) = code::matching_step(&seed, typed, services.clock.now()) else { return Ok(None) };
        return Ok(store::use_step(tx, &account.id, step).await?.then_some(CodeKind::Totp));
    }
    if !store::use_recovery_code(tx, &account.id, &code::hash_recovery_code(typed)).await? {
        return Ok(None);
    }
    record_recovery_code_use(tx, services, account, client_info).await?;
    Ok(Some(CodeKind::RecoveryCode))
}

async fn record_recovery_code_use(tx: &mut Tx, services: &Services, account: &Account, client_info: &ClientInfo) -> Result<(), AppError> {
    let left = store::count_recovery_codes(tx, &account.id).await?;
    let event = Event::new(Action::RecoveryCodeUsed, json!({ "left": left }));
    let event = Event { subject: Some(&account.id), client: Some(client_info), ..event };
    services.recorder.write(tx, event).await?;
    let content = Content::new("A recovery code was used", "You get this email whenever one of your recovery codes is used.")
        .paragraph("One of your recovery codes was used instead of a code from your app.")
        .fact("IP address", client_info.ip.to_string())
        .fact("Left", left.to_string())
        .button("Review your account", "/profile?tab=security")
        .note("If this was not you, change your password immediately and create new recovery codes.");
    Ok(mail::enqueue(tx, services, account, Kind::RecoveryCodeUsed, content).await?)
}
