//! What an administrator does, so far from the command line alone. A running server honours it at the next request.

use serde_json::json;

use crate::{
    accounts::{actions::about, store as accounts},
    audit::{self, Action},
    error::AppError,
    foundation::{
        clock::Clock,
        config::Lifetimes,
        db::Db,
        ids::{SessionId, UserId},
    },
    sessions::{expiry::Cutoffs, model::EndReason, store as sessions},
};

/// Keeps an account from signing in and ends all its sessions (SES-5); how many.
pub async fn disable(db: &Db, clock: &Clock, lifetimes: &Lifetimes, user: &UserId) -> Result<usize, AppError> {
    let now = clock.now();
    let mut tx = db.write().await?;
    accounts::set_disabled(&mut tx, user, Some(now)).await?;
    let cutoffs = Cutoffs::at(lifetimes, now);
    let ended = sessions::end_others(&mut tx, user, None, cutoffs, now, EndReason::AccountDisabled).await?.len();
    audit::record(&mut tx, clock, about(user, Action::AccountDisabled, json!({ "sessions_ended": ended }))).await?;
    tx.commit().await?;
    Ok(ended)
}

/// Ends one session of a person, or all (SES-10); how many.
pub async fn revoke(db: &Db, clock: &Clock, lifetimes: &Lifetimes, user: &UserId, one: Option<&SessionId>) -> Result<usize, AppError> {
    let (now, reason) = (clock.now(), EndReason::RevokedByAdministrator);
    let cutoffs = Cutoffs::at(lifetimes, now);
    let mut tx = db.write().await?;
    let ended = match one {
        Some(id) => usize::from(sessions::end(&mut tx, user, id, cutoffs, now, reason).await?.is_some()),
        None => sessions::end_others(&mut tx, user, None, cutoffs, now, reason).await?.len(),
    };
    let detail = json!({ "session": one, "sessions_ended": ended });
    audit::record(&mut tx, clock, about(user, Action::SessionsRevokedByAdministrator, detail)).await?;
    tx.commit().await?;
    Ok(ended)
}
