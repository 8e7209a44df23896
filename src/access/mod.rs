//! Who asks the API for something, and whether they may: a session does all that its person may, an API token what its group allows of
//! that (API-2). A handler takes [`May`] with the permission that it needs, or `Caller`, which is a session alone.

mod client;
mod permission;
pub mod store;

pub use client::{Access, Client, Credential};
pub use permission::{EndSessions, EndTokens, Group, KnowOneself, May, Permission, ReadSessions, ReadTokens};
