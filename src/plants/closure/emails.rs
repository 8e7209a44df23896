//! Mails about remote access of a plant.

use crate::{mail::Content, plants::model::Plant, reauthentication::actor::Actor};

const WHY: &str = "You get this email because you are an owner of the organization.";

/// Returns the mail about a plant whose remote access was closed.
pub fn closed(plant: &Plant, organization: &str, reason: &str, actor: Actor<'_>) -> Content {
    let content = Content::new(format!("Remote access was closed: {}", plant.name), WHY)
        .paragraph("Nobody can open the devices of this plant until an owner or administrator reopens remote access.")
        .fact("Plant", &plant.name)
        .fact("Organization", organization)
        .fact("Reason", reason);
    add_actor(content, plant, actor)
}

/// Returns the mail about a plant whose remote access was reopened.
pub fn reopened(plant: &Plant, organization: &str, actor: Actor<'_>) -> Content {
    let content = Content::new(format!("Remote access was reopened: {}", plant.name), WHY)
        .paragraph("Everybody with access to this plant can open its devices again.")
        .fact("Plant", &plant.name)
        .fact("Organization", organization);
    add_actor(content, plant, actor)
}

fn add_actor(content: Content, plant: &Plant, actor: Actor<'_>) -> Content {
    let content = content.fact("By", actor.name());
    let content = match actor.ip() {
        Some(ip) => content.fact("IP address", ip.to_string()),
        None => content,
    };
    content.button("Review the plant", format!("/plants/{}", plant.id))
}
