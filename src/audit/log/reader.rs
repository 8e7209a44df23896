//! What a person reads: the walks that have everything that they see, and the facts for one event.

use std::collections::BTreeMap;

use crate::{
    access::{Credential, Principal},
    audit::log::{
        search::Plan,
        sources::Walk,
        store::{reader as store, walk::View},
        visibility::{Reader, organization_actions},
    },
    error::AppError,
    foundation::{db::Connection, ids::OrganizationId, services::Services},
    permissions::store::membership,
    record::entry::Ids,
};

/// Most walks of a page.
pub const MAX_WALKS: usize = 50;
/// Rank of the reader's own walks among plans.
const OWN_RANK: u8 = 5;
/// Rank of a walk along the whole log: after every other plan.
const WHOLE_RANK: u8 = 9;

/// Returns how a principal sees the log now.
pub fn view<'a>(services: &Services, principal: &'a Principal) -> View<'a> {
    let account = &principal.account;
    View { user: &account.id, is_platform_administrator: account.is_admin, now: services.clock.now() }
}

/// Returns walks that have everything that a person sees. Beyond [`MAX_WALKS`] plants, their organizations are walked; beyond as many
/// organizations, the whole log.
pub async fn own_plan(db: &mut impl Connection, view: View<'_>) -> sqlx::Result<Plan> {
    let scopes = store::list_readable(db, view.user, view.now).await?;
    let user = view.user.to_string();
    let mut own = vec![Walk::Actor(user.clone()), Walk::Subject(user)];
    if view.is_platform_administrator {
        own.push(Walk::WithoutOrganization);
        own.extend(organization_actions().map(|action| Walk::Action(action.to_owned())));
    }
    let mut organizations: BTreeMap<String, Option<Vec<String>>> = BTreeMap::new();
    for store::ReadableScope { organization_id, plant_id } in scopes {
        let plants = organizations.entry(organization_id).or_insert_with(|| Some(Vec::new()));
        match plant_id {
            Some(plant) => plants.iter_mut().for_each(|plants| plants.push(plant.clone())),
            None => *plants = None,
        }
    }
    Ok(plan(own, organizations))
}

/// Returns the walks. An organization without plants is walked as a whole.
fn plan(own: Vec<Walk>, organizations: BTreeMap<String, Option<Vec<String>>>) -> Plan {
    if organizations.len() > MAX_WALKS {
        return Plan { walks: vec![Walk::Everything], rank: WHOLE_RANK };
    }
    let count: usize = organizations.values().map(|plants| plants.as_ref().map_or(1, Vec::len)).sum();
    let is_by_plant = count <= MAX_WALKS;
    let scoped = organizations.into_iter().flat_map(|(organization, plants)| match plants {
        Some(plants) if is_by_plant => plants.into_iter().map(Walk::Plant).collect(),
        _ => vec![Walk::Organization(organization)],
    });
    Plan { walks: own.into_iter().chain(scoped).collect(), rank: OWN_RANK }
}

/// Loads the facts about a principal and an event.
pub async fn load_reader(db: &mut impl Connection, principal: &Principal, event: &Ids) -> Result<Reader, AppError> {
    let (account, organization) = (&principal.account, event.organization_id.as_deref().and_then(OrganizationId::parse));
    let (membership, grants) = match &organization {
        Some(organization) => (membership(db, &account.id, organization).await?, store::list_grants(db, &account.id, organization).await?),
        None => (None, Vec::new()),
    };
    let token_group = if let Credential::Token(_, group) = &principal.credential { Some(*group) } else { None };
    Ok(Reader { user: account.id.clone(), is_platform_administrator: account.is_admin, token_group, membership, grants })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plants(count: usize) -> Option<Vec<String>> {
        Some((0..count).map(|number| format!("plant {number}")).collect())
    }

    #[test]
    fn single_plants_are_walked_unless_there_are_many() {
        let few = plan(Vec::new(), BTreeMap::from([("a".to_owned(), plants(2)), ("b".to_owned(), None)]));
        let expected = [Walk::Plant("plant 0".to_owned()), Walk::Plant("plant 1".to_owned()), Walk::Organization("b".to_owned())];
        assert_eq!(few.walks, expected);
        let many = plan(Vec::new(), BTreeMap::from([("a".to_owned(), plants(50)), ("b".to_owned(), None)]));
        assert_eq!(many.walks, [Walk::Organization("a".to_owned()), Walk::Organization("b".to_owned())]);
    }

    #[test]
    fn beyond_50_organizations_the_whole_log_is_walked() {
        let organizations = |count: usize| (0..count).map(|number| (format!("{number}"), None)).collect();
        assert_eq!(plan(Vec::new(), organizations(50)).walks.len(), 50);
        let whole = plan(Vec::new(), organizations(51));
        assert_eq!((whole.walks, whole.rank), (vec![Walk::Everything], WHOLE_RANK));
    }
}
