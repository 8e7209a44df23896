//! The audit events of the past month.

use chrono::{DateTime, Datelike as _, TimeDelta, Utc, Weekday};
use serde_json::{Value, json};

use super::{
    at_work,
    data::{
        access::{CLOSED, MEMBERS},
        events::{Target, happened},
        people::PEOPLE,
    },
    people::{People, Person},
    plants::{Site, Sites},
};
use crate::{
    cli::bulk::Grant,
    foundation::db::Tx,
    record::{Action, Event, Outcome, Recorder},
};

const DAYS: i64 = 30;

type Past<'a> = (DateTime<Utc>, Event<'a>);

/// Inserts the events, in the order of their times.
pub async fn fill(
    tx: &mut Tx,
    recorder: &Recorder,
    people: &People,
    sites: &Sites,
    grants: &[Grant],
    now: DateTime<Utc>,
) -> anyhow::Result<()> {
    let mut events: Vec<Past<'_>> =
        PEOPLE.iter().enumerate().flat_map(|(number, person)| work(people.get(person.0), number, now)).collect();
    events.extend(grants.iter().filter(|grant| now - grant.granted_at < TimeDelta::days(DAYS)).map(|grant| granted(people, grant)));
    events.extend(CLOSED.iter().map(|(plant, by, days, reason)| {
        let (site, person) = (&sites.plants[plant], people.get(by));
        let detail = with(of_plant(site), json!({ "reason": reason, "was_closed": false }));
        event(person, at_work(now, *days, 15, 42, person.zone), Action::RemoteAccessClosed, None, detail)
    }));
    for (days_ago, hour, minute, username, action, target, detail) in happened() {
        let person = people.get(username);
        let (subject, place) = locate(people, sites, person, &target);
        events.push(event(person, at_work(now, days_ago, hour, minute, person.zone), action, subject, with(place, detail)));
    }
    events.sort_by_key(|(at, _)| *at);
    for events in events.chunks(2_500) {
        recorder.write_past(tx, events.iter().cloned()).await?;
    }
    Ok(())
}

/// Returns the sign-ins and sign-outs of a person in working hours, with a wrong password now and then.
fn work(person: &Person, number: usize, now: DateTime<Utc>) -> Vec<Past<'_>> {
    let mut events = Vec::new();
    for day in 1..=DAYS {
        let chance = chance(number as u64, day as u64);
        let date = now.with_timezone(&person.zone).date_naive() - TimeDelta::days(day);
        if matches!(date.weekday(), Weekday::Sat | Weekday::Sun) || chance % 10 >= 7 {
            continue;
        }
        let begin = at_work(now, day, 7, 25, person.zone) + TimeDelta::seconds((chance / 16 % 7_200) as i64);
        if (chance / 10).is_multiple_of(19) {
            let (at, action) = (begin - TimeDelta::seconds(40), Action::SignIn);
            let refused =
                Event { outcome: Outcome::Refused, actor: None, actor_name: None, ..event(person, at, action, Some(person), json!({})).1 };
            events.push((at, refused));
        }
        events.push(event(person, begin, Action::SignIn, Some(person), json!({ "method": "Password" })));
        if !(chance / 100).is_multiple_of(3) {
            let end = at_work(now, day, 16, 10, person.zone) + TimeDelta::seconds((chance / 32 % 7_200) as i64);
            events.push(event(person, end, Action::SignOut, Some(person), json!({})));
        }
    }
    events
}

/// Returns a number that looks random, always the same one for the same arguments (SplitMix64).
fn chance(person: u64, day: u64) -> u64 {
    let seed = (person * 1_000 + day).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mixed = (seed ^ (seed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    (mixed ^ (mixed >> 27)) >> 8
}

fn granted<'a>(people: &'a People, grant: &'a Grant) -> Past<'a> {
    let is_by = |person: &&Person| Some(&person.account.id) == grant.granted_by.as_ref();
    let by = PEOPLE.iter().map(|person| people.get(person.0)).find(is_by).unwrap_or(people.get("alice"));
    let scope = match (&grant.plant, &grant.portfolio) {
        (Some(plant), _) => json!({ "kind": "plant", "id": plant }),
        (None, Some(portfolio)) => json!({ "kind": "portfolio", "id": portfolio }),
        (None, None) => json!({ "kind": "organization", "id": grant.organization }),
    };
    let detail = json!({
        "grant": grant.id, "organization": grant.organization, "scope": scope, "role": grant.role, "expires_at": grant.expires_at,
        "reason": grant.reason,
    });
    let (at, event) = event(by, grant.granted_at, Action::GrantCreated, None, detail);
    (at, Event { subject: Some(&grant.user), ..event })
}

fn event<'a>(person: &'a Person, at: DateTime<Utc>, action: Action, subject: Option<&'a Person>, detail: Value) -> Past<'a> {
    let (actor, subject) = (Some(&person.account.id), subject.map(|subject| &subject.account.id));
    let (actor_name, client) = (Some(person.account.name.as_str()), Some(&person.client));
    (at, Event { actor, actor_name, subject, client, ..Event::new(action, detail) })
}

/// Returns whom an event concerns, and the detail about where it happened.
fn locate<'a>(people: &'a People, sites: &Sites, actor: &'a Person, target: &Target) -> (Option<&'a Person>, Value) {
    match target {
        Target::Nothing => (Some(actor), json!({})),
        Target::Person(username) => {
            let organization = MEMBERS.iter().find(|member| member.0 == *username).map(|member| &sites.organizations[member.1]);
            (Some(people.get(username)), json!({ "organization": organization }))
        }
        Target::Plant(key) => (None, of_plant(&sites.plants[key])),
        Target::Device(key, name) => {
            let site = &sites.plants[key];
            let id = site.devices.iter().find(|device| device.0 == *name).map(|device| &device.1);
            (None, with(of_plant(site), json!({ "device": id, "name": name })))
        }
    }
}

fn of_plant(site: &Site) -> Value {
    json!({ "organization": site.organization, "portfolio": site.portfolio, "plant": site.id, "name": site.name })
}

/// Adds the fields of another object.
fn with(mut detail: Value, more: Value) -> Value {
    if let (Value::Object(detail), Value::Object(more)) = (&mut detail, more) {
        detail.extend(more);
    }
    detail
}
