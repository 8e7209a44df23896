//! Keyboard control of the tabs (ARIA Authoring Practices, tabs with manual activation): arrow keys, Home and End move the focus,
//! Enter and Space open the tab, and the Tab key stops at one tab only (roving tabindex). Without a script the tabs are plain links.

use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlElement, KeyboardEvent};

use crate::{
    events::{self, closest_target},
    page,
};

/// Installs the listeners for the lifetime of the page.
pub fn listen() {
    if let Some(open) = page::find("[role=tab][aria-selected=true]") {
        set_tab_stop(&open);
    }
    events::listen(&page::window(), "keydown", |event| {
        if let Some(tab) = closest_target(&event, "[role=tab]") {
            handle_key(event.unchecked_ref(), &tab);
        }
    });
    // When the focus returns, it starts at the open tab.
    events::listen(&page::window(), "focusout", |event| {
        let list = closest_target(&event, "[role=tab]").and_then(|tab| tab.parent_element());
        if let Some(open) = list.and_then(|list| list.query_selector("[aria-selected=true]").ok()?) {
            set_tab_stop(&open);
        }
    });
}

fn handle_key(event: &KeyboardEvent, tab: &Element) {
    if ["Alt", "Control", "Meta", "Shift"].into_iter().any(|key| event.get_modifier_state(key)) {
        return;
    }
    let Some(list) = tab.parent_element() else { return };
    let (first, last) = (list.first_element_child(), list.last_element_child());
    let to = match event.key().as_str() {
        "ArrowRight" => tab.next_element_sibling().or(first),
        "ArrowLeft" => tab.previous_element_sibling().or(last),
        "Home" => first,
        "End" => last,
        " " => {
            event.prevent_default();
            return tab.unchecked_ref::<HtmlElement>().click(); // links only react to Enter
        }
        _ => return,
    };
    event.prevent_default();
    if let Some(to) = to {
        let _ = to.unchecked_ref::<HtmlElement>().focus();
        set_tab_stop(&to);
    }
}

/// Makes this the only tab at which the Tab key stops.
fn set_tab_stop(stop: &Element) {
    let mut tab = stop.parent_element().and_then(|list| list.first_element_child());
    while let Some(this) = tab {
        page::set_attribute(&this, "tabindex", "-1");
        tab = this.next_element_sibling();
    }
    page::set_attribute(stop, "tabindex", "0");
}
