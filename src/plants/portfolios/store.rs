//! SQL of portfolios.

use chrono::{DateTime, Utc};
use sqlx::FromRow;

use crate::{
    execute, fetch,
    foundation::{
        db::{Connection, Tx},
        ids::{OrganizationId, PlantId, PortfolioId, UserId},
    },
    plants::{
        actions::Contents,
        model::{Portfolio, normalize_name},
    },
};

/// A row of a list.
#[derive(FromRow)]
pub struct PortfolioRow {
    #[sqlx(flatten)]
    pub portfolio: Portfolio,
    pub normalized_name: String,
}

/// Lists the portfolios that a person may know of, by organization, name and id, after a position: those of organizations that the person
/// administers or has a grant on, and those with a grant on them or on a plant inside.
pub async fn list(
    db: &mut impl Connection,
    user: &UserId,
    organization: Option<&OrganizationId>,
    [after_organization, name, id]: &[String; 3],
    pattern: Option<String>,
    limit: i64,
    now: DateTime<Utc>,
) -> sqlx::Result<Vec<PortfolioRow>> {
    let sql = "WITH own AS (
             SELECT organization_id, portfolio_id, plant_id FROM grants
             WHERE user_id = $1 AND (expires_at IS NULL OR expires_at > $2) AND ($3 IS NULL OR organization_id = $3)
             UNION ALL SELECT organization_id, NULL, NULL FROM memberships
             WHERE user_id = $1 AND role IN ('owner', 'administrator') AND ($3 IS NULL OR organization_id = $3)
         ), known AS (
             SELECT id FROM portfolios
             WHERE organization_id IN (SELECT organization_id FROM own WHERE portfolio_id IS NULL AND plant_id IS NULL)
             UNION SELECT portfolio_id FROM own WHERE portfolio_id IS NOT NULL
             UNION SELECT portfolio_id FROM plants WHERE id IN (SELECT plant_id FROM own WHERE plant_id IS NOT NULL)
         )
         SELECT id, name, normalized_name, organization_id FROM portfolios WHERE id IN (SELECT id FROM known)
             AND (organization_id, normalized_name, id) > ($4, $5, $6) AND ($7 IS NULL OR normalized_name LIKE $7 ESCAPE '!')
         ORDER BY organization_id, normalized_name, id LIMIT $8";
    fetch!(db, fetch_all as PortfolioRow, sql, user, now, organization, after_organization, name, id, pattern, limit)
}

/// Lists the portfolios in which a person may create plants, with the names of their organizations: those of organizations that the
/// person administers, and those with an operator's grant that is not a vendor's.
pub async fn list_editable(db: &mut impl Connection, user: &UserId, now: DateTime<Utc>) -> sqlx::Result<Vec<EditablePortfolio>> {
    let sql = "WITH operated AS (
             SELECT organization_id, portfolio_id FROM grants g
             WHERE user_id = $1 AND role = 'operator' AND plant_id IS NULL AND (expires_at IS NULL OR expires_at > $2) AND NOT EXISTS (
                 SELECT 1 FROM vendor_people v WHERE v.user_id = g.user_id AND v.organization_id = g.organization_id)
             UNION ALL SELECT organization_id, NULL FROM memberships WHERE user_id = $1 AND role IN ('owner', 'administrator')
         ), known AS (
             SELECT id FROM portfolios WHERE organization_id IN (SELECT organization_id FROM operated WHERE portfolio_id IS NULL)
             UNION SELECT portfolio_id FROM operated WHERE portfolio_id IS NOT NULL
         )
         SELECT p.id, p.name, p.organization_id, o.name AS organization_name FROM portfolios p
             JOIN organizations o ON o.id = p.organization_id WHERE p.id IN (SELECT id FROM known)
         ORDER BY o.normalized_name, o.id, p.normalized_name, p.id";
    fetch!(db, fetch_all as EditablePortfolio, sql, user, now)
}

/// A portfolio in which a person may create plants.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct EditablePortfolio {
    /// The portfolio.
    #[sqlx(flatten)]
    pub portfolio: Portfolio,
    /// Name of its organization.
    pub organization_name: String,
}

/// Lists all portfolios, or those of an organization, by organization and name.
pub async fn list_all(db: &mut impl Connection, organization: Option<&OrganizationId>) -> sqlx::Result<Vec<Portfolio>> {
    let sql = "SELECT id, name, organization_id FROM portfolios WHERE $1 IS NULL OR organization_id = $1
               ORDER BY organization_id, normalized_name, id";
    fetch!(db, fetch_all as Portfolio, sql, organization)
}

/// Lists the portfolios of an organization by name, with what they contain at a time.
pub async fn list_with_contents(
    db: &mut impl Connection,
    organization: &OrganizationId,
    now: DateTime<Utc>,
) -> sqlx::Result<Vec<PortfolioSummary>> {
    let sql = "SELECT p.id, p.name, p.organization_id, CAST(1 AS BIGINT) AS portfolios,
                   (SELECT COUNT(*) FROM plants WHERE portfolio_id = p.id) AS plants,
                   (SELECT COUNT(*) FROM devices WHERE portfolio_id = p.id) AS devices,
                   (SELECT COUNT(*) FROM grants WHERE portfolio_id = p.id AND (expires_at IS NULL OR expires_at > $2))
                       + (SELECT COUNT(*) FROM plants t JOIN grants g ON g.plant_id = t.id
                          WHERE t.portfolio_id = p.id AND (g.expires_at IS NULL OR g.expires_at > $2)) AS grants
               FROM portfolios p WHERE p.organization_id = $1 ORDER BY p.normalized_name, p.id";
    fetch!(db, fetch_all as PortfolioSummary, sql, organization, now)
}

/// A portfolio with what it contains.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct PortfolioSummary {
    /// The portfolio.
    #[sqlx(flatten)]
    pub portfolio: Portfolio,
    /// What it contains.
    #[sqlx(flatten)]
    pub contents: Contents,
}

/// Finds a portfolio.
pub async fn find(db: &mut impl Connection, id: &PortfolioId) -> sqlx::Result<Option<Portfolio>> {
    fetch!(db, fetch_optional as Portfolio, "SELECT id, name, organization_id FROM portfolios WHERE id = $1", id)
}

/// Returns whether a portfolio exists in an organization.
pub async fn is_in(db: &mut impl Connection, id: &PortfolioId, organization: &OrganizationId) -> sqlx::Result<bool> {
    Ok(find(db, id).await?.is_some_and(|found| found.organization == *organization))
}

/// Inserts a portfolio.
pub async fn insert(tx: &mut Tx, portfolio: &Portfolio, now: DateTime<Utc>) -> sqlx::Result<()> {
    let Portfolio { id, name, organization } = portfolio;
    let sql = "INSERT INTO portfolios (id, organization_id, name, normalized_name, created_at) VALUES ($1, $2, $3, $4, $5)";
    execute!(tx, sql, id, organization, name, normalize_name(name), now).map(drop)
}

/// Renames a portfolio.
pub async fn rename(tx: &mut Tx, id: &PortfolioId, name: &str) -> sqlx::Result<()> {
    execute!(tx, "UPDATE portfolios SET name = $2, normalized_name = $3 WHERE id = $1", id, name, normalize_name(name)).map(drop)
}

/// Removes a portfolio with all that it contains.
pub async fn remove(tx: &mut Tx, id: &PortfolioId) -> sqlx::Result<()> {
    execute!(tx, "DELETE FROM portfolios WHERE id = $1", id).map(drop)
}

/// Returns the ids of the plants of a portfolio, in their order.
pub async fn plant_ids(db: &mut impl Connection, id: &PortfolioId) -> sqlx::Result<Vec<PlantId>> {
    let plants: Vec<(PlantId,)> = fetch!(db, fetch_all as (PlantId,), "SELECT id FROM plants WHERE portfolio_id = $1 ORDER BY id", id)?;
    Ok(plants.into_iter().map(|(plant,)| plant).collect())
}

/// Moves all plants of a portfolio to another one of the same organization. Their devices follow by foreign key.
pub async fn move_plants(tx: &mut Tx, from: &PortfolioId, to: &PortfolioId) -> sqlx::Result<()> {
    execute!(tx, "UPDATE plants SET portfolio_id = $2, version = version + 1 WHERE portfolio_id = $1", from, to).map(drop)
}
