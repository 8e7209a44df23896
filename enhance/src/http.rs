//! Requests to the server.

use js_sys::JSON;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{AbortSignal, RequestInit, Response};

use crate::{events::settle, page::window};

/// The options of a form submission, as JSON: the shortest code for a nested object.
const POST: &str = r#"{"method":"POST","headers":{"accept":"application/json","content-type":"application/x-www-form-urlencoded"}}"#;

/// Maximum wait for a status, in milliseconds.
const STATUS_TIMEOUT: u32 = 12_000;

/// The response to a form. `Ok`: the JSON of its body. `Err`: the problem (RFC 9457), or undefined if there was no readable response.
pub type Answer = Result<JsValue, JsValue>;

/// Posts a URL-encoded form, and calls `handle` with the response. Not generic: there would be one copy per caller.
pub fn post(url: &str, body: &JsValue, handle: Box<dyn FnOnce(Answer)>) {
    let init: RequestInit = JSON::parse(POST).unwrap_or_default().unchecked_into();
    init.set_body(body);
    settle(&window().fetch_with_str_and_init(url, &init), move |response| {
        let response = response.dyn_into::<Response>().ok();
        let is_success = response.as_ref().is_some_and(Response::ok);
        let Some(text) = response.and_then(|response| response.text().ok()) else { return handle(Err(JsValue::UNDEFINED)) };
        settle(&text, move |text| {
            // A failed read yields an error instead of a string.
            let body = text.as_string().and_then(|text| JSON::parse(&text).ok());
            handle(match body {
                Some(body) if is_success => Ok(body),
                body => Err(body.unwrap_or_default()),
            });
        });
    });
}

/// Sends a GET request, and calls `handle` with the body of a successful response. Does nothing without one.
pub fn get_text(url: &str, handle: impl FnOnce(String) + 'static) {
    settle(&window().fetch_with_str(url), |response| {
        let response = response.dyn_into::<Response>().ok().filter(Response::ok);
        if let Some(text) = response.and_then(|response| response.text().ok()) {
            settle(&text, |text| {
                if let Some(text) = text.as_string() {
                    handle(text);
                }
            });
        }
    });
}

/// Sends a GET request, and calls `handle` with the status of the response, or with 0 if there is none.
pub fn get_status(url: &str, handle: impl FnOnce(u16) + 'static) {
    // A request on a dead connection could hang for minutes.
    let init = RequestInit::new();
    init.set_signal(Some(&AbortSignal::timeout_with_u32(STATUS_TIMEOUT)));
    settle(&window().fetch_with_str_and_init(url, &init), |response| {
        handle(response.dyn_into::<Response>().map_or(0, |response| response.status()));
    });
}
