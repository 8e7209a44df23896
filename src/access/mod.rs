//! Authorization of API requests: a session may do all that its user may, an API token the part that its permission group allows
//! (API-2). A handler takes [`Authorized`] with the permission that it needs, or `CurrentSession`, which accepts sessions only.

mod client;
mod permission;
pub mod store;

pub use client::{Credential, Principal};
pub use permission::{
    Authorized, EditPlants, Group, OpenDevices, Permission, ReadAuditLog, ReadOwnAccount, ReadPlants, ReadSessions, ReadTokens,
    RevokeSessions, RevokeTokens,
};
