//! The form of a plant: texts as entered, and the requests that they stand for.

use std::str::FromStr;

use crate::{
    error::AppError,
    plants::{
        fields::{NewPlant, PlantChanges},
        model::Plant,
    },
    ui::form_response::Flash,
};

/// The fields of the form as they were entered.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Entered {
    /// Name.
    pub name: String,
    /// Key of the kind.
    pub kind: String,
    /// Town or region.
    pub place: String,
    /// Country code.
    pub country_code: String,
    /// Degrees north.
    pub latitude: String,
    /// Degrees east.
    pub longitude: String,
    /// Capacity in kilowatts.
    pub capacity_kw: String,
    /// Time zone.
    pub time_zone: String,
}

impl Entered {
    /// Names of the fields.
    pub const FIELDS: [&str; 8] = ["name", "kind", "place", "country_code", "latitude", "longitude", "capacity_kw", "time_zone"];

    /// Returns the fields with their values.
    pub fn fields(&self) -> [(&'static str, &str); 8] {
        let Self { name, kind, place, country_code, latitude, longitude, capacity_kw, time_zone } = self;
        let values = [name, kind, place, country_code, latitude, longitude, capacity_kw, time_zone].map(String::as_str);
        std::array::from_fn(|index| (Self::FIELDS[index], values[index]))
    }

    /// Returns what a refused submission contained. `None` if there was none.
    pub fn from_flash(flash: &Flash) -> Option<Self> {
        if !flash.typed.contains_key("name") {
            return None;
        }
        let [name, kind, place, country_code, latitude, longitude, capacity_kw, time_zone] = Self::FIELDS.map(|field| flash.typed(field));
        Some(Self { name, kind, place, country_code, latitude, longitude, capacity_kw, time_zone })
    }

    /// Returns the request to create the plant.
    ///
    /// Errors: a number cannot be read.
    pub fn new_plant(&self, portfolio: &str) -> Result<NewPlant, AppError> {
        Ok(NewPlant {
            portfolio: portfolio.to_owned(),
            name: self.name.clone(),
            kind: self.kind.clone(),
            place: text(&self.place),
            country_code: text(&self.country_code),
            latitude: number("latitude", &self.latitude)?,
            longitude: number("longitude", &self.longitude)?,
            capacity_kw: number("capacity_kw", &self.capacity_kw)?,
            time_zone: text(&self.time_zone),
        })
    }

    /// Returns the request to change the plant: an empty field clears it.
    ///
    /// Errors: a number cannot be read.
    pub fn changes(&self) -> Result<PlantChanges, AppError> {
        Ok(PlantChanges {
            portfolio: None,
            name: Some(self.name.clone()),
            kind: Some(self.kind.clone()),
            place: Some(text(&self.place)),
            country_code: Some(text(&self.country_code)),
            latitude: Some(number("latitude", &self.latitude)?),
            longitude: Some(number("longitude", &self.longitude)?),
            capacity_kw: Some(number("capacity_kw", &self.capacity_kw)?),
            time_zone: Some(text(&self.time_zone)),
        })
    }
}

impl From<&Plant> for Entered {
    fn from(plant: &Plant) -> Self {
        let number = |number: Option<f64>| number.map(|number| number.to_string()).unwrap_or_default();
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        Self {
            name: plant.name.clone(),
            kind: plant.kind.key().to_owned(),
            place: text(&plant.place),
            country_code: text(&plant.country_code),
            latitude: number(plant.latitude),
            longitude: number(plant.longitude),
            capacity_kw: number(plant.capacity_kw),
            time_zone: text(&plant.time_zone),
        }
    }
}

fn text(entered: &str) -> Option<String> {
    Some(entered.trim()).filter(|text| !text.is_empty()).map(str::to_owned)
}

/// Reads a number, with a decimal point or comma. `None` if nothing was entered.
fn number(field: &str, entered: &str) -> Result<Option<f64>, AppError> {
    let number = text(entered).map(|text| f64::from_str(&text.replace(',', ".")).ok().filter(|number| number.is_finite()));
    match number {
        Some(None) => Err(AppError::invalid(field, "Enter a number, such as 54.63.")),
        Some(number) => Ok(number),
        None => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_a_point_or_a_comma() {
        assert_eq!((number("x", " 54,63 "), number("x", "-1.5"), number("x", "")), (Ok(Some(54.63)), Ok(Some(-1.5)), Ok(None)));
        for bad in ["x", "1.2.3", "NaN", "inf", "1 000"] {
            assert!(number("x", bad).is_err(), "{bad}");
        }
    }
}
