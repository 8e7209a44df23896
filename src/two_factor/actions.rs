//! What is done with a second factor: prepared, turned on, asked for, turned off.

use chrono::{DateTime, Utc};
use secrecy::SecretString;
use serde_json::json;

use crate::{
    accounts::{actions::about, model::Account},
    audit::{self, Action, Event, Outcome},
    error::AppError,
    foundation::{
        db::{Connection, Tx},
        ids::UserId,
        origin::Origin,
        services::Services,
    },
    mail::{self, Kind, Letter},
    proof::actions::{self as proof, Asked, Verified},
    sessions::{
        actions::{by, lock_account},
        caller::Caller,
        store as sessions_store,
    },
    tries::{self, Limit},
    two_factor::{code, store},
};

const WHY: &str = "You are told of every change of your second factor.";

/// What the Security tab says of it.
pub struct Status {
    /// Since when it is on; off otherwise.
    pub since: Option<DateTime<Utc>>,
    /// How many recovery codes are left.
    pub codes_left: i64,
}

/// What the Security tab says of it.
pub async fn status(services: &Services, user: &UserId) -> Result<Status, AppError> {
    let mut db = services.db.read().await?;
    let since = store::find(&mut db, user).await?.and_then(|factor| factor.enabled_at);
    Ok(Status { since, codes_left: store::count_recovery_codes(&mut db, user).await? })
}

/// Whether a sign-in of this person asks for it.
pub async fn is_on(db: &mut impl Connection, user: &UserId) -> Result<bool, AppError> {
    Ok(enabled_at(db, user).await?.is_some())
}

/// Since when a sign-in of this person asks for it. `None` while it is off.
pub async fn enabled_at(db: &mut impl Connection, user: &UserId) -> Result<Option<DateTime<Utc>>, AppError> {
    Ok(store::find(db, user).await?.and_then(|factor| factor.enabled_at))
}

/// Removes a factor that was prepared and never turned on, in the transaction of a new password: a thief may have prepared it.
pub async fn forget_prepared(tx: &mut Tx, user: &UserId) -> sqlx::Result<()> {
    store::remove_prepared(tx, user).await
}

/// What the dialog shows while the factor is prepared.
pub struct Prepared {
    /// The seed, for an app that cannot see.
    pub seed: String,
    /// The seed as a QR code.
    pub qr_code: String,
    /// The codes to recover by.
    pub recovery_codes: Vec<String>,
}

/// Prepares a factor with a new seed. Nothing is on yet (MFA-4).
pub async fn prepare(services: &Services, caller: &Caller) -> Result<(), AppError> {
    proof::require_fresh(services, caller)?;
    let user = &caller.account.id;
    let seal = |what, text: &str| services.seal.seal(&row(user, what), text);
    let (seed, codes) = (seal("seed", &code::new_seed()), seal("codes", &code::new_recovery_codes().join("\n")));
    let mut tx = services.db.write().await?;
    lock_account(&mut tx, caller).await?;
    if !store::prepare(&mut tx, user, &seed, &codes, services.clock.now()).await? {
        return Err(AppError::invalid("code", "Two-factor authentication is on already."));
    }
    Ok(tx.commit().await?)
}

/// What sealed text is bound to (MFA-2).
fn row(user: &UserId, what: &str) -> String {
    format!("{what} of {user}")
}

fn unseal(services: &Services, user: &UserId, what: &str, sealed: &str) -> Result<String, AppError> {
    services.seal.unseal(&row(user, what), sealed).map_err(|error| AppError::internal(&error))
}

/// What was prepared, as long as it is not on.
pub async fn prepared(services: &Services, caller: &Caller) -> Result<Prepared, AppError> {
    proof::require_fresh(services, caller)?;
    let user = &caller.account.id;
    let factor = store::find(&mut services.db.read().await?, user).await?;
    let factor = factor.filter(|factor| factor.enabled_at.is_none()).ok_or(AppError::NotFound)?;
    let seed = unseal(services, user, "seed", &factor.sealed_seed)?;
    let codes = unseal(services, user, "codes", &factor.sealed_codes)?;
    let address = code::address(&seed, &services.config.public_url().authority, &caller.account.username);
    Ok(Prepared {
        qr_code: code::qr_code(&address),
        seed: code::grouped(&seed),
        recovery_codes: codes.lines().map(str::to_owned).collect(),
    })
}

/// Turns it on, after a first right code (MFA-4).
pub async fn enable(services: &Services, caller: &Caller, typed: &str) -> Result<(), AppError> {
    proof::require_fresh(services, caller)?;
    let user = &caller.account.id;
    let counted = tries::attempt(services, vec![Limit::CodeInSession(caller.session.clone())]).await?;
    let factor = store::find(&mut services.db.read().await?, user).await?;
    let factor = factor.filter(|factor| factor.enabled_at.is_none()).ok_or(AppError::NotFound)?;
    let (now, seed) = (services.clock.now(), unseal(services, user, "seed", &factor.sealed_seed)?);
    let Some(step) = code::step(&seed, typed, now) else {
        return Err(reject(services, by(caller, Action::CodeRejected, json!({ "purpose": "enrollment" }))).await?);
    };
    let codes = unseal(services, user, "codes", &factor.sealed_codes)?;
    let mut tx = services.db.write().await?;
    lock_account(&mut tx, caller).await?;
    if !store::enable(&mut tx, user, &factor.sealed_seed, step, now).await? {
        return Err(AppError::NotFound);
    }
    store::replace_recovery_codes(&mut tx, user, &codes.lines().map(code::hash).collect::<Vec<_>>()).await?;
    let letter = Letter::new("Two-factor authentication is on", WHY).say("From now on signing in takes your password and a code.");
    tell(&mut tx, services, caller, Action::SecondFactorEnabled, letter).await?;
    tries::refund(&mut tx, &[&counted]).await?;
    Ok(tx.commit().await?)
}

/// Turns it off, after password and code (MFA-4).
pub async fn disable(services: &Services, caller: &Caller, password: SecretString, typed: &str) -> Result<(), AppError> {
    let (mut tx, proven) = prove_both(services, caller, password, typed).await?;
    if !store::remove(&mut tx, &caller.account.id).await? {
        return Err(AppError::NotFound);
    }
    let letter = Letter::new("Two-factor authentication is off", WHY).say("From now on signing in takes your password alone.");
    tell(&mut tx, services, caller, Action::SecondFactorDisabled, letter).await?;
    proven.refund(&mut tx).await?;
    Ok(tx.commit().await?)
}

/// New recovery codes in the place of those before, after password and code (MFA-3, MFA-4). They lie sealed until their
/// person says that they were kept.
pub async fn renew_codes(services: &Services, caller: &Caller, password: SecretString, typed: &str) -> Result<(), AppError> {
    proof::require_fresh(services, caller)?;
    let (mut tx, proven) = prove_both(services, caller, password, typed).await?;
    let (user, codes) = (&caller.account.id, code::new_recovery_codes());
    let hashes: Vec<_> = codes.iter().map(|code| code::hash(code)).collect();
    let sealed = services.seal.seal(&row(user, "codes"), &codes.join("\n"));
    store::replace_recovery_codes(&mut tx, user, &hashes).await?;
    store::show_codes(&mut tx, user, &sealed).await?;
    let letter = Letter::new("Your recovery codes are new", WHY).say("The recovery codes that you had before open nothing any more.");
    tell(&mut tx, services, caller, Action::RecoveryCodesRenewed, letter).await?;
    proven.refund(&mut tx).await?;
    Ok(tx.commit().await?)
}

/// Recovery codes that were made just now, and still are to be kept. None without a fresh proof.
pub async fn new_codes(services: &Services, caller: &Caller) -> Result<Vec<String>, AppError> {
    proof::require_fresh(services, caller)?;
    let user = &caller.account.id;
    match store::find(&mut services.db.read().await?, user).await? {
        Some(factor) if factor.enabled_at.is_some() && !factor.sealed_codes.is_empty() => {
            Ok(unseal(services, user, "codes", &factor.sealed_codes)?.lines().map(str::to_owned).collect())
        }
        _ => Ok(Vec::new()),
    }
}

/// Their person has kept them: only hashes are left.
pub async fn forget_new_codes(services: &Services, caller: &Caller) -> Result<(), AppError> {
    let mut tx = services.db.write().await?;
    lock_account(&mut tx, caller).await?;
    store::show_codes(&mut tx, &caller.account.id, "").await?;
    Ok(tx.commit().await?)
}

/// A password and a code that were given together, and what they counted as.
struct BothProven {
    password: Verified,
    code: tries::CountedAttempt,
}

impl BothProven {
    /// Gives back what both were counted as. Call it last in a transaction.
    async fn refund(&self, tx: &mut Tx) -> sqlx::Result<()> {
        tries::refund(tx, &[&self.password.counted, &self.code]).await
    }
}

/// Takes password and code, and returns the transaction in which the code is used up, with the account locked.
///
/// Errors: those of [`proof::password`], [`AppError::WrongCode`], [`AppError::NotSignedIn`] if the session ended meanwhile.
async fn prove_both(services: &Services, caller: &Caller, password: SecretString, typed: &str) -> Result<(Tx, BothProven), AppError> {
    let asked = Asked { purpose: "second_factor", field: "password" };
    let password = proof::password(services, caller, asked, password).await?;
    let limit = limit_of_session(services, caller).await?;
    let code = match tries::attempt(services, vec![limit]).await {
        Ok(code) => code,
        Err(error) => return Err(password.counted.refund_and(services, error).await),
    };
    let mut tx = services.db.write().await?;
    password.ensure_unchanged(&lock_account(&mut tx, caller).await?)?;
    if use_code(&mut tx, services, &caller.account, typed, &caller.origin).await?.is_none() {
        drop(tx);
        let error = reject(services, by(caller, Action::CodeRejected, json!({ "purpose": "second_factor" }))).await?;
        return Err(password.counted.refund_and(services, error).await);
    }
    Ok((tx, BothProven { password, code }))
}

/// What codes of this session are counted against. Sessions that are older than the factor share one limit, since as many as one
/// likes can be begun by the password alone.
async fn limit_of_session(services: &Services, caller: &Caller) -> Result<Limit, AppError> {
    let user = &caller.account.id;
    let mut db = services.db.read().await?;
    let session = sessions_store::find(&mut db, user, &caller.session).await?.ok_or(AppError::NotSignedIn)?;
    let is_newer = enabled_at(&mut db, user).await?.is_some_and(|enabled_at| session.created_at > enabled_at);
    Ok(if is_newer { Limit::CodeInSession(caller.session.clone()) } else { Limit::CodeInOlderSessions(user.clone()) })
}

/// Puts a wrong code on record.
async fn reject(services: &Services, event: Event<'_>) -> Result<AppError, AppError> {
    let mut tx = services.db.write().await?;
    audit::record(&mut tx, &services.clock, Event { outcome: Outcome::Refused, ..event }).await?;
    tx.commit().await?;
    Ok(AppError::WrongCode)
}

/// Puts a wrong code that came with a reset link on record.
pub async fn reject_for_reset(services: &Services, account: &Account, origin: &Origin) -> Result<AppError, AppError> {
    let event = about(&account.id, Action::CodeRejected, json!({ "purpose": "password_reset" }));
    reject(services, Event { ip: Some(origin.ip), ..event }).await
}

async fn tell(tx: &mut Tx, services: &Services, caller: &Caller, action: Action, letter: Letter) -> sqlx::Result<()> {
    audit::record(tx, &services.clock, by(caller, action, json!({}))).await?;
    let letter = letter
        .fact("IP address", caller.origin.ip.to_string())
        .lead("Review your account", "/profile?tab=security")
        .advise("If it was not you, change your password at once and review your sessions.");
    mail::tell(tx, services, &caller.account, Kind::SecondFactorChanged, letter).await
}

/// What proved the second factor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProvenBy {
    /// A code of the clock.
    Code,
    /// A recovery code, which is used up.
    RecoveryCode,
}

/// Uses up a code of the clock or a recovery code, with the account locked and the attempt counted (`tries`). Returns `None` if
/// the code is wrong, or was used already.
pub async fn use_code(
    tx: &mut Tx,
    services: &Services,
    account: &Account,
    typed: &str,
    origin: &Origin,
) -> Result<Option<ProvenBy>, AppError> {
    if code::is_of_the_clock(typed) {
        let factor = store::find(tx, &account.id).await?.filter(|factor| factor.enabled_at.is_some());
        let Some(factor) = factor else { return Ok(None) };
        let seed = unseal(services, &account.id, "seed", &factor.sealed_seed)?;
        let Some(step) = code::step(&seed, typed, services.clock.now()) else { return Ok(None) };
        return Ok(store::use_step(tx, &account.id, step).await?.then_some(ProvenBy::Code));
    }
    if !store::use_recovery_code(tx, &account.id, &code::hash(typed)).await? {
        return Ok(None);
    }
    note_recovery(tx, services, account, origin).await?;
    Ok(Some(ProvenBy::RecoveryCode))
}

async fn note_recovery(tx: &mut Tx, services: &Services, account: &Account, origin: &Origin) -> Result<(), AppError> {
    let left = store::count_recovery_codes(tx, &account.id).await?;
    let event = Event {
        action: Action::RecoveryCodeUsed,
        outcome: Outcome::Success,
        actor: None,
        session: None,
        token: None,
        subject: Some(&account.id),
        ip: Some(origin.ip),
        detail: json!({ "left": left }),
    };
    audit::record(tx, &services.clock, event).await?;
    let letter = Letter::new("A recovery code was used", "You are told whenever one of your recovery codes is used.")
        .say("One of your recovery codes took the place of a code from your app.")
        .fact("IP address", origin.ip.to_string())
        .fact("Left", left.to_string())
        .lead("Review your account", "/profile?tab=security")
        .advise("If it was not you, change your password at once and make new recovery codes.");
    Ok(mail::tell(tx, services, account, Kind::RecoveryCodeUsed, letter).await?)
}
