use chrono::DateTime;
use serde_json::json;

use super::*;
use crate::{
    audit::log::model::{ActorKind, EventActor, EventContext},
    foundation::ids::EventId,
};

fn event(action: Action, outcome: Outcome, targets: &[(TargetKind, &str)], detail: Value) -> AuditEvent {
    let now = DateTime::UNIX_EPOCH;
    let target = |(kind, name): &(TargetKind, &str)| Target { kind: *kind, id: "1".to_owned(), name: Some((*name).to_owned()) };
    AuditEvent {
        id: EventId::new(now),
        seq: None,
        action: action.key().to_owned(),
        occurred_at: now,
        outcome,
        actor: EventActor { kind: ActorKind::Person, id: Some("2".to_owned()), name: Some("Alice".to_owned()), owner: None },
        session: None,
        targets: targets.iter().map(target).collect(),
        context: EventContext { ip: None, location: None, device: None, request_id: None },
        detail: detail.as_object().cloned().unwrap_or_default(),
    }
}

fn words(event: &AuditEvent) -> String {
    let piece = |piece: &Piece| match piece {
        Piece::Text(text) => text.clone(),
        Piece::Thing(name) => format!("*{name}*"),
    };
    sentence(event).0.iter().map(piece).collect()
}

/// Every action has a sentence of its own for each outcome, also if nothing is known beside it.
#[test]
fn every_action_has_a_sentence() {
    for action in Action::ALL {
        let [done, refused] = [Outcome::Success, Outcome::Refused].map(|outcome| words(&event(*action, outcome, &[], json!({}))));
        assert!(refused.starts_with("Tried to "), "{action:?}: {refused}");
        assert!(!done.starts_with("Tried") && done != refused && done != action.key(), "{action:?}: {done}");
        for text in [&done, &refused] {
            assert!(!text.contains("  ") && !text.ends_with([' ', '.', ':', ',']), "{action:?}: {text:?}");
        }
    }
}

#[test]
fn sentences_name_what_they_are_about() {
    use Outcome::{Refused, Success};
    use TargetKind::{Device, Organization, Person, Plant, Portfolio, Session, Token, Vendor};
    let sued = [(Organization, "Solarwerke"), (Portfolio, "North"), (Plant, "Solarpark Süd")];
    let inverter = [sued[2], (Device, "Inverter 3")];
    let lea = [(Person, "Lea Schmidt"), (Organization, "Solarwerke"), (Portfolio, "South")];
    let changed = json!({ "changed": { "capacity_kw": { "from": 1, "to": 2 }, "name": { "from": "a", "to": "b" } } });
    let until = json!({ "role": "technician", "expires_at": "2026-07-31T00:00:00Z" });
    let cases = [
        (event(Action::SignIn, Success, &[], json!({ "method": "Password and code" })), "Signed in with password and code"),
        (event(Action::SignIn, Refused, &[(Person, "Jonas")], json!({})), "Tried to sign in as *Jonas*"),
        (event(Action::SessionRevoked, Success, &[(Session, "Firefox on Windows")], json!({})), "Ended the session *Firefox on Windows*"),
        (
            event(Action::AccountDisabled, Success, &[(Person, "Lea")], json!({ "sessions_ended": 2 })),
            "Disabled the account of *Lea*, which ended 2 sessions",
        ),
        (event(Action::TokenCreated, Success, &[(Token, "Grafana")], json!({})), "Created the API token *Grafana*"),
        (event(Action::PlantChanged, Success, &sued, changed), "Changed *Solarpark Süd*: capacity kw, name"),
        (event(Action::PlantMoved, Success, &sued, json!({})), "Moved *Solarpark Süd* to *North*"),
        (
            event(Action::RemoteAccessClosed, Success, &sued, json!({ "reason": "New firmware" })),
            "Closed remote access to *Solarpark Süd*: “New firmware”",
        ),
        (event(Action::DeviceDeleted, Success, &inverter, json!({})), "Deleted the device *Inverter 3* of *Solarpark Süd*"),
        (event(Action::GrantCreated, Success, &lea, until), "Granted *Lea Schmidt* as technician of *South*, until 31 July 2026"),
        (event(Action::GrantEnded, Success, &lea, json!({})), "Ended the access of *Lea Schmidt* to *South*"),
        (event(Action::MemberChanged, Success, &lea, json!({ "role": "owner" })), "Made *Lea Schmidt* owner of *Solarwerke*"),
        (
            event(Action::VendorAccessEnded, Success, &[(Vendor, "Helioserv")], json!({ "grants": ["a", "b"] })),
            "Ended all access of *Helioserv*: 2 grants",
        ),
        (
            event(Action::AuditExported, Success, &[], json!({ "format": "jsonl", "filter": "actor:carla" })),
            "Exported events as JSON Lines: *actor:carla*",
        ),
    ];
    for (event, expected) in cases {
        assert_eq!(words(&event), expected);
    }
    let other = AuditEvent { action: "before.other".to_owned(), ..event(Action::SignIn, Success, &[], json!({})) };
    assert_eq!(words(&other), "before.other");
}
