//! Closes and reopens remote access, for pages, the API and the command line.

use serde_json::json;

use crate::{
    error::AppError,
    foundation::{ids::PlantId, services::Services},
    mail::{self, Content, Kind},
    permissions::{
        authorize::{self, Change},
        decide::Action as Permitted,
        model::{ScopeId, check_reason},
        store as permissions,
    },
    plants::{actions as plants, closure::emails, model::Plant, organizations::store as organizations, store},
    reauthentication::actor::Actor,
    record::Action,
};

/// Closes remote access of a plant, for its operators and for those who administer the organization: it must be quick, so it requires no
/// recent authentication. The owners are notified. If it is closed already, the reason is replaced.
///
/// Errors: those of [`authorize::begin_change`]; [`AppError::Invalid`] for the reason.
pub async fn close(services: &Services, actor: Actor<'_>, id: &PlantId, reason: &str) -> Result<Plant, AppError> {
    let mut change = authorize::begin_change(services, actor, &ScopeId::Plant(id.clone()), Permitted::Close).await?;
    let reason = check_reason(reason)?;
    let before = plants::load(&mut change.tx, services, actor, id).await?;
    if before.remote_access.reason.as_ref() == Some(&reason) {
        return Ok(before);
    }
    let by = if let Actor::Principal(principal) = actor { Some(&principal.account.id) } else { None };
    store::close(&mut change.tx, id, by, &reason, services.clock.now()).await?;
    let plant = plants::load(&mut change.tx, services, actor, id).await?;
    let detail = json!({
        "organization": plant.organization, "portfolio": plant.portfolio, "plant": id, "name": plant.name, "reason": reason,
        "was_closed": before.remote_access.closed,
    });
    services.recorder.write(&mut change.tx, actor.event(None, Action::RemoteAccessClosed, detail)).await?;
    notify_owners(services, &mut change, |organization| emails::closed(&plant, organization, &reason, actor)).await?;
    change.tx.commit().await?;
    Ok(plant)
}

/// Reopens remote access of a plant, for those who administer the organization, with recent authentication. The owners are notified. Does
/// nothing if it is open.
///
/// Errors: those of [`authorize::begin_administration`].
pub async fn reopen(services: &Services, actor: Actor<'_>, id: &PlantId) -> Result<Plant, AppError> {
    let mut change = authorize::begin_administration(services, actor, &ScopeId::Plant(id.clone()), Permitted::Administer).await?;
    let before = plants::load(&mut change.tx, services, actor, id).await?;
    if !before.remote_access.closed {
        return Ok(before);
    }
    store::reopen(&mut change.tx, id).await?;
    let plant = plants::load(&mut change.tx, services, actor, id).await?;
    let detail = json!({ "organization": plant.organization, "portfolio": plant.portfolio, "plant": id, "name": plant.name });
    services.recorder.write(&mut change.tx, actor.event(None, Action::RemoteAccessReopened, detail)).await?;
    notify_owners(services, &mut change, |organization| emails::reopened(&plant, organization, actor)).await?;
    change.tx.commit().await?;
    Ok(plant)
}

/// Enqueues a mail to all enabled owners of the organization, whose name `content` gets.
async fn notify_owners(services: &Services, change: &mut Change, content: impl Fn(&str) -> Content) -> Result<(), AppError> {
    let organization = organizations::find(&mut change.tx, None, &change.organization).await?.ok_or(AppError::NotFound)?;
    for owner in permissions::owners(&mut change.tx, &organization.id).await? {
        mail::enqueue(&mut change.tx, services, &owner, Kind::RemoteAccessChanged, content(&organization.name)).await?;
    }
    Ok(())
}
