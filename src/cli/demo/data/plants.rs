//! Organizations, portfolios, plants and devices.

use crate::plants::model::PlantKind::{self, Solar, Storage, Wind};

/// An organization with its portfolios. Its plants are in one country, and its devices under one domain.
pub struct Organization {
    pub key: &'static str,
    pub name: &'static str,
    pub host_suffix: &'static str,
    pub country_code: &'static str,
    pub time_zone: &'static str,
    pub portfolios: &'static [(&'static str, &'static [Plant])],
}

/// Key (the part of host names), name, kind, place, degrees north and east, capacity in kilowatts, and number of devices.
pub type Plant = (&'static str, &'static str, PlantKind, &'static str, f64, f64, f64, usize);

pub const ORGANIZATIONS: [Organization; 3] = [
    Organization {
        key: "nordlicht",
        name: "Nordlicht Energie",
        host_suffix: "nordlicht.localhost",
        country_code: "DE",
        time_zone: "Europe/Berlin",
        portfolios: &[("Portfolio North", NORTH), ("Portfolio South", SOUTH)],
    },
    Organization {
        key: "meseta",
        name: "Meseta Solar",
        host_suffix: "meseta.localhost",
        country_code: "ES",
        time_zone: "Europe/Madrid",
        portfolios: &[("Castilla", CASTILLA), ("Tejados", TEJADOS)],
    },
    Organization {
        key: "prairie",
        name: "Prairie Storage",
        host_suffix: "prairie.localhost",
        country_code: "US",
        time_zone: "America/Chicago",
        portfolios: &[("West Texas", WEST_TEXAS), ("High Plains", HIGH_PLAINS)],
    },
];

#[rustfmt::skip]
const NORTH: &[Plant] = &[
    ("sued",         "Solarpark Süd",         Solar,   "Eggebek",      54.62,  9.37, 12_400.0, 6),
    ("jardelund",    "Speicher Jardelund",    Storage, "Jardelund",    54.84,  9.19, 48_000.0, 2),
    ("reussenkoege", "Windpark Reußenköge",   Wind,    "Reußenköge",   54.63,  8.90, 61_200.0, 4),
    ("husum",        "Windpark Husum",        Wind,    "Husum",        54.48,  9.05, 27_600.0, 5),
    ("leck",         "Solarpark Leck",        Solar,   "Leck",         54.77,  8.97,  9_800.0, 6),
    ("bollingstedt", "Speicher Bollingstedt", Storage, "Bollingstedt", 54.58,  9.42, 20_000.0, 4),
    ("schuby",       "Windpark Schuby",       Wind,    "Schuby",       54.52,  9.48, 36_000.0, 7),
];

#[rustfmt::skip]
const SOUTH: &[Plant] = &[
    ("donaumoos",     "Solarpark Donaumoos",     Solar,   "Königsmoos",    48.67, 11.21, 22_800.0, 9),
    ("wunsiedel",     "Speicher Wunsiedel",      Storage, "Wunsiedel",     50.04, 12.00,  8_400.0, 3),
    ("muensterland",  "Windpark Münsterland",    Wind,    "Hörstel",       52.30,  7.58, 40_500.0, 6),
    ("zoeschingen",   "Windpark Zöschingen",     Wind,    "Zöschingen",    48.68, 10.32, 33_000.0, 5),
    ("strasskirchen", "Solarpark Straßkirchen",  Solar,   "Straßkirchen",  48.83, 12.72, 54_000.0, 5),
    ("ellwangen",     "Windpark Ellwangen",      Wind,    "Ellwangen",     48.96, 10.13, 19_200.0, 6),
    ("gundelfingen",  "Speicher Gundelfingen",   Storage, "Gundelfingen",  48.55, 10.37, 10_000.0, 3),
    ("pocking",       "Solarpark Pocking",       Solar,   "Pocking",       48.40, 13.31, 10_000.0, 8),
];

#[rustfmt::skip]
const CASTILLA: &[Plant] = &[
    ("ampudia",     "Ampudia",          Wind,    "Ampudia",               41.92, -4.78, 49_500.0,  8),
    ("bonete",      "Bonete",           Solar,   "Bonete",                38.89, -1.35, 62_000.0, 14),
    ("carrion",     "Carrión",          Storage, "Carrión de los Condes", 42.34, -4.60, 20_000.0,  3),
    ("medina",      "Medina del Campo", Solar,   "Medina del Campo",      41.31, -4.91, 38_000.0,  6),
    ("olmedo",      "Olmedo",           Solar,   "Olmedo",                41.29, -4.69, 24_500.0,  5),
    ("penafiel",    "Peñafiel",         Wind,    "Peñafiel",              41.60, -4.12, 36_000.0,  4),
    ("tordesillas", "Tordesillas",      Solar,   "Tordesillas",           41.50, -5.00, 45_000.0,  7),
    ("villalon",    "Villalón",         Wind,    "Villalón de Campos",    42.10, -5.03, 42_000.0,  6),
    ("saldana",     "Saldaña",          Storage, "Saldaña",               42.52, -4.74, 15_000.0,  5),
];

#[rustfmt::skip]
const TEJADOS: &[Plant] = &[
    ("baeza",      "Almazara Baeza",         Solar, "Baeza",           37.99, -3.47, 420.0, 2),
    ("toro",       "Bodega Toro",            Solar, "Toro",            41.52, -5.40, 310.0, 2),
    ("utiel",      "Cooperativa Utiel",      Solar, "Utiel",           39.57, -1.20, 185.0, 1),
    ("ubeda",      "Almacén Úbeda",          Solar, "Úbeda",           38.01, -3.37, 260.0, 2),
    ("aranda",     "Bodega Aranda",          Solar, "Aranda de Duero", 41.67, -3.69, 340.0, 3),
    ("valdepenas", "Cooperativa Valdepeñas", Solar, "Valdepeñas",      38.76, -3.38, 280.0, 4),
    ("jumilla",    "Almazara Jumilla",       Solar, "Jumilla",         38.48, -1.33, 390.0, 2),
    ("requena",    "Bodega Requena",         Solar, "Requena",         39.49, -1.10, 520.0, 6),
    ("daimiel",    "Escuela Daimiel",        Solar, "Daimiel",         39.07, -3.61,  95.0, 4),
];

#[rustfmt::skip]
const WEST_TEXAS: &[Plant] = &[
    ("crane",      "Crane Battery",   Storage, "Crane",      31.40, -102.35, 100_000.0, 4),
    ("mccamey",    "McCamey Battery", Storage, "McCamey",    31.13, -102.22,  50_000.0, 3),
    ("notrees",    "Notrees Battery", Storage, "Notrees",    31.92, -102.76,  36_000.0, 3),
    ("sweetwater", "Sweetwater Wind", Wind,    "Sweetwater", 32.47, -100.41,  90_000.0, 7),
];

#[rustfmt::skip]
const HIGH_PLAINS: &[Plant] = &[
    ("hereford", "Hereford Wind",   Wind,    "Hereford", 34.82, -102.40, 120_000.0, 6),
    ("dimmitt",  "Dimmitt Battery", Storage, "Dimmitt",  34.55, -102.31,  80_000.0, 7),
    ("tulia",    "Tulia Wind",      Wind,    "Tulia",    34.54, -101.77,  66_000.0, 7),
];

/// A device that a plant of this kind has many of: its name without a number, and its kind.
pub fn main_device(kind: PlantKind) -> (&'static str, &'static str) {
    match kind {
        Solar => ("Inverter", "inverter"),
        Wind => ("Turbine", "turbine"),
        Storage => ("Battery", "battery"),
    }
}

/// Devices that a plant of this kind has one of: name and kind. The smaller the plant, the fewer of them.
pub fn single_devices(kind: PlantKind) -> [(&'static str, &'static str); 3] {
    match kind {
        Solar => [("Data logger", "data logger"), ("Gate camera", "camera"), ("Network switch", "switch")],
        Wind => [("Park controller", "controller"), ("Met mast", "weather station"), ("Network switch", "switch")],
        Storage => [("Energy meter", "meter"), ("Site controller", "controller"), ("Network switch", "switch")],
    }
}
