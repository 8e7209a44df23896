//! Loads what the page with plants shows.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use crate::{
    error::AppError,
    foundation::{
        client::geoip::GeoIp,
        db::ReadConnection,
        ids::{OrganizationId, PortfolioId, UserId},
    },
    permissions::model::OrganizationRole,
    plants::{
        list::{
            query::{ListQuery, Position},
            store::{self, PortfolioSums, Side},
        },
        model::{Organization, Plant},
        organizations::actions as organizations_of,
        portfolios::actions as portfolios,
        visible::Filter,
    },
    sessions::caller::current_session,
};

/// Plants on a page of matches.
const PAGE_SIZE: usize = 50;
/// Portfolios on a page of the overview.
const PORTFOLIOS_PER_PAGE: usize = 25;
/// In the overview, a portfolio with more plants than this shows only the first [`FEW`].
const WHOLE: i64 = 5;
const FEW: i64 = 3;

/// What the page shows.
pub struct List {
    /// Address of the person, to be granted access by.
    pub email: String,
    /// Whether the person may add a plant somewhere.
    pub can_add: bool,
    /// Organizations that the person administers and that have no plant yet.
    pub without_plants: Vec<Organization>,
    /// The numbers of everything that the person sees.
    pub totals: Totals,
    /// Organizations to choose from.
    pub organizations: Vec<(OrganizationId, String)>,
    /// The organizations of this page.
    pub shown: Vec<OrganizationCard>,
    /// Where the pages beside this one begin or end.
    pub previous: Option<Position>,
    /// See `previous`.
    pub next: Option<Position>,
    /// Names of countries.
    pub countries: Option<Arc<GeoIp>>,
}

/// Numbers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Totals {
    /// Number of plants.
    pub plants: i64,
    /// Number of organizations.
    pub organizations: usize,
}

/// An organization, with the portfolios that the page shows.
pub struct OrganizationCard {
    /// Id of the organization.
    pub id: OrganizationId,
    /// Name of the organization.
    pub name: String,
    /// The person's role in it.
    pub membership: Option<OrganizationRole>,
    /// Number of plants that the person sees in it.
    pub plants: i64,
    /// Number of portfolios that the person sees in it.
    pub portfolios: usize,
    /// The portfolios on this page.
    pub shown: Vec<PortfolioRows>,
}

/// A portfolio, with the plants that the page shows.
pub struct PortfolioRows {
    /// The portfolio, with the sums of all its plants.
    pub sums: PortfolioSums,
    /// The plants on this page.
    pub plants: Vec<Plant>,
}

/// A page of the list.
struct Page {
    plants: Vec<Plant>,
    previous: Option<Position>,
    next: Option<Position>,
}

/// Loads the page.
pub async fn load_list(query: ListQuery) -> Result<List, AppError> {
    let (services, caller) = current_session()?;
    let (user, now) = (&caller.account.id, services.clock.now());
    let mut db = services.db.read().await?;
    let sums = store::sum_portfolios(&mut db, user, now).await?;
    let page = if query.is_overview() {
        load_overview(&mut db, user, &query, &sums, now).await?
    } else {
        load_matches(&mut db, user, &query, now).await?
    };
    let mut organizations: Vec<_> = sums.iter().map(|sums| (sums.organization_id.clone(), sums.organization_name.clone())).collect();
    organizations.dedup();
    drop(db);
    let can_add = !portfolios::editable(&services, &caller).await?.is_empty();
    let administered = organizations_of::administered(&services, &caller).await?.into_iter();
    let without_plants = administered.filter(|administered| organizations.iter().all(|(id, _)| *id != administered.id)).collect();
    Ok(List {
        can_add,
        without_plants,
        email: caller.account.email.clone(),
        totals: Totals { plants: sums.iter().map(|sums| sums.plants).sum(), organizations: organizations.len() },
        organizations,
        shown: group(page.plants, &sums),
        previous: page.previous,
        next: page.next,
        countries: services.geoip.get().await,
    })
}

/// Loads the first plants of each portfolio.
async fn load_overview(
    db: &mut ReadConnection,
    user: &UserId,
    query: &ListQuery,
    sums: &[PortfolioSums],
    now: DateTime<Utc>,
) -> Result<Page, AppError> {
    let is_wanted = |sums: &&PortfolioSums| query.organization.as_ref().is_none_or(|organization| sums.organization_id == *organization);
    let portfolios: Vec<&PortfolioId> = sums.iter().filter(is_wanted).map(|sums| &sums.portfolio_id).collect();
    let start = match &query.position {
        Position::From(from) => portfolios.iter().position(|portfolio| *portfolio == from).unwrap_or_default(), // gone: the first page
        _ => 0,
    };
    let end = portfolios.len().min(start + PORTFOLIOS_PER_PAGE);
    let (Some(first), Some(last)) = (portfolios.get(start), portfolios[..end].last()) else {
        return Ok(Page { plants: Vec::new(), previous: None, next: None });
    };
    let at = |index: usize| portfolios.get(index).map(|portfolio| Position::From((*portfolio).clone()));
    Ok(Page {
        plants: store::list_first(db, user, (first, last), (WHOLE, FEW), now).await?,
        previous: (start > 0).then(|| at(start.saturating_sub(PORTFOLIOS_PER_PAGE))).flatten(),
        next: at(end),
    })
}

/// Loads a page of the plants that match the search and the filters.
async fn load_matches(db: &mut ReadConnection, user: &UserId, query: &ListQuery, now: DateTime<Utc>) -> Result<Page, AppError> {
    let filter = Filter {
        organization: query.organization.clone(),
        portfolio: query.portfolio.clone(),
        plant: None,
        kind: query.kind,
        search: Some(query.search.clone()),
    };
    let place = match &query.position {
        Position::After(plant) => store::find_names(db, user, plant, now).await?.map(|names| (Side::After, names)),
        Position::Before(plant) => store::find_names(db, user, plant, now).await?.map(|names| (Side::Before, names)),
        Position::Start | Position::From(_) => None,
    };
    let side = place.as_ref().map(|(side, _)| *side);
    let mut plants = store::list_matches(db, user, &filter, place, PAGE_SIZE as i64 + 1, now).await?;
    let is_cut = plants.len() > PAGE_SIZE;
    if is_cut && side == Some(Side::Before) {
        plants.remove(0);
    }
    plants.truncate(PAGE_SIZE);
    let (has_previous, has_next) = if side == Some(Side::Before) { (is_cut, true) } else { (side.is_some(), is_cut) };
    Ok(Page {
        previous: plants.first().filter(|_| has_previous).map(|plant| Position::Before(plant.id.clone())),
        next: plants.last().filter(|_| has_next).map(|plant| Position::After(plant.id.clone())),
        plants,
    })
}

/// Groups plants, which are in the order of the list, by organization and portfolio.
fn group(plants: Vec<Plant>, sums: &[PortfolioSums]) -> Vec<OrganizationCard> {
    let mut cards: Vec<OrganizationCard> = Vec::new();
    for plant in plants {
        // Granted between the two queries: the next page load shows it.
        let Some(sums_of_portfolio) = sums.iter().find(|sums| sums.portfolio_id == plant.portfolio) else { continue };
        if cards.last().is_none_or(|card| card.id != plant.organization) {
            cards.push(organization_card(sums_of_portfolio, sums));
        }
        let Some(card) = cards.last_mut() else { continue };
        match card.shown.last_mut() {
            Some(rows) if rows.sums.portfolio_id == plant.portfolio => rows.plants.push(plant),
            _ => card.shown.push(PortfolioRows { sums: sums_of_portfolio.clone(), plants: vec![plant] }),
        }
    }
    cards
}

fn organization_card(of: &PortfolioSums, sums: &[PortfolioSums]) -> OrganizationCard {
    let own = || sums.iter().filter(|sums| sums.organization_id == of.organization_id);
    OrganizationCard {
        id: of.organization_id.clone(),
        name: of.organization_name.clone(),
        membership: of.membership,
        plants: own().map(|sums| sums.plants).sum(),
        portfolios: own().count(),
        shown: Vec::new(),
    }
}
