//! Server functions of a plant's page.

use leptos::prelude::*;

use crate::{
    error::{AppError, problem::Problem},
    foundation::ids::PlantId,
    plants::{closure::actions as closure, list},
    reauthentication::{actor::Actor, api::or_reauthenticate},
    sessions::caller::current_session,
    ui::form_response::{FormOutcome, respond},
};

/// Returns the path of a plant's page.
pub fn plant_path(plant: impl std::fmt::Display) -> String {
    format!("{}/{plant}", list::query::PAGE)
}

/// Returns the path of a plant's page with the dialog that closes remote access.
pub fn closing_path(plant: &PlantId) -> String {
    plant_path(plant) + "?confirm=close"
}

/// Closes remote access of a plant, for this reason.
#[server(prefix = "/api/ui", endpoint = "close_remote_access")]
pub async fn close_remote_access(plant: String, reason: String) -> Result<String, Problem> {
    let id = PlantId::parse(&plant);
    let close = async || {
        let (services, caller) = current_session()?;
        let id = id.as_ref().ok_or(AppError::NotFound)?;
        closure::close(&services, Actor::Principal(&caller), id, &reason).await?;
        Ok(FormOutcome::redirect_to(plant_path(id)).with_notice("Remote access is closed."))
    };
    let form = id.as_ref().map_or_else(|| list::query::PAGE.to_owned(), closing_path);
    respond(close().await, &form, &[("reason", &reason)])
}

/// Reopens remote access of a plant.
#[server(prefix = "/api/ui", endpoint = "reopen_remote_access")]
pub async fn reopen_remote_access(plant: String) -> Result<String, Problem> {
    let id = PlantId::parse(&plant);
    let reopen = async || {
        let (services, caller) = current_session()?;
        let id = id.as_ref().ok_or(AppError::NotFound)?;
        closure::reopen(&services, Actor::Principal(&caller), id).await?;
        Ok(FormOutcome::redirect_to(plant_path(id)).with_notice("Remote access is open again."))
    };
    let page = id.as_ref().map_or_else(|| list::query::PAGE.to_owned(), plant_path);
    respond(or_reauthenticate(reopen().await, &page), &page, &[])
}
