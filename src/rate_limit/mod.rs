//! Rate limits on attempts at passwords and codes: they slow down guessing without locking the owner out (LIM-1, ASVS 6.3.1).
//!
//! An attempt is counted as failed before it is verified, so that concurrent attempts are all counted. If it succeeds, it is refunded.
//! Known browsers, sessions and reset links have limits of their own, which unknown clients cannot exhaust.

use std::net::IpAddr;

use chrono::Duration;

use crate::{
    accounts::{model::Account, store::normalize_identifier},
    error::AppError,
    foundation::{
        client::network::network,
        config::Switch,
        crypto::secret::hash_hex,
        db::Tx,
        ids::{SessionId, UserId},
        limiter::{
            self, Charge,
            rules::{Bucket, Rule},
        },
        services::Services,
    },
};

/// Failed sign-ins from one network. A burst of 50, because an office of hundreds shares one address and mistypes on Monday morning; then
/// one per minute, which such an office does not reach, while an attacker's address gets 1,440 per day over all names, on top of the
/// backoff of each name.
const SIGN_INS_PER_NETWORK: Bucket = Bucket { burst: 50, refill: Duration::minutes(1) };
/// Mails requested from one network, to any address. The same limit as for failed sign-ins, for the same reason.
const MAILS_PER_NETWORK: Bucket = Bucket { burst: 50, refill: Duration::minutes(1) };
/// Secrets that one user creates, each of which causes a mail. A burst for the maximum number of API tokens and some rotations, then four
/// per hour (LIM-3).
const SECRETS_PER_USER: Bucket = Bucket { burst: 100, refill: Duration::minutes(15) };

/// Look-ups of people by one user: a burst for granting access to a team, then one per minute. Slow enough that nobody finds out which
/// addresses of a long list have accounts.
const LOOK_UPS_BY_USER: Bucket = Bucket { burst: 30, refill: Duration::minutes(1) };

/// A rate limit that an attempt is counted against.
///
/// Codes have a separate limit for each way to enter them, so that an attacker who has the password cannot block the owner's known
/// browser, session or reset link. Guessing a code remains infeasible (LIM-2): a code has a million values and is valid for 90 seconds,
/// in which one backoff allows ten attempts (`limiter::rules`). All unknown browsers share one limit, and so do all sessions that are
/// older than the second factor. An attacker cannot multiply the other limits without the second factor or the mailbox: a browser counts
/// as known here, and a session as newer, only after a sign-in with a correct code, and at most four reset links per hour are mailed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Limit {
    /// Passwords for one identifier, as entered, whether or not it belongs to an account. Holds the hash of the identifier, because
    /// arbitrary input must not be stored.
    ///
    /// Not per account: a limit shared by its username and its email address would reveal that the two belong together, and so that both
    /// exist (ENU-1). An attacker who knows both can guess twice as often instead.
    PasswordsForIdentifier(String),
    /// Failed passwords for one account, by username or email address, also in known browsers. Refuses nothing: it decides when the owner
    /// is notified, however slowly the failures come (ALT-1).
    FailedPasswords(UserId),
    /// Failed passwords for an identifier without an account, by its hash. Nobody is notified: it makes such an attempt cost as much
    /// (ENU-1).
    FailedPasswordsForUnknownUser(String),
    /// Failed codes for one account, after a correct password. Refuses nothing, like [`Limit::FailedPasswords`].
    FailedCodes(UserId),
    /// Passwords for one account in a known browser, by the hash of that browser's cookie.
    PasswordsOnKnownDevice(UserId, String),
    /// Passwords entered again in one session.
    PasswordsInSession(SessionId),
    /// Codes for one account, entered in unknown browsers.
    CodesOnUnknownDevices(UserId),
    /// Codes for one account in a browser that has signed in with a code, by the hash of that browser's cookie.
    CodesOnKnownDevice(UserId, String),
    /// Codes entered in one session that was created with a code, or that is enabling the second factor.
    CodesInSession(SessionId),
    /// Codes entered in any session of one account that is older than its second factor.
    CodesInOlderSessions(UserId),
    /// Codes entered with one reset link, by the hash of its one-time token.
    CodesForReset(String),
    /// Sign-ins from one network.
    SignInsFromNetwork(IpAddr),
    /// Mails requested from one network, to any address.
    MailsRequestedFromNetwork(IpAddr),
    /// Secrets that one user creates.
    SecretsCreatedByUser(UserId),
    /// People whom one user looks up by exact username or email address, outside an organization.
    PeopleLookedUpBy(UserId),
}

impl Limit {
    /// Returns the limit on passwords for an identifier, as entered.
    pub fn for_identifier(identifier: &str) -> Self {
        Self::PasswordsForIdentifier(hash_hex(normalize_identifier(identifier).as_bytes()))
    }

    /// Returns the tally of failed passwords for an account or, without one, for the identifier that was entered.
    pub fn failed_passwords(user: Option<&UserId>, identifier: &str) -> Self {
        match user {
            Some(user) => Self::FailedPasswords(user.clone()),
            None => Self::FailedPasswordsForUnknownUser(hash_hex(normalize_identifier(identifier).as_bytes())),
        }
    }

    fn subject(&self) -> String {
        match self {
            Self::PasswordsForIdentifier(hash) => format!("name:{hash}"),
            Self::FailedPasswords(user) => format!("failed-passwords:{user}"),
            Self::FailedPasswordsForUnknownUser(hash) => format!("failed-passwords-name:{hash}"),
            Self::FailedCodes(user) => format!("failed-codes:{user}"),
            Self::PasswordsOnKnownDevice(user, device) => format!("device:{user}:{device}"),
            Self::PasswordsInSession(session) => format!("session:{session}"),
            Self::CodesOnUnknownDevices(user) => format!("code:{user}"),
            Self::CodesOnKnownDevice(user, device) => format!("code-device:{user}:{device}"),
            Self::CodesInSession(session) => format!("code-session:{session}"),
            Self::CodesInOlderSessions(user) => format!("code-sessions:{user}"),
            Self::CodesForReset(token) => format!("code-reset:{token}"),
            Self::SignInsFromNetwork(ip) => format!("network:{}", network(*ip)),
            Self::MailsRequestedFromNetwork(ip) => format!("mails:{}", network(*ip)),
            Self::SecretsCreatedByUser(user) => format!("secrets:{user}"),
            Self::PeopleLookedUpBy(user) => format!("look-ups:{user}"),
        }
    }

    fn rule(&self) -> Rule {
        match self {
            Self::SignInsFromNetwork(_) => Rule::Bucket(SIGN_INS_PER_NETWORK),
            Self::MailsRequestedFromNetwork(_) => Rule::Bucket(MAILS_PER_NETWORK),
            Self::SecretsCreatedByUser(_) => Rule::Bucket(SECRETS_PER_USER),
            Self::PeopleLookedUpBy(_) => Rule::Bucket(LOOK_UPS_BY_USER),
            Self::FailedPasswords(_) | Self::FailedPasswordsForUnknownUser(_) | Self::FailedCodes(_) => Rule::Tally,
            Self::PasswordsForIdentifier(_)
            | Self::PasswordsOnKnownDevice(..)
            | Self::PasswordsInSession(_)
            | Self::CodesOnUnknownDevices(_)
            | Self::CodesOnKnownDevice(..)
            | Self::CodesInSession(_)
            | Self::CodesInOlderSessions(_)
            | Self::CodesForReset(_) => Rule::Backoff,
        }
    }

    fn charge(&self) -> Charge {
        Charge { subject: self.subject(), rule: self.rule() }
    }
}

/// An attempt that was counted as failed in advance. It remains counted unless it is refunded by [`refund`].
pub struct CountedAttempt {
    charges: Vec<Charge>,
    /// Number of failed sign-ins of the account by its tally, including this one. 0 if nothing is tallied.
    pub failures: i64,
}

/// Counts an attempt against all of these limits. The count is committed when this returns.
///
/// Errors: [`AppError::TooManyAttempts`] if one of the limits refuses it. It is then counted against none of them.
pub async fn attempt(services: &Services, limits: Vec<Limit>) -> Result<CountedAttempt, AppError> {
    if services.config.rate_limits == Switch::Off {
        return Ok(CountedAttempt { charges: Vec::new(), failures: 0 });
    }
    let charges: Vec<Charge> = limits.iter().map(Limit::charge).collect();
    let failures = services.limiter.submit(charges.clone()).await?;
    Ok(CountedAttempt { charges, failures })
}

/// Counts a secret that a user creates, in the transaction that creates it (LIM-3).
///
/// Errors: [`AppError::TooManyAttempts`] if the user has created too many.
pub async fn count_secret(tx: &mut Tx, services: &Services, user: &UserId) -> Result<(), AppError> {
    if services.config.rate_limits == Switch::Off {
        return Ok(());
    }
    let charges = vec![Limit::SecretsCreatedByUser(user.clone()).charge()];
    limiter::count(tx, services.clock.now(), &[charges]).await?.into_iter().try_for_each(|counted| counted.map(drop))
}

impl CountedAttempt {
    /// Returns the failed attempts of unknown clients at an account, by username and by email address. Refund them to clear them after the
    /// owner has used a reset link (LIM-1).
    pub fn by_unknown_clients(account: &Account) -> Self {
        let user = &account.id;
        let limits = [
            Limit::for_identifier(&account.username),
            Limit::for_identifier(&account.email),
            Limit::FailedPasswords(user.clone()),
            Limit::CodesOnUnknownDevices(user.clone()),
            Limit::FailedCodes(user.clone()),
        ];
        Self { charges: limits.iter().map(Limit::charge).collect(), failures: 0 }
    }

    /// Refunds this attempt, which succeeded, although the request fails with `error`. Returns `error`, or the error of the refund.
    pub async fn refund_and(&self, services: &Services, error: AppError) -> AppError {
        self.refund_now(services).await.err().unwrap_or(error)
    }

    async fn refund_now(&self, services: &Services) -> Result<(), AppError> {
        let mut tx = services.db.write().await?;
        refund(&mut tx, &[self]).await?;
        Ok(tx.commit().await?)
    }
}

/// Refunds attempts that succeeded: resets their backoffs and tallies, and returns the tokens to their buckets.
///
/// Call it once per transaction, as the last statement: other attempts wait for the locks on these rows.
pub async fn refund(tx: &mut Tx, attempts: &[&CountedAttempt]) -> sqlx::Result<()> {
    let charges = attempts.iter().flat_map(|attempt| attempt.charges.clone()).collect();
    limiter::refund(tx, charges).await
}
