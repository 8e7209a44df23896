//! The setup page's doors.

use std::sync::Arc;

use leptos::prelude::*;

use crate::{
    accounts::actions::NewAccount,
    error::AppError,
    foundation::services::Services,
    registration::actions,
    ui::plain_form::{self, Flash, Led, lead},
};

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
    let query = serde_urlencoded::to_string([("token", &token)]).unwrap_or_default(); // a pair of strings always encodes
    lead(made.map(|_| Led::to("/login")), &format!("/setup?{query}"), &[("username", &username), ("email", &email)])
}
