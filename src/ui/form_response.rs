//! Responses to forms. Without a script the browser posts the form and is redirected, and the next page shows the result: messages
//! and typed values travel in a cookie that the next page clears. A script posts the same form and reads the response itself.

use std::{collections::BTreeMap, sync::Arc};

use axum::http::{HeaderMap, HeaderValue, header, request::Parts};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use leptos::prelude::{expect_context, use_context};
use leptos_axum::ResponseOptions;
use serde::{Deserialize, Serialize};

use crate::{
    error::{AppError, problem::Problem},
    foundation::{http::cookies::Cookie, services::Services},
};

/// Lifetime of the flash cookie. The next page follows at once.
const FLASH_MAX_AGE_SECONDS: u64 = 60;
/// Maximum bytes of all typed values that are returned to the form: a cookie holds about 4,000 bytes. Values beyond it are dropped.
const MAX_TYPED_BYTES: usize = 2_400;
/// Purpose to which the encrypted secret is bound.
const FLASH_SECRET_PURPOSE: &str = "the next page";

/// Messages and form values for the next page.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Flash {
    /// What was done.
    pub notice: Option<String>,
    /// What went wrong.
    pub failure: Option<AppError>,
    /// The typed values by field, without passwords.
    pub typed: BTreeMap<String, String>,
    /// A secret that is shown once. The cookie holds it encrypted, so reading the cookie does not reveal it.
    pub secret: Option<String>,
}

impl Flash {
    /// Returns the typed value of a field, or an empty string.
    pub fn typed(&self, field: &str) -> String {
        self.typed.get(field).cloned().unwrap_or_default()
    }

    /// Adds values from the address, to which a form leads back after reauthentication. What was typed since takes precedence.
    pub fn or_typed(mut self, fields: impl IntoIterator<Item = (&'static str, String)>) -> Self {
        for (field, value) in fields.into_iter().filter(|(_, value)| !value.is_empty()) {
            self.typed.entry(field.to_owned()).or_insert(value);
        }
        self
    }
}

/// The outcome of an accepted form: where to redirect, and what to show there.
pub struct FormOutcome {
    path: String,
    flash: Flash,
}

impl FormOutcome {
    /// Redirects to this path.
    pub fn redirect_to(path: impl Into<String>) -> Self {
        Self { path: path.into(), flash: Flash::default() }
    }

    /// Adds a notice for the next page.
    pub fn with_notice(mut self, notice: impl Into<String>) -> Self {
        self.flash.notice = Some(notice.into());
        self
    }

    /// Adds a secret that the next page shows once.
    pub fn with_secret(mut self, secret: &str) -> Self {
        self.flash.secret = Some(services().keyring.encrypt(FLASH_SECRET_PURPOSE, secret));
        self
    }

    /// Adds a failure with the typed values, for a form that must be loaded again before it can be accepted.
    pub fn with_failure(mut self, failure: AppError, typed: &[(&str, &str)]) -> Self {
        (self.flash.failure, self.flash.typed) = (Some(failure), fitting(typed));
        self
    }
}

/// Responds to a form. An accepted form redirects to its outcome's path, which is also returned for a script to navigate to. A refused
/// form redirects back to `form` with the typed values, or returns the error to a script.
pub fn respond(result: Result<FormOutcome, AppError>, form: &str, typed: &[(&str, &str)]) -> Result<String, Problem> {
    match result {
        Ok(FormOutcome { path, flash }) => {
            set_flash(&flash);
            if is_native_submission() {
                redirect(&path);
            }
            Ok(path)
        }
        Err(error) => {
            let typed = fitting(typed);
            redirect_or_respond(Err(error), form, |result: &Result<String, AppError>| Flash {
                failure: result.as_ref().err().cloned(),
                typed,
                ..Flash::default()
            })
        }
    }
}

/// Redirects to a path. Part of it may be what somebody entered, and a header has printable ASCII only.
fn redirect(path: &str) {
    let encode = |byte: u8| if byte.is_ascii_graphic() { char::from(byte).to_string() } else { format!("%{byte:02X}") };
    leptos_axum::redirect(&path.bytes().map(encode).collect::<String>());
}

/// Returns the values that fit into the cookie together.
fn fitting(typed: &[(&str, &str)]) -> BTreeMap<String, String> {
    let mut left = MAX_TYPED_BYTES;
    let fits = |(field, value): &&(&str, &str)| match left.checked_sub(field.len() + value.len()) {
        Some(rest) => {
            left = rest;
            true
        }
        None => false,
    };
    typed.iter().filter(fits).map(|(field, value)| ((*field).to_owned(), (*value).to_owned())).collect()
}

/// Redirects a native form submission to `path` with a flash. A script gets the result itself, with the status of an error.
pub fn redirect_or_respond<T>(
    result: Result<T, AppError>,
    path: &str,
    flash: impl FnOnce(&Result<T, AppError>) -> Flash,
) -> Result<T, Problem> {
    if is_native_submission() {
        set_flash(&flash(&result));
        redirect(path);
    }
    set_status(result)
}

/// Sets the status of an error, and `Retry-After`, for a script. A page or a native form submission keeps its own status.
pub fn set_status<T>(result: Result<T, AppError>) -> Result<T, Problem> {
    if let (Err(error), false) = (&result, is_native_submission()) {
        error.set_response();
    }
    result.map_err(Problem::from)
}

/// Reads the flash of the previous page and clears its cookie, so that it is shown once.
pub fn take_flash() -> Flash {
    let parts = expect_context::<Parts>();
    let Some(value) = Cookie::Flash.read(&parts.headers, is_https()) else { return Flash::default() };
    set_cookie(Cookie::Flash.clear(is_https()));
    let json = BASE64_URL_SAFE_NO_PAD.decode(value).ok();
    let flash: Flash = json.and_then(|json| serde_json::from_slice(&json).ok()).unwrap_or_default(); // not written by us: ignored
    let secret = flash.secret.and_then(|encrypted| services().keyring.decrypt(FLASH_SECRET_PURPOSE, &encrypted).ok());
    if secret.is_some() {
        forbid_compression();
    }
    Flash { secret, ..flash }
}

/// Returns the URL of a page with a one-time token.
pub fn with_token(page: &str, token: &str) -> String {
    with_query(page, &[("token", token)])
}

/// Returns the URL of a page with these query parameters.
pub fn with_query(page: &str, fields: &[(&str, &str)]) -> String {
    format!("{page}?{}", serde_urlencoded::to_string(fields).unwrap_or_default()) // pairs of strings always encode
}

/// Sets Referrer-Policy: no-referrer, because the URL contains a one-time token (PWD-6).
pub fn no_referrer() {
    expect_context::<ResponseOptions>().insert_header(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
}

/// Forbids the compression of a page that shows a secret, or personal data beside text of the URL, here and in proxies: its size would
/// reveal what it shows (BREACH).
pub fn forbid_compression() {
    expect_context::<ResponseOptions>().insert_header(header::CACHE_CONTROL, HeaderValue::from_static("no-store, no-transform"));
}

/// Adds a cookie to the response.
pub fn set_cookie(cookie: HeaderValue) {
    expect_context::<ResponseOptions>().append_header(header::SET_COOKIE, cookie);
}

/// Whether the browser, and not a script, submitted the form.
fn is_native_submission() -> bool {
    use_context::<Parts>().is_some_and(|parts| accepts_html(&parts.headers))
}

/// Whether the client accepts HTML. Browsers do when they open a page or submit a form themselves; scripts do not.
pub fn accepts_html(headers: &HeaderMap) -> bool {
    headers.get(header::ACCEPT).is_some_and(|accept| accept.to_str().is_ok_and(|accept| accept.contains("text/html")))
}

fn is_https() -> bool {
    services().config.public_url().https
}

fn services() -> Arc<Services> {
    expect_context()
}

fn set_flash(flash: &Flash) {
    if *flash == Flash::default() {
        return;
    }
    let json = serde_json::to_vec(flash).expect("words are JSON");
    set_cookie(Cookie::Flash.set(&BASE64_URL_SAFE_NO_PAD.encode(json), FLASH_MAX_AGE_SECONDS, is_https()));
}
