//! What happened in the past month, apart from sign-ins, grants and closures, which follow from the other tables.

use serde_json::{Value, json};

use crate::record::Action;

/// What an event is about.
pub enum Target {
    /// The person themself.
    Nothing,
    /// Another person.
    Person(&'static str),
    /// A plant, by its key.
    Plant(&'static str),
    /// A device of a plant, by its name.
    Device(&'static str, &'static str),
}

use Target::{Device, Nothing, Person, Plant};

/// Days ago, hour and minute in the time zone of the person who acted, their username, what they did, to what, and the rest of the detail.
pub type Happened = (i64, u32, u32, &'static str, Action, Target, Value);

#[rustfmt::skip]
pub fn happened() -> Vec<Happened> {
    let changed = |field: &str, from: Value, to: Value| json!({ "changed": { field: { "from": from, "to": to } } });
    let role = |role: &str, previous: Option<&str>| json!({ "role": role, "previous": previous });
    vec![
        (29, 9, 12,  "alice",  Action::TokenCreated,         Nothing,              json!({ "name": "Grafana", "group": "read" })),
        (29, 10, 40, "hannah", Action::PlantChanged,         Plant("leck"),        changed("capacity_kw", json!(9_600.0), json!(9_800.0))),
        (28, 14, 5,  "diego",  Action::PlantChanged,         Plant("requena"),     changed("capacity_kw", json!(480.0), json!(520.0))),
        (27, 11, 31, "jonas",  Action::DeviceChanged,        Device("sued", "Inverter 2"), json!({ "changed": { "upgrades": { "from": true, "to": false } } })),
        (26, 15, 20, "grace",  Action::MemberChanged,        Person("marcus"),     role("member", None)),
        (25, 9, 50,  "lucia",  Action::DeviceCreated,        Device("bonete", "Inverter 11"), json!({})),
        (25, 9, 54,  "lucia",  Action::DeviceCreated,        Device("bonete", "Network switch"), json!({})),
        (22, 16, 2,  "erik",   Action::MemberChanged,        Person("hannah"),     role("administrator", Some("member"))),
        (21, 8, 45,  "hannah", Action::PersonLookedUp,       Nothing,              json!({ "found": true })),
        (20, 13, 15, "olivia", Action::RemoteAccessClosed,   Plant("notrees"),     json!({ "reason": "Lightning protection is being replaced.", "was_closed": false })),
        (19, 10, 30, "daniel", Action::RemoteAccessReopened, Plant("notrees"),     json!({})),
        (18, 12, 0,  "alice",  Action::PasswordConfirmed,    Nothing,              json!({})),
        (18, 12, 8,  "alice",  Action::PlantMoved,           Plant("muensterland"), json!({})),
        (16, 9, 35,  "hannah", Action::PersonLookedUp,       Nothing,              json!({ "found": true })),
        (15, 17, 10, "mariam", Action::PasswordChanged,      Nothing,              json!({})),
        (14, 11, 22, "jonas",  Action::PlantChanged,         Plant("husum"),       changed("place", json!("Husum-Nord"), json!("Husum"))),
        (13, 10, 18, "daniel", Action::Invited,              Nothing,              json!({ "administrator": false })),
        (11, 8, 52,  "alice",  Action::PasswordConfirmed,    Nothing,              json!({})),
        (10, 14, 47, "ines",   Action::MemberChanged,        Person("pablo"),      role("member", None)),
        (9, 9, 5,    "lucia",  Action::DeviceChanged,        Device("ampudia", "Turbine 3"), json!({ "changed": { "name": { "from": "Turbine C", "to": "Turbine 3" } } })),
        (8, 15, 33,  "daniel", Action::PasswordConfirmed,    Nothing,              json!({})),
        (7, 16, 25,  "peter",  Action::SecondFactorEnabled,  Nothing,              json!({})),
        (6, 10, 11,  "jonas",  Action::DeviceCreated,        Device("sued", "Network switch"), json!({})),
        (4, 13, 44,  "olivia", Action::PlantChanged,         Plant("tulia"),       changed("time_zone", json!("America/Denver"), json!("America/Chicago"))),
        (3, 9, 20,   "hannah", Action::PlantChanged,         Plant("pocking"),     changed("name", json!("Solarfeld Pocking"), json!("Solarpark Pocking"))),
        (1, 11, 2,   "yusuf",  Action::ProfileChanged,       Nothing,              json!({})),
    ]
}
