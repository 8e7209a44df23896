//! The administrators' page: invitations, requests, people.

use leptos::prelude::*;
use leptos_meta::Title;

use crate::{
    accounts::model::Account,
    admin::{
        actions::{MAX_INVITATIONS, MOST_PEOPLE, Overview},
        api::open_admin,
        proxy_notice::ProxyNotice,
        store::Person,
    },
    foundation::ids::UserId,
    framed::framed_with,
    registration::{invitations::WaitingInvitation, store::AccessRequest},
    sessions::epoch::Progress,
    ui::{
        date::date,
        door::queried,
        field::{Field, Said},
        plain_form::Flash,
    },
};

/// The page.
#[component]
pub fn AdminPage() -> impl IntoView {
    let search = queried("search");
    framed_with(open_admin(search.clone()), |Overview { requests, invitations, progress, people, own }, flash| {
        view! {
            <Title text="Administration" />
            <h1>"Administration"</h1>
            <ProxyNotice />
            <Invite flash />
            {(!requests.is_empty()).then(|| view! { <Requests requests /> })}
            {(!invitations.is_empty()).then(|| view! { <Invitations invitations /> })}
            <People people own search />
            <Everybody progress />
        }
        .into_any()
    })
}

#[component]
fn Invite(flash: Flash) -> impl IntoView {
    let email = flash.typed("email");
    view! {
        <form class="card narrow-card" method="post" action="/api/ui/invite" data-sent aria-labelledby="invite">
            <h2 id="invite">"Invite somebody"</h2>
            <Said flash />
            <Field name="email" label="Email" autocomplete="off" kind="email" value=email />
            <label class="check"><input type="checkbox" name="is_admin" value="yes" />"As an administrator"</label>
            <div class="buttons"><button class="primary">"Send invitation"</button></div>
        </form>
    }
}

#[component]
fn Requests(requests: Vec<AccessRequest>) -> impl IntoView {
    let row = |AccessRequest { id, email, words, asked_at }: AccessRequest| {
        let (invite, decline) = (format!("Invite {email}"), format!("Decline {email}"));
        view! {
            <li>
                <div><strong>{email}</strong><small>"asked on "{date(asked_at)}</small><p>{words}</p></div>
                <form method="post" action="/api/ui/settle_request" data-sent class="deeds">
                    <div role="alert" class="failure is-empty"></div>
                    <input type="hidden" name="id" value=id.to_string() />
                    <button class="outlined" name="answer" value="decline" aria-label=decline>"Decline"</button>
                    <button class="outlined strong" name="answer" value="invite" aria-label=invite>"Invite"</button>
                </form>
            </li>
        }
    };
    view! {
        <section class="card people" aria-labelledby="requests">
            <h2 id="requests">"Requests for access"</h2>
            <ul>{requests.into_iter().map(row).collect_view()}</ul>
        </section>
    }
}

#[component]
fn Invitations(invitations: Vec<WaitingInvitation>) -> impl IntoView {
    let is_cut = i64::try_from(invitations.len()).is_ok_and(|count| count >= MAX_INVITATIONS);
    let row = |WaitingInvitation { id, invitation, inviter, sent_at, expires_at }: WaitingInvitation| {
        let cancel = format!("Cancel the invitation for {}", invitation.email);
        let inviter = inviter.map_or_else(|| "Not sent from this page".to_owned(), |inviter| format!("Sent by {inviter}"));
        view! {
            <li>
                <div>
                    <strong>{invitation.email}</strong>
                    {invitation.is_admin.then(|| view! { <span class="badge plain">"Administrator"</span> })}
                    <small>{format!("{inviter} on {}, expires on {}", date(sent_at), date(expires_at))}</small>
                </div>
                <form method="post" action="/api/ui/cancel_invitation" data-sent class="deeds">
                    <div role="alert" class="failure is-empty"></div>
                    <input type="hidden" name="id" value=id.to_string() />
                    <button class="outlined" aria-label=cancel>"Cancel"</button>
                </form>
            </li>
        }
    };
    view! {
        <section class="card people" aria-labelledby="invitations">
            <h2 id="invitations">"Invitations"</h2>
            <ul>{invitations.into_iter().map(row).collect_view()}</ul>
            {is_cut.then(|| view! { <p class="hint">{format!("These are the latest {MAX_INVITATIONS}.")}</p> })}
        </section>
    }
}

#[component]
fn People(people: Vec<Person>, own: UserId, search: String) -> impl IntoView {
    let is_cut = i64::try_from(people.len()).is_ok_and(|count| count >= MOST_PEOPLE);
    let is_empty = people.is_empty();
    view! {
        <section class="card people" aria-labelledby="people">
            <header>
                <h2 id="people">"People"</h2>
                <form method="get" action="/admin" role="search">
                    <input type="search" name="search" value=search aria-label="Search people" placeholder="Name or email" />
                    <button class="outlined">"Search"</button>
                </form>
            </header>
            <ul>{people.into_iter().map(|person| view! { <Row is_own=person.account.id == own person /> }).collect_view()}</ul>
            {is_empty.then(|| view! { <p class="hint">"Nobody has such a name or address."</p> })}
            {is_cut.then(|| view! { <p class="hint">{format!("These are the first {MOST_PEOPLE}. Search for the others.")}</p> })}
        </section>
    }
}

/// For the day on which nobody's session can be trusted.
#[component]
fn Everybody(progress: Progress) -> impl IntoView {
    view! {
        <form class="card narrow-card" method="post" action="/api/ui/revoke_everybody" data-sent aria-labelledby="everybody">
            <h2 id="everybody">"Sign everybody out"</h2>
            <p>"Every session of every account ends at once, but for the one that you are using."</p>
            {in_words(&progress).map(|words| view! { <p class="hint">{words}</p> })}
            <div role="alert" class="failure is-empty"></div>
            <label class="check"><input type="checkbox" name="sure" value="yes" required />"Yes, sign everybody else out"</label>
            <div class="buttons"><button class="outlined danger">"Sign everybody out"</button></div>
        </form>
    }
}

/// How far signing everybody out has come. `None` if nobody ever did.
fn in_words(progress: &Progress) -> Option<String> {
    let ended = grouped(progress.ended);
    match (progress.epoch, progress.completed_at, progress.total) {
        (0, ..) => None,
        (_, Some(completed_at), _) => Some(format!("Everybody was signed out on {}: {ended} sessions ended.", date(completed_at))),
        (_, None, Some(total)) => Some(format!("Signing everybody out: {ended} of {} sessions ended.", grouped(total))),
        (_, None, None) => Some("Signing everybody out: older sessions no longer work.".to_owned()),
    }
}

/// A count with its thousands apart: "12,000".
fn grouped(count: i64) -> String {
    let digits = count.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[component]
fn Row(person: Person, is_own: bool) -> impl IntoView {
    let Person { account, is_enabled, sessions } = person;
    let badge = |is_worn: bool, words: &'static str| is_worn.then(|| view! { <span class="badge plain">{words}</span> });
    view! {
        <li>
            <div>
                <strong>{account.username.clone()}</strong>
                {badge(is_own, "You")} {badge(account.is_admin, "Administrator")} {badge(!is_enabled, "Disabled")}
                <small>{account.email.clone()}" · "{sessions}{if sessions == 1 { " session" } else { " sessions" }}</small>
            </div>
            {(!is_own).then(|| view! { <Deeds account is_enabled /> })}
        </li>
    }
}

/// What can be done to an account.
#[component]
fn Deeds(account: Account, is_enabled: bool) -> impl IntoView {
    let deed = |value: &'static str, class: &'static str, words: &'static str| {
        let label = format!("{words}: {}", account.username);
        view! { <button class=class name="deed" value=value aria-label=label>{words}</button> }
    };
    view! {
        <form method="post" action="/api/ui/administer" data-sent class="deeds">
            <div role="alert" class="failure is-empty"></div>
            <input type="hidden" name="user" value=account.id.to_string() />
            {deed("reset", "outlined", "Reset password")}
            {deed("sign_out", "outlined", "Sign out")}
            {if is_enabled { deed("disable", "outlined danger", "Disable") } else { deed("enable", "outlined", "Enable") }}
        </form>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_stand_apart() {
        assert_eq!([0, 999, 1_000, 12_000, 1_234_567].map(grouped), ["0", "999", "1,000", "12,000", "1,234,567"]);
    }
}
