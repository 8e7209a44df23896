//! SQL of the list of ended sessions.

use chrono::{DateTime, Utc};
use sqlx::FromRow;

use crate::{
    fetch,
    foundation::{
        db::Connection,
        ids::{SessionId, TokenId, UserId},
    },
    sessions::{
        model::EndReason,
        store::{SessionRow, columns},
    },
};

/// An ended session.
#[derive(Debug, FromRow)]
pub struct EndedRow {
    #[sqlx(flatten)]
    pub session: SessionRow,
    pub ended_at: DateTime<Utc>,
    pub end_reason: EndReason,
    pub ended_by_session_id: Option<SessionId>,
    pub ended_by_token_id: Option<TokenId>,
    /// Name of the device of that session, or of that API token.
    pub ended_by_name: Option<String>,
}

/// The first rows of one source, newest first. Each source is cut by itself, so that it reads no more rows than a page has.
macro_rules! first_of {
    ($source:expr) => {
        concat!(
            "SELECT * FROM (SELECT * FROM (",
            $source,
            ") source WHERE ended_at > $2 AND (ended_at, id) < ($3, $4) ORDER BY ended_at DESC, id DESC LIMIT $5) rows_of_source"
        )
    };
}

/// Lists up to `limit` sessions of a user that ended after `since`, newest first, after a position. They are archived, about to be, or cut
/// off because everybody was signed out (`sessions::epoch`).
pub async fn list(
    db: &mut impl Connection,
    user: &UserId,
    since: DateTime<Utc>,
    (before, id): (DateTime<Utc>, &str),
    limit: i64,
) -> sqlx::Result<Vec<EndedRow>> {
    let sql = concat!(
        "SELECT * FROM (",
        first_of!(concat!(
            "SELECT ",
            columns!(),
            ", ended_at, end_reason, ended_by_session_id, ended_by_token_id, ended_by_name FROM ended_sessions WHERE user_id = $1"
        )),
        " UNION ALL ",
        first_of!(concat!(
            "SELECT ",
            columns!(),
            ", ended_at, end_reason, ended_by_session_id, ended_by_token_id, ended_by_name FROM sessions
             WHERE user_id = $1 AND ended_at IS NOT NULL"
        )),
        " UNION ALL ",
        first_of!(concat!(
            "SELECT ",
            columns!(),
            ", (SELECT started_at FROM session_epochs) AS ended_at, $6 AS end_reason, NULL AS ended_by_session_id,
                 NULL AS ended_by_token_id, NULL AS ended_by_name FROM sessions
             WHERE user_id = $1 AND ended_at IS NULL AND epoch < (SELECT epoch FROM session_epochs)"
        )),
        ") ended ORDER BY ended_at DESC, id DESC LIMIT $5"
    );
    fetch!(db, fetch_all as EndedRow, sql, user, since, before, id, limit, EndReason::EverybodySignedOut)
}
