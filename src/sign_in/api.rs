//! The login page's doors.

use std::sync::Arc;

use leptos::prelude::*;

use crate::{
    error::AppError,
    foundation::services::Services,
    sessions::caller::{Visitor, visitor},
    sign_in::{
        actions, browser,
        model::{Next, Welcome, in_words},
    },
    ui::plain_form::{self, Flash, Led, answer, lead},
};

/// What the login page has to say before anything is typed.
#[server(prefix = "/api/ui", endpoint = "open_login")]
pub async fn open_login() -> Result<Welcome, AppError> {
    let services = expect_context::<Arc<Services>>();
    let idle = chrono::Duration::from_std(services.config.lifetimes.idle_timeout).unwrap_or(chrono::Duration::MAX);
    let flash = plain_form::take();
    let ended = match visitor() {
        Visitor::Ended(reason) => in_words(reason, idle),
        Visitor::SignedIn(_) | Visitor::Stranger => None,
    };
    Ok(Welcome { ended, is_first_start: plain_form::tell(actions::is_first_start(&services).await)?, flash })
}

/// Signs in and sets the session's cookie; where it leads.
#[server(prefix = "/api/ui", endpoint = "sign_in")]
pub async fn sign_in(identifier: String, password: String, next: String) -> Result<String, AppError> {
    let next = Next::parse(&next);
    let signed_in = browser::sign_in(identifier.clone(), password.into()).await;
    lead(signed_in.map(|()| Led::to(next.path())), &browser::login_path(&next), &[("identifier", &identifier)])
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
