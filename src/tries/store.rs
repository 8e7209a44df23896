//! SQL of tries.

use chrono::{DateTime, Utc};

use crate::{execute, fetch, foundation::db::Tx};

/// Counts a try in one statement and says how many there are now; nothing is counted, or said, while a wait lasts.
pub async fn count_try(tx: &mut Tx, subject: &str, now: DateTime<Utc>, forgotten: DateTime<Utc>) -> sqlx::Result<Option<i64>> {
    let counted: Option<(i64,)> = fetch!(
        tx,
        fetch_optional as (i64,),
        "INSERT INTO sign_in_tries (subject, failures, last_at, blocked_until) VALUES ($1, 1, $2, $2)
         ON CONFLICT (subject) DO UPDATE SET last_at = excluded.last_at,
             failures = CASE WHEN sign_in_tries.last_at <= $3 THEN 1 ELSE sign_in_tries.failures + 1 END
         WHERE sign_in_tries.blocked_until <= excluded.last_at
         RETURNING failures",
        subject,
        now,
        forgotten,
    )?;
    Ok(counted.map(|(failures,)| failures))
}

pub async fn block(tx: &mut Tx, subject: &str, until: DateTime<Utc>) -> sqlx::Result<()> {
    execute!(tx, "UPDATE sign_in_tries SET blocked_until = $2 WHERE subject = $1", subject, until)?;
    Ok(())
}

pub async fn blocked_until(tx: &mut Tx, subject: &str) -> sqlx::Result<Option<DateTime<Utc>>> {
    let found: Option<(DateTime<Utc>,)> =
        fetch!(tx, fetch_optional as (DateTime<Utc>,), "SELECT blocked_until FROM sign_in_tries WHERE subject = $1", subject)?;
    Ok(found.map(|(until,)| until))
}

pub async fn forget_failures(tx: &mut Tx, subject: &str) -> sqlx::Result<()> {
    execute!(tx, "DELETE FROM sign_in_tries WHERE subject = $1", subject)?;
    Ok(())
}

/// Takes one try back. Failures before it still count: a right password for one account says nothing of the others.
pub async fn take_back(tx: &mut Tx, subject: &str) -> sqlx::Result<()> {
    execute!(tx, "UPDATE sign_in_tries SET failures = failures - 1, blocked_until = last_at WHERE subject = $1 AND failures > 0", subject,)?;
    Ok(())
}

/// Forgets up to `batch` counts whose last failure is long ago; how many.
pub async fn forget_old(tx: &mut Tx, before: DateTime<Utc>, batch: i64) -> sqlx::Result<u64> {
    execute!(
        tx,
        "DELETE FROM sign_in_tries WHERE subject IN (SELECT subject FROM sign_in_tries WHERE last_at < $1 LIMIT $2)",
        before,
        batch,
    )
}
