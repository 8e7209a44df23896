//! SQL of the audit log, and nothing else.

pub mod events;
pub mod reader;
pub mod readings;
pub mod resolve;
pub mod walk;
