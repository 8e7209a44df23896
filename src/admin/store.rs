//! SQL of administration.

use sqlx::FromRow;

use crate::{
    account_columns,
    accounts::{model::Account, store::search_pattern},
    fetch,
    foundation::db::Connection,
};

/// A user, as listed for administrators.
#[derive(Debug, FromRow)]
pub struct UserSummary {
    /// The account.
    #[sqlx(flatten)]
    pub account: Account,
    /// Whether the account is enabled.
    pub is_enabled: bool,
    /// Number of sessions. May include some that expired in the last minutes.
    pub sessions: i64,
}

/// Returns up to `limit` users by username: all, or those whose username or email address contains `search`.
pub async fn search_users(db: &mut impl Connection, search: &str, limit: i64) -> sqlx::Result<Vec<UserSummary>> {
    fetch!(
        db,
        fetch_all as UserSummary,
        concat!(
            "SELECT ",
            account_columns!(),
            ", disabled_at IS NULL AS is_enabled,
                 (SELECT COUNT(*) FROM sessions WHERE sessions.user_id = users.id AND ended_at IS NULL
                      AND epoch >= (SELECT epoch FROM session_epochs)) AS sessions
             FROM users WHERE normalized_username LIKE $1 ESCAPE '!' OR normalized_email LIKE $1 ESCAPE '!' OR normalized_name LIKE $1 ESCAPE '!'
             ORDER BY normalized_username LIMIT $2"
        ),
        search_pattern(Some(search)).unwrap_or_else(|| "%".to_owned()), // all
        limit,
    )
}
