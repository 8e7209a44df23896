//! Lists of the plants and devices that a person sees. The same rule as `permissions::decide`, as SQL (AUT-1): a property test compares
//! the two.
//!
//! What a person sees is found from their side: grants and memberships name organizations, portfolios and plants, and indexes lead from
//! these to the rows. A list is a sequence of segments: parts in which the person sees everything, which are read in the order of an index
//! up to the end of the page, and parts in which grants name single plants, which are looked up. A page reads the next few of them only, so
//! that its cost follows the page, not the number of plants or grants. PostgreSQL plans the walk along an index anew each time: a plan for
//! all organizations sorts the whole of a large one.

use chrono::{DateTime, Utc};
use sqlx::FromRow;

use crate::{
    fetch,
    foundation::{
        db::Connection,
        http::page::containing,
        ids::{OrganizationId, PlantId, PortfolioId, UserId},
    },
    permissions::{
        model::{Person, Role, ScopeId},
        store::locate_scope,
    },
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

/// Greater than every id.
const LAST: &str = "z";

/// The bounds of the next scopes of the person `$1` at the time `$2`, at most `$4` of them, in organizations after `$3`: the first and the
/// last organization, and the number of scopes.
const NEXT_ORGANIZATIONS: &str = "SELECT MIN(organization_id), MAX(organization_id), COUNT(*) FROM (
         SELECT organization_id FROM (
             SELECT organization_id FROM (
                 SELECT organization_id FROM grants
                 WHERE user_id = $1 AND organization_id > $3 AND (expires_at IS NULL OR expires_at > $2)
                 ORDER BY organization_id LIMIT $4) granted
             UNION ALL SELECT organization_id FROM (
                 SELECT organization_id FROM memberships
                 WHERE user_id = $1 AND organization_id > $3 AND role IN ('owner', 'administrator')
                 ORDER BY organization_id LIMIT $4) administered
         ) scopes ORDER BY organization_id LIMIT $4
     ) next_scopes";

/// What the person `$1` sees at the time `$2` in the organizations from `$3` to `$4`: everything (0), portfolios (1), single plants (2).
const SCOPES: &str = "SELECT organization_id, kind, portfolio_id FROM (
         SELECT organization_id, CASE WHEN portfolio_id IS NULL THEN 0 ELSE 1 END AS kind, COALESCE(portfolio_id, '') AS portfolio_id
         FROM grants WHERE user_id = $1 AND organization_id BETWEEN $3 AND $4 AND plant_id IS NULL
             AND (expires_at IS NULL OR expires_at > $2)
         UNION SELECT organization_id, 2, '' FROM grants WHERE user_id = $1 AND organization_id BETWEEN $3 AND $4 AND plant_id IS NOT NULL
             AND (expires_at IS NULL OR expires_at > $2)
         UNION SELECT organization_id, 0, '' FROM memberships WHERE user_id = $1 AND organization_id BETWEEN $3 AND $4
             AND role IN ('owner', 'administrator')
     ) scopes ORDER BY organization_id, kind, portfolio_id";

/// The kinds of [`SCOPES`].
const EVERYTHING: i32 = 0;
const PORTFOLIO: i32 = 1;
const SINGLE_PLANTS: i32 = 2;

/// Begins a query with the page of rows of `$table` whose plants are named by active grants of the person `$1` at the time `$2` in the
/// organizations from `$3` to `$4`, unless another segment has their whole portfolio. `$plant` is the column with the id of the plant,
/// `$columns` are those that are ordered by, `$order` is the order, and `$filter` are the conditions of the list. Each step is
/// materialized, because a planner that sees through it may expect the page to fill early, and read the whole table in its order.
macro_rules! named_page {
    ($table:literal, $plant:literal, $columns:literal, $order:literal, $limit:literal, $filter:expr) => {
        concat!(
            "WITH named AS MATERIALIZED (SELECT DISTINCT plant_id FROM grants WHERE user_id = $1 AND organization_id BETWEEN $3 AND $4
                 AND plant_id IS NOT NULL AND (expires_at IS NULL OR expires_at > $2)),
             candidates AS MATERIALIZED (SELECT ",
            $columns,
            " FROM named JOIN ",
            $table,
            " t ON ",
            $plant,
            " = named.plant_id WHERE NOT EXISTS (SELECT 1 FROM grants g WHERE g.user_id = $1 AND g.organization_id = t.organization_id
                 AND g.portfolio_id = t.portfolio_id AND g.plant_id IS NULL AND (g.expires_at IS NULL OR g.expires_at > $2)) AND ",
            $filter,
            "), page AS MATERIALIZED (SELECT id FROM candidates ORDER BY ",
            $order,
            " LIMIT ",
            $limit,
            ") "
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
          WHERE g.user_id = $1 AND g.organization_id = t.organization_id AND COALESCE(g.portfolio_id, '') IN ('', t.portfolio_id) \
          AND COALESCE(g.plant_id, '') IN ('', t.id) AND (g.expires_at IS NULL OR g.expires_at > $2)) AS role_bits"
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

/// The conditions of a list of plants, except those of the segment.
macro_rules! plant_filter {
    () => {
        "($11 IS NULL OR t.kind = $11)
         AND ($12 IS NULL OR t.normalized_name LIKE $12 ESCAPE '!' OR t.normalized_place LIKE $12 ESCAPE '!' OR EXISTS (
             SELECT 1 FROM devices d WHERE d.plant_id = t.id AND (d.normalized_name LIKE $12 ESCAPE '!' OR d.host LIKE $12 ESCAPE '!')))"
    };
}

/// The conditions of a list of devices, except those of the segment.
macro_rules! device_filter {
    () => {
        "($13 IS NULL OR t.normalized_name LIKE $13 ESCAPE '!' OR t.host LIKE $13 ESCAPE '!')"
    };
}

const ALL_PLANTS: &str = concat!(
    "SELECT ",
    plant_columns!(),
    " FROM plants t LEFT JOIN users closer ON closer.id = t.closed_by WHERE t.organization_id = $3
      AND (t.portfolio_id, t.normalized_name, t.id) > ($6, $7, $8) AND t.portfolio_id <= $9 AND ",
    plant_filter!(),
    " ORDER BY t.portfolio_id, t.normalized_name, t.id LIMIT $10"
);

const NAMED_PLANTS: &str = concat!(
    named_page!(
        "plants",
        "t.id",
        "t.id, t.organization_id, t.portfolio_id, t.normalized_name",
        "organization_id, portfolio_id, normalized_name, id",
        "$10",
        concat!(
            "(t.organization_id, t.portfolio_id, t.normalized_name, t.id) > ($5, $6, $7, $8)
                 AND (t.organization_id, t.portfolio_id) <= ($4, $9) AND ",
            plant_filter!()
        )
    ),
    "SELECT ",
    plant_columns!(),
    " FROM page JOIN plants t ON t.id = page.id LEFT JOIN users closer ON closer.id = t.closed_by
      ORDER BY t.organization_id, t.portfolio_id, t.normalized_name, t.id"
);

const ALL_DEVICES: &str = concat!(
    "SELECT ",
    device_columns!(),
    " FROM devices t WHERE t.organization_id = $3
      AND (t.portfolio_id, t.plant_id, t.normalized_name, t.id) > ($6, $7, $8, $9) AND (t.portfolio_id, t.plant_id) <= ($10, $11) AND ",
    device_filter!(),
    " ORDER BY t.portfolio_id, t.plant_id, t.normalized_name, t.id LIMIT $12"
);

const NAMED_DEVICES: &str = concat!(
    named_page!(
        "devices",
        "t.plant_id",
        "t.id, t.organization_id, t.portfolio_id, t.plant_id, t.normalized_name",
        "organization_id, portfolio_id, plant_id, normalized_name, id",
        "$12",
        concat!(
            "(t.organization_id, t.portfolio_id, t.plant_id, t.normalized_name, t.id) > ($5, $6, $7, $8, $9)
                 AND (t.organization_id, t.portfolio_id, t.plant_id) <= ($4, $10, $11) AND ",
            device_filter!()
        )
    ),
    "SELECT ",
    device_columns!(),
    " FROM page JOIN devices t ON t.id = page.id ORDER BY t.organization_id, t.portfolio_id, t.plant_id, t.normalized_name, t.id"
);

/// The part of the list within a range of organizations, up to a portfolio of the last one.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Segment {
    first: String,
    last: String,
    /// The first portfolio of the first organization. Empty: from its first on.
    from: String,
    /// The last portfolio of the last organization.
    to: String,
    /// Whether the person sees everything in it. Then it is one organization or one portfolio.
    is_everything: bool,
}

#[derive(FromRow)]
struct ScopeRow {
    organization_id: OrganizationId,
    kind: i32,
    portfolio_id: String,
}

/// Returns the segments of the list in which a person with these scopes sees something, in their order.
fn segments(scopes: &[ScopeRow]) -> Vec<Segment> {
    let mut segments: Vec<Segment> = Vec::new();
    for scopes in scopes.chunk_by(|a, b| a.organization_id == b.organization_id) {
        let organization = scopes[0].organization_id.to_string();
        let segment = |from: &str, to: &str, is_everything| {
            let (first, last) = (organization.clone(), organization.clone());
            Segment { first, last, from: from.to_owned(), to: to.to_owned(), is_everything }
        };
        if scopes[0].kind == EVERYTHING {
            segments.push(segment("", LAST, true));
            continue;
        }
        let names_plants = scopes.iter().any(|scope| scope.kind == SINGLE_PLANTS);
        let mut from = "";
        for scope in scopes.iter().filter(|scope| scope.kind == PORTFOLIO) {
            segments.extend(names_plants.then(|| segment(from, &scope.portfolio_id, false)));
            segments.push(segment(&scope.portfolio_id, &scope.portfolio_id, true));
            from = &scope.portfolio_id;
        }
        match segments.last_mut() {
            _ if !names_plants => {}
            // One query for organizations that follow each other.
            Some(last) if !last.is_everything && last.to == LAST && from.is_empty() => last.last = organization,
            _ => segments.push(segment(from, LAST, false)),
        }
    }
    segments
}

impl Segment {
    /// Returns the part of the segment after a position and within a portfolio, and the position where it begins. `None` if there is none.
    fn after(mut self, after: &Position, bounds: &Bounds) -> Option<(Self, Position)> {
        if let Some(portfolio) = &bounds.portfolio {
            self.from = self.from.max(portfolio.to_string());
            self.to = self.to.min(portfolio.to_string());
        }
        let first = bounds.plant.as_ref().map(PlantId::to_string).unwrap_or_default();
        let start = Position { organization: self.first.clone(), portfolio: self.from.clone(), first, ..Position::default() };
        let key = |position: &Position| (position.organization.clone(), position.portfolio.clone(), position.first.clone());
        let start = if key(after) < key(&start) { start } else { after.clone() };
        let is_empty = (&self.last, &self.to) < (&start.organization, &start.portfolio);
        (!is_empty).then_some((self, start))
    }
}

/// A query of one page, within a segment.
struct PageQuery<'a> {
    user: &'a UserId,
    filter: &'a Filter,
    now: DateTime<Utc>,
    segment: Segment,
    start: Position,
    /// The last plant, for devices.
    last_plant: &'a str,
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
        let PageQuery { user, filter, now, segment, start, limit, .. } = query;
        let Segment { first, last, to, is_everything, .. } = segment;
        let Position { organization, portfolio, first: name, second: id, .. } = start;
        let kind = filter.kind.map(PlantKind::key);
        fetch!(
            db,
            fetch_all as Self,
            replanned: *is_everything,
            if *is_everything { ALL_PLANTS } else { NAMED_PLANTS },
            user,
            now,
            first,
            last,
            organization,
            portfolio,
            name,
            id,
            to,
            limit,
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
        let PageQuery { user, filter, now, segment, start, last_plant, limit } = query;
        let Segment { first, last, to, is_everything, .. } = segment;
        let Position { organization, portfolio, first: plant, second: name, third: id } = start;
        fetch!(
            db,
            fetch_all as Self,
            replanned: *is_everything,
            if *is_everything { ALL_DEVICES } else { NAMED_DEVICES },
            user,
            now,
            first,
            last,
            organization,
            portfolio,
            plant,
            name,
            id,
            to,
            last_plant,
            limit,
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
    let filter = Filter { plant: None, ..filter.clone() };
    let (rows, next) = list::<PlantRow>(db, user, &filter, after, limit, now).await?;
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

/// Where a filter confines the list to.
struct Bounds {
    organization: Option<OrganizationId>,
    portfolio: Option<PortfolioId>,
    plant: Option<PlantId>,
}

impl Bounds {
    /// Returns `None` if there is no such place.
    async fn find(db: &mut impl Connection, filter: &Filter) -> sqlx::Result<Option<Self>> {
        let Filter { organization, portfolio, plant, .. } = filter.clone();
        let scope = match (&plant, &portfolio) {
            (Some(plant), _) => ScopeId::Plant(plant.clone()),
            (None, Some(portfolio)) => ScopeId::Portfolio(portfolio.clone()),
            (None, None) => return Ok(Some(Self { organization, portfolio, plant })),
        };
        let Some((found, found_portfolio)) = locate_scope(db, &scope).await? else { return Ok(None) };
        let is_elsewhere = organization.is_some_and(|organization| organization != found)
            || portfolio.is_some_and(|portfolio| Some(&portfolio) != found_portfolio.as_ref());
        Ok((!is_elsewhere).then_some(Self { organization: Some(found), portfolio: found_portfolio, plant }))
    }
}

/// Reads one segment after the other until the page is full, or no segment is left.
async fn list<R: Listed>(
    db: &mut impl Connection,
    user: &UserId,
    filter: &Filter,
    after: Position,
    limit: i64,
    now: DateTime<Utc>,
) -> sqlx::Result<(Vec<R>, Option<Position>)> {
    let (most, mut rows, mut scope_count) = (limit.unsigned_abs() as usize, Vec::new(), limit + 1);
    let Some(bounds) = Bounds::find(db, filter).await? else { return Ok((rows, None)) };
    let last_plant = bounds.plant.as_ref().map_or(LAST, PlantId::as_str);
    let mut range = first_range(db, user, &bounds, &after, scope_count, now).await?;
    while let Some(Range { first, last, is_last }) = range {
        let scopes = fetch!(db, fetch_all as ScopeRow, SCOPES, user, now, first, last)?;
        for (segment, start) in segments(&scopes).into_iter().filter_map(|segment| segment.after(&after, &bounds)) {
            let limit = limit + 1 - rows.len() as i64;
            rows.extend(R::fetch(db, &PageQuery { user, filter, now, segment, start, last_plant, limit }).await?);
            if rows.len() > most {
                break;
            }
        }
        if is_last || rows.len() > most {
            break;
        }
        // Where little is found, for example by a search, larger steps take fewer queries.
        scope_count *= 2;
        range = next_range(db, user, &last, scope_count, now).await?;
    }
    let is_cut = rows.len() > most;
    rows.truncate(most);
    let next = rows.last().filter(|_| is_cut).map(R::position);
    Ok((rows, next))
}

/// A range of organizations.
struct Range {
    first: String,
    last: String,
    /// Whether no other one follows.
    is_last: bool,
}

/// Returns the organization of the filter, the one in which the page begins, or the first ones of the person.
async fn first_range(
    db: &mut impl Connection,
    user: &UserId,
    bounds: &Bounds,
    after: &Position,
    scope_count: i64,
    now: DateTime<Utc>,
) -> sqlx::Result<Option<Range>> {
    let one = |id: &str, is_last| Some(Range { first: id.to_owned(), last: id.to_owned(), is_last });
    match &bounds.organization {
        Some(organization) => Ok(one(organization.as_str(), true)),
        None if !after.organization.is_empty() => Ok(one(&after.organization, false)),
        None => next_range(db, user, "", scope_count, now).await,
    }
}

/// Returns the organizations of the next scopes of a person, after an organization. `None` if there are none.
async fn next_range(
    db: &mut impl Connection,
    user: &UserId,
    after: &str,
    scope_count: i64,
    now: DateTime<Utc>,
) -> sqlx::Result<Option<Range>> {
    type Row = (Option<String>, Option<String>, i64);
    let (first, last, found): Row = fetch!(db, fetch_one as Row, NEXT_ORGANIZATIONS, user, now, after, scope_count)?;
    Ok(first.zip(last).map(|(first, last)| Range { first, last, is_last: found < scope_count }))
}
