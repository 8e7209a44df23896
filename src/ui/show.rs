//! Conditional parts of a page.

use leptos::prelude::*;

/// Conditionally renders a view without recreating it when other signals change.
pub fn show_when<V: IntoView + 'static>(
    condition: impl Fn() -> bool + Send + Sync + 'static,
    view: impl Fn() -> V + Clone + Send + Sync + 'static,
) -> impl IntoView {
    let is_shown = Memo::new(move |_| condition());
    move || is_shown.get().then(&view)
}
