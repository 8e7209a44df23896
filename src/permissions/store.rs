//! SQL of decisions: loads the facts about one person and one scope with one query, and locks organizations.

use chrono::{DateTime, Utc};
use sqlx::FromRow;

use crate::{
    access::Group,
    account_columns,
    accounts::model::Account,
    execute, fetch,
    foundation::{
        db::{Connection, Tx},
        ids::{GrantId, OrganizationId, PlantId, PortfolioId, UserId},
        point_reads::{optional_text, text, time_text},
    },
    locking,
    permissions::{
        decide::{Facts, GrantedRole},
        model::{Grant, OrganizationRole, Person, Role, Scope, ScopeId, ScopeKind},
    },
};

/// The columns of a [`GrantRow`], in a query with [`grant_joins`](crate::grant_joins).
#[macro_export]
macro_rules! grant_columns {
    () => {
        "g.id AS grant_id, g.user_id AS grant_user_id, grant_user.name AS grant_user_name, grant_user.username AS grant_username, \
         g.role AS grant_role, g.organization_id AS grant_organization_id, g.portfolio_id AS grant_portfolio_id, \
         g.plant_id AS grant_plant_id, COALESCE(grant_plant.name, grant_portfolio.name, grant_organization.name) AS grant_scope_name, \
         g.reason AS grant_reason, grant_vendor.name AS grant_vendor, g.granted_by AS granter_id, granter.name AS granter_name, \
         granter.username AS granter_username, g.granted_at, g.expires_at AS grant_expires_at, g.last_used_at AS grant_last_used_at"
    };
}

/// Joins the names that a [`GrantRow`] shows to the grants `g` of a query.
#[macro_export]
macro_rules! grant_joins {
    () => {
        " LEFT JOIN users grant_user ON grant_user.id = g.user_id
          LEFT JOIN organizations grant_organization ON grant_organization.id = g.organization_id
          LEFT JOIN portfolios grant_portfolio ON grant_portfolio.id = g.portfolio_id
          LEFT JOIN plants grant_plant ON grant_plant.id = g.plant_id
          LEFT JOIN vendor_people grant_vendor_person
              ON grant_vendor_person.user_id = g.user_id AND grant_vendor_person.organization_id = g.organization_id
          LEFT JOIN vendors grant_vendor ON grant_vendor.id = grant_vendor_person.vendor_id
          LEFT JOIN users granter ON granter.id = g.granted_by "
    };
}

/// A grant with the names that it is shown with.
#[derive(Debug, FromRow)]
pub struct GrantRow {
    pub grant_id: GrantId,
    pub grant_user_id: UserId,
    pub grant_user_name: String,
    pub grant_username: String,
    pub grant_role: Role,
    pub grant_organization_id: OrganizationId,
    pub grant_portfolio_id: Option<PortfolioId>,
    pub grant_plant_id: Option<PlantId>,
    pub grant_scope_name: String,
    pub grant_reason: String,
    pub grant_vendor: Option<String>,
    pub granter_id: Option<UserId>,
    pub granter_name: Option<String>,
    pub granter_username: Option<String>,
    pub granted_at: DateTime<Utc>,
    pub grant_expires_at: Option<DateTime<Utc>>,
    pub grant_last_used_at: Option<DateTime<Utc>>,
}

impl From<GrantRow> for Grant {
    fn from(row: GrantRow) -> Self {
        let (kind, id) = match (&row.grant_plant_id, &row.grant_portfolio_id) {
            (Some(plant), _) => (ScopeKind::Plant, plant.to_string()),
            (None, Some(portfolio)) => (ScopeKind::Portfolio, portfolio.to_string()),
            (None, None) => (ScopeKind::Organization, row.grant_organization_id.to_string()),
        };
        let granted_by = match (row.granter_id, row.granter_name, row.granter_username) {
            (Some(id), Some(name), Some(username)) => Some(Person { id, name, username }),
            _ => None,
        };
        Self {
            id: row.grant_id,
            user: Person { id: row.grant_user_id, name: row.grant_user_name, username: row.grant_username },
            role: row.grant_role,
            scope: Scope { kind, id, name: row.grant_scope_name },
            organization: row.grant_organization_id,
            reason: row.grant_reason,
            vendor: row.grant_vendor,
            granted_by,
            granted_at: row.granted_at,
            expires_at: row.grant_expires_at,
            last_used_at: row.grant_last_used_at,
        }
    }
}

/// A scope, with what is known about one person there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownScope {
    /// The organization that it belongs to.
    pub organization: OrganizationId,
    /// The portfolio that it is or belongs to. `None` for an organization.
    pub portfolio: Option<PortfolioId>,
    /// The facts for a decision.
    pub facts: Facts,
    /// Whether the person has a grant on something inside.
    pub has_grant_inside: bool,
}

/// A row of the facts: the scope with one of the grants, or without any.
#[derive(FromRow)]
struct FactsRow {
    organization_id: OrganizationId,
    portfolio_id: Option<PortfolioId>,
    is_closed: bool,
    is_enabled: bool,
    membership: Option<OrganizationRole>,
    is_vendor: bool,
    has_grant_inside: bool,
    grant_id: Option<GrantId>,
    role: Option<Role>,
    expires_at: Option<DateTime<Utc>>,
}

impl FactsRow {
    /// Reads the columns of a query of facts.
    fn read(row: &rusqlite::Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            organization_id: text(row, 0)?,
            portfolio_id: optional_text(row, 1)?,
            is_closed: row.get(2)?,
            is_enabled: row.get(3)?,
            membership: optional_text(row, 4)?,
            is_vendor: row.get(5)?,
            has_grant_inside: row.get(6)?,
            grant_id: optional_text(row, 7)?,
            role: optional_text(row, 8)?,
            expires_at: optional_text(row, 9)?,
        })
    }
}

/// The query of the facts about the person `$1` and the scope `$2` of the table `t` at the time `$3`. `$portfolio` and `$closed` are
/// columns of `t`, `$grants` says which grants apply to the scope, in the expressions of an index, and `$inside` which are on something
/// inside. It runs with most requests, so it loads no more than what counts.
macro_rules! facts_query {
    ($table:literal, $organization:literal, $portfolio:literal, $closed:literal, $grants:literal, $inside:literal) => {
        concat!(
            "SELECT ",
            $organization,
            " AS organization_id, ",
            $portfolio,
            " AS portfolio_id, ",
            $closed,
            " AS is_closed, person.disabled_at IS NULL AS is_enabled, m.role AS membership, v.organization_id IS NOT NULL AS is_vendor, ",
            $inside,
            " AS has_grant_inside, g.id AS grant_id, g.role, g.expires_at FROM ",
            $table,
            " t JOIN users person ON person.id = $1 LEFT JOIN memberships m ON m.user_id = $1 AND m.organization_id = ",
            $organization,
            " LEFT JOIN vendor_people v ON v.user_id = $1 AND v.organization_id = ",
            $organization,
            " LEFT JOIN grants g ON g.user_id = $1 AND g.organization_id = ",
            $organization,
            " AND (",
            $grants,
            ") WHERE t.id = $2"
        )
    };
}

const ORGANIZATION_FACTS: &str = facts_query!(
    "organizations",
    "t.id",
    "NULL",
    "FALSE",
    "COALESCE(g.portfolio_id, '') = '' AND COALESCE(g.plant_id, '') = ''",
    "EXISTS (SELECT 1 FROM grants i WHERE i.user_id = $1 AND i.organization_id = t.id AND (i.expires_at IS NULL OR i.expires_at > $3))"
);
const PORTFOLIO_FACTS: &str = facts_query!(
    "portfolios",
    "t.organization_id",
    "t.id",
    "FALSE",
    "COALESCE(g.portfolio_id, '') IN ('', t.id) AND COALESCE(g.plant_id, '') = ''",
    "EXISTS (SELECT 1 FROM grants i JOIN plants p ON p.id = i.plant_id WHERE i.user_id = $1 AND i.organization_id = t.organization_id
         AND p.portfolio_id = t.id AND (i.expires_at IS NULL OR i.expires_at > $3))"
);
const PLANT_FACTS: &str = facts_query!(
    "plants",
    "t.organization_id",
    "t.portfolio_id",
    "t.closed_at IS NOT NULL",
    "COALESCE(g.portfolio_id, '') IN ('', t.portfolio_id) AND COALESCE(g.plant_id, '') IN ('', t.id)",
    "$3 IS NULL" // false: nothing with grants of its own is inside a plant
);

/// Loads the facts about a person and a scope. `None` if the scope or the person does not exist.
pub async fn find_facts(
    db: &mut impl Connection,
    user: &UserId,
    token_group: Option<Group>,
    scope: &ScopeId,
    now: DateTime<Utc>,
) -> sqlx::Result<Option<KnownScope>> {
    let (sql, id) = match scope {
        ScopeId::Organization(id) => (ORGANIZATION_FACTS, id.as_str()),
        ScopeId::Portfolio(id) => (PORTFOLIO_FACTS, id.as_str()),
        ScopeId::Plant(id) => (PLANT_FACTS, id.as_str()),
    };
    let rows = match db.point_read(sql, &[user.as_str(), id, &time_text(now)], FactsRow::read)? {
        Some(rows) => rows,
        None => fetch!(db, fetch_all as FactsRow, sql, user, id, now)?,
    };
    Ok(known_scope(rows, token_group))
}

/// Collects what is known from the rows of one scope. `None` without any.
fn known_scope(rows: Vec<FactsRow>, token_group: Option<Group>) -> Option<KnownScope> {
    let (mut known, mut grants) = (None, Vec::with_capacity(rows.len()));
    for row in rows {
        let FactsRow { is_closed, is_enabled, membership, is_vendor, has_grant_inside, expires_at, .. } = row;
        grants.extend(row.grant_id.zip(row.role).map(|(grant, role)| GrantedRole { grant, role, expires_at }));
        let facts = Facts { is_enabled, token_group, membership, is_vendor, grants: Vec::new(), is_closed };
        known.get_or_insert(KnownScope { organization: row.organization_id, portfolio: row.portfolio_id, facts, has_grant_inside });
    }
    grants.sort_by(|one: &GrantedRole, other| one.grant.cmp(&other.grant));
    known.map(|known: KnownScope| KnownScope { facts: Facts { grants, ..known.facts }, ..known })
}

/// Returns the organization and the portfolio of a scope. `None` if it does not exist.
pub async fn locate_scope(db: &mut impl Connection, scope: &ScopeId) -> sqlx::Result<Option<(OrganizationId, Option<PortfolioId>)>> {
    type Row = (OrganizationId, Option<PortfolioId>);
    match scope {
        ScopeId::Organization(id) => fetch!(db, fetch_optional as Row, "SELECT id, NULL FROM organizations WHERE id = $1", id),
        ScopeId::Portfolio(id) => fetch!(db, fetch_optional as Row, "SELECT organization_id, id FROM portfolios WHERE id = $1", id),
        ScopeId::Plant(id) => fetch!(db, fetch_optional as Row, "SELECT organization_id, portfolio_id FROM plants WHERE id = $1", id),
    }
}

/// Returns the name of an organization. Empty if it does not exist.
pub async fn organization_name(db: &mut impl Connection, id: &OrganizationId) -> sqlx::Result<String> {
    let found = fetch!(db, fetch_optional as (String,), "SELECT name FROM organizations WHERE id = $1", id)?;
    Ok(found.map(|(name,)| name).unwrap_or_default()) // gone: nothing is left to name
}

/// Locks an organization until the transaction ends. Does nothing if it does not exist.
///
/// The rule (RACE-1, RACE-2): **a transaction that changes something in an organization (plants, members, grants, vendors) locks the
/// account of its actor first, then the organization, and then checks again what the actor may do.** Changes in one organization run one
/// after the other, so that a grant cannot be created by somebody who was removed meanwhile, and two owners cannot remove each other.
pub async fn lock_organization(tx: &mut Tx, id: &OrganizationId) -> sqlx::Result<()> {
    let sql = locking!(tx, "SELECT id FROM organizations WHERE id = $1", "FOR NO KEY UPDATE", "");
    fetch!(tx, fetch_optional as (String,), sql, id).map(drop)
}

/// Returns the role of a person in an organization.
pub async fn membership(db: &mut impl Connection, user: &UserId, organization: &OrganizationId) -> sqlx::Result<Option<OrganizationRole>> {
    let sql = "SELECT role FROM memberships WHERE user_id = $1 AND organization_id = $2";
    let found: Option<(OrganizationRole,)> = fetch!(db, fetch_optional as (OrganizationRole,), sql, user, organization)?;
    Ok(found.map(|(role,)| role))
}

/// Gives a person a role in an organization, in place of any other.
pub async fn set_membership(
    tx: &mut Tx,
    user: &UserId,
    organization: &OrganizationId,
    role: OrganizationRole,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    execute!(
        tx,
        "INSERT INTO memberships (user_id, organization_id, role, created_at) VALUES ($1, $2, $3, $4)
         ON CONFLICT (user_id, organization_id) DO UPDATE SET role = excluded.role",
        user,
        organization,
        role,
        now,
    )?;
    Ok(())
}

/// Lists the enabled people with a role in an organization, `$condition`, in the order of their ids.
macro_rules! members_query {
    ($condition:literal) => {
        concat!(
            "SELECT ",
            account_columns!(),
            " FROM users JOIN memberships m ON m.user_id = users.id WHERE m.organization_id = $1 AND users.disabled_at IS NULL",
            $condition,
            " ORDER BY users.id"
        )
    };
}

/// Lists the enabled people with a role in an organization, in the order of their ids.
pub async fn members(db: &mut impl Connection, organization: &OrganizationId) -> sqlx::Result<Vec<Account>> {
    fetch!(db, fetch_all as Account, members_query!(""), organization)
}

/// Lists the enabled administrators of an organization who are not owners, in the order of their ids.
pub async fn administrators(db: &mut impl Connection, organization: &OrganizationId) -> sqlx::Result<Vec<Account>> {
    fetch!(db, fetch_all as Account, members_query!(" AND m.role = 'administrator'"), organization)
}

/// Lists the enabled owners of an organization, in the order of their ids.
pub async fn owners(db: &mut impl Connection, organization: &OrganizationId) -> sqlx::Result<Vec<Account>> {
    fetch!(db, fetch_all as Account, members_query!(" AND m.role = 'owner'"), organization)
}
