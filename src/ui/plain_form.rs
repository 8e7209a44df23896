//! Forms without a script: the browser posts, is led on, and the next page says how it went. Words and what was typed
//! travel in a cookie that the next page takes away.

use serde::{Deserialize, Serialize};

use crate::error::AppError;

/// What the next page is to say or to fill in.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Flash {
    /// What was done.
    pub notice: Option<String>,
    /// What went wrong.
    pub failure: Option<AppError>,
    /// What was typed, but for passwords.
    pub typed: String,
}

#[cfg(feature = "ssr")]
pub use server::*;

#[cfg(feature = "ssr")]
mod server {
    use axum::http::{HeaderValue, StatusCode, header, request::Parts};
    use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
    use leptos::prelude::{expect_context, use_context};
    use leptos_axum::ResponseOptions;

    use super::*;
    use crate::foundation::{cookies::Cookie, services::Services};

    /// The next page follows at once.
    const SECONDS: u64 = 60;

    fn is_https() -> bool {
        expect_context::<std::sync::Arc<Services>>().config.public_url().https
    }

    /// Adds a cookie to the answer.
    pub fn set_cookie(cookie: HeaderValue) {
        expect_context::<ResponseOptions>().append_header(header::SET_COOKIE, cookie);
    }

    /// Whether the browser posted a form by itself.
    pub fn is_plain() -> bool {
        let accept = use_context::<Parts>().and_then(|parts| parts.headers.get(header::ACCEPT).cloned());
        accept.is_some_and(|accept| accept.to_str().is_ok_and(|accept| accept.contains("text/html")))
    }

    /// Leads a plain form on to `path`, with words for it; a script gets the answer itself, and reads the status.
    pub fn answer<T>(result: Result<T, AppError>, path: &str, flash: impl FnOnce(&Result<T, AppError>) -> Flash) -> Result<T, AppError> {
        if is_plain() {
            put(&flash(&result));
            leptos_axum::redirect(path);
        }
        tell(result)
    }

    /// Gives a script the status of a failure. A page or a plain form has a status of its own.
    pub fn tell<T>(result: Result<T, AppError>) -> Result<T, AppError> {
        if let (Err(error), false) = (&result, is_plain()) {
            let status = StatusCode::from_u16(error.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            expect_context::<ResponseOptions>().set_status(status);
        }
        result
    }

    fn put(flash: &Flash) {
        if *flash == Flash::default() {
            return;
        }
        let json = serde_json::to_vec(flash).expect("words are JSON");
        set_cookie(Cookie::Flash.set(&BASE64_URL_SAFE_NO_PAD.encode(json), SECONDS, is_https()));
    }

    /// What the page before wants said; said once.
    pub fn take() -> Flash {
        let parts = expect_context::<Parts>();
        let Some(value) = Cookie::Flash.read(&parts.headers, is_https()) else { return Flash::default() };
        set_cookie(Cookie::Flash.clear(is_https()));
        let json = BASE64_URL_SAFE_NO_PAD.decode(value).ok();
        json.and_then(|json| serde_json::from_slice(&json).ok()).unwrap_or_default() // not of our writing: nothing to say
    }
}
