//! The page of a plant.

use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_params_map;

use crate::{
    layout::{frame::framed_with, narrow::query_parameter},
    permissions::grants::{extend_page::EndGrantDialog, form::Entered, page::GrantDialog},
    plants::{
        edit::api::edit_path,
        list::query::{PAGE, organization_path, portfolio_path},
        model::RemoteAccess,
        plant::{
            api::plant_path,
            close_dialog::close_dialog,
            devices::devices,
            load::{PlantPageData, PlantQuery, load_plant},
            locator::locator,
            reach::reach,
        },
        view::{kind_icon, plant_flag},
    },
    ui::{
        date::{moment, time_of_day},
        field::FlashMessages,
        form_response::Flash,
        icon::Icon,
        number::{format_count, format_power},
    },
};

/// The page. `?tab=devices` and `?tab=access` move the focus to that part.
#[component]
pub fn PlantPage() -> impl IntoView {
    let query = PlantQuery {
        id: use_params_map().with_untracked(|params| params.get("id").unwrap_or_default()),
        all_devices: query_parameter("devices") == "all",
        device_cursor: Some(query_parameter("devices_after")).filter(|cursor| !cursor.is_empty()),
        all_people: query_parameter("people") == "all",
        is_closing: query_parameter("confirm") == "close",
        ending: query_parameter("end"),
        granting: (!query_parameter("grant").is_empty()).then(|| Entered::read(query_parameter)),
    };
    let is_review = !query_parameter("review").is_empty();
    let (is_closing, tab) = (query.is_closing, query_parameter("tab"));
    framed_with(load_plant(query), move |data, flash| match data {
        Some(data) => plant(data, flash, &tab, is_closing, is_review),
        None => view! { <NoPlant /> }.into_any(),
    })
}

/// Shown if there is no such plant, or the person does not see it. Does not say which.
#[component]
fn NoPlant() -> impl IntoView {
    view! {
        <Title text="Plant not found" />
        <section class="card empty">
            <span class="tile large">{Icon::SolarPanel.draw()}</span>
            <h1>"Plant not found"</h1>
            <p>"It does not exist, or nobody has given you access to it. "<a href=PAGE>"Go to your plants"</a></p>
        </section>
    }
}

fn plant(mut data: PlantPageData, mut flash: Flash, tab: &str, is_closing: bool, is_review: bool) -> AnyView {
    let name = data.plant.name.clone();
    let dialog = open_dialog(&mut data, &mut flash, is_closing, is_review);
    view! {
        <Title text=name />
        {crumbs(&data)}
        <FlashMessages flash />
        {head(&data)}
        {dialog}
        <div class="two">
            <div>{devices(&mut data, tab == "devices")}</div>
            {reach(data, tab == "access")}
        </div>
    }
    .into_any()
}

/// Renders the dialog that the address opens, with what a submission of its form left.
fn open_dialog(data: &mut PlantPageData, flash: &mut Flash, is_closing: bool, is_review: bool) -> Option<AnyView> {
    let (back, granting, ending) = (plant_path(&data.plant.id), data.granting.take(), data.ending.take());
    let closes = is_closing && data.may.close && !data.plant.remote_access.closed;
    if !closes && granting.is_none() && ending.is_none() {
        return None;
    }
    let notice = flash.notice.take();
    let own = std::mem::replace(flash, Flash { notice, ..Flash::default() });
    Some(match (granting, ending) {
        (Some(page), _) => view! { <GrantDialog page flash=own back is_review /> }.into_any(),
        (None, Some((grant, plants))) => view! { <EndGrantDialog grant plants back flash=own /> }.into_any(),
        (None, None) => close_dialog(data, own).into_any(),
    })
}

fn crumbs(data: &PlantPageData) -> impl IntoView + use<> {
    let PlantPageData { plant, organization_name, portfolio_name, .. } = data;
    view! {
        <nav class="crumbs" aria-label="Breadcrumb">
            <a href=PAGE>"Plants"</a>{Icon::ChevronRight.draw()}
            <a href=organization_path(&plant.organization)>{organization_name.clone()}</a>{Icon::ChevronRight.draw()}
            <a href=portfolio_path(&plant.portfolio)>{portfolio_name.clone()}</a>
        </nav>
    }
}

/// The first card: what the plant is, where it lies, and whether remote access is open.
fn head(data: &PlantPageData) -> impl IntoView + use<> {
    let PlantPageData { plant, place, role, .. } = data;
    let place_line = place.clone().map(|place| view! { <p>{plant_flag(plant)}{place}</p> });
    let map = plant.latitude.zip(plant.longitude).map(|(latitude, longitude)| {
        let place = place.as_deref().unwrap_or(&plant.name);
        locator(latitude, longitude, place)
    });
    let edit = data.may.edit.then(|| {
        let label = format!("Edit {}", plant.name);
        view! { <a class="outlined" href=edit_path(plant.id.as_str()) aria-label=label>"Edit"</a> }
    });
    let class = if map.is_some() { "card plant-head" } else { "card plant-head no-map" };
    view! {
        <section class=class aria-label="Plant">
            <div>
                <div class="title">
                    <span class="tile large">{kind_icon(plant.kind).draw()}</span>
                    <div>
                        <div class="title-line">
                            <h1>{plant.name.clone()}</h1>
                            {role.map(|role| view! { <span class="badge plain">{role}</span> })}
                        </div>
                        {place_line}
                    </div>
                    {edit}
                </div>
                {traits(data)}
            </div>
            {map}
            {switch(data)}
        </section>
    }
}

fn traits(data: &PlantPageData) -> impl IntoView + use<> {
    let PlantPageData { plant, now, .. } = data;
    let local_time = plant.time_zone.as_deref().map(|zone| time_of_day(*now, zone));
    let facts = [
        ("Kind", Some(plant.kind.name().to_owned())),
        ("Capacity", plant.capacity_kw.map(format_power)),
        ("Local time", local_time),
        ("Devices", Some(format_count(plant.devices))),
    ];
    let facts = facts.into_iter().filter_map(|(name, value)| value.map(|value| view! { <div><dt>{name}</dt><dd>{value}</dd></div> }));
    view! { <dl class="traits">{facts.collect_view()}</dl> }
}

/// The strip that says whether remote access is open, and closes or reopens it.
fn switch(data: &PlantPageData) -> AnyView {
    let PlantPageData { plant, may, .. } = data;
    let id = plant.id.to_string();
    if plant.remote_access.closed {
        let words = closure_in_words(&plant.remote_access, data);
        let reopen = may.administer.then(|| {
            view! {
                <form method="post" action="/api/ui/reopen_remote_access" data-sent>
                    <div role="alert" class="failure is-empty"></div>
                    <input type="hidden" name="plant" value=id />
                    <button class="outlined">"Reopen remote access"</button>
                </form>
            }
        });
        return view! {
            <div class="switch is-shut">
                {Icon::Lock.draw()}<div><p class="state">"Remote access is closed"</p><p>{words}</p></div>{reopen}
            </div>
        }
        .into_any();
    }
    let close = may.close.then(|| {
        view! {
            <form method="get" action=plant_path(&plant.id)>
                <input type="hidden" name="confirm" value="close" />
                <button class="outlined danger">"Close remote access"</button>
            </form>
        }
    });
    view! {
        <div class="switch">
            {Icon::LockOpen.draw()}
            <div><p class="state">"Remote access is open"</p><p class="muted">"Technicians and operators can open its devices."</p></div>
            {close}
        </div>
    }
    .into_any()
}

/// Says who closed remote access, when and why.
fn closure_in_words(access: &RemoteAccess, data: &PlantPageData) -> String {
    let by = access.by.as_ref().map_or_else(|| "Closed from the command line".to_owned(), |by| format!("Closed by {}", by.name));
    let when = access.since.map(|since| format!(" {}", moment(since, &data.time_zone, data.now))).unwrap_or_default();
    let reason = access.reason.as_ref().map(|reason| format!(": “{reason}”")).unwrap_or_default();
    format!("{by}{when}{reason}")
}
