//! Mails about members.

use crate::{
    mail::Content,
    permissions::{
        grants::emails::{person, place},
        model::{Grant, OrganizationRole, Person},
    },
};

const WHY: &str =
    "You get this email when your role in an organization changes, and for changes of members in organizations that you own or administer.";
const UNEXPECTED: &str = "If you do not expect this, tell an owner of the organization.";

/// Returns the mail about a new role. `previous` is `None` for a new member.
pub fn changed(user: &Person, organization: &str, role: OrganizationRole, previous: Option<OrganizationRole>, by: &str) -> Content {
    let content = Content::new(format!("{organization}: {} is now {}", user.username, with_article(role)), WHY)
        .fact("Person", person(user))
        .fact("Organization", organization)
        .fact("Role", role.name());
    let content = match previous {
        Some(previous) => content.fact("Before", previous.name()),
        None => content,
    };
    content.fact("Changed by", by).button("Review your plants", "/plants").note(UNEXPECTED)
}

/// Returns the mail about a removed member, whose grants in the organization ended too.
pub fn removed(user: &Person, organization: &str, previous: OrganizationRole, ended: &[Grant], by: &str) -> Content {
    let content = Content::new(format!("{organization}: {} is no longer {}", user.username, with_article(previous)), WHY)
        .fact("Person", person(user))
        .fact("Organization", organization)
        .fact("Before", previous.name());
    let lines: Vec<_> = ended.iter().map(|grant| format!("{}, {}", grant.role.name(), place(grant))).collect();
    let content = if lines.is_empty() { content } else { content.fact("Access ended", lines.join("; ")) };
    content.fact("Removed by", by).button("Review your plants", "/plants").note(UNEXPECTED)
}

fn with_article(role: OrganizationRole) -> &'static str {
    match role {
        OrganizationRole::Member => "a member",
        OrganizationRole::Administrator => "an administrator",
        OrganizationRole::Owner => "an owner",
    }
}
