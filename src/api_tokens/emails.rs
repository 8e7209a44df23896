//! Mails about API tokens.

use chrono::{DateTime, Utc};

use crate::{
    access::Principal,
    api_tokens::model::{ApiToken, PAGE},
    mail::Content,
    ui::{date::date, time::exact},
};

const WHY: &str = "You get this email for every change to your API tokens.";
const NOT_YOU: &str = "If this was not you, revoke your tokens and sessions, then change your password.";

/// Returns the mail about a created token.
pub fn created(principal: &Principal, token: &ApiToken) -> Content {
    let content = Content::new(format!("An API token was created: {}", token.name), WHY)
        .paragraph("Anyone who has it can use your Whereabouts account through the API, within its permission group.");
    add_token_facts(content, principal, token)
}

/// Returns the mail about a rotated token, whose previous secret expires at `previous_expires_at`.
pub fn rotated(principal: &Principal, token: &ApiToken, previous_expires_at: DateTime<Utc>, now: DateTime<Utc>) -> Content {
    let old = match previous_expires_at > now {
        true => format!("works until {}", exact(previous_expires_at, &principal.account.time_zone)),
        false => "no longer works".to_owned(),
    };
    let content = Content::new(format!("An API token was rotated: {}", token.name), WHY)
        .paragraph("It has a new secret.")
        .fact("Previous secret", old);
    add_token_facts(content, principal, token)
}

fn add_token_facts(content: Content, principal: &Principal, token: &ApiToken) -> Content {
    content
        .fact("Name", &token.name)
        .fact("Permissions", token.group.name())
        .fact("Expires", date(token.expires_at))
        .fact("IP address", principal.client_info.ip.to_string())
        .button("Review your API tokens", PAGE)
        .note(NOT_YOU)
}

/// Returns the mail about revoked tokens. The subject names a single one.
pub fn revoked(principal: &Principal, names: &[String]) -> Content {
    let subject = match names {
        [name] => format!("An API token was revoked: {name}"),
        names => format!("{} API tokens were revoked", names.len()),
    };
    Content::new(subject, WHY)
        .paragraph("Scripts that use them no longer have access.")
        .fact("Revoked", names.join(", "))
        .fact("IP address", principal.client_info.ip.to_string())
        .button("Review your API tokens", PAGE)
        .note(NOT_YOU)
}

/// Returns the reminder that a token expires soon.
pub fn expires_soon(name: &str, expires_at: DateTime<Utc>) -> Content {
    Content::new(format!("An API token expires on {}: {name}", date(expires_at)), "You get this email 14 days before an API token expires.")
        .paragraph("Scripts that use it will lose access then. Rotate it to get a new secret and a later expiry, or create another token.")
        .fact("Name", name)
        .fact("Expires", date(expires_at))
        .button("Review your API tokens", PAGE)
        .note("If nothing uses it anymore, you can ignore this email.")
}
