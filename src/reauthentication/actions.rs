//! Verifies the password of a signed-in user again.

use chrono::Duration;
use secrecy::SecretString;
use serde_json::json;

use crate::{
    access::Principal,
    accounts::store::Credentials,
    error::AppError,
    foundation::{crypto::secret::Secret, services::Services},
    rate_limit::{self, Limit},
    reauthentication::store,
    record::{Action, Event, Outcome},
    sessions::{
        actions::{self as sessions, audit_event},
        caller::CurrentSession,
    },
};

/// Maximum age of the reauthentication for actions that could take an account over.
const MAX_AGE: Duration = Duration::minutes(10);

/// Requires a recent reauthentication.
///
/// Errors: [`AppError::ReauthenticationRequired`] if the last one is more than ten minutes old, [`AppError::SessionRequired`] for an API
/// token.
pub fn require_recent(services: &Services, principal: &Principal) -> Result<(), AppError> {
    let age = services.clock.now() - principal.reauthenticated_at.ok_or(AppError::SessionRequired)?;
    if age <= MAX_AGE { Ok(()) } else { Err(AppError::ReauthenticationRequired) }
}

/// Why a password is requested: the purpose for the audit log, and the form field for error messages.
#[derive(Debug, Clone, Copy)]
pub struct PasswordPrompt {
    /// The purpose, in `snake_case`. Stable.
    pub purpose: &'static str,
    /// The form field of the password.
    pub field: &'static str,
}

/// A verified password. Rely on it only after [`VerifiedPassword::ensure_unchanged`] has passed with the account locked.
pub struct VerifiedPassword {
    prompt: PasswordPrompt,
    password_hash: String,
    /// The counted attempt, to be refunded.
    pub attempt: rate_limit::CountedAttempt,
}

impl VerifiedPassword {
    /// Checks that the password is still the verified one.
    ///
    /// Errors: [`AppError::Invalid`] if it was changed in the meantime.
    pub fn ensure_unchanged(&self, locked: &Credentials) -> Result<(), AppError> {
        if locked.password_hash == self.password_hash {
            return Ok(());
        }
        Err(AppError::invalid(self.prompt.field, "Your password was changed in the meantime. Enter the current one."))
    }
}

/// Verifies the caller's own password. Attempts are limited by session, and wrong passwords are recorded.
///
/// Errors: [`AppError::Invalid`] if it is wrong, [`AppError::TooManyAttempts`], [`AppError::Busy`].
pub async fn verify_password(
    services: &Services,
    caller: &CurrentSession,
    prompt: PasswordPrompt,
    password: SecretString,
) -> Result<VerifiedPassword, AppError> {
    let slot = services.hasher.reserve()?;
    let attempt = rate_limit::attempt(services, vec![Limit::PasswordsInSession(caller.session.clone())]).await?;
    let stored = store::find_password_hash(&mut services.db.read().await?, &caller.account.id).await?.map(|(hash, _)| hash);
    if !slot.verify(password, stored.clone()).await {
        let mut tx = services.db.write().await?;
        let event = audit_event(caller, Action::PasswordRejected, json!({ "purpose": prompt.purpose }));
        services.recorder.write(&mut tx, Event { outcome: Outcome::Refused, ..event }).await?;
        tx.commit().await?;
        return Err(AppError::invalid(prompt.field, "The password is incorrect. Try again."));
    }
    Ok(VerifiedPassword { prompt, password_hash: stored.ok_or(AppError::NotSignedIn)?, attempt })
}

/// Reauthenticates the caller by password. Returns the session's new token; the old one stops working (SES-3).
///
/// Errors: those of [`verify_password`].
pub async fn confirm(services: &Services, caller: &CurrentSession, typed: SecretString) -> Result<Secret, AppError> {
    let verified = verify_password(services, caller, PasswordPrompt { purpose: "confirmation", field: "password" }, typed).await?;
    let mut tx = services.db.write().await?;
    verified.ensure_unchanged(&sessions::lock_account(&mut tx, caller).await?)?;
    let token = sessions::rotate_token(&mut tx, services, caller).await?;
    services.recorder.write(&mut tx, audit_event(caller, Action::PasswordConfirmed, json!({}))).await?;
    rate_limit::refund(&mut tx, &[&verified.attempt]).await?;
    tx.commit().await?;
    Ok(token)
}
