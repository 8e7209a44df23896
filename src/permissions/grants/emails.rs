//! Mails about grants.

use chrono::{DateTime, Utc};

use crate::{
    accounts::model::Account,
    mail::Content,
    permissions::model::{Grant, Person, Role, ScopeKind},
    ui::time::exact,
};

const WHY: &str = "You get this email for every change to your access, and to any access in organizations that you own.";
const WHY_REMINDED: &str = "You get this email three days before access ends that you have, granted, or answer for.";

/// What happened to a grant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// It was created.
    Created {
        /// Whether the person works for a vendor from now on.
        joins_vendor: bool,
    },
    /// Its end was changed.
    Extended,
    /// It was ended.
    Ended,
}

/// Returns the mail about a created, extended or ended grant. `by` is the name of who changed it.
pub fn changed(change: Change, grant: &Grant, organization: &str, by: &str, recipient: &Account) -> Content {
    let person = &grant.user.username;
    let subject = match change {
        Change::Created { .. } => format!("Access granted to {person}: {}", place(grant)),
        Change::Extended => format!("Access of {person} changed: {}", place(grant)),
        Change::Ended => format!("Access of {person} ended: {}", place(grant)),
    };
    let label = match change {
        Change::Created { .. } => "Granted by",
        Change::Extended => "Changed by",
        Change::Ended => "Ended by",
    };
    let content = Content::new(subject, WHY);
    let content = match (change, &grant.vendor) {
        (Change::Created { joins_vendor: true }, Some(vendor)) => content.paragraph(format!(
            "From now on, {person} works for {vendor} in {organization}. Access of a vendor's people neither edits plants nor closes remote \
             access: neither this access, nor any that {person} had there before."
        )),
        _ => content,
    };
    let content = add_facts(content, grant, organization, recipient).fact(label, by);
    add_button(content, grant).note("If you do not expect this, tell an owner or administrator of the organization.")
}

/// Returns the mail about something that was deleted with the grants on it. People see their own access, owners all of it.
pub fn ended_with_scope(name: &str, ended: &[Grant], by: &str, recipient: &Account) -> Content {
    let is_affected = ended.iter().any(|grant| grant.user.id == recipient.id);
    let shown = ended.iter().filter(|grant| !is_affected || grant.user.id == recipient.id);
    let lines: Vec<_> = shown.map(|grant| format!("{}: {}, {}", person(&grant.user), grant.role.name(), place(grant))).collect();
    let content = Content::new(format!("{name} was deleted"), WHY).paragraph(format!("{name} was deleted, and access to it ended."));
    let content = if lines.is_empty() { content } else { content.fact("Ended", lines.join("; ")) };
    content.fact("Deleted by", by).button("Review your plants", "/plants")
}

/// Returns the reminder that a grant ends soon.
pub fn ends_soon(grant: &Grant, organization: &str, recipient: &Account) -> Content {
    let person = &grant.user.username;
    let text = match recipient.id == grant.user.id {
        true => "Your access ends then. If you still need it, ask an owner or administrator of the organization to extend it.",
        false => "The access ends then by itself. If it is still needed, extend it.",
    };
    let content = Content::new(format!("Access of {person} ends soon: {}", place(grant)), WHY_REMINDED).paragraph(text);
    let content = add_facts(content, grant, organization, recipient);
    add_button(content, grant).note("If it is no longer needed, you can ignore this email.")
}

fn add_facts(content: Content, grant: &Grant, organization: &str, recipient: &Account) -> Content {
    let content = content.fact("Person", person(&grant.user)).fact("Role", grant.role.name()).fact("Where", place(grant));
    let content = if grant.scope.kind == ScopeKind::Organization { content } else { content.fact("Organization", organization) };
    let content = content.fact("Until", until(grant.expires_at, &recipient.time_zone)).fact("Reason", &grant.reason);
    match &grant.vendor {
        Some(vendor) => content.fact("Vendor", vendor),
        None => content,
    }
}

fn add_button(content: Content, grant: &Grant) -> Content {
    match grant.scope.kind {
        ScopeKind::Plant => content.button("Review the access", format!("/plants/{}?tab=access", grant.scope.id)),
        ScopeKind::Portfolio | ScopeKind::Organization => content.button("Review your plants", "/plants"),
    }
}

/// Names a person with name and username.
pub fn person(person: &Person) -> String {
    if person.name == person.username { person.username.clone() } else { format!("{} ({})", person.name, person.username) }
}

/// Names the scope of a grant: "Plant North", "Portfolio North", "All plants of Acme".
pub fn place(grant: &Grant) -> String {
    place_name(grant.scope.kind, &grant.scope.name)
}

/// Names a scope.
pub fn place_name(kind: ScopeKind, name: &str) -> String {
    match kind {
        ScopeKind::Organization => format!("All plants of {name}"),
        ScopeKind::Portfolio => format!("Portfolio {name}"),
        ScopeKind::Plant => format!("Plant {name}"),
    }
}

/// Names the end of a grant in a time zone.
pub fn until(expires_at: Option<DateTime<Utc>>, time_zone: &str) -> String {
    expires_at.map_or_else(|| "No end".to_owned(), |end| exact(end, time_zone))
}

/// Adds what an invitation grants to its mail.
pub fn add_promise(content: Content, role: Role, kind: ScopeKind, (name, organization): (&str, &str), until: String) -> Content {
    let content = content.fact("Role", role.name()).fact("Where", place_name(kind, name));
    let content = if kind == ScopeKind::Organization { content } else { content.fact("Organization", organization) };
    content.fact("Until", until)
}
