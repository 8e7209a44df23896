//! Mails about devices.

use crate::mail::Content;

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
