//! Server functions of the pages that create, edit and delete a device.

use leptos::prelude::*;

use crate::{
    error::{AppError, problem::Problem},
    foundation::{
        http::etag::IfMatch,
        ids::{DeviceId, PlantId},
    },
    permissions::{authorize, decide::Action, model::ScopeId},
    plants::{
        actions as plants,
        deletion::check_confirmed,
        devices::{
            actions,
            model::{DeviceChanges, NewDevice},
        },
        model::{Device, Plant},
        organizations,
        plant::api::plant_path,
        requests::not_in_form,
    },
    reauthentication::{actor::Actor, api::or_reauthenticate},
    sessions::caller::current_session,
    ui::form_response::{FormOutcome, respond, with_query},
};

/// Path of the page that creates a device.
const NEW_PAGE: &str = "/devices/new";

/// Returns the path of the page that creates a device of a plant.
pub fn new_path(plant: &str) -> String {
    with_query(NEW_PAGE, &[("plant", plant)])
}

/// Returns the path of the page that edits a device.
pub fn edit_path(id: &str) -> String {
    format!("/devices/{id}/edit")
}

/// The data of the pages that create and edit a device.
pub struct DevicePage {
    /// The plant.
    pub plant: Plant,
    /// The device. `None` for a new one.
    pub device: Option<Device>,
    /// The domains under which its host must lie.
    pub suffixes: Vec<String>,
}

/// Loads the data of the page that creates a device.
///
/// Errors: [`AppError::NotFound`], [`AppError::NotInRole`].
pub async fn open_new(plant: String) -> Result<DevicePage, AppError> {
    let load = async || load_page(PlantId::parse(&plant).ok_or(AppError::NotFound)?, None).await;
    load().await.inspect_err(AppError::set_response)
}

/// Loads the data of the page that edits a device.
///
/// Errors: [`AppError::NotFound`], [`AppError::NotInRole`].
pub async fn open_edit(id: String) -> Result<DevicePage, AppError> {
    let load = async || {
        let (services, caller) = current_session()?;
        let device = actions::get(&services, &caller, &parse_id(&id)?).await?;
        load_page(device.plant.clone(), Some(device)).await
    };
    load().await.inspect_err(AppError::set_response)
}

async fn load_page(plant: PlantId, device: Option<Device>) -> Result<DevicePage, AppError> {
    let (services, caller) = current_session()?;
    let plant = plants::get(&services, &caller, &plant).await?;
    let mut db = services.db.read().await?;
    authorize::require(&mut db, &services, &caller, &ScopeId::Plant(plant.id.clone()), Action::Edit).await?;
    let suffixes = organizations::store::host_suffixes(&mut db, &plant.organization).await?;
    Ok(DevicePage { plant, device, suffixes })
}

/// Creates a device.
#[server(prefix = "/api/ui", endpoint = "create_device")]
pub async fn create_device(
    plant: String,
    name: String,
    kind: String,
    host: String,
    #[server(default)] upgrades: Option<String>,
) -> Result<String, Problem> {
    let create = async || {
        let (services, caller) = current_session()?;
        let (name, kind, host, upgrades) = (name.clone(), kind.clone(), host.clone(), upgrades.is_some());
        let request = NewDevice { plant: plant.clone(), name, kind, host, upgrades };
        let device = actions::create(&services, Actor::Principal(&caller), &request).await?;
        Ok(FormOutcome::redirect_to(plant_path(&plant)).with_notice(format!("{} was added.", device.name)))
    };
    let (typed, created) = (typed(&name, &kind, &host, upgrades.as_deref()), create().await.map_err(not_in_form("plant")));
    let with_typed: Vec<_> = [("plant", plant.as_str())].into_iter().chain(typed).collect();
    respond(or_reauthenticate(created, &with_query(NEW_PAGE, &with_typed)), &new_path(&plant), &typed)
}

/// Saves a device. If somebody else changed it since the form was loaded, the form is loaded again with what was entered.
#[server(prefix = "/api/ui", endpoint = "edit_device")]
pub async fn edit_device(
    id: String,
    version: i64,
    name: String,
    kind: String,
    host: String,
    #[server(default)] upgrades: Option<String>,
) -> Result<String, Problem> {
    let edit = async || {
        let (services, caller) = current_session()?;
        let changes = DeviceChanges {
            name: Some(name.clone()),
            kind: Some(kind.clone()),
            host: Some(host.clone()),
            upgrades: Some(upgrades.is_some()),
        };
        match actions::update(&services, Actor::Principal(&caller), &parse_id(&id)?, &IfMatch::version(version), &changes).await {
            Ok(device) => {
                let notice = format!("{} was saved.", device.name);
                Ok(FormOutcome::redirect_to(plant_path(&device.plant)).with_notice(notice))
            }
            Err(AppError::Outdated) => {
                let typed = typed(&name, &kind, &host, upgrades.as_deref());
                Ok(FormOutcome::redirect_to(edit_path(&id)).with_failure(AppError::Outdated, &typed))
            }
            Err(error) => Err(error),
        }
    };
    let (form, typed) = (edit_path(&id), typed(&name, &kind, &host, upgrades.as_deref()));
    respond(or_reauthenticate(edit().await, &with_query(&form, &typed)), &form, &typed)
}

/// Deletes a device, if its name was entered.
#[server(prefix = "/api/ui", endpoint = "delete_device")]
pub async fn delete_device(id: String, confirmed: String) -> Result<String, Problem> {
    let delete = async || {
        let (services, caller) = current_session()?;
        let device = actions::get(&services, &caller, &parse_id(&id)?).await?;
        check_confirmed(&confirmed, &device.name)?;
        actions::delete(&services, Actor::Principal(&caller), &device.id, &IfMatch::default()).await?;
        Ok(FormOutcome::redirect_to(plant_path(&device.plant)).with_notice(format!("{} was deleted.", device.name)))
    };
    respond(delete().await, &with_query(&edit_path(&id), &[("confirm", "delete")]), &[])
}

fn typed<'a>(name: &'a str, kind: &'a str, host: &'a str, upgrades: Option<&'a str>) -> [(&'static str, &'a str); 4] {
    [("name", name), ("kind", kind), ("host", host), ("upgrades", upgrades.unwrap_or_default())] // an empty one is unchecked
}

fn parse_id(id: &str) -> Result<DeviceId, AppError> {
    DeviceId::parse(id).ok_or(AppError::NotFound)
}
