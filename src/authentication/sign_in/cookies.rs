//! Browser sign-in and sign-out: sets and clears the cookies around `actions`.

use std::sync::Arc;

use axum::http::request::Parts;
use leptos::prelude::expect_context;
use secrecy::SecretString;

use crate::{
    accounts::known::DEVICE_KNOWN_FOR,
    authentication::sign_in::actions::{self, Attempt, SignInOutcome},
    error::AppError,
    foundation::{
        client::info::ClientInfo,
        crypto::{one_time_tokens::Purpose, secret::Secret},
        http::cookies::Cookie,
        services::Services,
    },
    sessions::{actions as sessions, caller, cookie, model::HOME, redirect::RedirectPath},
    ui::form_response::set_cookie,
};

/// Verifies the password and sets the cookies. Returns whether this browser is signed in; if false, a code is required next.
pub async fn sign_in(identifier: String, password: SecretString) -> Result<bool, AppError> {
    let (services, attempt) = build_attempt(identifier, password)?;
    let device = attempt.device.clone();
    set_cookies(&services, actions::sign_in(&services, attempt).await?, device)
}

/// Completes the sign-in with the code that follows the password.
///
/// Errors: those of [`actions::complete`].
pub async fn complete(code: &str) -> Result<bool, AppError> {
    let pending_token = pending_second_factor().ok_or(AppError::SignInExpired)?;
    let (services, attempt) = build_attempt(String::new(), SecretString::default())?;
    let device = attempt.device.clone();
    let signed_in = actions::complete(&services, &pending_token, code, attempt).await;
    if matches!(signed_in, Err(AppError::SignInExpired)) {
        clear_pending_second_factor();
    }
    set_cookies(&services, signed_in?, device)
}

fn build_attempt(identifier: String, password: SecretString) -> Result<(Arc<Services>, Attempt), AppError> {
    let (services, parts) = (expect_context::<Arc<Services>>(), expect_context::<Parts>());
    let client_info = parts.extensions.get::<ClientInfo>().cloned().ok_or(AppError::Unavailable)?;
    let device = Cookie::Device.read(&parts.headers, services.config.public_url().https).and_then(Secret::parse);
    let device = Some(device.unwrap_or_else(Secret::generate));
    Ok((services, Attempt { identifier, password, code: None, client_info, device, previous: caller::identity() }))
}

fn set_cookies(services: &Services, signed_in: SignInOutcome, device: Option<Secret>) -> Result<bool, AppError> {
    let https = services.config.public_url().https;
    match signed_in {
        SignInOutcome::PendingSecondFactor(secret) => {
            let seconds = Purpose::SecondFactor.lifetime().num_seconds().cast_unsigned();
            set_cookie(Cookie::PendingSignIn.set(secret.reveal(), seconds, https));
            Ok(false)
        }
        SignInOutcome::SessionCreated(created) => {
            cookie::set_session_cookie(services, &created.token);
            if let Some(device) = device {
                set_cookie(Cookie::Device.set(device.reveal(), DEVICE_KNOWN_FOR.num_seconds().cast_unsigned(), https));
            }
            if pending_second_factor().is_some() {
                clear_pending_second_factor();
            }
            Ok(true)
        }
    }
}

/// Returns the token of the pending second factor from this browser's cookie. `None` without one.
pub fn pending_second_factor() -> Option<String> {
    let (services, parts) = (expect_context::<Arc<Services>>(), expect_context::<Parts>());
    Cookie::PendingSignIn.read(&parts.headers, services.config.public_url().https).map(str::to_owned)
}

/// Clears the cookie of the pending second factor, so that the sign-in starts over with the password.
pub fn clear_pending_second_factor() {
    set_cookie(Cookie::PendingSignIn.clear(expect_context::<Arc<Services>>().config.public_url().https));
}

/// Signs this browser out and clears its cookie.
///
/// Errors: [`AppError::NotSignedIn`] without a session.
pub async fn sign_out() -> Result<(), AppError> {
    let (services, caller) = caller::current_session()?;
    sessions::sign_out(&services, &caller).await?;
    cookie::clear_session(&services);
    Ok(())
}

/// Returns the path of the login page, which redirects to `next` after the sign-in.
pub fn login_path(next: &RedirectPath) -> String {
    let query = serde_urlencoded::to_string([("next", next.path())]).unwrap_or_default(); // a pair of strings always encodes
    if next.path() == HOME { "/login".to_owned() } else { format!("/login?{query}") }
}
