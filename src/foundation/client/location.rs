//! Locations, as the GeoIP database describes an address.

use serde::{Deserialize, Serialize};

/// What is known about the location of an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// The address is not on a public network.
    PrivateNetwork,
    /// The location is not known.
    Unknown,
    /// The country is known, and perhaps the city.
    Known {
        /// The city, if it is known.
        city: Option<String>,
        /// Name of the country.
        country: String,
        /// ISO 3166-1 alpha-2 code of the country.
        country_code: String,
    },
}

/// An approximate location.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(sqlx::FromRow))]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct Location {
    /// Display name, for example "London, United Kingdom", "Germany", "Private network" or "Unknown location".
    #[cfg_attr(feature = "ssr", sqlx(rename = "location_label"))]
    pub label: String,
    /// Name of the city.
    pub city: Option<String>,
    /// Name of the country.
    pub country: Option<String>,
    /// ISO 3166-1 alpha-2 code of the country.
    pub country_code: Option<String>,
}

impl Location {
    /// Describes a place.
    pub fn from_place(place: Place) -> Self {
        let alone = |label: &str| Self { label: label.to_owned(), city: None, country: None, country_code: None };
        match place {
            Place::PrivateNetwork => alone("Private network"),
            Place::Unknown => alone("Unknown location"),
            Place::Known { city, country, country_code } => {
                let label = city.iter().chain([&country]).cloned().collect::<Vec<_>>().join(", ");
                Self { label, city, country: Some(country), country_code: Some(country_code) }
            }
        }
    }

    /// Returns the shortest name: the city if it is known, otherwise the whole label.
    pub fn short(&self) -> &str {
        self.city.as_deref().unwrap_or(&self.label)
    }
}
