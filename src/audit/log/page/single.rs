//! The page of one event.

use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_params_map;

use crate::{
    audit::log::{
        actions,
        model::AuditEvent,
        page::{
            address::PAGE,
            rows::{Onlooker, row},
        },
    },
    error::AppError,
    foundation::ids::EventId,
    layout::{crumbs::Crumbs, frame::framed_with},
    sessions::caller::current_session,
};

/// The page.
#[component]
pub fn EventPage() -> impl IntoView {
    let id = use_params_map().with_untracked(|params| params.get("id").unwrap_or_default());
    framed_with(load(id), |(event, onlooker), _| {
        view! {
            <Title text="Audit event" />
            <Crumbs links=vec![(PAGE.to_owned(), "Audit Log".to_owned())] />
            <div class="head"><div><h1>"Audit event"</h1></div></div>
            <section class="card events" aria-label="Event">{row(event, &onlooker, true)}</section>
        }
        .into_any()
    })
}

async fn load(id: String) -> Result<(AuditEvent, Onlooker), AppError> {
    find(&id).await.inspect_err(AppError::set_response)
}

async fn find(id: &str) -> Result<(AuditEvent, Onlooker), AppError> {
    let (services, caller) = current_session()?;
    let account = &caller.account;
    let id = EventId::parse(id).ok_or(AppError::NotFound)?;
    let event = actions::get(&services, &caller, &id).await?;
    Ok((event, Onlooker { user: account.id.to_string(), zone: account.time_zone.clone(), now: services.clock.now() }))
}
