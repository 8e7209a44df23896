//! Slows down who guesses, and never locks the owner out (LIM-1, ASVS 6.3.1).
//!
//! An attempt is counted as failed before it is judged, so that many at once count as many. When it turns out right, its
//! count is given back. A browser that an account knows, a session and a reset link have limits of their own: strangers
//! cannot use those up.

use std::net::IpAddr;

use chrono::Duration;

use crate::{
    accounts::{model::Account, store::key},
    error::AppError,
    foundation::{
        config::Switch,
        db::Tx,
        ids::{SessionId, UserId},
        limiter::{
            self, Charge,
            rules::{Bucket, Rule},
        },
        network::network,
        secret::hash_hex,
        services::Services,
    },
};

/// Failed sign-ins of one network. Fifty at once, since an office of hundreds shares one address and mistypes on Monday
/// morning; then one a minute, which such an office does not reach, while an address that guesses gets 1,440 a day over all
/// names, on top of the backoff of each name.
const SIGN_INS: Bucket = Bucket { burst: 50, refill: Duration::minutes(1) };
/// Mails requested from one network, to any address. As many as failed sign-ins, for the same offices.
const MAILS: Bucket = Bucket { burst: 50, refill: Duration::minutes(1) };
/// Secrets that one person creates, each of which is told by mail: all the tokens that one may have and some rotations at once,
/// then four an hour (LIM-3).
const SECRETS: Bucket = Bucket { burst: 100, refill: Duration::minutes(15) };

/// What an attempt is counted against.
///
/// Codes have one limit for each way to them, so that who holds the password cannot keep the owner's known browser, session or
/// reset link from giving the right one. The space of codes stays out of reach all the same (LIM-2): a code has a million
/// values and lives 90 seconds, in which one backoff lets ten attempts pass (`limiter::rules`). All strangers share one, and so do
/// all sessions that are older than the factor. The others cannot be multiplied without the second factor or the mailbox: a
/// browser counts as known here, and a session as newer, after a sign-in with a right code alone, and at most four reset links
/// an hour are mailed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Limit {
    /// Passwords of one name, as it was typed, whether or not an account has it. Holds the hash of the name: what strangers type is
    /// not ours to keep.
    ///
    /// Not of one account: a limit that its username and its address shared would tell a stranger that the two belong together, and
    /// so that both exist (ENU-1). Who knows both names guesses twice as often instead.
    Name(String),
    /// Failed passwords of one account, whichever of its names was typed, in known browsers too. Refuses nothing: it decides when
    /// the owner is told, however slowly the failures come (ALT-1).
    FailedPasswords(UserId),
    /// The same of a name that no account has, by its hash. Nobody is told: it makes such an attempt cost as much (ENU-1).
    FailedPasswordsOfNobody(String),
    /// Failed codes of one account, after a right password. Refuses nothing, as [`Limit::FailedPasswords`].
    FailedCodes(UserId),
    /// Passwords of one account in a browser that it knows, by the hash of that browser's cookie.
    KnownDevice(UserId, String),
    /// Passwords typed again in one session.
    Session(SessionId),
    /// Codes of one account, entered by strangers.
    CodeByStrangers(UserId),
    /// Codes of one account in a browser that signed in with one, by the hash of that browser's cookie.
    CodeByKnownDevice(UserId, String),
    /// Codes entered in one session that began with one, or that is about to enable the factor.
    CodeInSession(SessionId),
    /// Codes entered in all sessions of one account that are older than its second factor.
    CodeInOlderSessions(UserId),
    /// Codes entered with one reset link, by the hash of its secret.
    CodeForReset(String),
    /// Sign-ins of one network.
    SignInsFrom(IpAddr),
    /// Mails requested from one network, to any address.
    MailsAskedFrom(IpAddr),
    /// Secrets that one person creates.
    SecretsOf(UserId),
}

impl Limit {
    /// The limit of passwords under a name, as it was typed.
    pub fn name(identifier: &str) -> Self {
        Self::Name(hash_hex(key(identifier).as_bytes()))
    }

    /// The tally of failed passwords of this account, or, if there is none, of the name that was typed.
    pub fn failed_passwords(user: Option<&UserId>, identifier: &str) -> Self {
        match user {
            Some(user) => Self::FailedPasswords(user.clone()),
            None => Self::FailedPasswordsOfNobody(hash_hex(key(identifier).as_bytes())),
        }
    }

    fn subject(&self) -> String {
        match self {
            Self::Name(hash) => format!("name:{hash}"),
            Self::FailedPasswords(user) => format!("failed-passwords:{user}"),
            Self::FailedPasswordsOfNobody(hash) => format!("failed-passwords-name:{hash}"),
            Self::FailedCodes(user) => format!("failed-codes:{user}"),
            Self::KnownDevice(user, device) => format!("device:{user}:{device}"),
            Self::Session(session) => format!("session:{session}"),
            Self::CodeByStrangers(user) => format!("code:{user}"),
            Self::CodeByKnownDevice(user, device) => format!("code-device:{user}:{device}"),
            Self::CodeInSession(session) => format!("code-session:{session}"),
            Self::CodeInOlderSessions(user) => format!("code-sessions:{user}"),
            Self::CodeForReset(link) => format!("code-reset:{link}"),
            Self::SignInsFrom(ip) => format!("network:{}", network(*ip)),
            Self::MailsAskedFrom(ip) => format!("mails:{}", network(*ip)),
            Self::SecretsOf(user) => format!("secrets:{user}"),
        }
    }

    fn rule(&self) -> Rule {
        match self {
            Self::SignInsFrom(_) => Rule::Bucket(SIGN_INS),
            Self::MailsAskedFrom(_) => Rule::Bucket(MAILS),
            Self::SecretsOf(_) => Rule::Bucket(SECRETS),
            Self::FailedPasswords(_) | Self::FailedPasswordsOfNobody(_) | Self::FailedCodes(_) => Rule::Tally,
            Self::Name(_)
            | Self::KnownDevice(..)
            | Self::Session(_)
            | Self::CodeByStrangers(_)
            | Self::CodeByKnownDevice(..)
            | Self::CodeInSession(_)
            | Self::CodeInOlderSessions(_)
            | Self::CodeForReset(_) => Rule::Backoff,
        }
    }

    fn charge(&self) -> Charge {
        Charge { subject: self.subject(), rule: self.rule() }
    }
}

/// An attempt that was counted as failed beforehand. It stays so unless it is given back by [`refund`].
pub struct CountedAttempt {
    charges: Vec<Charge>,
    /// How many sign-ins of the account have failed by its tally, this one included. 0 where nothing is tallied.
    pub failures: i64,
}

/// Counts an attempt against all of these limits. It is committed when this returns.
///
/// Errors: [`AppError::TooManyAttempts`] if one of them refuses it: then it is counted against none.
pub async fn attempt(services: &Services, limits: Vec<Limit>) -> Result<CountedAttempt, AppError> {
    if services.config.rate_limits == Switch::Off {
        return Ok(CountedAttempt { charges: Vec::new(), failures: 0 });
    }
    let charges: Vec<Charge> = limits.iter().map(Limit::charge).collect();
    let failures = services.limiter.count(charges.clone()).await?;
    Ok(CountedAttempt { charges, failures })
}

/// Counts a secret that somebody creates, in the transaction that creates it (LIM-3).
///
/// Errors: [`AppError::TooManyAttempts`] if there were too many.
pub async fn count_secret(tx: &mut Tx, services: &Services, user: &UserId) -> Result<(), AppError> {
    if services.config.rate_limits == Switch::Off {
        return Ok(());
    }
    let charges = [Limit::SecretsOf(user.clone()).charge()];
    limiter::count(tx, services.clock.now(), &[&charges]).await?.into_iter().try_for_each(|counted| counted.map(drop))
}

impl CountedAttempt {
    /// The failed attempts of strangers at an account, under both of its names. Refunding them clears them once the owner came by a reset
    /// link (LIM-1).
    pub fn of_strangers(account: &Account) -> Self {
        let user = &account.id;
        let limits = [
            Limit::name(&account.username),
            Limit::name(&account.email),
            Limit::FailedPasswords(user.clone()),
            Limit::CodeByStrangers(user.clone()),
            Limit::FailedCodes(user.clone()),
        ];
        Self { charges: limits.iter().map(Limit::charge).collect(), failures: 0 }
    }

    /// Refunds this attempt, which was right, although the request fails. Returns why: `error`, or that of the refund.
    pub async fn refund_and(&self, services: &Services, error: AppError) -> AppError {
        self.refund_alone(services).await.err().unwrap_or(error)
    }

    async fn refund_alone(&self, services: &Services) -> Result<(), AppError> {
        let mut tx = services.db.write().await?;
        refund(&mut tx, &[self]).await?;
        Ok(tx.commit().await?)
    }
}

/// These attempts were right: failures of their backoffs and tallies are forgotten, and buckets have their tokens again.
///
/// Call it once in a transaction, and last: whoever attempts something waits for these rows.
pub async fn refund(tx: &mut Tx, attempts: &[&CountedAttempt]) -> sqlx::Result<()> {
    let charges = attempts.iter().flat_map(|attempt| attempt.charges.clone()).collect();
    limiter::refund(tx, charges).await
}
