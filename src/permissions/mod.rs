//! The permission system: who may do what with organizations and plants. Roles come by memberships and grants; one pure function decides.

pub mod authorize;
pub mod decide;
pub mod model;
pub mod store;
