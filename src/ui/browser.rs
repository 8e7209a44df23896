//! What only a browser can do.

use leptos::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::HtmlElement;

/// Says that the page is interactive, and has a page that comes back from the back/forward cache ask the server anew: it may
/// show what its person signed out of (WEB-5).
pub fn ready() {
    let _ = window_event_listener(leptos::ev::pageshow, |event| {
        if event.persisted() {
            let _ = window().location().reload();
        }
    });
    if let Some(body) = document().body() {
        // The attribute's name and value are plain ASCII: setting it cannot fail.
        let _ = body.set_attribute("data-hydrated", "true");
    }
}

/// Whether this page is one that the server drew alone, with nothing to take over.
pub fn is_plain() -> bool {
    document().body().is_some_and(|body| body.has_attribute("data-plain"))
}

/// Whether the page is one of somebody who is signed in: it has their menu.
pub fn is_signed_in() -> bool {
    document().get_element_by_id("profile-menu").is_some()
}

/// Opens another page, whole.
pub fn go(path: &str) {
    // Only a sandboxed frame forbids it, and no frame may hold this page.
    let _ = window().location().assign(path);
}

/// Leaves for the login page, which says why.
pub fn leave() {
    let location = window().location();
    let here = location.pathname().unwrap_or_default() + &location.search().unwrap_or_default();
    let next = js_sys::encode_uri_component(&here);
    go(&format!("/login?next={}", String::from(next)));
}

/// Puts words into one of the frame's lines, and shows it.
pub fn say(line: &str, words: &str) {
    let find = |selector: &str| document().query_selector(selector).ok().flatten();
    if let Some(text) = find(&format!(".{line} span")) {
        text.set_text_content(Some(words));
    }
    if let Some(line_itself) = find(&format!(".{line}")) {
        line_itself.set_class_name(line);
    }
}

/// Moves the focus to the first element that matches.
pub fn focus(selector: &str) -> bool {
    let found = document().query_selector(selector).ok().flatten().and_then(|element| element.dyn_into::<HtmlElement>().ok());
    found.is_some_and(|element| element.focus().is_ok())
}
