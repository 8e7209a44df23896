//! What an alert does: when a sign-in is one, and what its owner makes of it.

use std::net::IpAddr;

use chrono::Duration;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::{
    accounts::{known, model::Account, store as accounts},
    audit::{self, Action, Event, Outcome},
    error::AppError,
    foundation::{
        db::Tx,
        ids::{SessionId, UserId},
        links::{self, Link, Purpose},
        secret::{Secret, hash_hex},
        services::Services,
    },
    mail::{self, Kind, Letter},
    sessions::{
        actions::{self as sessions, Begun},
        model::EndReason,
    },
    ui::time::exact,
};

/// The owner is told of failed sign-ins from this many on.
const FAILURES_TOLD_FROM: i64 = 5;
/// They are told this often at most.
const FAILURES_TOLD_EVERY: Duration = Duration::hours(1);

/// A sign-in that its owner was alerted to.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Alert {
    session: SessionId,
    device_key: String,
    /// What signed in, and from where: as a row of the Active Sessions card says it.
    pub device: String,
    /// The place.
    pub location: String,
    /// The address.
    pub ip: String,
    /// When, as its owner's clocks say it.
    pub time: String,
}

/// Mails an alert where the sign-in that just began comes from somewhere new; remembers the device (ALT-1, ALT-2).
///
/// A browser is known by its cookie, as long as it calls itself the same; a script, which has none, by what it calls itself.
/// GeoIP's cities jump about, so a known device in a country of the last 90 days raises nothing: `accounts::known` decides.
pub async fn notice(tx: &mut Tx, services: &Services, account: &Account, begun: &Begun, cookie: Option<&Secret>) -> Result<(), AppError> {
    let (now, row, user) = (services.clock.now(), begun.row(), &account.id);
    let label = &row.device.label;
    let device_key = cookie.map_or_else(|| hash_hex(format!("script {label}").as_bytes()), Secret::hash);
    let is_device_known = known::device_label(tx, user, &device_key, now - known::DEVICE_KNOWN_FOR).await?.as_ref() == Some(label);
    known::remember_device(tx, user, &device_key, label, now).await?;
    if begun.is_first() || (is_device_known && !row.new_location) {
        return Ok(());
    }
    // As it stands now: an address that was changed meanwhile must not get a link to this account.
    let Some(account) = &accounts::find_by_id(tx, user).await? else { return Ok(()) };
    let (device, location, ip) = (label.clone(), row.location.label.clone(), row.ip.clone());
    let alert = Alert { session: row.id.clone(), device_key, device, location, ip, time: exact(now, &account.time_zone) };
    let secret = links::make(tx, Purpose::Alert, Some(user), &alert, now).await?;
    Ok(mail::tell(tx, services, account, Kind::NewSignIn, letter(&alert, &secret)).await?)
}

fn letter(alert: &Alert, secret: &Secret) -> Letter {
    let why = "You are told when your account is signed in to from a new device or location.";
    Letter::new(format!("New sign-in from {}, {}", alert.device, alert.location), why)
        .say("Your Whereabouts account was signed in to from a device or location that it does not know.")
        .fact("Device", &alert.device)
        .fact("Location", format!("{} (approximate)", alert.location))
        .fact("IP address", &alert.ip)
        .fact("Time", &alert.time)
        .lead("Review this sign-in", format!("/sign-in-alert?token={}", secret.reveal()))
        .advise("If it was you, there is nothing to do. If not, the link ends that session and leads you to a new password. It works for 7 days.")
}

/// What was guessed in a sign-in that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Guess {
    /// The password.
    Password,
    /// The code of the second factor: whoever guesses it knows the password.
    Code,
}

impl Guess {
    /// Told apart, so that wrong passwords do not keep wrong codes from being told.
    fn kind(self) -> Kind {
        match self {
            Self::Password => Kind::FailedSignIns,
            Self::Code => Kind::FailedCodes,
        }
    }

    fn letter(self) -> Letter {
        let why = "You are told when several sign-ins to your account failed, once an hour at most.";
        match self {
            Self::Password => Letter::new("Several sign-ins to your account failed", why)
                .say("Somebody tried to sign in to your Whereabouts account with wrong passwords, several times. None of these attempts succeeded.")
                .advise("If it was you, use \"Forgot your password?\" where you sign in. If not, a long password and a second factor keep guessers out."),
            Self::Code => Letter::new("Wrong codes were entered for your account", why)
                .say("Somebody entered the right password of your Whereabouts account and then several wrong codes. None of these attempts succeeded.")
                .advise("If it was not you, somebody knows your password: use \"Forgot your password?\" where you sign in, and choose another."),
        }
    }
}

/// Mails the owner when several sign-ins failed, once an hour at most (ALT-1). `failures` is the tally of the account, which grows
/// however slowly the failures come, until a sign-in succeeds or there was none for a day.
pub async fn notice_failures(
    tx: &mut Tx,
    services: &Services,
    owner: &UserId,
    guess: Guess,
    failures: i64,
    ip: IpAddr,
) -> Result<(), AppError> {
    if failures < FAILURES_TOLD_FROM || mail::was_told(tx, owner, guess.kind(), services.clock.now() - FAILURES_TOLD_EVERY).await? {
        return Ok(());
    }
    let Some(account) = accounts::find_by_id(tx, owner).await? else { return Ok(()) };
    let letter = guess.letter().fact("Last IP address", ip.to_string()).lead("Review your sessions", "/profile?tab=security");
    Ok(mail::tell(tx, services, &account, guess.kind(), letter).await?)
}

/// The alert that this link is about. Looking at it changes nothing (ALT-3).
pub async fn look(services: &Services, link: &str) -> Result<Alert, AppError> {
    let found = links::look(&mut services.db.read().await?, Purpose::Alert, link, services.clock.now()).await?;
    found.and_then(|link| link.detail()).ok_or(AppError::SpentLink)
}

/// Its owner says that it was them.
pub async fn confirm(services: &Services, link: &str, ip: IpAddr) -> Result<(), AppError> {
    let mut tx = services.db.write().await?;
    let (user, alert) = spend(&mut tx, services, link).await?;
    audit::record(&mut tx, &services.clock, event(&user, Action::SignInConfirmed, &alert, ip, 0)).await?;
    Ok(tx.commit().await?)
}

/// Its owner says that it was not: that session ends, all others if asked, the device is forgotten, and a reset starts. The
/// reset's secret (ALT-3).
pub async fn disown(services: &Services, link: &str, everywhere: bool, ip: IpAddr) -> Result<Secret, AppError> {
    let found = links::look(&mut services.db.read().await?, Purpose::Alert, link, services.clock.now()).await?;
    let owner = found.and_then(|link| link.user_id).ok_or(AppError::SpentLink)?;
    let mut tx = services.db.write().await?;
    accounts::lock(&mut tx, &owner).await?.filter(|locked| locked.is_enabled).ok_or(AppError::SpentLink)?;
    let (user, alert) = spend(&mut tx, services, link).await?;
    let ended = if everywhere {
        sessions::end_all_but(&mut tx, services, &user, None, EndReason::Disowned).await?
    } else {
        let ended = sessions::end_one(&mut tx, services, &user, &alert.session, EndReason::Disowned).await?;
        ended.into_iter().map(|row| row.id).collect()
    };
    known::forget_device(&mut tx, &user, &alert.device_key).await?;
    let reset = links::make(&mut tx, Purpose::Reset, Some(&user), &(), services.clock.now()).await?;
    audit::record(&mut tx, &services.clock, event(&user, Action::SignInDisowned, &alert, ip, ended.len())).await?;
    tx.commit().await?;
    sessions::ended(services, &user, ended);
    Ok(reset)
}

async fn spend(tx: &mut Tx, services: &Services, link: &str) -> Result<(UserId, Alert), AppError> {
    let spent: Option<Link> = links::spend(tx, Purpose::Alert, link, services.clock.now()).await?;
    let found = spent.and_then(|link| Some((link.user_id.clone()?, link.detail::<Alert>()?)));
    found.ok_or(AppError::SpentLink)
}

fn event<'a>(user: &'a UserId, action: Action, alert: &Alert, ip: IpAddr, ended: usize) -> Event<'a> {
    let detail = json!({ "session": alert.session, "device": alert.device, "sessions_ended": ended });
    Event { action, outcome: Outcome::Success, actor: None, session: None, token: None, subject: Some(user), ip: Some(ip), detail }
}
