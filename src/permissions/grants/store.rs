//! SQL of grants.

use chrono::{DateTime, Utc};

use crate::{
    accounts::store as accounts,
    execute, fetch,
    foundation::{
        db::{Connection, Tx},
        ids::{GrantId, OrganizationId, PlantId, PortfolioId, UserId, VendorId},
    },
    grant_columns, grant_joins, locking,
    permissions::{
        grants::model::GrantTerms,
        model::{Grant, Person, ScopeId},
        store::GrantRow,
        vendors::model::name_skeleton,
    },
};

/// The columns of a scope: portfolio and plant. Both are `None` for an organization.
fn columns(scope: &ScopeId) -> (Option<&PortfolioId>, Option<&PlantId>) {
    match scope {
        ScopeId::Organization(_) => (None, None),
        ScopeId::Portfolio(portfolio) => (Some(portfolio), None),
        ScopeId::Plant(plant) => (None, Some(plant)),
    }
}

fn to_grants(rows: Vec<GrantRow>) -> Vec<Grant> {
    rows.into_iter().map(Grant::from).collect()
}

/// Returns a grant that has not expired.
pub async fn find(db: &mut impl Connection, id: &GrantId, now: DateTime<Utc>) -> sqlx::Result<Option<Grant>> {
    let sql = concat!(
        "SELECT ",
        grant_columns!(),
        " FROM grants g ",
        grant_joins!(),
        " WHERE g.id = $1 AND (g.expires_at IS NULL OR g.expires_at > $2)"
    );
    Ok(fetch!(db, fetch_optional as GrantRow, sql, id, now)?.map(Grant::from))
}

/// A grant to insert.
pub struct NewGrant<'a> {
    pub id: &'a GrantId,
    pub user: &'a UserId,
    pub organization: &'a OrganizationId,
    pub terms: &'a GrantTerms,
    /// `None`: the command line.
    pub granted_by: Option<&'a UserId>,
    pub granted_at: DateTime<Utc>,
    /// With a time, nobody is reminded before the grant ends.
    pub reminded_at: Option<DateTime<Utc>>,
}

/// Inserts a grant. There must be no other one of the same person, scope and role: see [`remove_expired_duplicate`].
pub async fn insert(tx: &mut Tx, grant: &NewGrant<'_>) -> sqlx::Result<()> {
    let (portfolio, plant) = columns(&grant.terms.scope);
    execute!(
        tx,
        "INSERT INTO grants (id, user_id, role, organization_id, portfolio_id, plant_id, granted_by, granted_at, expires_at, reminded_at,
             reason)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        grant.id,
        grant.user,
        grant.terms.role,
        grant.organization,
        portfolio,
        plant,
        grant.granted_by,
        grant.granted_at,
        grant.terms.expires_at,
        grant.reminded_at,
        &grant.terms.reason,
    )?;
    Ok(())
}

/// Returns whether there is a grant of this person, scope and role that has not expired.
pub async fn has_duplicate(
    tx: &mut Tx,
    user: &UserId,
    organization: &OrganizationId,
    terms: &GrantTerms,
    now: DateTime<Utc>,
) -> sqlx::Result<bool> {
    let (portfolio, plant) = columns(&terms.scope);
    let found = fetch!(
        tx,
        fetch_optional as (String,),
        "SELECT id FROM grants WHERE user_id = $1 AND organization_id = $2 AND COALESCE(portfolio_id, '') = COALESCE($3, '')
             AND COALESCE(plant_id, '') = COALESCE($4, '') AND role = $5 AND (expires_at IS NULL OR expires_at > $6)",
        user,
        organization,
        portfolio.map(PortfolioId::as_str),
        plant.map(PlantId::as_str),
        terms.role,
        now,
    )?;
    Ok(found.is_some())
}

/// Removes the expired grant of this person, scope and role, if there is one: a new one takes its place.
pub async fn remove_expired_duplicate(
    tx: &mut Tx,
    user: &UserId,
    organization: &OrganizationId,
    terms: &GrantTerms,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    let (portfolio, plant) = columns(&terms.scope);
    execute!(
        tx,
        "DELETE FROM grants WHERE user_id = $1 AND organization_id = $2 AND COALESCE(portfolio_id, '') = COALESCE($3, '')
             AND COALESCE(plant_id, '') = COALESCE($4, '') AND role = $5 AND expires_at <= $6",
        user,
        organization,
        portfolio.map(PortfolioId::as_str),
        plant.map(PlantId::as_str),
        terms.role,
        now,
    )?;
    Ok(())
}

/// Returns whether a person has a grant without end in an organization.
pub async fn has_endless(db: &mut impl Connection, user: &UserId, organization: &OrganizationId) -> sqlx::Result<bool> {
    let sql = "SELECT id FROM grants WHERE user_id = $1 AND organization_id = $2 AND expires_at IS NULL LIMIT 1";
    Ok(fetch!(db, fetch_optional as (String,), sql, user, organization)?.is_some())
}

/// Changes the end and the reason of a grant. For `reminded_at` see [`NewGrant`].
pub async fn set_end(
    tx: &mut Tx,
    id: &GrantId,
    expires_at: Option<DateTime<Utc>>,
    reason: &str,
    reminded_at: Option<DateTime<Utc>>,
) -> sqlx::Result<()> {
    execute!(tx, "UPDATE grants SET expires_at = $2, reason = $3, reminded_at = $4 WHERE id = $1", id, expires_at, reason, reminded_at)?;
    Ok(())
}

/// Which grants end together.
#[derive(Debug, Clone, Copy)]
pub enum Which<'a> {
    /// One.
    One(&'a GrantId),
    /// All of a person in an organization.
    OfPerson(&'a UserId, &'a OrganizationId),
    /// All of a vendor's people in the vendor's organization.
    OfVendor(&'a VendorId),
    /// All on a scope and on what it contains.
    InScope(&'a ScopeId),
}

/// Lists grants that have not expired, by person, oldest first.
pub async fn list_which(db: &mut impl Connection, which: Which<'_>, now: DateTime<Utc>) -> sqlx::Result<Vec<Grant>> {
    macro_rules! query {
        ($condition:literal) => {
            concat!(
                "SELECT ",
                grant_columns!(),
                " FROM grants g ",
                grant_joins!(),
                " WHERE (g.expires_at IS NULL OR g.expires_at > $1) AND ",
                $condition,
                " ORDER BY g.user_id, g.id"
            )
        };
    }
    let rows = match which {
        Which::One(id) => fetch!(db, fetch_all as GrantRow, query!("g.id = $2"), now, id),
        Which::OfPerson(user, organization) => {
            fetch!(db, fetch_all as GrantRow, query!("g.user_id = $2 AND g.organization_id = $3"), now, user, organization)
        }
        Which::OfVendor(vendor) => fetch!(db, fetch_all as GrantRow, query!("grant_vendor_person.vendor_id = $2"), now, vendor),
        Which::InScope(ScopeId::Organization(id)) => fetch!(db, fetch_all as GrantRow, query!("g.organization_id = $2"), now, id),
        Which::InScope(ScopeId::Portfolio(id)) => {
            let sql = query!("(g.portfolio_id = $2 OR g.plant_id IN (SELECT id FROM plants WHERE portfolio_id = $2))");
            fetch!(db, fetch_all as GrantRow, sql, now, id)
        }
        Which::InScope(ScopeId::Plant(id)) => fetch!(db, fetch_all as GrantRow, query!("g.plant_id = $2"), now, id),
    };
    rows.map(to_grants)
}

/// Removes grants, expired ones too.
pub async fn remove_which(tx: &mut Tx, which: Which<'_>) -> sqlx::Result<()> {
    match which {
        Which::One(id) => execute!(tx, "DELETE FROM grants WHERE id = $1", id),
        Which::OfPerson(user, organization) => {
            execute!(tx, "DELETE FROM grants WHERE user_id = $1 AND organization_id = $2", user, organization)
        }
        Which::OfVendor(vendor) => execute!(
            tx,
            "DELETE FROM grants WHERE EXISTS (SELECT 1 FROM vendor_people v
                 WHERE v.vendor_id = $1 AND v.user_id = grants.user_id AND v.organization_id = grants.organization_id)",
            vendor
        ),
        Which::InScope(ScopeId::Organization(id)) => execute!(tx, "DELETE FROM grants WHERE organization_id = $1", id),
        Which::InScope(ScopeId::Portfolio(id)) => {
            let sql = "DELETE FROM grants WHERE portfolio_id = $1 OR plant_id IN (SELECT id FROM plants WHERE portfolio_id = $1)";
            execute!(tx, sql, id)
        }
        Which::InScope(ScopeId::Plant(id)) => execute!(tx, "DELETE FROM grants WHERE plant_id = $1", id),
    }
    .map(drop)
}

/// Which grants a list shows.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Grants in this organization.
    pub organization: Option<OrganizationId>,
    /// Grants on this portfolio and on its plants.
    pub portfolio: Option<PortfolioId>,
    /// Grants on this plant.
    pub plant: Option<PlantId>,
    /// Grants of the person with this id, username or email address.
    pub user: Option<String>,
    /// Grants of the people of the vendor with this id or name.
    pub vendor: Option<String>,
    /// Grants of people whose name, username or email address contains this text.
    pub search: Option<String>,
}

/// Greater than every id.
const LAST: &str = "z";

/// The conditions of a [`Filter`] on the grants `g`, before the id `$4`, except the organization.
macro_rules! filter {
    () => {
        "g.id < $4 AND (g.expires_at IS NULL OR g.expires_at > $2)
         AND ($6 IS NULL OR g.portfolio_id = $6 OR g.plant_id IN (SELECT id FROM plants WHERE plants.portfolio_id = $6))
         AND ($7 IS NULL OR g.plant_id = $7) AND ($8 IS NULL OR g.user_id = $8)
         AND ($9 IS NULL OR EXISTS (SELECT 1 FROM vendor_people p JOIN vendors v ON v.id = p.vendor_id
             WHERE p.user_id = g.user_id AND p.organization_id = g.organization_id AND (v.id = $9 OR v.name_skeleton = $10)))
         AND ($11 IS NULL OR EXISTS (SELECT 1 FROM users u WHERE u.id = g.user_id AND (u.normalized_username LIKE $11 ESCAPE '!'
             OR u.normalized_email LIKE $11 ESCAPE '!' OR u.normalized_name LIKE $11 ESCAPE '!')))"
    };
}

/// Selects the grants of a page, whose ids `$page` selects after the definitions `$with`. The page is materialized, because a planner that
/// sees through it may expect it to fill early, and read all grants in their order.
macro_rules! list {
    ($with:expr, $page:expr) => {
        concat!(
            "WITH ",
            $with,
            "page AS MATERIALIZED (SELECT id FROM (",
            $page,
            ") ids ORDER BY id DESC LIMIT $3) SELECT ",
            grant_columns!(),
            " FROM page JOIN grants g ON g.id = page.id ",
            grant_joins!(),
            " ORDER BY g.id DESC"
        )
    };
}

/// Two arms: the person's own grants, and those of the organizations that the person administers. `administered` has for each of these the
/// oldest grant that could be on the page, so that only about a page is read of each, in the order of an index.
const LIST_FOR_VIEWER: &str = list!(
    concat!(
        "administered AS MATERIALIZED (
             SELECT m.organization_id, COALESCE((
                 SELECT g.id FROM grants g WHERE g.organization_id = m.organization_id AND ",
        filter!(),
        " ORDER BY g.id DESC LIMIT 1 OFFSET $3 - 1), '') AS oldest
             FROM memberships m
             WHERE m.user_id = $1 AND m.role IN ('owner', 'administrator') AND ($5 IS NULL OR m.organization_id = $5)), "
    ),
    concat!(
        "SELECT id FROM (SELECT g.id FROM grants g WHERE g.user_id = $1 AND ($5 IS NULL OR g.organization_id = $5) AND ",
        filter!(),
        " ORDER BY g.id DESC LIMIT $3) own
         UNION SELECT g.id FROM grants g WHERE g.organization_id IN (SELECT organization_id FROM administered)
             AND g.id >= (SELECT MAX(oldest) FROM administered) AND ",
        filter!()
    )
);

/// All, for the command line. `$1` is not used.
const LIST_ALL: &str =
    list!("", concat!("SELECT g.id FROM grants g WHERE $1 IS NULL AND ($5 IS NULL OR g.organization_id = $5) AND ", filter!()));

/// Lists up to `limit` grants that have not expired, newest first, before an id, or from the newest on if it is empty: those of `viewer`, and all of the organizations that the viewer
/// administers. Lists all for the command line, which is no viewer.
pub async fn list(
    db: &mut impl Connection,
    viewer: Option<&UserId>,
    filter: &Filter,
    before: &str,
    limit: i64,
    now: DateTime<Utc>,
) -> sqlx::Result<Vec<Grant>> {
    let user = match &filter.user {
        None => None,
        Some(text) => match find_user(db, text).await? {
            Some(user) => Some(user),
            None => return Ok(Vec::new()),
        },
    };
    let rows = fetch!(
        db,
        fetch_all as GrantRow,
        if viewer.is_some() { LIST_FOR_VIEWER } else { LIST_ALL },
        viewer.map(UserId::as_str),
        now,
        limit,
        if before.is_empty() { LAST } else { before },
        filter.organization,
        filter.portfolio,
        filter.plant,
        user,
        filter.vendor.as_deref().map(accounts::normalize_identifier),
        filter.vendor.as_deref().map(name_skeleton),
        accounts::search_pattern(filter.search.as_deref()),
    );
    rows.map(to_grants)
}

/// Returns the id of the account with this id, username or email address, enabled or not.
async fn find_user(db: &mut impl Connection, text: &str) -> sqlx::Result<Option<UserId>> {
    match UserId::parse(text.trim()) {
        Some(id) => Ok(Some(id)),
        None => Ok(accounts::find(db, text).await?.map(|found| found.account.id)),
    }
}

/// Returns whether a person belongs to an organization: as a member, as a vendor's person, or by a grant.
pub async fn is_known(db: &mut impl Connection, user: &UserId, organization: &OrganizationId, now: DateTime<Utc>) -> sqlx::Result<bool> {
    let found = fetch!(
        db,
        fetch_optional as (String,),
        "SELECT user_id FROM memberships WHERE user_id = $1 AND organization_id = $2
         UNION SELECT user_id FROM vendor_people WHERE user_id = $1 AND organization_id = $2
         UNION SELECT user_id FROM grants WHERE user_id = $1 AND organization_id = $2 AND (expires_at IS NULL OR expires_at > $3)",
        user,
        organization,
        now,
    )?;
    Ok(found.is_some())
}

/// Returns up to `limit` enabled people of an organization by username: those whose name, username or email address contains `search`.
pub async fn search_known(
    db: &mut impl Connection,
    organization: &OrganizationId,
    search: &str,
    limit: i64,
    now: DateTime<Utc>,
) -> sqlx::Result<Vec<Person>> {
    let Some(pattern) = accounts::search_pattern(Some(search)) else { return Ok(Vec::new()) };
    let rows: Vec<(UserId, String, String)> = fetch!(
        db,
        fetch_all as (UserId, String, String),
        "SELECT id, name, username FROM users WHERE disabled_at IS NULL AND id IN (
             SELECT user_id FROM memberships WHERE organization_id = $1
             UNION SELECT user_id FROM vendor_people WHERE organization_id = $1
             UNION SELECT user_id FROM grants WHERE organization_id = $1 AND (expires_at IS NULL OR expires_at > $2))
         AND (normalized_username LIKE $3 ESCAPE '!' OR normalized_email LIKE $3 ESCAPE '!' OR normalized_name LIKE $3 ESCAPE '!')
         ORDER BY normalized_username LIMIT $4",
        organization,
        now,
        pattern,
        limit,
    )?;
    Ok(rows.into_iter().map(|(id, name, username)| Person { id, name, username }).collect())
}

/// Returns the names of a scope and of its organization. `None` if the scope does not exist.
pub async fn scope_names(db: &mut impl Connection, scope: &ScopeId) -> sqlx::Result<Option<(String, String)>> {
    type Row = (String, String);
    match scope {
        ScopeId::Organization(id) => fetch!(db, fetch_optional as Row, "SELECT name, name FROM organizations WHERE id = $1", id),
        ScopeId::Portfolio(id) => {
            let sql = "SELECT p.name, o.name FROM portfolios p JOIN organizations o ON o.id = p.organization_id WHERE p.id = $1";
            fetch!(db, fetch_optional as Row, sql, id)
        }
        ScopeId::Plant(id) => {
            let sql = "SELECT p.name, o.name FROM plants p JOIN organizations o ON o.id = p.organization_id WHERE p.id = $1";
            fetch!(db, fetch_optional as Row, sql, id)
        }
    }
}

/// Marks up to `batch` grants that end before `before` as reminded, and returns them, each once. Skips those that another transaction
/// holds (RACE-2).
pub async fn claim_expiring(tx: &mut Tx, before: DateTime<Utc>, now: DateTime<Utc>, batch: i64) -> sqlx::Result<Vec<Grant>> {
    let sql = locking!(
        tx,
        "UPDATE grants SET reminded_at = $2 WHERE reminded_at IS NULL AND id IN (
             SELECT id FROM grants WHERE reminded_at IS NULL AND expires_at <= $1 AND expires_at > $2 LIMIT $3",
        "FOR UPDATE SKIP LOCKED",
        ") RETURNING id"
    );
    let claimed: Vec<(GrantId,)> = fetch!(tx, fetch_all as (GrantId,), sql, before, now, batch)?;
    let mut grants = Vec::with_capacity(claimed.len());
    for (id,) in &claimed {
        grants.extend(find(tx, id, now).await?);
    }
    Ok(grants)
}

/// Removes up to `batch` grants that ended at `before` or earlier, except those that another transaction holds (RACE-2). Returns how many.
pub async fn remove_old(tx: &mut Tx, before: DateTime<Utc>, batch: i64) -> sqlx::Result<u64> {
    let sql = locking!(
        tx,
        "DELETE FROM grants WHERE id IN (SELECT id FROM grants WHERE expires_at <= $1 LIMIT $2",
        "FOR UPDATE SKIP LOCKED",
        ")"
    );
    execute!(tx, sql, before, batch)
}
