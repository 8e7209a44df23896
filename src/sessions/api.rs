//! Server functions of the Active Sessions card. Each one is a public endpoint and therefore checks its caller.

use leptos::{prelude::*, server_fn::codec::Post};

use crate::{
    error::problem::Problem,
    foundation::wire::{FormEncoding, WireEncoding},
    sessions::model::Sessions,
};

/// Lists the first `show` sessions that match the search.
#[server(prefix = "/api/ui", endpoint = "list_sessions", input = Post<FormEncoding>, output = Post<WireEncoding>)]
pub async fn list_sessions(search: String, show: usize) -> Result<Sessions, Problem> {
    use crate::{
        sessions::{actions, caller, model::Query},
        ui::form_response::set_status,
    };
    let (services, caller) = set_status(caller::current_session())?;
    let query = Query { search, show: show.clamp(1, 1_000) };
    set_status(actions::list(&services, &caller, &query).await)
}

/// Revokes another session. Returns the message to show. A session that has already ended is not an error for the user.
#[server(prefix = "/api/ui", endpoint = "revoke_session", input = Post<FormEncoding>, output = Post<WireEncoding>)]
pub async fn revoke_session(id: String) -> Result<String, Problem> {
    use crate::{
        error::AppError,
        foundation::ids::SessionId,
        sessions::{actions, caller, model::HOME},
        ui::form_response::{Flash, redirect_or_respond},
    };
    let revoke = async || {
        let (services, caller) = caller::current_session()?;
        let id = SessionId::parse(&id).ok_or(AppError::NotFound)?;
        actions::revoke(&services, &caller, &id).await
    };
    let message = match revoke().await {
        Ok(session) => Ok(format!("{}, was signed out.", session.name())),
        Err(AppError::NotFound) => Ok("This session had already ended.".to_owned()),
        Err(error) => Err(error),
    };
    redirect_or_respond(message, HOME, |result| Flash { notice: result.clone().ok(), failure: result.clone().err(), ..Flash::default() })
}

/// Revokes all other sessions. Returns how many were revoked.
#[server(prefix = "/api/ui", endpoint = "revoke_other_sessions", input = Post<FormEncoding>, output = Post<WireEncoding>)]
pub async fn revoke_other_sessions() -> Result<usize, Problem> {
    use crate::{
        sessions::{
            actions, caller,
            model::{HOME, signed_out},
        },
        ui::form_response::{Flash, redirect_or_respond},
    };
    let revoke = async || {
        let (services, caller) = caller::current_session()?;
        actions::revoke_others(&services, &caller).await
    };
    redirect_or_respond(revoke().await, HOME, |result| Flash {
        notice: result.as_ref().ok().map(|revoked| signed_out(*revoked)),
        failure: result.as_ref().err().cloned(),
        ..Flash::default()
    })
}
