//! Hosts that another plant had (AUT-8). A grant is on a plant, but a device is reached by its host: whoever may edit plants, and has a grant
//! on one of them, would reach the devices of any other by moving their hosts. So a host that a plant gave up is used again by that plant
//! alone, unless somebody decides otherwise who gains nothing by it: an owner, who may grant themselves access too, or an administrator
//! without a grant in the organization. That takes recent authentication, is on record, and is mailed to all owners.

use crate::{
    accounts::model::Account,
    error::AppError,
    foundation::{ids::PlantId, services::Services},
    mail::Kind,
    permissions::{
        authorize::Change,
        grants::store as grants,
        model::{OrganizationRole, ScopeId},
        notify::Notices,
        store::{self as permissions, KnownScope},
    },
    plants::devices::{
        emails,
        store::{self, FormerPlant},
    },
    reauthentication::actor::Actor,
};

/// Takes a host for a plant. Returns the other plant that had it last, if there is one.
///
/// Errors: [`AppError::Invalid`] if another plant had it and the actor [may not take it](may_take_any); those of [`Actor::require_recent`].
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
        let known = find_known(services, actor, change).await?;
        if !may_take_any(known.as_ref()) {
            let sees_all = known.and_then(|known| known.facts.membership).is_some_and(OrganizationRole::administers);
            return Err(refusal(if sees_all { &other.name } else { "Another plant" }));
        }
        actor.require_recent(services)?;
    }
    store::remove_released_host(&mut change.tx, &change.organization, host).await?;
    Ok(other)
}

/// Returns what is known about the actor in the whole organization. `None` for the command line.
async fn find_known(services: &Services, actor: Actor<'_>, change: &mut Change) -> Result<Option<KnownScope>, AppError> {
    let Actor::Principal(principal) = actor else { return Ok(None) };
    let (scope, now) = (ScopeId::Organization(change.organization.clone()), services.clock.now());
    let known = permissions::find_facts(&mut change.tx, &principal.account.id, None, &scope, now).await?;
    Ok(Some(known.ok_or(AppError::NotFound)?))
}

/// Returns whether somebody of whom this is known in the organization may take a host that another plant had: see the module. The command
/// line may, of which nothing is known. Platform administrators may not by that role.
pub(in crate::plants) fn may_take_any(known: Option<&KnownScope>) -> bool {
    let Some(known) = known else { return true };
    match known.facts.membership {
        Some(OrganizationRole::Owner) => true,
        Some(OrganizationRole::Administrator) => !known.has_grant_inside,
        Some(OrganizationRole::Member) | None => false,
    }
}

/// Returns the error about a host that another plant had.
pub(in crate::plants) fn refusal(plant: &str) -> AppError {
    let who = "Only an owner, or an administrator without a grant in the organization, can use it at another plant.";
    AppError::invalid("host", format!("{plant} had this host. {who}"))
}

/// Adds the mails to owners about a host that came to a plant from another one: who has access to the plant reaches what answers there.
pub(in crate::plants) async fn add_notices_of_move(
    notices: &mut Notices,
    actor: Actor<'_>,
    change: &mut Change,
    (former, plant): (&FormerPlant, &PlantId),
    host: &str,
) -> Result<(), AppError> {
    let found = grants::scope_names(&mut change.tx, &ScopeId::Plant(plant.clone())).await?;
    let (plant, organization) = found.ok_or(AppError::NotFound)?;
    let content = |_: &Account| emails::host_moved(host, [&former.name, &plant], &organization, actor.name());
    Ok(notices.add(&mut change.tx, &change.organization, None, Kind::AccessChanged, content).await?)
}
