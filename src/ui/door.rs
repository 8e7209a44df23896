//! The pages in front of the house: one narrow column for whoever is not, or may not be, signed in.

use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_query_map;

use crate::{error::AppError, ui::icon::mark};

/// A page of one narrow column.
#[component]
pub fn Door(
    /// Of the window.
    title: &'static str,
    /// Of the page, where it is another.
    #[prop(default = title)]
    heading: &'static str,
    /// What stands below it.
    children: Children,
) -> impl IntoView {
    view! {
        <Title text=title />
        <main class="door">
            {mark()}
            <h1>{heading}</h1>
            {children()}
        </main>
    }
}

/// Shows what `ask` answers. The page waits for it, and is sent whole.
pub fn asked<T: Send + 'static>(
    ask: impl Future<Output = Result<T, AppError>> + Send + 'static,
    view: impl FnOnce(Result<T, AppError>) -> AnyView + Send + 'static,
) -> AnyView {
    view! { <Suspense>{Suspend::new(async move { view(ask.await) })}</Suspense> }.into_any()
}

/// What the page's address says of this, or nothing.
pub fn queried(name: &str) -> String {
    use_query_map().with_untracked(|query| query.get(name).unwrap_or_default())
}
