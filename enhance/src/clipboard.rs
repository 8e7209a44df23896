//! Copies and prints secrets that are shown once.

use web_sys::Element;

use crate::{
    events::{self, closest_target},
    page,
};

/// Listens for the buttons that copy and print.
pub fn listen() {
    events::listen(&page::window(), "click", |event| {
        if let Some(button) = closest_target(&event, "[data-copies]") {
            copy(button);
        } else if closest_target(&event, "[data-prints]").is_some() {
            let _ = page::window().print();
        }
    });
}

/// Copies the text of the element that the button names. The button then says whether it worked.
fn copy(button: Element) {
    let Some(text) = page::find_named(&button, "data-copies").and_then(|text| text.text_content()) else { return };
    let clipboard = page::window().navigator().clipboard();
    // Browsers have no clipboard where the site is neither HTTPS nor local.
    if clipboard.is_undefined() {
        return button.set_text_content(Some("Could not copy"));
    }
    events::settle(&clipboard.write_text(&text), move |result| {
        // The promise has no value, so any value is an error.
        button.set_text_content(Some(if result.is_undefined() { "Copied" } else { "Could not copy" }));
    });
}
