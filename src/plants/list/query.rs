//! The address of the page: search, filters, and the position in the list.

use serde::Serialize;

use crate::{
    foundation::ids::{OrganizationId, PlantId, PortfolioId},
    layout::narrow::query_parameter,
    plants::model::PlantKind,
    ui::form_response::with_query,
};

/// Path of the page.
pub const PAGE: &str = "/plants";

/// What the page shows. All of it is in the address.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct ListQuery {
    /// Plants whose name, place, device or host contains this text.
    pub search: String,
    /// Plants of this kind.
    pub kind: Option<PlantKind>,
    /// Plants of this organization.
    pub organization: Option<OrganizationId>,
    /// All plants of this portfolio.
    pub portfolio: Option<PortfolioId>,
    /// Where the page begins or ends.
    pub position: Position,
}

/// A position in the list.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub enum Position {
    /// The first page.
    #[default]
    Start,
    /// Plants after this one.
    After(PlantId),
    /// Plants before this one.
    Before(PlantId),
    /// Portfolios from this one on, in the overview.
    From(PortfolioId),
}

impl ListQuery {
    /// Reads the query of the page's address. What is invalid in it is ignored.
    pub fn of_page() -> Self {
        let position = if let Some(plant) = PlantId::parse(&query_parameter("after")) {
            Position::After(plant)
        } else if let Some(plant) = PlantId::parse(&query_parameter("before")) {
            Position::Before(plant)
        } else {
            PortfolioId::parse(&query_parameter("from")).map_or(Position::Start, Position::From)
        };
        Self {
            search: query_parameter("search").trim().to_owned(),
            kind: PlantKind::parse(&query_parameter("kind")),
            organization: OrganizationId::parse(&query_parameter("organization")),
            portfolio: PortfolioId::parse(&query_parameter("portfolio")),
            position,
        }
    }

    /// Returns whether the page shows an overview: the first plants of each portfolio. Otherwise it shows all that match, page by page.
    pub fn is_overview(&self) -> bool {
        self.search.is_empty() && self.kind.is_none() && self.portfolio.is_none()
    }

    /// Returns the address of this page.
    pub fn address(&self) -> String {
        let (position_name, position) = match &self.position {
            Position::Start => ("", ""),
            Position::After(plant) => ("after", plant.as_str()),
            Position::Before(plant) => ("before", plant.as_str()),
            Position::From(portfolio) => ("from", portfolio.as_str()),
        };
        let fields = [
            ("search", self.search.as_str()),
            ("kind", self.kind.map_or("", PlantKind::key)),
            ("organization", self.organization.as_ref().map_or("", OrganizationId::as_str)),
            ("portfolio", self.portfolio.as_ref().map_or("", PortfolioId::as_str)),
            (position_name, position),
        ];
        let set: Vec<_> = fields.into_iter().filter(|(_, value)| !value.is_empty()).collect();
        if set.is_empty() { PAGE.to_owned() } else { with_query(PAGE, &set) }
    }

    /// Returns the same search and filters at another position.
    pub fn at(&self, position: Position) -> Self {
        Self { position, ..self.clone() }
    }
}

/// Returns the address of the overview of an organization.
pub fn organization_path(organization: &OrganizationId) -> String {
    ListQuery { organization: Some(organization.clone()), ..ListQuery::default() }.address()
}

/// Returns the address of all plants of a portfolio.
pub fn portfolio_path(portfolio: &PortfolioId) -> String {
    ListQuery { portfolio: Some(portfolio.clone()), ..ListQuery::default() }.address()
}
