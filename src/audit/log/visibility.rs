//! Who sees which events (AUT-1): a pure rule. `store::walk` has the same rule as SQL; a property test compares the two.

use chrono::{DateTime, Utc};

use crate::{
    access::{Group, Permission as _, ReadAuditLog},
    foundation::ids::UserId,
    permissions::{
        decide::{Action as Permitted, Facts, GrantedRole, decide},
        model::OrganizationRole,
    },
    record::{Action, entry::Ids},
};

/// A person who reads the log, with their rights in the organization of an event.
#[derive(Debug, Clone)]
pub struct Reader {
    /// The account.
    pub user: UserId,
    /// Whether the person is a platform administrator.
    pub is_platform_administrator: bool,
    /// The permission group of the API token that reads. `None` for a session.
    pub token_group: Option<Group>,
    /// The person's role in the organization of the event.
    pub membership: Option<OrganizationRole>,
    /// The person's grants in the organization of the event, expired ones too.
    pub grants: Vec<ScopedGrant>,
}

/// A grant on a plant, on a portfolio or, without either, on the organization.
#[derive(Debug, Clone)]
pub struct ScopedGrant {
    /// The portfolio.
    pub portfolio: Option<String>,
    /// The plant.
    pub plant: Option<String>,
    /// What counts of the grant.
    pub granted: GrantedRole,
}

/// Returns whether a person sees an event: what they did and what concerns their account; what happened in a scope where they may read the
/// audit log, by the event's own ids, not by where a plant stands today; and for platform administrators, what belongs to no organization,
/// and changes of organizations themselves.
pub fn may_see(reader: &Reader, action: &str, event: &Ids, now: DateTime<Utc>) -> bool {
    let user = Some(reader.user.as_str());
    let is_own = event.actor_id.as_deref() == user || event.subject_id.as_deref() == user;
    let is_platform_matter = reader.is_platform_administrator && (is_outside(event) || is_about_organization(action));
    let may_read = reader.token_group.is_none_or(ReadAuditLog::is_in);
    may_read && (is_own || is_platform_matter || decide(&facts(reader, event), Permitted::ReadAuditLog, now).is_allowed())
}

/// Returns whether an event belongs to no organization.
fn is_outside(event: &Ids) -> bool {
    event.organization_id.is_none() && event.portfolio_id.is_none() && event.plant_id.is_none()
}

/// Returns whether an action changes an organization itself.
pub fn is_about_organization(action: &str) -> bool {
    action.starts_with("organization.")
}

/// Returns the keys of the actions that change an organization itself.
pub fn organization_actions() -> impl Iterator<Item = &'static str> {
    Action::ALL.iter().map(|action| action.key()).filter(|key| is_about_organization(key))
}

/// Returns the facts about the reader and the scope that an event names. Whoever reads is signed in, so the account is enabled; whether the
/// reader works for a vendor and whether the plant is closed do not count for reading.
fn facts(reader: &Reader, event: &Ids) -> Facts {
    let applies = |grant: &&ScopedGrant| {
        let is_on = |scope: &Option<String>, id: &Option<String>| scope.is_none() || scope == id;
        event.organization_id.is_some() && is_on(&grant.portfolio, &event.portfolio_id) && is_on(&grant.plant, &event.plant_id)
    };
    Facts {
        is_enabled: true,
        token_group: reader.token_group,
        membership: reader.membership.filter(|_| event.organization_id.is_some()),
        is_vendor: false,
        grants: reader.grants.iter().filter(applies).map(|grant| grant.granted.clone()).collect(),
        is_closed: false,
    }
}

#[cfg(test)]
mod tests;
