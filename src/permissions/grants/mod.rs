//! Grants: plant roles of people, with their scope, reason and end.

pub mod actions;
pub mod emails;
pub mod http;
pub mod model;
pub mod people;
pub mod preview;
pub mod store;
pub mod worker;
