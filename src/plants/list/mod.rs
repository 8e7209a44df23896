//! The page with the plants that a person sees.

pub mod load;
pub mod page;
pub mod query;
mod store;
