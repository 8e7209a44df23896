//! The login page's doors.

use std::sync::Arc;

use leptos::prelude::*;

use crate::{
    error::AppError,
    foundation::services::Services,
    sessions::{
        caller::{Visitor, visitor},
        next::Next,
    },
    sign_in::{
        actions, browser,
        model::{Welcome, in_words},
    },
    ui::plain_form::{self, Flash, Led, answer, lead},
};

/// What the login page has to say before anything is typed.
pub async fn open_login() -> Result<Welcome, AppError> {
    let services = expect_context::<Arc<Services>>();
    let idle = chrono::Duration::from_std(services.config.lifetimes.idle_timeout).unwrap_or(chrono::Duration::MAX);
    let flash = plain_form::take();
    let ended = match visitor() {
        Visitor::Ended(reason) => in_words(reason, idle),
        Visitor::SignedIn(_) | Visitor::Stranger => None,
    };
    let needs_code = match browser::half_way() {
        Some(half) => actions::is_half_way(&services, &half).await?,
        None => false,
    };
    Ok(Welcome {
        ended: ended.filter(|_| !needs_code),
        needs_code,
        is_first_start: actions::is_first_start(&services).await?,
        registration: services.config.registration,
        flash,
    })
}

/// Signs in and sets the session's cookie; where it leads.
#[server(prefix = "/api/ui", endpoint = "sign_in")]
pub async fn sign_in(identifier: String, password: String, next: String) -> Result<String, AppError> {
    let next = Next::parse(&next);
    let signed_in = browser::sign_in(identifier.clone(), password.into()).await;
    let login = browser::login_path(&next);
    let led = signed_in.map(|is_whole| Led::to(if is_whole { next.path() } else { &login }));
    lead(led, &login, &[("identifier", &identifier)])
}

/// Takes the code that follows the password; where it leads.
#[server(prefix = "/api/ui", endpoint = "give_code")]
pub async fn give_code(code: String, next: String) -> Result<String, AppError> {
    let next = Next::parse(&next);
    let login = browser::login_path(&next);
    match browser::give_code(&code).await {
        // The password is asked for anew, on the page that says why.
        Err(AppError::HalfWayOver) => lead(Ok(Led::to(&login).saying(AppError::HalfWayOver.to_string())), &login, &[]),
        signed_in => lead(signed_in.map(|_| Led::to(next.path())), &login, &[]),
    }
}

/// Back to the password.
#[server(prefix = "/api/ui", endpoint = "start_over")]
pub async fn start_over(next: String) -> Result<String, AppError> {
    let login = browser::login_path(&Next::parse(&next));
    browser::start_over();
    lead(Ok(Led::to(&login)), &login, &[])
}

/// Ends the session of this browser, forgets its cookie and what it cached, and leads to the login page.
#[server(prefix = "/api/ui", endpoint = "sign_out")]
pub async fn sign_out() -> Result<(), AppError> {
    let signed_out = match browser::sign_out().await {
        Err(AppError::NotSignedIn) => Ok(()), // as wished
        other => other,
    };
    answer(signed_out, "/login", |result| Flash { failure: result.as_ref().err().cloned(), ..Flash::default() })
}
