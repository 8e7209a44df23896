//! Finds whatever was changed, removed, moved or added in the audit log by somebody else than this program (AUD-2).

pub mod actions;
mod checks;
pub mod model;
pub mod store;
pub mod worker;
