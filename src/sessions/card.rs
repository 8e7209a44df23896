//! The Active Sessions card: rendered by the server, hydrated in the browser. Nothing else of a page is.

use leptos::prelude::*;
use serde::{Deserialize, Serialize};

use crate::{
    foundation::utc_offsets::UtcOffsets,
    sessions::{
        dialog::RevokeAll,
        live::list::LiveList,
        model::{MIN_SESSIONS_FOR_SEARCH, Query, Sessions},
        row::Row,
        search::{More, Search},
    },
    ui::{icon::alone, later::later, show::show_when},
};

/// Id of the card's element, and the attribute that holds its [`CardData`].
#[cfg(feature = "hydrate")]
const CARD: (&str, &str) = ("sessions-card", "data-card");

/// What the card shows first. The server sends it with the page, so that hydration starts from the same values.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CardData {
    /// The first rows of the list.
    pub list: Sessions,
    /// The part of the list that the URL asks for.
    pub query: Query,
    /// Text about the use of API tokens, which are not in the list; empty if none was used.
    pub tokens_used: String,
    /// The time zone of the user: its offsets at the times that a card can show.
    pub utc_offsets: UtcOffsets,
    /// Whether the URL asks to confirm Revoke All, as it does without a script.
    pub is_confirming: bool,
}

/// Renders the card with its data.
#[cfg(feature = "ssr")]
#[component]
pub fn ActiveSessions(
    /// What the card shows.
    data: CardData,
) -> impl IntoView {
    let text = crate::foundation::wire::encode_text(&data).ok(); // without it the card works as without a script
    view! {
        <section class="card sessions" aria-labelledby="active-sessions" id="sessions-card" data-card=text>{contents(data)}</section>
    }
}

/// Hydrates the card of this page, and keeps its list up to date.
#[cfg(feature = "hydrate")]
pub fn hydrate() {
    use wasm_bindgen::JsCast;
    let (id, attribute) = CARD;
    let element = document().get_element_by_id(id).and_then(|element| element.dyn_into::<web_sys::HtmlElement>().ok());
    let Some(element) = element else { return };
    let text = element.get_attribute(attribute).unwrap_or_default(); // without it the text does not decode
    if let Ok(data) = crate::foundation::wire::decode_text::<CardData>(&text) {
        let contents = move || {
            crate::ui::time::TimeZone::provide(data.utc_offsets.clone());
            contents(data)
        };
        leptos::mount::hydrate_from(element, contents).forget();
    }
}

/// The contents of the card's element.
fn contents(CardData { list, query, tokens_used, is_confirming, .. }: CardData) -> impl IntoView {
    let attribution = list.is_by_dbip.then(|| view! { <a href="https://db-ip.com">"IP Geolocation by DB-IP"</a> });
    let list = LiveList::new(list, query);
    #[cfg(feature = "hydrate")]
    {
        let loaded_at = js_sys::Date::now();
        crate::ui::later::when_hydrated(move || {
            list.clock.start(loaded_at);
            crate::sessions::live::client::open(list);
        });
    }
    view! {
        <header>
            <div>
                <h2 id="active-sessions" tabindex="-1">"Active Sessions"</h2>
                <p>{Signal::derive(move || summary(list.with(Sessions::others)))}</p>
            </div>
            <RevokeAll list is_confirming />
        </header>
        {show_when(move || list.with(|list| list.total >= MIN_SESSIONS_FOR_SEARCH), move || view! { <Search list /> })}
        <Table list />
        {show_when(move || list.with(|list| list.total == 1), alone)}
        <footer>
            <More list />
            {(!tokens_used.is_empty()).then(|| view! { <p>{tokens_used}" "<a href="/profile?tab=api-tokens">"API Tokens"</a></p> })}
            <p>"Locations are approximate. " {attribution}</p>
        </footer>
    }
}

fn summary(others: usize) -> String {
    match others {
        0 => "This is the only place where you are signed in.".to_owned(),
        1 => "You are signed in here and on 1 other device.".to_owned(),
        _ => "You are signed in here and on ".to_owned() + &others.to_string() + " other devices.",
    }
}

/// The table of sessions. Its roles are explicit, because the CSS display types for phones remove the implicit ones.
#[component]
fn Table(list: LiveList) -> impl IntoView {
    view! { <table role="table" aria-labelledby="active-sessions">{later(move || head_and_rows(list))}</table> }
}

fn head_and_rows(list: LiveList) -> impl IntoView {
    // Keyed by id: a row that only the focus keeps is no longer in the list.
    let row = move |id| list.find(&id).map(|row| view! { <Row row list /> });
    view! {
        <thead role="rowgroup">
            <tr role="row">
                {["Device", "Location", "IP Address", "Last active", "Expires"]
                    .map(|name| view! { <th role="columnheader" scope="col">{name}</th> })}
                <th role="columnheader" scope="col"><span class="visually-hidden">"Actions"</span></th>
            </tr>
        </thead>
        <tbody role="rowgroup" on:pointerenter=move |_| list.is_pointed_at.set(true) on:pointerleave=move |_| list.is_pointed_at.set(false)>
            <For each=move || list.order.get() key=|id| id.clone() children=row />
        </tbody>
    }
}
