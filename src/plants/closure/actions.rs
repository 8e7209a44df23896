//! Closes and reopens remote access of a plant: while it is closed, no device answers anybody.

use serde_json::json;

use crate::{
    error::AppError,
    execute,
    foundation::{ids::PlantId, services::Services},
    permissions::{
        authorize::{begin_administration, begin_change},
        decide::Action,
        model::{ScopeId, check_reason},
    },
    reauthentication::actor::Actor,
    record,
};

/// Closes remote access. A plant that is closed already stays as it is.
///
/// Errors: those of [`begin_change`], and an invalid reason.
pub async fn close(services: &Services, actor: Actor<'_>, plant: &PlantId, reason: &str) -> Result<(), AppError> {
    let reason = check_reason(reason)?;
    let mut change = begin_change(services, actor, &ScopeId::Plant(plant.clone()), Action::Close).await?;
    let by = if let Actor::Principal(principal) = actor { Some(principal.account.id.clone()) } else { None };
    let sql = "UPDATE plants SET closed_at = $1, closed_by = $2, closed_reason = $3 WHERE id = $4 AND closed_at IS NULL";
    if execute!(&mut change.tx, sql, services.clock.now(), &by, &reason, plant)? > 0 {
        let event = actor.event(None, record::Action::RemoteAccessClosed, json!({ "plant": plant, "reason": reason }));
        record::write(&mut change.tx, &services.clock, event).await?;
    }
    Ok(change.tx.commit().await?)
}

/// Reopens remote access. Does nothing if it is open.
///
/// Errors: those of [`begin_administration`].
pub async fn reopen(services: &Services, actor: Actor<'_>, plant: &PlantId) -> Result<(), AppError> {
    let mut change = begin_administration(services, actor, &ScopeId::Plant(plant.clone()), Action::Administer).await?;
    let sql = "UPDATE plants SET closed_at = NULL, closed_by = NULL, closed_reason = NULL WHERE id = $1 AND closed_at IS NOT NULL";
    if execute!(&mut change.tx, sql, plant)? > 0 {
        let event = actor.event(None, record::Action::RemoteAccessReopened, json!({ "plant": plant }));
        record::write(&mut change.tx, &services.clock, event).await?;
    }
    Ok(change.tx.commit().await?)
}
