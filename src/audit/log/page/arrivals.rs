//! "3 new events" above the list. The page requests it again when the live channel says that events were sealed.

use axum::{extract::State, response::Html};
use leptos::prelude::*;
use serde::Deserialize;

use crate::{
    audit::{
        log::{
            actions::{self, MAX_NEW},
            page::address,
            search::first_id,
        },
        query::Query,
    },
    error::AppError,
    foundation::{http::page::Parameters, ids::EventId, services::Shared},
    sessions::{caller::CurrentSession, live::protocol},
    ui::{form_response::with_query, number::count_of},
};

/// Query of the section.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ArrivalsQuery {
    /// The search of the page.
    q: String,
    /// The id after which events are new.
    after: String,
}

/// `GET /live/audit`: how many events a search finds after an id. Not a use of the session, because pages request it by themselves (SES-12).
pub async fn refresh(
    State(services): Shared,
    caller: CurrentSession,
    Parameters(ArrivalsQuery { q, after }): Parameters<ArrivalsQuery>,
) -> Result<Html<String>, AppError> {
    let query = Query::parse(&q).map_err(|error| AppError::invalid("q", error.to_string()))?;
    let after = EventId::parse(&after).ok_or_else(|| AppError::invalid("after", "This is not the id of an event."))?;
    let count = actions::count_new(&services, &caller, &query, &after).await?;
    Ok(Html(Owner::new().with(|| notice(&query, count).to_html())))
}

/// Renders the place of the notice, which is empty until events arrive. `newest` is the newest event of the page.
pub fn arrivals(query: &Query, newest: Option<&EventId>, now: chrono::DateTime<chrono::Utc>) -> impl IntoView + use<> {
    let after = newest.map_or_else(|| first_id(now), ToString::to_string);
    let address = with_query(protocol::AUDIT_PATH, &[("q", &query.to_string()), ("after", &after)]);
    view! { <div class="arrivals" role="status" data-refresh=address data-live></div> }
}

/// `count` is `None` on a page that is older than a day.
fn notice(query: &Query, count: Option<usize>) -> Option<impl IntoView + use<>> {
    let words = match count {
        None => "This list is older than a day".to_owned(),
        Some(MAX_NEW..) => format!("More than {} new events", MAX_NEW - 1),
        Some(count) => count_of(i64::try_from(count).unwrap_or_default(), "new event"), // below the most
    };
    let address = address::search(&query.to_string());
    (count != Some(0)).then(|| view! { <p><span class="online">{words}</span><a href=address>"Show"</a></p> })
}
