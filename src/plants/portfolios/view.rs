//! The portfolios of an organization, and the dialogs about one of them.

use leptos::prelude::*;

use crate::{
    plants::{
        actions::Contents,
        deletion::{DeletionDialog, sentence},
        model::Portfolio,
        moves::api::merge_path,
        portfolios::{actions::PortfolioSummary, api::portfolio_path},
    },
    ui::{
        field::{Field, FlashMessages},
        form_response::{Flash, with_query},
        icon::Icon,
        number::count_of,
    },
};

/// The list with a form to add one.
#[component]
pub fn Portfolios(
    /// Id of the organization.
    organization: String,
    /// The portfolios, by name.
    portfolios: Vec<PortfolioSummary>,
    /// What was typed before the form was refused.
    flash: Flash,
) -> impl IntoView {
    let row = |summary: PortfolioSummary| view! { <PortfolioRow summary /> };
    let new_plant =
        (!portfolios.is_empty()).then(|| view! { <a class="outlined with-icon" href="/plants/new">{Icon::Plus.draw()}"Add plant"</a> });
    let import = format!("/organizations/{organization}/import");
    view! {
        <section class="card section people" aria-labelledby="portfolios">
            <header>
                <div><h2 id="portfolios">"Portfolios"</h2><p>"Plants that are managed together."</p></div>
                <div class="ways"><a class="outlined with-icon" href=import>{Icon::Upload.draw()}"Import"</a>{new_plant}</div>
            </header>
            <ul>{portfolios.into_iter().map(row).collect_view()}</ul>
            <form class="add" method="post" action="/api/ui/create_portfolio" data-sent aria-label="Add a portfolio">
                <div role="alert" class="failure is-empty"></div>
                <input type="hidden" name="organization" value=organization />
                <Field name="portfolio_name" label="New portfolio" autocomplete="off" value=flash.typed("portfolio_name") />
                <button class="outlined">"Add portfolio"</button>
            </form>
        </section>
    }
}

#[component]
fn PortfolioRow(summary: PortfolioSummary) -> impl IntoView {
    let PortfolioSummary { portfolio, contents } = summary;
    let (organization, id) = (portfolio.organization.as_str(), portfolio.id.as_str());
    let (rename, delete) = (format!("Rename {}", portfolio.name), format!("Delete {}", portfolio.name));
    let size = format!("{}, {}", count_of(contents.plants, "plant"), count_of(contents.devices, "device"));
    view! {
        <li>
            <span class="tile small">{Icon::Layers.draw()}</span>
            <div><strong><a href=with_query("/plants", &[("portfolio", id)])>{portfolio.name.clone()}</a></strong><small>{size}</small></div>
            <div class="row-actions">
                <a class="quiet" href=portfolio_path(organization, "rename", id) aria-label=rename>"Rename"</a>
                <a class="quiet danger" href=portfolio_path(organization, "delete", id) aria-label=delete>"Delete"</a>
            </div>
        </li>
    }
}

/// The dialog that renames a portfolio.
#[component]
pub fn RenamePortfolioDialog(summary: PortfolioSummary, back: String, flash: Flash) -> impl IntoView {
    let Portfolio { id, name, organization } = summary.portfolio;
    let value = if flash.typed.contains_key("name") { flash.typed("name") } else { name.clone() };
    let cancel = back.clone();
    view! {
        <dialog open data-modal=back aria-labelledby="rename-portfolio" class="step">
            <h2 id="rename-portfolio">"Rename "{name}</h2>
            <form method="post" action="/api/ui/rename_portfolio" data-sent>
                <FlashMessages flash />
                <input type="hidden" name="id" value=id.to_string() />
                <input type="hidden" name="organization" value=organization.to_string() />
                <Field name="name" label="New name" autocomplete="off" value=value />
                <div class="buttons"><a class="outlined" href=cancel>"Cancel"</a><button class="primary">"Rename"</button></div>
            </form>
        </dialog>
    }
}

/// The dialog that deletes a portfolio. It leads to the page that moves its plants to another one first.
#[component]
pub fn DeletePortfolioDialog(summary: PortfolioSummary, back: String, flash: Flash) -> impl IntoView {
    let PortfolioSummary { portfolio, contents } = summary;
    let (id, organization) = (portfolio.id.to_string(), portfolio.organization.to_string());
    let sentence = sentence(Contents { portfolios: 1, ..contents }, true);
    let keep = (contents.plants > 0).then(|| view! { <p><a href=merge_path(&id)>"Move its plants to another portfolio instead"</a></p> });
    view! {
        <DeletionDialog name=portfolio.name sentence action="/api/ui/delete_portfolio" id back flash>
            <input type="hidden" name="organization" value=organization />
            {keep}
        </DeletionDialog>
    }
}
