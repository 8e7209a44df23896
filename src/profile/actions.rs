//! Updates the user's profile, and lists the recent events of the account.

use serde_json::json;

use crate::{
    accounts::{
        actions::map_unique_violation,
        model::{check_chosen_username, check_name},
        store as accounts,
    },
    error::AppError,
    foundation::services::Services,
    mail::{self, Content, Kind},
    reauthentication::actions::require_recent,
    record::{self, Action, RecordedEvent},
    sessions::{
        actions::{audit_event, lock_account},
        caller::CurrentSession,
    },
    ui::date::time_zones,
};

/// Maximum number of events shown.
const MAX_RECENT_EVENTS: i64 = 20;

/// Updates the user's name, username and time zone. A new username requires a recent reauthentication, and the user is notified
/// of it by mail.
///
/// Errors: [`AppError::Invalid`] with the field, [`AppError::ReauthenticationRequired`].
pub async fn update(services: &Services, caller: &CurrentSession, name: &str, username: &str, time_zone: &str) -> Result<(), AppError> {
    let (before, name) = (&caller.account, name.trim());
    check_name(name)?;
    // An assigned username stays valid, even if the rules for chosen ones would refuse it.
    let is_renamed = username != before.username;
    if is_renamed {
        require_recent(services, caller)?;
        check_chosen_username(username)?;
    }
    if !time_zones().any(|known| known == time_zone) {
        return Err(AppError::invalid("time_zone", "This time zone is unknown. Choose one from the list."));
    }
    let mut tx = services.db.write().await?;
    lock_account(&mut tx, caller).await?;
    accounts::update_profile(&mut tx, &before.id, username, name, time_zone).await.map_err(map_unique_violation)?;
    let detail = json!({
        "name": name != before.name, "username": is_renamed, "time_zone": time_zone != before.time_zone,
    });
    services.recorder.write(&mut tx, audit_event(caller, Action::ProfileChanged, detail)).await?;
    if is_renamed {
        mail::enqueue(&mut tx, services, before, Kind::ProfileChanged, username_changed_email(caller, username)).await?;
    }
    Ok(tx.commit().await?)
}

fn username_changed_email(caller: &CurrentSession, username: &str) -> Content {
    Content::new("Your username was changed", "You get this email for every change of your username.")
        .paragraph("The username of your Whereabouts account was changed. Sign in with the new username or with this email address.")
        .fact("Old username", &caller.account.username)
        .fact("New username", username)
        .fact("IP address", caller.client_info.ip.to_string())
        .button("Review your profile", "/profile?tab=profile")
        .note("If this was not you, change your password immediately and review your sessions.")
}

/// Returns the most recent events of the account, at most [`MAX_RECENT_EVENTS`].
pub async fn recent_events(services: &Services, caller: &CurrentSession) -> Result<Vec<RecordedEvent>, AppError> {
    Ok(record::recent(&mut services.db.read().await?, &caller.account.id, MAX_RECENT_EVENTS).await?)
}
