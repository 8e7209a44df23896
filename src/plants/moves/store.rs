//! SQL of moves.

use chrono::{DateTime, Utc};
use sqlx::FromRow;

use crate::{
    account_columns,
    accounts::model::Account,
    fetch,
    foundation::{
        db::Connection,
        ids::{OrganizationId, PlantId, PortfolioId, UserId},
    },
    permissions::model::{Person, Role},
};

/// Returns whether a person has a grant on a portfolio itself.
pub async fn has_grant_on_portfolio(
    db: &mut impl Connection,
    user: &UserId,
    portfolio: &PortfolioId,
    now: DateTime<Utc>,
) -> sqlx::Result<bool> {
    let sql = "SELECT id FROM grants WHERE user_id = $1 AND portfolio_id = $2 AND (expires_at IS NULL OR expires_at > $3) LIMIT 1";
    Ok(fetch!(db, fetch_optional as (String,), sql, user, portfolio, now)?.is_some())
}

/// Lists the enabled people with a grant on one of two portfolios themselves.
pub async fn people_of_portfolios(
    db: &mut impl Connection,
    [one, other]: [&PortfolioId; 2],
    now: DateTime<Utc>,
) -> sqlx::Result<Vec<Account>> {
    let sql = concat!(
        "SELECT ",
        account_columns!(),
        " FROM users WHERE disabled_at IS NULL AND id IN (
             SELECT user_id FROM grants WHERE portfolio_id IN ($1, $2) AND (expires_at IS NULL OR expires_at > $3))"
    );
    fetch!(db, fetch_all as Account, sql, one, other, now)
}

/// A role that a person has by a grant on a plant, on one of two portfolios, or on their organization.
#[derive(Debug, FromRow)]
pub struct RoleRow {
    pub user_id: UserId,
    pub name: String,
    pub username: String,
    pub role: Role,
    pub portfolio_id: Option<PortfolioId>,
}

impl RoleRow {
    /// Returns the person.
    pub fn person(&self) -> Person {
        Person { id: self.user_id.clone(), name: self.name.clone(), username: self.username.clone() }
    }
}

/// Lists the roles that count for a move, by name: those of people with a grant on either portfolio. Without a plant, grants on single
/// plants are left out.
pub async fn roles_for_move(
    db: &mut impl Connection,
    plant: Option<&PlantId>,
    [from, to]: [&PortfolioId; 2],
    organization: &OrganizationId,
    now: DateTime<Utc>,
) -> sqlx::Result<Vec<RoleRow>> {
    let sql = "SELECT g.user_id, users.name, users.username, g.role, g.portfolio_id FROM grants g JOIN users ON users.id = g.user_id
               WHERE g.organization_id = $4 AND (g.expires_at IS NULL OR g.expires_at > $5) AND users.disabled_at IS NULL
                   AND (g.portfolio_id IN ($2, $3) OR g.plant_id = $1 OR (g.portfolio_id IS NULL AND g.plant_id IS NULL))
                   AND g.user_id IN (SELECT user_id FROM grants WHERE portfolio_id IN ($2, $3))
               ORDER BY users.name, users.id, g.role";
    fetch!(db, fetch_all as RoleRow, sql, plant, from, to, organization, now)
}
