//! What a person says of themselves.

use serde_json::json;

use crate::{
    accounts::{
        actions::taken,
        model::{check_chosen_username, check_name},
        store as accounts,
    },
    audit::{self, Action, Recorded},
    error::AppError,
    foundation::services::Services,
    sessions::{
        actions::{by, lock_account},
        caller::Caller,
    },
    ui::date::time_zones,
};

/// So many events are shown.
const RECENT: i64 = 20;

/// Takes a person's own name, the name that they sign in by, and their time zone.
pub async fn describe(services: &Services, caller: &Caller, name: &str, username: &str, time_zone: &str) -> Result<(), AppError> {
    let (before, name) = (&caller.account, name.trim());
    check_name(name)?;
    // A name that one was given stays good, though nobody chooses it.
    if username != before.username {
        check_chosen_username(username)?;
    }
    if !time_zones().any(|known| known == time_zone) {
        return Err(AppError::invalid("time_zone", "There is no such time zone. Choose one of the list."));
    }
    let mut tx = services.db.write().await?;
    lock_account(&mut tx, caller).await?;
    accounts::describe(&mut tx, &before.id, username, name, time_zone).await.map_err(taken)?;
    let detail = json!({
        "name": name != before.name, "username": username != before.username, "time_zone": time_zone != before.time_zone,
    });
    audit::record(&mut tx, &services.clock, by(caller, Action::ProfileChanged, detail)).await?;
    Ok(tx.commit().await?)
}

/// What happened to the account last.
pub async fn recent(services: &Services, caller: &Caller) -> Result<Vec<Recorded>, AppError> {
    Ok(audit::recent(&mut services.db.read().await?, &caller.account.id, RECENT).await?)
}
