//! How often both ends of a live channel show that they are there.

/// The server says something at least this often.
pub const HEARTBEAT_SECONDS: u64 = 5;
/// A page that heard nothing for this long takes its channel for dead.
pub const SILENCE_SECONDS: u64 = 12;
