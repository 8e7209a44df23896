//! Looks up the city and country of an IP address, in databases with DB-IP's flat records or MaxMind's nested ones.

use std::{
    collections::HashMap,
    net::IpAddr,
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use maxminddb::Reader;
use serde::Deserialize;

use crate::foundation::client::{
    location::{Location, Place},
    network::is_private,
};

/// The GeoIP databases, loaded into memory: a memory map would need `unsafe`, which this crate does not use.
#[derive(Default)]
pub struct GeoIp {
    readers: Vec<Reader<Vec<u8>>>,
    countries: HashMap<String, String>,
}

/// A record in either format: flat (`city`, `country_code`) or nested (`city.names.en`, `country.iso_code`).
#[derive(Deserialize)]
struct Record {
    city: Option<Name>,
    country_code: Option<String>,
    country: Option<Country>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Name {
    Flat(String),
    Nested { names: Option<HashMap<String, String>> },
}

#[derive(Deserialize)]
struct Country {
    iso_code: Option<String>,
}

/// An entry of flag-icons' `country.json`: common country names instead of ISO's official ones.
#[derive(Deserialize)]
struct CountryName {
    code: String,
    name: String,
}

impl GeoIp {
    /// Loads `databases` (a `.mmdb` file or a folder of them) and the country names.
    ///
    /// Errors: a file that cannot be read or parsed, or a folder without a `.mmdb` file.
    pub fn load(databases: &Path, country_names: &Path) -> anyhow::Result<Self> {
        let readers = database_files(databases)?
            .iter()
            .map(|file| Reader::open_readfile(file).with_context(|| format!("{} cannot be used", file.display())))
            .collect::<anyhow::Result<Vec<_>>>()?;
        anyhow::ensure!(!readers.is_empty(), "{} holds no .mmdb file", databases.display());
        Ok(Self { readers, ..Self::without_databases(country_names)? })
    }

    /// Loads the country names alone: every location is unknown.
    ///
    /// Errors: the file cannot be read or parsed.
    pub fn without_databases(country_names: &Path) -> anyhow::Result<Self> {
        let names = std::fs::read(country_names).with_context(|| format!("{} cannot be read", country_names.display()))?;
        let names: Vec<CountryName> = serde_json::from_slice(&names).context("the country names cannot be parsed")?;
        let countries = names.into_iter().map(|country| (country.code.to_ascii_uppercase(), country.name)).collect();
        Ok(Self { readers: Vec::new(), countries })
    }

    /// Returns the common name of a country by its ISO 3166-1 code in capitals. `None` for an unknown code.
    pub fn country_name(&self, code: &str) -> Option<&str> {
        self.countries.get(code).map(String::as_str)
    }

    /// Returns the location of an address: a private network, a known place, or unknown.
    pub fn locate(&self, ip: IpAddr) -> Location {
        if is_private(ip) {
            return Location::from_place(Place::PrivateNetwork);
        }
        self.look_up(ip).map_or_else(|| Location::from_place(Place::Unknown), |record| self.to_location(record))
    }

    fn look_up(&self, ip: IpAddr) -> Option<Record> {
        let is_supported = |reader: &&Reader<Vec<u8>>| ip.is_ipv4() || reader.metadata().ip_version == 6;
        self.readers.iter().filter(is_supported).find_map(|reader| reader.lookup(ip).ok()?.decode().ok()?)
    }

    fn to_location(&self, record: Record) -> Location {
        let code = record.country_code.or(record.country.and_then(|country| country.iso_code));
        let Some(code) = code.filter(|code| !code.is_empty() && code != "ZZ") else { return Location::from_place(Place::Unknown) };
        let country = self.country_name(&code).unwrap_or(&code).to_owned();
        let city = match record.city {
            Some(Name::Flat(city)) => Some(city),
            Some(Name::Nested { names }) => names.and_then(|mut names| names.remove("en")),
            None => None,
        };
        Location::from_place(Place::Known { city: city.filter(|city| !city.is_empty()), country, country_code: code })
    }
}

fn database_files(databases: &Path) -> anyhow::Result<Vec<PathBuf>> {
    if databases.is_file() {
        return Ok(vec![databases.to_owned()]);
    }
    let entries = std::fs::read_dir(databases).with_context(|| format!("{} cannot be read", databases.display()))?;
    let files = entries.filter_map(|entry| Some(entry.ok()?.path()));
    Ok(files.filter(|file| file.extension().is_some_and(|ending| ending == "mmdb")).collect())
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use super::*;
    use crate::foundation::assets::Assets;

    static GEO_IP: LazyLock<GeoIp> = LazyLock::new(|| {
        let assets = Assets::find();
        GeoIp::load(&assets.geoip(), &assets.countries()).unwrap()
    });

    fn label(ip: &str) -> String {
        GEO_IP.locate(ip.parse().unwrap()).label
    }

    #[test]
    fn a_public_address_has_a_city_and_a_country() {
        let london = GEO_IP.locate("81.2.69.142".parse().unwrap());
        assert_eq!(london.city.as_deref().map(|city| city.starts_with("London")), Some(true));
        assert_eq!((london.country.as_deref(), london.country_code.as_deref()), (Some("United Kingdom"), Some("GB")));
        assert_eq!(GEO_IP.locate("2a00:1450:4001:831::200e".parse().unwrap()).country_code.as_deref(), Some("DE"));
    }

    #[test]
    fn private_and_unknown_addresses_are_labeled_as_such() {
        for private in ["127.0.0.1", "10.1.2.3", "192.168.0.1", "172.16.0.1", "100.64.0.1", "169.254.0.1", "::1", "fd00::1", "fe80::1"] {
            assert_eq!(label(private), "Private network", "{private}");
        }
        for unknown in ["203.0.113.9", "198.51.100.7", "2001:db8::1", "0.0.0.0"] {
            assert_eq!(label(unknown), "Unknown location", "{unknown}");
        }
    }

    #[test]
    fn nested_records_of_maxmind_are_supported() {
        let nested = r#"{"city":{"names":{"de":"Köln","en":"Cologne"}},"country":{"iso_code":"DE"}}"#;
        let location = GEO_IP.to_location(serde_json::from_str(nested).unwrap());
        assert_eq!(location.label, "Cologne, Germany");
        let country_alone = GEO_IP.to_location(serde_json::from_str(r#"{"country":{"iso_code":"DE"}}"#).unwrap());
        assert_eq!(country_alone.label, "Germany");
    }
}
