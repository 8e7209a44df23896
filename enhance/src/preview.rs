//! Shows what a form would do while it is filled in.

use std::sync::atomic::{AtomicU32, Ordering};

use web_sys::Element;

use crate::{
    events::{self, closest_target},
    forms, http, page,
};

/// The number of previews that were requested. The answer to an earlier request than the last one is ignored.
static REQUESTED: AtomicU32 = AtomicU32::new(0);

/// After each change in a form with `data-preview`, posts it to that URL, and shows the HTML of the answer in the element `#preview`.
pub fn listen() {
    events::listen(&page::window(), "change", |event| {
        if let Some(form) = closest_target(&event, "form[data-preview]") {
            update(&form);
        }
    });
}

fn update(form: &Element) {
    let request = REQUESTED.fetch_add(1, Ordering::Relaxed) + 1;
    let url = form.get_attribute("data-preview").unwrap_or_default(); // present: selected by it above
    let show = move |answer: http::Answer| {
        // While a form is incomplete, there is no preview, and the last one stays.
        let html = answer.ok().and_then(|html| html.as_string());
        if let (Some(html), Some(preview)) = (html, page::find("#preview"))
            && REQUESTED.load(Ordering::Relaxed) == request
        {
            preview.set_inner_html(&html);
        }
    };
    http::post(&url, &forms::encode(form, None).unwrap_or_default(), Box::new(show)); // a form always encodes
}
