//! Mails about API tokens.

use chrono::{DateTime, Utc};

use crate::{
    access::Client,
    api_tokens::model::{ApiToken, PAGE},
    mail::Letter,
    ui::{date::date, time::exact},
};

const WHY: &str = "You are told of every change of your API tokens.";
const NOT_YOU: &str = "If it was not you, revoke your tokens and sessions, then change your password.";

/// A token was made.
pub fn made(client: &Client, token: &ApiToken) -> Letter {
    let letter = Letter::new(format!("An API token was made: {}", token.name), WHY)
        .say("Whoever has it can use your Whereabouts account by the API, as far as its permission group goes.");
    about(letter, client, token)
}

/// A token has a new secret.
pub fn rotated(client: &Client, token: &ApiToken, old_ends: DateTime<Utc>, now: DateTime<Utc>) -> Letter {
    let old = match old_ends > now {
        true => format!("works until {}", exact(old_ends, &client.account.time_zone)),
        false => "works no more".to_owned(),
    };
    let letter = Letter::new(format!("An API token was rotated: {}", token.name), WHY).say("It has a new secret.").fact("The old one", old);
    about(letter, client, token)
}

fn about(letter: Letter, client: &Client, token: &ApiToken) -> Letter {
    letter
        .fact("Name", &token.name)
        .fact("Permissions", token.group.name())
        .fact("Expires", date(token.expires_at))
        .fact("IP address", client.origin.ip.to_string())
        .lead("Review your API tokens", PAGE)
        .advise(NOT_YOU)
}

/// Tokens were revoked: one, by its name, or several.
pub fn revoked(client: &Client, names: &[String]) -> Letter {
    let subject = match names {
        [name] => format!("An API token was revoked: {name}"),
        names => format!("{} API tokens were revoked", names.len()),
    };
    Letter::new(subject, WHY)
        .say("Scripts that use them are refused from now on.")
        .fact("Revoked", names.join(", "))
        .fact("IP address", client.origin.ip.to_string())
        .lead("Review your API tokens", PAGE)
        .advise(NOT_YOU)
}

/// A token is about to expire.
pub fn expires(name: &str, expires_at: DateTime<Utc>) -> Letter {
    Letter::new(format!("An API token expires on {}: {name}", date(expires_at)), "You are told 14 days before an API token expires.")
        .say("Scripts that use it are refused from then on. Rotate it to give it a new secret and a later end, or make another.")
        .fact("Name", name)
        .fact("Expires", date(expires_at))
        .lead("Review your API tokens", PAGE)
        .advise("If nothing uses it any more, there is nothing to do.")
}
