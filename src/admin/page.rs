//! The administrators' page: invitations, requests for access, users.

use leptos::prelude::*;
use leptos_meta::Title;

use crate::{
    accounts::model::Account,
    admin::{
        actions::{MAX_INVITATIONS, MAX_LISTED_USERS, Overview},
        api::open_admin,
        proxy_notice::ProxyNotice,
        store::UserSummary,
    },
    authentication::registration::{invitations::PendingInvitation, store::AccessRequest},
    foundation::ids::UserId,
    layout::{frame::framed_with, narrow::query_parameter},
    plants::{
        model::Organization,
        organizations::api::{NEW_PAGE, organization_path},
    },
    sessions::epoch::Progress,
    ui::{
        date::date,
        field::{Field, FlashMessages},
        form_response::{Flash, forbid_compression},
        number::format_count,
    },
};

/// The page.
#[component]
pub fn AdminPage() -> impl IntoView {
    let search = query_parameter("search");
    if !search.is_empty() {
        forbid_compression();
    }
    framed_with(open_admin(search.clone()), |Overview { requests, invitations, progress, users, own_id, organizations }, flash| {
        view! {
            <Title text="Administration" />
            <h1>"Administration"</h1>
            <ProxyNotice />
            <InvitationForm flash />
            {(!requests.is_empty()).then(|| view! { <Requests requests /> })}
            {(!invitations.is_empty()).then(|| view! { <Invitations invitations /> })}
            <Organizations organizations />
            <Users users own_id search />
            <SignOutEverybody progress />
        }
        .into_any()
    })
}

#[component]
fn InvitationForm(flash: Flash) -> impl IntoView {
    let email = flash.typed("email");
    view! {
        <form class="card narrow-card" method="post" action="/api/ui/invite" data-sent aria-labelledby="invite">
            <h2 id="invite">"Invite someone"</h2>
            <FlashMessages flash />
            <Field name="email" label="Email" autocomplete="off" kind="email" value=email />
            <label class="check"><input type="checkbox" name="is_admin" value="yes" />"As an administrator"</label>
            <div class="buttons"><button class="primary">"Send invitation"</button></div>
        </form>
    }
}

#[component]
fn Requests(requests: Vec<AccessRequest>) -> impl IntoView {
    let row = |AccessRequest { id, email, message, requested_at }: AccessRequest| {
        let (invite, decline) = (format!("Invite {email}"), format!("Decline {email}"));
        view! {
            <li>
                <div><strong>{email}</strong><small>"requested on "{date(requested_at)}</small><p>{message}</p></div>
                <form method="post" action="/api/ui/decide_access_request" data-sent class="row-actions">
                    <div role="alert" class="failure is-empty"></div>
                    <input type="hidden" name="id" value=id.to_string() />
                    <button class="outlined" name="decision" value="decline" aria-label=decline>"Decline"</button>
                    <button class="outlined prominent" name="decision" value="invite" aria-label=invite>"Invite"</button>
                </form>
            </li>
        }
    };
    view! {
        <section class="card account-list" aria-labelledby="requests">
            <h2 id="requests">"Requests for access"</h2>
            <ul>{requests.into_iter().map(row).collect_view()}</ul>
        </section>
    }
}

#[component]
fn Invitations(invitations: Vec<PendingInvitation>) -> impl IntoView {
    let is_cut = i64::try_from(invitations.len()).is_ok_and(|count| count >= MAX_INVITATIONS);
    let row = |PendingInvitation { id, invitation, inviter, sent_at, expires_at }: PendingInvitation| {
        let cancel = format!("Cancel the invitation for {}", invitation.email);
        let inviter = inviter.map_or_else(|| "Not sent from this page".to_owned(), |inviter| format!("Sent by {inviter}"));
        view! {
            <li>
                <div>
                    <strong>{invitation.email}</strong>
                    {invitation.is_admin.then(|| view! { <span class="badge plain">"Administrator"</span> })}
                    <small>{format!("{inviter} on {}, expires on {}", date(sent_at), date(expires_at))}</small>
                </div>
                <form method="post" action="/api/ui/cancel_invitation" data-sent class="row-actions">
                    <div role="alert" class="failure is-empty"></div>
                    <input type="hidden" name="id" value=id.to_string() />
                    <button class="outlined" aria-label=cancel>"Cancel"</button>
                </form>
            </li>
        }
    };
    view! {
        <section class="card account-list" aria-labelledby="invitations">
            <h2 id="invitations">"Invitations"</h2>
            <ul>{invitations.into_iter().map(row).collect_view()}</ul>
            {is_cut.then(|| view! { <p class="hint">{format!("Showing the latest {MAX_INVITATIONS}.")}</p> })}
        </section>
    }
}

/// The organizations. Their pages say who owns them.
#[component]
fn Organizations(organizations: Vec<Organization>) -> impl IntoView {
    let row = |Organization { id, name, .. }: Organization| view! { <li><div><a href=organization_path(&id)>{name}</a></div></li> };
    view! {
        <section class="card account-list" aria-labelledby="organizations">
            <header><h2 id="organizations">"Organizations"</h2><a class="outlined" href=NEW_PAGE>"Add organization"</a></header>
            <ul>{organizations.into_iter().map(row).collect_view()}</ul>
        </section>
    }
}

#[component]
fn Users(users: Vec<UserSummary>, own_id: UserId, search: String) -> impl IntoView {
    let is_cut = i64::try_from(users.len()).is_ok_and(|count| count >= MAX_LISTED_USERS);
    let is_empty = users.is_empty();
    view! {
        <section class="card account-list" aria-labelledby="people">
            <header>
                <h2 id="people">"People"</h2>
                <form method="get" action="/admin" role="search">
                    <input type="search" name="search" value=search aria-label="Search people" placeholder="Name or email" />
                    <button class="outlined">"Search"</button>
                </form>
            </header>
            <ul>{users.into_iter().map(|user| view! { <UserRow is_own=user.account.id == own_id user /> }).collect_view()}</ul>
            {is_empty.then(|| view! { <p class="hint">"No user matches this search."</p> })}
            {is_cut.then(|| view! { <p class="hint">{format!("Showing the first {MAX_LISTED_USERS}. Search to find the others.")}</p> })}
        </section>
    }
}

/// Form that signs everybody out, for when no session can be trusted.
#[component]
fn SignOutEverybody(progress: Progress) -> impl IntoView {
    view! {
        <form class="card narrow-card" method="post" action="/api/ui/sign_everybody_out" data-sent aria-labelledby="everybody">
            <h2 id="everybody">"Sign everybody out"</h2>
            <p>"This immediately ends every session of every account, except the one you are using."</p>
            {describe_progress(&progress).map(|text| view! { <p class="hint">{text}</p> })}
            <div role="alert" class="failure is-empty"></div>
            <label class="check"><input type="checkbox" name="confirmed" value="yes" required />"Yes, sign everybody else out"</label>
            <div class="buttons"><button class="outlined danger">"Sign everybody out"</button></div>
        </form>
    }
}

/// Describes the progress of signing everybody out. `None` if that was never started.
fn describe_progress(progress: &Progress) -> Option<String> {
    let ended = format_count(progress.ended_count);
    match (progress.epoch, progress.completed_at, progress.total_count) {
        (0, ..) => None,
        (_, Some(completed_at), _) => Some(format!("Everybody was signed out on {}: {ended} sessions ended.", date(completed_at))),
        (_, None, Some(total)) => Some(format!("Signing everybody out: {ended} of {} sessions ended.", format_count(total))),
        (_, None, None) => Some("Signing everybody out: older sessions no longer work.".to_owned()),
    }
}

#[component]
fn UserRow(user: UserSummary, is_own: bool) -> impl IntoView {
    let UserSummary { account, is_enabled, sessions } = user;
    let badge = |is_shown: bool, label: &'static str| is_shown.then(|| view! { <span class="badge plain">{label}</span> });
    view! {
        <li>
            <div>
                <strong>{account.username.clone()}</strong>
                {badge(is_own, "You")} {badge(account.is_admin, "Administrator")} {badge(!is_enabled, "Disabled")}
                <small>{account.email.clone()}" · "{sessions}{if sessions == 1 { " session" } else { " sessions" }}</small>
            </div>
            {(!is_own).then(|| view! { <AccountActions account is_enabled /> })}
        </li>
    }
}

/// Buttons for the actions on an account.
#[component]
fn AccountActions(account: Account, is_enabled: bool) -> impl IntoView {
    let button = |value: &'static str, class: &'static str, text: &'static str| {
        let label = format!("{text}: {}", account.username);
        view! { <button class=class name="operation" value=value aria-label=label>{text}</button> }
    };
    view! {
        <form method="post" action="/api/ui/manage_user" data-sent class="row-actions">
            <div role="alert" class="failure is-empty"></div>
            <input type="hidden" name="user" value=account.id.to_string() />
            {button("reset", "outlined", "Reset password")}
            {button("sign_out", "outlined", "Sign out")}
            {if is_enabled { button("disable", "outlined danger", "Disable") } else { button("enable", "outlined", "Enable") }}
        </form>
    }
}
