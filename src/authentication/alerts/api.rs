//! Server functions of the page behind the link in an alert mail.

use std::sync::Arc;

use leptos::prelude::*;

use crate::{
    authentication::{
        alerts::actions::{self, Alert},
        password::actions::reset_path,
    },
    error::{AppError, problem::Problem},
    foundation::services::Services,
    sessions::caller::client_info,
    ui::form_response::{self, Flash, FormOutcome, respond, with_token},
};

/// Path of the page.
const PAGE: &str = "/sign-in-alert";

/// Data of the page: the sign-in that raised the alert.
pub struct AlertPageData {
    /// The one-time token, which the page's forms send back.
    pub token: String,
    /// The device.
    pub device: String,
    /// The location.
    pub location: String,
    /// The IP address.
    pub ip: String,
    /// The time, in the owner's time zone.
    pub time: String,
    /// Message of the previous form, if any.
    pub flash: Flash,
}

/// Loads the sign-in of this token. Does not consume the token. The response is sent with `Referrer-Policy: no-referrer`.
///
/// Errors: [`AppError::LinkExpired`].
pub async fn load_alert(token: String) -> Result<AlertPageData, AppError> {
    form_response::no_referrer();
    let services = expect_context::<Arc<Services>>();
    let Alert { device, location, ip, time, .. } = actions::peek(&services, &token).await?;
    Ok(AlertPageData { token, device, location, ip, time, flash: form_response::take_flash() })
}

/// Handles "This was me": confirms the sign-in.
#[server(prefix = "/api/ui", endpoint = "confirm_sign_in")]
pub async fn confirm_sign_in(token: String) -> Result<String, Problem> {
    let confirm = async || {
        let (services, client) = client_info()?;
        actions::confirm(&services, &token, &client).await?;
        Ok(FormOutcome::redirect_to("/login").with_notice("Thank you. This device is now recognized."))
    };
    respond(confirm().await, &with_token(PAGE, &token), &[])
}

/// Handles "This wasn't me": ends the session and starts a password reset.
#[server(prefix = "/api/ui", endpoint = "disown_sign_in")]
pub async fn disown_sign_in(token: String, #[server(default)] everywhere: Option<String>) -> Result<String, Problem> {
    let disown = async || {
        let (services, client) = client_info()?;
        let reset = actions::disown(&services, &token, everywhere.is_some(), &client).await?;
        Ok(FormOutcome::redirect_to(reset_path(&reset))
            .with_notice("That session was ended. Now choose a new password to keep others out of your account."))
    };
    respond(disown().await, &with_token(PAGE, &token), &[])
}
