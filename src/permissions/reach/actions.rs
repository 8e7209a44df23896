//! Lists who can reach a plant, and what a person can reach.

use std::collections::{BTreeSet, HashMap};

use chrono::{DateTime, Utc};

use crate::{
    access::Principal,
    accounts::store as accounts,
    error::AppError,
    foundation::{
        db::Connection,
        ids::{OrganizationId, PlantId, UserId},
        services::Services,
    },
    permissions::{
        authorize::{self, find_known, require_administrator},
        decide::{Action, Facts, decide},
        grants::store as grants,
        model::{Grant, Person, ScopeId},
        paging::Page,
        reach::{
            model::{GrantReach, May, PersonWithAccess, Position, ReachOfPerson, TokenWithAccess},
            store::{self, Count, GrantReachRow, PageQuery, PersonGrantRow, PlantScope},
        },
        store as permissions,
        vendors::store as vendors,
    },
};

/// Lists up to `limit` enabled people who can reach a plant by name, after a position: each with all their grants.
///
/// Errors: [`AppError::NotFound`], [`AppError::NotInRole`], [`AppError::NotInGroup`] unless the principal may see people of the plant.
pub async fn people(
    services: &Services,
    principal: &Principal,
    plant: &PlantId,
    search: Option<&str>,
    after: &Position,
    limit: i64,
) -> Result<Page<PersonWithAccess, Position>, AppError> {
    let (mut db, now) = (services.db.read().await?, services.clock.now());
    let known = authorize::require(&mut db, services, principal, &ScopeId::Plant(plant.clone()), Action::SeePeople).await?;
    let portfolio = known.portfolio.ok_or(AppError::NotFound)?;
    let scope = PlantScope { plant: plant.clone(), portfolio, organization: known.organization };
    let query = PageQuery { scope: &scope, search, after, limit: limit + 1, now };
    let people = group_by_person(store::list_people(&mut db, &query).await?, known.facts.is_closed);
    let page = Page::cut(people, limit, |(position, _)| position.clone());
    let mut rows: Vec<_> = page.rows.into_iter().filter_map(|(_, facts)| describe(facts, now)).collect();
    add_tokens(&mut db, &mut rows, now).await?;
    Ok(Page { rows, next: page.next })
}

/// Adds the API tokens of those who may open devices.
async fn add_tokens(db: &mut impl Connection, people: &mut [PersonWithAccess], now: DateTime<Utc>) -> Result<(), AppError> {
    let openers: Vec<_> = people.iter().filter(|person| person.may.contains(&May::Reach)).map(|person| &person.user.id).collect();
    if openers.is_empty() {
        return Ok(());
    }
    let mut tokens: HashMap<UserId, Vec<TokenWithAccess>> = HashMap::new();
    for (user, name, group) in store::list_tokens(db, &openers, now).await? {
        tokens.entry(user).or_default().push(TokenWithAccess { name, group });
    }
    for person in people {
        person.api_tokens = tokens.remove(&person.user.id).unwrap_or_default(); // has none
    }
    Ok(())
}

/// Collects the facts about each person from their rows, which follow each other.
fn group_by_person(rows: Vec<PersonGrantRow>, is_closed: bool) -> Vec<(Position, Facts)> {
    let mut people: Vec<(Position, Facts)> = Vec::new();
    for PersonGrantRow { sort_name, membership, grant } in rows {
        let grant = Grant::from(grant);
        match people.last_mut() {
            Some((position, facts)) if position.id == grant.user.id.as_str() => facts.grants.push(grant),
            _ => {
                let position = Position { name: sort_name, id: grant.user.id.to_string() };
                let vendor = grant.vendor.clone();
                let facts = Facts { is_enabled: true, token_group: None, membership, vendor, grants: vec![grant], is_closed };
                people.push((position, facts));
            }
        }
    }
    people
}

/// Describes a person, without API tokens. `None` without a grant, which does not happen here.
fn describe(facts: Facts, now: DateTime<Utc>) -> Option<PersonWithAccess> {
    let may = what(&facts, now);
    let user = facts.grants.first()?.user.clone();
    let roles: BTreeSet<_> = facts.grants.iter().map(|grant| grant.role).collect();
    let (roles, api_tokens) = (roles.into_iter().collect(), Vec::new());
    Some(PersonWithAccess { user, roles, may, vendor: facts.vendor, reasons: facts.grants, api_tokens })
}

/// Asks the one decision what the facts allow.
fn what(facts: &Facts, now: DateTime<Utc>) -> Vec<May> {
    let all = [(Action::See, May::See), (Action::Open, May::Reach), (Action::Edit, May::Manage), (Action::ReadAuditLog, May::Audit)];
    all.into_iter().filter(|(action, _)| decide(facts, *action, now).is_allowed()).map(|(_, may)| may).collect()
}

/// Returns the principal's own access to a plant, with all grants that have not expired. It has no reasons if they see the plant as an
/// owner or administrator alone. API tokens are not listed.
///
/// Errors: [`AppError::NotFound`].
pub async fn own(services: &Services, principal: &Principal, plant: &PlantId) -> Result<PersonWithAccess, AppError> {
    let now = services.clock.now();
    let known = find_known(&mut services.db.read().await?, services, principal, &ScopeId::Plant(plant.clone())).await?;
    let may = what(&known.facts, now);
    let reasons: Vec<_> = known.facts.grants.into_iter().filter(|grant| grant.is_active(now)).collect();
    let roles: BTreeSet<_> = reasons.iter().map(|grant| grant.role).collect();
    let account = &principal.account;
    let user = Person { id: account.id.clone(), name: account.name.clone(), username: account.username.clone() };
    Ok(PersonWithAccess { user, roles: roles.into_iter().collect(), may, vendor: known.facts.vendor, reasons, api_tokens: Vec::new() })
}

/// Returns what a person reaches in an organization. `user` is the id, username or email address of somebody who belongs to it; their
/// account may be disabled.
///
/// Errors: [`AppError::NotFound`], also for anybody else; [`AppError::NotInRole`] unless the principal administers the organization.
pub async fn person(
    services: &Services,
    principal: &Principal,
    organization: &OrganizationId,
    user: &str,
) -> Result<ReachOfPerson, AppError> {
    let (mut db, now) = (services.db.read().await?, services.clock.now());
    require_administrator(&mut db, services, principal, organization).await?;
    let user = find_person(&mut db, organization, user, now).await?.ok_or(AppError::NotFound)?;
    let reached = store::grants_of(&mut db, &user.id, organization, now).await?.into_iter();
    let describe = |GrantReachRow { grant, count: Count { plants, devices } }| GrantReach { grant: grant.into(), plants, devices };
    let role = permissions::membership(&mut db, &user.id, organization).await?;
    let vendor = vendors::find_employer(&mut db, &user.id, organization).await?.map(|vendor| vendor.name);
    Ok(ReachOfPerson { user, role, vendor, grants: reached.map(describe).collect() })
}

/// Finds somebody who belongs to an organization.
async fn find_person(
    db: &mut impl Connection,
    organization: &OrganizationId,
    user: &str,
    now: DateTime<Utc>,
) -> Result<Option<Person>, AppError> {
    let found = match UserId::parse(user.trim()) {
        Some(id) => accounts::find_credentials(db, &id).await?,
        None => accounts::find(db, user).await?,
    };
    let Some(account) = found.map(|found| found.account) else { return Ok(None) };
    let is_known = grants::is_known(db, &account.id, organization, now).await?;
    Ok(is_known.then_some(Person { id: account.id, name: account.name, username: account.username }))
}
