//! Server functions of the password pages.

use std::sync::Arc;

use leptos::prelude::*;

use crate::{
    accounts::model::check_email,
    api_tokens::model::PAGE as TOKENS,
    authentication::password::{
        actions::{self, ChangeOutcome},
        rules,
    },
    error::{AppError, problem::Problem},
    foundation::services::Services,
    sessions::{
        caller::{client_info, current_session},
        cookie,
        model::{HOME, signed_out},
    },
    ui::form_response::{self, Flash, FormOutcome, respond, with_token},
};

/// Path of the page to change the password.
pub const CHANGE_PAGE: &str = "/profile/password";
/// Path of the page to request a password reset.
pub const FORGOT_PAGE: &str = "/forgot-password";

/// Changes the caller's password.
#[server(prefix = "/api/ui", endpoint = "change_password")]
pub async fn change_password(current: String, new: String) -> Result<String, Problem> {
    let change = async || {
        let (services, caller) = current_session()?;
        let ChangeOutcome { revoked, token, api_tokens } = actions::change(&services, &caller, current.into(), new.into()).await?;
        cookie::set_session_cookie(&services, &token);
        let words = format!("Your password was changed. {}", signed_out(revoked));
        Ok(match api_tokens {
            0 => FormOutcome::redirect_to(HOME).with_notice(words),
            1 => FormOutcome::redirect_to(TOKENS)
                .with_notice(format!("{words} 1 API token still works. Revoke it too if someone else may have it.")),
            _ => FormOutcome::redirect_to(TOKENS)
                .with_notice(format!("{words} {api_tokens} API tokens still work. Revoke them too if someone else may have them.")),
        })
    };
    respond(change().await, CHANGE_PAGE, &[])
}

/// Requests a password reset by mail. The response does not depend on whether the address has an account (ENU-1).
#[server(prefix = "/api/ui", endpoint = "request_password_reset")]
pub async fn request_password_reset(email: String) -> Result<String, Problem> {
    let words = "If an account has this address, an email with a link is on its way. The link works once, for 30 minutes.";
    let request = async || {
        let (services, client) = client_info()?;
        check_email(&email)?;
        actions::request_reset(&services, email.clone(), &client).await?;
        Ok(FormOutcome::redirect_to(FORGOT_PAGE).with_notice(words))
    };
    respond(request().await, FORGOT_PAGE, &[("email", &email)])
}

/// Data of the reset page.
pub struct ResetPageData {
    /// The one-time token, which the page's form sends back.
    pub token: String,
    /// The username, for password managers.
    pub username: String,
    /// Whether a code of the second factor is required.
    pub needs_code: bool,
    /// Message of the previous form, if any.
    pub flash: Flash,
}

/// Loads the reset of this token. Does not consume the token. The response is sent with `Referrer-Policy: no-referrer` (PWD-6).
///
/// Errors: [`AppError::LinkExpired`].
pub async fn load_reset(token: String) -> Result<ResetPageData, AppError> {
    form_response::no_referrer();
    let services = expect_context::<Arc<Services>>();
    let reset = actions::peek_reset(&services, &token).await?;
    Ok(ResetPageData { token, username: reset.account.username, needs_code: reset.needs_code, flash: form_response::take_flash() })
}

/// Completes a reset: all sessions end, including that of this browser.
#[server(prefix = "/api/ui", endpoint = "reset_password")]
pub async fn reset_password(token: String, password: String, #[server(default)] code: String) -> Result<String, Problem> {
    let reset = async || {
        let (services, client) = client_info()?;
        actions::reset(&services, &token, password.into(), &code, &client).await?;
        cookie::clear_session(&services);
        Ok(FormOutcome::redirect_to("/login").with_notice("Your new password is set. Sign in with it."))
    };
    respond(reset().await, &with_token("/reset-password", &token), &[])
}

/// Rates a password. Returns the score (one digit, 0 to 4), followed by its description.
#[server(prefix = "/api/ui", endpoint = "password_strength")]
pub async fn password_strength(password: String) -> Result<String, Problem> {
    if password.len() > 1024 {
        return form_response::set_status(Err(AppError::invalid("password", "A password has at most 128 characters.")));
    }
    let rating = tokio::task::spawn_blocking(move || rules::strength(&password)).await;
    let (score, words) = rating.map_err(|error| AppError::internal(&error))?;
    Ok(format!("{score}{words}"))
}
