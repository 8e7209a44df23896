//! SQL of the page with plants. What a person sees is the rule of `plants::visible`, here in one set, because the page counts and sums it.

use chrono::{DateTime, Utc};
use sqlx::FromRow;

use crate::{
    fetch,
    foundation::{
        db::Connection,
        ids::{OrganizationId, PlantId, PortfolioId, UserId},
    },
    permissions::model::OrganizationRole,
    plant_columns,
    plants::{
        model::{Plant, PlantKind},
        visible::{Filter, PlantRow},
    },
};

/// A portfolio in which the person sees plants, with the sums of these.
#[derive(Debug, Clone, FromRow)]
pub struct PortfolioSums {
    /// Id of the organization.
    pub organization_id: OrganizationId,
    /// Name of the organization.
    pub organization_name: String,
    /// The person's role in the organization.
    pub membership: Option<OrganizationRole>,
    /// Id of the portfolio.
    pub portfolio_id: PortfolioId,
    /// Name of the portfolio.
    pub portfolio_name: String,
    /// Number of plants.
    pub plants: i64,
    /// Sum of their capacities, in kilowatts. `None` if none is known.
    pub capacity_kw: Option<f64>,
}

/// The normalized names by which the list is ordered: of the organization, the portfolio and the plant. Each is unique in the one before.
#[derive(Debug, Clone, FromRow)]
pub struct Names {
    organization: String,
    portfolio: String,
    plant: String,
}

/// Begins a query with the plants that the person `$1` sees at the time `$2` and that meet the conditions `$filter` on `t`: `visible` has
/// the columns `$columns` of them. `whole` has the portfolios of which the person sees every plant.
macro_rules! visible_plants {
    ($columns:literal, $filter:literal) => {
        concat!(
            "WITH scopes AS (
                 SELECT organization_id, portfolio_id, plant_id FROM grants WHERE user_id = $1 AND (expires_at IS NULL OR expires_at > $2)
                 UNION ALL SELECT organization_id, NULL, NULL FROM memberships WHERE user_id = $1 AND role IN ('owner', 'administrator')
             ), whole AS (
                 SELECT id FROM portfolios
                 WHERE organization_id IN (SELECT organization_id FROM scopes WHERE portfolio_id IS NULL AND plant_id IS NULL)
                 UNION SELECT portfolio_id FROM scopes WHERE portfolio_id IS NOT NULL
             ), visible AS (SELECT ",
            $columns,
            " FROM plants t WHERE t.portfolio_id IN (SELECT id FROM whole) AND ",
            $filter,
            " UNION ALL SELECT ",
            $columns,
            " FROM plants t WHERE t.id IN (SELECT plant_id FROM scopes WHERE plant_id IS NOT NULL)
                 AND t.portfolio_id NOT IN (SELECT id FROM whole) AND ",
            $filter,
            ") "
        )
    };
}

/// Joins the names by which the list is ordered to the plants `t`.
macro_rules! name_joins {
    () => {
        " JOIN portfolios p ON p.id = t.portfolio_id JOIN organizations o ON o.id = t.organization_id "
    };
}

/// Returns the portfolios in which a person sees plants, by the names of organization and portfolio.
pub async fn sum_portfolios(db: &mut impl Connection, user: &UserId, now: DateTime<Utc>) -> sqlx::Result<Vec<PortfolioSums>> {
    let sql = concat!(
        visible_plants!("t.portfolio_id, t.capacity_kw", "TRUE"),
        "SELECT o.id AS organization_id, o.name AS organization_name, m.role AS membership, p.id AS portfolio_id,
             p.name AS portfolio_name, sums.plants, sums.capacity_kw
         FROM (SELECT portfolio_id, COUNT(*) AS plants, SUM(capacity_kw) AS capacity_kw FROM visible GROUP BY portfolio_id) sums
         JOIN portfolios p ON p.id = sums.portfolio_id JOIN organizations o ON o.id = p.organization_id
         LEFT JOIN memberships m ON m.organization_id = o.id AND m.user_id = $1
         ORDER BY o.normalized_name, p.normalized_name"
    );
    fetch!(db, fetch_all as PortfolioSums, sql, user, now)
}

/// Lists the first plants of each portfolio, by name: all if there are at most `whole`, else the first `few`. Only of the portfolios from
/// `first` to `last`, in the order of their names.
pub async fn list_first(
    db: &mut impl Connection,
    user: &UserId,
    (first, last): (&PortfolioId, &PortfolioId),
    (whole, few): (i64, i64),
    now: DateTime<Utc>,
) -> sqlx::Result<Vec<Plant>> {
    const SQL: &str = concat!(
        visible_plants!("t.id, t.portfolio_id, t.normalized_name", "TRUE"),
        ", shown AS (
             SELECT p.id FROM portfolios p JOIN organizations o ON o.id = p.organization_id
             WHERE (o.normalized_name, p.normalized_name) >= (SELECT fo.normalized_name, fp.normalized_name
                     FROM portfolios fp JOIN organizations fo ON fo.id = fp.organization_id WHERE fp.id = $3)
                 AND (o.normalized_name, p.normalized_name) <= (SELECT lo.normalized_name, lp.normalized_name
                     FROM portfolios lp JOIN organizations lo ON lo.id = lp.organization_id WHERE lp.id = $4)
         ), numbered AS (
             SELECT id, ROW_NUMBER() OVER (PARTITION BY portfolio_id ORDER BY normalized_name) AS place,
                 COUNT(*) OVER (PARTITION BY portfolio_id) AS total
             FROM visible WHERE portfolio_id IN (SELECT id FROM shown)
         ) SELECT ",
        plant_columns!(),
        " FROM plants t",
        name_joins!(),
        "LEFT JOIN users closer ON closer.id = t.closed_by
         WHERE t.id IN (SELECT id FROM numbered WHERE total <= $5 OR place <= $6)
         ORDER BY o.normalized_name, p.normalized_name, t.normalized_name"
    );
    let rows = fetch!(db, fetch_all as PlantRow, SQL, user, now, first, last, whole, few)?;
    Ok(rows.into_iter().map(Plant::from).collect())
}

/// Finds the place of a plant in the order of the list. `None` if the person does not see it.
pub async fn find_names(db: &mut impl Connection, user: &UserId, plant: &PlantId, now: DateTime<Utc>) -> sqlx::Result<Option<Names>> {
    let sql = concat!(
        visible_plants!("t.portfolio_id, t.organization_id, t.normalized_name", "t.id = $3"),
        "SELECT o.normalized_name AS organization, p.normalized_name AS portfolio, t.normalized_name AS plant FROM visible t",
        name_joins!()
    );
    fetch!(db, fetch_optional as Names, sql, user, now, plant)
}

/// The query of a page of matches: after or before (`$compare`) a place in the order, and the order to match.
macro_rules! matches {
    ($compare:literal, $direction:literal) => {
        concat!(
            visible_plants!(
                "t.id, t.portfolio_id, t.organization_id, t.normalized_name",
                "($3 IS NULL OR t.organization_id = $3) AND ($4 IS NULL OR t.portfolio_id = $4) AND ($5 IS NULL OR t.kind = $5)
                 AND ($6 IS NULL OR t.normalized_name LIKE $6 ESCAPE '!' OR t.normalized_place LIKE $6 ESCAPE '!' OR EXISTS (
                     SELECT 1 FROM devices d WHERE d.plant_id = t.id AND (d.normalized_name LIKE $6 ESCAPE '!' OR d.host LIKE $6 ESCAPE '!')))"
            ),
            ", page AS (SELECT t.id FROM visible t",
            name_joins!(),
            "WHERE ($7 IS NULL OR (o.normalized_name, p.normalized_name, t.normalized_name) ",
            $compare,
            " ($7, $8, $9)) ORDER BY o.normalized_name ",
            $direction,
            ", p.normalized_name ",
            $direction,
            ", t.normalized_name ",
            $direction,
            " LIMIT $10) SELECT ",
            plant_columns!(),
            " FROM plants t",
            name_joins!(),
            "LEFT JOIN users closer ON closer.id = t.closed_by WHERE t.id IN (SELECT id FROM page)
             ORDER BY o.normalized_name, p.normalized_name, t.normalized_name"
        )
    };
}

/// On which side of a place in the list a page lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// After it.
    After,
    /// Before it.
    Before,
}

/// Lists up to `limit` plants that match, by the names of organization, portfolio and plant: the nearest ones on one side of a place in
/// that order. Without a place, from the beginning.
pub async fn list_matches(
    db: &mut impl Connection,
    user: &UserId,
    filter: &Filter,
    place: Option<(Side, Names)>,
    limit: i64,
    now: DateTime<Utc>,
) -> sqlx::Result<Vec<Plant>> {
    let sql = match &place {
        Some((Side::Before, _)) => matches!("<", "DESC"),
        Some((Side::After, _)) | None => matches!(">", "ASC"),
    };
    let names = place.map(|(_, names)| names);
    let name = |name: fn(&Names) -> &String| names.as_ref().map(name).cloned();
    let rows = fetch!(
        db,
        fetch_all as PlantRow,
        sql,
        user,
        now,
        filter.organization,
        filter.portfolio,
        filter.kind.map(PlantKind::key),
        filter.pattern(),
        name(|names| &names.organization),
        name(|names| &names.portfolio),
        name(|names| &names.plant),
        limit,
    )?;
    Ok(rows.into_iter().map(Plant::from).collect())
}
