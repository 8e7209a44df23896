//! Server functions of the pages that move plants.

use leptos::prelude::*;

use crate::{
    error::{AppError, problem::Problem},
    foundation::{
        http::etag::IfMatch,
        ids::{OrganizationId, PlantId, PortfolioId},
        services::Services,
    },
    permissions::{authorize, decide::Action, model::ScopeId},
    plants::{
        actions as plants,
        fields::PlantChanges,
        model::{Plant, Portfolio},
        moves::actions::{self, AccessChange},
        organizations::{actions as organizations, api::organization_path},
        plant::api::plant_path,
        portfolios::actions as portfolios,
    },
    reauthentication::{actor::Actor, api::or_reauthenticate},
    sessions::caller::{CurrentSession, current_session},
    ui::form_response::{FormOutcome, respond, with_query},
};

/// Returns the path of the page that moves a plant.
pub fn move_path(id: &str) -> String {
    format!("/plants/{id}/move")
}

/// Returns the path of the page that moves all plants of a portfolio.
pub fn merge_path(id: &str) -> String {
    format!("/portfolios/{id}/move")
}

/// Where plants may be moved to.
pub struct Targets {
    /// The other portfolios of the organization.
    pub portfolios: Vec<Portfolio>,
    /// The chosen one, and whose access would change.
    pub preview: Option<(Portfolio, Vec<AccessChange>)>,
}

/// Loads the data of the page that moves a plant, with a preview if a portfolio is chosen.
///
/// Errors: [`AppError::NotFound`], [`AppError::NotInRole`].
pub async fn open_move(id: String, to: String) -> Result<(Plant, Targets), AppError> {
    let load = async || {
        let (services, caller) = current_session()?;
        let scope = ScopeId::Plant(parse_plant(&id)?);
        authorize::require(&mut services.db.read().await?, &services, &caller, &scope, Action::Administer).await?;
        let plant = plants::get(&services, &caller, &parse_plant(&id)?).await?;
        let targets = load_targets(&services, &caller, &scope, (&plant.organization, &plant.portfolio), &to).await?;
        Ok((plant, targets))
    };
    load().await.inspect_err(AppError::set_response)
}

/// The data of the page that moves all plants of a portfolio.
pub struct MergePage {
    /// The portfolio.
    pub portfolio: Portfolio,
    /// Name of its organization.
    pub organization_name: String,
    /// Where its plants may be moved to.
    pub targets: Targets,
}

/// Loads the data of the page that moves all plants of a portfolio, with a preview if another one is chosen.
///
/// Errors: [`AppError::NotFound`], [`AppError::NotInRole`].
pub async fn open_merge(id: String, to: String) -> Result<MergePage, AppError> {
    let load = async || {
        let (services, caller) = current_session()?;
        let scope = ScopeId::Portfolio(parse_portfolio(&id)?);
        authorize::require(&mut services.db.read().await?, &services, &caller, &scope, Action::Administer).await?;
        let portfolio = portfolios::get(&services, &caller, &parse_portfolio(&id)?).await?;
        let targets = load_targets(&services, &caller, &scope, (&portfolio.organization, &portfolio.id), &to).await?;
        let organization_name = organizations::get(&services, &caller, &portfolio.organization).await?.organization.name;
        Ok(MergePage { portfolio, organization_name, targets })
    };
    load().await.inspect_err(AppError::set_response)
}

async fn load_targets(
    services: &Services,
    caller: &CurrentSession,
    scope: &ScopeId,
    (organization, from): (&OrganizationId, &PortfolioId),
    to: &str,
) -> Result<Targets, AppError> {
    let mut portfolios = portfolios::list_all(&services.db, Some(organization)).await?;
    portfolios.retain(|portfolio| portfolio.id != *from);
    let preview = match portfolios.iter().find(|portfolio| portfolio.id.as_str() == to) {
        Some(target) => Some((target.clone(), actions::preview(services, caller, scope, &target.id).await?)),
        None => None,
    };
    Ok(Targets { portfolios, preview })
}

/// Moves a plant to another portfolio of its organization.
#[server(prefix = "/api/ui", endpoint = "move_plant")]
pub async fn move_plant(id: String, to: String) -> Result<String, Problem> {
    let form = with_query(&move_path(&id), &[("to", &to)]);
    let relocate = async || {
        let (services, caller) = current_session()?;
        let changes = PlantChanges { portfolio: Some(parse_portfolio(&to)?.to_string()), ..PlantChanges::default() };
        let plant = plants::update(&services, Actor::Principal(&caller), &parse_plant(&id)?, &IfMatch::default(), &changes).await?;
        Ok(FormOutcome::redirect_to(plant_path(&id)).with_notice(format!("{} was moved.", plant.name)))
    };
    respond(or_reauthenticate(relocate().await, &form), &form, &[])
}

/// Moves all plants of a portfolio to another one of its organization, and deletes the portfolio.
#[server(prefix = "/api/ui", endpoint = "merge_portfolio")]
pub async fn merge_portfolio(id: String, to: String) -> Result<String, Problem> {
    let form = with_query(&merge_path(&id), &[("to", &to)]);
    let merge = async || {
        let (services, caller) = current_session()?;
        let portfolio = portfolios::get(&services, &caller, &parse_portfolio(&id)?).await?;
        portfolios::delete(&services, Actor::Principal(&caller), &portfolio.id, Some(&parse_portfolio(&to)?)).await?;
        let notice = format!("The plants of {} were moved, and it was deleted.", portfolio.name);
        Ok(FormOutcome::redirect_to(organization_path(&portfolio.organization)).with_notice(notice))
    };
    respond(or_reauthenticate(merge().await, &form), &form, &[])
}

fn parse_plant(id: &str) -> Result<PlantId, AppError> {
    PlantId::parse(id).ok_or(AppError::NotFound)
}

fn parse_portfolio(id: &str) -> Result<PortfolioId, AppError> {
    PortfolioId::parse(id).ok_or(AppError::NotFound)
}
