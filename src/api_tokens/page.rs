//! The API Tokens tab, and the pages that make a token and rotate one.

use chrono::{DateTime, Utc};
use leptos::prelude::*;
use leptos_meta::Title;

use crate::{
    access::Group,
    api_tokens::{
        api::{Opened, open_new, open_rotation, open_tokens},
        model::{ApiToken, LastUse, NEW, PAGE, rotation_path},
    },
    framed::framed_with,
    tabs::{Tab, Tabs},
    ui::{
        date::date,
        door::queried,
        field::{Field, Said},
        icon::{Icon, country_flag},
        plain_form::Flash,
        time::{ago, ahead, exact},
    },
};

/// The tab, asking before it revokes all.
const ASK: &str = "/profile?tab=api-tokens&confirm=revoke-all";

/// What the form of a new token offers: so many months, in words.
const LIVES: [(&str, &str); 6] =
    [("1", "1 month"), ("3", "3 months"), ("6", "6 months"), ("12", "1 year"), ("24", "2 years"), ("60", "5 years")];
const GRACES: [(&str, &str); 4] = [("0", "At once"), ("600", "After 10 minutes"), ("3600", "After 1 hour"), ("86400", "After 24 hours")];

/// The tab.
#[component]
pub fn TokensPage() -> impl IntoView {
    let asks = queried("confirm") == "revoke-all";
    framed_with(open_tokens(), move |opened, flash| {
        let count = opened.tokens.len();
        view! {
            <Title text="API Tokens" />
            <Tabs open=Tab::ApiTokens>
                <Said flash=flash.clone() />
                <Card opened />
                {flash.secret.map(|secret| view! { <Shown secret /> })}
                {(asks && count > 0).then(|| view! { <RevokeAll count /> })}
            </Tabs>
        }
        .into_any()
    })
}

#[component]
fn Card(opened: Opened) -> impl IntoView {
    let Opened { tokens, now, time_zone } = opened;
    let summary = match tokens.len() {
        0 => "Scripts and tools sign in with a token, so that your password stays yours.".to_owned(),
        1 => "1 token opens your account to a script.".to_owned(),
        count => format!("{count} tokens open your account to scripts."),
    };
    let is_any = !tokens.is_empty();
    let rows = tokens.into_iter().map(|token| view! { <Row token now time_zone=time_zone.clone() /> }).collect_view();
    view! {
        <section class="card tokens" aria-labelledby="api-tokens">
            <header>
                <div><h2 id="api-tokens">"API Tokens"</h2><p>{summary}</p></div>
                <div class="ways">
                    {is_any.then(|| view! { <a class="outlined danger" href=ASK>"Revoke All"</a> })}
                    <a class="outlined strong" href=NEW>"New token"</a>
                </div>
            </header>
            <ul>{rows}</ul>
            <footer><p>"What tokens can do: "<a href="/api/docs">"The API"</a></p></footer>
        </section>
    }
}

#[component]
fn Row(token: ApiToken, now: DateTime<Utc>, time_zone: String) -> impl IntoView {
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
                <small>{format!("Made on {}", date(created_at))}</small>
            </div>
            <div class="use">{last_used(last_use, now, time.clone())}</div>
            <div class="end"><span>"Expires "{time(expires_at, ahead(now, expires_at))}</span><small>{date(expires_at)}</small></div>
            <div class="deeds">
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

/// When, by what, from where.
fn last_used<V: IntoView + 'static>(last: Option<LastUse>, now: DateTime<Utc>, time: impl Fn(DateTime<Utc>, String) -> V) -> AnyView {
    let Some(LastUse { at, ip, location, country_code, client }) = last else {
        return view! { <span class="never">"Never used"</span> }.into_any();
    };
    let flag = country_code.map(|code| country_flag(&code));
    view! {
        <span>"Used "{time(at, ago(now, at))}" by "{client}</span>
        <small>{flag}<span>{location}</span><span class="address">{ip}</span></small>
    }
    .into_any()
}

/// The secret, this once.
#[component]
fn Shown(secret: String) -> impl IntoView {
    view! {
        <dialog open data-modal=PAGE aria-labelledby="new-token" class="step">
            <h2 id="new-token">"Copy your token now"</h2>
            <p>"It is shown this once: only its fingerprint is kept. Give it to the script that needs it, and to nobody else."</p>
            // It has the focus: a hasty Enter must not close what is shown once.
            <p class="secret"><code id="token" tabindex="0" autofocus aria-label="Token">{secret}</code></p>
            <div class="buttons">
                <button type="button" class="outlined needs-script" data-copies="token">"Copy"</button>
                <a class="outlined strong" href=PAGE>"I have copied it"</a>
            </div>
        </dialog>
    }
}

#[component]
fn RevokeAll(count: usize) -> impl IntoView {
    let words = if count == 1 { "1 token will stop working.".to_owned() } else { format!("{count} tokens will stop working.") };
    view! {
        <dialog open data-modal=PAGE aria-labelledby="revoke-all" class="step">
            <h2 id="revoke-all">"Revoke all API tokens?"</h2>
            <p>{words}" Scripts that use them are refused at once."</p>
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

/// The page that makes a token.
#[component]
pub fn NewTokenPage() -> impl IntoView {
    let asked = ["name", "group", "life", "until"].map(|field| (field, queried(field)));
    framed_with(open_new(), |(), mut flash| {
        for (field, value) in asked.into_iter().filter(|(_, value)| !value.is_empty()) {
            flash.typed.entry(field.to_owned()).or_insert(value);
        }
        let chosen = flash.typed("group");
        let groups = Group::ALL.into_iter().map(|group| view! { <Choice group is_chosen=chosen == group.key() /> }).collect_view();
        view! {
            <Title text="New API token" />
            <p class="back"><a href=PAGE>"API Tokens"</a></p>
            <h1>"New API token"</h1>
            <form class="card narrow-card" method="post" action="/api/ui/create_token" data-sent>
                <Said flash=flash.clone() />
                <Field name="name" label="Name" autocomplete="off" value=flash.typed("name") hint="What it is for: \"Backup of the plant log\"." />
                <fieldset class="choices"><legend>"What it may do"</legend>{groups}</fieldset>
                <Life flash usual="12" kept=false />
                <div class="buttons">
                    <a class="outlined" href=PAGE>"Cancel"</a>
                    <button class="primary">"Make token"</button>
                </div>
            </form>
        }
        .into_any()
    })
}

#[component]
fn Choice(group: Group, is_chosen: bool) -> impl IntoView {
    let id = format!("group-{}", group.key());
    view! {
        <label class="check">
            <input type="radio" name="group" id=id.clone() value=group.key() required checked=is_chosen aria-describedby=format!("{id}-hint") />
            <span>{group.name()}<small id=format!("{id}-hint")>{group.purpose()}</small></span>
        </label>
    }
}

/// When a token is to end. The day is asked for where it is chosen; the style sheet hides it elsewhere.
#[component]
fn Life(flash: Flash, usual: &'static str, kept: bool) -> impl IntoView {
    let chosen = if flash.typed.contains_key("life") { flash.typed("life") } else { usual.to_owned() };
    let option = |value: &'static str, words: &'static str| view! { <option value=value selected=value == chosen>{words}</option> };
    view! {
        <div class="field">
            <label for="life">"Expires"</label>
            <select id="life" name="life">
                {kept.then(|| option("", "As before"))}
                {LIVES.map(|(months, words)| option(months, words))}
                {option("until", "On a day of my choice")}
            </select>
        </div>
        <div class="until">
            <Field name="until" label="Expires on" autocomplete="off" kind="date" value=flash.typed("until") optional=true
                hint="At the beginning of that day, UTC; within 5 years." />
        </div>
    }
}

/// The page that rotates a token.
#[component]
pub fn RotatePage() -> impl IntoView {
    framed_with(open_rotation(queried("id")), |token, flash| {
        let graces = GRACES.map(|(seconds, words)| view! { <option value=seconds>{words}</option> });
        view! {
            <Title text="Rotate an API token" />
            <p class="back"><a href=PAGE>"API Tokens"</a></p>
            <h1>"Rotate "{token.name}</h1>
            <form class="card narrow-card" method="post" action="/api/ui/rotate_token" data-sent>
                <p>"It is given a new secret. Put that into the script that uses it before the old one ends."</p>
                <Said flash=flash.clone() />
                <input type="hidden" name="id" value=token.id.to_string() />
                <div class="field">
                    <label for="grace">"The old secret ends"</label>
                    <select id="grace" name="grace">{graces}</select>
                </div>
                <Life flash usual="" kept=true />
                <div class="buttons">
                    <a class="outlined" href=PAGE>"Cancel"</a>
                    <button class="primary">"Rotate"</button>
                </div>
            </form>
        }
        .into_any()
    })
}
