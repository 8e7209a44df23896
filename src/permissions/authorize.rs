//! The one way to the decision for pages, server functions and the API: loads the facts, decides, and turns a refusal into an error.

use crate::{
    access::{Credential, Principal},
    error::AppError,
    foundation::{
        db::{Connection, Tx},
        ids::{OrganizationId, PortfolioId},
        services::Services,
    },
    permissions::{
        decide::{Action, Refusal, decide},
        model::{OrganizationRole, ScopeId},
        store::{self, KnownScope},
    },
    reauthentication::actor::Actor,
};

/// Checks that the principal may perform the action in the scope. Returns what is known about both.
///
/// Errors: [`AppError::NotFound`] if the scope does not exist or the principal may not know of it; [`AppError::NotInRole`] or
/// [`AppError::NotInGroup`] if they may know of it, but not do this.
pub async fn require(
    db: &mut impl Connection,
    services: &Services,
    principal: &Principal,
    scope: &ScopeId,
    action: Action,
) -> Result<KnownScope, AppError> {
    let known = find_known(db, services, principal, scope).await?;
    let decision = decide(&known.facts, action, services.clock.now());
    match decision.refusal {
        _ if decision.is_allowed() => Ok(known),
        Some(Refusal::NotInGroup) => Err(group_error(action)),
        Some(Refusal::AccountDisabled | Refusal::Closed) | None => Err(AppError::NotInRole),
    }
}

/// Administration takes a session; anything else another permission group.
fn group_error(action: Action) -> AppError {
    match action {
        Action::Administer | Action::AdministerOwners => AppError::SessionRequired,
        _ => AppError::NotInGroup,
    }
}

/// Returns a scope that the principal may know of: by a role in its organization, or by a grant on it, above it or inside it.
///
/// Errors: [`AppError::NotFound`].
pub async fn find_known(
    db: &mut impl Connection,
    services: &Services,
    principal: &Principal,
    scope: &ScopeId,
) -> Result<KnownScope, AppError> {
    let (user, now) = (&principal.account.id, services.clock.now());
    let known = store::find_facts(db, user, token_group(principal), scope, now).await?.ok_or(AppError::NotFound)?;
    let has_grant = known.has_grant_inside || known.facts.grants.iter().any(|grant| grant.is_active(now));
    let is_member = known.facts.membership.is_some_and(|role| role.administers() || matches!(scope, ScopeId::Organization(_)));
    if known.facts.is_enabled && (has_grant || is_member) { Ok(known) } else { Err(AppError::NotFound) }
}

/// Requires that the principal administers an organization, to read what concerns its administration: API tokens may, if their permission
/// group reads plants. Changes go through [`begin_administration`].
///
/// Errors: [`AppError::NotFound`] if the organization does not exist or the principal may not know of it; [`AppError::NotInRole`].
pub async fn require_administrator(
    db: &mut impl Connection,
    services: &Services,
    principal: &Principal,
    organization: &OrganizationId,
) -> Result<(), AppError> {
    let known = find_known(db, services, principal, &ScopeId::Organization(organization.clone())).await?;
    if known.facts.membership.is_some_and(OrganizationRole::administers) { Ok(()) } else { Err(AppError::NotInRole) }
}

fn token_group(principal: &Principal) -> Option<crate::access::Group> {
    if let Credential::Token(_, group) = &principal.credential { Some(*group) } else { None }
}

/// A transaction that changes something in an organization: its actor's account and the organization are locked, and the actor may do it.
pub struct Change {
    /// The transaction.
    pub tx: Tx,
    /// The organization.
    pub organization: OrganizationId,
    /// The portfolio that the scope is or belongs to. `None` for an organization.
    pub portfolio: Option<PortfolioId>,
    /// What is known about the actor. `None` for the command line, which may do everything.
    pub actor: Option<KnownScope>,
}

impl Change {
    /// Requires a role that administers the organization. Unlike [`Action::Administer`], this allows an API token whose group includes the
    /// action that the change began with.
    ///
    /// Errors: [`AppError::NotInRole`].
    pub fn require_administering_role(&self) -> Result<(), AppError> {
        let administers = |known: &KnownScope| known.facts.membership.is_some_and(OrganizationRole::administers);
        if self.actor.as_ref().is_none_or(administers) { Ok(()) } else { Err(AppError::NotInRole) }
    }
}

/// Begins a change in a scope: see [`store::lock_organization`].
///
/// Errors: those of [`require`], and of [`Actor::lock`].
pub async fn begin_change(services: &Services, actor: Actor<'_>, scope: &ScopeId, action: Action) -> Result<Change, AppError> {
    let mut tx = services.db.write().await?;
    actor.lock(&mut tx).await?;
    let (organization, _) = store::locate_scope(&mut tx, scope).await?.ok_or(AppError::NotFound)?;
    store::lock_organization(&mut tx, &organization).await?;
    // It may have been moved or deleted while this waited for the lock.
    let (_, portfolio) = store::locate_scope(&mut tx, scope).await?.ok_or(AppError::NotFound)?;
    let known = match actor {
        Actor::CommandLine => None,
        Actor::Principal(principal) => Some(require(&mut tx, services, principal, scope, action).await?),
    };
    Ok(Change { tx, organization, portfolio, actor: known })
}

/// Same as [`begin_change`], for administration: requires a session with recent authentication too (AUT-7).
///
/// Errors: those of [`begin_change`] and of [`Actor::require_recent`].
pub async fn begin_administration(services: &Services, actor: Actor<'_>, scope: &ScopeId, action: Action) -> Result<Change, AppError> {
    actor.require_recent(services)?;
    begin_change(services, actor, scope, action).await
}

/// Checks, inside a change, that its actor may administer a scope: as [`begin_administration`] does at the beginning of one.
///
/// Errors: those of [`require`] and of [`Actor::require_recent`].
pub async fn require_administration(
    tx: &mut Tx,
    services: &Services,
    actor: Actor<'_>,
    scope: &ScopeId,
    action: Action,
) -> Result<(), AppError> {
    if let Actor::Principal(principal) = actor {
        require(tx, services, principal, scope, action).await?;
    }
    actor.require_recent(services)
}
