//! Requests without a session: registration where it is open, access where it is by invitation. Each is processed after its
//! response, with the same work whether or not the address has an account, so that neither reveals it (ENU-1).

use std::sync::Arc;

use crate::{
    accounts::{model::check_email, store as accounts},
    authentication::registration::{
        invitations::{self, Invitation, anonymous_event},
        store::{self, AccessRequest},
    },
    error::AppError,
    foundation::{client::info::ClientInfo, config::Registration, ids::RequestId, services::Services},
    mail::{self, Content, Kind},
    rate_limit::{self, Limit},
    record::Action,
};

/// Maximum number of stored access requests. Further ones are dropped.
const MAX_ACCESS_REQUESTS: i64 = 1_000;
/// Maximum length of the message of an access request, in characters.
const MAX_MESSAGE_CHARS: usize = 500;

/// Mails a registration link to this address, or a notice if it has an account already.
///
/// Errors: [`AppError::NotFound`] if registration is not open, [`AppError::Invalid`], [`AppError::TooManyAttempts`].
pub async fn request_registration(services: &Arc<Services>, email: String, client_info: &ClientInfo) -> Result<(), AppError> {
    if services.config.registration != Registration::Open {
        return Err(AppError::NotFound);
    }
    check_email(&email)?;
    rate_limit::attempt(services, vec![Limit::MailsRequestedFromNetwork(client_info.ip)]).await?;
    let (client, job_services) = (client_info.clone(), services.clone());
    services.background_jobs.enqueue(async move {
        let mut tx = job_services.db.write().await?;
        let is_mailed = match accounts::find(&mut tx, &email).await? {
            Some(found) if !found.is_enabled => false,
            Some(found) => {
                let address = &found.account.email;
                mail::enqueue_limited(&mut tx, &job_services, Some(&found.account.id), address, Kind::Invitation, existing_account_email())
                    .await?
            }
            None => {
                let invitation = Invitation::new(email.clone(), false);
                let why = "Someone requested this with your email address.";
                invitations::mail_invitation(&mut tx, &job_services, &invitation, None, why).await?
            }
        };
        job_services.recorder.write(&mut tx, anonymous_event(Action::RegistrationAskedFor, is_mailed, &email, &client)).await?;
        Ok(tx.commit().await?)
    })
}

fn existing_account_email() -> Content {
    Content::new("You have a Whereabouts account", "Someone requested an account with your email address.")
        .paragraph("Someone, hopefully you, requested a new account with this email address, but it already has one.")
        .button("Sign in", "/login")
        .note("If you forgot your password, use \"Forgot your password?\" on the login page. If this was not you, ignore this email.")
}

/// Stores an access request for the administrators, unless the address has an account.
///
/// Errors: [`AppError::Invalid`], [`AppError::TooManyAttempts`].
pub async fn request_access(services: &Arc<Services>, email: String, message: String, client_info: &ClientInfo) -> Result<(), AppError> {
    check_email(&email)?;
    if message.chars().count() > MAX_MESSAGE_CHARS {
        return Err(AppError::invalid("message", "A message has at most 500 characters."));
    }
    rate_limit::attempt(services, vec![Limit::MailsRequestedFromNetwork(client_info.ip)]).await?;
    let (client, job_services) = (client_info.clone(), services.clone());
    services.background_jobs.enqueue(async move {
        let now = job_services.clock.now();
        let mut tx = job_services.db.write().await?;
        let is_new = accounts::find(&mut tx, &email).await?.is_none();
        if is_new {
            let request = AccessRequest { id: RequestId::new(now), email: email.clone(), message, requested_at: now };
            store::insert(&mut tx, &request, MAX_ACCESS_REQUESTS).await?;
        }
        job_services.recorder.write(&mut tx, anonymous_event(Action::AccessRequested, is_new, &email, &client)).await?;
        Ok(tx.commit().await?)
    })
}
