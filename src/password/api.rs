//! The doors of the pages about passwords.

use std::sync::Arc;

use leptos::prelude::*;

use crate::{
    accounts::model::check_email,
    api_tokens::model::PAGE as TOKENS,
    error::AppError,
    foundation::services::Services,
    password::{
        actions::{self, Changed},
        rules,
    },
    sessions::{
        browser,
        caller::{caller, here},
        model::{HOME, signed_out},
    },
    ui::plain_form::{self, Flash, Led, lead, with_token},
};

/// The page that changes the password.
pub const CHANGE: &str = "/profile/password";
/// The page of a forgotten password.
pub const FORGOT: &str = "/forgot-password";

/// Changes the password of the caller.
#[server(prefix = "/api/ui", endpoint = "change_password")]
pub async fn change_password(current: String, new: String) -> Result<String, AppError> {
    let change = async || {
        let (services, caller) = caller()?;
        let Changed { revoked, token, api_tokens } = actions::change(&services, &caller, current.into(), new.into()).await?;
        browser::give(&services, &token);
        let words = format!("Your password was changed. {}", signed_out(revoked));
        Ok(match api_tokens {
            0 => Led::to(HOME).saying(words),
            1 => Led::to(TOKENS).saying(format!("{words} 1 API token goes on working: revoke it too if somebody else may have it.")),
            _ => Led::to(TOKENS)
                .saying(format!("{words} {api_tokens} API tokens go on working: revoke them too if somebody else may have them.")),
        })
    };
    lead(change().await, CHANGE, &[])
}

/// Has a reset mailed. The answer is the same whoever has that address, or nobody (ENU-1).
#[server(prefix = "/api/ui", endpoint = "ask_for_reset")]
pub async fn ask_for_reset(email: String) -> Result<String, AppError> {
    let words = "If an account has this address, a mail with a link is on its way. The link works once, for 30 minutes.";
    let ask = async || {
        let (services, origin) = here()?;
        check_email(&email)?;
        actions::ask_for_reset(&services, email.clone(), &origin).await?;
        Ok(Led::to(FORGOT).saying(words))
    };
    lead(ask().await, FORGOT, &[("email", &email)])
}

/// What the page of a reset is given.
pub struct OpenedReset {
    /// The link's secret, for its form to give back.
    pub token: String,
    /// The name that a password manager keeps the password under.
    pub username: String,
    /// Whether it asks for the second factor.
    pub needs_code: bool,
    /// What the page before wants said.
    pub flash: Flash,
}

/// What this link resets. Opening it changes nothing; its page tells nobody where it is (PWD-6).
pub async fn open_reset(token: String) -> Result<OpenedReset, AppError> {
    plain_form::tell_nobody_where();
    let services = expect_context::<Arc<Services>>();
    let reset = actions::look_at_reset(&services, &token).await?;
    Ok(OpenedReset { token, username: reset.account.username, needs_code: reset.needs_code, flash: plain_form::take() })
}

/// Completes a reset: every session ends, this browser's too.
#[server(prefix = "/api/ui", endpoint = "reset_password")]
pub async fn reset_password(token: String, password: String, #[server(default)] code: String) -> Result<String, AppError> {
    let reset = async || {
        let (services, origin) = here()?;
        actions::reset(&services, &token, password.into(), &code, &origin).await?;
        browser::forget(&services);
        Ok(Led::to("/login").saying("Your new password is set. Sign in with it."))
    };
    lead(reset().await, &with_token("/reset-password", &token), &[])
}

/// How strong a password is: its score, 0 to 4, and then the words.
#[server(prefix = "/api/ui", endpoint = "password_strength")]
pub async fn password_strength(password: String) -> Result<String, AppError> {
    if password.len() > 1024 {
        return plain_form::tell(Err(AppError::invalid("password", "A password has at most 128 characters.")));
    }
    let rated = tokio::task::spawn_blocking(move || rules::strength(&password)).await;
    let (score, words) = rated.map_err(|error| AppError::internal(&error))?;
    Ok(format!("{score}{words}"))
}
