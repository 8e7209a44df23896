//! The one decision about plants and organizations (AUT-1): a pure function of everything that counts.

use chrono::{DateTime, Utc};

use crate::{
    access::{EditPlants, Group, OpenDevices, Permission, ReadAuditLog, ReadPlants},
    foundation::ids::GrantId,
    permissions::model::{Grant, OrganizationRole, Role},
};

/// Something that a person may do with a plant, or with all plants of a portfolio or organization.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Action {
    /// To see the plant and its devices.
    See,
    /// To open its devices.
    Open,
    /// To edit the plant and its devices.
    Edit,
    /// To close remote access.
    Close,
    /// To read its audit log.
    ReadAuditLog,
    /// To see the names of those who can reach it, and of those who are connected.
    SeePeople,
    /// To grant access and end grants, to reopen remote access, to manage members who are not owners.
    Administer,
    /// To do that for oneself, and to manage owners.
    AdministerOwners,
}

impl Action {
    /// All actions.
    pub const ALL: [Self; 8] =
        [Self::See, Self::Open, Self::Edit, Self::Close, Self::ReadAuditLog, Self::SeePeople, Self::Administer, Self::AdministerOwners];
}

/// Everything that counts for a decision about one person and one scope.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// Whether the account is enabled.
    pub is_enabled: bool,
    /// The permission group of the API token that makes the request. `None` for a session.
    pub token_group: Option<Group>,
    /// The person's role in the organization.
    pub membership: Option<OrganizationRole>,
    /// Whether the person works for a vendor in the organization.
    pub is_vendor: bool,
    /// The person's grants on the scope and on what contains it, expired ones too.
    pub grants: Vec<GrantedRole>,
    /// Whether remote access of the plant is closed.
    pub is_closed: bool,
}

/// What counts of a grant. Whoever explains a decision loads the rest by the id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GrantedRole {
    /// The grant.
    pub grant: GrantId,
    /// The role.
    pub role: Role,
    /// When it ends. `None`: no end.
    pub expires_at: Option<DateTime<Utc>>,
}

impl GrantedRole {
    /// Returns whether the grant has not expired.
    pub fn is_active(&self, now: DateTime<Utc>) -> bool {
        self.expires_at.is_none_or(|expires_at| now < expires_at)
    }
}

impl From<&Grant> for GrantedRole {
    fn from(grant: &Grant) -> Self {
        Self { grant: grant.id.clone(), role: grant.role, expires_at: grant.expires_at }
    }
}

/// A decision with its reasons.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision<'a> {
    /// Everything that allows the action (AUT-5).
    pub reasons: Vec<Reason<'a>>,
    /// What refuses the action in spite of the reasons.
    pub refusal: Option<Refusal>,
}

impl Decision<'_> {
    /// Returns whether the action is allowed.
    pub fn is_allowed(&self) -> bool {
        self.refusal.is_none() && !self.reasons.is_empty()
    }
}

/// Something that allows an action.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason<'a> {
    /// A grant.
    Grant(&'a GrantedRole),
    /// A role in the organization.
    Membership(OrganizationRole),
}

/// Something that refuses an action whatever roles a person has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// The account is disabled.
    AccountDisabled,
    /// The permission group of the API token does not include the action.
    NotInGroup,
    /// Remote access of the plant is closed.
    Closed,
}

/// Decides whether the person may perform the action. Default deny: without a reason, nothing is allowed (AUT-2). Grants only add (AUT-4).
pub fn decide<'a>(facts: &'a Facts, action: Action, now: DateTime<Utc>) -> Decision<'a> {
    let grants = facts.grants.iter().filter(|grant| grant.is_active(now) && is_allowed_by_role(grant.role, facts.is_vendor, action));
    let membership = facts.membership.filter(|role| is_allowed_by_membership(*role, action));
    let reasons = grants.map(Reason::Grant).chain(membership.map(Reason::Membership)).collect();
    Decision { reasons, refusal: refusal(facts, action) }
}

fn refusal(facts: &Facts, action: Action) -> Option<Refusal> {
    if !facts.is_enabled {
        Some(Refusal::AccountDisabled)
    } else if facts.token_group.is_some_and(|group| !is_in_group(group, action)) {
        Some(Refusal::NotInGroup)
    } else if facts.is_closed && action == Action::Open {
        Some(Refusal::Closed)
    } else {
        None
    }
}

/// What a plant role allows. A vendor's grant, of whatever role, neither edits nor closes.
fn is_allowed_by_role(role: Role, is_vendor: bool, action: Action) -> bool {
    match action {
        Action::See => true,
        Action::Open => matches!(role, Role::Technician | Role::Operator),
        Action::Edit | Action::Close => role == Role::Operator && !is_vendor,
        Action::ReadAuditLog | Action::SeePeople => matches!(role, Role::Operator | Role::Auditor),
        Action::Administer | Action::AdministerOwners => false,
    }
}

/// What a role in the organization allows. None opens a device: that takes a grant.
fn is_allowed_by_membership(role: OrganizationRole, action: Action) -> bool {
    match action {
        Action::See | Action::Edit | Action::Close | Action::SeePeople | Action::Administer => role.administers(),
        Action::ReadAuditLog | Action::AdministerOwners => role == OrganizationRole::Owner,
        Action::Open => false,
    }
}

/// What an API token can do at most. None administers (AUT-7).
fn is_in_group(group: Group, action: Action) -> bool {
    match action {
        Action::See | Action::SeePeople => ReadPlants::is_in(group),
        Action::Open => OpenDevices::is_in(group),
        Action::Edit | Action::Close => EditPlants::is_in(group),
        Action::ReadAuditLog => ReadAuditLog::is_in(group),
        Action::Administer | Action::AdministerOwners => false,
    }
}

#[cfg(test)]
mod tests;
