//! Hosts that another plant had (AUT-1). A grant is on a plant, but a device is reached by its host: whoever may edit plants, and has a grant
//! on one of them, would reach the devices of any other by moving their hosts. So a host that a plant gave up is used again by that plant
//! alone, unless an owner decides otherwise: owners may grant themselves access too, which is on record and mailed to all owners.

use crate::{
    accounts::model::Account,
    error::AppError,
    foundation::{ids::PlantId, services::Services},
    mail::Kind,
    permissions::{
        authorize::Change,
        grants::store as grants,
        model::{OrganizationRole, ScopeId},
        notify::notify,
    },
    plants::devices::{
        emails,
        store::{self, FormerPlant},
    },
    reauthentication::actor::Actor,
};

/// Takes a host for a plant. Returns the other plant that had it last, if there is one.
///
/// Errors: [`AppError::Invalid`] if another plant had it and the actor is no owner; those of [`Actor::require_recent`].
pub(in crate::plants) async fn take_host(
    services: &Services,
    actor: Actor<'_>,
    change: &mut Change,
    plant: &PlantId,
    host: &str,
) -> Result<Option<FormerPlant>, AppError> {
    let former = store::find_former_plant(&mut change.tx, &change.organization, host).await?;
    let other = former.filter(|former| former.id != *plant);
    if let Some(other) = &other {
        let role = change.actor.as_ref().map_or(Some(OrganizationRole::Owner), |known| known.facts.membership);
        if !may_take_any(role) {
            let sees_all = role.is_some_and(OrganizationRole::administers);
            return Err(refusal(if sees_all { &other.name } else { "Another plant" }));
        }
        actor.require_recent(services)?;
    }
    store::remove_released_host(&mut change.tx, &change.organization, host).await?;
    Ok(other)
}

/// Returns whether somebody with this role may take a host that another plant had. Owners may. Platform administrators may not: they reach
/// nothing by that role, and could not grant themselves access either.
pub(in crate::plants) fn may_take_any(role: Option<OrganizationRole>) -> bool {
    role == Some(OrganizationRole::Owner)
}

/// Returns the error about a host that another plant had.
pub(in crate::plants) fn refusal(plant: &str) -> AppError {
    AppError::invalid("host", format!("{plant} had this host. Only an owner of the organization can use it at another plant."))
}

/// Mails the owners that a host came to a plant from another one: who has access to the plant reaches what answers there.
pub(in crate::plants) async fn notify_of_move(
    services: &Services,
    actor: Actor<'_>,
    change: &mut Change,
    (former, plant): (&FormerPlant, &PlantId),
    host: &str,
) -> Result<(), AppError> {
    let found = grants::scope_names(&mut change.tx, &ScopeId::Plant(plant.clone())).await?;
    let (plant, organization) = found.ok_or(AppError::NotFound)?;
    let content = |_: &Account| emails::host_moved(host, [&former.name, &plant], &organization, actor.name());
    Ok(notify(&mut change.tx, services, &change.organization, None, Kind::AccessChanged, content).await?)
}
