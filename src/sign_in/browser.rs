//! Signing in and out of a browser: the cookies around `actions`.

use std::sync::Arc;

use axum::http::request::Parts;
use leptos::prelude::expect_context;
use secrecy::SecretString;

use crate::{
    accounts::known::DEVICE_KNOWN_FOR,
    error::AppError,
    foundation::{cookies::Cookie, links::Purpose, origin::Origin, secret::Secret, services::Services},
    sessions::{actions as sessions, browser, caller, model::HOME, next::Next},
    sign_in::actions::{self, Attempt, SignedIn},
    ui::plain_form::set_cookie,
};

/// Signs this browser in, as far as the password goes. Whether it is signed in: else a code is to follow.
pub async fn sign_in(identifier: String, password: SecretString) -> Result<bool, AppError> {
    let (services, attempt) = attempt(identifier, password)?;
    let device = attempt.device.clone();
    finish(&services, actions::sign_in(&services, attempt).await?, device)
}

/// Signs this browser in by the code that follows the password.
pub async fn give_code(code: &str) -> Result<bool, AppError> {
    let half = half_way().ok_or(AppError::HalfWayOver)?;
    let (services, attempt) = attempt(String::new(), SecretString::default())?;
    let device = attempt.device.clone();
    let signed_in = actions::complete(&services, &half, code, attempt).await;
    if matches!(signed_in, Err(AppError::HalfWayOver)) {
        start_over();
    }
    finish(&services, signed_in?, device)
}

fn attempt(identifier: String, password: SecretString) -> Result<(Arc<Services>, Attempt), AppError> {
    let (services, parts) = (expect_context::<Arc<Services>>(), expect_context::<Parts>());
    let origin = parts.extensions.get::<Origin>().cloned().ok_or(AppError::Unavailable)?;
    let device = Cookie::Device.read(&parts.headers, services.config.public_url().https).and_then(Secret::parse);
    let device = Some(device.unwrap_or_else(Secret::generate));
    Ok((services, Attempt { identifier, password, code: None, origin, device, before: caller::visitor() }))
}

fn finish(services: &Services, signed_in: SignedIn, device: Option<Secret>) -> Result<bool, AppError> {
    let https = services.config.public_url().https;
    match signed_in {
        SignedIn::HalfWay(secret) => {
            let seconds = Purpose::SecondFactor.lifetime().num_seconds().cast_unsigned();
            set_cookie(Cookie::HalfWay.set(secret.reveal(), seconds, https));
            Ok(false)
        }
        SignedIn::Begun(begun) => {
            browser::give(services, &begun.token);
            if let Some(device) = device {
                set_cookie(Cookie::Device.set(device.reveal(), DEVICE_KNOWN_FOR.num_seconds().cast_unsigned(), https));
            }
            if half_way().is_some() {
                start_over();
            }
            Ok(true)
        }
    }
}

/// What this browser holds since its password was right.
pub fn half_way() -> Option<String> {
    let (services, parts) = (expect_context::<Arc<Services>>(), expect_context::<Parts>());
    Cookie::HalfWay.read(&parts.headers, services.config.public_url().https).map(str::to_owned)
}

/// Back to the password.
pub fn start_over() {
    set_cookie(Cookie::HalfWay.clear(expect_context::<Arc<Services>>().config.public_url().https));
}

/// Signs this browser out. Its cookie goes in any case.
pub async fn sign_out() -> Result<(), AppError> {
    let (services, caller) = caller::caller()?;
    sessions::sign_out(&services, &caller).await?;
    browser::forget(&services);
    Ok(())
}

/// The login page that leads on to `next`.
pub fn login_path(next: &Next) -> String {
    let query = serde_urlencoded::to_string([("next", next.path())]).unwrap_or_default(); // a pair of strings always encodes
    if next.path() == HOME { "/login".to_owned() } else { format!("/login?{query}") }
}
