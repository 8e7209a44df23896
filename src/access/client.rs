//! The principal of a request, and the credential that it used.

use chrono::{DateTime, Utc};

use crate::{
    access::Group,
    accounts::model::Account,
    foundation::{
        client::info::ClientInfo,
        ids::{SessionId, TokenId},
    },
};

/// The user who makes a request, with a session or an API token. Middleware adds it to the extensions of the request.
#[derive(Debug, Clone)]
pub struct Principal {
    /// The user's account.
    pub account: Account,
    /// The credential that authenticated the request.
    pub credential: Credential,
    /// When the user last authenticated: at sign-in or at the latest reauthentication. `None` for an API token.
    pub reauthenticated_at: Option<DateTime<Utc>>,
    /// The client that sent the request.
    pub client_info: ClientInfo,
}

/// A credential of an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Credential {
    /// A session.
    Session(SessionId),
    /// An API token, limited to this permission group.
    Token(TokenId, Group),
}

impl Principal {
    /// Returns the session that makes the request. `None` for an API token.
    pub fn session(&self) -> Option<&SessionId> {
        if let Credential::Session(id) = &self.credential { Some(id) } else { None }
    }

    /// Returns the API token that makes the request. `None` for a session.
    pub fn token(&self) -> Option<&TokenId> {
        if let Credential::Token(id, _) = &self.credential { Some(id) } else { None }
    }

    /// Returns the permission group that limits the request. A session may do all that its user may.
    pub fn group(&self) -> Group {
        if let Credential::Token(_, group) = &self.credential { *group } else { Group::Full }
    }
}
