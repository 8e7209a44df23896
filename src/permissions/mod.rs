//! The permission system: who may do what with organizations and plants. Roles come by memberships and grants; one pure function decides.

pub mod authorize;
pub mod decide;
pub mod grants;
pub mod members;
pub mod model;
pub mod notify;
pub mod reach;
pub mod store;
pub mod vendors;
