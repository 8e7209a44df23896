//! The Active Sessions card.

use leptos::prelude::*;
use leptos_router::hooks::use_query_map;

use crate::{
    error::AppError,
    sessions::{
        api::list_sessions,
        dialog::RevokeAll,
        live_list::LiveList,
        model::{PAGE, Query, SEARCH_FROM, Sessions},
        row::Row,
        search::{More, Search},
        signals::Live,
    },
    ui::{
        dynamic::{when, words},
        icon::alone,
        loaded::{failed, loaded},
    },
};

/// The card, once its list is there.
#[component]
pub fn ActiveSessions(
    /// When API tokens, which are no sessions, were used; empty if none was.
    tokens_used: String,
) -> impl IntoView {
    let query = use_query_map().with_untracked(|query| Query {
        search: query.get("search").unwrap_or_default(),
        show: query.get("show").and_then(|show| show.parse().ok()).unwrap_or(PAGE),
    });
    let live = expect_context::<Live>();
    live.query.set(query.clone());
    let ask = move || list_sessions(query.clone());
    loaded(ask, move |list: Result<Sessions, AppError>| match list {
        Ok(list) => view! { <Card list tokens_used=tokens_used.clone() /> }.into_any(),
        Err(error) => failed(&error),
    })
}

#[component]
fn Card(list: Sessions, tokens_used: String) -> impl IntoView {
    let attribution = list.is_by_dbip.then(|| view! { <a href="https://db-ip.com">"IP Geolocation by DB-IP"</a> });
    let list = LiveList::new(expect_context::<Live>(), list);
    #[cfg(feature = "hydrate")]
    list.clock.start();
    view! {
        <section class="card sessions" aria-labelledby="active-sessions">
            <header>
                <div>
                    <h2 id="active-sessions" tabindex="-1">"Active Sessions"</h2>
                    <p>{words(move || summary(list.with(Sessions::others)))}</p>
                </div>
                <RevokeAll list />
            </header>
            {when(move || list.with(|list| list.total >= SEARCH_FROM), move || view! { <Search list /> }.into_any())}
            <Table list />
            {when(move || list.with(|list| list.total == 1), alone)}
            <footer>
                <More list />
                {(!tokens_used.is_empty()).then(|| view! { <p>{tokens_used}" "<a rel="external" href="/profile?tab=api-tokens">"API Tokens"</a></p> })}
                <p>"Locations are approximate. " {attribution}</p>
            </footer>
        </section>
    }
}

fn summary(others: usize) -> String {
    match others {
        0 => "This is the only place where you are signed in.".to_owned(),
        1 => "You are signed in here and on 1 other device.".to_owned(),
        _ => format!("You are signed in here and on {others} other devices."),
    }
}

/// Display types for phones take a table's roles away, so they are said.
#[component]
fn Table(list: LiveList) -> impl IntoView {
    let rows = move || list.order.get().into_iter().filter_map(|id| list.find(&id)).collect::<Vec<_>>();
    view! {
        <table role="table" aria-labelledby="active-sessions">
            <thead role="rowgroup">
                <tr role="row">
                    {["Device", "Location", "IP Address", "Last active", "Expires"]
                        .map(|name| view! { <th role="columnheader" scope="col">{name}</th> })}
                    <td role="cell"></td>
                </tr>
            </thead>
            <tbody role="rowgroup" on:pointerenter=move |_| list.is_pointed_at.set(true) on:pointerleave=move |_| list.is_pointed_at.set(false)>
                <For each=rows key=|row| row.id.clone() children=move |row| view! { <Row row list /> } />
            </tbody>
        </table>
    }
}
