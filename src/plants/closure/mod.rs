//! Remote access of a plant: closed at once by whoever operates it, reopened only by those who administer the organization.

pub mod actions;

mod emails;
