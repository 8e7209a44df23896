//! The pages above a page.

use leptos::prelude::*;

use crate::ui::icon::Icon;

/// The path to a page: addresses and names, the topmost first.
#[component]
pub fn Crumbs(links: Vec<(String, String)>) -> impl IntoView {
    let link = |(index, (path, name)): (usize, (String, String))| {
        view! { {(index > 0).then(|| Icon::ChevronRight.draw())}<a href=path>{name}</a> }
    };
    view! { <nav class="crumbs" aria-label="Breadcrumb">{links.into_iter().enumerate().map(link).collect_view()}</nav> }
}
