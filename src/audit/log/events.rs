//! Makes events as they are shown from what is stored, with the names of today.

use std::{
    collections::{BTreeSet, HashMap},
    net::IpAddr,
    sync::Arc,
};

use serde_json::{Map, Value};

use crate::{
    audit::log::{
        model::{ActorKind, AuditEvent, EventActor, EventContext, Target, TargetKind},
        store::events::{self as store, EventRow},
    },
    error::AppError,
    foundation::{
        client::{
            geoip::GeoIp,
            headers::UserAgentHeaders,
            location::{Location, Place},
            network::is_private,
        },
        db::Connection,
        services::Services,
    },
    record::{
        detail::{is_id, merge},
        entry::{Entry, PersonalPart},
    },
};

/// What an event tells, read from its entry and its personal parts.
struct Told {
    row: EventRow,
    detail: Map<String, Value>,
    request_id: Option<String>,
    /// The personal parts with whom they are about.
    parts: Vec<(Option<String>, PersonalPart)>,
}

/// What names are taken from.
struct Known {
    names: HashMap<String, String>,
    devices: HashMap<String, String>,
    geoip: Option<Arc<GeoIp>>,
}

/// Loads events by their ids, newest first.
pub async fn load(db: &mut impl Connection, services: &Services, ids: &[String]) -> Result<Vec<AuditEvent>, AppError> {
    let rows = store::list(db, ids).await?;
    complete(db, services, rows).await
}

/// Adds to events what they say about people, and names.
pub async fn complete(db: &mut impl Connection, services: &Services, rows: Vec<EventRow>) -> Result<Vec<AuditEvent>, AppError> {
    let ids: Vec<&str> = rows.iter().map(|row| row.id.as_str()).collect();
    let mut parts: HashMap<String, Vec<_>> = HashMap::new();
    for part in store::list_parts(db, &ids).await? {
        let content: PersonalPart = serde_json::from_str(&part.content).unwrap_or_default(); // verification tells of a changed one
        parts.entry(part.event_id).or_default().push((part.person_id, content));
    }
    let told: Vec<Told> = rows.into_iter().map(|row| Told::new(&mut parts, row)).collect();
    let named: BTreeSet<&str> = told.iter().flat_map(Told::ids).collect();
    let names = store::find_names(db, &named.into_iter().collect::<Vec<_>>()).await?;
    let known = Known { names, devices: describe_agents(services, &told).await?, geoip: services.geoip.get().await };
    Ok(told.into_iter().map(|told| told.show(&known)).collect())
}

/// Describes the user agents of events, each once. Off the async threads, because one that is not cached takes long.
async fn describe_agents(services: &Services, told: &[Told]) -> Result<HashMap<String, String>, AppError> {
    let agents: BTreeSet<String> = told.iter().filter_map(|told| told.client()?.user_agent.clone()).collect();
    let Some(user_agents) = services.user_agents.get().await else { return Ok(HashMap::new()) };
    let describe = move || {
        let label =
            |agent: &String| user_agents.describe(&UserAgentHeaders { user_agent: agent.clone(), ..UserAgentHeaders::default() }).label;
        agents.iter().map(|agent| (agent.clone(), label(agent))).collect()
    };
    tokio::task::spawn_blocking(describe).await.map_err(|error| AppError::internal(&error))
}

impl Told {
    /// Reads an event. What cannot be read is left out: verification tells of it.
    fn new(parts: &mut HashMap<String, Vec<(Option<String>, PersonalPart)>>, row: EventRow) -> Self {
        let parts = parts.remove(row.id.as_str()).unwrap_or_default(); // an event about nobody has none
        let entry: Option<Entry> = serde_json::from_str(&row.entry).ok();
        let (detail, request_id) = entry.map(|entry| (entry.detail, entry.request)).unwrap_or_default();
        let detail = parts.iter().fold(detail, |detail, (_, part)| merge(detail, part.detail.clone()));
        Self { row, detail, request_id, parts }
    }

    /// Returns the ids that the event names.
    fn ids(&self) -> impl Iterator<Item = &str> {
        let ids = &self.row.ids;
        let columns = [
            &ids.actor_id,
            &ids.subject_id,
            &ids.session_id,
            &ids.token_id,
            &ids.organization_id,
            &ids.portfolio_id,
            &ids.plant_id,
            &ids.device_id,
        ];
        let details = ["vendor", "token", "session"].into_iter().filter_map(|key| self.detail_id(key));
        columns.into_iter().filter_map(|id| id.as_deref()).chain(details)
    }

    fn detail_text(&self, key: &str) -> Option<&str> {
        self.detail.get(key)?.as_str()
    }

    fn detail_id(&self, key: &str) -> Option<&str> {
        self.detail_text(key).filter(|text| is_id(text))
    }

    /// Returns the part about who acted from where.
    fn client(&self) -> Option<&PersonalPart> {
        self.parts.iter().map(|(_, part)| part).find(|part| part.ip.is_some() || part.user_agent.is_some())
    }

    fn show(self, known: &Known) -> AuditEvent {
        AuditEvent {
            actor: self.actor(known),
            targets: self.targets(known),
            context: self.context(known),
            id: self.row.id,
            seq: self.row.seq,
            action: self.row.action,
            occurred_at: self.row.occurred_at,
            outcome: self.row.outcome,
            session: self.row.ids.session_id,
            detail: self.detail,
        }
    }

    fn actor(&self, known: &Known) -> EventActor {
        let ids = &self.row.ids;
        let person = ids.actor_id.as_ref().map(|id| self.person(known, id));
        let alone = |kind| EventActor { kind, id: None, name: None, owner: None };
        match (&ids.token_id, person) {
            (Some(token), owner) => {
                EventActor { id: Some(token.clone()), name: known.names.get(token).cloned(), owner, ..alone(ActorKind::Token) }
            }
            (None, Some(person)) => EventActor { id: Some(person.id), name: person.name, ..alone(ActorKind::Person) },
            (None, None) if self.detail_text("by") == Some("command_line") => alone(ActorKind::CommandLine),
            (None, None) if self.request_id.is_some() || self.client().is_some() => alone(ActorKind::Anonymous),
            (None, None) => alone(ActorKind::Server),
        }
    }

    fn person(&self, known: &Known, id: &str) -> Target {
        let own = || self.parts.iter().find(|(person, _)| person.as_deref() == Some(id)).and_then(|(_, part)| part.name.clone());
        Target { kind: TargetKind::Person, id: id.to_owned(), name: known.names.get(id).cloned().or_else(own) }
    }

    /// Returns what the event concerns: whom, unless they did it themselves, and what.
    fn targets(&self, known: &Known) -> Vec<Target> {
        let ids = &self.row.ids;
        let subject = ids.subject_id.as_ref().filter(|subject| ids.actor_id.as_ref() != Some(subject));
        let things = [
            (TargetKind::Organization, ids.organization_id.as_deref()),
            (TargetKind::Portfolio, ids.portfolio_id.as_deref()),
            (TargetKind::Plant, ids.plant_id.as_deref()),
            (TargetKind::Device, ids.device_id.as_deref()),
            (TargetKind::Vendor, self.detail_id("vendor")),
            (TargetKind::Grant, self.detail_id("grant")),
            (TargetKind::Session, self.detail_id("session")),
            (TargetKind::Token, self.detail_id("token")),
        ];
        let things = things.into_iter().filter_map(|(kind, id)| Some(self.thing(known, kind, id?)));
        subject.map(|subject| self.person(known, subject)).into_iter().chain(things).collect()
    }

    fn thing(&self, known: &Known, kind: TargetKind, id: &str) -> Target {
        let name = known.names.get(id).cloned().or_else(|| self.name_then(kind, id).map(str::to_owned));
        Target { kind, id: id.to_owned(), name }
    }

    /// Returns the name that something had at the time of the event, as far as the event has it.
    fn name_then(&self, kind: TargetKind, id: &str) -> Option<&str> {
        let scope = self.detail.get("scope");
        if scope.and_then(|scope| scope.get("id")?.as_str()) == Some(id) {
            return scope?.get("name")?.as_str();
        }
        let noun = self.row.action.split('.').next().unwrap_or_default(); // every text has a first part
        let is_main = noun == kind.key() || noun == "remote_access" && kind == TargetKind::Plant;
        match kind {
            TargetKind::Session => self.detail_text("device"),
            _ if is_main => self.detail_text("name"),
            _ => None,
        }
    }

    fn context(&self, known: &Known) -> EventContext {
        let client = self.client();
        let agent = client.and_then(|client| client.user_agent.as_ref()).and_then(|agent| known.devices.get(agent));
        // Requests with the user agent of their session are stored without one.
        let device = agent.or_else(|| known.names.get(self.row.ids.session_id.as_ref()?));
        EventContext {
            ip: client.and_then(|client| client.ip.clone()),
            location: client.and_then(|client| location(client, known.geoip.as_deref())),
            device: device.cloned(),
            request_id: self.request_id.clone(),
        }
    }
}

/// Returns the location that was stored with an address.
fn location(client: &PersonalPart, geoip: Option<&GeoIp>) -> Option<Location> {
    let ip: IpAddr = client.ip.as_ref()?.parse().ok()?;
    let place = match &client.country {
        Some(code) => {
            let country = geoip.and_then(|geoip| geoip.country_name(code)).unwrap_or(code).to_owned();
            Place::Known { city: client.city.clone(), country, country_code: code.clone() }
        }
        None if is_private(ip) => Place::PrivateNetwork,
        None => Place::Unknown,
    };
    Some(Location::from_place(place))
}
