//! What nodes tell one another, in the payloads of NOTIFY.

use serde::{Deserialize, Serialize};

use super::{Change, SessionUse};
use crate::foundation::ids::{SessionId, UserId};

/// PostgreSQL refuses a payload of 8,000 bytes. Estimated sizes are above the real ones, and their sum stays below this.
const MAX_PAYLOAD: usize = 7_800;
const ENVELOPE: usize = 100;
const IDS_PER_MESSAGE: usize = 100;
const USES_PER_MESSAGE: usize = 40;

/// One thing that a node tells the others.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Message {
    /// What happened to one person's sessions.
    Change { user: UserId, change: Change },
    /// Uses of anybody's sessions.
    Uses(Vec<SessionUse>),
    /// Anybody may have missed something.
    Missed,
}

/// One payload.
#[derive(Serialize, Deserialize)]
pub(super) struct Envelope {
    /// The node that sends it: it hears itself too.
    pub from: String,
    pub messages: Vec<Message>,
}

impl Message {
    /// A change, in parts that fit into a payload each.
    pub fn of_change(user: &UserId, change: &Change) -> Vec<Self> {
        let message = |change| Self::Change { user: user.clone(), change };
        match change {
            Change::Ended(sessions) => {
                sessions.chunks(IDS_PER_MESSAGE).map(|part: &[SessionId]| message(Change::Ended(part.to_vec()))).collect()
            }
            Change::Used(uses) => Self::of_uses(uses),
            Change::Began(_) | Change::Missed => vec![message(change.clone())],
        }
    }

    /// Uses, in parts that fit into a payload each.
    pub fn of_uses(uses: &[SessionUse]) -> Vec<Self> {
        uses.chunks(USES_PER_MESSAGE).map(|part| Self::Uses(part.to_vec())).collect()
    }

    /// Bytes of JSON that it takes at most.
    fn size(&self) -> usize {
        match self {
            Self::Change { change: Change::Ended(sessions), .. } => 100 + 40 * sessions.len(),
            Self::Change { .. } => 200,
            Self::Uses(uses) => 20 + 185 * uses.len(),
            Self::Missed => 10,
        }
    }
}

/// Packs messages into as few payloads as they fit into, in order.
pub(super) fn payloads(from: &str, messages: Vec<Message>) -> Vec<String> {
    let mut envelopes: Vec<Vec<Message>> = Vec::new();
    let mut size = MAX_PAYLOAD; // full: the first message opens an envelope
    for message in messages {
        if size + message.size() > MAX_PAYLOAD {
            envelopes.push(Vec::new());
            size = ENVELOPE;
        }
        size += message.size();
        if let Some(envelope) = envelopes.last_mut() {
            envelope.push(message);
        }
    }
    let write = |messages| serde_json::to_string(&Envelope { from: from.to_owned(), messages }).expect("ids, times and addresses are JSON");
    envelopes.into_iter().map(write).collect()
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;

    #[test]
    fn whatever_is_told_fits_into_payloads_and_arrives_in_order() {
        let (user, session) = (UserId::new(DateTime::UNIX_EPOCH), SessionId::new(DateTime::UNIX_EPOCH));
        let at = DateTime::from_timestamp_micros(1_780_000_000_123_456).unwrap();
        let ip = "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff".parse().unwrap();
        let used = SessionUse { user: user.clone(), session: session.clone(), at, ip };
        let began = Change::Began(session.clone());
        let mut messages = Message::of_change(&user, &Change::Ended(vec![session; 999]));
        messages.extend(Message::of_uses(&vec![used; 500]));
        messages.extend((0..100).flat_map(|_| Message::of_change(&user, &began)));
        messages.push(Message::Missed);
        let payloads = payloads(&"f".repeat(43), messages.clone());
        assert!(payloads.iter().all(|payload| payload.len() < 8_000));
        assert!(payloads.len() < 30);
        let arrived = payloads.iter().flat_map(|payload| serde_json::from_str::<Envelope>(payload).unwrap().messages);
        assert_eq!(arrived.collect::<Vec<_>>(), messages);
    }
}
