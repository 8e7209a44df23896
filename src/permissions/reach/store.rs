//! SQL of who reaches what. The same rule as `permissions::decide`, keyed by the plant.

use std::collections::{BTreeSet, HashMap};

use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::json;
use sqlx::FromRow;

use crate::{
    access::Group,
    accounts::store::search_pattern,
    fetch, fetch_long,
    foundation::{
        db::{Backend, Connection},
        ids::{GrantId, OrganizationId, PlantId, PortfolioId, UserId},
    },
    grant_columns, grant_joins, one_of,
    permissions::{
        model::{Grant, OrganizationRole, Person, Role, Scope, ScopeId, ScopeKind},
        store::GrantRow,
    },
};

/// A plant with what contains it.
#[derive(Debug, Clone)]
pub struct PlantScope {
    pub plant: PlantId,
    pub portfolio: PortfolioId,
    pub organization: OrganizationId,
}

/// Which people a page lists.
pub struct PageQuery<'a> {
    pub scope: &'a PlantScope,
    pub search: Option<&'a str>,
    /// Normalized name and id of the person after whom the page begins.
    pub after: &'a [String; 2],
    pub limit: i64,
    pub now: DateTime<Utc>,
}

/// The active grants in a scope at the time `$4`.
macro_rules! held {
    ($depth:literal, $scope:literal) => {
        concat!(
            "SELECT ",
            $depth,
            " AS depth, id, user_id, role, reason, granted_by, granted_at, expires_at, last_used_at FROM grants WHERE ",
            $scope,
            " AND (expires_at IS NULL OR expires_at > $4)"
        )
    };
}

/// The grants that apply to the plant `$1` of the portfolio `$2` of the organization `$3` at the time `$4`, by an arm for each scope, because
/// each has an index of its own; of the first `$8` enabled people after a name `$5` and an id `$6`, numbered in their order. The names that
/// many grants share are not repeated with each.
macro_rules! people {
    () => {
        concat!(
            "WITH held AS (",
            held!("2", "plant_id = $1"),
            " UNION ALL ",
            held!("1", "portfolio_id = $2"),
            " UNION ALL ",
            held!("0", "organization_id = $3 AND portfolio_id IS NULL AND plant_id IS NULL"),
            "), numbered AS (
                 SELECT held.*, u.name, u.username, u.normalized_name, DENSE_RANK() OVER (ORDER BY u.normalized_name, u.id) AS number
                 FROM held JOIN users u ON u.id = held.user_id
                 WHERE u.disabled_at IS NULL AND (u.normalized_name, u.id) > ($5, $6) AND ($7 IS NULL
                     OR u.normalized_username LIKE $7 ESCAPE '!' OR u.normalized_email LIKE $7 ESCAPE '!'
                     OR u.normalized_name LIKE $7 ESCAPE '!')
             ), page AS (
                 SELECT g.*, m.role AS membership, vendors.name AS vendor
                 FROM numbered g
                     LEFT JOIN memberships m ON m.user_id = g.user_id AND m.organization_id = $3
                     LEFT JOIN vendor_people p ON p.user_id = g.user_id AND p.organization_id = $3
                     LEFT JOIN vendors ON vendors.id = p.vendor_id
                 WHERE g.number <= $8
             )
             SELECT "
        )
    };
}

/// A grant of a person on the page.
#[derive(Debug, FromRow, Deserialize)]
pub struct PersonGrantRow {
    pub normalized_name: String,
    pub user_id: UserId,
    pub name: String,
    pub username: String,
    pub membership: Option<OrganizationRole>,
    pub vendor: Option<String>,
    /// The position of the scope in [`Shared::scopes`].
    pub depth: i32,
    pub id: GrantId,
    pub role: Role,
    pub reason: String,
    pub granted_by: Option<UserId>,
    pub granted_at: DateTime<Utc>,
    pub expires_at: Option<DateTime<Utc>>,
    pub last_used_at: Option<DateTime<Utc>>,
}

/// What the grants of a page share.
pub struct Shared {
    /// The organization, the portfolio and the plant.
    pub scopes: [Scope; 3],
    /// Who granted them.
    pub granters: HashMap<UserId, Person>,
}

/// Loads what the grants of a page share.
pub async fn load_shared(db: &mut impl Connection, scope: &PlantScope, rows: &[PersonGrantRow]) -> sqlx::Result<Shared> {
    let sql = "SELECT o.name, p.name, t.name FROM plants t JOIN portfolios p ON p.id = t.portfolio_id
               JOIN organizations o ON o.id = t.organization_id WHERE t.id = $1";
    let (organization, portfolio, plant) = fetch!(db, fetch_one as (String, String, String), sql, scope.plant)?;
    let scopes = [
        Scope { kind: ScopeKind::Organization, id: scope.organization.to_string(), name: organization },
        Scope { kind: ScopeKind::Portfolio, id: scope.portfolio.to_string(), name: portfolio },
        Scope { kind: ScopeKind::Plant, id: scope.plant.to_string(), name: plant },
    ];
    let ids: BTreeSet<&str> = rows.iter().filter_map(|row| row.granted_by.as_ref().map(UserId::as_str)).collect();
    let sql = one_of!(db, "SELECT id, name, username FROM users WHERE id IN ", "$1", "");
    let granters: Vec<(UserId, String, String)> = fetch!(db, fetch_all as (UserId, String, String), sql, json!(ids).to_string())?;
    let person = |(id, name, username): (UserId, _, _)| (id.clone(), Person { id, name, username });
    Ok(Shared { scopes, granters: granters.into_iter().map(person).collect() })
}

/// Lists the grants of a page of people that apply to a plant, by name and id of the person, then oldest first. Every person of the page
/// has at least one.
pub async fn list_people(db: &mut impl Connection, query: &PageQuery<'_>) -> sqlx::Result<Vec<PersonGrantRow>> {
    let PageQuery { scope, search, after, limit, now } = query;
    fetch_long!(
        db,
        PersonGrantRow,
        people!(),
        "normalized_name, user_id, name, username, membership, vendor, depth, id, role, reason, granted_by, granted_at, expires_at, \
         last_used_at",
        " FROM page ORDER BY number, granted_at, id",
        scope.plant,
        scope.portfolio,
        scope.organization,
        now,
        after[0],
        after[1],
        search_pattern(*search),
        limit,
    )
}

/// Lists the active grants of one person that apply to a plant, the narrowest scope last, then oldest first.
pub async fn list_own(db: &mut impl Connection, scope: &PlantScope, user: &UserId, now: DateTime<Utc>) -> sqlx::Result<Vec<Grant>> {
    let sql = concat!(
        "SELECT ",
        grant_columns!(),
        " FROM grants g ",
        grant_joins!(),
        " WHERE g.user_id = $1 AND g.organization_id = $2 AND COALESCE(g.portfolio_id, '') IN ('', $3) AND COALESCE(g.plant_id, '') IN ('', $4)
              AND (g.expires_at IS NULL OR g.expires_at > $5) ORDER BY g.granted_at, g.id"
    );
    let rows = fetch!(db, fetch_all as GrantRow, sql, user, scope.organization, scope.portfolio, scope.plant, now)?;
    let mut grants: Vec<_> = rows.into_iter().map(Grant::from).collect();
    grants.sort_by_key(|grant| grant.scope.kind);
    Ok(grants)
}

/// Lists the unexpired API tokens of these people whose permission group opens devices, by name. `people` must not be empty.
pub async fn list_tokens(db: &mut impl Connection, people: &[&UserId], now: DateTime<Utc>) -> sqlx::Result<Vec<(UserId, String, Group)>> {
    /// Builds the query for either database.
    macro_rules! select_tokens {
        ($database:ty) => {{
            let mut select = sqlx::QueryBuilder::<$database>::new(
                "SELECT user_id, name, permission_group FROM api_tokens WHERE permission_group IN ('full', 'devices') AND expires_at > ",
            );
            select.push_bind(now).push(" AND user_id IN (");
            let mut list = select.separated(", ");
            for person in people {
                list.push_bind(*person);
            }
            select.push(") ORDER BY name, id");
            select
        }};
    }
    match db.backend() {
        Backend::Sqlite(connection) => select_tokens!(sqlx::Sqlite).build_query_as().fetch_all(connection).await,
        Backend::Postgres(connection) => select_tokens!(sqlx::Postgres).build_query_as().fetch_all(connection).await,
    }
}

/// Numbers of plants and devices.
#[derive(Debug, Clone, Copy, PartialEq, Eq, FromRow)]
pub struct Count {
    /// Plants.
    pub plants: i64,
    /// Devices.
    pub devices: i64,
}

/// Counts the plants and devices of a scope.
pub async fn count(db: &mut impl Connection, scope: &ScopeId) -> sqlx::Result<Count> {
    match scope {
        ScopeId::Organization(id) => {
            let sql = "SELECT (SELECT COUNT(*) FROM plants WHERE organization_id = $1) AS plants,
                           (SELECT COUNT(*) FROM devices WHERE organization_id = $1) AS devices";
            fetch!(db, fetch_one as Count, sql, id)
        }
        ScopeId::Portfolio(id) => {
            let sql = "SELECT (SELECT COUNT(*) FROM plants WHERE portfolio_id = $1) AS plants,
                           (SELECT COUNT(*) FROM devices WHERE portfolio_id = $1) AS devices";
            fetch!(db, fetch_one as Count, sql, id)
        }
        ScopeId::Plant(id) => {
            let sql = "SELECT (SELECT COUNT(*) FROM plants WHERE id = $1) AS plants,
                           (SELECT COUNT(*) FROM devices WHERE plant_id = $1) AS devices";
            fetch!(db, fetch_one as Count, sql, id)
        }
    }
}

/// Returns the first plants of a scope by name, with the number of their devices.
pub async fn first_plants(db: &mut impl Connection, scope: &ScopeId, limit: i64) -> sqlx::Result<Vec<(PlantId, String, i64)>> {
    macro_rules! query {
        ($condition:literal) => {
            concat!(
                "SELECT p.id, p.name, (SELECT COUNT(*) FROM devices d WHERE d.plant_id = p.id) FROM plants p WHERE ",
                $condition,
                " ORDER BY p.normalized_name, p.id LIMIT $2"
            )
        };
    }
    type Row = (PlantId, String, i64);
    match scope {
        ScopeId::Organization(id) => fetch!(db, fetch_all as Row, query!("p.organization_id = $1"), id, limit),
        ScopeId::Portfolio(id) => fetch!(db, fetch_all as Row, query!("p.portfolio_id = $1"), id, limit),
        ScopeId::Plant(id) => fetch!(db, fetch_all as Row, query!("p.id = $1"), id, limit),
    }
}

/// A scope with its name and what it contains.
#[derive(Debug, FromRow)]
pub struct ScopeRow {
    pub kind: ScopeKind,
    pub id: String,
    pub name: String,
    #[sqlx(flatten)]
    pub count: Count,
}

/// Lists an organization, then its portfolios by name, or this one alone, and then a plant, if one is named.
pub async fn scopes(
    db: &mut impl Connection,
    organization: &OrganizationId,
    portfolio: Option<&PortfolioId>,
    plant: Option<&PlantId>,
) -> sqlx::Result<Vec<ScopeRow>> {
    let sql = "SELECT kind, id, name, plants, devices FROM (
             SELECT 0 AS depth, 'organization' AS kind, id, name, normalized_name,
                 (SELECT COUNT(*) FROM plants WHERE organization_id = $1) AS plants,
                 (SELECT COUNT(*) FROM devices WHERE organization_id = $1) AS devices
             FROM organizations WHERE id = $1
             UNION ALL SELECT 1, 'portfolio', p.id, p.name, p.normalized_name, (SELECT COUNT(*) FROM plants WHERE portfolio_id = p.id),
                 (SELECT COUNT(*) FROM devices WHERE portfolio_id = p.id)
             FROM portfolios p WHERE p.organization_id = $1 AND ($2 IS NULL OR p.id = $2)
             UNION ALL SELECT 2, 'plant', t.id, t.name, t.normalized_name, 1, (SELECT COUNT(*) FROM devices WHERE plant_id = t.id)
             FROM plants t WHERE t.id = $3
         ) scopes ORDER BY depth, normalized_name, id";
    fetch!(db, fetch_all as ScopeRow, sql, organization, portfolio, plant)
}

/// A grant with what it reaches.
#[derive(Debug, FromRow)]
pub struct GrantReachRow {
    #[sqlx(flatten)]
    pub grant: GrantRow,
    #[sqlx(flatten)]
    pub count: Count,
}

/// Lists the grants of a person in an organization that have not expired, oldest first, each with the plants and devices of its scope.
pub async fn grants_of(
    db: &mut impl Connection,
    user: &UserId,
    organization: &OrganizationId,
    now: DateTime<Utc>,
) -> sqlx::Result<Vec<GrantReachRow>> {
    let sql = concat!(
        "SELECT ",
        grant_columns!(),
        ", CASE WHEN g.plant_id IS NOT NULL THEN 1
               WHEN g.portfolio_id IS NOT NULL THEN (SELECT COUNT(*) FROM plants WHERE portfolio_id = g.portfolio_id)
               ELSE (SELECT COUNT(*) FROM plants WHERE organization_id = $2) END AS plants,
           CASE WHEN g.plant_id IS NOT NULL THEN (SELECT COUNT(*) FROM devices WHERE plant_id = g.plant_id)
               WHEN g.portfolio_id IS NOT NULL THEN (SELECT COUNT(*) FROM devices WHERE portfolio_id = g.portfolio_id)
               ELSE (SELECT COUNT(*) FROM devices WHERE organization_id = $2) END AS devices
         FROM grants g ",
        grant_joins!(),
        " WHERE g.user_id = $1 AND g.organization_id = $2 AND (g.expires_at IS NULL OR g.expires_at > $3) ORDER BY g.id"
    );
    fetch!(db, fetch_all as GrantReachRow, sql, user, organization, now)
}
