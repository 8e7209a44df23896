//! What a person may read, from their side.

use chrono::{DateTime, Utc};
use sqlx::FromRow;

use crate::{
    audit::log::visibility::ScopedGrant,
    fetch,
    foundation::{
        db::Connection,
        ids::{GrantId, OrganizationId, UserId},
    },
    permissions::{decide::GrantedRole, model::Role},
};

/// An organization in which a person may read events: of one plant, or of more.
#[derive(Debug, FromRow)]
pub struct ReadableScope {
    /// The organization.
    pub organization_id: String,
    /// The plant. `None`: more than one plant.
    pub plant_id: Option<String>,
}

/// Lists where a person may read the audit log.
pub async fn list_readable(db: &mut impl Connection, user: &UserId, now: DateTime<Utc>) -> sqlx::Result<Vec<ReadableScope>> {
    let sql = "SELECT organization_id, plant_id FROM grants
               WHERE user_id = $1 AND role IN ('operator', 'auditor') AND (expires_at IS NULL OR expires_at > $2)
               UNION SELECT organization_id, NULL FROM memberships WHERE user_id = $1 AND role = 'owner'
               ORDER BY organization_id, plant_id";
    fetch!(db, fetch_all as ReadableScope, sql, user, now)
}

#[derive(FromRow)]
struct GrantRow {
    id: GrantId,
    role: Role,
    portfolio_id: Option<String>,
    plant_id: Option<String>,
    expires_at: Option<DateTime<Utc>>,
}

/// Lists the grants of a person in an organization, expired ones too.
pub async fn list_grants(db: &mut impl Connection, user: &UserId, organization: &OrganizationId) -> sqlx::Result<Vec<ScopedGrant>> {
    let sql = "SELECT id, role, portfolio_id, plant_id, expires_at FROM grants WHERE user_id = $1 AND organization_id = $2";
    let rows = fetch!(db, fetch_all as GrantRow, sql, user, organization)?;
    let scoped = |GrantRow { id, role, portfolio_id, plant_id, expires_at }| ScopedGrant {
        portfolio: portfolio_id,
        plant: plant_id,
        granted: GrantedRole { grant: id, role, expires_at },
    };
    Ok(rows.into_iter().map(scoped).collect())
}
