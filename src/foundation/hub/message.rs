//! Messages between nodes, in the payloads of NOTIFY.

use serde::{Deserialize, Serialize};

use super::{SessionEvent, SessionUse};
use crate::foundation::ids::{SessionId, UserId};

/// Maximum sum of estimated sizes, in bytes. PostgreSQL refuses payloads of 8,000 bytes; estimates are above the real sizes.
const MAX_PAYLOAD: usize = 7_800;
const ENVELOPE: usize = 100;
const IDS_PER_MESSAGE: usize = 100;
const USES_PER_MESSAGE: usize = 40;

/// A message from one node to the others.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Message {
    /// An event of one user's sessions.
    Change { user: UserId, change: SessionEvent },
    /// Uses of sessions of any users.
    Uses(Vec<SessionUse>),
    /// Events of any user may have been lost.
    Missed,
}

/// One payload.
#[derive(Serialize, Deserialize)]
pub(super) struct Envelope {
    /// Name of the sending node, which also receives its own messages and ignores them.
    pub from: String,
    pub messages: Vec<Message>,
}

impl Message {
    /// Splits an event into messages that each fit into a payload.
    pub fn from_event(user: &UserId, event: &SessionEvent) -> Vec<Self> {
        let message = |change| Self::Change { user: user.clone(), change };
        match event {
            SessionEvent::Ended(sessions) => {
                sessions.chunks(IDS_PER_MESSAGE).map(|part: &[SessionId]| message(SessionEvent::Ended(part.to_vec()))).collect()
            }
            SessionEvent::Used(uses) => Self::from_uses(uses),
            SessionEvent::Began(_) | SessionEvent::Missed => vec![message(event.clone())],
        }
    }

    /// Splits uses into messages that each fit into a payload.
    pub fn from_uses(uses: &[SessionUse]) -> Vec<Self> {
        uses.chunks(USES_PER_MESSAGE).map(|part| Self::Uses(part.to_vec())).collect()
    }

    /// Returns an upper bound of the size as JSON, in bytes.
    fn size(&self) -> usize {
        match self {
            Self::Change { change: SessionEvent::Ended(sessions), .. } => 100 + 40 * sessions.len(),
            Self::Change { .. } => 200,
            Self::Uses(uses) => 20 + 185 * uses.len(),
            Self::Missed => 10,
        }
    }
}

/// Packs messages, in order, into as few payloads as possible.
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
    fn messages_fit_into_payloads_and_arrive_in_order() {
        let (user, session) = (UserId::new(DateTime::UNIX_EPOCH), SessionId::new(DateTime::UNIX_EPOCH));
        let at = DateTime::from_timestamp_micros(1_780_000_000_123_456).unwrap();
        let ip = "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff".parse().unwrap();
        let used = SessionUse { user: user.clone(), session: session.clone(), at, ip };
        let began = SessionEvent::Began(session.clone());
        let mut messages = Message::from_event(&user, &SessionEvent::Ended(vec![session; 999]));
        messages.extend(Message::from_uses(&vec![used; 500]));
        messages.extend((0..100).flat_map(|_| Message::from_event(&user, &began)));
        messages.push(Message::Missed);
        let payloads = payloads(&"f".repeat(43), messages.clone());
        assert!(payloads.iter().all(|payload| payload.len() < 8_000));
        assert!(payloads.len() < 30);
        let arrived = payloads.iter().flat_map(|payload| serde_json::from_str::<Envelope>(payload).unwrap().messages);
        assert_eq!(arrived.collect::<Vec<_>>(), messages);
    }
}
