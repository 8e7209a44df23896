//! What changes an email address.

use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::{
    accounts::{
        actions::{about, taken},
        known,
        model::{Account, check_email},
        store::{self as accounts, key},
    },
    audit::{self, Action, Event},
    email_change::store,
    error::AppError,
    foundation::{
        db::Tx,
        ids::UserId,
        links::{self, Purpose},
        origin::Origin,
        services::Services,
    },
    mail::{self, Kind, Letter},
    proof::actions::require_fresh,
    sessions::{
        actions::{by, lock_account},
        caller::Caller,
    },
};

const WHY: &str = "Somebody asked to change the email address of a Whereabouts account.";

/// Which mailbox a link was sent to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum Side {
    Old,
    New,
}

/// What a link confirms.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Confirmation {
    /// The new address.
    pub email: String,
    side: Side,
}

/// How a change stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stand {
    /// The other address is yet to confirm it.
    Waiting,
    /// The account has its new address.
    Done,
}

/// Mails a link to both addresses. The caller learns nothing of who has the new one: whoever does is told by mail instead.
pub async fn ask(services: &Services, caller: &Caller, email: &str) -> Result<(), AppError> {
    require_fresh(services, caller)?;
    check_email(email)?;
    if key(email) == key(&caller.account.email) {
        return Err(AppError::invalid("email", "This is your email address already."));
    }
    let mut tx = services.db.write().await?;
    let account = &lock_account(&mut tx, caller).await?.account;
    links::cancel(&mut tx, Purpose::EmailChange, Some(&account.id)).await?;
    store::begin(&mut tx, &account.id, email).await?;
    if !mail_link(&mut tx, services, account, email, Side::Old).await? {
        return Err(AppError::invalid("email", "Your address was sent several mails within an hour. Try again later."));
    }
    match accounts::find(&mut tx, email).await? {
        Some(other) => {
            let letter = Letter::new("Your email address was asked for", WHY)
                .say("Somebody wanted this email address for another account. It is yours, so nothing was changed.");
            mail::send_asked_for(&mut tx, services, Some(&other.account.id), &other.account.email, Kind::EmailChange, letter).await?;
        }
        None => {
            mail_link(&mut tx, services, account, email, Side::New).await?;
        }
    }
    audit::record(&mut tx, &services.clock, by(caller, Action::EmailChangeAskedFor, json!({}))).await?;
    Ok(tx.commit().await?)
}

/// Mails the link of one side, unless too much was mailed there already. Whether it was.
async fn mail_link(tx: &mut Tx, services: &Services, account: &Account, email: &str, side: Side) -> sqlx::Result<bool> {
    let confirmation = Confirmation { email: email.to_owned(), side };
    let secret = links::make(tx, Purpose::EmailChange, Some(&account.id), &confirmation, services.clock.now()).await?;
    let to = if side == Side::Old { &account.email } else { email };
    let letter = Letter::new("Confirm the change of your email address", WHY)
        .say("The email address of your Whereabouts account is to be another. It changes once both addresses have confirmed it.")
        .fact("Account", &account.username)
        .fact("New address", email)
        .lead("Confirm the change", format!("/verify-email?token={}", secret.reveal()))
        .advise("This works once, and for a day. If it was not you, do not confirm it, and change your password.");
    mail::send_asked_for(tx, services, Some(&account.id), to, Kind::EmailChange, letter).await
}

/// The new address that waits to be confirmed, if one does.
pub async fn waiting(services: &Services, user: &UserId) -> Result<Option<String>, AppError> {
    Ok(store::find(&mut services.db.read().await?, user).await?.map(|waiting| waiting.email))
}

/// Forgets a change that waits.
pub async fn cancel(services: &Services, caller: &Caller) -> Result<(), AppError> {
    let mut tx = services.db.write().await?;
    lock_account(&mut tx, caller).await?;
    store::end(&mut tx, &caller.account.id).await?;
    links::cancel(&mut tx, Purpose::EmailChange, Some(&caller.account.id)).await?;
    Ok(tx.commit().await?)
}

/// What this link confirms. Looking at it changes nothing.
pub async fn look(services: &Services, link: &str) -> Result<Confirmation, AppError> {
    let found = links::look(&mut services.db.read().await?, Purpose::EmailChange, link, services.clock.now()).await?;
    found.and_then(|link| link.detail()).ok_or(AppError::SpentLink)
}

/// One address confirms the change; the second one's word makes it, and both are told.
pub async fn confirm(services: &Services, link: &str, origin: &Origin) -> Result<Stand, AppError> {
    let found = links::look(&mut services.db.read().await?, Purpose::EmailChange, link, services.clock.now()).await?;
    let owner = found.and_then(|link| link.user_id).ok_or(AppError::SpentLink)?;
    let mut tx = services.db.write().await?;
    accounts::lock(&mut tx, &owner).await?;
    let spent = links::spend(&mut tx, Purpose::EmailChange, link, services.clock.now()).await?.ok_or(AppError::SpentLink)?;
    let confirmation: Confirmation = spent.detail().ok_or(AppError::SpentLink)?;
    let user = spent.user_id.ok_or(AppError::SpentLink)?;
    let side = confirmation.side;
    let stands = store::confirm(&mut tx, &user, side == Side::Old, side == Side::New).await?;
    let stands = stands.filter(|stands| stands.email == confirmation.email).ok_or(AppError::SpentLink)?;
    let event = |action| Event { ip: Some(origin.ip), ..about(&user, action, json!({})) };
    if !(stands.old_confirmed && stands.new_confirmed) {
        audit::record(&mut tx, &services.clock, event(Action::EmailChangeConfirmed)).await?;
        tx.commit().await?;
        return Ok(Stand::Waiting);
    }
    let before = accounts::find_by_id(&mut tx, &user).await?.ok_or(AppError::SpentLink)?;
    accounts::set_email(&mut tx, &user, &stands.email).await.map_err(taken)?;
    store::end(&mut tx, &user).await?;
    for purpose in [Purpose::EmailChange, Purpose::Reset, Purpose::Alert] {
        links::cancel(&mut tx, purpose, Some(&user)).await?;
    }
    known::forget_devices(&mut tx, &user).await?;
    audit::record(&mut tx, &services.clock, event(Action::EmailChanged)).await?;
    let after = Account { email: stands.email, ..before.clone() };
    for account in [&before, &after] {
        mail::tell(&mut tx, services, account, Kind::EmailChange, changed_letter(&before, &after, origin)).await?;
    }
    tx.commit().await?;
    Ok(Stand::Done)
}

fn changed_letter(before: &Account, after: &Account, origin: &Origin) -> Letter {
    Letter::new("Your email address was changed", "You are told of every change of your email address.")
        .say("The email address of your Whereabouts account is another now. You sign in with the new one, and mails go there.")
        .fact("Old address", &before.email)
        .fact("New address", &after.email)
        .fact("IP address", origin.ip.to_string())
        .lead("Review your sessions", "/profile?tab=security")
        .advise("If it was not you, tell your administrator at once.")
}
