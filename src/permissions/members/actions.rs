//! Lists, changes and removes members.

use serde_json::json;

use crate::{
    access::Principal,
    accounts::{model::Account, store as accounts},
    error::AppError,
    foundation::{
        db::{Connection, Tx},
        http::page::{PageRequest, cut},
        ids::{OrganizationId, UserId},
        services::Services,
    },
    mail::{Content, Kind},
    permissions::{
        authorize::require_administrator,
        grants::{actions as grants, store::Which},
        members::{
            emails,
            model::Member,
            store::{self, MemberRow},
        },
        model::{OrganizationRole, Person, ScopeId},
        notify::notify,
        store as permissions,
        vendors::store as vendors,
    },
    reauthentication::actor::Actor,
    record::Action,
};

/// Lists members by username. Returns the cursor of the next page too.
///
/// Errors: [`AppError::NotFound`], [`AppError::NotInRole`] unless the principal administers the organization or the platform; the cursor is
/// invalid.
pub async fn list(
    services: &Services,
    principal: &Principal,
    organization: &OrganizationId,
    page: &PageRequest,
) -> Result<(Vec<Member>, Option<String>), AppError> {
    let mut db = services.db.read().await?;
    if principal.account.is_admin {
        permissions::locate_scope(&mut db, &ScopeId::Organization(organization.clone())).await?.ok_or(AppError::NotFound)?;
    } else {
        require_administrator(&mut db, services, principal, organization).await?;
    }
    let [after] = page.position()?;
    let rows = store::list(&mut db, organization, page.search.as_deref(), Some(&after), page.limit + 1).await?;
    let (rows, next) = cut(rows, page.limit, |row: &MemberRow| [row.normalized_username.as_str()]);
    Ok((rows.into_iter().map(Member::from).collect(), next))
}

/// What counts for what an actor may do with the members of an organization.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Authority {
    /// Whether it is the command line, which may do everything.
    is_command_line: bool,
    /// The actor's own role.
    role: Option<OrganizationRole>,
    /// Whether the actor is a platform administrator, and the organization has no enabled owner.
    may_name_owner: bool,
}

impl Authority {
    /// Returns whether the actor may change a role; `None` is that of somebody who is no member. Owners may do everything, administrators
    /// everything except what concerns owners or themselves, and everybody may leave (AUT-3).
    fn allows(self, is_self: bool, current: Option<OrganizationRole>, new: Option<OrganizationRole>) -> bool {
        let is_owner = |role| role == Some(OrganizationRole::Owner);
        let is_administrator = self.role == Some(OrganizationRole::Administrator);
        self.is_command_line
            || is_owner(self.role)
            || self.may_name_owner && is_owner(new)
            || is_administrator && !is_self && !is_owner(current) && !is_owner(new)
            || is_self && new.is_none()
    }

    /// Returns whether the actor may give somebody a role.
    fn may_add(self) -> bool {
        self.is_command_line || self.may_name_owner || self.role.is_some_and(OrganizationRole::administers)
    }
}

/// Determines what the actor may do with the members of an organization.
///
/// Errors: [`AppError::NotFound`] if it does not exist or the actor may not know of it.
async fn authority(
    db: &mut impl Connection,
    services: &Services,
    actor: Actor<'_>,
    organization: &OrganizationId,
) -> Result<Authority, AppError> {
    let scope = ScopeId::Organization(organization.clone());
    let Actor::Principal(principal) = actor else {
        permissions::locate_scope(db, &scope).await?.ok_or(AppError::NotFound)?;
        return Ok(Authority { is_command_line: true, ..Authority::default() });
    };
    let (account, now) = (&principal.account, services.clock.now());
    let known = permissions::find_facts(db, &account.id, None, &scope, now).await?.ok_or(AppError::NotFound)?;
    let role = known.facts.membership;
    if role.is_none() && !account.is_admin && !known.has_grant_inside {
        return Err(AppError::NotFound);
    }
    let may_name_owner = account.is_admin && permissions::owners(db, organization).await?.is_empty();
    Ok(Authority { is_command_line: false, role, may_name_owner })
}

/// Begins a change of members: locks the actor's account and the organization.
///
/// Errors: those of [`authority`] and [`Actor::lock`].
async fn begin(services: &Services, actor: Actor<'_>, organization: &OrganizationId) -> Result<(Tx, Authority), AppError> {
    let mut tx = services.db.write().await?;
    actor.lock(&mut tx).await?;
    permissions::lock_organization(&mut tx, organization).await?;
    let authority = authority(&mut tx, services, actor, organization).await?;
    Ok((tx, authority))
}

/// Gives a person a role in an organization, in place of any other. `user` is an id, a username or an email address. Without an owner who
/// could be told, the administrators are.
///
/// Errors: [`AppError::NotFound`], [`AppError::NotInRole`], [`AppError::LastOwner`], those of [`Actor::require_recent`] and
/// [`grants::find_person`]; [`AppError::Invalid`] about `user` if there is no such person, or if they work for a vendor there.
pub async fn set(
    services: &Services,
    actor: Actor<'_>,
    organization: &OrganizationId,
    user: &str,
    role: OrganizationRole,
) -> Result<Member, AppError> {
    actor.require_recent(services)?;
    let user = find_candidate(services, actor, organization, user).await?;
    let (mut tx, authority) = begin(services, actor, organization).await?;
    let current = permissions::membership(&mut tx, &user, organization).await?;
    let had_owner = !permissions::owners(&mut tx, organization).await?.is_empty();
    if !authority.allows(is_self(actor, &user), current, Some(role)) {
        return Err(AppError::NotInRole);
    }
    if current != Some(role) {
        ensure_owner_remains(&mut tx, organization, &user, current, Some(role)).await?;
        if vendors::find_employer(&mut tx, &user, organization).await?.is_some() {
            return Err(AppError::invalid("user", "This person works for a vendor here. Remove them from the vendor first."));
        }
        permissions::set_membership(&mut tx, &user, organization, role, services.clock.now()).await?;
    }
    let member = store::find(&mut tx, organization, user.as_str()).await?.ok_or(AppError::NotFound)?;
    if current != Some(role) {
        let detail = json!({ "organization": organization, "role": role, "previous": current });
        services.recorder.write(&mut tx, actor.event(Some(&user), Action::MemberChanged, detail)).await?;
        let content = |name: &str| emails::changed(&member.user, name, role, current, actor.name());
        let others = if had_owner { Vec::new() } else { permissions::administrators(&mut tx, organization).await? };
        mail_change(&mut tx, services, organization, &member.user, others, content).await?;
    }
    tx.commit().await?;
    Ok(member)
}

/// Makes a person the first owner of an organization that is being created, on record, and mails them.
pub async fn add_first_owner(
    tx: &mut Tx,
    services: &Services,
    actor: Actor<'_>,
    organization: &OrganizationId,
    owner: &Account,
) -> Result<(), AppError> {
    let role = OrganizationRole::Owner;
    permissions::set_membership(tx, &owner.id, organization, role, services.clock.now()).await?;
    let detail = json!({ "organization": organization, "role": role, "previous": null });
    services.recorder.write(tx, actor.event(Some(&owner.id), Action::MemberChanged, detail)).await?;
    let person = Person { id: owner.id.clone(), name: owner.name.clone(), username: owner.username.clone() };
    let content = |name: &str| emails::changed(&person, name, role, None, actor.name());
    mail_change(tx, services, organization, &person, Vec::new(), content).await
}

/// Finds who is to get a role: a member, enabled or not, or anybody with an enabled account.
async fn find_candidate(services: &Services, actor: Actor<'_>, organization: &OrganizationId, user: &str) -> Result<UserId, AppError> {
    let known = {
        let mut db = services.db.read().await?;
        if !authority(&mut db, services, actor, organization).await?.may_add() {
            return Err(AppError::NotInRole);
        }
        store::find(&mut db, organization, user).await?
    };
    if let Some(known) = known {
        return Ok(known.user.id);
    }
    let found = grants::find_person(services, actor, organization, user).await?;
    found.map(|found| found.id).ok_or_else(|| AppError::invalid("user", "There is no user with this username or email address."))
}

fn is_self(actor: Actor<'_>, user: &UserId) -> bool {
    matches!(actor, Actor::Principal(principal) if principal.account.id == *user)
}

/// Refuses to take the role from the last owner. A disabled one does not count as another owner (AUT-6).
async fn ensure_owner_remains(
    tx: &mut Tx,
    organization: &OrganizationId,
    user: &UserId,
    current: Option<OrganizationRole>,
    new: Option<OrganizationRole>,
) -> Result<(), AppError> {
    let loses_owner = current == Some(OrganizationRole::Owner) && new != current;
    if loses_owner && !store::has_other_owner(tx, organization, user).await? { Err(AppError::LastOwner) } else { Ok(()) }
}

/// Mails the person, if their account is enabled, the owners of the organization, and others.
async fn mail_change(
    tx: &mut Tx,
    services: &Services,
    organization: &OrganizationId,
    user: &Person,
    others: Vec<Account>,
    content: impl Fn(&str) -> Content,
) -> Result<(), AppError> {
    let content = content(&permissions::organization_name(tx, organization).await?);
    let people = others.into_iter().chain(accounts::find_by_id(tx, &user.id).await?);
    Ok(notify(tx, services, organization, people, Kind::MemberChanged, |_: &Account| content.clone()).await?)
}

/// A removed member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Removed {
    /// The member.
    pub member: Member,
    /// Number of grants that ended with the membership.
    pub grants_ended: usize,
}

/// Removes a member and ends all their grants in the organization. `user` is an id, a username or an email address. Members may remove
/// themselves.
///
/// Errors: [`AppError::NotFound`], [`AppError::NotInRole`], [`AppError::LastOwner`], those of [`Actor::require_recent`].
pub async fn remove(services: &Services, actor: Actor<'_>, organization: &OrganizationId, user: &str) -> Result<Removed, AppError> {
    actor.require_recent(services)?;
    let (mut tx, authority) = begin(services, actor, organization).await?;
    let found = store::find(&mut tx, organization, user).await?;
    let is_self = found.as_ref().is_some_and(|found| is_self(actor, &found.user.id));
    if !authority.allows(is_self, found.as_ref().map(|found| found.role), None) {
        return Err(AppError::NotInRole);
    }
    let member = found.ok_or(AppError::NotFound)?;
    let (user, role) = (&member.user, member.role);
    ensure_owner_remains(&mut tx, organization, &user.id, Some(role), None).await?;
    let ended = grants::end_in(&mut tx, services, actor, Which::OfPerson(&user.id, organization)).await?;
    store::remove(&mut tx, organization, &user.id).await?;
    let ids: Vec<_> = ended.iter().map(|grant| &grant.id).collect();
    let detail = json!({ "organization": organization, "previous": role, "grants": ids });
    services.recorder.write(&mut tx, actor.event(Some(&user.id), Action::MemberRemoved, detail)).await?;
    let content = |name: &str| emails::removed(user, name, role, &ended, actor.name());
    mail_change(&mut tx, services, organization, user, Vec::new(), content).await?;
    tx.commit().await?;
    Ok(Removed { grants_ended: ended.len(), member })
}

#[cfg(test)]
mod tests {
    use super::*;
    use OrganizationRole::{Administrator, Member as Plain, Owner};

    /// AUT-3
    #[test]
    fn who_may_change_whose_role() {
        let of = |role| Authority { role: Some(role), ..Authority::default() };
        let platform = Authority { may_name_owner: true, ..Authority::default() };
        let other = |authority: Authority, current, new| authority.allows(false, current, new);
        let own = |authority: Authority, current, new| authority.allows(true, current, new);
        assert!(other(of(Owner), Some(Owner), None) && own(of(Owner), Some(Owner), Some(Plain)) && other(of(Owner), None, Some(Owner)));
        assert!(other(of(Administrator), Some(Administrator), None) && other(of(Administrator), None, Some(Administrator)));
        assert!(!other(of(Administrator), Some(Owner), None) && !other(of(Administrator), Some(Plain), Some(Owner)));
        assert!(!own(of(Administrator), Some(Administrator), Some(Owner)) && !own(of(Administrator), Some(Administrator), Some(Plain)));
        assert!(
            own(of(Administrator), Some(Administrator), None) && own(of(Plain), Some(Plain), None) && !other(of(Plain), Some(Plain), None)
        );
        assert!(other(platform, None, Some(Owner)) && own(platform, None, Some(Owner)));
        assert!(!other(platform, None, Some(Administrator)) && !other(platform, Some(Owner), None));
        assert!(!other(Authority::default(), None, Some(Owner)));
    }
}
