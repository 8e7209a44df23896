//! Actions on portfolios, for pages, the API and the command line.

use serde_json::json;

use crate::{
    access::Principal,
    error::AppError,
    foundation::{
        db::Db,
        http::page::{PageRequest, containing, cut},
        ids::{OrganizationId, PortfolioId},
        services::Services,
    },
    permissions::{
        authorize::{self, Change},
        decide::Action as Permitted,
        grants::actions as grants,
        model::ScopeId,
        notify::Notices,
    },
    plants::{
        actions::{self as plants, Contents},
        devices::store as devices,
        model::{Portfolio, check_name, normalize_name},
        moves::actions as moves,
        portfolios::{
            model::{NewPortfolio, PortfolioChanges},
            store::{self, PortfolioRow},
        },
        requests::{changes, in_field, parse_id},
    },
    reauthentication::actor::Actor,
    record::Action,
};

pub use crate::plants::portfolios::store::{EditablePortfolio, PortfolioSummary};

/// Lists the portfolios that the principal may know of, by organization and name: all, or those of one organization. Returns the cursor of
/// the next page too.
///
/// Errors: the cursor is invalid.
pub async fn list(
    services: &Services,
    principal: &Principal,
    organization: Option<&OrganizationId>,
    page: &PageRequest,
) -> Result<(Vec<Portfolio>, Option<String>), AppError> {
    let (user, limit, now) = (&principal.account.id, page.limit, services.clock.now());
    let pattern = page.search.as_deref().map(|search| containing(&normalize_name(search)));
    let mut db = services.db.read().await?;
    let rows = store::list(&mut db, user, organization, &page.position()?, pattern, limit + 1, now).await?;
    let (rows, next) =
        cut(rows, limit, |row: &PortfolioRow| [row.portfolio.organization.as_str(), &row.normalized_name, row.portfolio.id.as_str()]);
    Ok((rows.into_iter().map(|row| row.portfolio).collect(), next))
}

/// Lists all portfolios, or those of an organization, by organization and name.
pub async fn list_all(db: &Db, organization: Option<&OrganizationId>) -> Result<Vec<Portfolio>, AppError> {
    Ok(store::list_all(&mut db.read().await?, organization).await?)
}

/// Lists the portfolios in which the principal may create plants, by organization and name.
pub async fn editable(services: &Services, principal: &Principal) -> Result<Vec<EditablePortfolio>, AppError> {
    let now = services.clock.now();
    Ok(store::list_editable(&mut services.db.read().await?, &principal.account.id, now).await?)
}

/// Lists the portfolios of an organization by name, with what they contain. For those who administer it.
///
/// Errors: those of [`authorize::require`].
pub async fn summaries(
    services: &Services,
    principal: &Principal,
    organization: &OrganizationId,
) -> Result<Vec<PortfolioSummary>, AppError> {
    let mut db = services.db.read().await?;
    authorize::require_administrator(&mut db, services, principal, organization).await?;
    Ok(store::list_with_contents(&mut db, organization, services.clock.now()).await?)
}

/// Returns a portfolio.
///
/// Errors: [`AppError::NotFound`] if it does not exist or the principal may not know of it.
pub async fn get(services: &Services, principal: &Principal, id: &PortfolioId) -> Result<Portfolio, AppError> {
    let mut db = services.db.read().await?;
    authorize::find_known(&mut db, services, principal, &ScopeId::Portfolio(id.clone())).await?;
    store::find(&mut db, id).await?.ok_or(AppError::NotFound)
}

/// Creates a portfolio. For those who administer the organization.
///
/// Errors: those of [`authorize::begin_change`]; [`AppError::Invalid`].
pub async fn create(services: &Services, actor: Actor<'_>, request: &NewPortfolio) -> Result<Portfolio, AppError> {
    let (organization, now) = (parse_id("organization", &request.organization)?, services.clock.now());
    let scope = ScopeId::Organization(organization);
    let mut change = authorize::begin_change(services, actor, &scope, Permitted::Edit).await.map_err(in_field("organization"))?;
    change.require_administering_role()?;
    let name = check_name(&request.name)?.to_owned();
    let portfolio = Portfolio { id: PortfolioId::new(now), name, organization: change.organization.clone() };
    insert(services, actor, &mut change, &portfolio).await?;
    change.tx.commit().await?;
    Ok(portfolio)
}

/// Inserts a portfolio, and records it.
pub(in crate::plants) async fn insert(
    services: &Services,
    actor: Actor<'_>,
    change: &mut Change,
    portfolio: &Portfolio,
) -> Result<(), AppError> {
    store::insert(&mut change.tx, portfolio, services.clock.now()).await.map_err(name_taken)?;
    let detail = json!({ "organization": portfolio.organization, "portfolio": portfolio.id, "name": portfolio.name });
    Ok(services.recorder.write(&mut change.tx, actor.event(None, Action::PortfolioCreated, detail)).await?)
}

/// Renames a portfolio. For those who administer the organization.
///
/// Errors: those of [`authorize::begin_change`]; [`AppError::Invalid`].
pub async fn update(services: &Services, actor: Actor<'_>, id: &PortfolioId, request: &PortfolioChanges) -> Result<Portfolio, AppError> {
    let (mut change, before) = begin(services, actor, id).await?;
    let mut portfolio = before.clone();
    if let Some(name) = &request.name {
        portfolio.name = check_name(name)?.to_owned();
    }
    let changed = changes(&before, &portfolio);
    if changed.is_empty() {
        return Ok(portfolio);
    }
    store::rename(&mut change.tx, id, &portfolio.name).await.map_err(name_taken)?;
    let detail = json!({ "organization": portfolio.organization, "portfolio": id, "name": portfolio.name, "changed": changed });
    services.recorder.write(&mut change.tx, actor.event(None, Action::PortfolioChanged, detail)).await?;
    change.tx.commit().await?;
    Ok(portfolio)
}

/// Deletes a portfolio with its plants, or after they were moved to another portfolio of the organization. For those who administer the
/// organization, with recent authentication: it ends grants, or changes whose access there is.
///
/// Errors: those of [`authorize::begin_administration`]; [`AppError::Invalid`] for the other portfolio.
pub async fn delete(services: &Services, actor: Actor<'_>, id: &PortfolioId, move_to: Option<&PortfolioId>) -> Result<(), AppError> {
    let scope = ScopeId::Portfolio(id.clone());
    let mut change = authorize::begin_administration(services, actor, &scope, Permitted::Administer).await?;
    let tx = &mut change.tx;
    let portfolio = store::find(tx, id).await?.ok_or(AppError::NotFound)?;
    if let Some(target) = move_to {
        if target == id || !store::is_in(tx, target, &portfolio.organization).await? {
            return Err(AppError::invalid("move_to", "There is no other portfolio with this id in the organization."));
        }
        moves::require_move_into(services, actor, tx, &scope, target).await?;
    }
    let mut notices = Notices::default();
    let plant_ids = store::plant_ids(tx, id).await?;
    if let Some(target) = move_to {
        store::move_plants(tx, id, target).await?;
        moves::notify(actor, tx, services, &format!("all plants of {}", portfolio.name), [id, target], &mut notices).await?;
    }
    let Contents { plants, devices, .. } = plants::contents(tx, &scope, services.clock.now()).await?;
    let about = (&portfolio.organization, &scope, portfolio.name.as_str());
    let grants = grants::end_with_scope(tx, services, actor, about, Vec::new(), &mut notices).await?;
    notices.enqueue(tx, services).await?;
    devices::release_hosts_in(tx, &scope, services.clock.now()).await?;
    store::remove(tx, id).await?;
    let detail = json!({
        "organization": portfolio.organization, "portfolio": id, "name": portfolio.name, "moved_to": move_to, "plant_ids": plant_ids,
        "plants_deleted": plants, "devices_deleted": devices, "grants_ended": grants,
    });
    services.recorder.write(tx, actor.event(None, Action::PortfolioDeleted, detail)).await?;
    Ok(change.tx.commit().await?)
}

/// Begins a change of a portfolio by somebody who administers its organization.
async fn begin(services: &Services, actor: Actor<'_>, id: &PortfolioId) -> Result<(Change, Portfolio), AppError> {
    let mut change = authorize::begin_change(services, actor, &ScopeId::Portfolio(id.clone()), Permitted::Edit).await?;
    change.require_administering_role()?;
    let portfolio = store::find(&mut change.tx, id).await?.ok_or(AppError::NotFound)?;
    Ok((change, portfolio))
}

fn name_taken(error: sqlx::Error) -> AppError {
    match error.as_database_error() {
        Some(cause) if cause.is_unique_violation() => {
            AppError::invalid("name", "There is a portfolio with this name in the organization already.")
        }
        _ => error.into(),
    }
}
