//! The page that changes the end of a grant, and the dialog that ends one.

use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_params_map;

use crate::{
    layout::{crumbs::Crumbs, frame::framed_with, narrow::query_parameter},
    permissions::{
        grants::{
            api::{ExtendPageData, grant_path, open_extension},
            form::{Entered, back_path},
            page::EndChoice,
        },
        model::{Grant, ScopeKind},
    },
    ui::{
        date::last_day,
        field::{FlashMessages, TextArea},
        form_response::Flash,
    },
};

/// The page.
#[component]
pub fn ExtendGrantPage() -> impl IntoView {
    let id = use_params_map().with_untracked(|params| params.get("id").unwrap_or_default()); // the route has it
    let typed = ["until", "day", "reason"].map(|field| (field, query_parameter(field)));
    framed_with(open_extension(id), |ExtendPageData { grant, time_zone, now }, flash| {
        let flash = flash.or_typed(typed);
        let back = grant.scope_id().map(|scope| back_path(&scope)).unwrap_or_default(); // a stored grant has a scope
        let title = format!("Extend the access of {}", grant.user.name);
        let current =
            grant.expires_at.map_or_else(|| "has no end".to_owned(), |end| format!("ends after {}", last_day(end, &time_zone, now)));
        let entered = Entered {
            until: flash.typed("until"),
            day: flash.typed("day"),
            // Without an end, it could not be chosen.
            is_vendor: grant.vendor.clone().unwrap_or_default(),
            ..Entered::default()
        };
        let reason = if flash.typed.contains_key("reason") { flash.typed("reason") } else { grant.reason.clone() };
        view! {
            <Title text=title.clone() />
            <Crumbs links=vec![("/plants".to_owned(), "Plants".to_owned()), (back.clone(), grant.scope.name.clone())] />
            <h1>{title}</h1>
            <form class="card narrow-card grant-end" method="post" action="/api/ui/extend_grant" data-sent>
                <p>{format!("{} by {}: {current}.", grant.role.name(), grant.scope.name)}</p>
                <FlashMessages flash />
                <input type="hidden" name="id" value=grant.id.to_string() />
                <EndChoice entered />
                <TextArea name="reason" label="Reason" value=reason hint="It replaces the reason so far. Both are kept in the audit log." />
                <div class="buttons"><a class="outlined" href=back>"Cancel"</a><button class="primary">"Set the end"</button></div>
            </form>
        }
        .into_any()
    })
}

/// The dialog that ends a grant. It says what else an inherited one takes away.
#[component]
pub fn EndGrantDialog(
    /// The grant.
    grant: Grant,
    /// Number of plants in its scope.
    plants: i64,
    /// The page behind the dialog.
    back: String,
    /// What came of the last submission.
    flash: Flash,
) -> impl IntoView {
    let Grant { id, user, role, scope, .. } = grant;
    let more = match scope.kind {
        ScopeKind::Plant => String::new(),
        _ if plants == 1 => format!(" This access comes with {}, which has no other plant.", scope.name),
        _ => format!(" This access comes with {}: it ends for all of its {plants} plants.", scope.name),
    };
    let (cancel, next) = (back.clone(), back.clone());
    view! {
        <dialog open data-modal=back aria-labelledby="end-grant" class="step">
            <h2 id="end-grant">{format!("End the access of {}?", user.name)}</h2>
            <p>{format!("From the next request on, {} is no longer {} by {}.{more}", user.name, role.name().to_lowercase(), scope.name)}</p>
            <form method="post" action="/api/ui/end_grant" data-sent>
                <FlashMessages flash />
                <input type="hidden" name="id" value=id.to_string() />
                <input type="hidden" name="next" value=next />
                <div class="buttons">
                    <a class="quiet" href=grant_path(id.as_str())>"Extend instead"</a>
                    <a class="outlined" href=cancel>"Cancel"</a>
                    <button class="filled danger">"End access"</button>
                </div>
            </form>
        </dialog>
    }
}
