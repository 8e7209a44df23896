//! The pages that create and edit a plant.

use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_params_map;

use crate::{
    error::AppError,
    layout::{crumbs::Crumbs, frame::framed_with, narrow::query_parameter},
    plants::{
        deletion::{DeletionDialog, sentence},
        edit::{
            api::{EditPage, edit_path, open_edit, open_new},
            form::Entered,
        },
        import::api::import_path,
        model::{Organization, PlantKind},
        moves::api::move_path,
        plant::api::plant_path,
        portfolios::actions::EditablePortfolio,
    },
    ui::{
        date::time_zones,
        field::{Field, FlashMessages, SelectField},
        form_response::{Flash, with_query},
        icon::Icon,
    },
};

/// Organizations that the page links to the import of.
const MAX_IMPORT_LINKS: usize = 3;

/// The page that creates a plant.
#[component]
pub fn NewPlantPage() -> impl IntoView {
    let portfolio = query_parameter("portfolio");
    framed_with(open_new(), |page, flash| {
        let chosen = if flash.typed.contains_key("portfolio") { flash.typed("portfolio") } else { portfolio };
        let suggested = Entered { time_zone: page.account.time_zone, kind: PlantKind::Solar.key().to_owned(), ..Entered::default() };
        let entered = Entered::from_flash(&flash).unwrap_or(suggested);
        view! {
            <Title text="Add a plant" />
            <Crumbs links=vec![("/plants".to_owned(), "Plants".to_owned())] />
            <h1>"Add a plant"</h1>
            <div class="form-page">
                <form class="card narrow-card" method="post" action="/api/ui/create_plant" data-sent>
                    <FlashMessages flash />
                    <SelectField name="portfolio" label="Portfolio" options=portfolio_options(page.portfolios) value=chosen />
                    <PlantFields entered countries=page.countries current=None />
                    <div class="buttons"><a class="outlined" href="/plants">"Cancel"</a><button class="primary">"Add plant"</button></div>
                </form>
                <WhatHappens administered=page.administered />
            </div>
        }
        .into_any()
    })
}

fn portfolio_options(portfolios: Vec<EditablePortfolio>) -> Vec<(String, String)> {
    let option = |EditablePortfolio { portfolio, organization_name }: EditablePortfolio| {
        (portfolio.id.to_string(), format!("{organization_name}: {}", portfolio.name))
    };
    portfolios.into_iter().map(option).collect()
}

/// The words beside the form. Those who administer organizations can import a file into each.
#[component]
fn WhatHappens(administered: Vec<Organization>) -> impl IntoView {
    let import = |Organization { id, name, .. }: Organization| {
        view! { <p>"Many plants? "<a href=import_path(id.as_str())>"Import a file into "{name}</a></p> }
    };
    view! {
        <div class="aside">
            <h2>"What happens then"</h2>
            <ul>
                <li>{Icon::Users.draw()}<span>"People with access to the portfolio reach it too"<small>"Grants flow down. Nobody else sees the plant."</small></span></li>
                <li>{Icon::Cpu.draw()}<span>"You add its devices"<small>"Each has a host name of its own."</small></span></li>
                <li>{Icon::Pin.draw()}<span>"Coordinates show it on a map"<small>"They are optional, and seen by those who see the plant."</small></span></li>
            </ul>
            {administered.into_iter().take(MAX_IMPORT_LINKS).map(import).collect_view()}
        </div>
    }
}

/// The fields of a plant. `current` is the saved state, if it differs from what was entered because somebody else saved it.
#[component]
fn PlantFields(entered: Entered, countries: Vec<(String, String)>, current: Option<Entered>) -> impl IntoView {
    let kinds = PlantKind::ALL.map(|kind| (kind.key().to_owned(), kind.name().to_owned())).to_vec();
    let zones = unset().chain(time_zones().map(|zone| (zone.to_owned(), zone.replace('_', " ")))).collect();
    let countries = unset().chain(countries).collect();
    view! {
        {current.map(|current| view! { <Differences entered=entered.clone() current /> })}
        <Field name="name" label="Name" autocomplete="off" value=entered.name />
        <SelectField name="kind" label="Kind" options=kinds value=entered.kind />
        <Field name="place" label="Town or region" autocomplete="off" value=entered.place optional=true />
        <SelectField name="country_code" label="Country" options=countries value=entered.country_code />
        <div class="pair">
            <Field name="latitude" label="Latitude" autocomplete="off" value=entered.latitude inputmode="decimal" optional=true hint="Degrees north, such as 54.63." />
            <Field name="longitude" label="Longitude" autocomplete="off" value=entered.longitude inputmode="decimal" optional=true hint="Degrees east, such as 9.35." />
        </div>
        <div class="pair">
            <Field name="capacity_kw" label="Capacity in kW" autocomplete="off" value=entered.capacity_kw inputmode="decimal" optional=true />
            <SelectField name="time_zone" label="Time zone" options=zones value=entered.time_zone />
        </div>
    }
}

fn unset() -> impl Iterator<Item = (String, String)> {
    std::iter::once((String::new(), "Not set".to_owned()))
}

/// What somebody else saved since the form was loaded.
#[component]
fn Differences(entered: Entered, current: Entered) -> impl IntoView {
    let pairs = entered.fields().into_iter().zip(current.fields()).filter(|((_, entered), (_, saved))| entered != saved);
    let row = |((field, _), (_, saved)): ((&'static str, &str), (_, &str))| {
        let saved = if saved.is_empty() { "not set" } else { saved }.to_owned();
        view! { <li>{label(field)}" is saved as "<strong>{saved}</strong></li> }
    };
    let rows = pairs.map(row).collect_view();
    view! { <div class="notice warning"><p>"The saved plant differs from your entries:"</p><ul>{rows}</ul></div> }
}

fn label(field: &str) -> &'static str {
    match field {
        "name" => "Name",
        "kind" => "Kind",
        "place" => "Town or region",
        "country_code" => "Country",
        "latitude" => "Latitude",
        "longitude" => "Longitude",
        "capacity_kw" => "Capacity in kW",
        _ => "Time zone",
    }
}

/// The page that edits a plant.
#[component]
pub fn EditPlantPage() -> impl IntoView {
    let id = use_params_map().with_untracked(|params| params.get("id").unwrap_or_default()); // the route has it
    let is_deleting = query_parameter("confirm") == "delete";
    framed_with(open_edit(id), move |EditPage { plant, contents, countries }, mut flash| {
        let id = plant.id.to_string();
        let saved = Entered::from(&plant);
        let entered = Entered::from_flash(&flash);
        let is_outdated = flash.failure == Some(AppError::Outdated);
        let current = entered.as_ref().filter(|entered| is_outdated && **entered != saved).map(|_| saved.clone());
        let opens_dialog = is_deleting && contents.is_some();
        let dialog_flash = if opens_dialog { std::mem::take(&mut flash) } else { Flash::default() };
        let dialog = contents.filter(|_| is_deleting).map(|contents| {
            let (name, sentence, back) = (plant.name.clone(), sentence(contents, false), edit_path(&id));
            view! { <DeletionDialog name sentence action="/api/ui/delete_plant" id=id.clone() back flash=dialog_flash /> }
        });
        view! {
            <Title text=format!("Edit {}", plant.name) />
            <Crumbs links=vec![("/plants".to_owned(), "Plants".to_owned()), (plant_path(&id), plant.name.clone())] />
            <h1>"Edit "{plant.name.clone()}</h1>
            <div class="form-page">
                <form class="card narrow-card" method="post" action="/api/ui/edit_plant" data-sent>
                    <FlashMessages flash />
                    <input type="hidden" name="id" value=id.clone() />
                    <input type="hidden" name="version" value=plant.version.to_string() />
                    <PlantFields entered=entered.unwrap_or(saved) countries current />
                    <div class="buttons"><a class="outlined" href=plant_path(&id)>"Cancel"</a><button class="primary">"Save"</button></div>
                </form>
                {contents.map(|_| view! { <Administration id=id.clone() /> })}
            </div>
            {dialog}
        }
        .into_any()
    })
}

/// What only those who administer the organization may do.
#[component]
fn Administration(id: String) -> impl IntoView {
    view! {
        <div class="aside">
            <h2>"More"</h2>
            <ul>
                <li>{Icon::Layers.draw()}<span><a href=move_path(&id)>"Move to another portfolio"</a><small>"You see whose access changes first."</small></span></li>
                <li>{Icon::Trash.draw()}<span><a href=with_query(&edit_path(&id), &[("confirm", "delete")])>"Delete this plant"</a><small>"Its devices and grants go with it."</small></span></li>
            </ul>
        </div>
    }
}
