//! The rows of the list, by day.

use chrono::{DateTime, Datelike as _, NaiveDate, TimeDelta, Utc};
use chrono_tz::Tz;
use leptos::prelude::*;

use crate::{
    audit::log::{
        model::{ActorKind, AuditEvent},
        page::{
            address,
            facts::{Fact, facts},
            sentence::{Piece, sentence},
        },
    },
    foundation::timestamp::Timestamp,
    layout::frame::initials,
    record::Outcome,
    ui::{
        date::time_of_day,
        icon::{Icon, small_country_flag},
        number::format_count,
        time::Time,
    },
};

/// Who looks at the rows, when, and in which time zone.
#[derive(Debug, Clone)]
pub struct Onlooker {
    /// Id of the account.
    pub user: String,
    /// IANA name of the time zone.
    pub zone: String,
    /// Now.
    pub now: DateTime<Utc>,
}

impl Onlooker {
    fn day(&self, time: DateTime<Utc>) -> NaiveDate {
        time.with_timezone(&self.zone.parse().unwrap_or(Tz::UTC)).date_naive()
    }
}

/// Renders events by day.
pub fn by_day(events: Vec<AuditEvent>, onlooker: &Onlooker) -> impl IntoView + use<> {
    let mut days: Vec<(NaiveDate, Vec<AuditEvent>)> = Vec::new();
    for event in events {
        let day = onlooker.day(event.occurred_at);
        match days.last_mut() {
            Some((last, events)) if *last == day => events.push(event),
            _ => days.push((day, vec![event])),
        }
    }
    let today = onlooker.day(onlooker.now);
    let day = |(day, events): (NaiveDate, Vec<AuditEvent>)| {
        let rows = events.into_iter().map(|event| view! { <li>{row(event, onlooker, false)}</li> }).collect_view();
        view! { <h2 class="day">{day_in_words(day, today)}</h2><ol>{rows}</ol> }
    };
    days.into_iter().map(day).collect_view()
}

/// Returns the name of a day: "Today, Thursday 14 May".
fn day_in_words(day: NaiveDate, today: NaiveDate) -> String {
    let year = if day.year() == today.year() { String::new() } else { day.format(" %Y").to_string() };
    let prefix = match today - day {
        age if age == TimeDelta::zero() => "Today, ",
        age if age == TimeDelta::days(1) => "Yesterday, ",
        _ => "",
    };
    format!("{prefix}{}{year}", day.format("%A %-d %B"))
}

/// Renders an event: a line that opens to its facts.
pub fn row(event: AuditEvent, onlooker: &Onlooker, is_open: bool) -> impl IntoView + use<> {
    let (outcome_class, outcome_icon, outcome) = match event.outcome {
        Outcome::Success => ("outcome", Icon::Check, "Done"),
        Outcome::Refused => ("outcome is-refused", Icon::Ban, "Refused"),
    };
    let piece = |piece: Piece| match piece {
        Piece::Text(text) => text.into_any(),
        Piece::Thing(name) => view! { <strong>{name}</strong> }.into_any(),
    };
    let did = sentence(&event).0.into_iter().map(piece).collect_view();
    let time = time_of_day(event.occurred_at, &onlooker.zone);
    view! {
        <details class="event" open=is_open>
            <summary>
                <Time time=Timestamp::from(event.occurred_at) text=time />
                {who(&event, onlooker)}
                <span class="did">{did}</span>
                <span class="from">{from(&event)}</span>
                <span class=outcome_class>{outcome_icon.draw()}{outcome}</span>
                <span class="turn">{Icon::Chevron.draw()}</span>
            </summary>
            {inside(&event, onlooker)}
        </details>
    }
}

/// Renders who did it.
fn who(event: &AuditEvent, onlooker: &Onlooker) -> impl IntoView + use<> {
    let (name, small) = names(event, &onlooker.user);
    let face = match event.actor.kind {
        ActorKind::Person => view! { <span class="face small" aria-hidden="true">{initials(&name)}</span> }.into_any(),
        ActorKind::Token | ActorKind::CommandLine => nobody(Icon::Terminal),
        ActorKind::Anonymous => nobody(Icon::Unknown),
        ActorKind::Server => nobody(Icon::Clock),
    };
    view! { <span class="by">{face}<span>{name}{small.map(|small| view! { <small>{small}</small> })}</span></span> }
}

fn nobody(icon: Icon) -> AnyView {
    view! { <span class="face small nobody">{icon.draw()}</span> }.into_any()
}

/// Returns the name of who did it, and what stands below.
fn names(event: &AuditEvent, user: &str) -> (String, Option<String>) {
    let actor = &event.actor;
    let name = |otherwise: &str| actor.name.clone().unwrap_or_else(|| otherwise.to_owned());
    match actor.kind {
        ActorKind::Person => (name("Unknown person"), (actor.id.as_deref() == Some(user)).then(|| "You".to_owned())),
        ActorKind::Token => {
            let owner = actor.owner.as_ref().map(|owner| match &owner.name {
                _ if owner.id == user => "Your API token".to_owned(),
                Some(name) => format!("API token of {name}"),
                None => "API token".to_owned(),
            });
            (name("API token"), owner)
        }
        ActorKind::Anonymous => ("Not signed in".to_owned(), None),
        ActorKind::CommandLine => ("Command line".to_owned(), None),
        ActorKind::Server => ("Whereabouts".to_owned(), None),
    }
}

/// Renders from where it was done.
fn from(event: &AuditEvent) -> AnyView {
    match (&event.context.location, event.actor.kind) {
        (Some(location), _) => {
            let flag = location.country_code.as_deref().map(small_country_flag);
            view! { {flag}{location.short().to_owned()} }.into_any()
        }
        (None, ActorKind::Server | ActorKind::CommandLine) => "The server".into_any(),
        (None, _) => ().into_any(),
    }
}

/// Renders what a row opens to.
fn inside(event: &AuditEvent, onlooker: &Onlooker) -> impl IntoView + use<> {
    let fact = |Fact { name, value, small }| {
        let small = small.map(|small| view! { <small class="code">{small}</small> });
        view! { <div><dt>{name}</dt><dd>{value}{small}</dd></div> }
    };
    let facts = facts(event, &onlooker.zone).into_iter().map(fact).collect_view();
    let number = event.seq.map_or_else(|| "Not sealed yet, ".to_owned(), |seq| format!("Event {}, ", format_count(seq)));
    let receipt = event.seq.is_some().then(|| {
        let address = format!("/audit/{}/receipt", event.id);
        view! { <a class="outlined with-icon" href=address download="">{Icon::Download.draw()}"Download receipt"</a> }
    });
    let more = more_of(event).map(|(address, words)| view! { <a href=address>{words}</a> });
    view! {
        <div class="inside">
            <dl>{facts}</dl>
            <p class="ways">
                {receipt}{more}
                <a href=around(event)>"Around this time"</a>
                <a href=format!("/audit/{}", event.id)>"Link to this event"</a>
                <span class="hint">{number}<code>{event.action.clone()}</code></span>
            </p>
        </div>
    }
}

/// Returns the address of what else the session or API token did.
fn more_of(event: &AuditEvent) -> Option<(String, &'static str)> {
    match (&event.session, event.actor.kind, &event.actor.id) {
        (Some(session), _, _) => Some((address::search(&format!("session:{session}")), "What else this session did")),
        (None, ActorKind::Token, Some(token)) => Some((address::search(&format!("token:{token}")), "What else this API token did")),
        _ => None,
    }
}

/// Returns the address of the events of ten minutes before and after.
fn around(event: &AuditEvent) -> String {
    let at = |minutes: i64| (event.occurred_at + TimeDelta::minutes(minutes)).format("%Y-%m-%dT%H:%MZ");
    address::search(&format!("created:{}..{}", at(-10), at(10)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_in_words() {
        let today = NaiveDate::from_ymd_opt(2026, 5, 14).unwrap();
        let day = |days| day_in_words(today - TimeDelta::days(days), today);
        assert_eq!([0, 1, 2].map(day), ["Today, Thursday 14 May", "Yesterday, Wednesday 13 May", "Tuesday 12 May"]);
        assert_eq!(day(365), "Wednesday 14 May 2025");
    }
}
