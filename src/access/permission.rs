//! The permissions of the API: which group has which, and the one place that checks.

use std::{marker::PhantomData, ops::Deref};

use axum::{extract::FromRequestParts, http::request::Parts};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    access::{Access, Client},
    error::AppError,
};

/// A permission group: how far an API token narrows what its owner may do. No group widens it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema, sqlx::Type)]
#[sqlx(type_name = "TEXT", rename_all = "snake_case")]
#[serde(rename_all = "snake_case")]
pub enum Group {
    /// All that its owner may, but for what takes their password.
    Full,
    /// All that can be looked at, and nothing changed.
    Read,
    /// Sessions: look at them, and end them.
    Sessions,
    /// The audit log: read it.
    Audit,
}

impl Group {
    /// All of them, the widest first.
    pub const ALL: [Self; 4] = [Self::Full, Self::Read, Self::Sessions, Self::Audit];

    /// As forms and the API write it.
    pub fn key(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Read => "read",
            Self::Sessions => "sessions",
            Self::Audit => "audit",
        }
    }

    /// The group of this key.
    pub fn parse(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|group| group.key() == key)
    }

    /// As people read it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Full => "Full access",
            Self::Read => "Read only",
            Self::Sessions => "Sessions: review and revoke",
            Self::Audit => "Audit: read",
        }
    }

    /// What it is for.
    pub fn purpose(self) -> &'static str {
        match self {
            Self::Full => "Everything that you may do by the API, but for what asks for your password.",
            Self::Read => "Looks at everything and changes nothing.",
            Self::Sessions => "Lists your sessions and ends them.",
            Self::Audit => "Reads the record, and nothing else.",
        }
    }
}

/// What a door of the API needs.
pub trait Permission: Send + Sync {
    /// Whether this group has it.
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
    /// To be told whose token it is.
    KnowOneself: Full | Read | Sessions | Audit;
    /// To list sessions.
    ReadSessions: Full | Read | Sessions;
    /// To end sessions.
    EndSessions: Full | Sessions;
    /// To list API tokens.
    ReadTokens: Full | Read;
    /// To revoke API tokens.
    EndTokens: Full;
}

/// A client that has this permission: nobody else gets as far as the handler.
pub struct May<P>(Client, PhantomData<P>);

impl<P> Deref for May<P> {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.0
    }
}

impl<P: Permission, S: Send + Sync> FromRequestParts<S> for May<P> {
    type Rejection = AppError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, AppError> {
        let Access { client, group } = parts.extensions.get::<Access>().cloned().ok_or(AppError::NotSignedIn)?;
        if P::is_in(group) { Ok(Self(client, PhantomData)) } else { Err(AppError::NotInGroup) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// API-2: every group is within full access, and knows itself.
    #[test]
    fn groups_only_narrow() {
        fn groups<P: Permission>() -> Vec<&'static str> {
            Group::ALL.into_iter().filter(|group| P::is_in(*group)).map(Group::key).collect()
        }
        assert_eq!(groups::<KnowOneself>(), ["full", "read", "sessions", "audit"]);
        assert_eq!(groups::<ReadSessions>(), ["full", "read", "sessions"]);
        assert_eq!(groups::<EndSessions>(), ["full", "sessions"]);
        assert_eq!(groups::<ReadTokens>(), ["full", "read"]);
        assert_eq!(groups::<EndTokens>(), ["full"]);
    }

    #[test]
    fn a_group_is_found_by_its_key() {
        assert!(Group::ALL.into_iter().all(|group| Group::parse(group.key()) == Some(group)));
        assert_eq!(Group::parse("Full access"), None);
    }
}
