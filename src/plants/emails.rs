//! Mails about plants.

use crate::mail::Content;

/// Returns the mail about plants that were moved to another portfolio. `what` names the plant, or the plants.
pub fn moved(what: &str, from: &str, to: &str, by: &str) -> Content {
    Content::new(
        format!("Moved to another portfolio: {what}"),
        "You get this email because you have access to one of the portfolios, or own the organization.",
    )
    .paragraph("Access that was granted on a portfolio applies to the plants that are in it now.")
    .fact("Plants", what)
    .fact("From", from)
    .fact("To", to)
    .fact("Moved by", by)
    .button("Review your plants", "/plants")
    .note("If you do not expect this, tell an owner or administrator of the organization.")
}

/// Returns the mail to owners about a host that came to a plant from another one.
pub fn host_moved(host: &str, [from, to]: [&str; 2], organization: &str, by: &str) -> Content {
    Content::new(
        format!("A host came to another plant: {host}"),
        "You get this email for every change to access in organizations that you own.",
    )
    .paragraph("Whoever may open the devices of the plant that has the host now reaches what answers there.")
    .fact("Host", host)
    .fact("From", from)
    .fact("To", to)
    .fact("Organization", organization)
    .fact("Changed by", by)
    .button("Review your plants", "/plants")
    .note("If you do not expect this, talk to the other owners of the organization.")
}
