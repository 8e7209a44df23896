//! The card's doors. Each checks its caller: each is a public endpoint.

use leptos::prelude::*;

use crate::{
    error::AppError,
    sessions::model::{Query, Sessions},
};

/// The top of the list.
#[server(prefix = "/api/ui", endpoint = "list_sessions")]
pub async fn list_sessions(query: Query) -> Result<Sessions, AppError> {
    use crate::{
        sessions::{actions, caller},
        ui::plain_form::tell,
    };
    let (services, caller) = tell(caller::caller())?;
    let show = query.show.clamp(1, 1_000);
    tell(actions::list(&services, &caller, &Query { show, ..query }).await)
}

/// Ends one other session; how it was called. One that is gone already is no error to a person.
#[server(prefix = "/api/ui", endpoint = "revoke_session")]
pub async fn revoke_session(id: String) -> Result<String, AppError> {
    use crate::{
        foundation::ids::SessionId,
        sessions::{actions, caller, model::HOME},
        ui::plain_form::{Flash, answer},
    };
    let revoke = async || {
        let (services, caller) = caller::caller()?;
        let id = SessionId::parse(&id).ok_or(AppError::NotFound)?;
        actions::revoke(&services, &caller, &id).await
    };
    let words = match revoke().await {
        Ok(session) => Ok(format!("{}, was signed out.", session.name())),
        Err(AppError::NotFound) => Ok("This session had ended already.".to_owned()),
        Err(error) => Err(error),
    };
    answer(words, HOME, |result| Flash { notice: result.clone().ok(), failure: result.clone().err(), ..Flash::default() })
}

/// Ends all other sessions; how many.
#[server(prefix = "/api/ui", endpoint = "revoke_other_sessions")]
pub async fn revoke_other_sessions() -> Result<usize, AppError> {
    use crate::{
        sessions::{
            actions, caller,
            model::{HOME, signed_out},
        },
        ui::plain_form::{Flash, answer},
    };
    let revoke = async || {
        let (services, caller) = caller::caller()?;
        actions::revoke_others(&services, &caller).await
    };
    answer(revoke().await, HOME, |result| Flash {
        notice: result.as_ref().ok().map(|revoked| signed_out(*revoked)),
        failure: result.as_ref().err().cloned(),
        ..Flash::default()
    })
}
