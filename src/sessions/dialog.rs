//! Revoke All and its confirmation dialog. Without scripts the dialog is a page of its own.

use leptos::{ev::SubmitEvent, html, prelude::*};

use crate::{
    sessions::{
        live::list::LiveList,
        model::{Session, Sessions, other_sessions},
        row::icon,
    },
    ui::show::show_when,
};

/// Maximum number of sessions that the dialog names.
const MAX_NAMED: usize = 5;

/// The button and its dialog. The button is shown only if there are other sessions.
#[component]
pub fn RevokeAll(
    /// The list.
    list: LiveList,
    /// Whether the dialog is open at first.
    is_confirming: bool,
) -> impl IntoView {
    let dialog = NodeRef::<html::Dialog>::new();
    view! {
        {show_when(move || list.with(Sessions::others) > 0, move || view! { <OpenButton dialog /> })}
        <dialog node_ref=dialog open=is_confirming aria-labelledby="revoke-all-title" aria-describedby="revoke-all-count">
            <h2 id="revoke-all-title">"Revoke all other sessions?"</h2>
            <p id="revoke-all-count">
                {Signal::derive(move || other_sessions(list.with(Sessions::others)) + " will be ended.")} " You stay signed in here."
            </p>
            <SessionNames list />
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
fn OpenButton(dialog: NodeRef<html::Dialog>) -> impl IntoView {
    view! {
        <form method="get" action="/profile" on:submit=move |event| open(&event, dialog)>
            <input type="hidden" name="tab" value="security" />
            <input type="hidden" name="confirm" value="revoke-all" />
            <button class="outlined danger">"Revoke All"</button>
        </form>
    }
}

/// Names the first sessions that will be revoked.
#[component]
fn SessionNames(list: LiveList) -> impl IntoView {
    let others = move |list: &Sessions| list.rows.iter().filter(|row| !row.current).take(MAX_NAMED).cloned().collect::<Vec<Session>>();
    let more = move || list.with(|list| list.others().saturating_sub(MAX_NAMED));
    view! {
        <ul class="names">
            <For each=move || list.with(others) key=|row| row.id.clone() let:row>
                <li>
                    <span class="tile">{icon(row.device.form).draw()}</span>
                    <span>{row.device.label.clone()} <small>{row.location.short().to_owned()}</small></span>
                </li>
            </For>
            {show_when(move || more() > 0, move || {
                view! { <li class="more">{Signal::derive(move || "and ".to_owned() + &more().to_string() + " more")}</li> }
            })}
        </ul>
    }
}

#[cfg_attr(not(feature = "hydrate"), expect(unused_variables, reason = "only a browser submits"))]
fn open(event: &SubmitEvent, dialog: NodeRef<html::Dialog>) {
    #[cfg(feature = "hydrate")]
    {
        event.prevent_default();
        if let Some(dialog) = dialog.get_untracked() {
            // Fails if the dialog is already open, which is fine.
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

/// Revokes the other sessions without leaving the page.
#[cfg_attr(not(feature = "hydrate"), expect(unused_variables, reason = "only a browser submits"))]
fn submit(event: &SubmitEvent, list: LiveList, dialog: NodeRef<html::Dialog>) {
    #[cfg(feature = "hydrate")]
    {
        use crate::sessions::{api::revoke_other_sessions, failure, model::signed_out};
        use whereabouts_enhance::page;
        close(event, dialog);
        leptos::task::spawn_local(async move {
            match revoke_other_sessions().await {
                Ok(revoked) => {
                    list.remove_others();
                    page::announce("status-notice", &signed_out(revoked));
                    page::focus("#active-sessions");
                }
                Err(problem) => failure::report_revocation("the other sessions", &problem),
            }
        });
    }
}
