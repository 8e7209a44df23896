//! Audit events.

use std::net::Ipv4Addr;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;

use super::{Filling, Seed, plants::Tree};
use crate::{
    foundation::{
        client::{headers::UserAgentHeaders, info::ClientInfo},
        ids::UserId,
    },
    record::{Action, Event, Recorder},
};

const EVENTS_PER_STEP: usize = 2_500;
const PERIOD: TimeDelta = TimeDelta::days(30);

/// Adds the events, spread over the past 30 days.
pub async fn fill(
    filling: &mut Filling<'_>,
    recorder: &Recorder,
    seed: &Seed,
    (users, tree): (&[UserId], &Tree),
    now: DateTime<Utc>,
) -> anyhow::Result<()> {
    filling.begin("events", seed.events);
    let clients: Vec<_> =
        (1..=250).map(|host| ClientInfo::new(Ipv4Addr::new(192, 0, 2, host).into(), UserAgentHeaders::default())).collect();
    let step = PERIOD / i32::try_from(seed.events.max(1))?;
    for first in (0..seed.events).step_by(EVENTS_PER_STEP) {
        let numbers = first..seed.events.min(first + EVENTS_PER_STEP);
        let count = numbers.len();
        let at = |number: usize| now - PERIOD + step * number as i32;
        let client = |number: usize| clients.get(number % clients.len());
        let events = numbers.map(|number| (at(number), Event { client: client(number), ..event(number, users, tree) }));
        recorder.write_past(filling.tx(), events).await?;
        filling.wrote(count).await?;
    }
    Ok(())
}

fn event<'a>(number: usize, users: &'a [UserId], tree: &Tree) -> Event<'a> {
    let user = users.get(number % users.len().max(1));
    let plant = number % tree.plants.len().max(1);
    let (action, detail) = match (number % 4, tree.plants.get(plant)) {
        (0, Some(id)) => {
            let (organization, portfolio) = (tree.organization_of(plant), tree.portfolio_of(plant));
            (Action::PlantChanged, json!({ "organization": organization, "portfolio": portfolio, "plant": id }))
        }
        (1, _) => (Action::SignOut, json!({})),
        _ => (Action::SignIn, json!({ "method": "Password" })),
    };
    Event { actor: user, subject: user, ..Event::new(action, detail) }
}
