//! Server functions of the pages that create, edit and delete a plant.

use leptos::prelude::*;

use crate::{
    accounts::model::Account,
    error::{AppError, problem::Problem},
    foundation::{http::etag::IfMatch, ids::PlantId},
    permissions::{authorize, decide::Action, model::ScopeId},
    plants::{
        actions::{self, Contents},
        deletion::check_confirmed,
        edit::form::Entered,
        model::{Organization, Plant},
        organizations,
        plant::api::plant_path,
        portfolios::actions::{self as portfolios, EditablePortfolio},
    },
    reauthentication::{actor::Actor, api::or_reauthenticate},
    sessions::caller::current_session,
    ui::form_response::{FormOutcome, respond, with_query},
};

/// Path of the page that creates a plant.
pub const NEW_PAGE: &str = "/plants/new";

/// Returns the path of the page that edits a plant.
pub fn edit_path(id: &str) -> String {
    format!("/plants/{id}/edit")
}

/// The data of the page that creates a plant.
pub struct NewPlantPage {
    /// The portfolios to choose from.
    pub portfolios: Vec<EditablePortfolio>,
    /// The organizations that the user administers.
    pub administered: Vec<Organization>,
    /// Codes and names of countries.
    pub countries: Vec<(String, String)>,
    /// The user's account.
    pub account: Account,
}

/// Loads the data of the page that creates a plant.
///
/// Errors: [`AppError::NotInRole`] if there is no portfolio in which the caller may create one.
pub async fn open_new() -> Result<NewPlantPage, AppError> {
    let (services, caller) = current_session()?;
    let portfolios = portfolios::editable(&services, &caller).await?;
    if portfolios.is_empty() {
        return Err(AppError::NotInRole).inspect_err(AppError::set_response);
    }
    let administered = organizations::actions::administered(&services, &caller).await?;
    Ok(NewPlantPage { portfolios, administered, countries: countries(&services).await, account: caller.account.clone() })
}

async fn countries(services: &crate::foundation::services::Services) -> Vec<(String, String)> {
    services.geoip.get().await.map(|geoip| geoip.country_names()).unwrap_or_default() // without the file, codes are typed nowhere
}

/// The data of the page that edits a plant.
pub struct EditPage {
    /// The plant.
    pub plant: Plant,
    /// What would be deleted with it. `None` if the caller may not delete it.
    pub contents: Option<Contents>,
    /// Codes and names of countries.
    pub countries: Vec<(String, String)>,
}

/// Loads the data of the page that edits a plant.
///
/// Errors: [`AppError::NotFound`], [`AppError::NotInRole`].
pub async fn open_edit(id: String) -> Result<EditPage, AppError> {
    let load = async || {
        let (services, caller) = current_session()?;
        let id = parse_id(&id)?;
        let scope = ScopeId::Plant(id.clone());
        authorize::require(&mut services.db.read().await?, &services, &caller, &scope, Action::Edit).await?;
        let plant = actions::get(&services, &caller, &id).await?;
        let contents = match actions::preview_deletion(&services, &caller, &scope).await {
            Err(AppError::NotInRole) => None,
            contents => Some(contents?),
        };
        Ok(EditPage { plant, contents, countries: countries(&services).await })
    };
    load().await.inspect_err(AppError::set_response)
}

/// Creates a plant and redirects to its page.
#[server(prefix = "/api/ui", endpoint = "create_plant")]
#[allow(clippy::too_many_arguments, reason = "the fields of a form")]
pub async fn create_plant(
    portfolio: String,
    name: String,
    kind: String,
    #[server(default)] place: String,
    #[server(default)] country_code: String,
    #[server(default)] latitude: String,
    #[server(default)] longitude: String,
    #[server(default)] capacity_kw: String,
    #[server(default)] time_zone: String,
) -> Result<String, Problem> {
    let entered = Entered { name, kind, place, country_code, latitude, longitude, capacity_kw, time_zone };
    let create = async || {
        let (services, caller) = current_session()?;
        let plant = actions::create(&services, Actor::Principal(&caller), &entered.new_plant(&portfolio)?).await?;
        let notice = format!("{} was added. Add its devices next.", plant.name);
        Ok(FormOutcome::redirect_to(plant_path(&plant.id)).with_notice(notice))
    };
    let typed: Vec<_> = entered.fields().into_iter().chain([("portfolio", portfolio.as_str())]).collect();
    respond(create().await, NEW_PAGE, &typed)
}

/// Saves a plant. If somebody else changed it since the form was loaded, the form is loaded again with what was entered.
#[server(prefix = "/api/ui", endpoint = "edit_plant")]
#[allow(clippy::too_many_arguments, reason = "the fields of a form")]
pub async fn edit_plant(
    id: String,
    version: i64,
    name: String,
    kind: String,
    #[server(default)] place: String,
    #[server(default)] country_code: String,
    #[server(default)] latitude: String,
    #[server(default)] longitude: String,
    #[server(default)] capacity_kw: String,
    #[server(default)] time_zone: String,
) -> Result<String, Problem> {
    let entered = Entered { name, kind, place, country_code, latitude, longitude, capacity_kw, time_zone };
    let edit = async || {
        let (services, caller) = current_session()?;
        let (id, expected) = (parse_id(&id)?, IfMatch::version(version));
        match actions::update(&services, Actor::Principal(&caller), &id, &expected, &entered.changes()?).await {
            Ok(plant) => Ok(FormOutcome::redirect_to(plant_path(&plant.id)).with_notice("The plant was saved.")),
            Err(AppError::Outdated) => {
                Ok(FormOutcome::redirect_to(edit_path(id.as_str())).with_failure(AppError::Outdated, &entered.fields()))
            }
            Err(error) => Err(error),
        }
    };
    respond(edit().await, &edit_path(&id), &entered.fields())
}

/// Deletes a plant, if its name was entered.
#[server(prefix = "/api/ui", endpoint = "delete_plant")]
pub async fn delete_plant(id: String, confirmed: String) -> Result<String, Problem> {
    let form = with_query(&edit_path(&id), &[("confirm", "delete")]);
    let delete = async || {
        let (services, caller) = current_session()?;
        let id = parse_id(&id)?;
        let plant = actions::get(&services, &caller, &id).await?;
        check_confirmed(&confirmed, &plant.name)?;
        actions::delete(&services, Actor::Principal(&caller), &id, &IfMatch::default()).await?;
        Ok(FormOutcome::redirect_to("/plants").with_notice(format!("{} was deleted.", plant.name)))
    };
    respond(or_reauthenticate(delete().await, &form), &form, &[])
}

fn parse_id(id: &str) -> Result<PlantId, AppError> {
    PlantId::parse(id).ok_or(AppError::NotFound)
}
