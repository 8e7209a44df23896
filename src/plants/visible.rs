//! Lists of the plants and devices that a person sees. The same rule as `permissions::decide`, as SQL (AUT-1): a property test compares
//! the two.
//!
//! What a person sees is found from their side: grants and memberships name organizations, portfolios and plants, and indexes lead from
//! these to the rows. A query considers the next organizations of the person only, in the order of the list, so that its cost follows the
//! page, not the number of plants or grants.

use chrono::{DateTime, Utc};
use sqlx::FromRow;

use crate::{
    fetch,
    foundation::{
        db::Connection,
        http::page::containing,
        ids::{OrganizationId, PlantId, PortfolioId, UserId},
    },
    permissions::model::{Person, Role},
    plants::model::{Device, Plant, PlantKind, RemoteAccess, normalize_name},
};

/// Which plants or devices a list shows, and from where.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Those of this organization.
    pub organization: Option<OrganizationId>,
    /// Those of this portfolio.
    pub portfolio: Option<PortfolioId>,
    /// Devices of this plant.
    pub plant: Option<PlantId>,
    /// Plants of this kind.
    pub kind: Option<PlantKind>,
    /// Those whose name, place, device or host contains this text.
    pub search: Option<String>,
}

impl Filter {
    /// Returns the pattern of the search for `LIKE … ESCAPE '!'`.
    pub fn pattern(&self) -> Option<String> {
        self.search.as_deref().map(normalize_name).filter(|search| !search.is_empty()).map(|search| containing(&search))
    }
}

/// A position in the list of plants: the row after which a page begins. The default is the beginning.
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
pub struct Position {
    /// Id of the organization.
    pub organization: String,
    /// Id of the portfolio.
    pub portfolio: String,
    /// Normalized name of the plant, or id of the plant of a device.
    pub first: String,
    /// Id of the plant, or normalized name of the device.
    pub second: String,
    /// Id of the device. Empty for plants.
    pub third: String,
}

/// A page of a list.
pub struct Page<T> {
    /// The rows, at most as many as asked for.
    pub rows: Vec<T>,
    /// Where the next page begins. `None` after the last page.
    pub next: Option<Position>,
}

/// The next organizations in which the person `$1` sees something at the time `$2`: up to `$4`, from the id `$3` on.
const NEXT_ORGANIZATIONS: &str = "SELECT organization_id FROM (
         SELECT DISTINCT organization_id FROM grants
         WHERE user_id = $1 AND (expires_at IS NULL OR expires_at > $2) AND organization_id >= $3
         UNION SELECT organization_id FROM memberships
         WHERE user_id = $1 AND role IN ('owner', 'administrator') AND organization_id >= $3
     ) own ORDER BY organization_id LIMIT $4";

/// Begins a query with the scopes that the person `$1` sees at the time `$2` in the organizations from the id `$3` to `$4`.
macro_rules! scopes {
    () => {
        "WITH scopes AS (
             SELECT organization_id, portfolio_id, plant_id FROM grants
             WHERE user_id = $1 AND (expires_at IS NULL OR expires_at > $2) AND organization_id BETWEEN $3 AND $4
             UNION ALL SELECT organization_id, NULL, NULL FROM memberships
             WHERE user_id = $1 AND role IN ('owner', 'administrator') AND organization_id BETWEEN $3 AND $4
         )"
    };
}

/// The page of rows of `$table` (as `t`) that the person sees: the union of three arms, each in the order of the list and no longer than
/// the page. `$plant` is the column with the id of the plant, `$order` the order, and `$filter` the conditions of the list.
macro_rules! page {
    ($table:literal, $plant:literal, $order:literal, $filter:literal) => {
        concat!(
            ", page AS (SELECT id FROM (SELECT t.id FROM ",
            $table,
            " t WHERE t.organization_id IN (SELECT organization_id FROM scopes WHERE portfolio_id IS NULL AND plant_id IS NULL) AND ",
            $filter,
            " ORDER BY ",
            $order,
            " LIMIT $5) whole_organizations UNION SELECT id FROM (SELECT t.id FROM ",
            $table,
            " t WHERE t.portfolio_id IN (SELECT portfolio_id FROM scopes WHERE portfolio_id IS NOT NULL) AND ",
            $filter,
            " ORDER BY ",
            $order,
            " LIMIT $5) portfolios UNION SELECT id FROM (SELECT t.id FROM ",
            $table,
            " t WHERE ",
            $plant,
            " IN (SELECT plant_id FROM scopes WHERE plant_id IS NOT NULL) AND ",
            $filter,
            " ORDER BY ",
            $order,
            " LIMIT $5) single_plants)"
        )
    };
}

/// The columns of a [`PlantRow`] of the plant `t`, for the person `$1` at the time `$2`. The roles are a number: a bit for each.
#[macro_export]
macro_rules! plant_columns {
    () => {
        "t.id, t.name, t.normalized_name, t.kind, t.portfolio_id, t.organization_id, t.place, t.country_code, t.latitude, t.longitude, \
         t.capacity_kw, t.time_zone, t.version, t.closed_at, t.closed_by, t.closed_reason, closer.name AS closer_name, \
         closer.username AS closer_username, (SELECT COUNT(*) FROM devices WHERE devices.plant_id = t.id) AS device_count, \
         (SELECT SUM(DISTINCT CASE g.role WHEN 'viewer' THEN 1 WHEN 'technician' THEN 2 WHEN 'operator' THEN 4 ELSE 8 END) FROM grants g \
          WHERE g.user_id = $1 AND g.organization_id = t.organization_id AND (g.expires_at IS NULL OR g.expires_at > $2) \
          AND (g.plant_id = t.id OR g.portfolio_id = t.portfolio_id OR (g.plant_id IS NULL AND g.portfolio_id IS NULL))) AS role_bits"
    };
}

/// The columns of a [`DeviceRow`] of the device `t`.
#[macro_export]
macro_rules! device_columns {
    () => {
        "t.id, t.name, t.normalized_name, t.kind, t.plant_id, t.portfolio_id, t.organization_id, t.host, t.upgrades, t.version"
    };
}

/// A device.
#[derive(Debug, FromRow)]
pub struct DeviceRow {
    #[sqlx(flatten)]
    pub device: Device,
    pub normalized_name: String,
}

/// A plant, as one person sees it.
#[derive(Debug, FromRow)]
pub struct PlantRow {
    pub id: PlantId,
    pub name: String,
    pub normalized_name: String,
    pub kind: PlantKind,
    pub portfolio_id: PortfolioId,
    pub organization_id: OrganizationId,
    pub place: Option<String>,
    pub country_code: Option<String>,
    pub latitude: Option<f64>,
    pub longitude: Option<f64>,
    pub capacity_kw: Option<f64>,
    pub time_zone: Option<String>,
    pub version: i64,
    pub closed_at: Option<DateTime<Utc>>,
    pub closed_by: Option<UserId>,
    pub closed_reason: Option<String>,
    pub closer_name: Option<String>,
    pub closer_username: Option<String>,
    pub device_count: i64,
    /// The person's roles by active grants: the sum of 1 for viewer, 2 for technician, 4 for operator and 8 for auditor. `None`: no role.
    pub role_bits: Option<i64>,
}

impl From<PlantRow> for Plant {
    fn from(row: PlantRow) -> Self {
        let by = match (row.closed_by, row.closer_name, row.closer_username) {
            (Some(id), Some(name), Some(username)) => Some(Person { id, name, username }),
            _ => None,
        };
        let bits = row.role_bits.unwrap_or_default(); // without a grant, no role
        let your_roles = Role::ALL.into_iter().enumerate().filter(|(bit, _)| bits & (1 << bit) != 0).map(|(_, role)| role).collect();
        Self {
            id: row.id,
            name: row.name,
            kind: row.kind,
            portfolio: row.portfolio_id,
            organization: row.organization_id,
            place: row.place,
            country_code: row.country_code,
            latitude: row.latitude,
            longitude: row.longitude,
            capacity_kw: row.capacity_kw,
            time_zone: row.time_zone,
            devices: row.device_count,
            remote_access: RemoteAccess { closed: row.closed_at.is_some(), reason: row.closed_reason, since: row.closed_at, by },
            your_roles,
            version: row.version,
        }
    }
}

const PLANTS: &str = concat!(
    scopes!(),
    page!(
        "plants",
        "t.id",
        "t.organization_id, t.portfolio_id, t.normalized_name, t.id",
        "(t.organization_id, t.portfolio_id, t.normalized_name, t.id) > ($6, $7, $8, $9) AND ($10 IS NULL OR t.portfolio_id = $10)
             AND ($11 IS NULL OR t.kind = $11) AND ($12 IS NULL OR t.normalized_name LIKE $12 ESCAPE '!'
                 OR t.normalized_place LIKE $12 ESCAPE '!' OR EXISTS (
                     SELECT 1 FROM devices d WHERE d.plant_id = t.id AND (d.normalized_name LIKE $12 ESCAPE '!' OR d.host LIKE $12 ESCAPE '!')))"
    ),
    " SELECT ",
    plant_columns!(),
    " FROM plants t LEFT JOIN users closer ON closer.id = t.closed_by WHERE t.id IN (SELECT id FROM page)
      ORDER BY t.organization_id, t.portfolio_id, t.normalized_name, t.id LIMIT $5"
);

const DEVICES: &str = concat!(
    scopes!(),
    page!(
        "devices",
        "t.plant_id",
        "t.organization_id, t.portfolio_id, t.plant_id, t.normalized_name, t.id",
        "(t.organization_id, t.portfolio_id, t.plant_id, t.normalized_name, t.id) > ($6, $7, $8, $9, $10)
             AND ($11 IS NULL OR t.portfolio_id = $11) AND ($12 IS NULL OR t.plant_id = $12)
             AND ($13 IS NULL OR t.normalized_name LIKE $13 ESCAPE '!' OR t.host LIKE $13 ESCAPE '!')"
    ),
    " SELECT ",
    device_columns!(),
    " FROM devices t WHERE t.id IN (SELECT id FROM page)
      ORDER BY t.organization_id, t.portfolio_id, t.plant_id, t.normalized_name, t.id LIMIT $5"
);

/// A query of one page, within a range of organizations.
struct PageQuery<'a> {
    user: &'a UserId,
    filter: &'a Filter,
    now: DateTime<Utc>,
    first: OrganizationId,
    last: OrganizationId,
    after: &'a Position,
    limit: i64,
}

/// A row of a list.
trait Listed: Sized + Send {
    /// Runs the query.
    fn fetch(db: &mut impl Connection, query: &PageQuery<'_>) -> impl Future<Output = sqlx::Result<Vec<Self>>> + Send;

    /// Returns the position of the row.
    fn position(&self) -> Position;
}

impl Listed for PlantRow {
    async fn fetch(db: &mut impl Connection, query: &PageQuery<'_>) -> sqlx::Result<Vec<Self>> {
        let PageQuery { user, filter, now, first, last, after, limit } = query;
        let kind = filter.kind.map(PlantKind::key);
        let Position { organization, portfolio, first: name, second: id, .. } = after;
        fetch!(
            db,
            fetch_all as Self,
            PLANTS,
            user,
            now,
            first,
            last,
            limit,
            organization,
            portfolio,
            name,
            id,
            filter.portfolio,
            kind,
            filter.pattern(),
        )
    }

    fn position(&self) -> Position {
        Position {
            organization: self.organization_id.to_string(),
            portfolio: self.portfolio_id.to_string(),
            first: self.normalized_name.clone(),
            second: self.id.to_string(),
            third: String::new(),
        }
    }
}

impl Listed for DeviceRow {
    async fn fetch(db: &mut impl Connection, query: &PageQuery<'_>) -> sqlx::Result<Vec<Self>> {
        let PageQuery { user, filter, now, first, last, after, limit } = query;
        let Position { organization, portfolio, first: plant, second: name, third: id } = after;
        fetch!(
            db,
            fetch_all as Self,
            DEVICES,
            user,
            now,
            first,
            last,
            limit,
            organization,
            portfolio,
            plant,
            name,
            id,
            filter.portfolio,
            filter.plant,
            filter.pattern(),
        )
    }

    fn position(&self) -> Position {
        Position {
            organization: self.device.organization.to_string(),
            portfolio: self.device.portfolio.to_string(),
            first: self.device.plant.to_string(),
            second: self.normalized_name.clone(),
            third: self.device.id.to_string(),
        }
    }
}

/// Lists up to `limit` plants that a person sees after a position, by organization, portfolio, name and id.
pub async fn list_plants(
    db: &mut impl Connection,
    user: &UserId,
    filter: &Filter,
    after: Position,
    limit: i64,
    now: DateTime<Utc>,
) -> sqlx::Result<Page<Plant>> {
    let (rows, next) = list::<PlantRow>(db, user, filter, after, limit, now).await?;
    Ok(Page { rows: rows.into_iter().map(Plant::from).collect(), next })
}

/// Lists up to `limit` devices of the plants that a person sees after a position, by organization, portfolio, plant, name and id.
pub async fn list_devices(
    db: &mut impl Connection,
    user: &UserId,
    filter: &Filter,
    after: Position,
    limit: i64,
    now: DateTime<Utc>,
) -> sqlx::Result<Page<Device>> {
    let (rows, next) = list::<DeviceRow>(db, user, filter, after, limit, now).await?;
    Ok(Page { rows: rows.into_iter().map(|row| row.device).collect(), next })
}

/// Queries one range of organizations after the other until the page is full, or no organization is left.
async fn list<R: Listed>(
    db: &mut impl Connection,
    user: &UserId,
    filter: &Filter,
    mut after: Position,
    limit: i64,
    now: DateTime<Utc>,
) -> sqlx::Result<(Vec<R>, Option<Position>)> {
    let (most, mut rows) = (limit.unsigned_abs() as usize, Vec::new());
    loop {
        let mut range = next_organizations(db, user, filter, &after.organization, limit + 1, now).await?;
        let following = if range.len() > most { range.pop() } else { None };
        let (Some(first), Some(last)) = (range.first().cloned(), range.last().cloned()) else { break };
        let wanted = limit + 1 - rows.len() as i64;
        rows.extend(R::fetch(db, &PageQuery { user, filter, now, first, last, after: &after, limit: wanted }).await?);
        match following {
            Some(following) if rows.len() <= most => {
                after = Position { organization: following.to_string(), ..Position::default() };
            }
            _ => break,
        }
    }
    let is_cut = rows.len() > most;
    rows.truncate(most);
    let next = rows.last().filter(|_| is_cut).map(R::position);
    Ok((rows, next))
}

/// Returns the next organizations in which a person sees something, from an id on: at most `limit`, or the one of the filter.
async fn next_organizations(
    db: &mut impl Connection,
    user: &UserId,
    filter: &Filter,
    from: &str,
    limit: i64,
    now: DateTime<Utc>,
) -> sqlx::Result<Vec<OrganizationId>> {
    if let Some(organization) = &filter.organization {
        return Ok(vec![organization.clone()]);
    }
    let found: Vec<(OrganizationId,)> = fetch!(db, fetch_all as (OrganizationId,), NEXT_ORGANIZATIONS, user, now, from, limit)?;
    Ok(found.into_iter().map(|(id,)| id).collect())
}
