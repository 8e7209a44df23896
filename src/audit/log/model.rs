//! Audit events as they are shown.

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::{
    foundation::{client::location::Location, ids::EventId},
    record::Outcome,
};

/// An audit event.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct AuditEvent {
    /// Unique id. Ids sort by time.
    pub id: EventId,
    /// Number in the signed tree, from 0. Null until the event is sealed, a moment after it happened.
    pub seq: Option<i64>,
    /// What was done: `noun.verb`.
    #[schema(example = "plant.changed")]
    pub action: String,
    /// When it happened.
    pub occurred_at: DateTime<Utc>,
    /// Whether it was done or refused.
    pub outcome: Outcome,
    /// Who did it.
    pub actor: EventActor,
    /// Id of the session that was used. Null without one.
    pub session: Option<String>,
    /// What it concerns, from the person down to the device.
    pub targets: Vec<Target>,
    /// Where it came from.
    pub context: EventContext,
    /// The rest. What it holds depends on the action.
    pub detail: Map<String, Value>,
}

/// Who did something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct EventActor {
    /// What it was.
    pub kind: ActorKind,
    /// Id of the account or of the API token. Null for others.
    pub id: Option<String>,
    /// Name of the person or of the API token. Null if it is not known any more, and for others.
    pub name: Option<String>,
    /// Whose API token it was. Null for others.
    pub owner: Option<Target>,
}

/// What did something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ActorKind {
    /// A person in a session.
    Person,
    /// An API token.
    Token,
    /// A client that was not signed in.
    Anonymous,
    /// Somebody who ran the program on the server's machine.
    CommandLine,
    /// The server by itself.
    Server,
}

impl ActorKind {
    /// Returns the key in the API.
    pub fn key(self) -> &'static str {
        match self {
            Self::Person => "person",
            Self::Token => "token",
            Self::Anonymous => "anonymous",
            Self::CommandLine => "command_line",
            Self::Server => "server",
        }
    }
}

/// Something that an event concerns.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Target {
    /// What it is.
    pub kind: TargetKind,
    /// Its id.
    pub id: String,
    /// Its name today or, if it is gone, at that time. Null if neither is known.
    pub name: Option<String>,
}

/// What an event concerns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum TargetKind {
    /// A person's account.
    Person,
    /// An organization.
    Organization,
    /// A portfolio.
    Portfolio,
    /// A plant.
    Plant,
    /// A device of a plant.
    Device,
    /// A vendor.
    Vendor,
    /// A grant.
    Grant,
    /// A session.
    Session,
    /// An API token.
    Token,
}

impl TargetKind {
    /// Returns the key in the API, which is the noun of its actions too.
    pub fn key(self) -> &'static str {
        match self {
            Self::Person => "person",
            Self::Organization => "organization",
            Self::Portfolio => "portfolio",
            Self::Plant => "plant",
            Self::Device => "device",
            Self::Vendor => "vendor",
            Self::Grant => "grant",
            Self::Session => "session",
            Self::Token => "token",
        }
    }
}

/// Where an event came from. All of it is null for the server and the command line, and after it was erased.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct EventContext {
    /// The client's IP address.
    pub ip: Option<String>,
    /// The location of the address at that time.
    pub location: Option<Location>,
    /// The client, for example "Firefox on Windows" or "curl".
    pub device: Option<String>,
    /// Id of the request, as in the log of the server.
    pub request_id: Option<String>,
}

impl AuditEvent {
    /// Returns the target of this kind.
    pub fn target(&self, kind: TargetKind) -> Option<&Target> {
        self.targets.iter().find(|target| target.kind == kind)
    }
}
