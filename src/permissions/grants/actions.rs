//! Creates, lists, extends and ends grants.

use serde_json::{Value, json};

use crate::{
    access::Principal,
    accounts::{model::Account, store as accounts},
    error::AppError,
    foundation::{
        db::{Connection, Tx},
        http::page::{PageRequest, cut},
        ids::{GrantId, OrganizationId, UserId},
        services::Services,
    },
    mail::Kind,
    permissions::{
        authorize::{self, Change, begin_administration, begin_change},
        decide::Action as Permitted,
        grants::{
            emails::{self, Change as Happened},
            model::{Extension, GrantTerms, check_end, initial_reminded_at, unknown_scope},
            store::{self, Filter, NewGrant, Which},
        },
        model::{Grant, ScopeId, check_reason},
        notify::Notices,
        store as permissions, vendors,
    },
    reauthentication::actor::Actor,
    record::{Action, Event},
};

pub use crate::permissions::grants::{
    people::{find_person, search_people},
    preview::{preview, scopes},
};

/// Lists grants, newest first: the principal's own, and all of the organizations that they administer. Returns the cursor of the next page
/// too.
///
/// Errors: the cursor is invalid.
pub async fn list(
    services: &Services,
    principal: &Principal,
    filter: &Filter,
    page: &PageRequest,
) -> Result<(Vec<Grant>, Option<String>), AppError> {
    let (mut db, now, [before]) = (services.db.read().await?, services.clock.now(), page.position()?);
    let grants = store::list(&mut db, Some(&principal.account.id), filter, &before, page.limit + 1, now).await?;
    Ok(cut(grants, page.limit, |grant| [grant.id.as_str()]))
}

/// Returns a grant of the principal, or one in an organization that they administer.
///
/// Errors: [`AppError::NotFound`].
pub async fn get(services: &Services, principal: &Principal, id: &GrantId) -> Result<Grant, AppError> {
    let mut db = services.db.read().await?;
    let grant = store::find(&mut db, id, services.clock.now()).await?.ok_or(AppError::NotFound)?;
    if grant.user.id != principal.account.id {
        let administers = authorize::require_administrator(&mut db, services, principal, &grant.organization).await;
        administers.map_err(|error| if error == AppError::NotInRole { AppError::NotFound } else { error })?;
    }
    Ok(grant)
}

/// Checks that the actor may grant access in a scope, before anybody is looked up. Returns the organization of the scope.
///
/// Errors: [`AppError::Invalid`] if the scope does not exist or the actor may not know of it; [`AppError::NotInRole`]; those of
/// [`Actor::require_recent`].
pub async fn require_granting(services: &Services, actor: Actor<'_>, scope: &ScopeId) -> Result<OrganizationId, AppError> {
    actor.require_recent(services)?;
    let mut db = services.db.read().await?;
    let organization = match actor {
        Actor::CommandLine => {
            permissions::locate_scope(&mut db, scope).await?.map(|(organization, _)| organization).ok_or(AppError::NotFound)
        }
        Actor::Principal(principal) => {
            authorize::require(&mut db, services, principal, scope, Permitted::Administer).await.map(|known| known.organization)
        }
    };
    organization.map_err(|error| in_scope(scope, error))
}

/// Turns "not found" into an error about the field of the scope.
fn in_scope(scope: &ScopeId, error: AppError) -> AppError {
    if error == AppError::NotFound { unknown_scope(scope.kind().key()) } else { error }
}

/// Creates a grant. To oneself, only owners may (AUT-3).
///
/// Errors: those of [`require_granting`]; [`AppError::Invalid`] about the field that breaks a rule.
pub async fn create(services: &Services, actor: Actor<'_>, person: &Account, terms: &GrantTerms) -> Result<Grant, AppError> {
    let change = begin_granting(services, actor, person, &terms.scope).await?;
    let (mut tx, organization) = (change.tx, change.organization);
    let by = By { name: actor.name(), event: actor.event(None, Action::GrantCreated, json!({})) };
    let mut notices = Notices::default();
    let grant = create_in(&mut tx, services, &organization, person, terms, by, &mut notices).await?;
    notices.enqueue(&mut tx, services).await?;
    tx.commit().await?;
    Ok(grant)
}

/// Begins a change of the grants of a person in a scope.
async fn begin_granting(services: &Services, actor: Actor<'_>, person: &Account, scope: &ScopeId) -> Result<Change, AppError> {
    begin_administration(services, actor, scope, action_for(actor, &person.id)).await.map_err(|error| in_scope(scope, error))
}

/// Returns what the actor must be allowed in order to change the access of a person: more for their own.
fn action_for(actor: Actor<'_>, person: &UserId) -> Permitted {
    if is_own(actor, person) { Permitted::AdministerOwners } else { Permitted::Administer }
}

fn is_own(actor: Actor<'_>, person: &UserId) -> bool {
    matches!(actor, Actor::Principal(principal) if principal.account.id == *person)
}

/// Whoever does not administer the organization does not learn that somebody else's grant exists.
fn hide(actor: Actor<'_>, grant: &Grant, error: AppError) -> AppError {
    if error == AppError::NotInRole && !is_own(actor, &grant.user.id) { AppError::NotFound } else { error }
}

/// Who creates a grant.
pub struct By<'a> {
    /// Name for mails.
    pub name: &'a str,
    /// The audit event, without subject and detail.
    pub event: Event<'a>,
}

/// Creates a grant in a transaction that holds the lock of the organization, after the right to do so was checked. Adds its mails to
/// `notices`.
///
/// Errors: [`AppError::Invalid`] about the field that breaks a rule. Nothing is written then.
pub async fn create_in(
    tx: &mut Tx,
    services: &Services,
    organization: &OrganizationId,
    person: &Account,
    terms: &GrantTerms,
    by: By<'_>,
    notices: &mut Notices,
) -> Result<Grant, AppError> {
    let now = services.clock.now();
    let employer = vendors::actions::check_employer(tx, organization, &person.id, terms.vendor.as_deref()).await?;
    check_end(terms.expires_at, employer.is_vendor(), now)?;
    if store::has_duplicate(tx, &person.id, organization, terms, now).await? {
        let message = "This person has this role here already. Change the end of that access instead.";
        return Err(AppError::invalid("role", message));
    }
    let happened = Happened::Created { joins_vendor: employer.is_new() };
    vendors::actions::employ(tx, services, organization, &person.id, employer).await?;
    store::remove_expired_duplicate(tx, &person.id, organization, terms, now).await?;
    let (id, reminded_at) = (GrantId::new(now), initial_reminded_at(terms.expires_at, now));
    let new = NewGrant { id: &id, user: &person.id, organization, terms, granted_by: by.event.actor, granted_at: now, reminded_at };
    store::insert(tx, &new).await?;
    let grant = store::find(tx, &id, now).await?.ok_or(AppError::NotFound)?;
    let detail = detail(tx, &grant).await?;
    services.recorder.write(tx, Event { subject: Some(&person.id), detail, ..by.event }).await?;
    add_notices(tx, notices, happened, &grant, by.name).await?;
    Ok(grant)
}

/// Returns the detail of an event about a grant. It names the portfolio of a plant too, so that those who audit the portfolio see it.
async fn detail(db: &mut impl Connection, grant: &Grant) -> sqlx::Result<Value> {
    let portfolio = match grant.scope_id() {
        Some(scope @ ScopeId::Plant(_)) => permissions::locate_scope(db, &scope).await?.and_then(|(_, portfolio)| portfolio),
        _ => None,
    };
    let mut detail = json!({
        "grant": grant.id, "organization": grant.organization, "scope": grant.scope, "role": grant.role, "expires_at": grant.expires_at,
        "reason": grant.reason, "vendor": grant.vendor,
    });
    if let Some(portfolio) = portfolio {
        detail["portfolio"] = json!(portfolio);
    }
    Ok(detail)
}

/// Mails the person, if their account is enabled, and the owners of the organization about a change of a grant.
async fn mail_change(tx: &mut Tx, services: &Services, happened: Happened, grant: &Grant, by: &str) -> Result<(), AppError> {
    let mut notices = Notices::default();
    add_notices(tx, &mut notices, happened, grant, by).await?;
    Ok(notices.enqueue(tx, services).await?)
}

async fn add_notices(tx: &mut Tx, notices: &mut Notices, happened: Happened, grant: &Grant, by: &str) -> Result<(), AppError> {
    let organization = permissions::organization_name(tx, &grant.organization).await?;
    let person = accounts::find_by_id(tx, &grant.user.id).await?;
    let content = |recipient: &Account| emails::changed(happened, grant, &organization, by, recipient);
    Ok(notices.add(tx, &grant.organization, person, Kind::AccessChanged, content).await?)
}

/// Changes the end of a grant.
///
/// Errors: [`AppError::NotFound`], [`AppError::NotInRole`], those of [`Actor::require_recent`]; [`AppError::Invalid`] about the field
/// that breaks a rule.
pub async fn extend(services: &Services, actor: Actor<'_>, id: &GrantId, extension: &Extension) -> Result<Grant, AppError> {
    actor.require_recent(services)?;
    let (now, reason) = (services.clock.now(), check_reason(&extension.reason)?);
    let before = find_active(services, id).await?;
    let scope = before.scope_id().ok_or(AppError::NotFound)?;
    let begun = begin_administration(services, actor, &scope, action_for(actor, &before.user.id)).await;
    let mut tx = begun.map_err(|error| hide(actor, &before, error))?.tx;
    let before = store::find(&mut tx, id, now).await?.ok_or(AppError::NotFound)?;
    let end = check_end(extension.expires_at, before.vendor.is_some(), now)?;
    store::set_end(&mut tx, id, end, &reason, initial_reminded_at(end, now)).await?;
    let grant = Grant { expires_at: end, reason, ..before.clone() };
    let mut detail = detail(&mut tx, &grant).await?;
    detail["previous"] = json!({ "expires_at": before.expires_at, "reason": before.reason });
    services.recorder.write(&mut tx, actor.event(Some(&grant.user.id), Action::GrantExtended, detail)).await?;
    mail_change(&mut tx, services, Happened::Extended, &grant, actor.name()).await?;
    tx.commit().await?;
    Ok(grant)
}

async fn find_active(services: &Services, id: &GrantId) -> Result<Grant, AppError> {
    store::find(&mut services.db.read().await?, id, services.clock.now()).await?.ok_or(AppError::NotFound)
}

/// Ends a grant. Its person may do that too. Returns the grant.
///
/// Errors: [`AppError::NotFound`], [`AppError::NotInRole`], those of [`Actor::require_recent`].
pub async fn end(services: &Services, actor: Actor<'_>, id: &GrantId) -> Result<Grant, AppError> {
    actor.require_recent(services)?;
    let grant = find_active(services, id).await?;
    let scope = grant.scope_id().ok_or(AppError::NotFound)?;
    let action = if is_own(actor, &grant.user.id) { Permitted::See } else { Permitted::Administer };
    let mut tx = begin_change(services, actor, &scope, action).await.map_err(|error| hide(actor, &grant, error))?.tx;
    let ended = end_in(&mut tx, services, actor, Which::One(id)).await?;
    let grant = ended.into_iter().next().ok_or(AppError::NotFound)?;
    mail_change(&mut tx, services, Happened::Ended, &grant, actor.name()).await?;
    tx.commit().await?;
    Ok(grant)
}

/// Ends all grants in a scope that is about to be deleted, in a transaction that holds the lock of its organization. Adds mails to the
/// people, `others` and the owners to `notices`. Returns the number of grants that had not expired.
pub async fn end_with_scope(
    tx: &mut Tx,
    services: &Services,
    actor: Actor<'_>,
    (organization, scope, name): (&OrganizationId, &ScopeId, &str),
    others: Vec<Account>,
    notices: &mut Notices,
) -> Result<usize, AppError> {
    let ended = end_in(tx, services, actor, Which::InScope(scope)).await?;
    let mut people = others;
    for grants in ended.chunk_by(|one, next| one.user.id == next.user.id) {
        people.extend(accounts::find_by_id(tx, &grants[0].user.id).await?); // chunks are never empty
    }
    if !people.is_empty() {
        let content = |recipient: &Account| emails::ended_with_scope(name, &ended, actor.name(), recipient);
        notices.add(tx, organization, people, Kind::AccessChanged, content).await?;
    }
    Ok(ended.len())
}

/// Ends grants in a transaction that holds the lock of their organization, and records each. Returns those that had not expired. Whatever
/// ends a grant calls this, so this is the place where access to devices that rests on these grants ends too.
pub async fn end_in(tx: &mut Tx, services: &Services, actor: Actor<'_>, which: Which<'_>) -> Result<Vec<Grant>, AppError> {
    let ended = store::list_which(tx, which, services.clock.now()).await?;
    store::remove_which(tx, which).await?;
    for grant in &ended {
        let detail = detail(tx, grant).await?;
        services.recorder.write(tx, actor.event(Some(&grant.user.id), Action::GrantEnded, detail)).await?;
    }
    Ok(ended)
}
