//! What a sign-in does, for the form and for the API alike.

use secrecy::{ExposeSecret, SecretString};
use serde_json::json;

use crate::{
    accounts::store::{self as accounts, Credentials},
    audit::{self, Action, Event, Outcome},
    error::AppError,
    foundation::{
        db::Tx,
        ids::UserId,
        origin::Origin,
        secret::{Secret, hash_hex},
        services::Services,
    },
    sessions::{
        actions::{self as sessions, Begun},
        caller::{Caller, Visitor},
        model::EndReason,
    },
    sign_in::{store, tries::Tries},
};

/// Longer ones belong to no account, and are not worth hashing. In bytes.
const LONGEST_IDENTIFIER: usize = 320;
const LONGEST_PASSWORD: usize = 1024;

/// What a client shows of itself.
pub struct Attempt {
    /// Username or e-mail address, as typed.
    pub identifier: String,
    /// The password, as typed.
    pub password: SecretString,
    /// Where it comes from.
    pub origin: Origin,
    /// The cookie of a browser that has signed in before, if there is one.
    pub device: Option<Secret>,
    /// Who the browser was until now: that session ends (SES-3).
    pub before: Visitor,
}

/// Signs in: a new session, and a token that never was there before (SES-3). Whatever is wrong, the answer is the same,
/// and takes as long (ENU-1).
pub async fn sign_in(services: &Services, attempt: Attempt) -> Result<Begun, AppError> {
    let known = find(services, &attempt).await?;
    let tries = Tries::of(&attempt.identifier, known.device.as_deref(), attempt.origin.ip);
    tries.begin(services).await?;
    match verify(services, &attempt, known.credentials).await? {
        Some(credentials) => begin(services, attempt, credentials, &tries).await,
        None => Err(refuse(services, &attempt, known.subject).await?),
    }
}

/// What is known of whoever tries.
struct Known {
    credentials: Option<Credentials>,
    subject: Option<UserId>,
    device: Option<String>,
}

async fn find(services: &Services, attempt: &Attempt) -> Result<Known, AppError> {
    let is_too_long = attempt.identifier.len() > LONGEST_IDENTIFIER || attempt.password.expose_secret().len() > LONGEST_PASSWORD;
    if is_too_long || attempt.identifier.contains('\0') {
        return Ok(Known { credentials: None, subject: None, device: None });
    }
    let mut db = services.db.read().await?;
    let credentials = accounts::find(&mut db, &attempt.identifier).await?;
    let subject = credentials.as_ref().map(|found| found.account.id.clone());
    let device = match (&subject, attempt.device.as_ref().map(Secret::hash)) {
        (Some(user), Some(device)) => store::is_device_known(&mut db, user, &device).await?.then_some(device),
        _ => None,
    };
    Ok(Known { credentials, subject, device })
}

/// The credentials, if the password is theirs and the account is enabled. The hash is computed in any case.
async fn verify(services: &Services, attempt: &Attempt, found: Option<Credentials>) -> Result<Option<Credentials>, AppError> {
    let hash = found.as_ref().map(|found| found.password_hash.clone());
    let is_right = services.hasher.verify(attempt.password.clone(), hash).await?;
    Ok(found.filter(|found| is_right && found.is_enabled))
}

async fn begin(services: &Services, attempt: Attempt, found: Credentials, tries: &Tries) -> Result<Begun, AppError> {
    let Attempt { origin, device, before, .. } = attempt;
    let (account, ip) = (&found.account, origin.ip);
    let arrival = sessions::arrive(services, origin).await?;
    let mut tx = services.db.write().await?;
    // The password may have been changed, or the account disabled, while the hash was computed.
    if !accounts::still_stands(&mut tx, &account.id, &found.password_hash).await? {
        return Err(AppError::WrongCredentials);
    }
    tries.succeed(&mut tx).await?;
    let replaced = end_before(&mut tx, services, before).await?;
    let begun = sessions::begin(&mut tx, services, account, arrival, "Password").await?;
    if let Some(device) = device {
        store::note_device(&mut tx, &account.id, &device.hash(), services.clock.now()).await?;
    }
    let event = Event {
        action: Action::SignIn,
        outcome: Outcome::Success,
        actor: Some(&account.id),
        session: Some(begun.id()),
        subject: Some(&account.id),
        ip: Some(ip),
        detail: json!({ "method": "password" }),
    };
    audit::record(&mut tx, &services.clock, event).await?;
    tx.commit().await?;
    if let Some(caller) = replaced {
        sessions::ended(services, &caller.account.id, vec![caller.session]);
    }
    begun.announce(services);
    Ok(begun)
}

/// Ends the session that this browser had until now.
async fn end_before(tx: &mut Tx, services: &Services, before: Visitor) -> Result<Option<Caller>, AppError> {
    let Ok(caller) = before.signed_in() else { return Ok(None) };
    sessions::end_one(tx, services, &caller.account.id, &caller.session, EndReason::Replaced).await?;
    Ok(Some(caller))
}

/// Puts a failed sign-in on record, and says so.
async fn refuse(services: &Services, attempt: &Attempt, subject: Option<UserId>) -> Result<AppError, AppError> {
    let mut tx = services.db.write().await?;
    let event = Event {
        action: Action::SignIn,
        outcome: Outcome::Refused,
        actor: None,
        session: None,
        subject: subject.as_ref(),
        ip: Some(attempt.origin.ip),
        // What was typed may be a password in the wrong field: only its hash is kept, to see that tries belong together.
        detail: json!({ "identifier_sha256": hash_hex(accounts::key(&attempt.identifier).as_bytes()) }),
    };
    audit::record(&mut tx, &services.clock, event).await?;
    tx.commit().await?;
    Ok(AppError::WrongCredentials)
}

/// Whether there is no account at all yet.
pub async fn is_first_start(services: &Services) -> Result<bool, AppError> {
    Ok(!accounts::is_any(&mut services.db.read().await?).await?)
}
