//! Finds the ids behind names, among what the reader may know.

use sqlx::FromRow;

use crate::{
    accounts::store::{normalize_identifier, normalize_name},
    audit::log::store::walk::View,
    fetch,
    foundation::{db::Connection, http::page::containing, ids::UserId},
    one_of,
};

/// Most ids behind a name.
pub const MAX_MATCHES: usize = 200;
/// How many of the latest events of a person are looked at to see whether they were in an organization of the reader.
const RECENT: i64 = 5_000;

/// Something that a name may mean.
#[derive(Debug, Clone, FromRow)]
pub struct Named {
    /// Its id.
    pub id: String,
    /// Whether the name is its whole name.
    pub is_exact: bool,
}

/// The organizations in which the person `$1` reads events at the time `$2`.
macro_rules! readable {
    () => {
        "(SELECT organization_id FROM memberships WHERE user_id = $1 AND role = 'owner'
          UNION SELECT organization_id FROM grants
          WHERE user_id = $1 AND role IN ('operator', 'auditor') AND (expires_at IS NULL OR expires_at > $2))"
    };
}

/// The people `u` that a text means: by username, email address, or part of the name.
macro_rules! people {
    ($from:expr) => {
        concat!(
            "SELECT u.id, (u.normalized_username = $3 OR u.normalized_email = $3 OR u.normalized_name = $4) AS is_exact FROM users u ",
            $from,
            " (u.normalized_username = $3 OR u.normalized_email = $3 OR u.normalized_name LIKE $5 ESCAPE '!')
              AND $1 <> '' AND $2 IS NOT NULL ORDER BY u.id LIMIT $6"
        )
    };
}

const EVERYBODY: &str = people!("WHERE");
const KNOWN: &str = people!(concat!(
    "WHERE u.id IN (
         SELECT CAST($1 AS TEXT) UNION SELECT user_id FROM memberships WHERE organization_id IN ",
    readable!(),
    " UNION SELECT user_id FROM grants WHERE organization_id IN ",
    readable!(),
    " UNION SELECT user_id FROM vendor_people WHERE organization_id IN ",
    readable!(),
    ") AND"
));

/// Finds people: for platform administrators among everybody, for others among themselves and the people of the organizations in which they
/// read events.
pub async fn find_people(db: &mut impl Connection, view: View<'_>, text: &str) -> sqlx::Result<Vec<Named>> {
    let sql = if view.is_platform_administrator { EVERYBODY } else { KNOWN };
    let (identifier, name) = (normalize_identifier(text), normalize_name(text));
    let pattern = containing(&name);
    let View { user, now, .. } = view;
    fetch!(db, fetch_all as Named, sql, user, now, identifier, name, pattern, MAX_MATCHES as i64 + 1)
}

/// Finds the account with this username or email address, enabled or not.
pub async fn find_account(db: &mut impl Connection, text: &str) -> sqlx::Result<Option<String>> {
    let sql = "SELECT id FROM users WHERE normalized_username = $1 OR normalized_email = $1";
    let found = fetch!(db, fetch_optional as (String,), sql, normalize_identifier(text))?;
    Ok(found.map(|(id,)| id))
}

/// Returns whether a person has acted, or was concerned, in an organization in which the reader reads events: for people who were there
/// before.
pub async fn was_there(db: &mut impl Connection, view: View<'_>, person: &UserId) -> sqlx::Result<bool> {
    const SQL: &str = concat!(
        "SELECT COUNT(*) FROM (
             SELECT organization_id FROM (
                 SELECT organization_id FROM audit_events WHERE actor_id = $3 ORDER BY id DESC LIMIT $4) acted
             UNION SELECT organization_id FROM (
                 SELECT organization_id FROM audit_events WHERE subject_id = $3 ORDER BY id DESC LIMIT $4) concerned
         ) places WHERE organization_id IN ",
        readable!()
    );
    let View { user, now, .. } = view;
    let (count,): (i64,) = fetch!(db, fetch_one as (i64,), SQL, user, now, person, RECENT)?;
    Ok(count > 0)
}

/// Things `t` of a table that a text means, among those in which the person `$1` has a role at the time `$2`: by part of the name.
macro_rules! things {
    ($table:literal, $organization:literal, $within:expr, $grant:literal) => {
        concat!(
            "SELECT t.id, t.normalized_name = $3 AS is_exact FROM ",
            $table,
            " t WHERE ",
            $within,
            "t.normalized_name LIKE $4 ESCAPE '!' AND ($5 OR ",
            $organization,
            " IN (
                 SELECT organization_id FROM memberships WHERE user_id = $1 AND role IN ('owner', 'administrator')
             ) OR EXISTS (
                 SELECT 1 FROM grants g LEFT JOIN plants gp ON gp.id = g.plant_id
                 WHERE g.user_id = $1 AND g.organization_id = ",
            $organization,
            " AND (g.expires_at IS NULL OR g.expires_at > $2)",
            $grant,
            ")) ORDER BY t.id LIMIT $6"
        )
    };
}

/// Leads from the organizations of the person `$1` to the things `t` in them, so that those of others are not read.
macro_rules! within {
    () => {
        "t.organization_id IN (SELECT organization_id FROM memberships WHERE user_id = $1
             UNION SELECT organization_id FROM grants WHERE user_id = $1) AND "
    };
}

/// What has a name of its own in an organization.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Thing {
    /// An organization.
    Organization,
    /// A portfolio.
    Portfolio,
    /// A plant.
    Plant,
    /// A device.
    Device,
}

impl Thing {
    fn sql(self) -> &'static str {
        match self {
            Self::Organization => things!("organizations", "t.id", "", ""),
            Self::Portfolio => {
                things!("portfolios", "t.organization_id", within!(), " AND COALESCE(g.portfolio_id, gp.portfolio_id, t.id) = t.id")
            }
            Self::Plant => things!(
                "plants",
                "t.organization_id",
                within!(),
                " AND COALESCE(g.portfolio_id, t.portfolio_id) = t.portfolio_id AND COALESCE(g.plant_id, t.id) = t.id"
            ),
            Self::Device => things!(
                "devices",
                "t.organization_id",
                within!(),
                " AND COALESCE(g.portfolio_id, t.portfolio_id) = t.portfolio_id AND COALESCE(g.plant_id, t.plant_id) = t.plant_id"
            ),
        }
    }
}

/// Finds things by name, among those that a person sees. Platform administrators see all organizations.
pub async fn find_things(db: &mut impl Connection, view: View<'_>, thing: Thing, text: &str) -> sqlx::Result<Vec<Named>> {
    let View { user, now, .. } = view;
    let sees_all = view.is_platform_administrator && thing == Thing::Organization;
    let name = normalize_name(text);
    let pattern = containing(&name);
    fetch!(db, fetch_all as Named, thing.sql(), user, now, name, pattern, sees_all, MAX_MATCHES as i64 + 1)
}

/// Lists the ids and names of a person's API tokens.
pub async fn list_tokens(db: &mut impl Connection, user: &UserId) -> sqlx::Result<Vec<(String, String)>> {
    fetch!(db, fetch_all as (String, String), "SELECT id, name FROM api_tokens WHERE user_id = $1", user)
}

/// Lists the ids and devices of a person's sessions, ended ones too.
pub async fn list_sessions(db: &mut impl Connection, user: &UserId) -> sqlx::Result<Vec<(String, String)>> {
    let sql = "SELECT id, device_label FROM sessions WHERE user_id = $1
               UNION SELECT id, device_label FROM ended_sessions WHERE user_id = $1";
    fetch!(db, fetch_all as (String, String), sql, user)
}

/// Returns the plants of devices, and the organizations of portfolios, for ids that exist.
pub async fn list_containers(db: &mut impl Connection, thing: Thing, ids: &[String]) -> sqlx::Result<Vec<String>> {
    let sql = match thing {
        Thing::Device => one_of!(db, "SELECT id, plant_id FROM devices WHERE id IN ", "$1", ""),
        _ => one_of!(db, "SELECT id, organization_id FROM portfolios WHERE id IN ", "$1", ""),
    };
    let list = serde_json::json!(ids).to_string();
    let rows = fetch!(db, fetch_all as (String, String), sql, list)?;
    Ok(rows.into_iter().map(|(_, container)| container).collect())
}
