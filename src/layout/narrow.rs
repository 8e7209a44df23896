//! Narrow pages: the one-column layout for users who are not, or may not be, signed in.

use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_query_map;

use crate::{error::AppError, ui::icon::mark};

/// A page with one narrow column.
#[component]
pub fn NarrowPage(
    /// Title of the window.
    title: &'static str,
    /// Heading of the page. Defaults to the title.
    #[prop(default = title)]
    heading: &'static str,
    /// Content below the heading.
    children: Children,
) -> impl IntoView {
    view! {
        <Title text=title />
        <main class="narrow-page">
            {mark()}
            <h1>{heading}</h1>
            {children()}
        </main>
    }
}

/// Renders the result of `load` with `view`. The response waits for it, so the page is sent whole.
pub fn render_async<T: Send + 'static>(
    load: impl Future<Output = Result<T, AppError>> + Send + 'static,
    view: impl FnOnce(Result<T, AppError>) -> AnyView + Send + 'static,
) -> AnyView {
    view! { <Suspense>{Suspend::new(async move { view(load.await) })}</Suspense> }.into_any()
}

/// Returns a query parameter of the page's URL, or an empty string.
pub fn query_parameter(name: &str) -> String {
    use_query_map().with_untracked(|query| query.get(name).unwrap_or_default())
}
