//! The list.

use leptos::prelude::*;
use leptos_meta::Title;

use crate::{
    audit::{
        log::{
            actions::{self, EventPage},
            chart::{self, Chart},
            page::{
                address::{self, ListAddress, PAGE},
                arrivals::arrivals,
                badge::badge,
                chart::chart,
                rows::{Onlooker, by_day},
                tools::{export_menu, search_box},
            },
        },
        query::{DEFAULT_PERIOD, Query, QueryError},
        verify::store::{VerificationRow, find_result},
    },
    error::AppError,
    foundation::{http::page::PageRequest, services::Services},
    layout::frame::framed_with,
    sessions::caller::{CurrentSession, current_session},
    ui::form_response::forbid_compression,
};

/// Events of a page.
const PAGE_SIZE: i64 = 50;

/// What the page shows.
struct List {
    onlooker: Onlooker,
    /// The search, or what is wrong with it.
    query: Result<Query, String>,
    page: EventPage,
    /// Whether it is the first page.
    is_first: bool,
    verification: Option<VerificationRow>,
    /// `None` beside a search, or for somebody without plants.
    chart: Option<Chart>,
}

/// The page.
#[component]
pub fn AuditPage() -> impl IntoView {
    let address = ListAddress::of_page();
    if !address.text.is_empty() {
        forbid_compression();
    }
    framed_with(load(address.clone()), move |mut list, _| {
        let query = list.query.clone().ok();
        let chart = list.chart.take().map(|of| chart(of, &list.onlooker.zone));
        view! {
            <Title text="Audit Log" />
            <div class="head">
                <div><h1>"Audit Log"</h1><p>"Who reached your plants, and who changed what."</p></div>
                <div class="ways">{badge(list.verification.as_ref(), list.onlooker.now)} {query.as_ref().map(export_menu)}</div>
            </div>
            {search_box(&address, query.as_ref())}
            {chart}
            {content(list)}
            <p class="under"><span>"You see your own account and the plants whose log you may read. Reading is recorded too."</span></p>
        }
        .into_any()
    })
}

async fn load(address: ListAddress) -> Result<List, AppError> {
    let (services, caller) = current_session()?;
    let account = &caller.account;
    let onlooker = Onlooker { user: account.id.to_string(), zone: account.time_zone.clone(), now: services.clock.now() };
    let is_first = address.cursor.is_none();
    let verification = find_result(&mut services.db.read().await?).await?;
    let chart = match address.text.is_empty() && is_first {
        true => chart::load(&services, &caller, address.span).await?,
        false => None,
    };
    let (query, page) = match search(&services, &caller, address).await? {
        Ok((query, page)) => (Ok(query), page),
        Err(message) => (Err(message), EventPage { events: Vec::new(), next_cursor: None, nothing: None }),
    };
    Ok(List { onlooker, query, page, is_first, verification, chart })
}

/// Returns what a search finds, or what is wrong with it.
async fn search(
    services: &Services,
    caller: &CurrentSession,
    address: ListAddress,
) -> Result<Result<(Query, EventPage), String>, AppError> {
    let query = match Query::parse(&address.text) {
        Ok(query) => query,
        Err(error) => return Ok(Err(QueryError::to_string(&error))),
    };
    let request = PageRequest::first(PAGE_SIZE);
    let request = match address.cursor {
        Some(cursor) => request.after(cursor),
        None => request,
    };
    match actions::list(services, caller, &query, &request).await {
        Ok(page) => Ok(Ok((query, page))),
        Err(AppError::Invalid { message, .. }) => Ok(Err(message)),
        Err(error) => Err(error),
    }
}

/// What stands below the search box: the events, why there are none, or what is wrong with the search.
fn content(List { onlooker, query, page, is_first, .. }: List) -> AnyView {
    let query = match query {
        Ok(query) => query,
        Err(message) => return view! { <p class="failure" role="alert">{message}</p> }.into_any(),
    };
    let new = is_first.then(|| arrivals(&query, page.events.first().map(|event| &event.id), onlooker.now));
    if page.events.is_empty() && page.next_cursor.is_none() {
        return view! { {new}{nothing_found(&query, page.nothing)} }.into_any();
    }
    let earlier = page.next_cursor.map(|cursor| {
        let address = address::page(&query, &cursor);
        view! { <p class="end"><a class="outlined" rel="next" href=address>"Show earlier events"</a></p> }
    });
    let is_empty = page.events.is_empty();
    view! {
        <section class="card events" aria-label="Events">
            {new}
            {is_empty.then(|| view! { <p class="end" role="status">"Nothing like that so far. Older events were not searched yet."</p> })}
            {by_day(page.events, &onlooker)}
            {earlier}
        </section>
    }
    .into_any()
}

/// Shown if nothing was found.
fn nothing_found(query: &Query, why: Option<String>) -> AnyView {
    let is_default = address::period(query).is_none();
    let words = match why {
        Some(why) => why,
        None if is_default => format!("Nothing like that in the {DEFAULT_PERIOD}."),
        None => "Nothing like that in this period.".to_owned(),
    };
    let (link, address) = match address::period(query) {
        Some(period) if period.to_string() == "all" => ("Clear the search", PAGE.to_owned()),
        _ => ("Search everything", address::in_period(query, "all")),
    };
    view! { <section class="card empty"><p role="status">{words}</p><p><a href=address>{link}</a></p></section> }.into_any()
}
