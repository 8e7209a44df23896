//! Grants: plant roles of people, with their scope, reason and end.

pub mod actions;
pub mod api;
pub mod emails;
pub mod extend_page;
pub mod form;
pub mod http;
pub mod model;
pub mod page;
pub mod people;
pub mod preview;
pub mod store;
pub mod worker;
