//! Actions on devices, for pages, the API and the command line.

use serde_json::json;

use crate::{
    access::Principal,
    error::AppError,
    foundation::{
        db::Db,
        http::{etag::IfMatch, page::PageRequest},
        ids::{DeviceId, OrganizationId, PlantId, PortfolioId},
        services::Services,
    },
    permissions::{
        authorize::{self, Change},
        decide::Action as Permitted,
        model::ScopeId,
        notify::Notices,
    },
    plants::{
        actions::{cursor, narrow, position},
        devices::{
            former,
            model::{DeviceChanges, DeviceFields, NewDevice},
            store::{self, FormerPlant},
        },
        model::Device,
        organizations::store as organizations,
        requests::{changes, in_field, parse_id},
        visible::{self, Filter, Page},
    },
    reauthentication::actor::Actor,
    record::Action,
};

/// Lists the devices of plants that the principal sees, by organization, portfolio, plant, name and id. Returns the cursor of the next page
/// too.
///
/// Errors: the cursor is invalid.
pub async fn list(
    services: &Services,
    principal: &Principal,
    mut filter: Filter,
    page: &PageRequest,
) -> Result<(Vec<Device>, Option<String>), AppError> {
    let mut db = services.db.read().await?;
    narrow(&mut db, &mut filter).await?;
    let (user, after, now) = (&principal.account.id, position(page)?, services.clock.now());
    let Page { rows, next } = visible::list_devices(&mut db, user, &filter, after, page.limit, now).await?;
    Ok((rows, next.map(|position| cursor(&position))))
}

/// Lists all devices, or those of an organization, by organization, portfolio, plant and name.
pub async fn list_all(db: &Db, organization: Option<&OrganizationId>) -> Result<Vec<Device>, AppError> {
    Ok(store::list_all(&mut db.read().await?, organization).await?)
}

/// Returns a device.
///
/// Errors: [`AppError::NotFound`] if it does not exist or the principal may not know of its plant.
pub async fn get(services: &Services, principal: &Principal, id: &DeviceId) -> Result<Device, AppError> {
    let mut db = services.db.read().await?;
    let device = store::find(&mut db, id).await?.ok_or(AppError::NotFound)?;
    authorize::require(&mut db, services, principal, &ScopeId::Plant(device.plant.clone()), Permitted::See).await?;
    Ok(device)
}

/// Creates a device. For those who may edit the plant. A host that another plant had takes more: see [`former`].
///
/// Errors: those of [`authorize::begin_change`] and [`former::take_host`]; [`AppError::Invalid`].
pub async fn create(services: &Services, actor: Actor<'_>, request: &NewDevice) -> Result<Device, AppError> {
    let plant: PlantId = parse_id("plant", &request.plant)?;
    let scope = ScopeId::Plant(plant.clone());
    let mut change = authorize::begin_change(services, actor, &scope, Permitted::Edit).await.map_err(in_field("plant"))?;
    let portfolio = change.portfolio.clone().ok_or(AppError::NotFound)?;
    let fields = check(services, &mut change, request.fields()).await?;
    let mut notices = Notices::default();
    let id = insert(services, actor, &mut change, (&plant, &portfolio), &fields, &mut notices).await?;
    let device = store::find(&mut change.tx, &id).await?.ok_or(AppError::NotFound)?;
    notices.enqueue(&mut change.tx, services).await?;
    change.tx.commit().await?;
    Ok(device)
}

/// Checks the fields of a device of the organization.
async fn check(services: &Services, change: &mut Change, fields: DeviceFields) -> Result<DeviceFields, AppError> {
    let suffixes = organizations::host_suffixes(&mut change.tx, &change.organization).await?;
    fields.check(&suffixes, &services.config.public_url())
}

/// Inserts a device of a plant in its portfolio, and records it. Adds the mails about it to `notices`, which the caller enqueues at the end.
/// Returns the id of the device.
pub(in crate::plants) async fn insert(
    services: &Services,
    actor: Actor<'_>,
    change: &mut Change,
    (plant, portfolio): (&PlantId, &PortfolioId),
    fields: &DeviceFields,
    notices: &mut Notices,
) -> Result<DeviceId, AppError> {
    let former = former::take_host(services, actor, change, plant, &fields.host).await?;
    let (now, organization) = (services.clock.now(), &change.organization);
    let id = DeviceId::new(now);
    store::insert(&mut change.tx, &id, (plant, portfolio, organization), fields, now).await.map_err(map_unique_violation)?;
    let detail = json!({
        "organization": organization, "portfolio": portfolio, "plant": plant, "device": id, "name": fields.name, "host": fields.host,
        "host_from": former.as_ref().map(|former| &former.id),
    });
    services.recorder.write(&mut change.tx, actor.event(None, Action::DeviceCreated, detail)).await?;
    if let Some(former) = &former {
        former::add_notices_of_move(notices, actor, change, (former, plant), &fields.host).await?;
    }
    Ok(id)
}

/// Changes a device. For those who may edit the plant. A host that another plant had takes more: see [`former`].
///
/// Errors: those of [`authorize::begin_change`] and [`former::take_host`]; [`AppError::Outdated`]; [`AppError::Invalid`].
pub async fn update(
    services: &Services,
    actor: Actor<'_>,
    id: &DeviceId,
    expected: &IfMatch,
    request: &DeviceChanges,
) -> Result<Device, AppError> {
    let (mut change, before) = begin(services, actor, id).await?;
    expected.check(before.version)?;
    let unchanged = DeviceFields::from(&before);
    let fields = check(services, &mut change, request.apply(&unchanged)).await?;
    let former = if fields.host == before.host { None } else { change_host(services, actor, &mut change, &before, &fields.host).await? };
    store::update(&mut change.tx, id, &fields).await.map_err(map_unique_violation)?;
    let changed = changes(&unchanged, &fields);
    if !changed.is_empty() {
        let detail = json!({
            "organization": before.organization, "portfolio": before.portfolio, "plant": before.plant, "device": id, "name": fields.name,
            "changed": changed, "host_from": former.as_ref().map(|former| &former.id),
        });
        services.recorder.write(&mut change.tx, actor.event(None, Action::DeviceChanged, detail)).await?;
    }
    let mut notices = Notices::default();
    if let Some(former) = &former {
        former::add_notices_of_move(&mut notices, actor, &mut change, (former, &before.plant), &fields.host).await?;
    }
    let device = store::find(&mut change.tx, id).await?.ok_or(AppError::NotFound)?;
    notices.enqueue(&mut change.tx, services).await?;
    change.tx.commit().await?;
    Ok(device)
}

/// Deletes a device. For those who may edit the plant.
///
/// Errors: those of [`authorize::begin_change`]; [`AppError::Outdated`].
pub async fn delete(services: &Services, actor: Actor<'_>, id: &DeviceId, expected: &IfMatch) -> Result<(), AppError> {
    let (mut change, device) = begin(services, actor, id).await?;
    expected.check(device.version)?;
    store::release_host(&mut change.tx, id, services.clock.now()).await?;
    store::remove(&mut change.tx, id).await?;
    let detail = json!({
        "organization": device.organization, "portfolio": device.portfolio, "plant": device.plant, "device": id, "name": device.name,
        "host": device.host,
    });
    services.recorder.write(&mut change.tx, actor.event(None, Action::DeviceDeleted, detail)).await?;
    Ok(change.tx.commit().await?)
}

/// Gives the host of a device up, and takes another. Returns the other plant that had the new one last, if there is one.
async fn change_host(
    services: &Services,
    actor: Actor<'_>,
    change: &mut Change,
    before: &Device,
    host: &str,
) -> Result<Option<FormerPlant>, AppError> {
    store::release_host(&mut change.tx, &before.id, services.clock.now()).await?;
    former::take_host(services, actor, change, &before.plant, host).await
}

/// Begins a change of a device by somebody who may edit its plant. A device never changes its plant.
async fn begin(services: &Services, actor: Actor<'_>, id: &DeviceId) -> Result<(Change, Device), AppError> {
    let found = store::find(&mut services.db.read().await?, id).await?.ok_or(AppError::NotFound)?;
    let mut change = authorize::begin_change(services, actor, &ScopeId::Plant(found.plant), Permitted::Edit).await?;
    let device = store::find(&mut change.tx, id).await?.ok_or(AppError::NotFound)?;
    Ok((change, device))
}

/// Maps a unique violation to an error about the name or the host that is in use.
pub(in crate::plants) fn map_unique_violation(error: sqlx::Error) -> AppError {
    match error.as_database_error() {
        // Both databases name the index or its column.
        Some(cause) if cause.is_unique_violation() && cause.message().contains("host") => {
            AppError::invalid("host", "A device with this host exists already.")
        }
        Some(cause) if cause.is_unique_violation() => AppError::invalid("name", "There is a device with this name in the plant already."),
        _ => error.into(),
    }
}
