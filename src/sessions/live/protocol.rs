//! The messages of the live channel.
//!
//! Texts are for every page, and the crate `enhance` reads them. Binary messages are for pages with the card:
//! a [`LiveMessage`](crate::sessions::model::LiveMessage) in the format of `foundation/wire.rs`. A page ignores what it does not know.

/// Path of the channel.
pub const PATH: &str = "/live";
/// Path of the section of ended sessions, which a page requests when the channel says that one ended.
pub const ENDED_PATH: &str = "/live/ended";
/// Path of the number of new audit events, which a page requests when the channel says that there are some.
pub const AUDIT_PATH: &str = "/live/audit";
/// The server sends a heartbeat this often.
pub const HEARTBEAT_SECONDS: u64 = 5;
/// Text of the message that shows that the channel is alive.
pub const HEARTBEAT: &str = "heartbeat";
/// Text of a message to a page whose session ended.
pub const SIGNED_OUT: &str = "signed-out";
/// Start of the text of a message about a new session, before its name.
pub const SIGNED_IN: &str = "signed-in ";
/// Text of a message to a page of the audit log: there are new events, perhaps none that the page shows.
pub const AUDIT: &str = "audit";
