//! What a proof does.

use chrono::Duration;
use secrecy::SecretString;
use serde_json::json;

use crate::{
    accounts::store::Credentials,
    audit::{self, Action, Event, Outcome},
    error::AppError,
    foundation::{secret::Secret, services::Services},
    proof::store,
    sessions::{
        actions::{self as sessions, by},
        caller::Caller,
    },
    tries::{self, Limit},
};

/// What could take an account over asks for a proof that is no older.
const FRESH_FOR: Duration = Duration::minutes(10);

/// Refuses a caller whose last proof is too old.
pub fn require_fresh(services: &Services, caller: &Caller) -> Result<(), AppError> {
    let age = services.clock.now() - caller.proven_at;
    if age <= FRESH_FOR { Ok(()) } else { Err(AppError::ProofNeeded) }
}

/// Why a password is requested: the purpose for the audit log, and the form field for error messages.
#[derive(Debug, Clone, Copy)]
pub struct Asked {
    /// In `snake_case`, stable.
    pub purpose: &'static str,
    /// The field of the form.
    pub field: &'static str,
}

/// A password that was verified. It counts once [`Verified::ensure_unchanged`] has passed with the account locked.
pub struct Verified {
    asked: Asked,
    password_hash: String,
    /// What it counted as: to be refunded.
    pub counted: tries::CountedAttempt,
}

impl Verified {
    /// Errors: [`AppError::Invalid`] if the password was changed since it was verified.
    pub fn ensure_unchanged(&self, locked: &Credentials) -> Result<(), AppError> {
        if locked.password_hash == self.password_hash {
            return Ok(());
        }
        Err(AppError::invalid(self.asked.field, "Your password was changed meanwhile. Type the current one."))
    }
}

/// Verifies the caller's own password. Guesses are slowed down by session, and put on record.
///
/// Errors: [`AppError::Invalid`] if it is wrong, [`AppError::TooManyAttempts`], [`AppError::Busy`].
pub async fn password(services: &Services, caller: &Caller, asked: Asked, password: SecretString) -> Result<Verified, AppError> {
    let slot = services.hasher.reserve()?;
    let counted = tries::attempt(services, vec![Limit::Session(caller.session.clone())]).await?;
    let stored = store::password(&mut services.db.read().await?, &caller.account.id).await?.map(|(hash, _)| hash);
    if !slot.verify(password, stored.clone()).await {
        let mut tx = services.db.write().await?;
        let event = by(caller, Action::PasswordRejected, json!({ "purpose": asked.purpose }));
        audit::record(&mut tx, &services.clock, Event { outcome: Outcome::Refused, ..event }).await?;
        tx.commit().await?;
        return Err(AppError::invalid(asked.field, "That is not your password. Type it again."));
    }
    Ok(Verified { asked, password_hash: stored.ok_or(AppError::NotSignedIn)?, counted })
}

/// A fresh proof by the password: the session gets a new token, the one before ends (SES-3).
pub async fn confirm(services: &Services, caller: &Caller, typed: SecretString) -> Result<Secret, AppError> {
    let verified = password(services, caller, Asked { purpose: "confirmation", field: "password" }, typed).await?;
    let mut tx = services.db.write().await?;
    verified.ensure_unchanged(&sessions::lock_account(&mut tx, caller).await?)?;
    let token = sessions::renew(&mut tx, services, caller).await?;
    audit::record(&mut tx, &services.clock, by(caller, Action::PasswordConfirmed, json!({}))).await?;
    tries::refund(&mut tx, &[&verified.counted]).await?;
    tx.commit().await?;
    Ok(token)
}
