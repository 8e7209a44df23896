//! The section "Recently ended". The server renders it, and renders it again when a session ends while the page is open.

use axum::{extract::State, response::Html};
use leptos::prelude::*;
use serde::Deserialize;

use crate::{
    error::AppError,
    foundation::{client::location::Location, http::page::Parameters, services::Shared},
    sessions::{
        caller::CurrentSession,
        details::activity_path,
        ended::{
            actions::{self, RecentlyEnded},
            model::{EndedSession, Why},
        },
        live::protocol,
        model::EndReason,
        row::icon,
    },
    ui::{
        date::recent_day,
        icon::{Icon, small_country_flag},
        time::{Time, TimeZone},
    },
};

/// Rows that the page shows at first, and that each "Show more" adds.
pub const PAGE_SIZE: i64 = 10;

/// Query of the section.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SectionQuery {
    show: i64,
}

/// `GET /live/ended`: the section as it is now. Not a use of the session, because pages request it by themselves (SES-12).
pub async fn refresh(
    State(services): Shared,
    caller: CurrentSession,
    Parameters(query): Parameters<SectionQuery>,
) -> Result<Html<String>, AppError> {
    let data = actions::load(&services, &caller, query.show).await?;
    let render = || {
        TimeZone::provide(data.time_zone.clone());
        section(data).to_html()
    };
    Ok(Html(Owner::new().with(render)))
}

/// The place of the section, from where the crate `enhance` keeps it up to date. Empty while no session has ended.
#[component]
pub fn EndedSessions(
    /// What the section shows.
    data: RecentlyEnded,
) -> impl IntoView {
    let address = format!("{}?show={}", protocol::ENDED_PATH, data.show);
    view! { <div id="recently-ended" data-refresh=address>{section(data)}</div> }
}

fn section(data: RecentlyEnded) -> Option<impl IntoView> {
    let more = format!("/profile?tab=security&ended={}#recently-ended", data.show + PAGE_SIZE);
    let rows = data.sessions.iter().map(|session| row(session, &data)).collect_view();
    (!data.sessions.is_empty()).then(|| {
        view! {
            <section class="card section ended" aria-labelledby="ended-sessions">
                <header><div><h2 id="ended-sessions">"Recently ended"</h2><p>"Sessions of yours that ended in the last 30 days."</p></div></header>
                <ul>{rows}</ul>
                {data.has_more.then(|| view! { <footer><a class="outlined" href=more>"Show more"</a></footer> })}
            </section>
        }
    })
}

fn row(session: &EndedSession, data: &RecentlyEnded) -> impl IntoView + use<> {
    let Why { what, how } = session.why(&data.lifetimes);
    let class = (session.end_reason == EndReason::Disowned).then_some("not-you");
    let text = recent_day(session.ended_at.into(), &data.time_zone, data.now);
    let label = format!("What it did: {}, {}", session.device.label, session.location.short());
    view! {
        <li>
            <span class="tile small">{icon(session.device.form).draw()}</span>
            <strong>{session.device.label.clone()}</strong>
            <span class="at">{place(&session.location)}</span>
            <span class="when"><Time time=session.ended_at text /></span>
            <span class="why"><span class=class>{what}</span>{(!how.is_empty()).then(|| view! { <small>{how}</small> })}</span>
            <a class="quiet" href=activity_path(&session.id) aria-label=label>"What it did"</a>
        </li>
    }
}

/// Renders flag and city. The country stands beside its flag for screen readers only.
fn place(location: &Location) -> impl IntoView + use<> {
    let flag = match &location.country_code {
        Some(code) => small_country_flag(code).into_any(),
        None => if location.label == "Private network" { Icon::Network } else { Icon::Pin }.draw().into_any(),
    };
    let country = location.city.is_some().then(|| location.country.clone()).flatten();
    view! {
        {flag}
        <span>{location.short().to_owned()}{country.map(|country| view! { <span class="visually-hidden">{format!(", {country}")}</span> })}</span>
    }
}
