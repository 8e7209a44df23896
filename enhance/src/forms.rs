//! Submits forms without leaving the page, so that no typed value is lost when they are refused.

use js_sys::Reflect;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{Element, FormData, HtmlFormElement, SubmitEvent, UrlSearchParams};

use crate::{
    countdown,
    events::{self, closest_target},
    http, page,
    text::decimal,
};

/// Shown if the server sent no readable response.
const NO_ANSWER: &str = "The server did not respond. Try again.";

/// Submits every form with `data-sent` in place, including those that are added later.
pub fn listen() {
    events::listen(&page::window(), "submit", |event| {
        if let Some(form) = closest_target(&event, "form[data-sent]") {
            event.prevent_default();
            submit(form, event.unchecked_ref::<SubmitEvent>());
        }
    });
}

/// Posts a form, and navigates to the path in the response, or shows why it was refused. Does nothing while it is being posted.
fn submit(form: Element, event: &SubmitEvent) {
    if form.get_attribute("aria-busy").is_some() {
        return;
    }
    page::set_attribute(&form, "aria-busy", "true");
    let submitter = event.submitter();
    // A button may send the form to another URL.
    let url = submitter.as_ref().and_then(|button| button.get_attribute("formaction")).or_else(|| form.get_attribute("action"));
    let body = encode(&form, submitter.as_deref()).unwrap_or_default(); // a form always encodes
    let finish = move |answer: http::Answer| match answer.and_then(|path| path.as_string().ok_or(JsValue::UNDEFINED)) {
        Ok(path) => page::navigate(&path),
        Err(problem) => {
            show_refusal(&form, &problem);
            let _ = form.remove_attribute("aria-busy");
        }
    };
    http::post(&url.unwrap_or_default(), &body, Box::new(finish));
}

/// Returns the URL-encoded fields of a form, with those of the button that submits it.
pub fn encode(form: &Element, submitter: Option<&Element>) -> Option<JsValue> {
    let data = FormData::new_with_form(form.unchecked_ref::<HtmlFormElement>()).ok()?;
    let fields = UrlSearchParams::new_with_str_sequence_sequence(&data).ok()?;
    if let Some((name, value)) = submitter.and_then(|button| Some((button.get_attribute("name")?, button.get_attribute("value")?))) {
        fields.append(&name, &value);
    }
    Some(fields.to_string().into())
}

/// Shows a problem in the form's alert, and moves the focus to the field in question.
fn show_refusal(form: &Element, problem: &JsValue) {
    // Fails if there is no problem.
    let member = |name: &str| Reflect::get(problem, &JsValue::from_str(name)).unwrap_or_default();
    if let Some(alert) = form.query_selector("[role=alert]").ok().flatten() {
        countdown::remove(&alert);
        let title = member("title").as_string();
        alert.set_text_content(Some(title.as_deref().unwrap_or(NO_ANSWER)));
        page::set_attribute(&alert, "class", "failure");
        let seconds = member("seconds").as_f64().unwrap_or_default(); // no wait: no countdown
        page::set_attribute(&alert, "data-seconds", &decimal(seconds as u32));
    }
    match member("field").as_string() {
        Some(field) => page::focus(&(String::from("#") + &field)),
        None => page::focus("#password, #code"),
    };
}
