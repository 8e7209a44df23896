//! Small components of pages. Native HTML elements come first.

pub mod icon;
pub mod later;
pub mod show;
pub mod time;

#[cfg(feature = "ssr")]
pub mod date;
#[cfg(feature = "ssr")]
pub mod field;
#[cfg(feature = "ssr")]
pub mod form_response;
#[cfg(feature = "ssr")]
pub mod number;
