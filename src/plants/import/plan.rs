//! Plans an import: which portfolios, plants and devices a CSV file would create, and what is wrong with it. Pure.
//!
//! A line is a device of a plant, or a plant without a device. The details of a plant may be on each of its lines or on the first only;
//! they may be left empty for a plant that exists already.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    str::FromStr,
};

use csv::{ReaderBuilder, StringRecord, Trim};
use serde::Serialize;

use crate::{
    error::AppError,
    foundation::{
        config::PublicUrl,
        ids::{PlantId, PortfolioId},
    },
    plants::{
        devices::{former, model::DeviceFields, store::FormerPlant},
        fields::{PlantFields, check_kind},
        model::{Device, MAX_NAME_CHARS, Plant, Portfolio, check_line, normalize_name},
    },
};

/// The columns, in any order. The first three are required.
pub const COLUMNS: [&str; 13] = [
    "portfolio",
    "plant",
    "kind",
    "place",
    "country",
    "latitude",
    "longitude",
    "capacity_kw",
    "time_zone",
    "device",
    "device_kind",
    "host",
    "upgrades",
];
const REQUIRED_COLUMNS: &[&str] = COLUMNS.split_at(3).0;
/// The columns with details of a plant.
const DETAIL_COLUMNS: &[&str] = COLUMNS.split_at(9).0.split_at(2).1;
/// The columns with a device.
const DEVICE_COLUMNS: &[&str] = COLUMNS.split_at(9).1;

/// What an organization contains before the import, and its rules. Of plants and devices only what the file names matters: see [`named`].
#[derive(Debug)]
pub struct Existing {
    /// Its portfolios.
    pub portfolios: Vec<Portfolio>,
    /// Its plants.
    pub plants: Vec<Plant>,
    /// The devices of these plants.
    pub devices: Vec<Device>,
    /// Hosts of its devices.
    pub hosts: HashSet<String>,
    /// What hosts of devices must be.
    pub host_rules: HostRules,
    /// Hosts that plants gave up, each with the plant that had it last.
    pub former_plants: HashMap<String, FormerPlant>,
    /// Whether these may be used at other plants.
    pub may_take_hosts: bool,
    /// Whether missing portfolios may be created.
    pub may_create_portfolios: bool,
}

/// What hosts of devices must be.
#[derive(Debug)]
pub struct HostRules {
    /// The host suffixes of the organization.
    pub suffixes: Vec<String>,
    /// The URL of this site.
    pub site: PublicUrl,
}

/// What a file names, normalized.
#[derive(Debug, Default)]
pub struct Named {
    /// Names of plants.
    pub plants: BTreeSet<String>,
    /// Hosts that devices may have.
    pub hosts: BTreeSet<String>,
}

/// Returns what a file names, so that no more is loaded to plan its import.
pub fn named(text: &str, rules: &HostRules) -> Named {
    let lines = read(text).unwrap_or_default(); // the plan says what is wrong
    Named {
        plants: lines.iter().filter_map(|line| line.get("plant")).map(normalize_name).collect(),
        hosts: lines.iter().filter_map(|line| line.device(rules).ok()).map(|device| device.host).collect(),
    }
}

/// What an import would create. If there is an error, it creates nothing.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct Plan {
    /// Names of the portfolios.
    pub portfolios: Vec<String>,
    /// The plants.
    pub plants: Vec<PlannedPlant>,
    /// The devices.
    pub devices: Vec<PlannedDevice>,
    /// What is wrong with the file, by line.
    pub errors: Vec<LineError>,
}

/// A plant that an import would create.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PlannedPlant {
    /// Number of the line.
    pub line: u64,
    /// Name of the portfolio.
    pub portfolio: String,
    /// The plant.
    #[serde(flatten)]
    pub fields: PlantFields,
}

/// A device that an import would create.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PlannedDevice {
    /// Number of the line.
    pub line: u64,
    /// Name of the plant.
    pub plant: String,
    /// Name of the other plant that had the host last. `None` if there is none.
    pub former_plant: Option<String>,
    /// The device.
    #[serde(flatten)]
    pub fields: DeviceFields,
}

/// Something wrong with a line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LineError {
    /// Number of the line. The header is line 1.
    pub line: u64,
    /// Name of the column. Empty if it is about the line.
    pub field: String,
    /// A sentence that says what is wrong.
    pub message: String,
}

/// Plans the import of a CSV file, with commas or semicolons.
pub fn plan(text: &str, existing: &Existing) -> Plan {
    let mut planner = Planner::new(existing);
    match read(text) {
        Ok(lines) => lines.into_iter().for_each(|line| planner.add(&line)),
        Err(error) => planner.plan.errors.push(error),
    }
    planner.plan
}

/// A line of the file.
struct Line {
    number: u64,
    /// The text of each column that is not empty.
    values: HashMap<&'static str, String>,
    /// Whether it has more or fewer fields than the header.
    is_uneven: bool,
}

impl Line {
    fn get(&self, column: &str) -> Option<&str> {
        self.values.get(column).map(String::as_str)
    }

    fn text(&self, column: &str) -> String {
        self.get(column).unwrap_or_default().to_owned() // the check of the field refuses an empty text
    }

    fn has_any(&self, columns: &[&str]) -> bool {
        columns.iter().any(|column| self.values.contains_key(column))
    }

    fn number_in(&self, column: &str) -> Result<Option<f64>, AppError> {
        let error = || AppError::invalid(column, "Enter a number, such as 52.5.");
        self.get(column).map(|text| f64::from_str(text).map_err(|_| error())).transpose()
    }

    /// Returns the fields of the plant that the line describes.
    fn plant(&self) -> Result<PlantFields, AppError> {
        let fields = PlantFields {
            name: self.text("plant"),
            kind: check_kind(&self.text("kind"))?,
            place: self.get("place").map(str::to_owned),
            country_code: self.get("country").map(str::to_owned),
            latitude: self.number_in("latitude")?,
            longitude: self.number_in("longitude")?,
            capacity_kw: self.number_in("capacity_kw")?,
            time_zone: self.get("time_zone").map(str::to_owned),
        };
        fields.check()
    }

    /// Returns the fields of the device that the line describes.
    fn device(&self, rules: &HostRules) -> Result<DeviceFields, AppError> {
        let upgrades = match self.text("upgrades").to_lowercase().as_str() {
            "" | "no" | "false" | "0" => false,
            "yes" | "true" | "1" => true,
            _ => return Err(AppError::invalid("upgrades", "Enter yes or no.")),
        };
        let fields = DeviceFields { name: self.text("device"), kind: self.text("device_kind"), host: self.text("host"), upgrades };
        fields.check(&rules.suffixes, &rules.site)
    }
}

/// Reads the lines of a file. Skips empty ones.
fn read(text: &str) -> Result<Vec<Line>, LineError> {
    let text = &text.trim_start_matches('\u{feff}').replace("\r\n", "\n").replace('\r', "\n");
    let file_error = |line, message: String| LineError { line, field: String::new(), message };
    let first_line = text.lines().next().unwrap_or_default();
    let delimiter = if first_line.contains(';') && !first_line.contains(',') { b';' } else { b',' };
    let mut reader = ReaderBuilder::new().delimiter(delimiter).flexible(true).trim(Trim::All).from_reader(text.as_bytes());
    let header = reader.headers().cloned().map_err(|error| file_error(1, format!("The header cannot be read: {error}.")))?;
    let columns = read_header(&header).map_err(|message| file_error(1, message))?;
    let (mut lines, mut numbers) = (Vec::new(), LineNumbers { rest: text, byte: 0, number: 1 });
    for record in reader.records() {
        let record = record.map_err(|error| file_error(numbers.at(error.position()), "This line cannot be read.".to_owned()))?;
        let number = numbers.at(record.position());
        let pairs = columns.iter().zip(&record).filter(|(_, value)| !value.is_empty());
        let values: HashMap<_, _> = pairs.map(|(column, value)| (*column, value.to_owned())).collect();
        if !values.is_empty() {
            lines.push(Line { number, values, is_uneven: record.len() != columns.len() });
        }
    }
    if lines.is_empty() { Err(file_error(1, "The file has no lines below its header.".to_owned())) } else { Ok(lines) }
}

/// Numbers of lines, in ascending order. The reader's own numbers do not count empty lines in front of a record.
struct LineNumbers<'a> {
    rest: &'a str,
    byte: usize,
    number: u64,
}

impl LineNumbers<'_> {
    /// Returns the number of the line at a position, or of the first line below it that is not empty.
    fn at(&mut self, position: Option<&csv::Position>) -> u64 {
        let byte = position.and_then(|position| usize::try_from(position.byte()).ok()).unwrap_or(self.byte);
        let (before, rest) = self.rest.split_at_checked(byte.saturating_sub(self.byte)).unwrap_or(("", self.rest));
        let at = rest.trim_start_matches('\n');
        let empty_lines = rest.len() - at.len();
        self.number += (before.matches('\n').count() + empty_lines) as u64;
        self.byte += before.len() + empty_lines;
        self.rest = at;
        self.number
    }
}

/// Returns the columns that the header names.
fn read_header(header: &StringRecord) -> Result<Vec<&'static str>, String> {
    let mut columns = Vec::new();
    for name in header {
        let known = COLUMNS.into_iter().find(|column| name.eq_ignore_ascii_case(column));
        let column = known.ok_or_else(|| format!("There is no column {name:?}. The columns are {}.", COLUMNS.join(", ")))?;
        if columns.contains(&column) {
            return Err(format!("The column {column} occurs twice."));
        }
        columns.push(column);
    }
    match REQUIRED_COLUMNS.iter().find(|column| !columns.contains(*column)) {
        Some(missing) => Err(format!("The column {missing} is missing. The columns are {}.", COLUMNS.join(", "))),
        None => Ok(columns),
    }
}

/// Where a plant is described.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Source {
    /// It exists already.
    Database,
    /// On this line.
    Line(u64),
}

/// A plant that exists or is planned, by its normalized name.
struct KnownPlant {
    source: Source,
    portfolio: String,
    /// `None` if the line that describes it is faulty.
    fields: Option<PlantFields>,
}

/// A plan in the making.
struct Planner<'a> {
    existing: &'a Existing,
    /// Names of portfolios that exist or are planned, by their normalized names.
    portfolios: HashMap<String, String>,
    plants: HashMap<String, KnownPlant>,
    /// Normalized names of plants and of their devices.
    devices: HashSet<(String, String)>,
    hosts: HashSet<String>,
    plan: Plan,
}

impl<'a> Planner<'a> {
    fn new(existing: &'a Existing) -> Self {
        let portfolio_names: HashMap<&PortfolioId, &String> = existing.portfolios.iter().map(|found| (&found.id, &found.name)).collect();
        let plant_names: HashMap<&PlantId, &String> = existing.plants.iter().map(|found| (&found.id, &found.name)).collect();
        let name_of = |name: Option<&&String>| name.map(|name| normalize_name(name)).unwrap_or_default(); // all are of the organization
        let known = |plant: &Plant| KnownPlant {
            source: Source::Database,
            portfolio: name_of(portfolio_names.get(&plant.portfolio)),
            fields: Some(PlantFields::from(plant)),
        };
        let devices = existing.devices.iter().map(|device| (name_of(plant_names.get(&device.plant)), normalize_name(&device.name)));
        Self {
            existing,
            portfolios: existing.portfolios.iter().map(|found| (normalize_name(&found.name), found.name.clone())).collect(),
            plants: existing.plants.iter().map(|plant| (normalize_name(&plant.name), known(plant))).collect(),
            devices: devices.collect(),
            hosts: existing.hosts.clone(),
            plan: Plan::default(),
        }
    }

    fn add(&mut self, line: &Line) {
        if line.is_uneven {
            let message = "This line has another number of fields than the header.".to_owned();
            self.plan.errors.push(LineError { line: line.number, field: String::new(), message });
            return;
        }
        if let Err(error) = self.add_plant(line) {
            self.fail(line, error, &[("name", "plant"), ("country_code", "country")]);
        }
        if line.has_any(DEVICE_COLUMNS)
            && let Err(error) = self.add_device(line)
        {
            self.fail(line, error, &[("name", "device"), ("kind", "device_kind")]);
        }
    }

    /// Adds an error about a field, whose column may have another name.
    fn fail(&mut self, line: &Line, error: AppError, columns: &[(&str, &str)]) {
        let message = error.to_string();
        let field = if let AppError::Invalid { field, .. } = error { field } else { String::new() };
        let column = columns.iter().find(|(name, _)| *name == field).map_or(field.clone(), |(_, column)| (*column).to_owned());
        self.plan.errors.push(LineError { line: line.number, field: column, message });
    }

    /// Plans the portfolio and the plant of a line, unless they exist or are planned already.
    fn add_plant(&mut self, line: &Line) -> Result<(), AppError> {
        let portfolio = check_line("portfolio", line.get("portfolio").unwrap_or_default(), MAX_NAME_CHARS)?.to_owned();
        let name = normalize_name(check_line("plant", line.get("plant").unwrap_or_default(), MAX_NAME_CHARS)?);
        let portfolio_name = normalize_name(&portfolio);
        if let Some(known) = self.plants.get(&name) {
            return self.check_known(line, known, &portfolio_name);
        }
        let is_new_portfolio = !self.portfolios.contains_key(&portfolio_name);
        let fields = match line.plant() {
            _ if is_new_portfolio && !self.existing.may_create_portfolios => {
                Err(AppError::invalid("portfolio", "There is no such portfolio. Only owners and administrators create one."))
            }
            fields => fields,
        };
        let known = KnownPlant { source: Source::Line(line.number), portfolio: portfolio_name.clone(), fields: fields.clone().ok() };
        self.plants.insert(name, known);
        let fields = fields?;
        if is_new_portfolio {
            self.portfolios.insert(portfolio_name.clone(), portfolio.clone());
            self.plan.portfolios.push(portfolio);
        }
        let portfolio = self.portfolios[&portfolio_name].clone();
        self.plan.plants.push(PlannedPlant { line: line.number, portfolio, fields });
        Ok(())
    }

    /// Checks a line about a plant that is known already: it adds a device, and describes the plant alike or not at all.
    fn check_known(&self, line: &Line, known: &KnownPlant, portfolio: &str) -> Result<(), AppError> {
        let before = match known.source {
            Source::Database => "This plant exists already".to_owned(),
            Source::Line(number) => format!("This plant is on line {number} already"),
        };
        if known.portfolio != portfolio {
            return Err(AppError::invalid("portfolio", format!("{before}, in another portfolio.")));
        }
        if !line.has_any(DEVICE_COLUMNS) {
            return Err(AppError::invalid("plant", format!("{before}.")));
        }
        let (Some(fields), true) = (&known.fields, line.has_any(DETAIL_COLUMNS)) else { return Ok(()) };
        let described = PlantFields { name: fields.name.clone(), ..line.plant()? };
        if described == *fields {
            return Ok(());
        }
        Err(AppError::invalid("plant", format!("{before}, with other details. Leave them empty to add a device to it.")))
    }

    /// Plans the device of a line.
    fn add_device(&mut self, line: &Line) -> Result<(), AppError> {
        let fields = line.device(&self.existing.host_rules)?;
        let plant = line.get("plant").unwrap_or_default();
        if !self.devices.insert((normalize_name(plant), normalize_name(&fields.name))) {
            return Err(AppError::invalid("device", "The plant has a device with this name already."));
        }
        if !self.hosts.insert(fields.host.clone()) {
            return Err(AppError::invalid("host", "Another device has this host already."));
        }
        let former_plant = self.other_plant(&fields.host, plant);
        if let Some(other) = former_plant.as_deref().filter(|_| !self.existing.may_take_hosts) {
            return Err(former::refusal(other));
        }
        self.plan.devices.push(PlannedDevice { line: line.number, plant: plant.to_owned(), former_plant, fields });
        Ok(())
    }

    /// Returns the name of the plant that had a host last, unless it is this one or nobody had it.
    fn other_plant(&self, host: &str, plant: &str) -> Option<String> {
        let former = self.existing.former_plants.get(host)?;
        let is_same = |known: &Plant| known.id == former.id && normalize_name(&known.name) == normalize_name(plant);
        (!self.existing.plants.iter().any(is_same)).then(|| former.name.clone())
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;
    use crate::{
        foundation::ids::{DeviceId, OrganizationId},
        plants::model::{PlantKind, RemoteAccess},
    };

    /// An organization with one plant and one device.
    fn existing() -> Existing {
        let now = DateTime::UNIX_EPOCH;
        let (organization, portfolio, plant) = (OrganizationId::new(now), PortfolioId::new(now), PlantId::new(now));
        let device = Device {
            id: DeviceId::new(now),
            name: "Logger".to_owned(),
            kind: "logger".to_owned(),
            plant: plant.clone(),
            portfolio: portfolio.clone(),
            organization: organization.clone(),
            host: "logger.old.example".to_owned(),
            upgrades: false,
            version: 1,
        };
        let plant = Plant {
            id: plant,
            name: "Old".to_owned(),
            kind: PlantKind::Wind,
            portfolio: portfolio.clone(),
            organization: organization.clone(),
            place: Some("Kiel".to_owned()),
            country_code: None,
            latitude: None,
            longitude: None,
            capacity_kw: Some(2000.0),
            time_zone: None,
            devices: 1,
            remote_access: RemoteAccess::default(),
            your_roles: Vec::new(),
            version: 1,
        };
        Existing {
            portfolios: vec![Portfolio { id: portfolio, name: "North".to_owned(), organization }],
            plants: vec![plant],
            hosts: HashSet::from([device.host.clone()]),
            devices: vec![device],
            host_rules: HostRules {
                suffixes: vec!["old.example".to_owned(), "new.example".to_owned()],
                site: "https://site.new.example".parse().unwrap(),
            },
            former_plants: HashMap::new(),
            may_take_hosts: false,
            may_create_portfolios: true,
        }
    }

    fn errors(text: &str) -> Vec<(u64, String)> {
        plan(text, &existing()).errors.into_iter().map(|error| (error.line, error.field)).collect()
    }

    #[test]
    fn devices_plants_and_portfolios_are_planned() {
        let file = "\u{feff}Portfolio,plant,kind,place,country,latitude,longitude,capacity_kw,time_zone,device,device_kind,host,upgrades\r\n\
            South,Meadow,solar,Freiburg,de,48,7.85,750.5,Europe/Berlin,Inverter 1,inverter,I1.new.example,yes\r\n\
            \r\n\
            south,MEADOW,,,,,,,,Inverter 2,inverter,i2.new.example,\r\n\
            South,Meadow,solar,Freiburg,DE,48.0,7.85,750.5,Europe/Berlin,Logger,logger,l.new.example,no\r\n\
            North,Hill,storage,,,,,,,,,,\r\n\
            ,,,,,,,,,,,,\r\n\
            North,old,,,,,,,,Camera,camera,camera.old.example,\r\n";
        let planned = plan(file, &existing());
        assert_eq!(planned.errors, []);
        assert_eq!(planned.portfolios, ["South"]);
        let plants: Vec<_> =
            planned.plants.iter().map(|plant| (plant.line, plant.portfolio.as_str(), plant.fields.name.as_str())).collect();
        assert_eq!(plants, [(2, "South", "Meadow"), (6, "North", "Hill")]);
        let meadow = &planned.plants[0].fields;
        assert_eq!((meadow.kind, meadow.country_code.as_deref(), meadow.latitude), (PlantKind::Solar, Some("DE"), Some(48.0)));
        let devices: Vec<_> =
            planned.devices.iter().map(|device| (device.line, device.fields.host.as_str(), device.fields.upgrades)).collect();
        assert_eq!(
            devices,
            [(2, "i1.new.example", true), (4, "i2.new.example", false), (5, "l.new.example", false), (8, "camera.old.example", false)]
        );
    }

    #[test]
    fn what_a_file_names_is_normalized() {
        let file = "portfolio,plant,kind,device,device_kind,host\nNorth, OLD ,,Camera,camera,Camera.Old.Example\nNorth,Hill,wind,,,\nNorth,Hill,,I,inverter,i.other.example";
        let Named { plants, hosts } = named(file, &existing().host_rules);
        assert_eq!((plants, hosts), (["hill", "old"].map(str::to_owned).into(), ["camera.old.example".to_owned()].into()));
        assert!(named("North,Hill,wind", &existing().host_rules).plants.is_empty());
    }

    #[test]
    fn semicolons_and_missing_columns_are_accepted() {
        let planned = plan("kind;plant;portfolio\nwind;Hill;South\n", &existing());
        assert_eq!((planned.errors.len(), planned.plants.len(), planned.devices.len()), (0, 1, 0));
    }

    #[test]
    fn each_faulty_line_is_named() {
        let header = "portfolio,plant,kind,place,country,latitude,longitude,device,device_kind,host,upgrades\n";
        let check = |line: &str| errors(&format!("{header}{line}\n"));
        for (line, field) in [
            (",Hill,wind,,,,,,,,", "portfolio"),
            ("North,,wind,,,,,,,,", "plant"),
            ("North,Hill,,,,,,,,,", "kind"),
            ("North,Hill,hydro,,,,,,,,", "kind"),
            ("North,Hill,wind,,Germany,,,,,,", "country"),
            ("North,Hill,wind,,,91,0,,,,", "latitude"),
            ("North,Hill,wind,,,\"48,5\",0,,,,", "latitude"),
            ("North,Hill,wind,,,NaN,0,,,,", "latitude"),
            ("North,Hill,wind,,,1,,,,,", "longitude"),
            ("North,Hill,wind,,,,,,inverter,i.new.example,", "device"),
            ("North,Hill,wind,,,,,I,,i.new.example,", "device_kind"),
            ("North,Hill,wind,,,,,I,inverter,,", "host"),
            ("North,Hill,wind,,,,,I,inverter,i.other.example,", "host"),
            ("North,Hill,wind,,,,,I,inverter,10.0.0.1,", "host"),
            ("North,Hill,wind,,,,,I,inverter,site.new.example,", "host"),
            ("North,Hill,wind,,,,,I,inverter,LOGGER.old.example,", "host"),
            ("North,Hill,wind,,,,,I,inverter,i.new.example,maybe", "upgrades"),
            ("North,Old,,,,,,logger,logger,l.new.example,", "device"),
            ("North,Old,,,,,,,,,", "plant"),
            ("North,Old,solar,,,,,I,inverter,i.new.example,", "plant"),
            ("South,Old,,,,,,I,inverter,i.new.example,", "portfolio"),
            ("North,Hill,wind", ""),
            ("North,\"Hill\nTop\",wind,,,,,,,,", "plant"),
        ] {
            assert_eq!(check(line), [(2, field.to_owned())], "{line}");
        }
        let twice = "North,Hill,wind,,,,,A,a,a.new.example,\nNorth,Hill,,,,,,a,a,b.new.example,\nNorth,Hill,,,,,,C,c,A.new.example,\nNorth,Hill,wind,,,,,,,,";
        assert_eq!(check(twice), [(3, "device".to_owned()), (4, "host".to_owned()), (5, "plant".to_owned())]);
        // A faulty plant is named once, not again on the lines of its devices.
        let lines = "North,Hill,hydro,,,,,A,a,a.new.example,\nNorth,Hill,,,,,,B,b,b.new.example,";
        assert_eq!(check(lines), [(2, "kind".to_owned())]);
    }

    #[test]
    fn the_header_is_required() {
        for bad in
            ["", "\n", "North,Hill,wind\n", "portfolio,plant\nNorth,Hill\n", "portfolio,plant,kind,colour\n", "portfolio,plant,kind,kind\n"]
        {
            assert_eq!(errors(bad), [(1, String::new())], "{bad:?}");
        }
        assert_eq!(errors("portfolio,plant,kind\n"), [(1, String::new())]);
    }

    #[test]
    fn a_released_host_is_free_at_its_plant_alone() {
        let text = "portfolio,plant,kind,device,device_kind,host\nNorth,OLD,,A,a,a.old.example\nNorth,Hill,wind,B,b,b.old.example\n";
        let mut existing = existing();
        let old = FormerPlant { id: existing.plants[0].id.clone(), name: "Old".to_owned() };
        existing.former_plants = ["a.old.example", "b.old.example"].map(|host| (host.to_owned(), old.clone())).into();
        let refused = plan(text, &existing);
        assert_eq!(refused.errors.iter().map(|error| (error.line, error.field.as_str())).collect::<Vec<_>>(), [(3, "host")]);
        assert!(refused.errors[0].message.starts_with("Old had this host."), "{}", refused.errors[0].message);
        let planned = plan(text, &Existing { may_take_hosts: true, ..existing });
        let devices: Vec<_> = planned.devices.iter().map(|device| (device.line, device.former_plant.as_deref())).collect();
        assert_eq!((devices, planned.errors.len()), (vec![(2, None), (3, Some("Old"))], 0));
    }

    #[test]
    fn only_those_who_administer_create_portfolios() {
        let existing = Existing { may_create_portfolios: false, ..existing() };
        let planned = plan("portfolio,plant,kind\nSouth,Hill,wind\nNorth,Top,wind\n", &existing);
        assert_eq!(planned.errors.iter().map(|error| (error.line, error.field.as_str())).collect::<Vec<_>>(), [(2, "portfolio")]);
    }
}
