//! Search box and "Show more". Without scripts they work as a form and a link.

use leptos::{ev::SubmitEvent, prelude::*};

use crate::{
    sessions::{
        live::list::LiveList,
        model::{PAGE_SIZE, Query},
    },
    ui::{icon::Icon, show::show_when},
};

/// The search box with the number of matches.
#[component]
pub fn Search(list: LiveList) -> impl IntoView {
    let search = list.query.with_untracked(|query| query.search.clone());
    let is_searching = move || list.query.with(|query| !query.search.is_empty());
    let matches = move || {
        if is_searching() {
            list.with(|list| list.matching.to_string() + " of " + &list.total.to_string() + " sessions")
        } else {
            String::new()
        }
    };
    view! {
        <form class="search" role="search" method="get" action="/profile" on:submit=|event: SubmitEvent| prevent_submit(&event)>
            <input type="hidden" name="tab" value="security" />
            {Icon::Search.draw()}
            <input type="search" name="search" aria-label="Search sessions" placeholder="Device, location or IP address"
                value=search autocomplete="off" on:input:target=move |event| update_query(list, Some(event.target().value()), None) />
            <output>{Signal::derive(matches)}</output>
        </form>
    }
}

/// The "Show more" link. Shown only if there are more rows.
#[component]
pub fn More(list: LiveList) -> impl IntoView {
    let hidden_count = move || list.with(|list| list.matching.saturating_sub(list.rows.len()));
    let address = Signal::derive(move || {
        let Query { search, show } = list.query.get();
        "/profile?tab=security&".to_owned() + &Query { search, show: show + PAGE_SIZE }.to_url()
    });
    view! {
        {show_when(move || hidden_count() > 0, move || view! {
            <a class="outlined button" href=address on:click=move |event| {
                event.prevent_default();
                update_query(list, None, Some(list.query.with_untracked(|query| query.show + PAGE_SIZE)));
            }>{Signal::derive(move || "Show more (".to_owned() + &hidden_count().to_string() + " hidden)")}</a>
        })}
    }
}

/// Prevents the form submission, because the list follows the input.
fn prevent_submit(event: &SubmitEvent) {
    if cfg!(feature = "hydrate") {
        event.prevent_default();
    }
}

/// Updates the query and loads the list for it. Responses to an outdated query are dropped.
fn update_query(list: LiveList, search: Option<String>, show: Option<usize>) {
    list.query.update(|query| {
        *query = match search {
            Some(search) => Query { search, show: PAGE_SIZE },
            None => Query { show: show.unwrap_or(query.show), ..query.clone() },
        };
    });
    #[cfg(feature = "hydrate")]
    crate::sessions::live::client::send_query(list);
    #[cfg(feature = "hydrate")]
    leptos::task::spawn_local(async move {
        use crate::sessions::{api::list_sessions, failure};
        let query = list.query.get_untracked();
        match list_sessions(query.search.clone(), query.show).await {
            Ok(_) if list.query.get_untracked() != query => {}
            Ok(found) => list.show(found),
            Err(problem) => failure::report(&problem),
        }
    });
}
