//! A location, in words: what the GeoIP database says of the address.

use serde::{Deserialize, Serialize};

/// What is known of an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// It is on no public network.
    PrivateNetwork,
    /// Nothing.
    Unknown,
    /// City and country, or country alone.
    Known {
        /// The city, where it is known.
        city: Option<String>,
        /// The country's name.
        country: String,
        /// ISO 3166-1, two capitals.
        country_code: String,
    },
}

/// One location.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(sqlx::FromRow))]
#[cfg_attr(feature = "ssr", derive(utoipa::ToSchema))]
pub struct Location {
    /// "London, United Kingdom", "Germany", "Private network" or "Unknown location".
    #[cfg_attr(feature = "ssr", sqlx(rename = "location_label"))]
    pub label: String,
    /// The city's name.
    pub city: Option<String>,
    /// The country's name.
    pub country: Option<String>,
    /// ISO 3166-1, two capitals.
    pub country_code: Option<String>,
}

impl Location {
    /// Puts a place into words.
    pub fn of(place: Place) -> Self {
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

    /// The shortest name: the city, else the whole.
    pub fn short(&self) -> &str {
        self.city.as_deref().unwrap_or(&self.label)
    }
}
