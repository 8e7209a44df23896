//! Identifies who makes a request, with one database lookup per request (SES-2).

use std::{ops::Deref, sync::Arc};

use axum::{
    extract::{FromRequestParts, Request, State},
    http::{HeaderMap, header, request::Parts},
    middleware::Next,
    response::{IntoResponse, Response},
};
use chrono::{DateTime, Utc};

use crate::{
    access::{Credential, Principal},
    error::AppError,
    foundation::{
        activity::Use,
        client::info::ClientInfo,
        crypto::secret::Secret,
        http::cookies::Cookie,
        ids::SessionId,
        services::{Services, Shared},
    },
    sessions::{
        expiry::Expiry,
        live::protocol,
        model::EndReason,
        store::{self, SessionWithUser},
    },
};

/// A client that is authenticated by a live session: a browser or a script, but never an API token.
#[derive(Debug, Clone)]
pub struct CurrentSession {
    /// Who makes the request, and from where.
    pub client: Principal,
    /// The id of the session.
    pub session: SessionId,
    /// When the session expires if it is not used again.
    pub expires_at: DateTime<Utc>,
}

impl Deref for CurrentSession {
    type Target = Principal;

    fn deref(&self) -> &Principal {
        &self.client
    }
}

/// The identity behind a request.
#[derive(Debug, Clone)]
pub enum Identity {
    /// The request has a live session.
    SignedIn(Box<CurrentSession>),
    /// The session of the request has ended, for this reason.
    SessionEnded(EndReason),
    /// The request has no session.
    Anonymous,
}

impl Identity {
    /// Returns the current session.
    ///
    /// Errors: [`AppError::NotSignedIn`] if the session has ended or there is none.
    pub fn signed_in(self) -> Result<CurrentSession, AppError> {
        match self {
            Self::SignedIn(caller) => Ok(*caller),
            Self::SessionEnded(_) | Self::Anonymous => Err(AppError::NotSignedIn),
        }
    }
}

/// Middleware that adds the [`Identity`] to every request. If the database is not available, the request is refused (LOG-6). Every
/// request counts as a use of its session, except those that open pages send by themselves (SES-12).
pub async fn identify(State(services): Shared, mut request: Request, next: Next) -> Response {
    let client_info = request.extensions().get::<ClientInfo>().cloned().expect("info::identify runs before");
    let identity = match look_up(&services, request.headers(), &client_info).await {
        Ok(identity) => identity,
        Err(error) => return error.into_response(),
    };
    let is_by_itself = matches!(request.uri().path(), protocol::PATH | protocol::ENDED_PATH | protocol::AUDIT_PATH);
    if let (Identity::SignedIn(caller), false) = (&identity, is_by_itself) {
        record_use(&services, caller);
    }
    if let Identity::SignedIn(caller) = &identity {
        request.extensions_mut().insert(caller.client.clone());
    }
    request.extensions_mut().insert(identity);
    next.run(request).await
}

/// Looks up the identity of a request by its session token.
async fn look_up(services: &Services, headers: &HeaderMap, client_info: &ClientInfo) -> Result<Identity, AppError> {
    let Some(token) = session_token(headers, services.config.public_url().https) else { return Ok(Identity::Anonymous) };
    let hash = token.hash();
    let mut db = services.db.read().await?;
    Ok(match store::find_by_token(&mut db, &hash).await? {
        Some(found) => identity_of(services, found, client_info),
        None => store::find_end_reason(&mut db, &hash).await?.map_or(Identity::Anonymous, Identity::SessionEnded),
    })
}

/// Determines the identity from a session: live, or ended for a reason.
fn identity_of(services: &Services, found: SessionWithUser, client_info: &ClientInfo) -> Identity {
    if found.ended_at.is_some() {
        return found.end_reason.map_or(Identity::Anonymous, Identity::SessionEnded);
    }
    // Disabling an account ends all its sessions. This check also covers a session that it missed.
    if !found.is_enabled {
        return Identity::SessionEnded(EndReason::AccountDisabled);
    }
    if found.is_cut_off {
        return Identity::SessionEnded(EndReason::EverybodySignedOut);
    }
    let last_use = services.activity.last_use(&found.id);
    let last_active_at = last_use.map_or(found.last_active_at, |last| last.at.max(found.last_active_at));
    let expiry = Expiry::new(&services.config.lifetimes, found.created_at, last_active_at);
    match expiry.reason(services.clock.now()) {
        Some(reason) => Identity::SessionEnded(reason),
        None => {
            let mut client_info = client_info.clone();
            if client_info.agent.user_agent == found.user_agent {
                // The device is stored already and need not be detected again.
                client_info.agent = Default::default();
            }
            let SessionWithUser { account, id: session, reauthenticated_at, .. } = found;
            let (credential, reauthenticated_at) = (Credential::Session(session.clone()), Some(reauthenticated_at));
            let client = Principal { account, credential, reauthenticated_at, client_info };
            Identity::SignedIn(Box::new(CurrentSession { client, session, expires_at: expiry.at() }))
        }
    }
}

/// Records in memory that the session was used now, and its user agent headers if they changed.
fn record_use(services: &Services, caller: &CurrentSession) {
    let new = Use { user: caller.account.id.clone(), at: services.clock.now(), ip: caller.client_info.ip, agent: None };
    services.activity.mark(&caller.session, new);
    if !caller.client_info.agent.user_agent.is_empty() {
        services.activity.record_agent(&caller.session, caller.client_info.agent.clone());
    }
}

/// Returns the session token from the Authorization header or, only if there is no such header, from the cookie.
fn session_token(headers: &HeaderMap, https: bool) -> Option<Secret> {
    match headers.contains_key(header::AUTHORIZATION) {
        true => Secret::parse(bearer_token(headers)?),
        false => Secret::parse(Cookie::Session.read(headers, https)?),
    }
}

/// Returns the bearer token of a request: a session token or an API token. A request with one is treated as if it had no cookie.
pub fn bearer_token(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("Bearer").then(|| token.trim())
}

impl<S: Send + Sync> FromRequestParts<S> for Identity {
    type Rejection = AppError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, AppError> {
        parts.extensions.get::<Self>().cloned().ok_or_else(|| AppError::internal(&"a route without caller::identify"))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for CurrentSession {
    type Rejection = AppError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, AppError> {
        let is_token = parts.extensions.get::<Principal>().is_some_and(|principal| principal.token().is_some());
        let identity = Identity::from_request_parts(parts, state).await?;
        if is_token { Err(AppError::SessionRequired) } else { identity.signed_in() }
    }
}

/// Returns the identity behind the running page or server function.
pub fn identity() -> Identity {
    let identity = leptos::prelude::use_context::<Parts>().and_then(|parts| parts.extensions.get::<Identity>().cloned());
    identity.unwrap_or(Identity::Anonymous) // fails closed
}

/// Returns the current session of the running page or server function, with the services.
///
/// Errors: [`AppError::NotSignedIn`] without a live session.
pub fn current_session() -> Result<(Arc<Services>, CurrentSession), AppError> {
    let services = leptos::prelude::use_context::<Arc<Services>>().ok_or(AppError::Unavailable)?;
    Ok((services, identity().signed_in()?))
}

/// Returns the client info of the running page or server function, with the services. For endpoints that need no session.
pub fn client_info() -> Result<(Arc<Services>, ClientInfo), AppError> {
    let services = leptos::prelude::use_context::<Arc<Services>>().ok_or(AppError::Unavailable)?;
    let client_info = leptos::prelude::use_context::<Parts>().and_then(|parts| parts.extensions.get::<ClientInfo>().cloned());
    Ok((services, client_info.ok_or(AppError::Unavailable)?))
}
