//! Icons of one set (Lucide, ISC), inlined. They are decorative: each has a text beside it, so they are hidden from screen readers.

use leptos::prelude::*;

macro_rules! svg_of {
    ($file:literal) => {
        include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/node_modules/lucide-static/icons/", $file, ".svg"))
    };
}

macro_rules! icons {
    ($($(#[$doc:meta])* $name:ident = $file:literal,)*;
     $($(#[$server_doc:meta])* $server_name:ident = $server_file:literal,)*) => {
        /// An icon.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Icon { $($(#[$doc])* $name,)* $($(#[$server_doc])* #[cfg(feature = "ssr")] $server_name,)* }

        impl Icon {
            fn svg(self) -> &'static str {
                match self {
                    $(Self::$name => svg_of!($file),)*
                    $(#[cfg(feature = "ssr")] Self::$server_name => svg_of!($server_file),)*
                }
            }
        }
    };
}

icons! {
    /// A desktop computer.
    Desktop = "monitor",
    /// A portable computer.
    Laptop = "laptop",
    /// A telephone.
    Phone = "smartphone",
    /// A tablet.
    Tablet = "tablet",
    /// A script or tool.
    Terminal = "terminal",
    /// An unknown device.
    Unknown = "circle-question-mark",
    /// An unknown location.
    Pin = "map-pin",
    /// A private network.
    Network = "network",
    /// A menu that opens below.
    Chevron = "chevron-down",
    /// A password.
    Key = "key-round",
    /// A protection that is off.
    Shield = "shield",
    /// A protection that is on.
    ShieldOn = "shield-check",
    /// Search.
    Search = "search",
    /// A log.
    Scroll = "scroll-text",

    ; // The following are not in the module of the card: each byte of it counts.
    /// People.
    Users = "users",
    /// A new person.
    UserPlus = "user-plus",
    /// An email.
    Mail = "mail",
    /// Something that is allowed.
    Check = "check",
    /// Something that is not allowed.
    Ban = "ban",
    /// A deletion.
    Trash = "trash-2",
    /// Something to add.
    Plus = "plus",
    /// A file to import.
    Upload = "upload",
    /// A solar plant.
    Sun = "sun",
    /// A wind plant.
    Wind = "wind",
    /// A storage plant, or a battery.
    Battery = "battery-charging",
    /// A list without a plant.
    SolarPanel = "solar-panel",
    /// An organization.
    Building = "building-2",
    /// A portfolio.
    Layers = "layers",
    /// A level below, or a page that a row leads to.
    ChevronRight = "chevron-right",
    /// Remote access that is closed.
    Lock = "lock",
    /// Remote access that is open.
    LockOpen = "lock-open",
    /// A page of another site.
    ArrowUpRight = "arrow-up-right",
    /// A device, such as an inverter.
    Cpu = "cpu",
    /// A data logger.
    Database = "database",
    /// A camera.
    Camera = "cctv",
    /// A meter.
    Gauge = "gauge",
    /// A vendor.
    Wrench = "wrench",
    /// A protection that failed.
    ShieldAlert = "shield-alert",
    /// A file to download.
    Download = "download",
    /// Filters of a list.
    ListFilter = "list-filter",
    /// Something to leave out.
    Close = "x",
    /// Something that the server did by itself.
    Clock = "clock",
}

impl Icon {
    /// Renders the icon in the color of the text beside it.
    pub fn draw(self) -> impl IntoView {
        decorative_svg("icon", self.svg())
    }
}

/// Version of the package that the flags come from: their addresses contain it, so that browsers may keep them.
const FLAGS_VERSION: &str = "7.5.0";

/// Renders the flag of a country by its ISO 3166-1 code. Decorative: the country's name must stand beside it.
pub fn country_flag(code: &str) -> impl IntoView + use<> {
    view! { <img class="flag" src=flag_address(code) alt="" width="20" height="15" /> }
}

/// Same as [`country_flag`], for a line of small text. Loaded when it scrolls into view, because long lists have many.
pub fn small_country_flag(code: &str) -> impl IntoView + use<> {
    view! { <img class="flag small" src=flag_address(code) alt="" width="18" height="13" loading="lazy" /> }
}

fn flag_address(code: &str) -> String {
    ["/flags/", &code.to_ascii_lowercase(), ".svg?v=", FLAGS_VERSION].concat()
}

/// Renders the logo: a place and a ring around it.
pub fn mark() -> impl IntoView {
    decorative_svg("mark", include_str!("mark.svg"))
}

/// Renders the illustration for a list without other sessions: a house with its light on.
pub fn alone() -> impl IntoView {
    decorative_svg("alone", include_str!("alone.svg"))
}

/// Renders an image that is hidden from screen readers.
fn decorative_svg(class: &'static str, svg: &'static str) -> impl IntoView {
    view! { <span class=class aria-hidden="true" inner_html=svg></span> }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_of_the_flags_is_that_of_their_package() {
        let package = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/node_modules/flag-icons/package.json"));
        let package: serde_json::Value = serde_json::from_str(package).unwrap();
        assert_eq!(package["version"], FLAGS_VERSION);
    }
}
