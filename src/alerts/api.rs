//! The doors of the page that an alert's mail leads to.

use std::sync::Arc;

use leptos::prelude::*;

use crate::{
    alerts::actions::{self, Alert},
    error::AppError,
    foundation::services::Services,
    password::actions::reset_path,
    sessions::caller::here,
    ui::plain_form::{self, Flash, Led, lead, with_token},
};

/// The page.
const PAGE: &str = "/sign-in-alert";

/// A sign-in, as its alert's page tells it.
pub struct Told {
    /// The link's secret, for its forms to give back.
    pub token: String,
    /// What signed in.
    pub device: String,
    /// From where.
    pub location: String,
    /// From which address.
    pub ip: String,
    /// When.
    pub time: String,
    /// What the page before wants said.
    pub flash: Flash,
}

/// The sign-in that this link is about. Opening it changes nothing; its page tells nobody where it is.
pub async fn open_alert(token: String) -> Result<Told, AppError> {
    plain_form::tell_nobody_where();
    let services = expect_context::<Arc<Services>>();
    let Alert { device, location, ip, time, .. } = actions::look(&services, &token).await?;
    Ok(Told { token, device, location, ip, time, flash: plain_form::take() })
}

/// "This was me."
#[server(prefix = "/api/ui", endpoint = "confirm_sign_in")]
pub async fn confirm_sign_in(token: String) -> Result<String, AppError> {
    let confirm = async || {
        let (services, origin) = here()?;
        actions::confirm(&services, &token, origin.ip).await?;
        Ok(Led::to("/login").saying("Good. This device is known from now on."))
    };
    lead(confirm().await, &with_token(PAGE, &token), &[])
}

/// "This wasn't me."
#[server(prefix = "/api/ui", endpoint = "disown_sign_in")]
pub async fn disown_sign_in(token: String, #[server(default)] everywhere: Option<String>) -> Result<String, AppError> {
    let disown = async || {
        let (services, origin) = here()?;
        let reset = actions::disown(&services, &token, everywhere.is_some(), origin.ip).await?;
        Ok(Led::to(reset_path(&reset)).saying("That session was ended. Now choose a new password, so that it does not come back."))
    };
    lead(disown().await, &with_token(PAGE, &token), &[])
}
