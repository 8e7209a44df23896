//! What an event tells, as a sentence: who did it stands beside it.

use serde_json::Value;

use crate::{
    audit::log::model::{AuditEvent, Target, TargetKind},
    record::{Action, Outcome},
    ui::number::count_of,
};

/// A part of a sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// Words.
    Text(String),
    /// The name of what was acted on.
    Thing(String),
}

/// A sentence without a full stop.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sentence(pub Vec<Piece>);

impl Sentence {
    fn text(mut self, text: &str) -> Self {
        self.0.push(Piece::Text(text.to_owned()));
        self
    }

    fn thing(mut self, name: &str) -> Self {
        self.0.push(Piece::Thing(name.to_owned()));
        self
    }

    /// Adds the name of a target after some words, or what it is without a name: " of a plant".
    fn target(self, before: &str, target: Option<&Target>, otherwise: &str) -> Self {
        match target.and_then(|target| target.name.as_deref()) {
            Some(name) => self.text(before).thing(name),
            None => self.text(before).text(otherwise),
        }
    }

    /// Adds the person whom it concerns, unless they did it themselves.
    fn person(self, event: &AuditEvent, before: &str) -> Self {
        match event.target(TargetKind::Person) {
            Some(person) => self.target(before, Some(person), "somebody"),
            None => self,
        }
    }

    /// Adds what was entered, in quotes.
    fn quote(self, event: &AuditEvent, key: &str) -> Self {
        match text(event, key) {
            Some(text) => self.text(&format!(": “{text}”")),
            None => self,
        }
    }
}

/// Returns the sentence of an event. Its words do not depend on who reads it.
pub fn sentence(event: &AuditEvent) -> Sentence {
    let Some(action) = Action::parse(&event.action) else { return Sentence::default().text(&event.action) };
    let found = account(action, event)
        .or_else(|| password(action, event))
        .or_else(|| sessions(action, event))
        .or_else(|| tokens(action, event))
        .or_else(|| joining(action, event))
        .or_else(|| containers(action, event))
        .or_else(|| plants(action, event))
        .or_else(|| access(action, event))
        .or_else(|| log(action, event));
    found.unwrap_or_else(|| Sentence::default().text(action.description(event.outcome)))
}

/// Begins a sentence: "Changed" or, if it was refused, "Tried to change".
fn begin(event: &AuditEvent, done: &str, tried: &str) -> Sentence {
    match event.outcome {
        Outcome::Success => Sentence::default().text(done),
        Outcome::Refused => Sentence::default().text(&format!("Tried to {tried}")),
    }
}

fn text<'a>(event: &'a AuditEvent, key: &str) -> Option<&'a str> {
    event.detail.get(key)?.as_str().filter(|text| !text.is_empty())
}

fn count(event: &AuditEvent, key: &str) -> i64 {
    event.detail.get(key).and_then(Value::as_i64).unwrap_or_default()
}

/// Returns ", and 3 sessions ended", unless it is none.
fn sessions_ended(event: &AuditEvent) -> String {
    match count(event, "sessions_ended") {
        0 => String::new(),
        ended => format!(", which ended {}", count_of(ended, "session")),
    }
}

fn account(action: Action, event: &AuditEvent) -> Option<Sentence> {
    let begin = |done, tried| begin(event, done, tried);
    Some(match action {
        Action::SignIn => {
            let method = text(event, "method").map(|method| format!(" with {}", method.to_lowercase())).unwrap_or_default();
            let whose = event.target(TargetKind::Person).is_some();
            let sentence = begin("Signed in", "sign in").text(&method).person(event, " as ");
            if event.outcome == Outcome::Refused && !whose && event.actor.id.is_none() {
                sentence.text(" to an unknown account")
            } else {
                sentence
            }
        }
        Action::SignOut => begin("Signed out", "sign out"),
        Action::SignInConfirmed => begin("Confirmed a sign-in", "confirm a sign-in").person(event, " as "),
        Action::SignInDisowned => {
            begin("Reported a sign-in as not theirs", "report a sign-in").person(event, ", for ").text(&sessions_ended(event))
        }
        Action::ProfileChanged => begin("Changed the profile", "change the profile").person(event, " of "),
        Action::EmailChangeAskedFor => begin("Requested another email address", "request another email address"),
        Action::EmailChangeConfirmed => {
            begin("Confirmed the change of the email address", "confirm the change of the email address").person(event, " of ")
        }
        Action::EmailChanged => begin("Changed the email address", "change the email address").person(event, " of "),
        Action::AccountCreated => begin("Created the account", "create the account").person(event, " of "),
        Action::AccountDisabled => begin("Disabled the account", "disable the account").person(event, " of ").text(&sessions_ended(event)),
        Action::AccountEnabled => begin("Enabled the account", "enable the account").person(event, " of "),
        Action::AdministrationRefused => begin("Administered", "administer: that is for platform administrators"),
        Action::MailGivenUp => begin("Sent an email", "send an email").person(event, " to ").text(": nobody accepted it"),
        _ => return None,
    })
}

fn password(action: Action, event: &AuditEvent) -> Option<Sentence> {
    let begin = |done, tried| begin(event, done, tried);
    Some(match action {
        Action::PasswordChanged => begin("Changed the password", "change the password").text(&sessions_ended(event)),
        Action::PasswordConfirmed => begin("Confirmed the password", "confirm the password"),
        Action::PasswordRejected => begin("Entered a wrong password", "confirm the password: it was wrong"),
        Action::CodeRejected => begin("Entered a wrong code", "enter a code: it was wrong").person(event, " for "),
        Action::ResetAskedFor => begin("Requested a password reset", "request a password reset").person(event, " for "),
        Action::PasswordReset => {
            begin("Replaced the forgotten password", "replace a password").person(event, " of ").text(&sessions_ended(event))
        }
        Action::ResetStartedByAdministrator => begin("Started a password reset", "start a password reset").person(event, " for "),
        Action::SecondFactorEnabled => {
            begin("Turned on two-factor authentication", "turn on two-factor authentication").person(event, " for ")
        }
        Action::SecondFactorDisabled => {
            begin("Turned off two-factor authentication", "turn off two-factor authentication").person(event, " for ")
        }
        Action::RecoveryCodesRenewed => begin("Renewed the recovery codes", "renew the recovery codes"),
        Action::RecoveryCodeUsed => {
            let left = format!(": {} left", count(event, "left"));
            begin("Used a recovery code", "use a recovery code").person(event, " of ").text(&left)
        }
        _ => return None,
    })
}

fn sessions(action: Action, event: &AuditEvent) -> Option<Sentence> {
    let begin = |done, tried| begin(event, done, tried);
    let is_everybody = event.detail.get("everybody").is_some();
    Some(match action {
        Action::SessionRevoked => {
            begin("Ended the session ", "end the session ").target("", event.target(TargetKind::Session), "of a device")
        }
        Action::OtherSessionsRevoked => {
            begin("Ended all other sessions", "end all other sessions").text(&format!(": {}", count(event, "revoked")))
        }
        Action::SessionsRevokedByAdministrator if is_everybody => begin("Signed everybody out", "sign everybody out"),
        Action::SessionsRevokedByAdministrator => {
            let what = if event.target(TargetKind::Session).is_some() { "a session" } else { "all sessions" };
            begin(&format!("Ended {what}"), &format!("end {what}")).person(event, " of ")
        }
        Action::EverybodySignedOut => {
            let ended = count_of(count(event, "sessions_ended"), "session");
            begin(&format!("Ended {ended}, because everybody was signed out"), "sign everybody out")
        }
        Action::SessionDisplaced => {
            let most = format!(": an account has at most {}", count(event, "most"));
            begin("Ended the least recently used session", "end the least recently used session").text(&most)
        }
        _ => return None,
    })
}

fn tokens(action: Action, event: &AuditEvent) -> Option<Sentence> {
    let token = |done, tried| begin(event, done, tried).target(" the API token ", event.target(TargetKind::Token), "without a name");
    Some(match action {
        Action::TokenCreated => token("Created", "create"),
        Action::TokenRotated => token("Rotated", "rotate"),
        Action::TokenRevoked => token("Revoked", "revoke"),
        Action::TokensRevoked => {
            let revoked = count_of(count(event, "revoked"), "API token");
            begin(event, &format!("Revoked {revoked}"), "revoke all API tokens")
        }
        Action::TokenRefused => {
            let request = [text(event, "method"), text(event, "path")].into_iter().flatten().collect::<Vec<_>>().join(" ");
            begin(event, "Sent ", "send ").thing(&request).text(" with an API token that does not have the permission")
        }
        _ => return None,
    })
}

fn joining(action: Action, event: &AuditEvent) -> Option<Sentence> {
    let begin = |done, tried| begin(event, done, tried);
    let is_administrator = event.detail.get("administrator") == Some(&Value::Bool(true));
    let as_what = if is_administrator { " as an administrator" } else { "" };
    Some(match action {
        Action::Invited => begin("Invited somebody", "invite somebody").text(as_what),
        Action::InvitationCanceled => begin("Canceled an invitation", "cancel an invitation"),
        Action::RegistrationAskedFor => begin("Requested an account", "request an account"),
        Action::AccessRequested => begin("Requested access", "request access"),
        Action::AccessDeclined => begin("Declined a request for access", "decline a request for access"),
        _ => return None,
    })
}

fn containers(action: Action, event: &AuditEvent) -> Option<Sentence> {
    let named = |kind, done, tried| begin(event, done, tried).target(" ", event.target(kind), "one without a name");
    let (organization, portfolio) = (TargetKind::Organization, TargetKind::Portfolio);
    let contents = |sentence: Sentence, keys: &[(&str, &str)]| {
        let counts = keys.iter().map(|(key, noun)| (count(event, key), noun)).filter(|(count, _)| *count > 0);
        let counts: Vec<String> = counts.map(|(count, noun)| count_of(count, noun)).collect();
        if counts.is_empty() { sentence } else { sentence.text(&format!(" with {}", counts.join(", "))) }
    };
    Some(match action {
        Action::OrganizationCreated => named(organization, "Created the organization", "create the organization"),
        Action::OrganizationChanged => changes(event, named(organization, "Changed the organization", "change the organization")),
        Action::OrganizationDeleted => {
            let sentence = named(organization, "Deleted the organization", "delete the organization");
            contents(sentence, &[("plants", "plant"), ("devices", "device")])
        }
        Action::PortfolioCreated => named(portfolio, "Created the portfolio", "create the portfolio"),
        Action::PortfolioChanged => changes(event, named(portfolio, "Changed the portfolio", "change the portfolio")),
        Action::PortfolioDeleted => {
            let sentence = named(portfolio, "Deleted the portfolio", "delete the portfolio");
            contents(sentence, &[("plants_deleted", "plant"), ("devices_deleted", "device")])
        }
        Action::PlantsImported => {
            let sentence = begin(event, "Imported a file", "import a file").target(" into ", event.target(organization), "an organization");
            contents(sentence, &[("portfolios", "portfolio"), ("plants", "plant"), ("devices", "device")])
        }
        _ => return None,
    })
}

fn plants(action: Action, event: &AuditEvent) -> Option<Sentence> {
    let plant = |done, tried| begin(event, done, tried).target(" ", event.target(TargetKind::Plant), "a plant");
    let device = |done, tried| {
        let sentence = begin(event, done, tried).target(" ", event.target(TargetKind::Device), "a device");
        sentence.target(" of ", event.target(TargetKind::Plant), "a plant")
    };
    Some(match action {
        Action::PlantCreated => plant("Created the plant", "create the plant"),
        Action::PlantChanged => changes(event, plant("Changed", "change")),
        Action::PlantMoved => plant("Moved", "move").target(" to ", event.target(TargetKind::Portfolio), "another portfolio"),
        Action::PlantDeleted => plant("Deleted the plant", "delete the plant"),
        Action::RemoteAccessClosed => plant("Closed remote access to", "close remote access to").quote(event, "reason"),
        Action::RemoteAccessReopened => plant("Reopened remote access to", "reopen remote access to"),
        Action::DeviceCreated => device("Created the device", "create the device"),
        Action::DeviceChanged => changes(event, device("Changed", "change")),
        Action::DeviceDeleted => device("Deleted the device", "delete the device"),
        _ => return None,
    })
}

fn access(action: Action, event: &AuditEvent) -> Option<Sentence> {
    let organization = event.target(TargetKind::Organization);
    Some(match action {
        Action::MemberChanged => {
            let role = format!(" {} of ", text(event, "role").unwrap_or("a member"));
            begin(event, "Made", "make").person_or_self(event, " ").text(&role).target("", organization, "an organization")
        }
        Action::MemberRemoved => {
            begin(event, "Removed", "remove").person_or_self(event, " ").target(" from ", organization, "an organization")
        }
        Action::GrantCreated => granted(event, "Granted", "grant"),
        Action::GrantExtended => granted(event, "Changed the end of the access of", "change the end of the access of"),
        Action::GrantEnded => {
            let sentence = begin(event, "Ended the access of", "end the access of").person_or_self(event, " ");
            sentence.target(" to ", scope(event), "a scope")
        }
        Action::VendorAccessEnded => {
            let grants = event.detail.get("grants").and_then(Value::as_array).map_or(0, Vec::len) as i64;
            let sentence =
                begin(event, "Ended all access of", "end all access of").target(" ", event.target(TargetKind::Vendor), "a vendor");
            sentence.text(&format!(": {}", count_of(grants, "grant")))
        }
        Action::VendorPersonRemoved => {
            begin(event, "Removed", "remove").person_or_self(event, " ").target(" from ", event.target(TargetKind::Vendor), "a vendor")
        }
        Action::PersonLookedUp => {
            let sentence = begin(event, "Looked up", "look up").person(event, " ").text(" by exact name or address");
            if event.detail.get("found") == Some(&Value::Bool(false)) { sentence.text(": nobody has it") } else { sentence }
        }
        _ => return None,
    })
}

fn log(action: Action, event: &AuditEvent) -> Option<Sentence> {
    let begin = |done, tried| begin(event, done, tried);
    let filter = match text(event, "filter") {
        Some(filter) => Sentence::default().text(": ").thing(filter),
        None => Sentence::default(),
    };
    let with_filter = |mut sentence: Sentence| {
        sentence.0.extend(filter.0.clone());
        sentence
    };
    Some(match action {
        Action::AuditRead => with_filter(begin("Read events of others", "read events of others")),
        Action::AuditExported => {
            let format = match text(event, "format") {
                Some("csv") => " as CSV",
                Some("jsonl") => " as JSON Lines",
                Some("ocsf") => " as OCSF",
                _ => "",
            };
            with_filter(begin("Exported events", "export events").text(format))
        }
        Action::EventRefused => {
            let what =
                if event.detail.get("is_removed") == Some(&Value::Bool(true)) { "was removed" } else { "was not written by Whereabouts" };
            begin("Refused to seal an event that ", "seal an event that ").text(what)
        }
        _ => return None,
    })
}

impl Sentence {
    /// Adds the person whom it concerns, who may have done it themselves.
    fn person_or_self(self, event: &AuditEvent, before: &str) -> Self {
        match event.target(TargetKind::Person) {
            Some(person) => self.target(before, Some(person), "somebody"),
            None => self.text(before).text("themselves"),
        }
    }
}

/// Returns the sentence of a grant: "Granted Pieter technician of Portfolio South, until 31 July".
fn granted(event: &AuditEvent, done: &str, tried: &str) -> Sentence {
    let terms = event.detail.get("terms").unwrap_or(&Value::Null);
    let role = text(event, "role").or(terms.get("role").and_then(Value::as_str)).unwrap_or("access");
    let sentence = begin(event, done, tried).person_or_self(event, " ").text(&format!(" as {role}"));
    let sentence = sentence.target(" of ", scope(event), "a scope");
    let until = text(event, "expires_at").and_then(|end| end.parse::<chrono::DateTime<chrono::Utc>>().ok());
    match until {
        Some(end) => sentence.text(&format!(", until {}", crate::ui::date::date(end))),
        None => sentence,
    }
}

/// Returns the narrowest scope of an event.
fn scope(event: &AuditEvent) -> Option<&Target> {
    [TargetKind::Plant, TargetKind::Portfolio, TargetKind::Organization].into_iter().find_map(|kind| event.target(kind))
}

/// Adds the names of the fields that were changed.
fn changes(event: &AuditEvent, sentence: Sentence) -> Sentence {
    let fields = event.detail.get("changed").and_then(Value::as_object);
    let fields: Vec<String> = fields.into_iter().flat_map(|fields| fields.keys()).map(|field| field.replace('_', " ")).collect();
    if fields.is_empty() { sentence } else { sentence.text(&format!(": {}", fields.join(", "))) }
}

#[cfg(test)]
mod tests;
