//! Sign-in, for both the login form and the API.

use secrecy::{ExposeSecret, SecretString};
use serde_json::json;

use crate::{
    accounts::{
        known,
        model::Account,
        store::{self as accounts, Credentials},
    },
    authentication::{
        alerts::actions::{self as alerts, GuessedSecret},
        password::store::rehash,
        two_factor::actions::{self as two_factor, CodeKind},
    },
    error::AppError,
    foundation::{
        client::info::ClientInfo,
        crypto::{
            one_time_tokens::{self, Purpose},
            secret::{Secret, hash_hex},
        },
        db::Tx,
        ids::UserId,
        services::Services,
    },
    rate_limit::{self, Limit},
    record::{Action, Event, RefusedSignIn},
    sessions::{
        actions::{self as sessions, ClientContext, CreatedSession},
        caller::{CurrentSession, Identity},
        ended::Ending,
        model::EndReason,
    },
};

/// Limits in bytes. Longer values match no account and are not hashed.
const MAX_IDENTIFIER_BYTES: usize = 320;
const MAX_PASSWORD_BYTES: usize = 1024;

/// A sign-in attempt of a client.
pub struct Attempt {
    /// Username or email address, as typed.
    pub identifier: String,
    /// The password, as typed.
    pub password: SecretString,
    /// The code of the second factor, if it is sent along with the password.
    pub code: Option<String>,
    /// IP address and user agent of the client.
    pub client_info: ClientInfo,
    /// The device cookie of the browser. `None` for scripts.
    pub device: Option<Secret>,
    /// The browser's identity before the sign-in: its session ends (SES-3).
    pub previous: Identity,
}

/// Result of a sign-in whose credentials were right.
pub enum SignInOutcome {
    /// A session was created.
    SessionCreated(Box<CreatedSession>),
    /// The password was right, and a code is required. Holds the token to present with it (MFA-5). There is no session yet.
    PendingSecondFactor(Secret),
}

/// Signs in: creates a session with a fresh token (SES-3). Whichever credential is wrong, the response and its timing are the same
/// (ENU-1).
///
/// Errors: [`AppError::Busy`] if too many passwords wait to be hashed, before anything is written (LIM-4), or too many refused
/// sign-ins to be recorded; [`AppError::TooManyAttempts`]; [`AppError::WrongCredentials`].
pub async fn sign_in(services: &Services, attempt: Attempt) -> Result<SignInOutcome, AppError> {
    let slot = services.hasher.reserve()?;
    let context = load_context(services, &attempt).await?;
    let password_attempt = rate_limit::attempt(services, context.limits(&attempt)).await?;
    let stored = context.credentials.as_ref().map(|found| found.password_hash.clone());
    let is_right = slot.verify(attempt.password.clone(), stored).await;
    let Some(credentials) = context.credentials.filter(|found| is_right && found.is_enabled) else {
        return Err(refuse(services, &attempt, context.subject.as_ref(), GuessedSecret::Password, password_attempt.failures).await?);
    };
    let credentials = rehash_if_outdated(services, &attempt.password, credentials).await?;
    let code = match &attempt.code {
        Some(typed) => count_code(services, &credentials.account, typed.clone(), &attempt).await,
        None => Ok(None),
    };
    let code = match code {
        Ok(code) => code,
        Err(error) => return Err(password_attempt.refund_and(services, error).await),
    };
    let verified = VerifiedSignIn { credentials, pending_token: None, password_attempt: Some(password_attempt), code };
    finish(services, attempt, verified).await
}

/// Returns whether this token belongs to a sign-in whose password was verified and whose code is pending.
pub async fn is_second_factor_pending(services: &Services, pending_token: &str) -> Result<bool, AppError> {
    let mut db = services.db.read().await?;
    Ok(one_time_tokens::peek(&mut db, Purpose::SecondFactor, pending_token, services.clock.now()).await?.is_some())
}

/// Completes a sign-in with its code. `pending_token` is that of [`SignInOutcome::PendingSecondFactor`]. `attempt.identifier` is
/// ignored.
///
/// Errors: [`AppError::SignInExpired`] if the password must be entered again, [`AppError::WrongCode`],
/// [`AppError::TooManyAttempts`].
pub async fn complete(services: &Services, pending_token: &str, code: &str, attempt: Attempt) -> Result<SignInOutcome, AppError> {
    let credentials = pending_credentials(services, pending_token).await?.ok_or(AppError::SignInExpired)?;
    let attempt = Attempt { identifier: credentials.account.username.clone(), ..attempt };
    let code = count_code(services, &credentials.account, code.to_owned(), &attempt).await?;
    let verified = VerifiedSignIn { credentials, pending_token: Some(pending_token.to_owned()), password_attempt: None, code };
    finish(services, attempt, verified).await
}

/// Returns the credentials of a pending sign-in. `None` if its token is invalid, the account is disabled or the password changed.
async fn pending_credentials(services: &Services, pending_token: &str) -> Result<Option<Credentials>, AppError> {
    let mut db = services.db.read().await?;
    let Some(found) = one_time_tokens::peek(&mut db, Purpose::SecondFactor, pending_token, services.clock.now()).await? else {
        return Ok(None);
    };
    let Some(user) = &found.user_id else { return Ok(None) };
    let credentials = accounts::find_credentials(&mut db, user).await?;
    let password: Option<String> = found.detail();
    Ok(credentials.filter(|found| found.is_enabled && password == Some(hash_hex(found.password_hash.as_bytes()))))
}

/// The account and the known device of an attempt.
struct AttemptContext {
    credentials: Option<Credentials>,
    subject: Option<UserId>,
    device: Option<String>,
}

impl AttemptContext {
    /// Returns the rate limits of the password. A known device is never refused because of its network (LIM-1).
    fn limits(&self, attempt: &Attempt) -> Vec<Limit> {
        let tally = Limit::failed_passwords(self.subject.as_ref(), &attempt.identifier);
        match (&self.subject, &self.device) {
            (Some(user), Some(device)) => vec![Limit::PasswordsOnKnownDevice(user.clone(), device.clone()), tally],
            _ => vec![Limit::for_identifier(&attempt.identifier), tally, Limit::SignInsFromNetwork(attempt.client_info.ip)],
        }
    }
}

/// Loads the account and the device. Runs the same statements whether or not the account exists: a refusal by a rate limit comes
/// before the password is hashed, so the hash cannot hide a difference in time (ENU-1).
async fn load_context(services: &Services, attempt: &Attempt) -> Result<AttemptContext, AppError> {
    let is_too_long = attempt.identifier.len() > MAX_IDENTIFIER_BYTES || attempt.password.expose_secret().len() > MAX_PASSWORD_BYTES;
    if is_too_long || attempt.identifier.contains('\0') {
        return Ok(AttemptContext { credentials: None, subject: None, device: None });
    }
    let mut db = services.db.read().await?;
    let credentials = accounts::find(&mut db, &attempt.identifier).await?;
    let subject = credentials.as_ref().map(|found| found.account.id.clone());
    let now = services.clock.now();
    let user = subject.clone().unwrap_or_else(|| UserId::new(now)); // without an account: an unused id
    let device = match attempt.device.as_ref().map(Secret::hash) {
        Some(device) => known::device_label(&mut db, &user, &device, now - known::DEVICE_KNOWN_FOR).await?.map(|_| device),
        None => None,
    };
    Ok(AttemptContext { credentials, subject, device })
}

/// Rehashes a verified password if its hash has outdated parameters (PWD-1). If the server is busy, the next sign-in does it.
async fn rehash_if_outdated(services: &Services, password: &SecretString, found: Credentials) -> Result<Credentials, AppError> {
    if !services.hasher.is_outdated(&found.password_hash) {
        return Ok(found);
    }
    let Ok(slot) = services.hasher.reserve() else { return Ok(found) };
    let hash = slot.hash(password.clone()).await;
    let mut tx = services.db.write().await?;
    let is_replaced = rehash(&mut tx, &found.account.id, &found.password_hash, &hash).await?;
    tx.commit().await?;
    // If a concurrent request rehashed or changed the password, the transaction that creates the session detects it.
    Ok(if is_replaced { Credentials { password_hash: hash, ..found } } else { found })
}

/// A code as typed, and its counted attempt.
struct CountedCode {
    typed: String,
    attempt: rate_limit::CountedAttempt,
}

/// Counts a code as an attempt. Returns `None` if the account has no second factor.
async fn count_code(services: &Services, account: &Account, typed: String, attempt: &Attempt) -> Result<Option<CountedCode>, AppError> {
    let limits = {
        let mut db = services.db.read().await?;
        let Some(enabled_at) = two_factor::enabled_at(&mut db, &account.id).await? else { return Ok(None) };
        let device = attempt.device.as_ref().map(Secret::hash);
        let is_known = match &device {
            Some(device) => known::device_label(&mut db, &account.id, device, enabled_at).await?.is_some(),
            None => false,
        };
        match device.filter(|_| is_known) {
            Some(device) => vec![Limit::CodesOnKnownDevice(account.id.clone(), device), Limit::FailedCodes(account.id.clone())],
            None => {
                let user = &account.id;
                vec![
                    Limit::CodesOnUnknownDevices(user.clone()),
                    Limit::FailedCodes(user.clone()),
                    Limit::SignInsFromNetwork(attempt.client_info.ip),
                ]
            }
        }
    };
    Ok(Some(CountedCode { typed, attempt: rate_limit::attempt(services, limits).await? }))
}

/// A sign-in whose password was verified.
struct VerifiedSignIn {
    credentials: Credentials,
    /// The token of the pending second factor, if the password was verified in an earlier request.
    pending_token: Option<String>,
    /// The counted attempt of the password, if it was verified in this request.
    password_attempt: Option<rate_limit::CountedAttempt>,
    /// The code, if one was entered and the account has a second factor.
    code: Option<CountedCode>,
}

impl VerifiedSignIn {
    /// Returns all counted attempts of this sign-in.
    fn attempts(&self) -> Vec<&rate_limit::CountedAttempt> {
        self.password_attempt.iter().chain(self.code.iter().map(|code| &code.attempt)).collect()
    }
}

/// Result of checking the second factor.
enum FactorCheck {
    /// The account has no second factor.
    NotEnabled,
    /// No code was entered.
    Missing,
    /// The code is wrong.
    Wrong,
    /// The code is right, and is now used.
    Verified(CodeKind),
}

/// Creates the session or the pending second factor. Checks everything again with the account locked: the password may have been
/// changed, the account disabled or its second factor enabled while the hash was computed (RACE-1).
async fn finish(services: &Services, attempt: Attempt, verified: VerifiedSignIn) -> Result<SignInOutcome, AppError> {
    let account = &verified.credentials.account;
    let client = sessions::resolve_client(services, attempt.client_info.clone()).await?;
    let mut tx = services.db.write().await?;
    if !is_unchanged(&mut tx, &verified.credentials, &attempt.previous).await? {
        drop(tx);
        let error = refuse(services, &attempt, Some(&account.id), GuessedSecret::Password, 0).await?;
        return Err(if verified.pending_token.is_some() { AppError::SignInExpired } else { error });
    }
    if let Some(pending_token) = &verified.pending_token {
        let consumed = one_time_tokens::consume(&mut tx, Purpose::SecondFactor, pending_token, services.clock.now()).await?;
        consumed.ok_or(AppError::SignInExpired)?;
    }
    let method = match check_second_factor(&mut tx, services, &verified, &attempt.client_info).await? {
        FactorCheck::NotEnabled => "Password",
        FactorCheck::Verified(CodeKind::Totp) => "Password and code",
        FactorCheck::Verified(CodeKind::RecoveryCode) => "Password and recovery code",
        FactorCheck::Missing => return create_pending(tx, services, &verified).await,
        FactorCheck::Wrong => {
            drop(tx);
            return Err(refuse_code(services, &attempt, &verified).await);
        }
    };
    create_session(tx, services, attempt, &verified, client, method).await
}

/// Locks the account that signs in and the one whose session is replaced. Returns whether the first is enabled and its password
/// is still the verified one.
async fn is_unchanged(tx: &mut Tx, verified: &Credentials, previous: &Identity) -> Result<bool, AppError> {
    let user = &verified.account.id;
    let other = match previous {
        Identity::SignedIn(caller) if caller.account.id != *user => Some(&caller.account.id),
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

async fn check_second_factor(
    tx: &mut Tx,
    services: &Services,
    verified: &VerifiedSignIn,
    client_info: &ClientInfo,
) -> Result<FactorCheck, AppError> {
    let account = &verified.credentials.account;
    if !two_factor::is_enabled(tx, &account.id).await? {
        return Ok(FactorCheck::NotEnabled);
    }
    let Some(code) = &verified.code else { return Ok(FactorCheck::Missing) };
    let kind = two_factor::use_code(tx, services, account, &code.typed, client_info).await?;
    Ok(kind.map_or(FactorCheck::Wrong, FactorCheck::Verified))
}

/// Creates a one-time token which shows that the password was verified. It is valid for ten minutes, in this browser only (MFA-5).
async fn create_pending(mut tx: Tx, services: &Services, verified: &VerifiedSignIn) -> Result<SignInOutcome, AppError> {
    let found = &verified.credentials;
    let password = hash_hex(found.password_hash.as_bytes());
    let secret = one_time_tokens::create(&mut tx, Purpose::SecondFactor, Some(&found.account.id), &password, services.clock.now()).await?;
    rate_limit::refund(&mut tx, &verified.attempts()).await?;
    tx.commit().await?;
    Ok(SignInOutcome::PendingSecondFactor(secret))
}

async fn create_session(
    mut tx: Tx,
    services: &Services,
    attempt: Attempt,
    verified: &VerifiedSignIn,
    client: ClientContext,
    method: &str,
) -> Result<SignInOutcome, AppError> {
    let Attempt { client_info, device, previous, .. } = attempt;
    let account = &verified.credentials.account;
    let replaced = end_previous(&mut tx, services, previous).await?;
    let created = sessions::create(&mut tx, services, account, client, method).await?;
    alerts::alert_if_new(&mut tx, services, account, &created, device.as_ref()).await?;
    let (actor, actor_name, session) = (Some(&account.id), Some(account.name.as_str()), Some(created.id()));
    let event = Event::new(Action::SignIn, json!({ "method": method }));
    let event = Event { actor, actor_name, session, subject: actor, client: Some(&client_info), ..event };
    services.recorder.write(&mut tx, event).await?;
    rate_limit::refund(&mut tx, &verified.attempts()).await?;
    tx.commit().await?;
    if let Some(caller) = replaced {
        sessions::publish_ended(services, &caller.account.id, vec![caller.session.clone()]);
    }
    created.publish(services);
    Ok(SignInOutcome::SessionCreated(Box::new(created)))
}

/// Ends the browser's previous session. Returns it, or `None` if there was none.
async fn end_previous(tx: &mut Tx, services: &Services, previous: Identity) -> Result<Option<CurrentSession>, AppError> {
    let Ok(caller) = previous.signed_in() else { return Ok(None) };
    sessions::end_one(tx, services, &caller.account.id, &caller.session, Ending::new(EndReason::Replaced)).await?;
    Ok(Some(caller))
}

/// Records a wrong code and returns the error. The password was right, so only the code counts as a failure. The error names the
/// code only if the password was verified in an earlier request (ENU-2).
async fn refuse_code(services: &Services, attempt: &Attempt, verified: &VerifiedSignIn) -> AppError {
    let failures = verified.code.as_ref().map_or(0, |code| code.attempt.failures);
    let refused = refuse(services, attempt, Some(&verified.credentials.account.id), GuessedSecret::Code, failures).await;
    let error = match refused {
        Ok(_) if verified.pending_token.is_some() => AppError::WrongCode,
        Ok(error) | Err(error) => error,
    };
    match &verified.password_attempt {
        Some(password_attempt) => password_attempt.refund_and(services, error).await,
        None => error,
    }
}

/// Records a failed sign-in and returns the error for the client. Notifies the owner after several failures; `failures` is their
/// tally, including this one.
async fn refuse(
    services: &Services,
    attempt: &Attempt,
    subject: Option<&UserId>,
    secret: GuessedSecret,
    failures: i64,
) -> Result<AppError, AppError> {
    let ip = attempt.client_info.ip;
    let identifier_hash = hash_hex(accounts::normalize_identifier(&attempt.identifier).as_bytes());
    services
        .refused_sign_ins
        .submit(RefusedSignIn { subject: subject.cloned(), client: attempt.client_info.clone(), identifier_hash })
        .await?;
    if let Some(owner) = subject {
        alerts::notify_of_failures(services, owner, secret, failures, ip).await?;
    }
    Ok(AppError::WrongCredentials)
}

/// Returns whether no account exists yet.
pub async fn is_first_start(services: &Services) -> Result<bool, AppError> {
    Ok(!accounts::any_exists(&mut services.db.read().await?).await?)
}
