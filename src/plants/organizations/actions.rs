//! Actions on organizations, for pages, the API and the command line.

use serde_json::{Value, json};

use crate::{
    access::Principal,
    accounts::{model::Account, store as accounts},
    error::AppError,
    foundation::{
        db::{Db, Tx},
        http::page::{PageRequest, containing, cut},
        ids::OrganizationId,
        services::Services,
    },
    mail::Kind,
    permissions::{
        authorize,
        decide::Action as Permitted,
        grants::actions as grants,
        members::actions as members,
        model::{OrganizationRole, ScopeId},
        notify::{Notices, notify},
        store as permissions,
    },
    plants::{
        hosts,
        model::{Organization, check_name, normalize_name},
        organizations::{
            emails,
            model::{Counts, NewOrganization, OrganizationChanges, OrganizationDetails},
            store::{self, Listed, OrganizationRow},
        },
    },
    reauthentication::actor::Actor,
    record::Action,
};

/// Lists the organizations that the principal may know of, by name: those with a role or a grant, or all for platform administrators.
/// Returns the cursor of the next page too.
///
/// Errors: the cursor is invalid.
pub async fn list(services: &Services, principal: &Principal, page: &PageRequest) -> Result<(Vec<Organization>, Option<String>), AppError> {
    let listed = if principal.account.is_admin { Listed::All } else { Listed::Own };
    let (user, limit, now) = (&principal.account.id, page.limit, services.clock.now());
    let pattern = page.search.as_deref().map(|search| containing(&normalize_name(search)));
    let mut db = services.db.read().await?;
    let rows = store::list(&mut db, listed, Some(user), &page.position()?, pattern, limit + 1, now).await?;
    let (rows, next) = cut(rows, limit, |row: &OrganizationRow| [&row.normalized_name, row.organization.id.as_str()]);
    Ok((rows.into_iter().map(|row| row.organization).collect(), next))
}

/// Lists all organizations with their host suffixes, by name.
pub async fn list_all(db: &Db) -> Result<Vec<OrganizationDetails>, AppError> {
    let mut db = db.read().await?;
    let mut listed = Vec::new();
    for organization in store::list_all(&mut db).await? {
        let host_suffixes = Some(store::host_suffixes(&mut db, &organization.id).await?);
        listed.push(OrganizationDetails { organization, host_suffixes, counts: None });
    }
    Ok(listed)
}

/// Lists the organizations that the principal administers, by name.
pub async fn administered(services: &Services, principal: &Principal) -> Result<Vec<Organization>, AppError> {
    Ok(store::list_administered(&mut services.db.read().await?, &principal.account.id).await?)
}

/// Returns an organization. Its details are for those who administer it, and for platform administrators.
///
/// Errors: [`AppError::NotFound`] if it does not exist or the principal may not know of it.
pub async fn get(services: &Services, principal: &Principal, id: &OrganizationId) -> Result<OrganizationDetails, AppError> {
    let (user, is_platform_administrator) = (&principal.account.id, principal.account.is_admin);
    let mut db = services.db.read().await?;
    if !is_platform_administrator {
        authorize::find_known(&mut db, services, principal, &ScopeId::Organization(id.clone())).await?;
    }
    let organization = store::find(&mut db, Some(user), id).await?.ok_or(AppError::NotFound)?;
    if !is_platform_administrator && !organization.your_role.is_some_and(OrganizationRole::administers) {
        return Ok(OrganizationDetails { organization, host_suffixes: None, counts: None });
    }
    let host_suffixes = Some(store::host_suffixes(&mut db, id).await?);
    let counts = Some(store::count(&mut db, id, services.clock.now()).await?);
    Ok(OrganizationDetails { organization, host_suffixes, counts })
}

/// Creates an organization. For platform administrators, with recent authentication.
///
/// Errors: [`AppError::NotPermitted`]; those of [`Actor::begin`]; [`AppError::Invalid`].
pub async fn create(services: &Services, actor: Actor<'_>, request: &NewOrganization) -> Result<OrganizationDetails, AppError> {
    actor.require_platform_administrator(services).await?;
    let (name, now) = (check_name(&request.name)?, services.clock.now());
    let suffixes = hosts::check_suffixes(&request.host_suffixes)?;
    let id = OrganizationId::new(now);
    let mut tx = actor.begin(services).await?;
    let owner = find_owner(&mut tx, actor, request.owner.as_deref()).await?;
    store::insert(&mut tx, &id, name, now).await.map_err(name_taken)?;
    set_suffixes(&mut tx, &id, &suffixes).await?;
    let detail = json!({ "organization": id, "name": name, "owner": owner.as_ref().map(|owner| &owner.id), "host_suffixes": suffixes });
    services.recorder.write(&mut tx, actor.event(None, Action::OrganizationCreated, detail)).await?;
    if let Some(owner) = &owner {
        members::add_first_owner(&mut tx, services, actor, &id, owner).await?;
    }
    let details = load_details(&mut tx, services, actor, &id).await?;
    tx.commit().await?;
    Ok(details)
}

/// Returns the first owner: the named account or, without a name, the one of the actor. `None` for the command line.
async fn find_owner(tx: &mut Tx, actor: Actor<'_>, named: Option<&str>) -> Result<Option<Account>, AppError> {
    match (named, actor) {
        (Some(named), _) => {
            let is_text = !named.chars().any(char::is_control);
            let found = if is_text { accounts::find_enabled(tx, named).await? } else { None };
            let error = || AppError::invalid("owner", "There is no enabled account with this id, username or email address.");
            found.map(Some).ok_or_else(error)
        }
        (None, Actor::Principal(principal)) => Ok(Some(principal.account.clone())),
        (None, Actor::CommandLine) => Ok(None),
    }
}

/// Changes an organization, with recent authentication: its owners and platform administrators rename it, platform administrators assign
/// host suffixes. The owners are notified.
///
/// Errors: [`AppError::NotFound`], [`AppError::NotInRole`] or [`AppError::NotPermitted`]; those of [`Actor::begin`];
/// [`AppError::Invalid`], also if a device would lie outside of the new host suffixes.
pub async fn update(
    services: &Services,
    actor: Actor<'_>,
    id: &OrganizationId,
    changes: &OrganizationChanges,
) -> Result<OrganizationDetails, AppError> {
    let mut tx = begin(services, actor, id, changes.host_suffixes.is_none()).await?;
    let before = store::find(&mut tx, None, id).await?.ok_or(AppError::NotFound)?;
    let mut changed = serde_json::Map::new();
    if let Some(name) = &changes.name {
        let name = check_name(name)?;
        store::rename(&mut tx, id, name).await.map_err(name_taken)?;
        changed.insert("name".to_owned(), change(&before.name, name));
    }
    if let Some(suffixes) = &changes.host_suffixes {
        let (suffixes, before) = (hosts::check_suffixes(suffixes)?, store::host_suffixes(&mut tx, id).await?);
        set_suffixes(&mut tx, id, &suffixes).await?;
        changed.insert("host_suffixes".to_owned(), change(&before, &suffixes));
    }
    changed.retain(|_, change| change["from"] != change["to"]);
    if !changed.is_empty() {
        let name = changes.name.as_deref().unwrap_or(&before.name).trim();
        let content = emails::changed(&before.name, name, &changed, actor.name());
        let detail = json!({ "organization": id, "name": name, "changed": changed });
        services.recorder.write(&mut tx, actor.event(None, Action::OrganizationChanged, detail)).await?;
        notify(&mut tx, services, id, None, Kind::OrganizationChanged, |_: &Account| content.clone()).await?;
    }
    let details = load_details(&mut tx, services, actor, id).await?;
    tx.commit().await?;
    Ok(details)
}

fn change<T: serde::Serialize + ?Sized>(from: &(impl serde::Serialize + ?Sized), to: &T) -> Value {
    json!({ "from": from, "to": to })
}

/// Deletes an organization with all that it contains. For platform administrators, with recent authentication.
///
/// Errors: [`AppError::NotFound`] or [`AppError::NotPermitted`]; those of [`Actor::begin`].
pub async fn delete(services: &Services, actor: Actor<'_>, id: &OrganizationId) -> Result<(), AppError> {
    let mut tx = begin(services, actor, id, false).await?;
    let organization = store::find(&mut tx, None, id).await?.ok_or(AppError::NotFound)?;
    let Counts { portfolios, plants, devices, people } = store::count(&mut tx, id, services.clock.now()).await?;
    let (scope, members) = (ScopeId::Organization(id.clone()), permissions::members(&mut tx, id).await?);
    let mut notices = Notices::default();
    grants::end_with_scope(&mut tx, services, actor, (id, &scope, &organization.name), members, &mut notices).await?;
    notices.enqueue(&mut tx, services).await?;
    store::remove(&mut tx, id).await?;
    let detail = json!({
        "organization": id, "name": organization.name, "portfolios": portfolios, "plants": plants, "devices": devices, "people": people,
    });
    services.recorder.write(&mut tx, actor.event(None, Action::OrganizationDeleted, detail)).await?;
    Ok(tx.commit().await?)
}

/// Begins a change of an organization itself: by a platform administrator, or by an owner if `by_owners`.
async fn begin(services: &Services, actor: Actor<'_>, id: &OrganizationId, by_owners: bool) -> Result<Tx, AppError> {
    let scope = ScopeId::Organization(id.clone());
    match actor {
        Actor::Principal(principal) if !principal.account.is_admin => {
            if by_owners {
                let change = authorize::begin_administration(services, actor, &scope, Permitted::AdministerOwners).await?;
                return Ok(change.tx);
            }
            authorize::find_known(&mut services.db.read().await?, services, principal, &scope).await?;
            actor.require_platform_administrator(services).await?;
        }
        Actor::Principal(_) | Actor::CommandLine => {}
    }
    let mut tx = actor.begin(services).await?;
    permissions::lock_organization(&mut tx, id).await?;
    Ok(tx)
}

/// Sets the host suffixes.
///
/// Errors: one overlaps with those of another organization, or a device would lie outside.
async fn set_suffixes(tx: &mut Tx, id: &OrganizationId, suffixes: &[String]) -> Result<(), AppError> {
    store::lock_host_suffixes(tx).await?;
    for suffix in suffixes {
        if let Some(other) = store::find_conflicting_suffix(tx, id, suffix).await? {
            let message = format!("{suffix} overlaps with {other}, which is assigned to another organization.");
            return Err(AppError::invalid("host_suffixes", message));
        }
    }
    store::set_host_suffixes(tx, id, suffixes).await?;
    match store::find_device_outside(tx, id).await? {
        Some((name, host)) => {
            let message = format!("The device {name} ({host}) would lie outside. Keep its suffix, or change the device first.");
            Err(AppError::invalid("host_suffixes", message))
        }
        None => Ok(()),
    }
}

async fn load_details(tx: &mut Tx, services: &Services, actor: Actor<'_>, id: &OrganizationId) -> Result<OrganizationDetails, AppError> {
    let user = if let Actor::Principal(principal) = actor { Some(&principal.account.id) } else { None };
    let organization = store::find(tx, user, id).await?.ok_or(AppError::NotFound)?;
    let host_suffixes = Some(store::host_suffixes(tx, id).await?);
    let counts = Some(store::count(tx, id, services.clock.now()).await?);
    Ok(OrganizationDetails { organization, host_suffixes, counts })
}

fn name_taken(error: sqlx::Error) -> AppError {
    match error.as_database_error() {
        Some(cause) if cause.is_unique_violation() => AppError::invalid("name", "There is an organization with this name already."),
        _ => error.into(),
    }
}
