//! The page itself: its elements, its status lines, and navigation.

use wasm_bindgen::{JsCast, prelude::wasm_bindgen};
use web_sys::{Document, Element, HtmlElement, Window};

use crate::text;

// `valueOf` returns the object itself. A `static` would be a cell that is initialized once, with code that panics if it is not.
/// Selects the profile menu, which only pages of signed-in users have.
pub(crate) const MENU: &str = "#profile-menu";

#[wasm_bindgen]
extern "C" {
    /// Returns the window of the page.
    #[wasm_bindgen(js_namespace = window, js_name = valueOf)]
    pub(crate) fn window() -> Window;
    /// Returns the document of the page.
    #[wasm_bindgen(js_namespace = document, js_name = valueOf)]
    pub(crate) fn document() -> Document;
}

/// Navigates to another page with a full page load.
pub fn navigate(path: &str) {
    // This fails only in a sandboxed frame, and no frame may embed this page.
    let _ = window().location().assign(path);
}

/// Redirects to the login page, which says why, and leads back to this page.
pub fn redirect_to_login() {
    let location = window().location();
    let here = location.pathname().unwrap_or_default() + &location.search().unwrap_or_default(); // a loaded page has both
    navigate(&(String::from("/login?next=") + &String::from(js_sys::encode_uri_component(&here))));
}

/// Shows a text in one of the frame's status lines, given by its class. An empty text hides the line. Screen readers announce it.
pub fn announce(line: &str, text: &str) {
    let selector = String::from(".") + line;
    let Some(element) = find(&selector) else { return };
    let span = element.query_selector("span").ok().flatten();
    span.as_ref().unwrap_or(&element).set_text_content(Some(text));
    let class = String::from(line) + if text.is_empty() { " is-empty" } else { "" };
    set_attribute(&element, "class", &class);
}

/// Moves the focus to the first matching element. Returns false if there is none.
pub fn focus(selector: &str) -> bool {
    find(selector).is_some_and(|element| element.unchecked_into::<HtmlElement>().focus().is_ok())
}

/// Returns the first matching element. `None` if there is none, or the selector is invalid.
pub fn find(selector: &str) -> Option<Element> {
    document().query_selector(selector).ok()?
}

/// Returns the element whose id is the value of this attribute.
pub(crate) fn find_named(element: &Element, attribute: &str) -> Option<Element> {
    find(&(String::from("#") + &element.get_attribute(attribute)?))
}

/// Sets an attribute. Its name must be valid in HTML: nothing else makes this fail.
pub(crate) fn set_attribute(element: &Element, name: &str, value: &str) {
    let _ = element.set_attribute(name, value);
}

/// Returns whether the user of the page is signed in, which the profile menu shows.
pub fn is_signed_in() -> bool {
    find(MENU).is_some()
}

/// Reloads a page that was loaded before the server was upgraded to another version of its messages. At most once per version: a page
/// that an intermediary keeps outdated would reload forever.
pub fn reload_once(version: u8) {
    let Ok(Some(storage)) = window().session_storage() else { return };
    let key = String::from("reloaded-for-") + &text::decimal(u32::from(version));
    if matches!(storage.get_item(&key), Ok(None)) && storage.set_item(&key, "").is_ok() {
        let _ = window().location().reload();
    }
}

/// Marks the page as interactive, for the style sheet and for tests.
pub(crate) fn mark_interactive() {
    if let Some(body) = find("body") {
        set_attribute(&body, "data-hydrated", "true");
    }
}
