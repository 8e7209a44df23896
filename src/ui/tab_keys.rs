//! Keys of the tabs (ARIA Authoring Practices, tabs with manual activation): arrow keys, Home and End move the focus, Enter and
//! Space open the tab, and the Tab key stops at one tab alone (roving tabindex). Without a script they are plain links.

use leptos::{ev, prelude::*};
use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlElement};

/// Listens for as long as the page lives.
pub fn listen() {
    let open = document().query_selector("[role=tab][aria-selected=true]").ok().flatten();
    if let Some(open) = open {
        set_tab_stop(&open);
    }
    let _ = window_event_listener(ev::keydown, |event| {
        let has_modifier = event.alt_key() || event.ctrl_key() || event.meta_key() || event.shift_key();
        if let Some(tab) = tab_of(&event).filter(|_| !has_modifier) {
            press(&event, &tab);
        }
    });
    // Whoever comes back starts at the open tab.
    let _ = window_event_listener(ev::focusout, |event| {
        let list = tab_of(&event).and_then(|tab| tab.parent_element());
        if let Some(open) = list.and_then(|list| list.query_selector("[aria-selected=true]").ok()?) {
            set_tab_stop(&open);
        }
    });
}

fn tab_of(event: &web_sys::Event) -> Option<Element> {
    event.target()?.dyn_into::<Element>().ok().filter(|target| target.get_attribute("role").as_deref() == Some("tab"))
}

fn press(event: &ev::KeyboardEvent, tab: &Element) {
    let Some(list) = tab.parent_element() else { return };
    let (first, last) = (list.first_element_child(), list.last_element_child());
    let to = match event.key().as_str() {
        "ArrowRight" => tab.next_element_sibling().or(first),
        "ArrowLeft" => tab.previous_element_sibling().or(last),
        "Home" => first,
        "End" => last,
        " " => Some(tab.clone()),
        _ => return,
    };
    event.prevent_default();
    let Some(to) = to.and_then(|to| to.dyn_into::<HtmlElement>().ok()) else { return };
    if event.key() == " " {
        return to.click(); // links know Enter alone
    }
    let _ = to.focus();
    set_tab_stop(&to);
}

/// Makes this the one tab that the Tab key stops at.
fn set_tab_stop(stop: &Element) {
    let mut tab = stop.parent_element().and_then(|list| list.first_element_child());
    while let Some(this) = tab {
        let _ = this.set_attribute("tabindex", if this == *stop { "0" } else { "-1" });
        tab = this.next_element_sibling();
    }
}
