//! SQL of members.

use chrono::{DateTime, Utc};
use sqlx::FromRow;

use crate::{
    accounts::store::{normalize_identifier, search_pattern},
    execute, fetch,
    foundation::{
        db::{Connection, Tx},
        ids::{OrganizationId, UserId},
    },
    permissions::{
        members::model::Member,
        model::{OrganizationRole, Person},
    },
};

/// The columns of a [`MemberRow`].
macro_rules! columns {
    () => {
        "SELECT u.id, u.name, u.username, u.normalized_username, m.role, m.created_at, u.disabled_at IS NULL AS is_enabled
         FROM memberships m JOIN users u ON u.id = m.user_id "
    };
}

/// A member with the position in the list.
#[derive(Debug, FromRow)]
pub struct MemberRow {
    pub id: UserId,
    pub name: String,
    pub username: String,
    pub normalized_username: String,
    pub role: OrganizationRole,
    pub created_at: DateTime<Utc>,
    pub is_enabled: bool,
}

impl From<MemberRow> for Member {
    fn from(row: MemberRow) -> Self {
        let MemberRow { id, name, username, role, created_at, is_enabled, .. } = row;
        Self { user: Person { id, name, username }, role, since: created_at, enabled: is_enabled }
    }
}

/// Lists up to `limit` members by username, after a normalized username.
pub async fn list(
    db: &mut impl Connection,
    organization: &OrganizationId,
    search: Option<&str>,
    after: Option<&str>,
    limit: i64,
) -> sqlx::Result<Vec<MemberRow>> {
    fetch!(
        db,
        fetch_all as MemberRow,
        concat!(
            columns!(),
            "WHERE m.organization_id = $1 AND ($2 IS NULL OR u.normalized_username > $2)
             AND ($3 IS NULL OR u.normalized_username LIKE $3 ESCAPE '!' OR u.normalized_email LIKE $3 ESCAPE '!'
                 OR u.normalized_name LIKE $3 ESCAPE '!') ORDER BY u.normalized_username LIMIT $4"
        ),
        organization,
        after,
        search_pattern(search),
        limit,
    )
}

/// Finds a member by id, username or email address, enabled or not.
pub async fn find(db: &mut impl Connection, organization: &OrganizationId, user: &str) -> sqlx::Result<Option<Member>> {
    let sql = concat!(columns!(), "WHERE m.organization_id = $1 AND (u.id = $2 OR u.normalized_username = $2 OR u.normalized_email = $2)");
    Ok(fetch!(db, fetch_optional as MemberRow, sql, organization, normalize_identifier(user))?.map(Member::from))
}

/// Returns whether an organization has an enabled owner besides this person.
pub async fn has_other_owner(db: &mut impl Connection, organization: &OrganizationId, user: &UserId) -> sqlx::Result<bool> {
    let sql = "SELECT m.user_id FROM memberships m JOIN users u ON u.id = m.user_id
               WHERE m.organization_id = $1 AND m.role = 'owner' AND m.user_id <> $2 AND u.disabled_at IS NULL LIMIT 1";
    Ok(fetch!(db, fetch_optional as (String,), sql, organization, user)?.is_some())
}

/// Removes a member.
pub async fn remove(tx: &mut Tx, organization: &OrganizationId, user: &UserId) -> sqlx::Result<()> {
    execute!(tx, "DELETE FROM memberships WHERE organization_id = $1 AND user_id = $2", organization, user)?;
    Ok(())
}
