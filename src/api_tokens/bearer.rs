//! Identifies requests with an API token, by one database query each (API-2, SES-2). API tokens are valid for the API only: pages and their
//! forms do not treat them as signed in.

use axum::{
    extract::{Request, State},
    http::StatusCode,
    middleware::Next,
    response::{IntoResponse, Response},
};
use serde_json::json;

use crate::{
    access::{Credential, Principal},
    api_tokens::{
        secret::TokenSecret,
        store::{self, TokenWithUser},
    },
    error::AppError,
    foundation::{
        activity::Use,
        client::info::ClientInfo,
        services::{Services, Shared},
    },
    record::{Action, Event, Outcome},
    sessions::{actions::audit_event, caller::bearer_token},
};

/// Longer paths are cut in audit events, in characters.
const MAX_RECORDED_PATH_CHARS: usize = 200;

/// Middleware, behind that of sessions: adds the [`Principal`] of an API token to the request, and records refusals for a missing
/// permission (LOG-1).
pub async fn identify(State(services): Shared, mut request: Request, next: Next) -> Response {
    let Some(secret) = bearer_token(request.headers()).and_then(TokenSecret::parse) else { return next.run(request).await };
    let client_info = request.extensions().get::<ClientInfo>().cloned().expect("info::identify runs before");
    let principal = match look_up(&services, &secret, client_info).await {
        Ok(Some(principal)) => {
            request.extensions_mut().insert(principal.clone());
            principal
        }
        Ok(None) => return next.run(request).await,
        Err(error) => return error.into_response(),
    };
    let requested = (request.method().to_string(), request.uri().path().chars().take(MAX_RECORDED_PATH_CHARS).collect());
    let response = next.run(request).await;
    if response.status() == StatusCode::FORBIDDEN
        && let Err(error) = record_refusal(&services, &principal, requested).await
    {
        return error.into_response();
    }
    response
}

async fn look_up(services: &Services, secret: &TokenSecret, client_info: ClientInfo) -> Result<Option<Principal>, AppError> {
    let now = services.clock.now();
    let found = store::find_by_secret(&mut services.db.read().await?, &secret.hash(), now).await?;
    let Some(TokenWithUser { id, permission_group: group, account }) = found else { return Ok(None) };
    let used = Use { user: account.id.clone(), at: now, ip: client_info.ip, agent: Some(client_info.agent.clone()) };
    services.token_activity.mark(&id, used);
    Ok(Some(Principal { account, credential: Credential::Token(id, group), reauthenticated_at: None, client_info }))
}

async fn record_refusal(services: &Services, principal: &Principal, (method, path): (String, String)) -> Result<(), AppError> {
    let mut tx = services.db.write().await?;
    let event = audit_event(principal, Action::TokenRefused, json!({ "method": method, "path": path }));
    services.recorder.write(&mut tx, Event { outcome: Outcome::Refused, ..event }).await?;
    Ok(tx.commit().await?)
}
