//! Actions on plants, for pages, the API and the command line.

use chrono::{DateTime, Utc};
use serde_json::json;

use crate::{
    access::Principal,
    error::AppError,
    foundation::{
        db::{Connection, Db, Tx},
        http::{
            etag::IfMatch,
            page::{PageRequest, encode_position},
        },
        ids::{OrganizationId, PlantId, PortfolioId},
        services::Services,
    },
    permissions::{
        authorize::{self, Change},
        decide::Action as Permitted,
        grants::actions as grants,
        model::ScopeId,
        notify::Notices,
        store as permissions,
    },
    plants::{
        devices::store as devices_store,
        fields::{NewPlant, PlantChanges, PlantFields},
        model::Plant,
        moves::actions as moves,
        requests::{changes, in_field, parse_id},
        store,
        visible::{self, Filter, Page, Position},
    },
    reauthentication::actor::Actor,
    record::Action,
};

/// What an organization, a portfolio or a plant contains, and so what goes with it if it is deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, sqlx::FromRow)]
pub struct Contents {
    /// Number of portfolios, itself included. 0 for a plant.
    pub portfolios: i64,
    /// Number of plants, itself included.
    pub plants: i64,
    /// Number of devices.
    pub devices: i64,
    /// Number of grants.
    pub grants: i64,
}

/// Lists the plants that the principal sees, by organization, portfolio, name and id. Returns the cursor of the next page too.
///
/// Errors: the cursor is invalid.
pub async fn list(
    services: &Services,
    principal: &Principal,
    mut filter: Filter,
    page: &PageRequest,
) -> Result<(Vec<Plant>, Option<String>), AppError> {
    let mut db = services.db.read().await?;
    narrow(&mut db, &mut filter).await?;
    let (user, after, now) = (&principal.account.id, position(page)?, services.clock.now());
    let Page { rows, next } = visible::list_plants(&mut db, user, &filter, after, page.limit, now).await?;
    Ok((rows, next.map(|position| cursor(&position))))
}

/// Lists all plants, or those of an organization, by organization, portfolio and name.
pub async fn list_all(db: &Db, organization: Option<&OrganizationId>, now: DateTime<Utc>) -> Result<Vec<Plant>, AppError> {
    Ok(store::list_all(&mut db.read().await?, organization, now).await?)
}

/// Names the organization of a filter by a portfolio or a plant, so that the list considers no other one.
pub(in crate::plants) async fn narrow(db: &mut impl Connection, filter: &mut Filter) -> sqlx::Result<()> {
    let scope = match (&filter.plant, &filter.portfolio) {
        (Some(plant), _) => ScopeId::Plant(plant.clone()),
        (None, Some(portfolio)) => ScopeId::Portfolio(portfolio.clone()),
        (None, None) => return Ok(()),
    };
    if filter.organization.is_none() {
        filter.organization = permissions::locate_scope(db, &scope).await?.map(|(organization, _)| organization);
    }
    Ok(())
}

/// Returns the position after which a page begins.
///
/// Errors: the cursor is invalid.
pub(in crate::plants) fn position(page: &PageRequest) -> Result<Position, AppError> {
    let [organization, portfolio, first, second, third] = page.position()?;
    Ok(Position { organization, portfolio, first, second, third })
}

/// Returns the cursor of a position.
pub(in crate::plants) fn cursor(position: &Position) -> String {
    let Position { organization, portfolio, first, second, third } = position;
    encode_position([organization, portfolio, first, second, third])
}

/// Returns a plant as the principal sees it.
///
/// Errors: [`AppError::NotFound`] if it does not exist or the principal may not know of it.
pub async fn get(services: &Services, principal: &Principal, id: &PlantId) -> Result<Plant, AppError> {
    let mut db = services.db.read().await?;
    authorize::require(&mut db, services, principal, &ScopeId::Plant(id.clone()), Permitted::See).await?;
    store::find(&mut db, Some(&principal.account.id), id, services.clock.now()).await?.ok_or(AppError::NotFound)
}

/// Creates a plant. For those who may edit all plants of the portfolio.
///
/// Errors: those of [`authorize::begin_change`]; [`AppError::Invalid`].
pub async fn create(services: &Services, actor: Actor<'_>, request: &NewPlant) -> Result<Plant, AppError> {
    let portfolio: PortfolioId = parse_id("portfolio", &request.portfolio)?;
    let scope = ScopeId::Portfolio(portfolio.clone());
    let mut change = authorize::begin_change(services, actor, &scope, Permitted::Edit).await.map_err(in_field("portfolio"))?;
    let id = insert(services, actor, &mut change, &portfolio, &request.check()?).await?;
    let plant = load(&mut change.tx, services, actor, &id).await?;
    change.tx.commit().await?;
    Ok(plant)
}

/// Inserts a plant, and records it. Returns its id.
pub(in crate::plants) async fn insert(
    services: &Services,
    actor: Actor<'_>,
    change: &mut Change,
    portfolio: &PortfolioId,
    fields: &PlantFields,
) -> Result<PlantId, AppError> {
    let (now, organization) = (services.clock.now(), &change.organization);
    let id = PlantId::new(now);
    store::insert(&mut change.tx, &id, portfolio, organization, fields, now).await.map_err(name_taken)?;
    let detail = json!({ "organization": organization, "portfolio": portfolio, "plant": id, "name": fields.name });
    services.recorder.write(&mut change.tx, actor.event(None, Action::PlantCreated, detail)).await?;
    Ok(id)
}

/// Changes a plant, or moves it to another portfolio of its organization. Moving changes whose access there is: it is for those who
/// administer the organization, and requires a session with recent authentication.
///
/// Errors: those of [`authorize::begin_change`] and [`authorize::begin_administration`]; [`AppError::Outdated`]; [`AppError::Invalid`].
pub async fn update(
    services: &Services,
    actor: Actor<'_>,
    id: &PlantId,
    expected: &IfMatch,
    request: &PlantChanges,
) -> Result<Plant, AppError> {
    let mut change = authorize::begin_change(services, actor, &ScopeId::Plant(id.clone()), Permitted::Edit).await?;
    let before = load(&mut change.tx, services, actor, id).await?;
    let target = moves::check_target(services, actor, &mut change.tx, &before, request.portfolio.as_deref()).await?;
    expected.check(before.version)?;
    let fields = request.apply(&PlantFields::from(&before))?;
    store::update(&mut change.tx, id, target.as_ref().unwrap_or(&before.portfolio), &fields).await.map_err(name_taken)?;
    let changed = changes(&PlantFields::from(&before), &fields);
    if !changed.is_empty() {
        let detail = json!({
            "organization": before.organization, "portfolio": before.portfolio, "plant": id, "name": fields.name, "changed": changed,
        });
        services.recorder.write(&mut change.tx, actor.event(None, Action::PlantChanged, detail)).await?;
    }
    if let Some(target) = &target {
        let detail = json!({
            "organization": before.organization, "plant": id, "name": fields.name, "portfolio": target, "from": before.portfolio, "to": target,
        });
        services.recorder.write(&mut change.tx, actor.event(None, Action::PlantMoved, detail)).await?;
        let mut notices = Notices::default();
        moves::notify(actor, &mut change.tx, services, &fields.name, [&before.portfolio, target], &mut notices).await?;
        notices.enqueue(&mut change.tx, services).await?;
    }
    let plant = load(&mut change.tx, services, actor, id).await?;
    change.tx.commit().await?;
    Ok(plant)
}

/// Deletes a plant with its devices and grants. For those who administer the organization, with recent authentication: it ends grants.
///
/// Errors: those of [`authorize::begin_administration`]; [`AppError::Outdated`].
pub async fn delete(services: &Services, actor: Actor<'_>, id: &PlantId, expected: &IfMatch) -> Result<(), AppError> {
    let scope = ScopeId::Plant(id.clone());
    let mut change = authorize::begin_administration(services, actor, &scope, Permitted::Administer).await?;
    let plant = load(&mut change.tx, services, actor, id).await?;
    expected.check(plant.version)?;
    let Contents { devices, .. } = contents(&mut change.tx, &scope, services.clock.now()).await?;
    let about = (&plant.organization, &scope, plant.name.as_str());
    let mut notices = Notices::default();
    let grants = grants::end_with_scope(&mut change.tx, services, actor, about, Vec::new(), &mut notices).await?;
    notices.enqueue(&mut change.tx, services).await?;
    devices_store::release_hosts_in(&mut change.tx, &scope, services.clock.now()).await?;
    store::remove(&mut change.tx, id).await?;
    let detail = json!({
        "organization": plant.organization, "portfolio": plant.portfolio, "plant": id, "name": plant.name, "devices_deleted": devices,
        "grants_ended": grants,
    });
    services.recorder.write(&mut change.tx, actor.event(None, Action::PlantDeleted, detail)).await?;
    Ok(change.tx.commit().await?)
}

/// Counts what a scope contains.
pub(in crate::plants) async fn contents(db: &mut impl Connection, scope: &ScopeId, now: DateTime<Utc>) -> sqlx::Result<Contents> {
    store::count_contents(db, scope, now).await
}

/// Returns what would be deleted with an organization, a portfolio or a plant. For those who administer the organization, and for
/// platform administrators about organizations.
///
/// Errors: those of [`authorize::require`].
pub async fn preview_deletion(services: &Services, principal: &Principal, scope: &ScopeId) -> Result<Contents, AppError> {
    let mut db = services.db.read().await?;
    let is_platform_matter = matches!(scope, ScopeId::Organization(_)) && principal.account.is_admin;
    if !is_platform_matter {
        authorize::require(&mut db, services, principal, scope, Permitted::Administer).await?;
    }
    Ok(contents(&mut db, scope, services.clock.now()).await?)
}

/// Loads a plant inside a change, as its actor sees it.
pub(in crate::plants) async fn load(tx: &mut Tx, services: &Services, actor: Actor<'_>, id: &PlantId) -> Result<Plant, AppError> {
    let user = if let Actor::Principal(principal) = actor { Some(&principal.account.id) } else { None };
    store::find(tx, user, id, services.clock.now()).await?.ok_or(AppError::NotFound)
}

fn name_taken(error: sqlx::Error) -> AppError {
    match error.as_database_error() {
        Some(cause) if cause.is_unique_violation() => {
            AppError::invalid("name", "There is a plant with this name in the organization already.")
        }
        _ => error.into(),
    }
}
