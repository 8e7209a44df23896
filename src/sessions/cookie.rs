//! The session cookie and site data in the browser.

use axum::http::{HeaderName, HeaderValue};
use leptos::prelude::expect_context;
use leptos_axum::ResponseOptions;

use crate::{
    foundation::{crypto::secret::Secret, http::cookies::Cookie, services::Services},
    ui::form_response::set_cookie,
};

/// Sets the session cookie. It lasts as long as the absolute timeout.
pub fn set_session_cookie(services: &Services, token: &Secret) {
    let seconds = services.config.lifetimes.absolute_timeout.as_secs();
    set_cookie(Cookie::Session.set(token.reveal(), seconds, services.config.public_url().https));
}

/// Clears the session cookie, and the cache and storage of this site in the browser (WEB-5).
pub fn clear_session(services: &Services) {
    set_cookie(Cookie::Session.clear(services.config.public_url().https));
    let clear = (HeaderName::from_static("clear-site-data"), HeaderValue::from_static("\"cache\", \"storage\""));
    expect_context::<ResponseOptions>().insert_header(clear.0, clear.1);
}
