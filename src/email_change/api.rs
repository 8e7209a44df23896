//! The doors by which an email address is changed.

use std::sync::Arc;

use leptos::prelude::*;

use crate::{
    email_change::actions::{self, Stand},
    error::AppError,
    foundation::services::Services,
    proof::api::proven,
    sessions::caller::{caller, here},
    ui::plain_form::{self, Flash, Led, lead, with_token},
};

const PAGE: &str = "/verify-email";
const PROFILE: &str = "/profile?tab=profile";

/// Asks for another address.
#[server(prefix = "/api/ui", endpoint = "change_email")]
pub async fn change_email(email: String) -> Result<String, AppError> {
    let ask = async || {
        let (services, caller) = caller()?;
        actions::ask(&services, &caller, &email).await?;
        Ok(Led::to(PROFILE).saying("A mail is on its way to both addresses. Yours changes once both have confirmed it."))
    };
    lead(proven(ask().await, PROFILE), PROFILE, &[("email", &email)])
}

/// Forgets a change that waits.
#[server(prefix = "/api/ui", endpoint = "cancel_email_change")]
pub async fn cancel_email_change() -> Result<String, AppError> {
    let cancel = async || {
        let (services, caller) = caller()?;
        actions::cancel(&services, &caller).await?;
        Ok(Led::to(PROFILE).saying("Your email address stays as it is."))
    };
    lead(cancel().await, PROFILE, &[])
}

/// What the page of a confirmation is given.
pub struct OpenedConfirmation {
    /// The link's secret, for its form to give back.
    pub token: String,
    /// The new address.
    pub email: String,
    /// What the page before wants said.
    pub flash: Flash,
}

/// What this link confirms. Opening it changes nothing; its page tells nobody where it is.
pub async fn open_confirmation(token: String) -> Result<OpenedConfirmation, AppError> {
    plain_form::tell_nobody_where();
    let confirmation = actions::look(&expect_context::<Arc<Services>>(), &token).await?;
    Ok(OpenedConfirmation { token, email: confirmation.email, flash: plain_form::take() })
}

/// Confirms a change, for the address that this link was mailed to.
#[server(prefix = "/api/ui", endpoint = "confirm_email_change")]
pub async fn confirm_email_change(token: String) -> Result<String, AppError> {
    let confirm = async || {
        let (services, origin) = here()?;
        let words = match actions::confirm(&services, &token, &origin).await? {
            Stand::Waiting => "Confirmed. Your address changes once the other one has confirmed it too.",
            Stand::Done => "Your email address is changed. Sign in with it from now on.",
        };
        Ok(Led::to("/login").saying(words))
    };
    lead(confirm().await, &with_token(PAGE, &token), &[])
}
