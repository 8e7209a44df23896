//! Slows down who guesses, and never locks the owner out (LIM-1, ASVS 6.3.1).
//!
//! A try is counted before its password is checked, so that many at once count as many; a right one is taken back. Who
//! comes with the cookie of a browser that signed in to this account before is counted apart from strangers.

pub mod store;

pub use crate::foundation::network::network;

use std::net::IpAddr;

use chrono::{DateTime, Duration, Utc};

use crate::{
    accounts::{model::Account, store::key},
    error::AppError,
    foundation::{config::Switch, db::Tx, ids::UserId, secret::hash_hex, services::Services},
};

/// Failures that cost nothing: people mistype.
const FREE_A_SUBJECT: i64 = 5;
/// Many people may share one address.
const FREE_AN_ADDRESS: i64 = 50;
/// All the tokens that one may have, and some to rotate.
const FREE_MAKINGS: i64 = 100;
const FIRST_WAIT: Duration = Duration::seconds(5);
const LONGEST_WAIT: Duration = Duration::minutes(15);
/// Failures are forgotten when none came for this long.
pub const FORGOTTEN_AFTER: Duration = Duration::hours(24);

/// Who is counted: an account or a known browser, and an address.
pub struct Tries {
    subject: String,
    address: String,
}

impl Tries {
    /// `device` is the hash of the cookie of a browser that this account knows.
    pub fn of(identifier: &str, device: Option<&str>, ip: IpAddr) -> Self {
        let subject = match device {
            Some(device) => format!("device:{device}"),
            None => account(identifier),
        };
        Self::new(subject, ip)
    }

    /// Of the password of somebody who is signed in.
    pub fn of_proofs(user: &UserId, ip: IpAddr) -> Self {
        Self::new(format!("proof:{user}"), ip)
    }

    /// Of codes, whose whole space cannot be tried within the life of one (LIM-2).
    pub fn of_codes(user: &UserId, ip: IpAddr) -> Self {
        Self::new(format!("code:{user}"), ip)
    }

    fn new(subject: String, ip: IpAddr) -> Self {
        Self { subject, address: format!("address:{}", network(ip)) }
    }

    /// Counts this try as failed beforehand, and says how many of its subject have failed by then; refused while an earlier
    /// wait lasts.
    pub async fn begin(&self, services: &Services) -> Result<i64, AppError> {
        if services.config.rate_limits == Switch::Off {
            return Ok(1);
        }
        let now = services.clock.now();
        let mut tx = services.db.write().await?;
        // Dropped, not committed, where one is refused: a try that was refused is none.
        let failures = count(&mut tx, &self.subject, FREE_A_SUBJECT, now).await?;
        count(&mut tx, &self.address, FREE_AN_ADDRESS, now).await?;
        tx.commit().await?;
        Ok(failures)
    }

    /// Counts that somebody at this address asks for a mail, whoever it would go to (ENU-1); refused while a wait lasts. By address
    /// alone: no stranger keeps an owner from asking.
    pub async fn asking(services: &Services, ip: IpAddr) -> Result<(), AppError> {
        if services.config.rate_limits == Switch::Off {
            return Ok(());
        }
        let mut tx = services.db.write().await?;
        count(&mut tx, &format!("asking:{}", network(ip)), FREE_AN_ADDRESS, services.clock.now()).await?;
        Ok(tx.commit().await?)
    }

    /// Counts that somebody makes a secret, of which they are told by mail (LIM-3); refused while a wait lasts.
    pub async fn making(tx: &mut Tx, services: &Services, user: &UserId) -> Result<(), AppError> {
        if services.config.rate_limits == Switch::On {
            count(tx, &format!("making:{user}"), FREE_MAKINGS, services.clock.now()).await?;
        }
        Ok(())
    }

    /// The try was right: its count is taken back, and the account's failures are forgotten.
    pub async fn succeed(&self, tx: &mut Tx) -> sqlx::Result<()> {
        store::forget_failures(tx, &self.subject).await?;
        store::take_back(tx, &self.address).await
    }

    /// Forgets what strangers failed at: the owner came by a reset link (LIM-1).
    pub async fn forget_account(tx: &mut Tx, owner: &Account) -> sqlx::Result<()> {
        for name in [&owner.username, &owner.email] {
            store::forget_failures(tx, &account(name)).await?;
        }
        Ok(())
    }
}

/// Counts a try; how many failed by then.
async fn count(tx: &mut Tx, subject: &str, free: i64, now: DateTime<Utc>) -> Result<i64, AppError> {
    if let Some(failures) = store::count_try(tx, subject, now, now - FORGOTTEN_AFTER).await? {
        store::block(tx, subject, now + wait_after(failures - free)).await?;
        return Ok(failures);
    }
    let until = store::blocked_until(tx, subject).await?.unwrap_or(now); // counted down meanwhile: the next try is free
    let wait = (until - now).num_milliseconds().max(1).cast_unsigned();
    Err(AppError::TooManyAttempts { seconds: wait.div_ceil(1000) })
}

fn account(identifier: &str) -> String {
    // Hashed: whatever strangers type is not ours to keep.
    format!("account:{}", hash_hex(key(identifier).as_bytes()))
}

/// 5, 10, 20 … seconds, and 15 minutes at most.
fn wait_after(failures_too_many: i64) -> Duration {
    match failures_too_many {
        ..0 => Duration::zero(),
        doublings @ 0..8 => (FIRST_WAIT * (1 << doublings)).min(LONGEST_WAIT),
        8.. => LONGEST_WAIT,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// LIM-1
    #[test]
    fn waits_grow_and_end() {
        let waits = [-1, 0, 1, 2, 7, 8, 1000].map(|n| wait_after(n).num_seconds());
        assert_eq!(waits, [0, 5, 10, 20, 640, 900, 900]);
    }
}
