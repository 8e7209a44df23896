//! Forms without a script: the browser posts, is led on, and the next page says how it went. Words and what was typed
//! travel in a cookie that the next page takes away. Where a script runs it posts the same form and reads the answer itself.

use std::{collections::BTreeMap, sync::Arc};

use axum::http::{HeaderMap, HeaderValue, header, request::Parts};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use leptos::prelude::{expect_context, use_context};
use leptos_axum::ResponseOptions;
use serde::{Deserialize, Serialize};

use crate::{
    error::AppError,
    foundation::{cookies::Cookie, services::Services},
};

/// The next page follows at once.
const SECONDS: u64 = 60;
/// What was typed is given back up to so many bytes a field: a cookie holds four thousand.
const LONGEST_TYPED: usize = 320;
/// What a sealed secret opens for.
const SEALED_FOR: &str = "the next page";

/// What the next page is to say or to fill in.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Flash {
    /// What was done.
    pub notice: Option<String>,
    /// What went wrong.
    pub failure: Option<AppError>,
    /// What was typed, by field, but for passwords.
    pub typed: BTreeMap<String, String>,
    /// A secret that is shown once. It travels sealed: whoever reads the cookie reads nothing.
    pub secret: Option<String>,
}

impl Flash {
    /// What was typed into this field.
    pub fn typed(&self, field: &str) -> String {
        self.typed.get(field).cloned().unwrap_or_default()
    }
}

/// Where a form that was taken leads, and what is said there.
pub struct Led {
    path: String,
    notice: Option<String>,
    secret: Option<String>,
}

impl Led {
    /// Leads there.
    pub fn to(path: impl Into<String>) -> Self {
        Self { path: path.into(), notice: None, secret: None }
    }

    /// And has this said.
    pub fn saying(self, notice: impl Into<String>) -> Self {
        Self { notice: Some(notice.into()), ..self }
    }

    /// And has this secret shown, that once.
    pub fn showing(self, secret: &str) -> Self {
        Self { secret: Some(secret.to_owned()), ..self }
    }
}

/// Answers a form: where it leads when it was taken, for a script to go to; back to `form`, with what was typed, when not.
pub fn lead(result: Result<Led, AppError>, form: &str, typed: &[(&str, &str)]) -> Result<String, AppError> {
    match result {
        Ok(Led { path, notice, secret }) => {
            let secret = secret.map(|secret| services().seal.seal(SEALED_FOR, &secret));
            put(&Flash { notice, secret, ..Flash::default() });
            if is_plain() {
                leptos_axum::redirect(&path);
            }
            Ok(path)
        }
        Err(error) => {
            let typed = typed.iter().filter(|(_, value)| value.len() <= LONGEST_TYPED);
            let typed = typed.map(|(field, value)| ((*field).to_owned(), (*value).to_owned())).collect();
            answer(Err(error), form, |result: &Result<String, AppError>| Flash {
                failure: result.as_ref().err().cloned(),
                typed,
                ..Flash::default()
            })
        }
    }
}

/// Leads a plain form on to `path`, with words for it; a script gets the answer itself, and reads the status.
pub fn answer<T>(result: Result<T, AppError>, path: &str, flash: impl FnOnce(&Result<T, AppError>) -> Flash) -> Result<T, AppError> {
    if is_plain() {
        put(&flash(&result));
        leptos_axum::redirect(path);
    }
    tell(result)
}

/// Gives a script the status of a failure, and `Retry-After`. A page or a plain form has a status of its own.
pub fn tell<T>(result: Result<T, AppError>) -> Result<T, AppError> {
    if let (Err(error), false) = (&result, is_plain()) {
        error.set_response();
    }
    result
}

/// What the page before wants said; said once.
pub fn take() -> Flash {
    let parts = expect_context::<Parts>();
    let Some(value) = Cookie::Flash.read(&parts.headers, is_https()) else { return Flash::default() };
    set_cookie(Cookie::Flash.clear(is_https()));
    let json = BASE64_URL_SAFE_NO_PAD.decode(value).ok();
    let flash: Flash = json.and_then(|json| serde_json::from_slice(&json).ok()).unwrap_or_default(); // not of our writing: nothing to say
    let secret = flash.secret.and_then(|sealed| services().seal.unseal(SEALED_FOR, &sealed).ok());
    Flash { secret, ..flash }
}

/// The page that a one-time link's secret opens.
pub fn with_token(page: &str, token: &str) -> String {
    with_query(page, &[("token", token)])
}

/// A page with these fields in its address.
pub fn with_query(page: &str, fields: &[(&str, &str)]) -> String {
    format!("{page}?{}", serde_urlencoded::to_string(fields).unwrap_or_default()) // pairs of strings always encode
}

/// Has browsers tell no other site where this page is: a link's secret is in its address (PWD-6).
pub fn tell_nobody_where() {
    expect_context::<ResponseOptions>().insert_header(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
}

/// Adds a cookie to the answer.
pub fn set_cookie(cookie: HeaderValue) {
    expect_context::<ResponseOptions>().append_header(header::SET_COOKIE, cookie);
}

/// Whether the browser posted a form by itself.
fn is_plain() -> bool {
    use_context::<Parts>().is_some_and(|parts| accepts_html(&parts.headers))
}

/// Whether a page is to be shown: browsers say so when they open one or post a form by themselves, and scripts do not.
pub fn accepts_html(headers: &HeaderMap) -> bool {
    headers.get(header::ACCEPT).is_some_and(|accept| accept.to_str().is_ok_and(|accept| accept.contains("text/html")))
}

fn is_https() -> bool {
    services().config.public_url().https
}

fn services() -> Arc<Services> {
    expect_context()
}

fn put(flash: &Flash) {
    if *flash == Flash::default() {
        return;
    }
    let json = serde_json::to_vec(flash).expect("words are JSON");
    set_cookie(Cookie::Flash.set(&BASE64_URL_SAFE_NO_PAD.encode(json), SECONDS, is_https()));
}
