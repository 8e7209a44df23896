//! Mail: written with its cause in one transaction, sent by one worker (ALT-2).

mod letter;
mod store;
mod transport;
mod worker;

pub use letter::Letter;
pub use store::{forget_old, was_told};
pub use transport::{Transport, check};
pub use worker::{run, send_due};

use chrono::{DateTime, Duration, Utc};

use crate::{
    accounts::model::Account,
    foundation::{
        db::Tx,
        ids::{MailId, UserId},
        secret::hash_hex,
        services::Services,
    },
};

/// What strangers may have sent to one address in an hour (LIM-3, ASVS 2.4.1).
const MOST_AN_HOUR: i64 = 4;

/// What a mail is about. The names are stable: they are in the outbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq, sqlx::Type)]
#[sqlx(type_name = "TEXT", rename_all = "snake_case")]
pub enum Kind {
    /// The way to a new password.
    Reset,
    /// The password is another.
    PasswordChanged,
    /// The second factor was turned on or off, or its codes are new.
    SecondFactorChanged,
    /// A recovery code was used.
    RecoveryCodeUsed,
    /// A sign-in from somewhere new.
    NewSignIn,
    /// A session gave way to a new one.
    SessionDisplaced,
    /// Several sign-ins failed.
    FailedSignIns,
    /// An invitation, or the way to an account that was asked for.
    Invitation,
    /// An API token was made, rotated or revoked.
    TokenChanged,
    /// An API token is about to expire.
    TokenExpires,
    /// To confirm a change of address, or that it was done.
    EmailChange,
}

/// Tells the owner of an account, whatever else was sent: it is about something that was done.
pub async fn tell(tx: &mut Tx, services: &Services, account: &Account, kind: Kind, letter: Letter) -> sqlx::Result<()> {
    send(tx, services, Some(&account.id), &account.email, kind, letter).await
}

/// Sends what anybody may have asked for, unless this address was sent too much already. Whether it was.
pub async fn send_asked_for(
    tx: &mut Tx,
    services: &Services,
    user: Option<&UserId>,
    address: &str,
    kind: Kind,
    letter: Letter,
) -> sqlx::Result<bool> {
    let since = services.clock.now() - Duration::hours(1);
    if store::count_since(tx, &hashed(address), since).await? >= MOST_AN_HOUR {
        return Ok(false);
    }
    send(tx, services, user, address, kind, letter).await?;
    Ok(true)
}

async fn send(tx: &mut Tx, services: &Services, user: Option<&UserId>, address: &str, kind: Kind, letter: Letter) -> sqlx::Result<()> {
    let now: DateTime<Utc> = services.clock.now();
    let id = MailId::new(now);
    let mail = letter.write(address, &services.config.public_url().origin());
    let sealed = services.seal.seal(&id.to_string(), &serde_json::to_string(&mail).expect("words are JSON"));
    store::insert(tx, &id, kind, user, &hashed(address), &sealed, now).await?;
    // Woken earlier, the worker might look before the mail is there, and not again for some seconds.
    let post = services.post.clone();
    tx.after_commit(move || post.notify_one());
    Ok(())
}

/// Addresses are counted without being kept.
fn hashed(address: &str) -> String {
    hash_hex(crate::accounts::store::key(address).as_bytes())
}
