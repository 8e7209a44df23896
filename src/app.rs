//! The pages that a script takes over, and keeps alive. Those that are forms stand in `plain.rs`.

use leptos::prelude::*;
use leptos_meta::{Title, provide_meta_context};
use leptos_router::{
    SsrMode,
    components::{FlatRoutes, Route, Router},
    path,
};

use crate::profile::page::ProfilePage;

/// The pages.
#[component]
pub fn App() -> impl IntoView {
    provide_meta_context();
    view! {
        <Title formatter=|title: String| if title.is_empty() { "Whereabouts".to_owned() } else { format!("{title} · Whereabouts") } />
        <Router>
            <FlatRoutes fallback=|| view! { <p class="nothing">"There is no such page. " <a href="/">"Start again"</a></p> }>
                // Async: a page is sent whole, and so is whole without a script.
                <Route path=path!("/profile") view=ProfilePage ssr=SsrMode::Async />
                <Route path=path!("/") view=ProfilePage ssr=SsrMode::Async />
            </FlatRoutes>
        </Router>
    }
}
