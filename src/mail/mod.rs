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
        links::Purpose,
        secret::hash_hex,
        services::Services,
    },
    mail::store::{Digest, Outgoing},
};

/// What strangers may have sent to one address in an hour, of one kind (LIM-3, ASVS 2.4.1). Mails of other kinds do not count:
/// nobody keeps an owner from a reset by causing those.
const MOST_AN_HOUR: i64 = 4;
/// Notices of one kind to one address in an hour; further ones are collected in a digest.
const MAX_NOTICES_PER_HOUR: usize = 5;

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
    /// Several wrong codes were entered after a right password.
    FailedCodes,
    /// An invitation, or the way to an account that was asked for.
    Invitation,
    /// An API token was made, rotated or revoked.
    TokenChanged,
    /// An API token is about to expire.
    TokenExpires,
    /// To confirm a change of address, or that it was done.
    EmailChange,
    /// The username is another.
    ProfileChanged,
    /// Somebody is to become an administrator, or has become one.
    AdministratorAdded,
}

impl Kind {
    /// How long the link works that such a mail carries, where somebody asked for it.
    fn link_lifetime(self) -> Option<Duration> {
        match self {
            Self::Reset => Some(Purpose::Reset.lifetime()),
            Self::Invitation => Some(Purpose::Invitation.lifetime()),
            Self::EmailChange => Some(Purpose::EmailChange.lifetime()),
            _ => None,
        }
    }
}

/// Tells the owner of an account, whatever else was sent: it is about something that was done. Beyond a few an hour, mails of one
/// kind are collected in a digest that is sent at the end of the hour.
pub async fn tell(tx: &mut Tx, services: &Services, account: &Account, kind: Kind, letter: Letter) -> sqlx::Result<()> {
    let (user, now) = (&account.id, services.clock.now());
    let recent = store::notices_since(tx, user, kind, &hashed(&account.email), now - Duration::hours(1)).await?;
    match recent.first() {
        Some(oldest) if recent.len() >= MAX_NOTICES_PER_HOUR => {
            collect(tx, services, account, kind, letter, *oldest + Duration::hours(1)).await
        }
        _ => send(tx, services, Outgoing::now(Some(user), &account.email, kind, now), letter).await,
    }
}

/// Puts a notice into the digest of its kind, which is due at `due_at` where there is none yet. The digest shows its latest
/// notice and how many came before it.
async fn collect(
    tx: &mut Tx,
    services: &Services,
    account: &Account,
    kind: Kind,
    letter: Letter,
    due_at: DateTime<Utc>,
) -> sqlx::Result<()> {
    let now = services.clock.now();
    match store::add_to_digest(tx, &account.id, kind, &hashed(&account.email), now).await? {
        Some(Digest { id, digest_count }) => {
            let sealed = seal(services, &id, letter.and_more(digest_count), &account.email);
            store::replace(tx, &id, &sealed).await
        }
        None => {
            let digest = Outgoing { digest_count: Some(0), due_at, ..Outgoing::now(Some(&account.id), &account.email, kind, now) };
            send(tx, services, digest, letter).await
        }
    }
}

/// Sends what anybody may have asked for, unless this address was sent too much of it already. Whether it was.
pub async fn send_asked_for(
    tx: &mut Tx,
    services: &Services,
    user: Option<&UserId>,
    address: &str,
    kind: Kind,
    letter: Letter,
) -> sqlx::Result<bool> {
    let since = services.clock.now() - Duration::hours(1);
    if store::count_asked_for(tx, &hashed(address), kind, since).await? >= MOST_AN_HOUR {
        return Ok(false);
    }
    let now = services.clock.now();
    let expires_at = kind.link_lifetime().map(|lifetime| now + lifetime);
    send(tx, services, Outgoing { expires_at, ..Outgoing::now(user, address, kind, now) }, letter).await?;
    Ok(true)
}

async fn send(tx: &mut Tx, services: &Services, outgoing: Outgoing<'_>, letter: Letter) -> sqlx::Result<()> {
    let id = MailId::new(services.clock.now());
    let sealed = seal(services, &id, letter, outgoing.address);
    store::insert(tx, &id, &outgoing, &hashed(outgoing.address), &sealed).await?;
    // Woken earlier, the worker might look before the mail is there, and not again for some seconds.
    let post = services.post.clone();
    tx.after_commit(move || post.notify_one());
    Ok(())
}

fn seal(services: &Services, id: &MailId, letter: Letter, address: &str) -> String {
    let mail = letter.write(address, &services.config.public_url().origin());
    services.seal.seal(&id.to_string(), &serde_json::to_string(&mail).expect("words are JSON"))
}

/// Addresses are counted without being kept.
fn hashed(address: &str) -> String {
    hash_hex(crate::accounts::store::key(address).as_bytes())
}
