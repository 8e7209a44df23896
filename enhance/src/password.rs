//! Shows passwords, and how strong a new one is.

use wasm_bindgen::{JsCast, JsValue};
use web_sys::{Element, HtmlInputElement};

use crate::{
    events::{self, closest_target},
    http, page,
};

/// Pause in typing after which the strength of a password is requested, in milliseconds.
const TYPING_PAUSE: i32 = 300;

/// Listens for the buttons that show a password, and for typing in fields that have a strength.
pub fn listen() {
    events::listen(&page::window(), "click", |event| {
        if let Some(button) = closest_target(&event, "[data-shows]") {
            toggle(&button);
        }
    });
    events::listen(&page::window(), "input", |event| {
        if let Some(field) = closest_target(&event, "input[id]") {
            await_pause(field.unchecked_into());
        }
    });
}

/// Shows or hides a password.
fn toggle(button: &Element) {
    let Some(field) = page::find_named(button, "data-shows") else { return };
    let is_shown = field.get_attribute("type").is_some_and(|kind| kind == "text");
    page::set_attribute(&field, "type", if is_shown { "password" } else { "text" });
    page::set_attribute(button, "aria-pressed", if is_shown { "false" } else { "true" });
    if let Some(word) = button.first_element_child() {
        word.set_text_content(Some(if is_shown { "Show" } else { "Hide" }));
    }
}

/// Requests the strength of a password once typing pauses.
fn await_pause(field: HtmlInputElement) {
    let selector = String::from("[data-strength-of=\"") + &field.id() + "\"]";
    let Some(hint) = page::find(&selector) else { return };
    let typed = field.value();
    events::after(TYPING_PAUSE, move || {
        if field.value() == typed && !typed.is_empty() {
            show_strength(field, hint, typed);
        }
    });
}

/// Shows the strength of a password, unless the field has changed by the time it is known.
fn show_strength(field: HtmlInputElement, hint: Element, typed: String) {
    let body = String::from("password=") + &String::from(js_sys::encode_uri_component(&typed));
    let show = move |answer: http::Answer| {
        let Some(strength) = answer.ok().and_then(|strength| strength.as_string()) else { return };
        if field.value() == typed
            && let Some((score, words)) = strength.split_at_checked(1)
        {
            // The first character is the score, for the style sheet.
            page::set_attribute(&hint, "data-score", score);
            hint.set_text_content(Some(words));
        }
    };
    http::post("/api/ui/password_strength", &JsValue::from_str(&body), Box::new(show));
}
