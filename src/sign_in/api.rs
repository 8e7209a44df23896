//! The login page's doors.

use leptos::prelude::*;

use crate::{error::AppError, sign_in::model::Welcome};

/// What the login page has to say before anything is typed.
#[server(prefix = "/api/ui", endpoint = "open_login")]
pub async fn open_login() -> Result<Welcome, AppError> {
    use std::sync::Arc;

    use crate::{
        foundation::services::Services,
        sessions::caller::{Visitor, visitor},
        sign_in::{actions, model::in_words},
        ui::plain_form,
    };
    let services = expect_context::<Arc<Services>>();
    let idle = chrono::Duration::from_std(services.config.lifetimes.idle_timeout).unwrap_or(chrono::Duration::MAX);
    let flash = plain_form::take();
    let ended = match visitor() {
        Visitor::Ended(reason) => in_words(reason, idle),
        Visitor::SignedIn(_) | Visitor::Stranger => None,
    };
    Ok(Welcome {
        ended,
        is_first_start: plain_form::tell(actions::is_first_start(&services).await)?,
        typed: flash.typed,
        failure: flash.failure,
    })
}

/// Signs in and sets the session's cookie; where it leads.
#[server(prefix = "/api/ui", endpoint = "sign_in")]
pub async fn sign_in(identifier: String, password: String, next: String) -> Result<String, AppError> {
    use crate::{
        sign_in::{browser, model::Next},
        ui::plain_form::{Flash, answer},
    };
    let next = Next::parse(&next);
    let signed_in = browser::sign_in(identifier.clone(), password.into()).await.map(|()| next.path().to_owned());
    let path = if signed_in.is_ok() { next.path().to_owned() } else { browser::login_path(&next) };
    answer(signed_in, &path, |result| match result {
        Ok(_) => Flash::default(),
        Err(error) => Flash { failure: Some(error.clone()), typed: identifier, ..Flash::default() },
    })
}

/// Ends the session of this browser, forgets its cookie and what it cached, and leads to the login page.
#[server(prefix = "/api/ui", endpoint = "sign_out")]
pub async fn sign_out() -> Result<(), AppError> {
    use crate::{
        sign_in::browser,
        ui::plain_form::{Flash, answer},
    };
    let signed_out = match browser::sign_out().await {
        Err(AppError::NotSignedIn) => Ok(()), // as wished
        other => other,
    };
    answer(signed_out, "/login", |result| Flash { failure: result.as_ref().err().cloned(), ..Flash::default() })
}
