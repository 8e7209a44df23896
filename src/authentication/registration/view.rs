//! The pending invitations on the page of an organization.

use chrono::{DateTime, Utc};
use leptos::prelude::*;

use crate::{
    authentication::registration::granted::AccessInvitation,
    permissions::grants::emails::place_name,
    ui::{date::day, icon::Icon},
};

/// The list.
#[component]
pub fn AccessInvitations(
    /// Id of the organization.
    organization: String,
    /// The invitations, newest first.
    invitations: Vec<AccessInvitation>,
    /// Path of the next page of the list. `None` on the last page.
    next: Option<String>,
    /// The user's time zone.
    zone: String,
    /// The current time.
    now: DateTime<Utc>,
) -> impl IntoView {
    let row = |invitation: AccessInvitation| {
        let AccessInvitation { id, email, role, scope, invited_by, expires_at, .. } = invitation;
        let by = invited_by.map(|name| format!(" by {name}")).unwrap_or_default(); // the command line
        let label = format!("Cancel invitation for {email}");
        view! {
            <li>
                <span class="tile small">{Icon::Mail.draw()}</span>
                <div>
                    <strong>{email}</strong>
                    <small>{format!("{}, {}", role.name(), place_name(scope.kind, &scope.name))}</small>
                    <small>{format!("Invited{by}, expires on {}", day(expires_at, &zone, now))}</small>
                </div>
                <form method="post" action="/api/ui/cancel_access_invitation" data-sent class="row-actions">
                    <div role="alert" class="failure is-empty"></div>
                    <input type="hidden" name="organization" value=organization.clone() />
                    <input type="hidden" name="id" value=id.to_string() />
                    <button class="quiet danger" aria-label=label>"Cancel invitation"</button>
                </form>
            </li>
        }
    };
    view! {
        <section class="card section people" aria-labelledby="invitations">
            <header><div><h2 id="invitations">"Invitations"</h2><p>"People without an account. Their access comes with it."</p></div></header>
            <ul>{invitations.into_iter().map(row).collect_view()}</ul>
            {next.map(|next| view! { <p class="more"><a href=next rel="next">"Next invitations"</a></p> })}
        </section>
    }
}
