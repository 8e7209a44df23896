//! What a sign-in does, for the form and for the API alike.

use secrecy::{ExposeSecret, SecretString};
use serde_json::json;

use crate::{
    accounts::{
        known,
        model::Account,
        store::{self as accounts, Credentials},
    },
    alerts::actions::{self as alerts, Guess},
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
    password::store::rehash,
    sessions::{
        actions::{self as sessions, Arrival, Begun},
        caller::{Caller, Visitor},
        model::EndReason,
    },
    tries::{self, Limit},
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
///
/// Errors: [`AppError::Busy`] if too many passwords wait to be hashed, before anything is written (LIM-4);
/// [`AppError::TooManyAttempts`]; [`AppError::WrongCredentials`].
pub async fn sign_in(services: &Services, attempt: Attempt) -> Result<SignedIn, AppError> {
    let slot = services.hasher.reserve()?;
    let known = find(services, &attempt).await?;
    let password = tries::attempt(services, known.limits(&attempt)).await?;
    let stored = known.credentials.as_ref().map(|found| found.password_hash.clone());
    let is_right = slot.verify(attempt.password.clone(), stored).await;
    let Some(credentials) = known.credentials.filter(|found| is_right && found.is_enabled) else {
        return Err(refuse(services, &attempt, known.subject.as_ref(), Guess::Password, password.failures).await?);
    };
    let credentials = rehash_if_outdated(services, &attempt.password, credentials).await?;
    let code = match &attempt.code {
        Some(typed) => count_code(services, &credentials.account, typed.clone(), &attempt).await,
        None => Ok(None),
    };
    let code = match code {
        Ok(code) => code,
        Err(error) => return Err(password.refund_and(services, error).await),
    };
    finish(services, attempt, Checked { credentials, half: None, password: Some(password), code }).await
}

/// Whether this browser gave the right password just now.
pub async fn is_half_way(services: &Services, half: &str) -> Result<bool, AppError> {
    let mut db = services.db.read().await?;
    Ok(links::look(&mut db, Purpose::SecondFactor, half, services.clock.now()).await?.is_some())
}

/// Completes a sign-in by its code. `half` is the secret of the half-way state. `attempt.identifier` is ignored.
///
/// Errors: [`AppError::HalfWayOver`] if the password is to be given anew, [`AppError::WrongCode`],
/// [`AppError::TooManyAttempts`].
pub async fn complete(services: &Services, half: &str, code: &str, attempt: Attempt) -> Result<SignedIn, AppError> {
    let credentials = half_known(services, half).await?.ok_or(AppError::HalfWayOver)?;
    let attempt = Attempt { identifier: credentials.account.username.clone(), ..attempt };
    let code = count_code(services, &credentials.account, code.to_owned(), &attempt).await?;
    let checked = Checked { credentials, half: Some(half.to_owned()), password: None, code };
    finish(services, attempt, checked).await
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

impl Known {
    /// What a password is counted against. A browser that the account knows is never refused for its network (LIM-1).
    fn limits(&self, attempt: &Attempt) -> Vec<Limit> {
        let tally = Limit::failed_passwords(self.subject.as_ref(), &attempt.identifier);
        match (&self.subject, &self.device) {
            (Some(user), Some(device)) => vec![Limit::KnownDevice(user.clone(), device.clone()), tally],
            _ => vec![Limit::name(&attempt.identifier), tally, Limit::SignInsFrom(attempt.origin.ip)],
        }
    }
}

/// Looks up the account and the browser. It runs the same statements whether or not there is such an account: a refusal by a limit
/// comes before the hash of a password, which would hide a difference in time (ENU-1).
async fn find(services: &Services, attempt: &Attempt) -> Result<Known, AppError> {
    let is_too_long = attempt.identifier.len() > LONGEST_IDENTIFIER || attempt.password.expose_secret().len() > LONGEST_PASSWORD;
    if is_too_long || attempt.identifier.contains('\0') {
        return Ok(Known { credentials: None, subject: None, device: None });
    }
    let mut db = services.db.read().await?;
    let credentials = accounts::find(&mut db, &attempt.identifier).await?;
    let subject = credentials.as_ref().map(|found| found.account.id.clone());
    let now = services.clock.now();
    let user = subject.clone().unwrap_or_else(|| UserId::new(now)); // where there is no account: an id that nobody has
    let device = match attempt.device.as_ref().map(Secret::hash) {
        Some(device) => known::device_label(&mut db, &user, &device, now - known::DEVICE_KNOWN_FOR).await?.map(|_| device),
        None => None,
    };
    Ok(Known { credentials, subject, device })
}

/// Hashes a right password anew where today's parameters are stronger than its hash's (PWD-1). Where the server is busy, the
/// next sign-in does it.
async fn rehash_if_outdated(services: &Services, password: &SecretString, found: Credentials) -> Result<Credentials, AppError> {
    if !services.hasher.is_outdated(&found.password_hash) {
        return Ok(found);
    }
    let Ok(slot) = services.hasher.reserve() else { return Ok(found) };
    let hash = slot.hash(password.clone()).await;
    let mut tx = services.db.write().await?;
    let is_ours = rehash(&mut tx, &found.account.id, &found.password_hash, &hash).await?;
    tx.commit().await?;
    // Somebody else was first, or changed the password: then the transaction that begins the session finds out.
    Ok(if is_ours { Credentials { password_hash: hash, ..found } } else { found })
}

/// A code that was typed, and the attempt that it counts as.
struct Code {
    typed: String,
    counted: tries::CountedAttempt,
}

/// Counts a code as an attempt, where the account asks for one.
async fn count_code(services: &Services, account: &Account, typed: String, attempt: &Attempt) -> Result<Option<Code>, AppError> {
    let limits = {
        let mut db = services.db.read().await?;
        let Some(enabled_at) = two_factor::enabled_at(&mut db, &account.id).await? else { return Ok(None) };
        let device = attempt.device.as_ref().map(Secret::hash);
        let is_known = match &device {
            Some(device) => known::device_label(&mut db, &account.id, device, enabled_at).await?.is_some(),
            None => false,
        };
        match device.filter(|_| is_known) {
            Some(device) => vec![Limit::CodeByKnownDevice(account.id.clone(), device), Limit::FailedCodes(account.id.clone())],
            None => {
                let user = &account.id;
                vec![Limit::CodeByStrangers(user.clone()), Limit::FailedCodes(user.clone()), Limit::SignInsFrom(attempt.origin.ip)]
            }
        }
    };
    Ok(Some(Code { typed, counted: tries::attempt(services, limits).await? }))
}

/// A sign-in whose password was right.
struct Checked {
    credentials: Credentials,
    /// The secret of the half-way state, where the password was given in a request before.
    half: Option<String>,
    /// What the password counts as, where it was given in this request.
    password: Option<tries::CountedAttempt>,
    /// The code, where one was typed and the account asked for one.
    code: Option<Code>,
}

impl Checked {
    /// What it was counted as.
    fn counted(&self) -> Vec<&tries::CountedAttempt> {
        self.password.iter().chain(self.code.iter().map(|code| &code.counted)).collect()
    }
}

/// What became of the second factor.
enum Factor {
    /// The account has none.
    Off,
    /// A code is still to come.
    Missing,
    /// The code was wrong.
    Wrong,
    /// The code was right, and is used up.
    Proven(ProvenBy),
}

/// Begins the session, or the half-way state. Everything is decided with the account locked: the password may have been
/// changed, the account disabled or its second factor enabled while the hash was computed (RACE-1).
async fn finish(services: &Services, attempt: Attempt, checked: Checked) -> Result<SignedIn, AppError> {
    let account = &checked.credentials.account;
    let arrival = sessions::arrive(services, attempt.origin.clone()).await?;
    let mut tx = services.db.write().await?;
    if !is_unchanged(&mut tx, &checked.credentials, &attempt.before).await? {
        drop(tx);
        let error = refuse(services, &attempt, Some(&account.id), Guess::Password, 0).await?;
        return Err(if checked.half.is_some() { AppError::HalfWayOver } else { error });
    }
    if let Some(half) = &checked.half {
        let spent = links::spend(&mut tx, Purpose::SecondFactor, half, services.clock.now()).await?;
        spent.ok_or(AppError::HalfWayOver)?;
    }
    let method = match second_factor(&mut tx, services, &checked, &attempt.origin).await? {
        Factor::Off => "Password",
        Factor::Proven(ProvenBy::Code) => "Password and code",
        Factor::Proven(ProvenBy::RecoveryCode) => "Password and recovery code",
        Factor::Missing => return half_way(tx, services, &checked).await,
        Factor::Wrong => {
            drop(tx);
            return Err(refuse_code(services, &attempt, &checked).await?);
        }
    };
    begin(tx, services, attempt, &checked, arrival, method).await
}

/// Locks the accounts of a sign-in: the one that signs in, and the one whose session it replaces. Returns whether the first
/// is enabled and its password still the one that was verified.
async fn is_unchanged(tx: &mut Tx, verified: &Credentials, before: &Visitor) -> Result<bool, AppError> {
    let user = &verified.account.id;
    let other = match before {
        Visitor::SignedIn(caller) if caller.account.id != *user => Some(&caller.account.id),
        _ => None,
    };
    if let Some(other) = other.filter(|other| *other < user) {
        accounts::lock(tx, other).await?;
    }
    let locked = accounts::lock(tx, user).await?;
    if let Some(other) = other.filter(|other| *other > user) {
        accounts::lock(tx, other).await?;
    }
    Ok(locked.is_some_and(|locked| locked.is_enabled && locked.password_hash == verified.password_hash))
}

async fn second_factor(tx: &mut Tx, services: &Services, checked: &Checked, origin: &Origin) -> Result<Factor, AppError> {
    let account = &checked.credentials.account;
    if !two_factor::is_on(tx, &account.id).await? {
        return Ok(Factor::Off);
    }
    let Some(code) = &checked.code else { return Ok(Factor::Missing) };
    let proven_by = two_factor::use_code(tx, services, account, &code.typed, origin).await?;
    Ok(proven_by.map_or(Factor::Wrong, Factor::Proven))
}

/// Remembers that the password was right, for ten minutes, in this browser alone (MFA-5).
async fn half_way(mut tx: Tx, services: &Services, checked: &Checked) -> Result<SignedIn, AppError> {
    let found = &checked.credentials;
    let password = hash_hex(found.password_hash.as_bytes());
    let secret = links::make(&mut tx, Purpose::SecondFactor, Some(&found.account.id), &password, services.clock.now()).await?;
    tries::refund(&mut tx, &checked.counted()).await?;
    tx.commit().await?;
    Ok(SignedIn::HalfWay(secret))
}

async fn begin(
    mut tx: Tx,
    services: &Services,
    attempt: Attempt,
    checked: &Checked,
    arrival: Arrival,
    method: &str,
) -> Result<SignedIn, AppError> {
    let Attempt { origin, device, before, .. } = attempt;
    let account = &checked.credentials.account;
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
        ip: Some(origin.ip),
        detail: json!({ "method": method }),
    };
    audit::record(&mut tx, &services.clock, event).await?;
    tries::refund(&mut tx, &checked.counted()).await?;
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

/// Puts a wrong code on record. The password was right: only the code counts as a failure. It is called wrong where the password
/// is known to have been right before (ENU-2).
async fn refuse_code(services: &Services, attempt: &Attempt, checked: &Checked) -> Result<AppError, AppError> {
    let failures = checked.code.as_ref().map_or(0, |code| code.counted.failures);
    let error = refuse(services, attempt, Some(&checked.credentials.account.id), Guess::Code, failures).await?;
    let error = if checked.half.is_some() { AppError::WrongCode } else { error };
    Ok(match &checked.password {
        Some(password) => password.refund_and(services, error).await,
        None => error,
    })
}

/// Puts a failed sign-in on record, and says so; several of them are told to the owner. `failures` is the tally, this one included.
async fn refuse(
    services: &Services,
    attempt: &Attempt,
    subject: Option<&UserId>,
    guess: Guess,
    failures: i64,
) -> Result<AppError, AppError> {
    let ip = attempt.origin.ip;
    let mut tx = services.db.write().await?;
    let event = Event {
        action: Action::SignIn,
        outcome: Outcome::Refused,
        actor: None,
        session: None,
        token: None,
        subject,
        ip: Some(ip),
        // What was typed may be a password in the wrong field: only its hash is kept, to see that tries belong together.
        detail: json!({ "identifier_sha256": hash_hex(accounts::key(&attempt.identifier).as_bytes()) }),
    };
    audit::record(&mut tx, &services.clock, event).await?;
    if let Some(owner) = subject {
        alerts::notice_failures(&mut tx, services, owner, guess, failures, ip).await?;
    }
    tx.commit().await?;
    Ok(AppError::WrongCredentials)
}

/// Whether there is no account at all yet.
pub async fn is_first_start(services: &Services) -> Result<bool, AppError> {
    Ok(!accounts::is_any(&mut services.db.read().await?).await?)
}
