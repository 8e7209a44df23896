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
    /// A password.
    Key = "key-round",
    /// A guard that is off.
    Shield = "shield",
    /// A guard that is on.
    ShieldOn = "shield-check",
    /// Search.
    Search = "search",
}

impl Icon {
    /// The icon, in the colour of the words beside it.
    pub fn draw(self) -> AnyView {
        drawn("icon", self.svg())
    }
}

/// The flag of a country (ISO 3166-1), whose name stands beside it.
pub fn country_flag(code: &str) -> AnyView {
    view! { <img class="flag" src=format!("/flags/{}.svg", code.to_ascii_lowercase()) alt="" width="20" height="15" /> }.into_any()
}

/// The mark: a place, and the ring of who is around.
pub fn mark() -> AnyView {
    drawn("mark", include_str!("mark.svg"))
}

/// A house with its light on: nothing to do here.
pub fn alone() -> AnyView {
    drawn("alone", include_str!("alone.svg"))
}

/// A picture that says nothing that words do not.
fn drawn(class: &'static str, svg: &'static str) -> AnyView {
    view! { <span class=class aria-hidden="true" inner_html=svg></span> }.into_any()
}
