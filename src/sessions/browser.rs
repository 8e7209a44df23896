//! What a browser is given of its session, and loses with it.

use axum::http::{HeaderName, HeaderValue};
use leptos::prelude::expect_context;
use leptos_axum::ResponseOptions;

use crate::{
    foundation::{cookies::Cookie, secret::Secret, services::Services},
    ui::plain_form::set_cookie,
};

/// Gives this browser the token of its session.
pub fn give(services: &Services, token: &Secret) {
    let seconds = services.config.lifetimes.absolute_timeout.as_secs();
    set_cookie(Cookie::Session.set(token.reveal(), seconds, services.config.public_url().https));
}

/// Takes it away, with whatever the browser kept of this site (WEB-5).
pub fn forget(services: &Services) {
    set_cookie(Cookie::Session.clear(services.config.public_url().https));
    let clear = (HeaderName::from_static("clear-site-data"), HeaderValue::from_static("\"cache\", \"storage\""));
    expect_context::<ResponseOptions>().insert_header(clear.0, clear.1);
}
