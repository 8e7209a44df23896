//! The page that moves a plant to another portfolio. It says whose access changes before it does.

use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_params_map;

use crate::{
    layout::{
        crumbs::Crumbs,
        frame::{framed_with, initials},
        narrow::query_parameter,
    },
    plants::{
        actions::AccessChange,
        edit::api::{MovePage, edit_path, move_path, open_move},
        model::Portfolio,
        plant::api::plant_path,
    },
    ui::field::{FlashMessages, SelectField},
};

/// The page.
#[component]
pub fn MovePlantPage() -> impl IntoView {
    let id = use_params_map().with_untracked(|params| params.get("id").unwrap_or_default()); // the route has it
    framed_with(open_move(id, query_parameter("to")), |MovePage { plant, portfolios, preview }, flash| {
        let id = plant.id.to_string();
        let step = match preview {
            Some((target, changes)) => view! { <Confirmation id=id.clone() target changes /> }.into_any(),
            None => view! { <Choice id=id.clone() portfolios /> }.into_any(),
        };
        view! {
            <Title text=format!("Move {}", plant.name) />
            <Crumbs links=vec![("/plants".to_owned(), "Plants".to_owned()), (plant_path(&id), plant.name.clone())] />
            <h1>"Move "{plant.name.clone()}</h1>
            <FlashMessages flash />
            {step}
        }
        .into_any()
    })
}

#[component]
fn Choice(id: String, portfolios: Vec<Portfolio>) -> impl IntoView {
    if portfolios.is_empty() {
        return view! { <p>"This organization has no other portfolio. "<a href=edit_path(&id)>"Back"</a></p> }.into_any();
    }
    let options = portfolios.into_iter().map(|portfolio| (portfolio.id.to_string(), portfolio.name)).collect();
    view! {
        <form class="card narrow-card" method="get" action=move_path(&id)>
            <SelectField name="to" label="New portfolio" options=options hint="A plant stays in its organization." />
            <div class="buttons"><a class="outlined" href=edit_path(&id)>"Cancel"</a><button class="primary">"Show what changes"</button></div>
        </form>
    }
    .into_any()
}

#[component]
fn Confirmation(id: String, target: Portfolio, changes: Vec<AccessChange>) -> impl IntoView {
    let summary = match changes.len() {
        0 => "Nobody's access changes.".to_owned(),
        _ => "Access that comes with a portfolio changes:".to_owned(),
    };
    let row = |AccessChange { person, role, gains }: AccessChange| {
        let verb = if gains { "becomes" } else { "is no longer" };
        view! {
            <li><span class="face" aria-hidden="true">{initials(&person.name)}</span><div>{person.name}<small>{verb}" "{role.name().to_lowercase()}" here"</small></div></li>
        }
    };
    let rows = changes.into_iter().map(row).collect::<Vec<_>>();
    view! {
        <form class="card narrow-card" method="post" action="/api/ui/move_plant" data-sent>
            <div role="alert" class="failure is-empty"></div>
            <p><strong>"To "{target.name}</strong></p>
            <p>{summary}</p>
            {(!rows.is_empty()).then(|| view! { <ul class="names">{rows}</ul> })}
            <input type="hidden" name="id" value=id.clone() />
            <input type="hidden" name="to" value=target.id.to_string() />
            <div class="buttons"><a class="outlined" href=move_path(&id)>"Back"</a><button class="primary">"Move the plant"</button></div>
        </form>
    }
}
