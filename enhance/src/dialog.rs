//! Makes a dialog that the server rendered open modal, so that it traps the focus.

use wasm_bindgen::JsCast;
use web_sys::{HtmlDialogElement, KeyboardEvent};

use crate::{events::listen, page};

/// Makes the dialog of the page modal, if there is one. Escape leads where its "Cancel" does.
pub fn make_modal() {
    let Some(dialog) = page::find("dialog[data-modal]") else { return };
    let dialog: HtmlDialogElement = dialog.unchecked_into();
    dialog.close();
    let _ = dialog.show_modal(); // it fails only if the dialog is open
    listen(&page::window(), "keydown", move |event| {
        if event.unchecked_into::<KeyboardEvent>().key() == "Escape" {
            page::navigate(&dialog.get_attribute("data-modal").unwrap_or_default()); // present: selected by it above
        }
    });
}
