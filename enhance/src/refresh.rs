//! Keeps the part of a page that the server renders again up to date.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use web_sys::Element;

use crate::{events::after, http, page};

/// Attribute of the part with the URL that it comes from.
const URL: &str = "data-refresh";
/// Pause before a request, in milliseconds: changes in quick succession cause one.
const PAUSE: i32 = 300;

/// Whether a request is about to be sent.
static IS_PENDING: AtomicBool = AtomicBool::new(false);
/// The number of requests. The answer to an earlier one than the last is ignored.
static REQUESTED: AtomicU32 = AtomicU32::new(0);

/// Replaces the contents of the element with `data-refresh` by what the server now renders, after a short pause.
pub fn start() {
    if !IS_PENDING.swap(true, Ordering::Relaxed) {
        after(PAUSE, || {
            IS_PENDING.store(false, Ordering::Relaxed);
            if let Some(part) = page::find("[data-refresh]") {
                request(part);
            }
        });
    }
}

fn request(part: Element) {
    let number = REQUESTED.fetch_add(1, Ordering::Relaxed) + 1;
    let url = part.get_attribute(URL).unwrap_or_default(); // present: selected by it above
    http::get_text(&url, move |html| {
        if REQUESTED.load(Ordering::Relaxed) == number {
            replace(&part, &html);
        }
    });
}

/// Replaces the contents if they have changed, and keeps the focus on the same link.
fn replace(part: &Element, html: &str) {
    let Ok(new) = page::document().create_element("div") else { return };
    new.set_inner_html(html);
    if new.inner_html() == part.inner_html() {
        return;
    }
    let focused = page::find("[data-refresh] a:focus").and_then(|link| link.get_attribute("href"));
    part.set_inner_html(html);
    if let Some(address) = focused {
        page::focus(&(String::from("[data-refresh] a[href='") + &address + "']"));
    }
}
