//! What a sign-in does, for the form and for the API alike.

use secrecy::{ExposeSecret, SecretString};
use serde_json::json;

use crate::{
    accounts::store::{self as accounts, Credentials},
    alerts::actions as alerts,
    audit::{self, Action, Event, Outcome},
    error::AppError,
    foundation::{
        db::Tx,
        hasher::is_outdated,
        ids::UserId,
        links::{self, Purpose},
        origin::Origin,
        secret::{Secret, hash_hex},
        services::Services,
    },
    password::store::rehash,
    sessions::{
        actions::{self as sessions, Begun},
        caller::{Caller, Visitor},
        model::EndReason,
    },
    tries::Tries,
    two_factor::actions::{self as two_factor, ProvenBy},
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
    /// The code of the second factor, where it comes with the password.
    pub code: Option<String>,
    /// Where it comes from.
    pub origin: Origin,
    /// The cookie of a browser that has signed in before, if there is one.
    pub device: Option<Secret>,
    /// Who the browser was until now: that session ends (SES-3).
    pub before: Visitor,
}

/// What became of a sign-in.
pub enum SignedIn {
    /// A session began.
    Begun(Box<Begun>),
    /// The password was right, and a code is to follow: what the browser is to show then (MFA-5). No session.
    HalfWay(Secret),
}

/// Signs in: a new session, and a token that never was there before (SES-3). Whatever is wrong, the answer is the same,
/// and takes as long (ENU-1).
pub async fn sign_in(services: &Services, attempt: Attempt) -> Result<SignedIn, AppError> {
    let known = find(services, &attempt).await?;
    let tries = Tries::of(&attempt.identifier, known.device.as_deref(), attempt.origin.ip);
    let failures = tries.begin(services).await?;
    let Some(credentials) = verify(services, &attempt, known.credentials).await? else {
        return Err(refuse(services, &attempt.origin, &attempt.identifier, known.subject, failures).await?);
    };
    let credentials = harden(services, &attempt.password, credentials).await?;
    if !two_factor::is_on(&mut services.db.read().await?, &credentials.account.id).await? {
        return begin(services, attempt, credentials, &tries, "Password").await;
    }
    match &attempt.code {
        Some(code) => match two_factor::prove(services, &credentials.account, code, &attempt.origin).await {
            Ok(proven_by) => begin(services, attempt, credentials, &tries, method(proven_by)).await,
            Err(AppError::WrongCode) => Err(refuse(services, &attempt.origin, &attempt.identifier, known.subject, failures).await?),
            Err(error) => Err(error),
        },
        None => half_way(services, &credentials, &tries).await,
    }
}

fn method(proven_by: ProvenBy) -> &'static str {
    match proven_by {
        ProvenBy::Code => "Password and code",
        ProvenBy::RecoveryCode => "Password and recovery code",
    }
}

/// Remembers that the password was right, for ten minutes, in this browser alone (MFA-5).
async fn half_way(services: &Services, found: &Credentials, tries: &Tries) -> Result<SignedIn, AppError> {
    let mut tx = services.db.write().await?;
    tries.succeed(&mut tx).await?;
    let password = hash_hex(found.password_hash.as_bytes());
    let secret = links::make(&mut tx, Purpose::SecondFactor, Some(&found.account.id), &password, services.clock.now()).await?;
    tx.commit().await?;
    Ok(SignedIn::HalfWay(secret))
}

/// Whether this browser gave the right password just now.
pub async fn is_half_way(services: &Services, half: &str) -> Result<bool, AppError> {
    let mut db = services.db.read().await?;
    Ok(links::look(&mut db, Purpose::SecondFactor, half, services.clock.now()).await?.is_some())
}

/// Completes a sign-in by its code. `half` is what the password gave; `attempt.identifier` is of no account of its own.
pub async fn complete(services: &Services, half: &str, code: &str, attempt: Attempt) -> Result<SignedIn, AppError> {
    let credentials = half_known(services, half).await?.ok_or(AppError::HalfWayOver)?;
    let (account, origin) = (&credentials.account, &attempt.origin);
    let tries = Tries::of(&account.username, None, origin.ip);
    match two_factor::prove(services, account, code, origin).await {
        Ok(proven_by) => {
            let mut tx = services.db.write().await?;
            let spent = links::spend(&mut tx, Purpose::SecondFactor, half, services.clock.now()).await?;
            tx.commit().await?;
            spent.ok_or(AppError::HalfWayOver)?;
            begin(services, attempt, credentials, &tries, method(proven_by)).await
        }
        Err(AppError::WrongCode) => {
            refuse(services, origin, &account.username, Some(account.id.clone()), 0).await?;
            Err(AppError::WrongCode)
        }
        Err(error) => Err(error),
    }
}

/// Whose password it was, if it still is.
async fn half_known(services: &Services, half: &str) -> Result<Option<Credentials>, AppError> {
    let mut db = services.db.read().await?;
    let Some(link) = links::look(&mut db, Purpose::SecondFactor, half, services.clock.now()).await? else { return Ok(None) };
    let Some(user) = &link.user_id else { return Ok(None) };
    let found = accounts::credentials(&mut db, user).await?;
    let password: Option<String> = link.detail();
    Ok(found.filter(|found| found.is_enabled && password == Some(hash_hex(found.password_hash.as_bytes()))))
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
        (Some(user), Some(device)) => alerts::is_device_known(&mut db, user, &device, services.clock.now()).await?.then_some(device),
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

/// Hashes a right password anew where today's parameters are stronger than its hash's (PWD-1).
async fn harden(services: &Services, password: &SecretString, found: Credentials) -> Result<Credentials, AppError> {
    if !is_outdated(&found.password_hash) {
        return Ok(found);
    }
    let hash = services.hasher.hash(password.clone()).await?;
    let mut tx = services.db.write().await?;
    let is_ours = rehash(&mut tx, &found.account.id, &found.password_hash, &hash).await?;
    tx.commit().await?;
    // Somebody else was first, or changed the password: then the transaction that begins the session finds out.
    Ok(if is_ours { Credentials { password_hash: hash, ..found } } else { found })
}

async fn begin(services: &Services, attempt: Attempt, found: Credentials, tries: &Tries, method: &str) -> Result<SignedIn, AppError> {
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
    let begun = sessions::begin(&mut tx, services, account, arrival, method).await?;
    alerts::notice(&mut tx, services, account, &begun, device.as_ref()).await?;
    let event = Event {
        action: Action::SignIn,
        outcome: Outcome::Success,
        actor: Some(&account.id),
        session: Some(begun.id()),
        token: None,
        subject: Some(&account.id),
        ip: Some(ip),
        detail: json!({ "method": method }),
    };
    audit::record(&mut tx, &services.clock, event).await?;
    tx.commit().await?;
    if let Some(caller) = replaced {
        sessions::ended(services, &caller.account.id, vec![caller.session.clone()]);
    }
    begun.announce(services);
    Ok(SignedIn::Begun(Box::new(begun)))
}

/// Ends the session that this browser had until now.
async fn end_before(tx: &mut Tx, services: &Services, before: Visitor) -> Result<Option<Caller>, AppError> {
    let Ok(caller) = before.signed_in() else { return Ok(None) };
    sessions::end_one(tx, services, &caller.account.id, &caller.session, EndReason::Replaced).await?;
    Ok(Some(caller))
}

/// Puts a failed sign-in on record, and says so; a burst of them is told to the owner.
async fn refuse(
    services: &Services,
    origin: &Origin,
    identifier: &str,
    subject: Option<UserId>,
    failures: i64,
) -> Result<AppError, AppError> {
    let mut tx = services.db.write().await?;
    let event = Event {
        action: Action::SignIn,
        outcome: Outcome::Refused,
        actor: None,
        session: None,
        token: None,
        subject: subject.as_ref(),
        ip: Some(origin.ip),
        // What was typed may be a password in the wrong field: only its hash is kept, to see that tries belong together.
        detail: json!({ "identifier_sha256": hash_hex(accounts::key(identifier).as_bytes()) }),
    };
    audit::record(&mut tx, &services.clock, event).await?;
    if let Some(owner) = &subject {
        alerts::notice_failures(&mut tx, services, owner, failures, origin.ip).await?;
    }
    tx.commit().await?;
    Ok(AppError::WrongCredentials)
}

/// Whether there is no account at all yet.
pub async fn is_first_start(services: &Services) -> Result<bool, AppError> {
    Ok(!accounts::is_any(&mut services.db.read().await?).await?)
}
