//! Mails about vendors.

use crate::{
    accounts::model::Account,
    mail::Content,
    permissions::{
        grants::emails::{person, place},
        model::{Grant, Person},
    },
};

const WHY: &str = "You get this email for every change to your access, and to any access in organizations that you own.";

/// Returns the mail about the end of all access of a vendor's people. People see their own access, owners all of it.
pub fn access_ended(vendor: &str, organization: &str, by: &str, ended: &[Grant], recipient: &Account) -> Content {
    let is_affected = ended.iter().any(|grant| grant.user.id == recipient.id);
    let content = Content::new(format!("Access of {vendor} ended: {organization}"), WHY)
        .paragraph(format!("All access of {vendor} in {organization} was ended."))
        .fact("Vendor", vendor)
        .fact("Organization", organization);
    let shown = ended.iter().filter(|grant| !is_affected || grant.user.id == recipient.id);
    let lines: Vec<_> = shown.map(|grant| format!("{}: {}, {}", person(&grant.user), grant.role.name(), place(grant))).collect();
    content
        .fact("Ended", lines.join("; "))
        .fact("Ended by", by)
        .button("Review your plants", "/plants")
        .note("Your account is not affected, nor access in other organizations.")
}

/// Returns the mail about a person who no longer works for a vendor.
pub fn person_removed(removed: &Account, vendor: &str, organization: &str, by: &str) -> Content {
    let described = Person { id: removed.id.clone(), name: removed.name.clone(), username: removed.username.clone() };
    Content::new(format!("{organization}: {} no longer works for {vendor}", removed.username), WHY)
        .paragraph("Access that is granted from now on is no longer a vendor's: it may have no end, and operators may edit plants.")
        .fact("Person", person(&described))
        .fact("Vendor", vendor)
        .fact("Organization", organization)
        .fact("Removed by", by)
        .button("Review your plants", "/plants")
        .note("If you do not expect this, tell an owner or administrator of the organization.")
}
