//! The search box with its chips, the menu that writes qualifiers, and the menu of exports.

use leptos::prelude::*;

use crate::{
    audit::{
        log::{
            export::Format,
            page::address::{self, Chip, ListAddress, PAGE},
        },
        query::{Qualifier, Query},
    },
    ui::{form_response::with_query, icon::Icon},
};

/// Periods of the menu.
const PERIODS: [&str; 4] = ["last 24 hours", "last 7 days", "last 30 days", "all"];

/// Renders the search box. It is a form that works without a script: it sends the chips and what was typed.
pub fn search_box(address: &ListAddress, query: Option<&Query>) -> impl IntoView + use<> {
    let chips = query.map(address::chips).unwrap_or_default();
    let (hidden, words) = match query {
        Some(query) => address::divide(query),
        None => (String::new(), address.text.clone()), // a mistake is corrected where it was made
    };
    let written = address.write.map(|qualifier| format!("{}:", qualifier.key()));
    let value = [words, written.clone().unwrap_or_default()].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ");
    view! {
        <form class="query" role="search" method="get" action=PAGE>
            {Icon::Search.draw()}
            <div>
                {chips.into_iter().map(chip).collect_view()}
                {(!hidden.is_empty()).then(|| view! { <input type="hidden" name="q" value=hidden /> })}
                <input type="search" name="q" value=value aria-label="Search the audit log" placeholder="Search, or actor: plant: …"
                    autocapitalize="none" spellcheck="false" autofocus=written.is_some() />
            </div>
            {query.map(filters)}
        </form>
    }
}

fn chip(Chip { key, value, without }: Chip) -> impl IntoView {
    let label = format!("Remove {key} {value}");
    view! {
        <span class="chip">
            <span><span class="key">{key}</span>{value}</span>
            <a href=without aria-label=label>{Icon::Close.draw()}</a>
        </span>
    }
}

/// Renders the menu that lists the qualifiers in words and writes them.
fn filters(query: &Query) -> impl IntoView + use<> {
    let link = |qualifier: Qualifier| {
        let address = address::write(query, qualifier);
        view! { <a href=address>{qualifier.label()}<small>{qualifier.description()}</small></a> }
    };
    let period = |period: &'static str| {
        let words = if period == "all" { "All times".to_owned() } else { period.replacen("last", "Last", 1) };
        view! { <a href=address::in_period(query, period)>{words}</a> }
    };
    let refused = query.with(Qualifier::Outcome, "refused").map_or_else(|_| PAGE.to_owned(), |query| address::search(&query.to_string()));
    view! {
        <button type="button" class="outlined with-icon filters-button" popovertarget="filters-menu" aria-label="Filters">
            {Icon::ListFilter.draw()}<span class="words">"Filters"</span>
        </button>
        <div id="filters-menu" class="drop-menu" popover="auto">
            {PERIODS.map(period)}
            <a href=refused>"What was refused"</a>
            <hr />
            {Qualifier::ALL.into_iter().filter(|qualifier| *qualifier != Qualifier::Outcome).map(link).collect_view()}
        </div>
    }
}

/// Renders the menu of exports of what is filtered.
pub fn export_menu(query: &Query) -> impl IntoView + use<> {
    let text = query.to_string();
    let link = |format: Format| {
        let address = with_query("/api/v1/audit", &[("q", text.as_str()), ("format", format.key())]);
        view! { <a href=address download="">{format.name()}<small>{format.purpose()}</small></a> }
    };
    view! {
        <button type="button" class="outlined with-icon export-button" popovertarget="export-menu">{Icon::Download.draw()}"Export"</button>
        <div id="export-menu" class="drop-menu" popover="auto">{Format::ALL.map(link)}</div>
    }
}
