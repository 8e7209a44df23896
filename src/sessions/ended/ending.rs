//! How sessions end.

use crate::{
    access::Principal,
    foundation::ids::{SessionId, TokenId, UserId},
    sessions::model::EndReason,
};

/// Why sessions end, and who ends them from where.
#[derive(Debug, Clone, Copy)]
pub struct Ending<'a> {
    /// Why.
    pub reason: EndReason,
    /// Who: the owner or an administrator.
    pub user: Option<&'a UserId>,
    /// From which session.
    pub session: Option<&'a SessionId>,
    /// With which API token.
    pub token: Option<&'a TokenId>,
}

impl<'a> Ending<'a> {
    /// An ending by nobody who is signed in: by the command line, or because of an emailed link or a new sign-in.
    pub fn new(reason: EndReason) -> Self {
        Self { reason, user: None, session: None, token: None }
    }

    /// An ending by a principal.
    pub fn by(principal: &'a Principal, reason: EndReason) -> Self {
        Self { reason, user: Some(&principal.account.id), session: principal.session(), token: principal.token() }
    }
}
