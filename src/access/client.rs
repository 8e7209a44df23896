//! Who asks, and by what right.

use crate::{
    access::Group,
    accounts::model::Account,
    foundation::{
        ids::{SessionId, TokenId},
        origin::Origin,
    },
};

/// Whoever makes a request, by a session or by an API token.
#[derive(Debug, Clone)]
pub struct Client {
    /// Whose account.
    pub account: Account,
    /// What opened it.
    pub credential: Credential,
    /// From where this request came.
    pub origin: Origin,
}

/// What opens an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Credential {
    /// A session.
    Session(SessionId),
    /// An API token.
    Token(TokenId),
}

impl Client {
    /// The session that asks. A token has none.
    pub fn session(&self) -> Option<&SessionId> {
        if let Credential::Session(id) = &self.credential { Some(id) } else { None }
    }

    /// The API token that asks, if it is one.
    pub fn token(&self) -> Option<&TokenId> {
        if let Credential::Token(id) = &self.credential { Some(id) } else { None }
    }
}

/// What the middleware found out of a request: who asks, and how far that goes.
#[derive(Debug, Clone)]
pub struct Access {
    /// Who.
    pub client: Client,
    /// What of it they may.
    pub group: Group,
}
