//! API endpoints for who reaches what.

use axum::{
    Json,
    extract::{Query, State, rejection::QueryRejection},
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::{
    access::{Authorized, ReadPlants},
    error::{
        AppError,
        described::{AuthErrors, CommonErrors, NotFoundError, QueryErrors, RoleError},
    },
    foundation::{
        ids::{OrganizationId, PlantId},
        path::{Id, Segments},
        services::Shared,
    },
    permissions::{
        paging::{check_limit, check_search, decode, encode},
        reach::{
            actions,
            model::{PersonWithAccess, ReachOfPerson},
        },
    },
};

/// Query parameters of the list.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct AccessQuery {
    /// Maximum number of people. Defaults to 50.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<i64>,
    /// `next_cursor` of the previous page.
    cursor: Option<String>,
    /// Part of the name, username or email address.
    search: Option<String>,
}

/// A page of people who can reach a plant.
#[derive(Serialize, ToSchema)]
pub struct AccessPage {
    /// By name.
    people: Vec<PersonWithAccess>,
    /// Cursor of the next page. Null on the last page.
    next_cursor: Option<String>,
}

/// List who can reach a plant
///
/// Each person with all their grants: on the plant, its portfolio and its organization. For operators and auditors of the plant, and for
/// owners and administrators of the organization.
#[utoipa::path(get, path = "/api/v1/plants/{id}/access", tag = "Grants",
    params(("id" = PlantId, Path, description = "Id of the plant."), AccessQuery),
    responses((status = 200, description = "A page of people.", body = AccessPage), AuthErrors, RoleError, NotFoundError, QueryErrors, CommonErrors))]
pub async fn people(
    State(services): Shared,
    principal: Authorized<ReadPlants>,
    Id(plant): Id<PlantId>,
    query: Result<Query<AccessQuery>, QueryRejection>,
) -> Result<Json<AccessPage>, AppError> {
    let Query(query) = query.map_err(|error| AppError::invalid("query", error.body_text()))?;
    let (limit, after) = (check_limit(query.limit)?, decode(query.cursor.as_deref())?.unwrap_or_default());
    let page = actions::people(&services, &principal, &plant, check_search(query.search.as_deref())?, &after, limit).await?;
    Ok(Json(AccessPage { people: page.rows, next_cursor: page.next.as_ref().map(encode) }))
}

/// Get what a person can reach
///
/// All grants of one person in an organization, each with the number of its plants and devices. For owners and administrators of the
/// organization.
#[utoipa::path(get, path = "/api/v1/organizations/{id}/people/{user}/access", tag = "Grants",
    params(("id" = OrganizationId, Path, description = "Id of the organization."), ("user" = String, Path, description = "Id, username or email address.")),
    responses((status = 200, description = "What the person reaches.", body = ReachOfPerson), AuthErrors, RoleError, NotFoundError, CommonErrors))]
pub async fn person(
    State(services): Shared,
    principal: Authorized<ReadPlants>,
    Segments((organization, user)): Segments<(String, String)>,
) -> Result<Json<ReachOfPerson>, AppError> {
    let organization = OrganizationId::parse(&organization).ok_or(AppError::NotFound)?;
    actions::person(&services, &principal, &organization, &user).await.map(Json)
}
