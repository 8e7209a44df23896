//! The fields of a plant that people enter, and requests to create and change plants.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    error::AppError,
    foundation::ids::PortfolioId,
    plants::{
        model::{
            MAX_NAME_CHARS, Plant, PlantKind, check_capacity, check_coordinates, check_country, check_line, check_name, check_time_zone,
        },
        requests::present,
    },
};

/// The checked fields of a plant.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PlantFields {
    /// Name.
    pub name: String,
    /// Kind.
    pub kind: PlantKind,
    /// Town or region.
    pub place: Option<String>,
    /// ISO 3166-1 alpha-2 code of the country.
    pub country_code: Option<String>,
    /// Degrees north.
    pub latitude: Option<f64>,
    /// Degrees east.
    pub longitude: Option<f64>,
    /// Capacity in kilowatts.
    pub capacity_kw: Option<f64>,
    /// IANA name of the time zone.
    pub time_zone: Option<String>,
}

impl PlantFields {
    /// Checks and trims all fields.
    ///
    /// Errors: [`AppError::Invalid`] for the first invalid one.
    pub fn check(self) -> Result<Self, AppError> {
        let name = check_name(&self.name)?.to_owned();
        let place = self.place.map(|place| check_line("place", &place, MAX_NAME_CHARS).map(str::to_owned)).transpose()?;
        let country_code = check_country(self.country_code.as_deref())?;
        check_coordinates(self.latitude, self.longitude)?;
        check_capacity(self.capacity_kw)?;
        check_time_zone(self.time_zone.as_deref())?;
        Ok(Self { name, place, country_code, ..self })
    }
}

impl From<&Plant> for PlantFields {
    fn from(plant: &Plant) -> Self {
        Self {
            name: plant.name.clone(),
            kind: plant.kind,
            place: plant.place.clone(),
            country_code: plant.country_code.clone(),
            latitude: plant.latitude,
            longitude: plant.longitude,
            capacity_kw: plant.capacity_kw,
            time_zone: plant.time_zone.clone(),
        }
    }
}

/// A request to create a plant.
#[derive(Debug, Clone, PartialEq, Default, Deserialize, ToSchema)]
#[schema(as = PlantRequest)]
#[serde(deny_unknown_fields)]
pub struct NewPlant {
    /// Id of the portfolio.
    #[schema(value_type = PortfolioId)]
    pub portfolio: String,
    /// Name: 1 to 80 characters, unique in the organization.
    #[schema(min_length = 1, max_length = 80)]
    pub name: String,
    /// Kind.
    #[schema(value_type = PlantKind)]
    pub kind: String,
    /// Town or region.
    #[serde(default)]
    pub place: Option<String>,
    /// ISO 3166-1 alpha-2 code of the country.
    #[serde(default)]
    pub country_code: Option<String>,
    /// Degrees north, with `longitude`.
    #[serde(default)]
    #[schema(minimum = -90, maximum = 90)]
    pub latitude: Option<f64>,
    /// Degrees east, with `latitude`.
    #[serde(default)]
    #[schema(minimum = -180, maximum = 180)]
    pub longitude: Option<f64>,
    /// Capacity in kilowatts.
    #[serde(default)]
    #[schema(minimum = 0)]
    pub capacity_kw: Option<f64>,
    /// IANA name of the time zone.
    #[serde(default)]
    pub time_zone: Option<String>,
}

impl NewPlant {
    /// Returns the checked fields.
    ///
    /// Errors: [`AppError::Invalid`].
    pub fn check(&self) -> Result<PlantFields, AppError> {
        let fields = PlantFields {
            name: self.name.clone(),
            kind: check_kind(&self.kind)?,
            place: self.place.clone(),
            country_code: self.country_code.clone(),
            latitude: self.latitude,
            longitude: self.longitude,
            capacity_kw: self.capacity_kw,
            time_zone: self.time_zone.clone(),
        };
        fields.check()
    }
}

/// A request to change a plant. Absent fields stay as they are; null clears a field that may be empty.
#[derive(Debug, Clone, PartialEq, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PlantChanges {
    /// Id of another portfolio of the organization: moves the plant.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = PortfolioId, required = false)]
    pub portfolio: Option<String>,
    /// New name.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = String, required = false, min_length = 1, max_length = 80)]
    pub name: Option<String>,
    /// New kind.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = PlantKind, required = false)]
    pub kind: Option<String>,
    /// New town or region.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>)]
    pub place: Option<Option<String>>,
    /// New country code.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>)]
    pub country_code: Option<Option<String>>,
    /// New degrees north.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<f64>, minimum = -90, maximum = 90)]
    pub latitude: Option<Option<f64>>,
    /// New degrees east.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<f64>, minimum = -180, maximum = 180)]
    pub longitude: Option<Option<f64>>,
    /// New capacity in kilowatts.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<f64>, minimum = 0)]
    pub capacity_kw: Option<Option<f64>>,
    /// New time zone.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>)]
    pub time_zone: Option<Option<String>>,
}

impl PlantChanges {
    /// Returns the checked fields after the changes.
    ///
    /// Errors: [`AppError::Invalid`].
    pub fn apply(&self, before: &PlantFields) -> Result<PlantFields, AppError> {
        let changes = self.clone();
        let fields = PlantFields {
            name: changes.name.unwrap_or_else(|| before.name.clone()),
            kind: self.kind.as_deref().map_or(Ok(before.kind), check_kind)?,
            place: changes.place.unwrap_or_else(|| before.place.clone()),
            country_code: changes.country_code.unwrap_or_else(|| before.country_code.clone()),
            latitude: changes.latitude.unwrap_or(before.latitude),
            longitude: changes.longitude.unwrap_or(before.longitude),
            capacity_kw: changes.capacity_kw.unwrap_or(before.capacity_kw),
            time_zone: changes.time_zone.unwrap_or_else(|| before.time_zone.clone()),
        };
        fields.check()
    }
}

/// Parses the kind of a plant.
///
/// Errors: it is unknown.
pub fn check_kind(kind: &str) -> Result<PlantKind, AppError> {
    PlantKind::parse(kind.trim()).ok_or_else(|| AppError::invalid("kind", "The kind of a plant is solar, wind or storage."))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An absent field stays, null clears it, and a required one is never null.
    #[test]
    fn changes_distinguish_absent_fields_from_null() {
        let new = r#"{"portfolio": "x", "name": " North ", "kind": "solar", "place": "Kiel", "latitude": 54, "longitude": 10, "country_code": "de"}"#;
        let before = serde_json::from_str::<NewPlant>(new).unwrap().check().unwrap();
        assert_eq!((before.name.as_str(), before.country_code.as_deref()), ("North", Some("DE")));
        let apply = |changes: &str| serde_json::from_str::<PlantChanges>(changes).unwrap().apply(&before);
        assert_eq!(apply("{}").as_ref(), Ok(&before));
        let cleared = apply(r#"{"place": null, "latitude": null, "longitude": null}"#).unwrap();
        assert_eq!(cleared, PlantFields { place: None, latitude: None, longitude: None, ..before.clone() });
        assert_eq!(apply(r#"{"kind": "wind"}"#), Ok(PlantFields { kind: PlantKind::Wind, ..before.clone() }));
        for bad in [r#"{"latitude": null}"#, r#"{"latitude": 91}"#, r#"{"kind": "hydro"}"#, r#"{"place": ""}"#, r#"{"capacity_kw": -1}"#] {
            assert!(matches!(apply(bad), Err(AppError::Invalid { .. })), "{bad}");
        }
        for bad in [r#"{"name": null}"#, r#"{"kind": null}"#, r#"{"portfolio": null}"#, r#"{"colour": "red"}"#] {
            assert!(serde_json::from_str::<PlantChanges>(bad).is_err(), "{bad}");
        }
    }
}
