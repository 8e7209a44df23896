//! What strangers ask for: an account where registration is open, access where it is by invitation. Each is done after its
//! answer, and is as much work whoever has that address: nothing is to be found out (ENU-1).

use std::sync::Arc;

use crate::{
    accounts::{model::check_email, store as accounts},
    audit::{self, Action},
    error::AppError,
    foundation::{config::Registration, ids::RequestId, origin::Origin, services::Services},
    mail::{self, Kind, Letter},
    registration::{
        invitations::{self, Invitation, asked},
        store::{self, AccessRequest},
    },
    tries::{self, Limit},
};

/// More requests than an administrator could settle are no longer kept.
const MOST_REQUESTS: i64 = 1_000;
/// What somebody may say of themselves, in characters.
const LONGEST_WORDS: usize = 500;

/// Mails a link that makes an account to this address; to one that has an account, that it has.
pub async fn ask_to_join(services: &Arc<Services>, email: String, origin: &Origin) -> Result<(), AppError> {
    if services.config.registration != Registration::Open {
        return Err(AppError::NotFound);
    }
    check_email(&email)?;
    tries::attempt(services, vec![Limit::MailsAskedFrom(origin.ip)]).await?;
    let (ip, later) = (origin.ip, services.clone());
    services.later.push(async move {
        let mut tx = later.db.write().await?;
        let is_mailed = match accounts::find(&mut tx, &email).await? {
            Some(found) if !found.is_enabled => false,
            Some(found) => {
                let address = &found.account.email;
                mail::send_asked_for(&mut tx, &later, Some(&found.account.id), address, Kind::Invitation, have_one()).await?
            }
            None => {
                let invitation = Invitation { email: email.clone(), is_admin: false };
                let why = "Somebody asked for this with your email address.";
                invitations::mail_invitation(&mut tx, &later, &invitation, None, why).await?
            }
        };
        audit::record(&mut tx, &later.clock, asked(Action::RegistrationAskedFor, is_mailed, &email, ip)).await?;
        Ok(tx.commit().await?)
    })
}

fn have_one() -> Letter {
    Letter::new("You have a Whereabouts account", "Somebody asked for an account with your email address.")
        .say("Somebody, you we hope, asked for a new account with this email address. It has one already.")
        .lead("Sign in", "/login")
        .advise("If you forgot your password, use \"Forgot your password?\" there. If it was not you, do nothing.")
}

/// Keeps a request for an administrator to settle, unless that address has an account.
pub async fn request_access(services: &Arc<Services>, email: String, words: String, origin: &Origin) -> Result<(), AppError> {
    check_email(&email)?;
    if words.chars().count() > LONGEST_WORDS {
        return Err(AppError::invalid("words", "Say it in 500 characters at most."));
    }
    tries::attempt(services, vec![Limit::MailsAskedFrom(origin.ip)]).await?;
    let (ip, later) = (origin.ip, services.clone());
    services.later.push(async move {
        let now = later.clock.now();
        let mut tx = later.db.write().await?;
        let is_new = accounts::find(&mut tx, &email).await?.is_none();
        if is_new {
            let request = AccessRequest { id: RequestId::new(now), email: email.clone(), words, asked_at: now };
            store::insert(&mut tx, &request, MOST_REQUESTS).await?;
        }
        audit::record(&mut tx, &later.clock, asked(Action::AccessRequested, is_new, &email, ip)).await?;
        Ok(tx.commit().await?)
    })
}
