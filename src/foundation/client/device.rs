//! Devices, as described by the user agent and client hints.

use serde::{Deserialize, Serialize};

/// Kind of client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(sqlx::Type), sqlx(type_name = "TEXT", rename_all = "snake_case"))]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub enum DeviceKind {
    /// A web browser.
    Browser,
    /// A script or tool that identifies itself.
    ApiClient,
    /// A client that does not identify itself.
    Unknown,
}

/// Form factor of a device, which selects its icon.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(sqlx::Type), sqlx(type_name = "TEXT", rename_all = "snake_case"))]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub enum Form {
    /// A desktop computer.
    Desktop,
    /// A laptop, as indicated by the operating system.
    Laptop,
    /// A phone.
    Phone,
    /// A tablet.
    Tablet,
    /// A script or tool.
    Api,
    /// Not known.
    Unknown,
}

/// A device or client.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(sqlx::FromRow))]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct Device {
    /// Display name, for example "Firefox on Windows", "curl" or "Unknown client".
    #[cfg_attr(feature = "ssr", sqlx(rename = "device_label"))]
    pub label: String,
    /// Name of the browser.
    pub browser: Option<String>,
    /// Name of the operating system, with its version if known.
    pub os: Option<String>,
    /// Kind of client.
    #[cfg_attr(feature = "ssr", sqlx(rename = "device_kind"))]
    pub kind: DeviceKind,
    /// Form factor, which selects the icon.
    #[cfg_attr(feature = "ssr", sqlx(rename = "form_factor"))]
    pub form: Form,
}
