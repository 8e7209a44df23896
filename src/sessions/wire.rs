//! What both ends of the live channel keep to.

/// Where it is.
pub const PATH: &str = "/live";
/// The server says something at least this often.
pub const HEARTBEAT_SECONDS: u64 = 5;
/// A page that heard nothing for this long takes its channel for dead.
pub const SILENCE_SECONDS: u64 = 12;
