//! `whereabouts plant`.

use std::path::PathBuf;

use anyhow::Context as _;
use clap::{Args, Subcommand};

use crate::{
    cli::{OrganizationListOptions, Output, Removal, json, open_services, parse_id, print_table},
    foundation::{clock::Clock, config::Config, http::etag::IfMatch},
    plants::{
        actions, closure,
        fields::NewPlant,
        import::{actions as import, plan::Plan},
    },
    reauthentication::actor::Actor,
};

#[derive(Subcommand)]
pub enum Plant {
    /// Add a plant to a portfolio.
    Add(Box<Add>),
    /// List plants.
    List(OrganizationListOptions),
    /// Remove a plant with its devices and grants.
    Remove(Box<Removal>),
    /// Close remote access of a plant: from the next request, no device answers anybody.
    Close(Box<Close>),
    /// Reopen remote access of a plant.
    Reopen(Box<Reopen>),
    /// Import plants and devices from a CSV file. Writes nothing unless every line is right.
    Import(Box<Import>),
}

#[derive(Args)]
pub struct Add {
    /// Id of the portfolio.
    #[arg(long)]
    portfolio: String,
    /// Name.
    #[arg(long)]
    name: String,
    /// Kind: solar, wind or storage.
    #[arg(long)]
    kind: String,
    /// Town or region.
    #[arg(long)]
    place: Option<String>,
    /// Two letters of the country, such as DE.
    #[arg(long)]
    country: Option<String>,
    /// Degrees north.
    #[arg(long, allow_negative_numbers = true)]
    latitude: Option<f64>,
    /// Degrees east.
    #[arg(long, allow_negative_numbers = true)]
    longitude: Option<f64>,
    /// Capacity in kilowatts.
    #[arg(long)]
    capacity_kw: Option<f64>,
    /// IANA name of the time zone, such as Europe/Berlin.
    #[arg(long)]
    time_zone: Option<String>,
    #[command(flatten)]
    output: Output,
    #[command(flatten, next_help_heading = "Server settings")]
    config: Config,
}

#[derive(Args)]
pub struct Close {
    /// Id of the plant.
    id: String,
    /// Why it is closed. The owners of the organization and everybody who sees the plant can read it.
    #[arg(long)]
    reason: String,
    #[command(flatten)]
    output: Output,
    #[command(flatten, next_help_heading = "Server settings")]
    config: Config,
}

#[derive(Args)]
pub struct Reopen {
    /// Id of the plant.
    id: String,
    #[command(flatten)]
    output: Output,
    #[command(flatten, next_help_heading = "Server settings")]
    config: Config,
}

#[derive(Args)]
#[command(
    after_help = "Columns: portfolio, plant, kind, place, country, latitude, longitude, capacity_kw, time_zone, device, device_kind, \
    host, upgrades. The first three are required. One line per device, or per plant without devices."
)]
pub struct Import {
    /// The CSV file.
    file: PathBuf,
    /// Id of the organization.
    #[arg(long)]
    organization: String,
    /// Say what would be created, and write nothing.
    #[arg(long)]
    dry_run: bool,
    /// Print JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten, next_help_heading = "Server settings")]
    config: Config,
}

pub async fn run(plant: Plant) -> anyhow::Result<()> {
    match plant {
        Plant::Add(add) => run_add(*add).await,
        Plant::List(options) => list(&options).await,
        Plant::Remove(removal) => remove(*removal).await,
        Plant::Close(arguments) => close(*arguments).await,
        Plant::Reopen(arguments) => reopen(*arguments).await,
        Plant::Import(arguments) => run_import(*arguments).await,
    }
}

async fn run_add(add: Add) -> anyhow::Result<()> {
    let Add { portfolio, name, kind, place, country, latitude, longitude, capacity_kw, time_zone, output, config } = add;
    let request = NewPlant { portfolio, name, kind, place, country_code: country, latitude, longitude, capacity_kw, time_zone };
    let services = open_services(config).await?;
    let created = actions::create(&services, Actor::CommandLine, &request).await?;
    output.print(&created.id, &created)
}

async fn list(options: &OrganizationListOptions) -> anyhow::Result<()> {
    let now = Clock::System.now();
    let plants = options.read(async |db, organization| Ok(actions::list_all(db, organization, now).await?)).await?;
    if options.list.json {
        return json(&plants);
    }
    let state = |closed: bool| if closed { "closed" } else { "open" }.to_owned();
    let rows: Vec<_> = plants
        .into_iter()
        .map(|plant| {
            let (id, kind, access) = (plant.id.to_string(), plant.kind.key().to_owned(), state(plant.remote_access.closed));
            [id, plant.name, kind, plant.portfolio.to_string(), plant.devices.to_string(), access]
        })
        .collect();
    print_table(["ID", "NAME", "KIND", "PORTFOLIO", "DEVICES", "REMOTE ACCESS"], &rows);
    Ok(())
}

async fn remove(Removal { id, config }: Removal) -> anyhow::Result<()> {
    let id = parse_id(&id)?;
    let services = open_services(config).await?;
    actions::delete(&services, Actor::CommandLine, &id, &IfMatch::default()).await?;
    println!("The plant was removed.");
    Ok(())
}

async fn close(Close { id, reason, output, config }: Close) -> anyhow::Result<()> {
    let id = parse_id(&id)?;
    let services = open_services(config).await?;
    let plant = closure::actions::close(&services, Actor::CommandLine, &id, &reason).await?;
    output.print(&plant.id, &plant)
}

async fn reopen(Reopen { id, output, config }: Reopen) -> anyhow::Result<()> {
    let id = parse_id(&id)?;
    let services = open_services(config).await?;
    let plant = closure::actions::reopen(&services, Actor::CommandLine, &id).await?;
    output.print(&plant.id, &plant)
}

async fn run_import(Import { file, organization, dry_run, json: as_json, config }: Import) -> anyhow::Result<()> {
    let text = std::fs::read(&file).with_context(|| format!("{} cannot be read", file.display()))?;
    let text = String::from_utf8(text).with_context(|| format!("{} is not UTF-8", file.display()))?;
    let organization = parse_id(&organization)?;
    let services = open_services(config).await?;
    let plan = match dry_run {
        true => import::preview(&services, Actor::CommandLine, &organization, &text).await?,
        false => import::import(&services, Actor::CommandLine, &organization, &text).await?,
    };
    if as_json {
        json(&plan)?;
    }
    report(&plan, dry_run, as_json)
}

/// Prints what an import created, or what is wrong with its file.
fn report(Plan { portfolios, plants, devices, errors }: &Plan, dry_run: bool, as_json: bool) -> anyhow::Result<()> {
    if !as_json {
        for error in errors {
            let column = if error.field.is_empty() { String::new() } else { format!(", {}", error.field) };
            eprintln!("line {}{column}: {}", error.line, error.message);
        }
    }
    anyhow::ensure!(errors.is_empty(), "nothing was imported: the file has {} errors", errors.len());
    if !as_json {
        let verb = if dry_run { "Would be created" } else { "Created" };
        println!("{verb}: {} portfolios, {} plants, {} devices.", portfolios.len(), plants.len(), devices.len());
    }
    Ok(())
}
