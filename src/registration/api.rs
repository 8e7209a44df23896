//! The doors of the pages by which people join.

use std::sync::Arc;

use leptos::prelude::*;

use crate::{
    accounts::actions::NewAccount,
    error::AppError,
    foundation::{config::Registration, services::Services},
    registration::{
        actions,
        invitations::{self, Invitation},
        requests,
    },
    sessions::caller::here,
    ui::plain_form::{self, Flash, Led, lead, with_token},
};

/// Where accounts are made.
pub const REGISTER: &str = "/register";
/// Where access is asked for.
pub const REQUEST_ACCESS: &str = "/request-access";

/// Whether this one-time link still makes the first administrator.
pub async fn open_setup(token: String) -> Result<Flash, AppError> {
    let services = expect_context::<Arc<Services>>();
    if actions::is_link_good(&services, &token).await? { Ok(plain_form::take()) } else { Err(AppError::SpentLink) }
}

/// Makes the first administrator; then one signs in.
#[server(prefix = "/api/ui", endpoint = "make_first_administrator")]
pub async fn make_first_administrator(token: String, username: String, email: String, password: String) -> Result<String, AppError> {
    let services = expect_context::<Arc<Services>>();
    let account = NewAccount { username: username.clone(), email: email.clone(), password: password.into(), is_admin: true };
    let made = actions::make_first_administrator(&services, &token, account).await;
    lead(made.map(|_| Led::to("/login")), &with_token("/setup", &token), &[("username", &username), ("email", &email)])
}

/// How people join here.
pub fn registration() -> Registration {
    expect_context::<Arc<Services>>().config.registration
}

/// What the page of an invitation is given.
pub struct OpenedInvitation {
    /// The link's secret, for its form to give back.
    pub token: String,
    /// The address that is verified by it.
    pub email: String,
    /// What the page before wants said.
    pub flash: Flash,
}

/// Whom this link invites. Opening it changes nothing; its page tells nobody where it is.
pub async fn open_invitation(token: String) -> Result<OpenedInvitation, AppError> {
    plain_form::tell_nobody_where();
    let services = expect_context::<Arc<Services>>();
    let Invitation { email, .. } = invitations::look(&services, &token).await?;
    Ok(OpenedInvitation { token, email, flash: plain_form::take() })
}

/// Makes the account that a link invites to; then one signs in.
#[server(prefix = "/api/ui", endpoint = "join")]
pub async fn join(token: String, username: String, password: String) -> Result<String, AppError> {
    let services = expect_context::<Arc<Services>>();
    let joined = invitations::join(&services, &token, username.clone(), password.into()).await;
    let led = joined.map(|account| Led::to("/login").saying(format!("Welcome, {}. Sign in with your new password.", account.username)));
    lead(led, &with_token(REGISTER, &token), &[("username", &username)])
}

/// Has a link mailed that makes an account. The answer is the same whoever has that address (ENU-1).
#[server(prefix = "/api/ui", endpoint = "ask_to_join")]
pub async fn ask_to_join(email: String) -> Result<String, AppError> {
    let words = "A mail is on its way to this address. Its link creates your account, once, within 7 days.";
    let ask = async || {
        let (services, origin) = here()?;
        requests::ask_to_join(&services, email.clone(), &origin).await?;
        Ok(Led::to(REGISTER).saying(words))
    };
    lead(ask().await, REGISTER, &[("email", &email)])
}

/// Asks an administrator for access. The answer is the same whoever has that address (ENU-1).
#[server(prefix = "/api/ui", endpoint = "request_access")]
pub async fn request_access(email: String, #[server(default)] words: String) -> Result<String, AppError> {
    let said = "Thank you. An administrator sees your request; if they invite you, a mail says so.";
    let request = async || {
        let (services, origin) = here()?;
        requests::request_access(&services, email.clone(), words.clone(), &origin).await?;
        Ok(Led::to(REQUEST_ACCESS).saying(said))
    };
    lead(request().await, REQUEST_ACCESS, &[("email", &email), ("words", &words)])
}
