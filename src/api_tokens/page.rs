//! The API Tokens tab, and the pages that create and rotate a token.

use chrono::{DateTime, Utc};
use leptos::prelude::*;
use leptos_meta::Title;

use crate::{
    access::Group,
    api_tokens::{
        api::{TokensTab, open_new, open_rotation, open_tokens},
        model::{ApiToken, LastUse, NEW_TOKEN_PAGE, PAGE, rotation_path},
    },
    layout::{
        frame::framed_with,
        narrow::query_parameter,
        tabs::{Tab, Tabs},
    },
    ui::{
        date::date,
        field::{Field, FlashMessages},
        form_response::Flash,
        icon::{Icon, country_flag},
        time::{ago, ahead, exact},
    },
};

/// Path of the tab with the dialog that confirms revoking all.
const CONFIRM_REVOKE_ALL_PAGE: &str = "/profile?tab=api-tokens&confirm=revoke-all";

/// Lifetimes that the forms offer: months and label.
const LIFETIMES: [(&str, &str); 6] =
    [("1", "1 month"), ("3", "3 months"), ("6", "6 months"), ("12", "1 year"), ("24", "2 years"), ("60", "5 years")];
const GRACE_PERIODS: [(&str, &str); 4] =
    [("0", "Immediately"), ("600", "After 10 minutes"), ("3600", "After 1 hour"), ("86400", "After 24 hours")];

/// The tab.
#[component]
pub fn TokensPage() -> impl IntoView {
    let is_confirming = query_parameter("confirm") == "revoke-all";
    framed_with(open_tokens(), move |tab, flash| {
        let count = tab.tokens.len();
        view! {
            <Title text="API Tokens" />
            <Tabs open=Tab::ApiTokens>
                <FlashMessages flash=flash.clone() />
                <TokensCard tab />
                {flash.secret.map(|secret| view! { <SecretDialog secret /> })}
                {(is_confirming && count > 0).then(|| view! { <RevokeAllDialog count /> })}
            </Tabs>
        }
        .into_any()
    })
}

#[component]
fn TokensCard(tab: TokensTab) -> impl IntoView {
    let TokensTab { tokens, now, time_zone } = tab;
    let summary = match tokens.len() {
        0 => "Scripts and tools can sign in with a token instead of your password.".to_owned(),
        1 => "1 token gives a script access to your account.".to_owned(),
        count => format!("{count} tokens give scripts access to your account."),
    };
    let is_any = !tokens.is_empty();
    let rows = tokens.into_iter().map(|token| view! { <TokenRow token now time_zone=time_zone.clone() /> }).collect_view();
    view! {
        <section class="card tokens" aria-labelledby="api-tokens">
            <header>
                <div><h2 id="api-tokens">"API Tokens"</h2><p>{summary}</p></div>
                <div class="card-actions">
                    {is_any.then(|| view! { <a class="outlined danger" href=CONFIRM_REVOKE_ALL_PAGE>"Revoke All"</a> })}
                    <a class="outlined prominent" href=NEW_TOKEN_PAGE>"New token"</a>
                </div>
            </header>
            <ul>{rows}</ul>
            <footer><p>"What tokens can do: "<a href="/api/docs">"API documentation"</a></p></footer>
        </section>
    }
}

#[component]
fn TokenRow(token: ApiToken, now: DateTime<Utc>, time_zone: String) -> impl IntoView {
    let ApiToken { id, name, group, created_at, expires_at, last_use } = token;
    let (revoke, rotate) = (format!("Revoke {name}"), format!("Rotate {name}"));
    let time =
        move |time: DateTime<Utc>, words: String| view! { <time datetime=time.to_rfc3339() title=exact(time, &time_zone)>{words}</time> };
    view! {
        <li>
            <span class="tile">{Icon::Key.draw()}</span>
            <div class="token">
                <strong>{name}</strong>
                <small><span class="badge plain">{group.name()}</span></small>
                <small>{format!("Created on {}", date(created_at))}</small>
            </div>
            <div class="last-use">{last_used(last_use, now, time.clone())}</div>
            <div class="expiry"><span>"Expires "{time(expires_at, ahead(now, expires_at))}</span><small>{date(expires_at)}</small></div>
            <div class="row-actions">
                <a class="quiet" href=rotation_path(&id.to_string()) aria-label=rotate>"Rotate"</a>
                <form method="post" action="/api/ui/revoke_token" data-sent>
                    <div role="alert" class="failure is-empty"></div>
                    <input type="hidden" name="id" value=id.to_string() />
                    <button class="quiet danger" aria-label=revoke>"Revoke"</button>
                </form>
            </div>
        </li>
    }
}

/// Shows the last use: time, client and location.
fn last_used<V: IntoView + 'static>(last: Option<LastUse>, now: DateTime<Utc>, time: impl Fn(DateTime<Utc>, String) -> V) -> AnyView {
    let Some(LastUse { at, ip, location, country_code, client }) = last else {
        return view! { <span class="never-used">"Never used"</span> }.into_any();
    };
    let flag = country_code.map(|code| country_flag(&code));
    view! {
        <span>"Used "{time(at, ago(now, at))}" by "{client}</span>
        <small>{flag}<span>{location}</span><span class="address">{ip}</span></small>
    }
    .into_any()
}

/// Shows the secret, only once.
#[component]
fn SecretDialog(secret: String) -> impl IntoView {
    view! {
        <dialog open data-modal=PAGE aria-labelledby="new-token" class="step">
            <h2 id="new-token">"Copy your token now"</h2>
            <p>"It is shown only once, because only its hash is stored. Give it only to the script that needs it."</p>
            // It has the focus, so that a hasty Enter does not close a dialog that is shown only once.
            <p class="secret"><code id="token" tabindex="0" autofocus aria-label="Token">{secret}</code></p>
            <div class="buttons">
                <button type="button" class="outlined needs-script" data-copies="token">"Copy"</button>
                <a class="outlined prominent" href=PAGE>"I have copied it"</a>
            </div>
        </dialog>
    }
}

#[component]
fn RevokeAllDialog(count: usize) -> impl IntoView {
    let words = if count == 1 { "1 token will stop working.".to_owned() } else { format!("{count} tokens will stop working.") };
    view! {
        <dialog open data-modal=PAGE aria-labelledby="revoke-all" class="step">
            <h2 id="revoke-all">"Revoke all API tokens?"</h2>
            <p>{words}" Scripts that use them lose access immediately."</p>
            <form method="post" action="/api/ui/revoke_all_tokens" data-sent>
                <div role="alert" class="failure is-empty"></div>
                <div class="buttons">
                    <a class="outlined" href=PAGE>"Cancel"</a>
                    <button class="filled danger">"Revoke All"</button>
                </div>
            </form>
        </dialog>
    }
}

/// The page that creates a token.
#[component]
pub fn NewTokenPage() -> impl IntoView {
    let entered = ["name", "group", "life", "until"].map(|field| (field, query_parameter(field)));
    framed_with(open_new(), |(), mut flash| {
        for (field, value) in entered.into_iter().filter(|(_, value)| !value.is_empty()) {
            flash.typed.entry(field.to_owned()).or_insert(value);
        }
        let chosen = flash.typed("group");
        let groups = Group::ALL.into_iter().map(|group| view! { <GroupChoice group is_chosen=chosen == group.key() /> }).collect_view();
        view! {
            <Title text="New API token" />
            <p class="back"><a href=PAGE>"API Tokens"</a></p>
            <h1>"New API token"</h1>
            <form class="card narrow-card" method="post" action="/api/ui/create_token" data-sent>
                <FlashMessages flash=flash.clone() />
                <Field name="name" label="Name" autocomplete="off" value=flash.typed("name") hint="For example \"Backup of the plant log\"." />
                <fieldset class="choices"><legend>"Permissions"</legend>{groups}</fieldset>
                <ExpiryFields flash initial="12" can_keep=false />
                <div class="buttons">
                    <a class="outlined" href=PAGE>"Cancel"</a>
                    <button class="primary">"Create token"</button>
                </div>
            </form>
        }
        .into_any()
    })
}

#[component]
fn GroupChoice(group: Group, is_chosen: bool) -> impl IntoView {
    let id = format!("group-{}", group.key());
    view! {
        <label class="check">
            <input type="radio" name="group" id=id.clone() value=group.key() required checked=is_chosen aria-describedby=format!("{id}-hint") />
            <span>{group.name()}<small id=format!("{id}-hint")>{group.purpose()}</small></span>
        </label>
    }
}

/// Fields for the expiry of a token. The style sheet hides the date unless the option for it is selected.
#[component]
fn ExpiryFields(flash: Flash, initial: &'static str, can_keep: bool) -> impl IntoView {
    let chosen = if flash.typed.contains_key("life") { flash.typed("life") } else { initial.to_owned() };
    let option = |value: &'static str, words: &'static str| view! { <option value=value selected=value == chosen>{words}</option> };
    view! {
        <div class="field">
            <label for="life">"Expires"</label>
            <select id="life" name="life">
                {can_keep.then(|| option("", "Unchanged"))}
                {LIFETIMES.map(|(months, words)| option(months, words))}
                {option("until", "On a specific date")}
            </select>
        </div>
        <div class="custom-expiry">
            <Field name="until" label="Expires on" autocomplete="off" kind="date" value=flash.typed("until") optional=true
                hint="At the start of that day (UTC), within 5 years." />
        </div>
    }
}

/// The page that rotates a token.
#[component]
pub fn RotatePage() -> impl IntoView {
    framed_with(open_rotation(query_parameter("id")), |token, flash| {
        let graces = GRACE_PERIODS.map(|(seconds, words)| view! { <option value=seconds>{words}</option> });
        view! {
            <Title text="Rotate API token" />
            <p class="back"><a href=PAGE>"API Tokens"</a></p>
            <h1>"Rotate "{token.name}</h1>
            <form class="card narrow-card" method="post" action="/api/ui/rotate_token" data-sent>
                <p>"The token gets a new secret. Update the script that uses it before the old secret stops working."</p>
                <FlashMessages flash=flash.clone() />
                <input type="hidden" name="id" value=token.id.to_string() />
                <div class="field">
                    <label for="grace">"The old secret stops working"</label>
                    <select id="grace" name="grace">{graces}</select>
                </div>
                <ExpiryFields flash initial="" can_keep=true />
                <div class="buttons">
                    <a class="outlined" href=PAGE>"Cancel"</a>
                    <button class="primary">"Rotate"</button>
                </div>
            </form>
        }
        .into_any()
    })
}
