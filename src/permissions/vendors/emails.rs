//! Mails about vendors.

use crate::{
    accounts::model::Account,
    mail::Content,
    permissions::{
        grants::emails::{person, place},
        model::Grant,
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
