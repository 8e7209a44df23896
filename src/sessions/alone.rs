//! The live channel of a page that the server drew alone: it says that a sign-in came, and leaves when its session ends.

use leptos::{ev, prelude::*};
use wasm_bindgen::JsCast;
use web_sys::Element;

use crate::{
    sessions::{channel, signals::Live},
    ui::browser,
};

/// Opens it, for as long as the page lives.
pub fn open() {
    let owner = Owner::new();
    owner.with(|| {
        let live = Live::new(String::new());
        channel::open(live);
        Effect::new(move |_| {
            let words = live.arrival();
            if !words.is_empty() {
                browser::say("arrived", &words);
            }
        });
        let _ = window_event_listener(ev::submit, move |event| {
            let form = event.target().and_then(|form| form.dyn_into::<Element>().ok());
            if form.is_some_and(|form| form.get_attribute("action").as_deref() == Some("/api/ui/sign_out")) {
                live.is_signing_out.set_value(true);
            }
        });
    });
    // The page itself is the owner, and nobody tells of its end.
    std::mem::forget(owner);
}
