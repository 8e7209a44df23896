//! SQL of administration.

use sqlx::FromRow;

use crate::{
    accounts::{model::Account, store::key},
    fetch,
    foundation::db::Connection,
};

/// Somebody with an account, as an administrator sees them.
#[derive(Debug, FromRow)]
pub struct Person {
    /// Who.
    #[sqlx(flatten)]
    pub account: Account,
    /// Whether they can sign in.
    pub is_enabled: bool,
    /// How many sessions they have. Those that ran out in the last minutes may be among them.
    pub sessions: i64,
}

/// People by name, `most` at most: all, or those whose name or address holds `search`.
pub async fn people(db: &mut impl Connection, search: &str, most: i64) -> sqlx::Result<Vec<Person>> {
    let wild: String = key(search).chars().flat_map(|c| if matches!(c, '%' | '_' | '!') { vec!['!', c] } else { vec![c] }).collect();
    fetch!(
        db,
        fetch_all as Person,
        "SELECT id AS user_id, username, email, name, time_zone, is_admin, disabled_at IS NULL AS is_enabled,
             (SELECT COUNT(*) FROM sessions WHERE sessions.user_id = users.id AND ended_at IS NULL
                  AND epoch >= (SELECT epoch FROM session_epochs)) AS sessions
         FROM users WHERE username_key LIKE $1 ESCAPE '!' OR email_key LIKE $1 ESCAPE '!' ORDER BY username_key LIMIT $2",
        format!("%{wild}%"),
        most,
    )
}
