//! Lists who can reach a plant, and what a person can reach.

use std::collections::{BTreeSet, HashMap};

use chrono::{DateTime, Utc};

use crate::{
    access::Principal,
    accounts::store::{self as accounts, Credentials},
    error::AppError,
    foundation::{
        db::Connection,
        http::page::{PageRequest, cut},
        ids::{OrganizationId, PlantId, UserId},
        services::Services,
    },
    permissions::{
        authorize::{self, require_administrator},
        decide::{Action, Facts, GrantedRole, decide},
        grants::store as grants,
        model::{Grant, Person, ScopeId},
        reach::{
            model::{GrantReach, May, PersonWithAccess, ReachOfPerson, TokenWithAccess},
            store::{self, Count, GrantReachRow, PageQuery, PersonGrantRow, PlantScope, Shared},
        },
        store as permissions,
        vendors::store as vendors,
    },
};

/// Lists the enabled people who can reach a plant by name, each with all their grants. Returns the cursor of the next page too.
///
/// Errors: [`AppError::NotFound`], [`AppError::NotInRole`], [`AppError::NotInGroup`] unless the principal may see people of the plant; the
/// cursor is invalid.
pub async fn people(
    services: &Services,
    principal: &Principal,
    plant: &PlantId,
    page: &PageRequest,
) -> Result<(Vec<PersonWithAccess>, Option<String>), AppError> {
    let (mut db, now) = (services.db.read().await?, services.clock.now());
    let known = authorize::require(&mut db, services, principal, &ScopeId::Plant(plant.clone()), Action::SeePeople).await?;
    let portfolio = known.portfolio.ok_or(AppError::NotFound)?;
    let scope = PlantScope { plant: plant.clone(), portfolio, organization: known.organization };
    let query = PageQuery { scope: &scope, search: page.search.as_deref(), after: &page.position()?, limit: page.limit + 1, now };
    let rows = store::list_people(&mut db, &query).await?;
    let shared = store::load_shared(&mut db, &scope, &rows).await?;
    let people = group_by_person(rows, &shared, known.facts.is_closed, now);
    let (people, next) = cut(people, page.limit, |(name, person)| [name.as_str(), person.user.id.as_str()]);
    let mut people: Vec<_> = people.into_iter().map(|(_, person)| person).collect();
    add_tokens(&mut db, &mut people, now).await?;
    Ok((people, next))
}

/// Adds the API tokens of those who may open devices.
async fn add_tokens(db: &mut impl Connection, people: &mut [PersonWithAccess], now: DateTime<Utc>) -> Result<(), AppError> {
    let openers: Vec<_> = people.iter().filter(|person| person.may.contains(&May::Reach)).map(|person| &person.user.id).collect();
    if openers.is_empty() {
        return Ok(());
    }
    let mut tokens = list_tokens(db, &openers, now).await?;
    for person in people {
        person.api_tokens = tokens.remove(&person.user.id).unwrap_or_default(); // has none
    }
    Ok(())
}

/// Collects the grants of each person from their rows, which follow each other, and asks the one decision what they allow. Returns the
/// normalized name of each person too.
fn group_by_person(rows: Vec<PersonGrantRow>, shared: &Shared, is_closed: bool, now: DateTime<Utc>) -> Vec<(String, PersonWithAccess)> {
    let mut people: Vec<Vec<PersonGrantRow>> = Vec::new();
    for row in rows {
        match people.last_mut() {
            Some(rows) if rows.first().is_some_and(|first| first.user_id == row.user_id) => rows.push(row),
            _ => people.push(vec![row]),
        }
    }
    people.into_iter().filter_map(|rows| describe(rows, shared, is_closed, now)).collect()
}

/// Describes a person, without API tokens, and returns the normalized name too. `None` without a grant, which does not happen here.
fn describe(rows: Vec<PersonGrantRow>, shared: &Shared, is_closed: bool, now: DateTime<Utc>) -> Option<(String, PersonWithAccess)> {
    let first = rows.first()?;
    let (name, membership, vendor) = (first.normalized_name.clone(), first.membership, first.vendor.clone());
    let user = Person { id: first.user_id.clone(), name: first.name.clone(), username: first.username.clone() };
    let reasons: Vec<_> = rows.into_iter().filter_map(|row| to_grant(row, shared)).collect();
    let grants = reasons.iter().map(GrantedRole::from).collect();
    let may = what(&Facts { is_enabled: true, token_group: None, membership, is_vendor: vendor.is_some(), grants, is_closed }, now);
    let roles = reasons.iter().map(|grant| grant.role).collect::<BTreeSet<_>>().into_iter().collect();
    Some((name, PersonWithAccess { user, roles, may, vendor, reasons, api_tokens: Vec::new() }))
}

/// Returns the grant of a row. `None` for an unknown scope, which does not happen.
fn to_grant(row: PersonGrantRow, Shared { scopes, granters }: &Shared) -> Option<Grant> {
    let [organization, ..] = scopes;
    Some(Grant {
        id: row.id,
        user: Person { id: row.user_id, name: row.name, username: row.username },
        role: row.role,
        scope: scopes.get(usize::try_from(row.depth).ok()?)?.clone(),
        organization: OrganizationId::parse(&organization.id)?,
        reason: row.reason,
        vendor: row.vendor,
        granted_by: row.granted_by.and_then(|id| granters.get(&id).cloned()),
        granted_at: row.granted_at,
        expires_at: row.expires_at,
        last_used_at: row.last_used_at,
    })
}

/// Asks the one decision what the facts allow.
fn what(facts: &Facts, now: DateTime<Utc>) -> Vec<May> {
    let all = [(Action::See, May::See), (Action::Open, May::Reach), (Action::Edit, May::Manage), (Action::ReadAuditLog, May::Audit)];
    all.into_iter().filter(|(action, _)| decide(facts, *action, now).is_allowed()).map(|(_, may)| may).collect()
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
    let (user, is_enabled) = find_person(&mut db, organization, user, now).await?.ok_or(AppError::NotFound)?;
    let reached = store::grants_of(&mut db, &user.id, organization, now).await?.into_iter();
    let describe = |GrantReachRow { grant, count: Count { plants, devices } }| GrantReach { grant: grant.into(), plants, devices };
    let reached: Vec<_> = reached.map(describe).collect();
    let role = permissions::membership(&mut db, &user.id, organization).await?;
    let vendor = vendors::find_employer(&mut db, &user.id, organization).await?.map(|vendor| vendor.name);
    let granted = reached.iter().map(|reach| GrantedRole::from(&reach.grant)).collect();
    let facts = Facts { is_enabled, token_group: None, membership: role, is_vendor: vendor.is_some(), grants: granted, is_closed: false };
    let opens = decide(&facts, Action::Open, now).is_allowed();
    let api_tokens = if opens { list_tokens(&mut db, &[&user.id], now).await?.remove(&user.id).unwrap_or_default() } else { Vec::new() };
    Ok(ReachOfPerson { user, role, vendor, grants: reached, api_tokens })
}

/// Lists the API tokens that open devices, by name, for each of these people who has any. `people` must not be empty.
async fn list_tokens(
    db: &mut impl Connection,
    people: &[&UserId],
    now: DateTime<Utc>,
) -> Result<HashMap<UserId, Vec<TokenWithAccess>>, AppError> {
    let mut tokens: HashMap<UserId, Vec<TokenWithAccess>> = HashMap::new();
    for (user, name, group) in store::list_tokens(db, people, now).await? {
        tokens.entry(user).or_default().push(TokenWithAccess { name, group });
    }
    Ok(tokens)
}

/// Finds somebody who belongs to an organization, and says whether their account is enabled.
async fn find_person(
    db: &mut impl Connection,
    organization: &OrganizationId,
    user: &str,
    now: DateTime<Utc>,
) -> Result<Option<(Person, bool)>, AppError> {
    let found = match UserId::parse(user.trim()) {
        Some(id) => accounts::find_credentials(db, &id).await?,
        None => accounts::find(db, user).await?,
    };
    let Some(Credentials { account, is_enabled, .. }) = found else { return Ok(None) };
    let is_known = grants::is_known(db, &account.id, organization, now).await?;
    Ok(is_known.then_some((Person { id: account.id, name: account.name, username: account.username }, is_enabled)))
}
