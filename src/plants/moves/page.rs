//! The pages that move a plant, or all plants of a portfolio, to another portfolio. They say whose access changes before they do.

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
        edit::api::edit_path,
        model::Portfolio,
        moves::{
            actions::AccessChange,
            api::{MergePage, Targets, merge_path, move_path, open_merge, open_move},
        },
        organizations::api::organization_path,
        plant::api::plant_path,
    },
    ui::field::{FlashMessages, SelectField},
};

/// What is moved, in words and addresses.
struct Moved {
    id: String,
    /// Path of the page.
    page: String,
    /// Path of the page that leads here.
    back: String,
    /// URL that the form is sent to.
    action: &'static str,
    button: &'static str,
    /// Follows the name of a person who loses a role, and that of the role.
    place: &'static str,
    hint: &'static str,
    /// What happens besides.
    note: &'static str,
}

/// The page that moves a plant.
#[component]
pub fn MovePlantPage() -> impl IntoView {
    framed_with(open_move(id_parameter(), query_parameter("to")), |(plant, targets), flash| {
        let id = plant.id.to_string();
        let moved = Moved {
            page: move_path(&id),
            back: edit_path(&id),
            id: id.clone(),
            action: "/api/ui/move_plant",
            button: "Move the plant",
            place: "here",
            hint: "A plant stays in its organization.",
            note: "",
        };
        view! {
            <Title text=format!("Move {}", plant.name) />
            <Crumbs links=vec![("/plants".to_owned(), "Plants".to_owned()), (plant_path(&id), plant.name.clone())] />
            <h1>"Move "{plant.name}</h1>
            <FlashMessages flash />
            <Step moved targets />
        }
        .into_any()
    })
}

/// The page that moves all plants of a portfolio, and deletes it.
#[component]
pub fn MergePortfolioPage() -> impl IntoView {
    framed_with(open_merge(id_parameter(), query_parameter("to")), |MergePage { portfolio, organization_name, targets }, flash| {
        let id = portfolio.id.to_string();
        let back = organization_path(&portfolio.organization);
        let moved = Moved {
            page: merge_path(&id),
            back: back.clone(),
            id,
            action: "/api/ui/merge_portfolio",
            button: "Move the plants and delete the portfolio",
            place: "of these plants",
            hint: "Plants stay in their organization.",
            note: "Grants on the portfolio end with it. Grants on single plants stay as they are.",
        };
        let title = format!("Move the plants of {}", portfolio.name);
        view! {
            <Title text=title.clone() />
            <Crumbs links=vec![("/plants".to_owned(), "Plants".to_owned()), (back, organization_name)] />
            <h1>{title}</h1>
            <FlashMessages flash />
            <Step moved targets />
        }
        .into_any()
    })
}

fn id_parameter() -> String {
    use_params_map().with_untracked(|params| params.get("id").unwrap_or_default()) // the routes have it
}

/// The choice of the portfolio, or what changes with the chosen one.
#[component]
fn Step(moved: Moved, targets: Targets) -> impl IntoView {
    match targets.preview {
        Some((target, changes)) => view! { <Confirmation moved target changes /> }.into_any(),
        None => view! { <Choice moved portfolios=targets.portfolios /> }.into_any(),
    }
}

#[component]
fn Choice(moved: Moved, portfolios: Vec<Portfolio>) -> impl IntoView {
    let Moved { page, back, hint, .. } = moved;
    if portfolios.is_empty() {
        return view! { <p>"This organization has no other portfolio. "<a href=back>"Back"</a></p> }.into_any();
    }
    let options = portfolios.into_iter().map(|portfolio| (portfolio.id.to_string(), portfolio.name)).collect();
    view! {
        <form class="card narrow-card" method="get" action=page>
            <SelectField name="to" label="New portfolio" options=options hint=hint />
            <div class="buttons"><a class="outlined" href=back>"Cancel"</a><button class="primary">"Show what changes"</button></div>
        </form>
    }
    .into_any()
}

#[component]
fn Confirmation(moved: Moved, target: Portfolio, changes: Vec<AccessChange>) -> impl IntoView {
    let Moved { id, page, action, button, place, note, .. } = moved;
    let summary = match changes.len() {
        0 => "Nobody's access changes.",
        _ => "Access that comes with a portfolio changes:",
    };
    let row = |AccessChange { person, role, gains }: AccessChange| {
        let change = format!("{} {} {place}", if gains { "becomes" } else { "is no longer" }, role.name().to_lowercase());
        view! {
            <li><span class="face" aria-hidden="true">{initials(&person.name)}</span><div>{person.name}<small>{change}</small></div></li>
        }
    };
    let rows = changes.into_iter().map(row).collect::<Vec<_>>();
    view! {
        <form class="card narrow-card" method="post" action=action data-sent>
            <div role="alert" class="failure is-empty"></div>
            <p><strong>"To "{target.name}</strong></p>
            <p>{summary}</p>
            {(!rows.is_empty()).then(|| view! { <ul class="names">{rows}</ul> })}
            {(!note.is_empty()).then(|| view! { <p>{note}</p> })}
            <input type="hidden" name="id" value=id />
            <input type="hidden" name="to" value=target.id.to_string() />
            <div class="buttons"><a class="outlined" href=page>"Back"</a><button class="primary">{button}</button></div>
        </form>
    }
}
