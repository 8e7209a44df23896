//! The page with the plants that a person sees: by organization and portfolio, with a search and filters that are all in the address.

use leptos::prelude::*;
use leptos_meta::Title;

use crate::{
    foundation::{client::geoip::GeoIp, ids::OrganizationId},
    layout::frame::framed_with,
    permissions::model::OrganizationRole,
    plants::{
        edit::api::NEW_PAGE,
        list::{
            load::{List, OrganizationCard, PortfolioRows, Totals, load_list},
            query::{ListQuery, PAGE, Position, organization_path, portfolio_path},
        },
        model::{Organization, Plant, PlantKind},
        organizations::api::organization_path as management_path,
        view::{kind_icon, place_name, plant_flag, role_name},
    },
    ui::{
        field::FlashMessages,
        form_response::forbid_compression,
        icon::Icon,
        number::{count_of, format_power},
    },
};

/// With at most so many plants, the page needs neither a search nor portfolios.
const FEW_PLANTS: i64 = 7;

/// The page.
#[component]
pub fn PlantsPage() -> impl IntoView {
    let query = ListQuery::of_page();
    if !query.search.is_empty() {
        forbid_compression();
    }
    framed_with(load_list(query.clone()), move |list, flash| {
        view! {
            <Title text="Plants" />
            {crumbs(&list, &query)}
            <div class="head">
                <div><h1>"Plants"</h1>{totals_in_words(list.totals).map(|words| view! { <p>{words}</p> })}</div>
                {list.can_add.then(|| view! {
                    <a class="outlined with-icon" href=NEW_PAGE>{Icon::Plus.draw()}<span>"Add"<span class="wide-only">" plant"</span></span></a>
                })}
            </div>
            <FlashMessages flash />
            {content(list, &query)}
        }
        .into_any()
    })
}

/// What stands below the head: the plants, or why there are none.
fn content(list: List, query: &ListQuery) -> AnyView {
    let without_plants = list.without_plants.into_iter().map(empty_organization).collect_view();
    if list.totals.plants == 0 {
        let nothing = without_plants.is_empty().then(|| view! { <NothingShared email=list.email /> });
        return view! { {nothing}{without_plants} }.into_any();
    }
    let is_short = list.totals.plants <= FEW_PLANTS && *query == ListQuery::default();
    let List { organizations, shown, previous, next, countries, .. } = list;
    let is_empty = shown.is_empty();
    let is_overview = query.is_overview();
    let cards = shown.into_iter().map(|card| organization(card, query, is_short, countries.as_deref())).collect_view();
    let page = |position: Option<_>, name: &'static str, rel: &'static str| {
        position.map(|position| view! { <a class="outlined" rel=rel href=query.at(position).address()>{name}</a> })
    };
    let has_pages = previous.is_some() || next.is_some();
    view! {
        {(!is_short).then(|| tools(query, &organizations))}
        {cards}
        {is_empty.then(|| nothing_found(query))}
        {is_overview.then_some(without_plants)}
        {has_pages.then(|| {
            let label = if is_overview { "Pages of portfolios" } else { "Pages of plants" };
            view! { <nav class="pages" aria-label=label>{page(previous, "Previous", "prev")} {page(next, "Next", "next")}</nav> }
        })}
    }
    .into_any()
}

/// Says how many plants the person sees. `None` without any.
fn totals_in_words(Totals { plants, organizations }: Totals) -> Option<String> {
    let among = if organizations > 1 { format!(" in {organizations} organizations") } else { String::new() };
    (plants > 0).then(|| format!("{}{among}.", count_of(plants, "plant")))
}

/// The way back from the plants of one portfolio.
fn crumbs(list: &List, query: &ListQuery) -> Option<impl IntoView + use<>> {
    query.portfolio.as_ref()?;
    let card = list.shown.first()?;
    let (path, name) = (organization_path(&card.id), card.name.clone());
    Some(view! {
        <nav class="crumbs" aria-label="Breadcrumb"><a href=PAGE>"Plants"</a>{Icon::ChevronRight.draw()}<a href=path>{name}</a></nav>
    })
}

/// The search and the filters: a form that works without a script.
fn tools(query: &ListQuery, organizations: &[(OrganizationId, String)]) -> impl IntoView + use<> {
    let segment = |kind: Option<PlantKind>| {
        let address = ListQuery { kind, ..query.at(Position::Start) }.address();
        let content = match kind {
            Some(kind) => view! { {kind_icon(kind).draw()}{kind.name()} }.into_any(),
            None => "All".into_any(),
        };
        view! { <a href=address aria-current=(kind == query.kind).then_some("true")>{content}</a> }
    };
    let options = organizations.iter().map(|(id, name)| {
        let is_chosen = query.organization.as_ref() == Some(id);
        view! { <option value=id.to_string() selected=is_chosen>{name.clone()}</option> }
    });
    let (options, is_one) = (options.collect_view(), organizations.len() < 2);
    let hidden = |name: &'static str, value: Option<String>| value.map(|value| view! { <input type="hidden" name=name value=value /> });
    view! {
        <form class="tools" role="search" method="get" action=PAGE>
            {hidden("kind", query.kind.map(|kind| kind.key().to_owned()))}
            {hidden("portfolio", query.portfolio.as_ref().map(ToString::to_string))}
            <label class="seek">
                <span class="visually-hidden">"Search plants"</span>
                {Icon::Search.draw()}
                <input type="search" name="search" value=query.search.clone() placeholder="Plant, place or device" />
            </label>
            <div class="segments" role="group" aria-label="Kind">{segment(None)}{PlantKind::ALL.map(|kind| segment(Some(kind)))}</div>
            {(!is_one && query.portfolio.is_none()).then(|| view! {
                <select name="organization" aria-label="Organization"><option value="">"All organizations"</option>{options}</select>
            })}
            <button class="outlined">"Search"</button>
        </form>
    }
}

/// The card of an organization.
fn organization(card: OrganizationCard, query: &ListQuery, is_short: bool, countries: Option<&GeoIp>) -> impl IntoView + use<> {
    let (membership, name) = (card.membership, card.name.clone());
    let summary = if is_short { short_summary(&card) } else { summary(&card) };
    let manage = membership.is_some_and(OrganizationRole::administers).then(|| {
        let (path, label) = (management_path(&card.id), format!("Manage {name}"));
        view! { <a class="outlined" href=path aria-label=label>"Manage"</a> }
    });
    let portfolios = card.shown.into_iter().map(|rows| portfolio(rows, membership, query, is_short, countries)).collect_view();
    view! {
        <section class="card plants" aria-label=name>
            <header>
                <span class="tile small">{Icon::Building.draw()}</span><div><h2>{card.name.clone()}</h2><p>{summary}</p></div>
                {manage}
            </header>
            {portfolios}
        </section>
    }
}

/// The card of an organization without a plant, for those who administer it.
fn empty_organization(organization: Organization) -> impl IntoView {
    let (path, label) = (management_path(&organization.id), format!("Manage {}", organization.name));
    let name = organization.name.clone();
    view! {
        <section class="card plants" aria-label=name>
            <header>
                <span class="tile small">{Icon::Building.draw()}</span>
                <div><h2>{organization.name}</h2><p>"No plant yet. Add a portfolio first, then its plants."</p></div>
                <a class="outlined" href=path aria-label=label>"Manage"</a>
            </header>
        </section>
    }
}

/// Describes all that the person sees in an organization: "7 plants, 2 portfolios. You are an owner."
fn summary(card: &OrganizationCard) -> String {
    let portfolios = i64::try_from(card.portfolios).unwrap_or(i64::MAX);
    let role = match card.membership {
        Some(OrganizationRole::Owner) => " You are an owner.",
        Some(OrganizationRole::Administrator) => " You are an administrator.",
        Some(OrganizationRole::Member) => " You are a member.",
        None => "",
    };
    format!("{}, {}.{role}", count_of(card.plants, "plant"), count_of(portfolios, "portfolio"))
}

/// Describes an organization whose portfolios have no strips of their own: "Portfolio North, 121.6 MW".
fn short_summary(card: &OrganizationCard) -> String {
    let names = match card.shown.as_slice() {
        [only] => only.sums.portfolio_name.clone(),
        [first, second] => format!("{} and {}", first.sums.portfolio_name, second.sums.portfolio_name),
        more => count_of(i64::try_from(more.len()).unwrap_or(i64::MAX), "portfolio"),
    };
    let capacity: f64 = card.shown.iter().filter_map(|rows| rows.sums.capacity_kw).sum();
    let capacity = if capacity > 0.0 { format!(", {}", format_power(capacity)) } else { String::new() };
    format!("{names}{capacity}")
}

/// The strip of a portfolio and its plants.
fn portfolio(
    PortfolioRows { sums, plants }: PortfolioRows,
    membership: Option<OrganizationRole>,
    query: &ListQuery,
    is_short: bool,
    countries: Option<&GeoIp>,
) -> impl IntoView + use<> {
    let shown = i64::try_from(plants.len()).unwrap_or(i64::MAX);
    let is_cut = query.is_overview() && shown < sums.plants;
    // The numbers are those of the whole portfolio, so they stand only above plants that no search or kind has chosen.
    let is_filtered = !query.search.is_empty() || query.kind.is_some();
    let count = (!is_filtered).then(|| view! { <span class="muted">{count_of(sums.plants, "plant")}</span> });
    let capacity = sums.capacity_kw.filter(|_| !is_filtered).map(format_power);
    let all = format!("Show all {} of {}", count_of(sums.plants, "plant"), sums.portfolio_name);
    let list_class = if is_short { "alone-list" } else { "" };
    view! {
        {(!is_short).then(|| view! { <h3><span>{sums.portfolio_name}{count}</span><span class="muted number">{capacity}</span></h3> })}
        <ul class=list_class>{plants.into_iter().map(|plant| row(plant, membership, countries)).collect_view()}</ul>
        {is_cut.then(|| view! { <p class="more"><a href=portfolio_path(&sums.portfolio_id)>{all}</a></p> })}
    }
}

/// The row of a plant. Its link covers the whole row, and is named for the plant alone.
fn row(plant: Plant, membership: Option<OrganizationRole>, countries: Option<&GeoIp>) -> impl IntoView + use<> {
    let role = role_name(&plant.your_roles, membership);
    let flag = plant_flag(&plant);
    let place = match place_name(&plant, countries) {
        Some(place) => view! { <span class="visually-hidden">{plant.kind.name()}", "</span>{flag}{place} }.into_any(),
        None => plant.kind.name().into_any(),
    };
    view! {
        <li>
            <span class="tile small">{kind_icon(plant.kind).draw()}</span>
            <div class="plant-name"><a href=format!("/plants/{}", plant.id)>{plant.name}</a><small>{place}</small></div>
            <span class="size">
                <span class="capacity">{plant.capacity_kw.map(format_power)}</span>
                <span class="count">{count_of(plant.devices, "device")}</span>
            </span>
            <span class="now">
                {plant.remote_access.closed.then(|| view! { <span class="shut">{Icon::Lock.draw()}"Remote access closed"</span> })}
            </span>
            <span class="role">{role.map(|role| view! { <span class="badge plain">{role}</span> })}</span>
            <span class="go" aria-hidden="true"></span>
        </li>
    }
}

/// Shown to a person who sees no plant.
#[component]
fn NothingShared(email: String) -> impl IntoView {
    view! {
        <section class="card empty">
            <span class="tile large">{Icon::SolarPanel.draw()}</span>
            <h2>"No plant is shared with you yet"</h2>
            <p>"Ask the owner of a plant for access: they can grant it to you by your email, "<strong>{email}</strong>"."</p>
        </section>
    }
}

/// Shown if no plant matches.
fn nothing_found(query: &ListQuery) -> impl IntoView + use<> {
    let (words, link, address) = if query.search.is_empty() {
        ("No plant matches these filters.", "Show all plants", PAGE.to_owned())
    } else {
        let cleared = ListQuery { search: String::new(), ..query.at(Position::Start) };
        ("No plant, place or device has that name.", "Clear the search", cleared.address())
    };
    view! { <section class="card empty"><p role="status">{words}</p><p><a href=address>{link}</a></p></section> }
}
