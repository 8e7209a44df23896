//! Revoke All, and the dialog that asks before. Without a script the dialog is a page of its own.

use leptos::{ev::SubmitEvent, html, prelude::*};
use leptos_router::hooks::use_query_map;

use crate::{
    sessions::{
        live_list::LiveList,
        model::{Session, Sessions, other_sessions},
        row::icon,
    },
    ui::dynamic::{when, words},
};

/// As many sessions are named.
const NAMED: usize = 5;

/// The button and its dialog; nothing where there is no other session.
#[component]
pub fn RevokeAll(list: LiveList) -> impl IntoView {
    let asks_already = use_query_map().with_untracked(|query| query.get("confirm").is_some_and(|what| what == "revoke-all"));
    let dialog = NodeRef::<html::Dialog>::new();
    view! {
        {when(move || list.with(Sessions::others) > 0, move || view! { <Ask dialog /> }.into_any())}
        <dialog node_ref=dialog open=asks_already aria-labelledby="revoke-all-title" aria-describedby="revoke-all-count">
            <h2 id="revoke-all-title">"Revoke all other sessions?"</h2>
            <p id="revoke-all-count">
                {words(move || format!("{} will be ended.", other_sessions(list.with(Sessions::others))))} " You stay signed in here."
            </p>
            <Names list />
            <div class="buttons">
                <form method="get" action="/profile" on:submit=move |event| close(&event, dialog)>
                    <input type="hidden" name="tab" value="security" />
                    <button class="outlined">"Cancel"</button>
                </form>
                <form method="post" action="/api/ui/revoke_other_sessions" on:submit=move |event| submit(&event, list, dialog)>
                    <button class="filled danger">"Revoke All"</button>
                </form>
            </div>
        </dialog>
    }
}

/// The button that opens the dialog.
#[component]
fn Ask(dialog: NodeRef<html::Dialog>) -> impl IntoView {
    view! {
        <form method="get" action="/profile" on:submit=move |event| open(&event, dialog)>
            <input type="hidden" name="tab" value="security" />
            <input type="hidden" name="confirm" value="revoke-all" />
            <button class="outlined danger">"Revoke All"</button>
        </form>
    }
}

/// The first few that will end, by name.
#[component]
fn Names(list: LiveList) -> impl IntoView {
    let others = move |list: &Sessions| list.rows.iter().filter(|row| !row.current).take(NAMED).cloned().collect::<Vec<Session>>();
    let more = move || list.with(|list| list.others().saturating_sub(NAMED));
    view! {
        <ul class="names">
            <For each=move || list.with(others) key=|row| row.id.clone() let:row>
                <li>
                    <span class="tile">{icon(row.device.form).draw()}</span>
                    <span>{row.device.label.clone()} <small>{row.location.short().to_owned()}</small></span>
                </li>
            </For>
            {when(move || more() > 0, move || view! { <li class="more">{words(move || format!("and {} more", more()))}</li> }.into_any())}
        </ul>
    }
}

#[cfg_attr(not(feature = "hydrate"), expect(unused_variables, reason = "only a browser submits"))]
fn open(event: &SubmitEvent, dialog: NodeRef<html::Dialog>) {
    #[cfg(feature = "hydrate")]
    {
        event.prevent_default();
        if let Some(dialog) = dialog.get_untracked() {
            // It fails where it is open already: as wished.
            let _ = dialog.show_modal();
        }
    }
}

#[cfg_attr(not(feature = "hydrate"), expect(unused_variables, reason = "only a browser submits"))]
fn close(event: &SubmitEvent, dialog: NodeRef<html::Dialog>) {
    #[cfg(feature = "hydrate")]
    {
        event.prevent_default();
        if let Some(dialog) = dialog.get_untracked() {
            dialog.close();
        }
    }
}

/// Ends them without leaving the page.
#[cfg_attr(not(feature = "hydrate"), expect(unused_variables, reason = "only a browser submits"))]
fn submit(event: &SubmitEvent, list: LiveList, dialog: NodeRef<html::Dialog>) {
    #[cfg(feature = "hydrate")]
    {
        use crate::{
            error::AppError,
            sessions::{api::revoke_other_sessions, model::signed_out},
            ui::browser,
        };
        close(event, dialog);
        leptos::task::spawn_local(async move {
            match revoke_other_sessions().await {
                Ok(revoked) => {
                    list.take_out_others();
                    list.live.say(signed_out(revoked));
                    browser::focus("#active-sessions");
                }
                Err(AppError::NotSignedIn) => browser::leave(),
                Err(error) => list.live.report_revocation_failure("the other sessions", &error),
            }
        });
    }
}
