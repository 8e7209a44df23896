//! API endpoints for portfolios.

use axum::{Json, extract::State, http::StatusCode};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::{
    access::{Authorized, EditPlants, ReadPlants},
    error::{
        AppError,
        described::{AuthErrors, BodyErrors, CommonErrors, EditErrors, NotFoundError, QueryErrors},
    },
    foundation::{
        http::{
            body::Body,
            page::{PageRequest, Parameters},
        },
        ids::{OrganizationId, PortfolioId},
        path::Id,
        services::Shared,
    },
    plants::{
        model::Portfolio,
        portfolios::{
            actions,
            model::{NewPortfolio, PortfolioChanges},
        },
        requests::parse_optional_id,
    },
    reauthentication::actor::Actor,
};

/// Query parameters of the list.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct PortfolioQuery {
    /// Maximum number of portfolios. Defaults to 50.
    #[param(value_type = usize, minimum = 1, maximum = 1000)]
    limit: Option<String>,
    /// `next_cursor` of the previous page.
    cursor: Option<String>,
    /// Text that the name contains.
    search: Option<String>,
    /// Id of an organization: only its portfolios.
    #[param(value_type = OrganizationId)]
    organization: Option<String>,
}

/// A page of the list.
#[derive(Serialize, ToSchema)]
pub struct PortfolioPage {
    /// By organization and name.
    portfolios: Vec<Portfolio>,
    /// Cursor of the next page. Null on the last page.
    next_cursor: Option<String>,
}

/// Query parameters of a deletion.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct PortfolioDeletion {
    /// Id of another portfolio of the organization, to which the plants are moved first. Without it they are deleted too.
    #[param(value_type = PortfolioId)]
    move_to: Option<String>,
}

/// List portfolios
///
/// Those of organizations that you administer, and those in which you have a grant. By organization and name.
#[utoipa::path(get, path = "/api/v1/portfolios", tag = "Plants", params(PortfolioQuery),
    responses((status = 200, description = "A page of portfolios.", body = PortfolioPage), AuthErrors, QueryErrors, CommonErrors))]
pub async fn list(
    State(services): Shared,
    principal: Authorized<ReadPlants>,
    Parameters(query): Parameters<PortfolioQuery>,
) -> Result<Json<PortfolioPage>, AppError> {
    let page = PageRequest::new(query.limit.as_deref(), query.cursor, query.search)?;
    let organization = parse_optional_id("organization", query.organization.as_deref())?;
    let (portfolios, next_cursor) = actions::list(&services, &principal, organization.as_ref(), &page).await?;
    Ok(Json(PortfolioPage { portfolios, next_cursor }))
}

/// Get a portfolio
#[utoipa::path(get, path = "/api/v1/portfolios/{id}", tag = "Plants", params(("id" = PortfolioId, Path, description = "Id of the portfolio.")),
    responses((status = 200, description = "The portfolio.", body = Portfolio), AuthErrors, NotFoundError, CommonErrors))]
pub async fn get(State(services): Shared, principal: Authorized<ReadPlants>, Id(id): Id<PortfolioId>) -> Result<Json<Portfolio>, AppError> {
    actions::get(&services, &principal, &id).await.map(Json)
}

/// Create a portfolio
///
/// For those who administer the organization.
#[utoipa::path(post, path = "/api/v1/portfolios", tag = "Plants", request_body = NewPortfolio,
    responses((status = 201, description = "The portfolio.", body = Portfolio), EditErrors, BodyErrors, CommonErrors))]
pub async fn create(
    State(services): Shared,
    principal: Authorized<EditPlants>,
    Body(request): Body<NewPortfolio>,
) -> Result<(StatusCode, Json<Portfolio>), AppError> {
    let created = actions::create(&services, Actor::Principal(&principal), &request).await?;
    Ok((StatusCode::CREATED, Json(created)))
}

/// Rename a portfolio
///
/// For those who administer the organization.
#[utoipa::path(patch, path = "/api/v1/portfolios/{id}", tag = "Plants", request_body = PortfolioChanges,
    params(("id" = PortfolioId, Path, description = "Id of the portfolio.")),
    responses((status = 200, description = "The portfolio.", body = Portfolio), EditErrors, NotFoundError, BodyErrors, CommonErrors))]
pub async fn update(
    State(services): Shared,
    principal: Authorized<EditPlants>,
    Id(id): Id<PortfolioId>,
    Body(changes): Body<PortfolioChanges>,
) -> Result<Json<Portfolio>, AppError> {
    actions::update(&services, Actor::Principal(&principal), &id, &changes).await.map(Json)
}

/// Delete a portfolio
///
/// With its plants and devices, or after its plants were moved to another portfolio. Its grants end. For those who administer the
/// organization; moving requires a session whose user entered the password in the last 10 minutes.
#[utoipa::path(delete, path = "/api/v1/portfolios/{id}", tag = "Plants",
    params(("id" = PortfolioId, Path, description = "Id of the portfolio."), PortfolioDeletion),
    responses((status = 204, description = "The portfolio was deleted."), EditErrors, NotFoundError, QueryErrors, CommonErrors))]
pub async fn delete(
    State(services): Shared,
    principal: Authorized<EditPlants>,
    Id(id): Id<PortfolioId>,
    Parameters(query): Parameters<PortfolioDeletion>,
) -> Result<StatusCode, AppError> {
    let move_to = parse_optional_id("move_to", query.move_to.as_deref())?;
    actions::delete(&services, Actor::Principal(&principal), &id, move_to.as_ref()).await?;
    Ok(StatusCode::NO_CONTENT)
}
