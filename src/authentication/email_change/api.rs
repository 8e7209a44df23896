//! Server functions of the email change.

use std::sync::Arc;

use leptos::prelude::*;

use crate::{
    authentication::email_change::actions::{self, ChangeStatus},
    error::{AppError, problem::Problem},
    foundation::services::Services,
    reauthentication::api::or_reauthenticate,
    sessions::caller::{client_info, current_session},
    ui::form_response::{self, Flash, FormOutcome, respond, with_token},
};

const PAGE: &str = "/verify-email";
const PROFILE: &str = "/profile?tab=profile";

/// Requests a change of the email address.
#[server(prefix = "/api/ui", endpoint = "change_email")]
pub async fn change_email(email: String) -> Result<String, Problem> {
    let request = async || {
        let (services, caller) = current_session()?;
        actions::request(&services, &caller, &email).await?;
        Ok(FormOutcome::redirect_to(PROFILE)
            .with_notice("An email is on its way to both addresses. Your address changes once both have confirmed it."))
    };
    respond(or_reauthenticate(request().await, PROFILE), PROFILE, &[("email", &email)])
}

/// Cancels a pending change.
#[server(prefix = "/api/ui", endpoint = "cancel_email_change")]
pub async fn cancel_email_change() -> Result<String, Problem> {
    let cancel = async || {
        let (services, caller) = current_session()?;
        actions::cancel(&services, &caller).await?;
        Ok(FormOutcome::redirect_to(PROFILE).with_notice("Your email address was not changed."))
    };
    respond(cancel().await, PROFILE, &[])
}

/// Data of the confirmation page.
pub struct ConfirmationPageData {
    /// The one-time token, which the page's form sends back.
    pub token: String,
    /// The new address.
    pub email: String,
    /// Message of the previous form, if any.
    pub flash: Flash,
}

/// Loads what this token confirms. Does not consume the token. The response is sent with `Referrer-Policy: no-referrer`.
///
/// Errors: [`AppError::LinkExpired`].
pub async fn load_confirmation(token: String) -> Result<ConfirmationPageData, AppError> {
    form_response::no_referrer();
    let confirmation = actions::peek(&expect_context::<Arc<Services>>(), &token).await?;
    Ok(ConfirmationPageData { token, email: confirmation.email, flash: form_response::take_flash() })
}

/// Confirms a change for the address that the token was mailed to.
#[server(prefix = "/api/ui", endpoint = "confirm_email_change")]
pub async fn confirm_email_change(token: String) -> Result<String, Problem> {
    let confirm = async || {
        let (services, client) = client_info()?;
        let words = match actions::confirm(&services, &token, &client).await? {
            ChangeStatus::Pending => "Confirmed. Your address changes once the other one has confirmed it too.",
            ChangeStatus::Done => "Your email address was changed. Sign in with it from now on.",
        };
        Ok(FormOutcome::redirect_to("/login").with_notice(words))
    };
    respond(confirm().await, &with_token(PAGE, &token), &[])
}
