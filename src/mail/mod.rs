//! Mail: enqueued in the transaction of its cause, sent by one worker (ALT-2).

mod content;
mod store;
mod transport;
mod worker;

pub use content::Content;
pub use store::{remove_old, was_notified};
pub use transport::{Transport, check_config};
pub use worker::{run, send_due};

use chrono::{DateTime, Duration, Utc};

use crate::{
    accounts::model::Account,
    foundation::{
        crypto::{one_time_tokens::Purpose, secret::hash_hex},
        db::Tx,
        ids::{MailId, UserId},
        services::Services,
    },
    mail::store::{Digest, NewMail},
};

/// Mails of one kind that anybody may request to one address per hour (LIM-3, ASVS 2.4.1). Other kinds are counted separately, so that
/// requesting those does not block a password reset.
const MAX_REQUESTED_MAILS_PER_HOUR: i64 = 4;
/// Notices of one kind to one address per hour; further ones are collected in a digest.
const MAX_NOTICES_PER_HOUR: usize = 5;

/// The kind of a mail. The names are stable, because they are stored in the outbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq, sqlx::Type)]
#[sqlx(type_name = "TEXT", rename_all = "snake_case")]
pub enum Kind {
    /// A link to reset the password.
    Reset,
    /// The password was changed.
    PasswordChanged,
    /// The second factor was enabled or disabled, or its recovery codes were replaced.
    SecondFactorChanged,
    /// A recovery code was used.
    RecoveryCodeUsed,
    /// A sign-in from a new device or location.
    NewSignIn,
    /// A session was evicted for a new one.
    SessionEvicted,
    /// Several sign-ins failed.
    FailedSignIns,
    /// Several wrong codes were entered after a correct password.
    FailedCodes,
    /// An invitation, or a link to create a requested account.
    Invitation,
    /// An API token was created, rotated or revoked.
    TokenChanged,
    /// An API token is about to expire.
    TokenExpires,
    /// A link to confirm a change of the email address, or a notice that it was changed.
    EmailChange,
    /// The username was changed.
    ProfileChanged,
    /// A user is about to become an administrator, or has become one.
    AdministratorAdded,
    /// A grant was created, extended or ended.
    AccessChanged,
    /// A grant is about to end.
    AccessExpires,
    /// A person got another role in an organization, or lost it.
    MemberChanged,
    /// An organization was renamed, or its host suffixes changed.
    OrganizationChanged,
    /// Remote access of a plant was closed or reopened.
    RemoteAccessChanged,
}

impl Kind {
    /// Returns how long the link in such a mail is valid, if the mail was requested. `None` for notices.
    fn link_lifetime(self) -> Option<Duration> {
        match self {
            Self::Reset => Some(Purpose::Reset.lifetime()),
            Self::Invitation => Some(Purpose::Invitation.lifetime()),
            Self::EmailChange => Some(Purpose::EmailChange.lifetime()),
            _ => None,
        }
    }
}

/// Enqueues a notice to the owner of an account about something that happened. Never refused, but beyond `MAX_NOTICES_PER_HOUR`,
/// notices of one kind are collected in a digest that is sent at the end of the hour.
pub async fn enqueue(tx: &mut Tx, services: &Services, account: &Account, kind: Kind, content: Content) -> sqlx::Result<()> {
    let (user, now) = (&account.id, services.clock.now());
    let recent = store::notices_since(tx, user, kind, &hash_address(&account.email), now - Duration::hours(1)).await?;
    match recent.first() {
        Some(oldest) if recent.len() >= MAX_NOTICES_PER_HOUR => {
            add_to_digest(tx, services, account, kind, content, *oldest + Duration::hours(1)).await
        }
        _ => insert(tx, services, NewMail::immediate(Some(user), &account.email, kind, now), content).await,
    }
}

/// Adds a notice to the digest of its kind, or creates one that is due at `due_at`. The digest shows its latest notice and the number of
/// earlier ones.
async fn add_to_digest(
    tx: &mut Tx,
    services: &Services,
    account: &Account,
    kind: Kind,
    content: Content,
    due_at: DateTime<Utc>,
) -> sqlx::Result<()> {
    let now = services.clock.now();
    match store::add_to_digest(tx, &account.id, kind, &hash_address(&account.email), now).await? {
        Some(Digest { id, digest_count }) => {
            let encrypted = encrypt(services, &id, content.with_digest_note(digest_count), &account.email);
            store::replace_content(tx, &id, &encrypted).await
        }
        None => {
            let digest = NewMail { digest_count: Some(0), due_at, ..NewMail::immediate(Some(&account.id), &account.email, kind, now) };
            insert(tx, services, digest, content).await
        }
    }
}

/// Enqueues a mail that anybody can request, unless its address has reached the rate limit. Returns whether it was enqueued.
pub async fn enqueue_limited(
    tx: &mut Tx,
    services: &Services,
    user: Option<&UserId>,
    address: &str,
    kind: Kind,
    content: Content,
) -> sqlx::Result<bool> {
    let since = services.clock.now() - Duration::hours(1);
    if store::count_requested(tx, &hash_address(address), kind, since).await? >= MAX_REQUESTED_MAILS_PER_HOUR {
        return Ok(false);
    }
    let now = services.clock.now();
    let expires_at = kind.link_lifetime().map(|lifetime| now + lifetime);
    insert(tx, services, NewMail { expires_at, ..NewMail::immediate(user, address, kind, now) }, content).await?;
    Ok(true)
}

async fn insert(tx: &mut Tx, services: &Services, mail: NewMail<'_>, content: Content) -> sqlx::Result<()> {
    let id = MailId::new(services.clock.now());
    let encrypted = encrypt(services, &id, content, mail.address);
    store::insert(tx, &id, &mail, &hash_address(mail.address), &encrypted).await?;
    // If it were notified before the commit, the worker might not see the mail, and would not check again for some seconds.
    let post = services.mail_wakeup.clone();
    tx.after_commit(move || post.notify_one());
    Ok(())
}

fn encrypt(services: &Services, id: &MailId, content: Content, address: &str) -> String {
    let mail = content.render(address, &services.config.public_url().origin());
    services.keyring.encrypt(&id.to_string(), &serde_json::to_string(&mail).expect("mails are JSON"))
}

/// Hashes an email address, so that mails per address can be counted without storing it.
fn hash_address(address: &str) -> String {
    hash_hex(crate::accounts::store::normalize_identifier(address).as_bytes())
}
