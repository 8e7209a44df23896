//! What a proof does.

use chrono::Duration;
use secrecy::SecretString;
use serde_json::json;

use crate::{
    audit::{self, Action},
    error::AppError,
    foundation::{secret::Secret, services::Services},
    proof::store,
    sessions::{
        actions::{self as sessions, by},
        caller::Caller,
    },
    tries::Tries,
};

/// What could take an account over asks for a proof that is no older.
const FRESH_FOR: Duration = Duration::minutes(10);

/// Refuses a caller whose last proof is too old.
pub fn require_fresh(services: &Services, caller: &Caller) -> Result<(), AppError> {
    let age = services.clock.now() - caller.proven_at;
    if age <= FRESH_FOR { Ok(()) } else { Err(AppError::ProofNeeded) }
}

/// Whether the password is the caller's own: its hash, if so. Guesses are slowed down.
pub async fn password(services: &Services, caller: &Caller, field: &str, password: SecretString) -> Result<String, AppError> {
    let tries = Tries::of_proofs(&caller.account.id, caller.origin.ip);
    tries.begin(services).await?;
    let known = store::password(&mut services.db.read().await?, &caller.account.id).await?.map(|(hash, _)| hash);
    if !services.hasher.verify(password, known.clone()).await? {
        return Err(AppError::invalid(field, "That is not your password. Type it again."));
    }
    let mut tx = services.db.write().await?;
    tries.succeed(&mut tx).await?;
    tx.commit().await?;
    known.ok_or(AppError::NotSignedIn)
}

/// A fresh proof by the password: the session gets a new token, the one before ends (SES-3).
pub async fn confirm(services: &Services, caller: &Caller, typed: SecretString) -> Result<Secret, AppError> {
    password(services, caller, "password", typed).await?;
    let mut tx = services.db.write().await?;
    let token = sessions::renew(&mut tx, services, caller).await?;
    audit::record(&mut tx, &services.clock, by(caller, Action::PasswordConfirmed, json!({}))).await?;
    tx.commit().await?;
    Ok(token)
}
