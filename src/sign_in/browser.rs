//! Signing in and out of a browser: the cookies around `actions`.

use std::sync::Arc;

use axum::http::{HeaderName, HeaderValue, request::Parts};
use leptos::prelude::expect_context;
use leptos_axum::ResponseOptions;
use secrecy::SecretString;

use crate::{
    error::AppError,
    foundation::{cookies::Cookie, origin::Origin, secret::Secret, services::Services},
    sessions::{actions as sessions, caller, model::HOME},
    sign_in::{
        actions::{self, Attempt},
        model::Next,
    },
    ui::plain_form::set_cookie,
};

/// A browser is known again for so long, in seconds: the longest that Chromium keeps a cookie (400 days).
const DEVICE_KNOWN_FOR: u64 = 400 * 86_400;

/// Signs this browser in.
pub async fn sign_in(identifier: String, password: SecretString) -> Result<(), AppError> {
    let services = expect_context::<Arc<Services>>();
    let parts = expect_context::<Parts>();
    let https = services.config.public_url().https;
    let origin = parts.extensions.get::<Origin>().cloned().ok_or(AppError::Unavailable)?;
    let device = Cookie::Device.read(&parts.headers, https).and_then(Secret::parse).unwrap_or_else(Secret::generate);
    let attempt = Attempt { identifier, password, origin, device: Some(device.clone()), before: caller::visitor() };
    let begun = actions::sign_in(&services, attempt).await?;
    set_cookie(Cookie::Session.set(begun.token.reveal(), services.config.lifetimes.absolute_timeout.as_secs(), https));
    set_cookie(Cookie::Device.set(device.reveal(), DEVICE_KNOWN_FOR, https));
    Ok(())
}

/// Signs this browser out. Its cookie goes in any case.
pub async fn sign_out() -> Result<(), AppError> {
    let (services, caller) = caller::caller()?;
    sessions::sign_out(&services, &caller).await?;
    set_cookie(Cookie::Session.clear(services.config.public_url().https));
    let clear = (HeaderName::from_static("clear-site-data"), HeaderValue::from_static("\"cache\", \"storage\""));
    expect_context::<ResponseOptions>().insert_header(clear.0, clear.1);
    Ok(())
}

/// The login page that leads on to `next`.
pub fn login_path(next: &Next) -> String {
    let query = serde_urlencoded::to_string([("next", next.path())]).unwrap_or_default(); // a pair of strings always encodes
    if next.path() == HOME { "/login".to_owned() } else { format!("/login?{query}") }
}
