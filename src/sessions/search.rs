//! Finding one among many: a search box, and more rows on request. Both are links and forms where no script runs.

use leptos::{ev::SubmitEvent, prelude::*};

use crate::{
    sessions::{
        live_list::LiveList,
        model::{PAGE, Query},
    },
    ui::{
        dynamic::{when, words},
        icon::Icon,
    },
};

/// The search box.
#[component]
pub fn Search(list: LiveList) -> impl IntoView {
    let search = list.live.query.with_untracked(|query| query.search.clone());
    let is_searching = move || list.live.query.with(|query| !query.search.is_empty());
    let found =
        move || if is_searching() { list.with(|list| format!("{} of {} sessions", list.matching, list.total)) } else { String::new() };
    view! {
        <form class="search" role="search" method="get" action="/profile" on:submit=|event: SubmitEvent| keep_page(&event)>
            <input type="hidden" name="tab" value="security" />
            {Icon::Search.draw()}
            <input type="search" name="search" aria-label="Search sessions" placeholder="Search by device, place or address"
                value=search autocomplete="off" on:input:target=move |event| look(list, Some(event.target().value()), None) />
            <output>{words(found)}</output>
        </form>
    }
}

/// "Show more", where there is more.
#[component]
pub fn More(list: LiveList) -> impl IntoView {
    let hidden = move || list.with(|list| list.matching.saturating_sub(list.rows.len()));
    let address = words(move || {
        let query = list.live.query.get();
        let pairs = [("tab", "security".to_owned()), ("search", query.search), ("show", (query.show + PAGE).to_string())];
        format!("/profile?{}", serde_urlencoded::to_string(pairs).unwrap_or_default()) // pairs of strings always encode
    });
    view! {
        {when(move || hidden() > 0, move || view! {
            <a class="outlined button" href=address rel="external" on:click=move |event| {
                event.prevent_default();
                look(list, None, Some(list.live.query.with_untracked(|query| query.show + PAGE)));
            }>{words(move || format!("Show more ({} hidden)", hidden()))}</a>
        }.into_any())}
    }
}

/// The list follows what is typed; there is nothing to submit.
fn keep_page(event: &SubmitEvent) {
    if cfg!(feature = "hydrate") {
        event.prevent_default();
    }
}

/// Asks for what is now to be shown. An answer that comes after the question changed is dropped.
fn look(list: LiveList, search: Option<String>, show: Option<usize>) {
    list.live.query.update(|query| {
        *query = match search {
            Some(search) => Query { search, show: PAGE },
            None => Query { show: show.unwrap_or(query.show), ..query.clone() },
        };
    });
    #[cfg(feature = "hydrate")]
    crate::sessions::channel::send_query(list.live);
    #[cfg(feature = "hydrate")]
    leptos::task::spawn_local(async move {
        use crate::{error::AppError, sessions::api::list_sessions, ui::browser};
        let query = list.live.query.get_untracked();
        let answer = list_sessions(query.clone()).await;
        match answer {
            Ok(_) if list.live.query.get_untracked() != query => {}
            Ok(found) => list.show(found),
            Err(AppError::NotSignedIn) => browser::leave(),
            Err(error) => list.live.say(error.to_string()),
        }
    });
}
