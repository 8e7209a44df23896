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
    mail::{self, Kind, Letter},
    proof::actions::require_fresh,
    sessions::{
        actions::{by, lock_account},
        caller::Caller,
    },
    ui::date::time_zones,
};

/// So many events are shown.
const RECENT: i64 = 20;

/// Takes a person's own name, the name that they sign in by, and their time zone. Another username asks for recent
/// authentication, and is notified by mail.
pub async fn describe(services: &Services, caller: &Caller, name: &str, username: &str, time_zone: &str) -> Result<(), AppError> {
    let (before, name) = (&caller.account, name.trim());
    check_name(name)?;
    // A name that one was given stays good, though nobody chooses it.
    let is_renamed = username != before.username;
    if is_renamed {
        require_fresh(services, caller)?;
        check_chosen_username(username)?;
    }
    if !time_zones().any(|known| known == time_zone) {
        return Err(AppError::invalid("time_zone", "There is no such time zone. Choose one of the list."));
    }
    let mut tx = services.db.write().await?;
    lock_account(&mut tx, caller).await?;
    accounts::describe(&mut tx, &before.id, username, name, time_zone).await.map_err(taken)?;
    let detail = json!({
        "name": name != before.name, "username": is_renamed, "time_zone": time_zone != before.time_zone,
    });
    audit::record(&mut tx, &services.clock, by(caller, Action::ProfileChanged, detail)).await?;
    if is_renamed {
        mail::tell(&mut tx, services, before, Kind::ProfileChanged, renamed_letter(caller, username)).await?;
    }
    Ok(tx.commit().await?)
}

fn renamed_letter(caller: &Caller, username: &str) -> Letter {
    Letter::new("Your username was changed", "You are notified whenever your username is changed.")
        .say("The username of your Whereabouts account was changed. You sign in with the new one, or with this email address.")
        .fact("Old username", &caller.account.username)
        .fact("New username", username)
        .fact("IP address", caller.origin.ip.to_string())
        .lead("Review your profile", "/profile?tab=profile")
        .advise("If it was not you, change your password at once and review your sessions.")
}

/// What happened to the account last.
pub async fn recent(services: &Services, caller: &Caller) -> Result<Vec<Recorded>, AppError> {
    Ok(audit::recent(&mut services.db.read().await?, &caller.account.id, RECENT).await?)
}
