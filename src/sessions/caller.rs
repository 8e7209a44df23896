//! Who makes this request: one look-up in the database, at every request (SES-2).

use std::{ops::Deref, sync::Arc};

use axum::{
    extract::{FromRequestParts, Request, State},
    http::{HeaderMap, header, request::Parts},
    middleware::Next,
    response::{IntoResponse, Response},
};
use chrono::{DateTime, Utc};

use crate::{
    access::{Access, Client, Credential, Group},
    error::AppError,
    foundation::{
        activity::Use,
        cookies::Cookie,
        ids::SessionId,
        origin::Origin,
        secret::Secret,
        services::{Services, Shared},
    },
    sessions::{
        expiry::Expiry,
        model::EndReason,
        store::{self, Found},
        wire,
    },
};

/// A signed-in person or script: a [`Client`] with a session. An API token is none.
#[derive(Debug, Clone)]
pub struct Caller {
    /// Who asks, and from where.
    pub client: Client,
    /// Which session: the current one.
    pub session: SessionId,
    /// When it ends if it is not used again.
    pub expires_at: DateTime<Utc>,
    /// When its person last proved who they are.
    pub proven_at: DateTime<Utc>,
}

impl Deref for Caller {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.client
    }
}

/// Whoever makes a request.
#[derive(Debug, Clone)]
pub enum Visitor {
    /// Somebody with a live session.
    SignedIn(Box<Caller>),
    /// Somebody whose session ended.
    Ended(EndReason),
    /// Somebody without any.
    Stranger,
}

impl Visitor {
    /// The caller; strangers are refused.
    pub fn signed_in(self) -> Result<Caller, AppError> {
        match self {
            Self::SignedIn(caller) => Ok(*caller),
            Self::Ended(_) | Self::Stranger => Err(AppError::NotSignedIn),
        }
    }
}

/// Middleware: every request behind it carries its [`Visitor`]. A database that does not answer lets nobody through
/// (LOG-6). Whatever a session is used for counts as its use, but for the live channel (SES-12).
pub async fn identify(State(services): Shared, mut request: Request, next: Next) -> Response {
    let origin = request.extensions().get::<Origin>().cloned().expect("origin::identify runs before");
    let visitor = match look_up(&services, request.headers(), &origin).await {
        Ok(visitor) => visitor,
        Err(error) => return error.into_response(),
    };
    if let (Visitor::SignedIn(caller), true) = (&visitor, request.uri().path() != wire::PATH) {
        mark(&services, caller);
    }
    if let Visitor::SignedIn(caller) = &visitor {
        request.extensions_mut().insert(Access { client: caller.client.clone(), group: Group::Full });
    }
    request.extensions_mut().insert(visitor);
    next.run(request).await
}

async fn look_up(services: &Services, headers: &HeaderMap, origin: &Origin) -> Result<Visitor, AppError> {
    let Some(token) = token(headers, services.config.public_url().https) else { return Ok(Visitor::Stranger) };
    let hash = token.hash();
    let mut db = services.db.read().await?;
    Ok(match store::find_by_token(&mut db, &hash).await? {
        Some(found) => recognize(services, found, origin),
        None => store::end_reason(&mut db, &hash).await?.map_or(Visitor::Stranger, Visitor::Ended),
    })
}

fn recognize(services: &Services, found: Found, origin: &Origin) -> Visitor {
    if found.ended_at.is_some() {
        return found.end_reason.map_or(Visitor::Stranger, Visitor::Ended);
    }
    // Disabling ends every session. This holds even for one that it missed.
    if !found.is_enabled {
        return Visitor::Ended(EndReason::AccountDisabled);
    }
    if found.is_cut_off {
        return Visitor::Ended(EndReason::RevokedByAdministrator);
    }
    let known = services.activity.last_use(&found.id);
    let last_active_at = known.map_or(found.last_active_at, |last| last.at.max(found.last_active_at));
    let expiry = Expiry::of(&services.config.lifetimes, found.created_at, last_active_at);
    match expiry.reason(services.clock.now()) {
        Some(reason) => Visitor::Ended(reason),
        None => {
            let mut origin = origin.clone();
            if origin.agent.user_agent == found.user_agent {
                // Known already: nothing about it has to be found out again.
                origin.agent = Default::default();
            }
            let Found { account, id: session, proven_at, .. } = found;
            let client = Client { account, credential: Credential::Session(session.clone()), origin };
            Visitor::SignedIn(Box::new(Caller { client, session, expires_at: expiry.at(), proven_at }))
        }
    }
}

fn mark(services: &Services, caller: &Caller) {
    let new = Use { user: caller.account.id.clone(), at: services.clock.now(), ip: caller.origin.ip, agent: None };
    services.activity.mark(&caller.session, new);
    if !caller.origin.agent.user_agent.is_empty() {
        services.activity.note_agent(&caller.session, caller.origin.agent.clone());
    }
}

/// The token of a request: its bearer's, else its cookie's, never both.
fn token(headers: &HeaderMap, https: bool) -> Option<Secret> {
    match headers.contains_key(header::AUTHORIZATION) {
        true => Secret::parse(bearer(headers)?),
        false => Secret::parse(Cookie::Session.read(headers, https)?),
    }
}

/// What a request bears, of a session or of an API token. A cookie beside it is as if it were not there.
pub fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("Bearer").then(|| token.trim())
}

impl<S: Send + Sync> FromRequestParts<S> for Visitor {
    type Rejection = AppError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, AppError> {
        parts.extensions.get::<Self>().cloned().ok_or_else(|| AppError::internal(&"a route without caller::identify"))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = AppError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, AppError> {
        let is_token = parts.extensions.get::<Access>().is_some_and(|access| access.client.token().is_some());
        let visitor = Visitor::from_request_parts(parts, state).await?;
        if is_token { Err(AppError::SessionNeeded) } else { visitor.signed_in() }
    }
}

/// The visitor of the page or server function that runs.
pub fn visitor() -> Visitor {
    leptos::prelude::use_context::<Parts>().and_then(|parts| parts.extensions.get::<Visitor>().cloned()).unwrap_or(Visitor::Stranger) // fails closed
}

/// The caller of the page or server function that runs, with the services.
pub fn caller() -> Result<(Arc<Services>, Caller), AppError> {
    let services = leptos::prelude::use_context::<Arc<Services>>().ok_or(AppError::Unavailable)?;
    Ok((services, visitor().signed_in()?))
}

/// Where the page or server function that runs was asked from, with the services: for doors that need no session.
pub fn here() -> Result<(Arc<Services>, Origin), AppError> {
    let services = leptos::prelude::use_context::<Arc<Services>>().ok_or(AppError::Unavailable)?;
    let origin = leptos::prelude::use_context::<Parts>().and_then(|parts| parts.extensions.get::<Origin>().cloned());
    Ok((services, origin.ok_or(AppError::Unavailable)?))
}
