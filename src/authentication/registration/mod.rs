//! Registration: the first administrator, invitations, open registration and access requests.

pub mod actions;
pub mod api;
pub mod granted;
pub mod http;
pub mod invitations;
pub mod notices;
pub mod page;
pub mod requests;
pub mod store;
pub mod view;
