//! Icons of one set (Lucide, ISC), inlined. They decorate: words stand beside each, so screen readers pass them over.

use leptos::prelude::*;

macro_rules! icons {
    ($($(#[$doc:meta])* $name:ident = $file:literal,)*) => {
        /// Which icon.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Icon { $($(#[$doc])* $name,)* }

        impl Icon {
            fn svg(self) -> &'static str {
                match self {
                    $(Self::$name => include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/node_modules/lucide-static/icons/", $file, ".svg")),)*
                }
            }
        }
    };
}

icons! {
    /// A desktop computer.
    Desktop = "monitor",
    /// A portable one.
    Laptop = "laptop",
    /// A telephone.
    Phone = "smartphone",
    /// A tablet.
    Tablet = "tablet",
    /// A script or tool.
    Terminal = "terminal",
    /// Not known.
    Unknown = "circle-question-mark",
    /// A place that is not known.
    Pin = "map-pin",
    /// A network of one's own.
    Network = "network",
    /// There is more below.
    Chevron = "chevron-down",
    /// Search.
    Search = "search",
    /// All is well.
    Shield = "shield-check",
}

impl Icon {
    /// The icon, in the colour of the words beside it.
    pub fn draw(self) -> AnyView {
        view! { <span class="icon" aria-hidden="true" inner_html=self.svg()></span> }.into_any()
    }
}

/// The mark: a place, and the ring of who is around.
#[component]
pub fn Mark() -> impl IntoView {
    view! {
        <svg class="mark" viewBox="0 0 24 24" fill="none" aria-hidden="true">
            <circle cx="12" cy="12" r="10" stroke="currentColor" stroke-width="2" opacity=".35"></circle>
            <path d="M12 2a10 10 0 0 1 10 10" stroke="currentColor" stroke-width="2" stroke-linecap="round"></path>
            <circle cx="12" cy="12" r="4" fill="currentColor"></circle>
        </svg>
    }
}
