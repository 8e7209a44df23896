//! Events as they are stored, made from what features describe.

use chrono::{DateTime, SecondsFormat, SubsecRound as _, Utc};
use serde_json::{Map, Value};

use crate::{
    foundation::{
        client::{geoip::GeoIp, info::ClientInfo},
        http::request_id::RequestId,
        ids::EventId,
    },
    record::{
        Event,
        detail::{Halves, is_id, split},
        entry::{Entry, Ids, PersonalPart, Salted, VERSION},
    },
};

/// Items of a list that an event names.
const MAX_LISTED: usize = 500;

/// An event as it is stored.
#[derive(Debug)]
pub struct Prepared {
    /// When it happened, in milliseconds.
    pub at: DateTime<Utc>,
    /// What the tree will hold.
    pub entry: Entry,
    /// JSON of the entry: the bytes that are hashed.
    pub json: String,
    /// Its personal parts, in the order of their hashes in the entry.
    pub parts: Vec<StoredPart>,
}

/// A personal part with the columns to search by.
#[derive(Debug)]
pub struct StoredPart {
    /// Whom it is about. `None` if nobody is known.
    pub person: Option<String>,
    /// What it says.
    pub part: PersonalPart,
    /// What it says as it is stored and hashed.
    pub salted: Salted,
}

/// What is known of an event, before it is split.
#[derive(Debug, Default)]
pub struct Source {
    /// Id of the event.
    pub id: String,
    /// When it happened.
    pub at: DateTime<Utc>,
    /// What was done.
    pub action: String,
    /// `success` or `refused`.
    pub outcome: String,
    /// Who did it, with what, and which account it concerns.
    pub ids: Ids,
    /// The id of the request.
    pub request: Option<String>,
    /// Who acted from where.
    pub client: PersonalPart,
    /// The rest.
    pub detail: Map<String, Value>,
}

impl Source {
    /// Collects what a feature described.
    pub fn new(at: DateTime<Utc>, event: &Event<'_>, geoip: Option<&GeoIp>) -> Self {
        let request = event.client.and_then(|client| client.request_id.as_ref()).map(RequestId::as_str);
        let client = event.client.map(|client| describe(client, geoip)).unwrap_or_default(); // the server and the command line have none
        Self {
            id: EventId::new(at).to_string(),
            at,
            action: event.action.key().to_owned(),
            outcome: event.outcome.key().to_owned(),
            ids: Ids {
                actor_id: event.actor.map(ToString::to_string),
                subject_id: event.subject.map(ToString::to_string),
                session_id: event.session.map(ToString::to_string),
                token_id: event.token.map(ToString::to_string),
                ..Ids::default()
            },
            request: request.map(str::to_owned),
            client: PersonalPart { name: event.actor_name.map(str::to_owned), ..client },
            detail: event.detail.as_object().cloned().unwrap_or_default(), // nothing but objects is written
        }
    }

    /// Splits the event. Times are cut to milliseconds, as ids have them: so the order of ids is the order by time and id.
    pub fn prepare(self) -> Prepared {
        let at = self.at.trunc_subsecs(3);
        let Halves { mut safe, personal } = split(shorten_lists(self.detail));
        let ids = with_targets(self.ids, &mut safe);
        let parts: Vec<_> = parts(&ids, self.client, personal).into_iter().map(store).collect();
        let entry = Entry {
            v: VERSION,
            id: self.id,
            at: at.to_rfc3339_opts(SecondsFormat::Millis, true),
            action: self.action,
            outcome: self.outcome,
            ids,
            request: self.request,
            detail: safe,
            personal: parts.iter().map(|part| part.salted.hash()).collect(),
        };
        let json = serde_json::to_string(&entry).expect("texts and numbers are JSON");
        Prepared { at, entry, json, parts }
    }
}

/// Cuts long lists, so that an entry stays below the 65,535 bytes that an entry bundle of C2SP tlog-tiles allows; the number of all is kept.
fn shorten_lists(mut detail: Map<String, Value>) -> Map<String, Value> {
    let long: Vec<_> = detail.iter().filter_map(|(key, value)| Some((key.clone(), value.as_array()?.len()))).collect();
    for (key, length) in long.into_iter().filter(|(_, length)| *length > MAX_LISTED) {
        if let Some(Value::Array(items)) = detail.get_mut(&key) {
            items.truncate(MAX_LISTED);
        }
        detail.insert(format!("{key}_in_all"), length.into());
    }
    detail
}

fn describe(client: &ClientInfo, geoip: Option<&GeoIp>) -> PersonalPart {
    let location = geoip.map(|geoip| geoip.locate(client.ip));
    let (country, city) = location.map(|location| (location.country_code, location.city)).unwrap_or_default(); // not loaded yet
    let user_agent = Some(client.agent.user_agent.clone()).filter(|agent| !agent.is_empty());
    PersonalPart { ip: Some(client.ip.to_string()), country, city, user_agent, ..PersonalPart::default() }
}

/// Adds the ids of organization, portfolio, plant and device, which move here from the detail.
fn with_targets(ids: Ids, detail: &mut Map<String, Value>) -> Ids {
    let mut take = |key: &str| match detail.get(key) {
        Some(Value::String(id)) if is_id(id) => detail.remove(key).and_then(|id| id.as_str().map(str::to_owned)),
        _ => None,
    };
    let (organization_id, device_id) = (take("organization"), take("device"));
    let (portfolio_id, plant_id) = (take("portfolio"), take("plant"));
    let portfolio_id = portfolio_id.or_else(|| scope_id(detail, "portfolio"));
    let plant_id = plant_id.or_else(|| scope_id(detail, "plant"));
    Ids { organization_id, portfolio_id, plant_id, device_id, ..ids }
}

/// Returns the id of the scope in a detail, if it is of this kind.
fn scope_id(detail: &Map<String, Value>, kind: &str) -> Option<String> {
    let scope = detail.get("scope")?;
    (scope.get("kind")? == kind).then(|| scope.get("id")?.as_str().map(str::to_owned))?
}

/// Returns the personal parts of an event with the people whom they are about: the client's is about who acted, the detail's about whom
/// the event concerns. If these are one person, they are one part.
fn parts(ids: &Ids, client: PersonalPart, detail: Map<String, Value>) -> Vec<(Option<String>, PersonalPart)> {
    let (actor, subject) = ids.people();
    let parts = if actor == subject {
        vec![(actor, PersonalPart { detail, ..client })]
    } else {
        vec![(actor, client), (subject, PersonalPart { detail, ..PersonalPart::default() })]
    };
    let parts = parts.into_iter().filter(|(_, part)| *part != PersonalPart::default());
    parts.map(|(person, part)| (person.cloned(), part)).collect()
}

fn store((person, part): (Option<String>, PersonalPart)) -> StoredPart {
    let salted = Salted::new(&part);
    StoredPart { person, part, salted }
}
