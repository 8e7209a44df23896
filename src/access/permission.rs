//! The permissions of the API: which permission group has which, and the one place that checks them.

use std::{marker::PhantomData, ops::Deref};

use axum::{extract::FromRequestParts, http::request::Parts};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{access::Principal, error::AppError};

/// A permission group: limits what an API token may do. No group allows more than its owner may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema, sqlx::Type)]
#[sqlx(type_name = "TEXT", rename_all = "snake_case")]
#[serde(rename_all = "snake_case")]
pub enum Group {
    /// Everything the owner may do, except actions that require the password.
    Full,
    /// Read everything, change nothing.
    Read,
    /// List and revoke sessions.
    Sessions,
    /// Read the audit log.
    Audit,
    /// Open devices of plants.
    Devices,
}

impl Group {
    /// All groups, the widest first.
    pub const ALL: [Self; 5] = [Self::Full, Self::Read, Self::Sessions, Self::Audit, Self::Devices];

    /// Returns the key of the group in forms and in the API.
    pub fn key(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Read => "read",
            Self::Sessions => "sessions",
            Self::Audit => "audit",
            Self::Devices => "devices",
        }
    }

    /// Returns the group with this key. `None` for an unknown key.
    pub fn parse(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|group| group.key() == key)
    }

    /// Returns the name of the group for display.
    pub fn name(self) -> &'static str {
        match self {
            Self::Full => "Full access",
            Self::Read => "Read only",
            Self::Sessions => "Sessions: review and revoke",
            Self::Audit => "Audit: read",
            Self::Devices => "Devices: reach",
        }
    }

    /// Describes what the group allows.
    pub fn purpose(self) -> &'static str {
        match self {
            Self::Full => "Everything you can do through the API, except actions that ask for your password.",
            Self::Read => "Reads everything and changes nothing.",
            Self::Sessions => "Lists and revokes your sessions.",
            Self::Audit => "Reads the audit log and nothing else.",
            Self::Devices => "Opens the devices that you may open, and nothing else.",
        }
    }
}

/// A permission that an endpoint of the API needs.
pub trait Permission: Send + Sync {
    /// Returns whether a group has this permission.
    fn is_in(group: Group) -> bool;
}

macro_rules! permissions {
    ($($(#[$doc:meta])* $name:ident: $($group:ident)|+;)*) => {$(
        $(#[$doc])*
        pub struct $name;

        impl Permission for $name {
            fn is_in(group: Group) -> bool {
                matches!(group, $(Group::$group)|+)
            }
        }
    )*};
}

permissions! {
    /// To read the own account.
    ReadOwnAccount: Full | Read | Sessions | Audit | Devices;
    /// To list sessions.
    ReadSessions: Full | Read | Sessions;
    /// To revoke sessions.
    RevokeSessions: Full | Sessions;
    /// To list API tokens.
    ReadTokens: Full | Read;
    /// To revoke API tokens.
    RevokeTokens: Full;
    /// To read organizations, portfolios, plants, devices and grants.
    ReadPlants: Full | Read;
    /// To change plants and their devices.
    EditPlants: Full;
    /// To read the audit log.
    ReadAuditLog: Full | Read | Audit;
    /// To open devices.
    OpenDevices: Full | Devices;
}

/// Extracts the principal of a request, if it has permission `P`.
///
/// Errors: [`AppError::NotSignedIn`] without a credential, [`AppError::NotInGroup`] without the permission.
pub struct Authorized<P>(Principal, PhantomData<P>);

impl<P> Deref for Authorized<P> {
    type Target = Principal;

    fn deref(&self) -> &Principal {
        &self.0
    }
}

impl<P: Permission, S: Send + Sync> FromRequestParts<S> for Authorized<P> {
    type Rejection = AppError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, AppError> {
        let principal = parts.extensions.get::<Principal>().cloned().ok_or(AppError::NotSignedIn)?;
        if P::is_in(principal.group()) { Ok(Self(principal, PhantomData)) } else { Err(AppError::NotInGroup) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// API-2: every group is within full access, and may read the own account.
    #[test]
    fn groups_only_narrow() {
        fn groups<P: Permission>() -> Vec<&'static str> {
            Group::ALL.into_iter().filter(|group| P::is_in(*group)).map(Group::key).collect()
        }
        assert_eq!(groups::<ReadOwnAccount>(), ["full", "read", "sessions", "audit", "devices"]);
        assert_eq!(groups::<ReadSessions>(), ["full", "read", "sessions"]);
        assert_eq!(groups::<RevokeSessions>(), ["full", "sessions"]);
        assert_eq!(groups::<ReadTokens>(), ["full", "read"]);
        assert_eq!(groups::<RevokeTokens>(), ["full"]);
        assert_eq!(groups::<ReadPlants>(), ["full", "read"]);
        assert_eq!(groups::<EditPlants>(), ["full"]);
        assert_eq!(groups::<OpenDevices>(), ["full", "devices"]);
        assert_eq!(groups::<ReadAuditLog>(), ["full", "read", "audit"]);
    }

    #[test]
    fn a_group_is_found_by_its_key() {
        assert!(Group::ALL.into_iter().all(|group| Group::parse(group.key()) == Some(group)));
        assert_eq!(Group::parse("Full access"), None);
    }
}
