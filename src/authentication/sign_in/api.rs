//! Server functions of the login page.

use std::sync::Arc;

use leptos::prelude::*;

use crate::{
    authentication::sign_in::{
        actions, cookies,
        model::{LoginPageData, end_message},
    },
    error::{AppError, problem::Problem},
    foundation::services::Services,
    sessions::{
        caller::{Identity, identity},
        redirect::RedirectPath,
    },
    ui::form_response::{self, Flash, FormOutcome, redirect_or_respond, respond},
};

/// Loads the data of the login page.
pub async fn load_login() -> Result<LoginPageData, AppError> {
    let services = expect_context::<Arc<Services>>();
    let idle = chrono::Duration::from_std(services.config.lifetimes.idle_timeout).unwrap_or(chrono::Duration::MAX);
    let flash = form_response::take_flash();
    let message = match identity() {
        Identity::SessionEnded(reason) => end_message(reason, idle),
        Identity::SignedIn(_) | Identity::Anonymous => None,
    };
    let needs_code = match cookies::pending_second_factor() {
        Some(token) => actions::is_second_factor_pending(&services, &token).await?,
        None => false,
    };
    Ok(LoginPageData {
        end_message: message.filter(|_| !needs_code),
        needs_code,
        is_first_start: actions::is_first_start(&services).await?,
        registration: services.config.registration,
        flash,
    })
}

/// Signs in and sets the session cookie. Redirects to `next`, or to the login page if a code is required.
#[server(prefix = "/api/ui", endpoint = "sign_in")]
pub async fn sign_in(identifier: String, password: String, next: String) -> Result<String, Problem> {
    let next = RedirectPath::parse(&next);
    let signed_in = cookies::sign_in(identifier.clone(), password.into()).await;
    let login = cookies::login_path(&next);
    let outcome = signed_in.map(|is_complete| FormOutcome::redirect_to(if is_complete { next.path() } else { &login }));
    respond(outcome, &login, &[("identifier", &identifier)])
}

/// Verifies the code that follows the password. Redirects to `next`.
#[server(prefix = "/api/ui", endpoint = "enter_code")]
pub async fn enter_code(code: String, next: String) -> Result<String, Problem> {
    let next = RedirectPath::parse(&next);
    let login = cookies::login_path(&next);
    match cookies::complete(&code).await {
        // The login page asks for the password again and shows why.
        Err(AppError::SignInExpired) => {
            respond(Ok(FormOutcome::redirect_to(&login).with_notice(AppError::SignInExpired.to_string())), &login, &[])
        }
        signed_in => respond(signed_in.map(|_| FormOutcome::redirect_to(next.path())), &login, &[]),
    }
}

/// Starts over with the password.
#[server(prefix = "/api/ui", endpoint = "start_over")]
pub async fn start_over(next: String) -> Result<String, Problem> {
    let login = cookies::login_path(&RedirectPath::parse(&next));
    cookies::clear_pending_second_factor();
    respond(Ok(FormOutcome::redirect_to(&login)), &login, &[])
}

/// Ends this browser's session, clears its cookie and cached data, and redirects to the login page.
#[server(prefix = "/api/ui", endpoint = "sign_out")]
pub async fn sign_out() -> Result<(), Problem> {
    let signed_out = match cookies::sign_out().await {
        Err(AppError::NotSignedIn) => Ok(()), // already signed out
        other => other,
    };
    redirect_or_respond(signed_out, "/login", |result| Flash { failure: result.as_ref().err().cloned(), ..Flash::default() })
}
