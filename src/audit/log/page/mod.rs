//! The pages of the audit log: the list with its search, and one event.

mod address;
pub mod arrivals;
mod badge;
mod chart;
mod facts;
pub mod http;
pub mod list;
mod rows;
mod sentence;
pub mod single;
mod tools;
