//! Receipts: the proof that an event is in the log, which anybody can verify offline (AUD-3).

pub mod actions;
pub mod model;
mod store;
