//! Sign-in alerts: which sign-ins raise one, and how the owner confirms or disowns it.

use std::net::IpAddr;

use chrono::Duration;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::{
    accounts::{known, model::Account, store as accounts},
    error::AppError,
    foundation::{
        client::info::ClientInfo,
        crypto::{
            one_time_tokens::{self, OneTimeToken, Purpose},
            secret::{Secret, hash_hex},
        },
        db::Tx,
        ids::{SessionId, UserId},
        services::Services,
    },
    mail::{self, Content, Kind},
    record::{Action, Event},
    sessions::{
        actions::{self as sessions, CreatedSession},
        ended::Ending,
        model::EndReason,
    },
    ui::time::exact,
};

/// Number of failed sign-ins from which on the owner is notified.
const MIN_FAILURES_TO_NOTIFY: i64 = 5;
/// Minimum interval between two such notifications.
const FAILURE_MAIL_INTERVAL: Duration = Duration::hours(1);

/// A sign-in that raised an alert.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Alert {
    session: SessionId,
    device_key: String,
    /// The device, worded as on the Active Sessions card.
    pub device: String,
    /// The approximate location.
    pub location: String,
    /// The IP address.
    pub ip: String,
    /// The time, in the owner's time zone.
    pub time: String,
}

/// Mails an alert if the new session comes from a new device or location, and remembers the device (ALT-1, ALT-2).
///
/// A browser is identified by its device cookie, as long as its label stays the same; a script, which has no cookie, by its label.
/// GeoIP cities are unstable, so a known device in a country of the last 90 days raises no alert: `accounts::known` decides.
pub async fn alert_if_new(
    tx: &mut Tx,
    services: &Services,
    account: &Account,
    created: &CreatedSession,
    cookie: Option<&Secret>,
) -> Result<(), AppError> {
    let (now, row, user) = (services.clock.now(), created.row(), &account.id);
    let label = &row.device.label;
    let device_key = cookie.map_or_else(|| hash_hex(format!("script {label}").as_bytes()), Secret::hash);
    let is_device_known = known::device_label(tx, user, &device_key, now - known::DEVICE_KNOWN_FOR).await?.as_ref() == Some(label);
    known::remember_device(tx, user, &device_key, label, now).await?;
    if created.is_first() || (is_device_known && !row.is_new_location) {
        return Ok(());
    }
    // Read again: an email address that was replaced in the meantime must not get a link to this account.
    let Some(account) = &accounts::find_by_id(tx, user).await? else { return Ok(()) };
    let (device, location, ip) = (label.clone(), row.location.label.clone(), row.ip.clone());
    let alert = Alert { session: row.id.clone(), device_key, device, location, ip, time: exact(now, &account.time_zone) };
    let secret = one_time_tokens::create(tx, Purpose::Alert, Some(user), &alert, now).await?;
    Ok(mail::enqueue(tx, services, account, Kind::NewSignIn, alert_email(&alert, &secret)).await?)
}

fn alert_email(alert: &Alert, secret: &Secret) -> Content {
    let why = "You get this email when someone signs in to your account from a new device or location.";
    Content::new(format!("New sign-in from {}, {}", alert.device, alert.location), why)
        .paragraph("Someone signed in to your Whereabouts account from a new device or location.")
        .fact("Device", &alert.device)
        .fact("Location", format!("{} (approximate)", alert.location))
        .fact("IP address", &alert.ip)
        .fact("Time", &alert.time)
        .button("Review this sign-in", format!("/sign-in-alert?token={}", secret.reveal()))
        .note("If this was you, you can ignore this email. If not, use the link to end that session and choose a new password. The link is valid for 7 days.")
}

/// The secret that was wrong in a failed sign-in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GuessedSecret {
    /// The password.
    Password,
    /// The code of the second factor: whoever guesses it knows the password already.
    Code,
}

impl GuessedSecret {
    /// Returns the kind of mail. One for each secret, so that a mail about wrong passwords does not suppress one about wrong codes.
    fn mail_kind(self) -> Kind {
        match self {
            Self::Password => Kind::FailedSignIns,
            Self::Code => Kind::FailedCodes,
        }
    }

    fn email(self) -> Content {
        let why = "You get this email when several sign-ins to your account fail, at most once an hour.";
        match self {
            Self::Password => Content::new("Several sign-ins to your account failed", why)
                .paragraph("Someone tried several times to sign in to your Whereabouts account with a wrong password. None of these attempts succeeded.")
                .note("If this was you, use \"Forgot your password?\" on the login page. If not, a long password and two-factor authentication protect your account."),
            Self::Code => Content::new("Wrong codes were entered for your account", why)
                .paragraph("Someone entered the correct password of your Whereabouts account, followed by several wrong codes. None of these attempts succeeded.")
                .note("If this was not you, someone knows your password: use \"Forgot your password?\" on the login page to choose a new one."),
        }
    }
}

/// Notifies the owner by mail of several failed sign-ins, at most once an hour (ALT-1). `failures` is the tally of the account: it
/// grows however slow the failures are, until a sign-in succeeds or a day passes without one.
pub async fn notify_of_failures(
    services: &Services,
    owner: &UserId,
    secret: GuessedSecret,
    failures: i64,
    ip: IpAddr,
) -> Result<(), AppError> {
    if failures < MIN_FAILURES_TO_NOTIFY {
        return Ok(());
    }
    let mut tx = services.db.write().await?;
    let since = services.clock.now() - FAILURE_MAIL_INTERVAL;
    if mail::was_notified(&mut tx, owner, secret.mail_kind(), since).await? {
        return Ok(());
    }
    let Some(account) = accounts::find_by_id(&mut tx, owner).await? else { return Ok(()) };
    let content = secret.email().fact("Last IP address", ip.to_string()).button("Review your sessions", "/profile?tab=security");
    mail::enqueue(&mut tx, services, &account, secret.mail_kind(), content).await?;
    Ok(tx.commit().await?)
}

/// Returns the alert of this token without consuming it (ALT-3).
///
/// Errors: [`AppError::LinkExpired`].
pub async fn peek(services: &Services, token: &str) -> Result<Alert, AppError> {
    let found = one_time_tokens::peek(&mut services.db.read().await?, Purpose::Alert, token, services.clock.now()).await?;
    found.and_then(|token| token.detail()).ok_or(AppError::LinkExpired)
}

/// Confirms the sign-in as the owner's own.
///
/// Errors: [`AppError::LinkExpired`].
pub async fn confirm(services: &Services, token: &str, client: &ClientInfo) -> Result<(), AppError> {
    let mut tx = services.db.write().await?;
    let (user, alert) = consume(&mut tx, services, token).await?;
    services.recorder.write(&mut tx, event(&user, Action::SignInConfirmed, &alert, client, 0)).await?;
    Ok(tx.commit().await?)
}

/// Disowns the sign-in: ends its session (all sessions if `everywhere`), forgets the device and starts a password reset. Returns
/// the token of the reset (ALT-3).
///
/// Errors: [`AppError::LinkExpired`].
pub async fn disown(services: &Services, token: &str, everywhere: bool, client: &ClientInfo) -> Result<Secret, AppError> {
    let found = one_time_tokens::peek(&mut services.db.read().await?, Purpose::Alert, token, services.clock.now()).await?;
    let owner = found.and_then(|token| token.user_id).ok_or(AppError::LinkExpired)?;
    let mut tx = services.db.write().await?;
    accounts::lock(&mut tx, &owner).await?.filter(|locked| locked.is_enabled).ok_or(AppError::LinkExpired)?;
    let (user, alert) = consume(&mut tx, services, token).await?;
    let ended = if everywhere {
        sessions::end_all_but(&mut tx, services, &user, None, Ending::new(EndReason::Disowned)).await?
    } else {
        let ended = sessions::end_one(&mut tx, services, &user, &alert.session, Ending::new(EndReason::Disowned)).await?;
        ended.into_iter().map(|row| row.id).collect()
    };
    known::forget_device(&mut tx, &user, &alert.device_key).await?;
    let reset = one_time_tokens::create(&mut tx, Purpose::Reset, Some(&user), &(), services.clock.now()).await?;
    services.recorder.write(&mut tx, event(&user, Action::SignInDisowned, &alert, client, ended.len())).await?;
    tx.commit().await?;
    sessions::publish_ended(services, &user, ended);
    Ok(reset)
}

async fn consume(tx: &mut Tx, services: &Services, token: &str) -> Result<(UserId, Alert), AppError> {
    let consumed: Option<OneTimeToken> = one_time_tokens::consume(tx, Purpose::Alert, token, services.clock.now()).await?;
    let found = consumed.and_then(|token| Some((token.user_id.clone()?, token.detail::<Alert>()?)));
    found.ok_or(AppError::LinkExpired)
}

fn event<'a>(user: &'a UserId, action: Action, alert: &Alert, client: &'a ClientInfo, ended: usize) -> Event<'a> {
    let detail = json!({ "session": alert.session, "device": alert.device, "sessions_ended": ended });
    Event { subject: Some(user), client: Some(client), ..Event::new(action, detail) }
}
