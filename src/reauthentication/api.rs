//! Server functions of the page that asks for the password again.

use leptos::prelude::*;

use crate::{
    error::{AppError, problem::Problem},
    reauthentication::actions,
    sessions::{caller, cookie, redirect::RedirectPath},
    ui::form_response::{FormOutcome, respond, with_query},
};

/// Verifies the password again, and redirects to the page that required it.
#[server(prefix = "/api/ui", endpoint = "confirm_password")]
pub async fn confirm_password(password: String, next: String) -> Result<String, Problem> {
    let next = RedirectPath::parse(&next);
    let confirm = async || {
        let (services, caller) = caller::current_session()?;
        let token = actions::confirm(&services, &caller, password.into()).await?;
        cookie::set_session_cookie(&services, &token);
        Ok(FormOutcome::redirect_to(next.path()))
    };
    respond(confirm().await, &reauthentication_path(&next), &[])
}

/// Turns [`AppError::ReauthenticationRequired`] into a redirect to the reauthentication page, which leads back to `page`.
pub fn or_reauthenticate(result: Result<FormOutcome, AppError>, page: &str) -> Result<FormOutcome, AppError> {
    match result {
        Err(AppError::ReauthenticationRequired) => Ok(FormOutcome::redirect_to(reauthentication_path(&RedirectPath::parse(page)))),
        other => other,
    }
}

/// Returns the path of the page that asks for the password again and then redirects to `next`.
pub fn reauthentication_path(next: &RedirectPath) -> String {
    with_query("/confirm", &[("next", next.path())])
}
