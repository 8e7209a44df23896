//! The profile: its tabs, and on the Security tab the Active Sessions card.

pub mod api;
pub mod page;
pub mod tabs;
