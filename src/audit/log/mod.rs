//! The audit log as people and scripts read it: who sees which events, the list with its search, and exports.

pub mod actions;
mod chart;
mod events;
pub mod export;
pub mod http;
mod merge;
pub mod model;
mod names;
pub mod page;
mod parameters;
mod reader;
mod resolve;
mod search;
mod sources;
mod store;
pub mod visibility;
mod walk;
