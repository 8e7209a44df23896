//! Keyboard control of the profile menu. It is a popover, so it opens and closes without a script.

use wasm_bindgen::JsCast;
use web_sys::KeyboardEvent;

use crate::{
    events,
    page::{self, MENU, focus},
};

/// Listens for keys in the menu, if the page has one. When it opens, its first item gets the focus.
pub fn listen() {
    let Some(menu) = page::find(MENU) else { return };
    events::listen(&menu, "keydown", |event| move_focus(event.unchecked_ref()));
    events::listen(&menu, "toggle", |_| {
        focus("#profile-menu:popover-open [role=menuitem]");
    });
}

/// Moves the focus through the menu with the arrow keys, Home and End (ARIA Authoring Practices, menu button).
fn move_focus(event: &KeyboardEvent) {
    let target = match event.key().as_str() {
        "ArrowDown" | "ArrowUp" if focus("#profile-menu > [role=menuitem]:not(:focus)") => return event.prevent_default(),
        "ArrowDown" | "ArrowUp" | "End" => "#profile-menu form [role=menuitem]",
        "Home" => "#profile-menu > [role=menuitem]",
        _ => return,
    };
    event.prevent_default();
    focus(target);
}
