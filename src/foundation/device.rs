//! A device, in words: what the user agent and client hints say.

use serde::{Deserialize, Serialize};

/// What kind of client signed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(sqlx::Type), sqlx(type_name = "TEXT", rename_all = "snake_case"))]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub enum DeviceKind {
    /// A person's browser.
    Browser,
    /// A script or tool that says what it is.
    ApiClient,
    /// It did not identify itself.
    Unknown,
}

/// What the device looks like: its icon.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(sqlx::Type), sqlx(type_name = "TEXT", rename_all = "snake_case"))]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub enum Form {
    /// A desktop computer.
    Desktop,
    /// A portable one, as far as the system tells.
    Laptop,
    /// A telephone.
    Phone,
    /// A tablet.
    Tablet,
    /// A script or tool.
    Api,
    /// Not known.
    Unknown,
}

/// One device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(sqlx::FromRow))]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct Device {
    /// "Firefox on Windows", "curl" or "Unknown client".
    #[cfg_attr(feature = "ssr", sqlx(rename = "device_label"))]
    pub label: String,
    /// The browser's name.
    pub browser: Option<String>,
    /// The system's name, with a version only where it is known.
    pub os: Option<String>,
    /// What kind of client it is.
    pub kind: DeviceKind,
    /// Its icon.
    pub form: Form,
}
