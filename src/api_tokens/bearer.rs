//! Who bears an API token: one look-up in the database, at every request (API-2, SES-2). A token opens the API alone: pages and their
//! forms take none for a signed-in person.

use axum::{
    extract::{Request, State},
    http::StatusCode,
    middleware::Next,
    response::{IntoResponse, Response},
};
use serde_json::json;

use crate::{
    access::{Access, Client, Credential},
    api_tokens::{
        secret::TokenSecret,
        store::{self, Found},
    },
    audit::{self, Action, Event, Outcome},
    error::AppError,
    foundation::{
        activity::Use,
        origin::Origin,
        services::{Services, Shared},
    },
    sessions::{actions::by, caller::bearer},
};

/// More of an address is not put on record, in characters.
const LONGEST_PATH: usize = 200;

/// Middleware, behind the sessions' own: a request with an API token carries its [`Access`], and what it was refused for want of a
/// permission is put on record (LOG-1).
pub async fn identify(State(services): Shared, mut request: Request, next: Next) -> Response {
    let Some(secret) = bearer(request.headers()).and_then(TokenSecret::parse) else { return next.run(request).await };
    let origin = request.extensions().get::<Origin>().cloned().expect("origin::identify runs before");
    let client = match look_up(&services, &secret, origin).await {
        Ok(Some(access)) => {
            let client = access.client.clone();
            request.extensions_mut().insert(access);
            client
        }
        Ok(None) => return next.run(request).await,
        Err(error) => return error.into_response(),
    };
    let asked = (request.method().to_string(), request.uri().path().chars().take(LONGEST_PATH).collect());
    let response = next.run(request).await;
    if response.status() == StatusCode::FORBIDDEN
        && let Err(error) = record_refusal(&services, &client, asked).await
    {
        return error.into_response();
    }
    response
}

async fn look_up(services: &Services, secret: &TokenSecret, origin: Origin) -> Result<Option<Access>, AppError> {
    let now = services.clock.now();
    let found = store::find_by_secret(&mut services.db.read().await?, &secret.hash(), now).await?;
    let Some(Found { id, permission_group: group, account }) = found else { return Ok(None) };
    let used = Use { user: account.id.clone(), at: now, ip: origin.ip, agent: Some(origin.agent.clone()) };
    services.token_activity.mark(&id, used);
    Ok(Some(Access { client: Client { account, credential: Credential::Token(id), origin }, group }))
}

async fn record_refusal(services: &Services, client: &Client, (method, path): (String, String)) -> Result<(), AppError> {
    let mut tx = services.db.write().await?;
    let event = by(client, Action::TokenRefused, json!({ "method": method, "path": path }));
    audit::record(&mut tx, &services.clock, Event { outcome: Outcome::Refused, ..event }).await?;
    Ok(tx.commit().await?)
}
