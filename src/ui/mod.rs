//! Small pieces of pages: native HTML elements first.

pub mod dynamic;
pub mod field;
pub mod icon;
pub mod loaded;
pub mod plain_form;
pub mod time;

#[cfg(feature = "hydrate")]
pub mod browser;
