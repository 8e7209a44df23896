//! The page that grants access: who, as what, where, until when and why, beside a card that says what that means.

use chrono::{DateTime, Utc};
use leptos::prelude::*;
use leptos_meta::Title;

use crate::{
    layout::{
        crumbs::Crumbs,
        frame::{framed_with, initials},
        narrow::query_parameter,
    },
    permissions::{
        decide::Action,
        grants::{
            api::{Found, GrantPageData, Picked, PreviewData, open_grant},
            form::{ENDS, Entered, PAGE, back_path, key},
            preview::{ScopeChoice, split_actions},
        },
        model::{Role, ScopeKind},
    },
    ui::{
        date::last_day,
        field::{FlashMessages, TextArea},
        form_response::{Flash, forbid_compression},
        icon::Icon,
        number::count_of,
    },
};

/// The page.
#[component]
pub fn GrantPage() -> impl IntoView {
    let entered = Entered::read(query_parameter);
    let is_review = !query_parameter("review").is_empty();
    if !entered.person.is_empty() {
        forbid_compression();
    }
    framed_with(open_grant(entered), move |page, flash| {
        let back = page.entered.opened_for().map(|scope| back_path(&scope)).unwrap_or_default(); // checked when the data was loaded
        view! {
            <Title text="Grant access" />
            <Crumbs links=vec![("/plants".to_owned(), "Plants".to_owned()), (back.clone(), opened_for_name(&page))] />
            <h1>"Grant access"</h1>
            <GrantForm page flash back is_review />
        }
        .into_any()
    })
}

fn opened_for_name(page: &GrantPageData) -> String {
    let opened_for = page.scopes.iter().find(|choice| key(choice.scope.kind, &choice.scope.id) == page.entered.at);
    opened_for.map(|choice| choice.scope.name.clone()).unwrap_or_default() // always among the choices
}

/// The dialog on the page of a plant.
#[component]
pub fn GrantDialog(
    /// The data.
    page: GrantPageData,
    /// What came of the last submission.
    flash: Flash,
    /// The page behind the dialog.
    back: String,
    /// Whether this is the last step without a script.
    is_review: bool,
) -> impl IntoView {
    let modal = back.clone();
    view! {
        <dialog open data-modal=modal class="step wide" aria-labelledby="grant-access">
            <h2 id="grant-access">"Grant access"</h2>
            <GrantForm page flash back is_review />
        </dialog>
    }
}

/// The form with the card beside it. On the page and in the dialog of a plant.
#[component]
pub fn GrantForm(
    /// The data.
    page: GrantPageData,
    /// What came of the last submission.
    flash: Flash,
    /// Where "Cancel" leads.
    back: String,
    /// Whether this is the last step without a script, which shows what changes.
    is_review: bool,
) -> impl IntoView {
    let GrantPageData { mut entered, scopes, picked, found, unknown_email, preview, now } = page;
    if !flash.typed.is_empty() {
        entered = Entered::read(|field| flash.typed(field));
    }
    match picked {
        None => view! { <PersonStep entered found unknown_email flash back /> }.into_any(),
        Some(picked) => view! { <TermsStep entered scopes picked preview flash back is_review now /> }.into_any(),
    }
}

/// The first step: to find the person.
#[component]
fn PersonStep(entered: Entered, found: Option<Vec<Found>>, unknown_email: Option<String>, flash: Flash, back: String) -> impl IntoView {
    let with_user = |user: &str| Entered { user: user.to_owned(), person: String::new(), ..entered.clone() }.address();
    let (path, is_dialog) = (entered.path(), entered.path() != PAGE);
    let is_nobody = found.as_ref().is_some_and(Vec::is_empty);
    let person = |Found { person, chosen_by }: Found| {
        let address = with_user(&chosen_by);
        view! {
            <li><a href=address><span class="face" aria-hidden="true">{initials(&person.name)}</span><span>{person.name}<small>{person.username}</small></span></a></li>
        }
    };
    let hidden = entered.fields().into_iter().filter(|(field, value)| *field != "person" && !value.is_empty());
    let hidden = hidden.map(|(field, value)| view! { <input type="hidden" name=field value=value.to_owned() /> }).collect_view();
    view! {
        <div class="form-page">
            <form class="card narrow-card" method="get" action=path role="search">
                <FlashMessages flash />
                {is_dialog.then(|| view! { <input type="hidden" name="grant" value="new" /> })}
                {hidden}
                <div class="field">
                    <label for="person">"Person"</label>
                    <div class="find">
                        <input id="person" name="person" type="search" value=entered.person.clone() required autofocus aria-describedby="person-hint" autocomplete="off" />
                        <button class="outlined">"Find"</button>
                    </div>
                    <p class="hint" id="person-hint">"Part of a name for people of the organization. For others, the exact username or email address."</p>
                </div>
                {found.filter(|found| !found.is_empty()).map(|found| view! { <ul class="found">{found.into_iter().map(person).collect_view()}</ul> })}
                {unknown_email.as_ref().map(|email| view! {
                    <p>"Nobody has an account with this address. "<a href=with_user(email)>"Invite "{email.clone()}</a>" instead: the access comes with the account."</p>
                })}
                {(is_nobody && unknown_email.is_none()).then(|| view! {
                    <p role="status">"Nobody was found. Check the spelling, or enter an email address to invite somebody."</p>
                })}
                <div class="buttons"><a class="outlined" href=back>"Cancel"</a></div>
            </form>
            <div class="aside">
                <h2>"Who can get access"</h2>
                <ul>
                    <li>{Icon::Users.draw()}<span>"People of the organization"<small>"Those who have a role or access here already."</small></span></li>
                    <li>{Icon::UserPlus.draw()}<span>"Anybody with an account"<small>"By exact username or email address. Looking somebody up is on record."</small></span></li>
                    <li>{Icon::Mail.draw()}<span>"Anybody else"<small>"An email address without an account is invited."</small></span></li>
                </ul>
            </div>
        </div>
    }
}

/// The second step: role, scope, end and reason.
#[component]
fn TermsStep(
    entered: Entered,
    scopes: Vec<ScopeChoice>,
    picked: Picked,
    preview: Option<PreviewData>,
    flash: Flash,
    back: String,
    is_review: bool,
    now: DateTime<Utc>,
) -> impl IntoView {
    let (path, is_dialog) = (entered.path(), entered.path() != PAGE);
    let change = Entered { user: String::new(), ..entered.clone() }.address();
    let name = picked.first_name().to_owned();
    let is_ready = is_review && preview.as_ref().is_some_and(|data| data.preview.problem.is_none());
    view! {
        <div class="form-page grant">
            <form class="card" method="post" action="/api/ui/grant_access" data-sent data-preview="/api/ui/preview_grant">
                <FlashMessages flash />
                {is_dialog.then(|| view! { <input type="hidden" name="grant" value="new" /> })}
                <input type="hidden" name="at" value=entered.at.clone() />
                <input type="hidden" name="dialog" value=entered.dialog.clone() />
                <input type="hidden" name="user" value=entered.user.clone() />
                <PickedPerson picked=picked.clone() change />
                <VendorChoice name=name.clone() entered=entered.clone() vendor=known_vendor(&picked) />
                <RoleChoice chosen=entered.role() is_vendor=known_vendor(&picked).is_some() || entered.vendor().is_some() now />
                <ScopeChoices scopes chosen=chosen_scope(&entered) />
                <EndChoice entered=entered.clone() />
                <TextArea name="reason" label="Reason" value=entered.reason.clone() hint="It is shown with the access and kept in the audit log." />
                <div class="buttons">
                    <a class="outlined" href=back>"Cancel"</a>
                    // Without a script, the page shows what changes before the last step.
                    <button class="outlined without-script" formmethod="get" formaction=path name="review" value="yes">"Show what changes"</button>
                    <button class="primary" class:needs-script=!is_ready>"Grant access"</button>
                </div>
            </form>
            <aside id="preview" class="card preview" aria-live="polite" aria-label="What changes"><PreviewContent preview /></aside>
        </div>
    }
}

fn known_vendor(picked: &Picked) -> Option<String> {
    if let Picked::Account { vendor, .. } = picked { vendor.clone() } else { None }
}

fn chosen_scope(entered: &Entered) -> String {
    if entered.scope.is_empty() { entered.at.clone() } else { entered.scope.clone() }
}

#[component]
fn PickedPerson(picked: Picked, change: String) -> impl IntoView {
    let (name, detail) = match picked {
        Picked::Account { account, .. } => (account.name, account.username),
        Picked::Stranger(username) => (username, "Gets access if there is an enabled account with this name".to_owned()),
        Picked::Invitation(email) => (email, "Will be invited if there is no account with this address".to_owned()),
    };
    view! {
        <div class="field">
            <strong>"Person"</strong>
            <div class="picked">
                <span class="face" aria-hidden="true">{initials(&name)}</span>
                <div>{name}<small>{detail}</small></div>
                // An error about the person moves the focus here.
                <a class="quiet" href=change id="user">"Change"</a>
            </div>
        </div>
    }
}

/// The vendor. Somebody who works for one in this organization already cannot have another.
#[component]
fn VendorChoice(name: String, entered: Entered, vendor: Option<String>) -> impl IntoView {
    const HINT: &str = "A vendor's access is marked everywhere, must have an end, and can be ended at once. It neither edits plants nor \
        closes remote access, of whatever role, and this applies to other access that the person has here too.";
    match vendor {
        Some(vendor) => view! {
            <div class="field">
                <p><strong>{name}" works for "{vendor.clone()}</strong></p>
                <input type="checkbox" name="is_vendor" value="yes" checked hidden />
                <input type="hidden" name="vendor" value=vendor />
                <p class="hint">{HINT}</p>
            </div>
        }
        .into_any(),
        None => view! {
            <div class="field">
                <label class="check"><input type="checkbox" name="is_vendor" value="yes" checked=!entered.is_vendor.is_empty() /><span>{name}" works for a vendor"</span></label>
                <div class="vendor-name field">
                    <input id="vendor" name="vendor" aria-label="Vendor" value=entered.vendor autocomplete="organization" />
                    <p class="hint">{HINT}</p>
                </div>
            </div>
        }
        .into_any(),
    }
}

#[component]
fn RoleChoice(chosen: Option<Role>, is_vendor: bool, now: DateTime<Utc>) -> impl IntoView {
    const COLUMNS: [Action; 4] = [Action::See, Action::Open, Action::Edit, Action::ReadAuditLog];
    let tick = |is_allowed: bool| match is_allowed {
        true => view! { <span class="can">{Icon::Check.draw()}<span class="visually-hidden">"yes"</span></span> }.into_any(),
        false => view! { <span class="can no">"–"<span class="visually-hidden">"no"</span></span> }.into_any(),
    };
    let row = |role: Role| {
        let (allowed, _) = split_actions(role, is_vendor, now);
        view! {
            <label>
                <input type="radio" name="role" id=format!("role-{}", role.key()) value=role.key() required checked=chosen == Some(role) />
                <span>{role.name()}<small>{role.purpose()}</small></span>
                {COLUMNS.map(|action| tick(allowed.contains(&action)))}
            </label>
        }
    };
    view! {
        <fieldset class="fieldset">
            <legend id="role" tabindex="-1">"Role"</legend>
            <div class="roles">
                <div class="cols" aria-hidden="true"><span>"What the person may do"</span><span>"See"</span><span>"Open devices"</span><span>"Manage"</span><span>"Read log"</span></div>
                {Role::ALL.map(row)}
            </div>
        </fieldset>
    }
}

#[component]
fn ScopeChoices(scopes: Vec<ScopeChoice>, chosen: String) -> impl IntoView {
    let choice = |ScopeChoice { scope, count: contents }: ScopeChoice| {
        let (value, depth) = (key(scope.kind, &scope.id), scope.kind as u8);
        let devices = count_of(contents.devices, "device");
        let size = match scope.kind {
            ScopeKind::Plant => devices,
            ScopeKind::Organization | ScopeKind::Portfolio => format!("{}, {devices}", count_of(contents.plants, "plant")),
        };
        let is_chosen = value == chosen;
        view! {
            <label class=format!("scope in-{depth}")>
                <input type="radio" name="scope" value=value required checked=is_chosen />
                {scope_icon(scope.kind).draw()}<span>{scope.name}</span><span class="muted number">{size}</span>
            </label>
        }
    };
    view! {
        <fieldset class="fieldset"><legend id="scope" tabindex="-1">"Where"</legend><div class="choices boxed">{scopes.into_iter().map(choice).collect_view()}</div></fieldset>
    }
}

/// Returns the icon of a kind of scope.
pub fn scope_icon(kind: ScopeKind) -> Icon {
    match kind {
        ScopeKind::Organization => Icon::Building,
        ScopeKind::Portfolio => Icon::Layers,
        ScopeKind::Plant => Icon::Pin,
    }
}

/// The end: after some days, on a chosen day, or never.
#[component]
pub fn EndChoice(
    /// What was entered.
    entered: Entered,
) -> impl IntoView {
    let chosen = entered.end().to_owned();
    let option = |(value, text): (&'static str, &'static str)| {
        view! { <label class:no-end=value == "none"><input type="radio" name="until" value=value required checked=value == chosen />{text}</label> }
    };
    view! {
        <fieldset class="fieldset">
            <legend id="until" tabindex="-1">"Until"</legend>
            <div class="presets">{ENDS.map(option)}<input type="date" id="day" name="day" value=entered.day aria-label="Last day" /></div>
            <p class="hint">"A chosen day ends at midnight in your time zone. An email goes out 3 days before the end."</p>
        </fieldset>
    }
}

/// What the grant would mean, in words.
#[component]
pub fn PreviewContent(
    /// What it would mean. `None` while the form is incomplete.
    preview: Option<PreviewData>,
) -> impl IntoView {
    let Some(PreviewData { preview, role, name, expires_at, time_zone, now }) = preview else {
        return view! { <header><small>"What changes"</small><p>"Choose a role to see what it means."</p></header> }.into_any();
    };
    let opens = preview.included.contains(&Action::Open);
    let plants = count_of(preview.count.plants, "plant");
    let reach = if opens { format!("{} of {plants}", count_of(preview.count.devices, "device")) } else { plants };
    let verb = if opens { "open" } else { "see" };
    let until = match expires_at {
        Some(end) => format!("until {}", last_day(end, &time_zone, now)),
        None => "with no end".to_owned(),
    };
    let more = preview.count.plants - preview.first_plants.len() as i64;
    let plant = |(_, name, devices): (_, String, i64)| {
        view! { <li>{Icon::Pin.draw()}<span>{name}</span><span class="muted">{count_of(devices, "device")}</span></li> }
    };
    let later = (preview.scope.kind != ScopeKind::Plant).then(
        || view! { <li>{Icon::Layers.draw()}<span>"Plants that come to "{preview.scope.name.clone()}" later are included."</span></li> },
    );
    let not_included = not_included(&preview.not_included)
        .map(|words| view! { <li>{Icon::Ban.draw()}<span>{format!("Not included: {words}.")}</span></li> });
    let narrowed = (!preview.narrowed.is_empty()).then(|| {
        let places = preview.narrowed.join(", ");
        let words =
            format!("As a vendor's person, {name} will no longer edit plants or close remote access by other access here: {places}.");
        view! { <li>{Icon::Ban.draw()}<span>{words}</span></li> }
    });
    let owners = match preview.owners {
        0 => format!("{name} gets an email."),
        owners => format!("{name} and the {} get an email.", count_of(owners as i64, "owner")),
    };
    view! {
        <header>
            <small>"What changes"</small>
            {preview.problem.map(|problem| view! { <p class="failure">{problem.to_string()}</p> })}
            <p>{name}" will be able to "{verb}" "<strong class="whole">{reach}</strong>" as "{role.name().to_lowercase()}", "<span class="whole">{until}</span>"."</p>
        </header>
        <ul>
            {preview.first_plants.into_iter().map(plant).collect_view()}
            {(more > 0).then(|| view! { <li><span></span><span class="muted">{format!("and {more} more")}</span></li> })}
        </ul>
        <ul>{later}{not_included}{narrowed}<li>{Icon::Mail.draw()}<span>{owners}</span></li></ul>
    }
    .into_any()
}

/// Names the actions that a role does not allow. `None` if it allows all.
fn not_included(actions: &[Action]) -> Option<String> {
    let words: Vec<_> = actions
        .iter()
        .filter_map(|action| match action {
            Action::Open => Some("to open devices"),
            Action::Edit => Some("to manage plants"),
            Action::ReadAuditLog => Some("to read their log"),
            _ => None,
        })
        .collect();
    let (last, first) = words.split_last()?;
    Some(if first.is_empty() { (*last).to_owned() } else { format!("{} and {last}", first.join(", ")) })
}
