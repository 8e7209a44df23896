//! Server functions of the registration pages, and the one that grants access, because it may invite a person.

use std::sync::Arc;

use leptos::prelude::*;

use crate::{
    accounts::actions::NewAccount,
    authentication::registration::{
        actions,
        granted::{self, Granted},
        invitations::{self, Invitation},
        requests,
    },
    error::{AppError, problem::Problem},
    foundation::{
        config::Registration,
        ids::{OneTimeTokenId, OrganizationId},
        services::Services,
    },
    permissions::grants::form::{self, Entered},
    reauthentication::{actor::Actor, api::or_reauthenticate},
    sessions::caller::{client_info, current_session},
    ui::form_response::{self, Flash, FormOutcome, respond, with_token},
};

/// Path of the registration page.
pub const REGISTER: &str = "/register";
/// Path of the page to request access.
pub const REQUEST_ACCESS: &str = "/request-access";

/// Checks the token of the setup page and loads the page's data.
///
/// Errors: [`AppError::LinkExpired`].
pub async fn load_setup(token: String) -> Result<Flash, AppError> {
    let services = expect_context::<Arc<Services>>();
    if actions::is_setup_token_valid(&services, &token).await? { Ok(form_response::take_flash()) } else { Err(AppError::LinkExpired) }
}

/// Creates the first administrator and redirects to the login page.
#[server(prefix = "/api/ui", endpoint = "create_first_administrator")]
pub async fn create_first_administrator(token: String, username: String, email: String, password: String) -> Result<String, Problem> {
    let services = expect_context::<Arc<Services>>();
    let account = NewAccount { username: username.clone(), email: email.clone(), password: password.into(), is_admin: true };
    let created = actions::create_first_administrator(&services, &token, account).await;
    respond(
        created.map(|_| FormOutcome::redirect_to("/login")),
        &with_token("/setup", &token),
        &[("username", &username), ("email", &email)],
    )
}

/// Returns the registration mode of the server.
pub fn registration_mode() -> Registration {
    expect_context::<Arc<Services>>().config.registration
}

/// Data of the invitation page.
pub struct InvitationPageData {
    /// The one-time token, which the page's form sends back.
    pub token: String,
    /// The email address that the token verifies.
    pub email: String,
    /// Message of the previous form, if any.
    pub flash: Flash,
}

/// Loads the invitation of this token. Does not consume the token. The response is sent with `Referrer-Policy: no-referrer`.
///
/// Errors: [`AppError::LinkExpired`].
pub async fn load_invitation(token: String) -> Result<InvitationPageData, AppError> {
    form_response::no_referrer();
    let services = expect_context::<Arc<Services>>();
    let Invitation { email, .. } = invitations::peek(&services, &token).await?;
    Ok(InvitationPageData { token, email, flash: form_response::take_flash() })
}

/// Creates the invited account and redirects to the login page.
#[server(prefix = "/api/ui", endpoint = "accept_invitation")]
pub async fn accept_invitation(token: String, username: String, password: String) -> Result<String, Problem> {
    let services = expect_context::<Arc<Services>>();
    let accepted = invitations::accept(&services, &token, username.clone(), password.into()).await;
    let outcome = accepted.map(|account| {
        FormOutcome::redirect_to("/login").with_notice(format!("Welcome, {}. Sign in with your new password.", account.username))
    });
    respond(outcome, &with_token(REGISTER, &token), &[("username", &username)])
}

/// Mails a registration link. The response does not depend on whether the address has an account (ENU-1).
#[server(prefix = "/api/ui", endpoint = "request_registration")]
pub async fn request_registration(email: String) -> Result<String, Problem> {
    let words = "An email is on its way to this address. Its link works once, for 7 days.";
    let request = async || {
        let (services, client) = client_info()?;
        requests::request_registration(&services, email.clone(), &client).await?;
        Ok(FormOutcome::redirect_to(REGISTER).with_notice(words))
    };
    respond(request().await, REGISTER, &[("email", &email)])
}

/// Requests access from an administrator. The response does not depend on whether the address has an account (ENU-1).
#[server(prefix = "/api/ui", endpoint = "request_access")]
pub async fn request_access(email: String, #[server(default)] message: String) -> Result<String, Problem> {
    let notice = "Thank you. An administrator will review your request and may send you an invitation by email.";
    let request = async || {
        let (services, client) = client_info()?;
        requests::request_access(&services, email.clone(), message.clone(), &client).await?;
        Ok(FormOutcome::redirect_to(REQUEST_ACCESS).with_notice(notice))
    };
    respond(request().await, REQUEST_ACCESS, &[("email", &email), ("message", &message)])
}

/// Grants access, or invites an email address without an account.
#[server(prefix = "/api/ui", endpoint = "grant_access")]
#[allow(clippy::too_many_arguments, reason = "the fields of a form")]
pub async fn grant_access(
    at: String,
    #[server(default)] dialog: String,
    user: String,
    #[server(default)] is_vendor: String,
    #[server(default)] vendor: String,
    #[server(default)] role: String,
    #[server(default)] scope: String,
    #[server(default)] until: String,
    #[server(default)] day: String,
    #[server(default)] reason: String,
) -> Result<String, Problem> {
    let entered = Entered { at, dialog, person: String::new(), user, is_vendor, vendor, role, scope, until, day, reason };
    let grant = async || {
        let (services, caller) = current_session()?;
        let (now, opened_for) = (services.clock.now(), entered.opened_for()?);
        let request = entered.request(&caller.account.time_zone, now)?;
        let user = request.user.clone();
        let granted = granted::grant_or_invite(&services, Actor::Principal(&caller), &user, &request.terms(now)?).await?;
        let notice = match granted {
            Granted::Created(grant) => format!("{} is now {} by {}.", grant.user.name, grant.role.name().to_lowercase(), grant.scope.name),
            Granted::Invited { email, .. } => format!("An invitation is on its way to {email}. The access comes with the account."),
        };
        Ok(FormOutcome::redirect_to(form::back_path(&opened_for)).with_notice(notice))
    };
    let granted = grant().await.map_err(|error| entered.in_form(error));
    respond(or_reauthenticate(granted, &entered.address()), &entered.address(), &entered.fields())
}

/// Cancels an invitation with access to something in an organization.
#[server(prefix = "/api/ui", endpoint = "cancel_access_invitation")]
pub async fn cancel_access_invitation(organization: String, id: String) -> Result<String, Problem> {
    let page = format!("/organizations/{organization}");
    let cancel = async || {
        let (services, caller) = current_session()?;
        let organization = OrganizationId::parse(&organization).ok_or(AppError::NotFound)?;
        let id = OneTimeTokenId::parse(&id).ok_or(AppError::NotFound)?;
        let canceled = granted::cancel_invitation(&services, Actor::Principal(&caller), &organization, &id).await?;
        Ok(FormOutcome::redirect_to(page.as_str()).with_notice(format!("The invitation for {} was canceled.", canceled.email)))
    };
    respond(or_reauthenticate(cancel().await, &page), &page, &[])
}
