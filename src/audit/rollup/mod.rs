//! How many events each plant had, by hour and outcome, so that a chart of them costs the same however many there are.

pub mod model;
pub mod store;
