//! Previews and carries out an import, for pages and the command line.

use std::collections::HashMap;

use serde_json::json;

use crate::{
    error::AppError,
    foundation::{
        db::Connection,
        ids::{OrganizationId, PlantId, PortfolioId},
        services::Services,
    },
    permissions::{
        authorize::{self, Change},
        decide::Action as Permitted,
        model::{OrganizationRole, ScopeId},
        notify::Notices,
        store::{self as permissions, KnownScope},
    },
    plants::{
        actions as plants,
        devices::{actions as devices, former, store as devices_store},
        import::plan::{Existing, HostRules, Plan, named, plan},
        model::{Portfolio, normalize_name},
        organizations::store as organizations,
        portfolios::{actions as portfolios, store as portfolios_store},
        store,
    },
    reauthentication::actor::Actor,
    record::Action,
};

/// Returns what an import of a CSV file into an organization would create, and what is wrong with the file.
///
/// Errors: those of [`authorize::require`].
pub async fn preview(services: &Services, actor: Actor<'_>, organization: &OrganizationId, text: &str) -> Result<Plan, AppError> {
    let scope = ScopeId::Organization(organization.clone());
    let mut db = services.db.read().await?;
    let known = match actor {
        Actor::CommandLine => {
            permissions::locate_scope(&mut db, &scope).await?.ok_or(AppError::NotFound)?;
            None
        }
        Actor::Principal(principal) => Some(authorize::require(&mut db, services, principal, &scope, Permitted::Edit).await?),
    };
    Ok(plan(text, &load_existing(&mut db, services, organization, text, known.as_ref()).await?))
}

/// Imports a CSV file into an organization. For those who may edit all its plants; only those who administer it create portfolios. Hosts that
/// other plants had take more: see [`former`]. If the returned plan has errors, nothing was written.
///
/// Errors: those of [`authorize::begin_change`] and of [`Actor::require_recent`].
pub async fn import(services: &Services, actor: Actor<'_>, organization: &OrganizationId, text: &str) -> Result<Plan, AppError> {
    let scope = ScopeId::Organization(organization.clone());
    let mut change = authorize::begin_change(services, actor, &scope, Permitted::Edit).await?;
    let existing = load_existing(&mut change.tx, services, organization, text, change.actor.as_ref()).await?;
    let plan = plan(text, &existing);
    if !plan.errors.is_empty() {
        return Ok(plan);
    }
    let notices = write(services, actor, &mut change, &existing, &plan).await?;
    let (portfolios, plants, devices) = (plan.portfolios.len(), plan.plants.len(), plan.devices.len());
    let detail = json!({ "organization": organization, "portfolios": portfolios, "plants": plants, "devices": devices });
    services.recorder.write(&mut change.tx, actor.event(None, Action::PlantsImported, detail)).await?;
    notices.enqueue(&mut change.tx, services).await?;
    change.tx.commit().await?;
    Ok(plan)
}

/// Loads what counts for the plan of a file. `known` is what is known about the actor in the organization: `None` for the command line, which
/// may do everything.
async fn load_existing(
    db: &mut impl Connection,
    services: &Services,
    organization: &OrganizationId,
    text: &str,
    known: Option<&KnownScope>,
) -> Result<Existing, AppError> {
    let host_rules = HostRules { suffixes: organizations::host_suffixes(db, organization).await?, site: services.config.public_url() };
    let named = named(text, &host_rules);
    Ok(Existing {
        portfolios: portfolios_store::list_all(db, Some(organization)).await?,
        plants: store::list_named(db, organization, &named.plants, services.clock.now()).await?,
        devices: devices_store::list_of_plants(db, organization, &named.plants).await?,
        hosts: devices_store::find_hosts(db, organization, &named.hosts).await?,
        host_rules,
        former_plants: devices_store::former_plants(db, organization, &named.hosts).await?,
        may_take_hosts: former::may_take_any(known),
        may_create_portfolios: known.is_none_or(|known| known.facts.membership.is_some_and(OrganizationRole::administers)),
    })
}

/// Creates everything that is planned. Each creation is recorded, as if it were done by itself. Returns the mails about them.
async fn write(services: &Services, actor: Actor<'_>, change: &mut Change, existing: &Existing, plan: &Plan) -> Result<Notices, AppError> {
    let known = existing.portfolios.iter().map(|portfolio| (normalize_name(&portfolio.name), portfolio.id.clone()));
    let mut portfolios: HashMap<String, PortfolioId> = known.collect();
    for name in &plan.portfolios {
        let id = PortfolioId::new(services.clock.now());
        let portfolio = Portfolio { id: id.clone(), name: name.clone(), organization: change.organization.clone() };
        portfolios::insert(services, actor, change, &portfolio).await?;
        portfolios.insert(normalize_name(name), id);
    }
    let known = existing.plants.iter().map(|plant| (normalize_name(&plant.name), (plant.id.clone(), plant.portfolio.clone())));
    let mut plants: HashMap<String, (PlantId, PortfolioId)> = known.collect();
    for planned in &plan.plants {
        let portfolio = portfolios[&normalize_name(&planned.portfolio)].clone();
        let id = plants::insert(services, actor, change, &portfolio, &planned.fields).await?;
        plants.insert(normalize_name(&planned.fields.name), (id, portfolio));
    }
    let mut notices = Notices::default();
    for planned in &plan.devices {
        let (plant, portfolio) = &plants[&normalize_name(&planned.plant)];
        devices::insert(services, actor, change, (plant, portfolio), &planned.fields, &mut notices).await?;
    }
    Ok(notices)
}
