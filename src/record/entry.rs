//! What the tree holds of an event (the entry), and what it holds only hashes of (the personal parts).

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::foundation::crypto::secret::{hash_hex, random_bytes};

/// Version of the form of an [`Entry`].
pub const VERSION: u8 = 1;

/// What the tree holds of an event, as JSON with its keys in this order: ids, enums, numbers and times only, because it stays for ever.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// Version of this form.
    pub v: u8,
    /// Id of the event.
    pub id: String,
    /// When it happened: RFC 3339 in UTC, with milliseconds.
    pub at: String,
    /// What was done: `noun.verb`.
    pub action: String,
    /// `success` or `refused`.
    pub outcome: String,
    /// Who did it, with what, and what it concerns.
    #[serde(flatten)]
    pub ids: Ids,
    /// The id of the request that did it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<String>,
    /// The rest that is no personal data.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub detail: Map<String, Value>,
    /// Hash of each personal part.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub personal: Vec<String>,
}

/// The ids in an event.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, sqlx::FromRow)]
pub struct Ids {
    /// Who did it. Absent for anonymous clients, the server and the command line.
    #[serde(rename = "actor", default, skip_serializing_if = "Option::is_none")]
    pub actor_id: Option<String>,
    /// The account that it concerns.
    #[serde(rename = "subject", default, skip_serializing_if = "Option::is_none")]
    pub subject_id: Option<String>,
    /// The session that was used.
    #[serde(rename = "session", default, skip_serializing_if = "Option::is_none")]
    pub session_id: Option<String>,
    /// The API token that was used, if it was not a session.
    #[serde(rename = "token", default, skip_serializing_if = "Option::is_none")]
    pub token_id: Option<String>,
    /// The organization that it concerns.
    #[serde(rename = "organization", default, skip_serializing_if = "Option::is_none")]
    pub organization_id: Option<String>,
    /// The portfolio.
    #[serde(rename = "portfolio", default, skip_serializing_if = "Option::is_none")]
    pub portfolio_id: Option<String>,
    /// The plant.
    #[serde(rename = "plant", default, skip_serializing_if = "Option::is_none")]
    pub plant_id: Option<String>,
    /// The device of the plant.
    #[serde(rename = "device", default, skip_serializing_if = "Option::is_none")]
    pub device_id: Option<String>,
}

impl Ids {
    /// Returns whom the part about who acted is about, and whom that about the detail is about. Either stands for the other if it is absent.
    pub fn people(&self) -> (Option<&String>, Option<&String>) {
        let (actor, subject) = (self.actor_id.as_ref(), self.subject_id.as_ref());
        (actor.or(subject), subject.or(actor))
    }
}

/// What an event says about a person beyond its entry. It can be erased; its hash stays (AUD-5).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PersonalPart {
    /// The person's name at that time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The client's IP address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ip: Option<String>,
    /// ISO 3166-1 alpha-2 code of the country that the address is in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub country: Option<String>,
    /// The city that the address is in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub city: Option<String>,
    /// The client's user agent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_agent: Option<String>,
    /// The personal half of the detail.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub detail: Map<String, Value>,
}

/// A personal part as it is stored and hashed.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Salted {
    /// 32 random bytes in hexadecimal. Without them, an erased address could be guessed from its hash.
    pub salt: String,
    /// JSON of the [`PersonalPart`].
    pub content: String,
}

impl Salted {
    /// Adds a salt to a part.
    pub fn new(part: &PersonalPart) -> Self {
        let content = serde_json::to_string(part).expect("texts and numbers are JSON");
        Self { salt: hex::encode(random_bytes::<32>()), content }
    }

    /// Returns SHA-256(salt ‖ content) in lower-case hexadecimal. A salt that is not hexadecimal counts as empty: it fits no hash.
    pub fn hash(&self) -> String {
        let mut bytes = hex::decode(&self.salt).unwrap_or_default(); // see above
        bytes.extend_from_slice(self.content.as_bytes());
        hash_hex(&bytes)
    }
}
