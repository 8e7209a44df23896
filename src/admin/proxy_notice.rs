//! A notice to administrators that a proxy is not configured.

use std::sync::Arc;

use leptos::prelude::*;

use crate::foundation::services::Services;

/// Warns if requests came from a private address although no proxy is trusted.
#[component]
pub fn ProxyNotice() -> impl IntoView {
    let proxy = expect_context::<Arc<Services>>().unconfigured_proxy.get().copied();
    proxy.map(|proxy| {
        view! {
            <p class="notice warning" role="status">
                {format!("Requests arrive from the private address {proxy}, but no trusted proxy is configured. ")}
                "If this is your reverse proxy, all users appear with its address and share its rate limits: set "
                <code>"WHEREABOUTS_TRUSTED_PROXIES"</code>" to it."
            </p>
        }
    })
}
