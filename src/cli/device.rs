//! `whereabouts device`.

use clap::{Args, Subcommand};

use crate::{
    cli::{OrganizationListOptions, Output, Removal, json, open_services, parse_id, print_table},
    foundation::{config::Config, http::etag::IfMatch},
    plants::devices::{actions, model::NewDevice},
    reauthentication::actor::Actor,
};

#[derive(Subcommand)]
pub enum Device {
    /// Add a device to a plant.
    Add(Box<Add>),
    /// List devices.
    List(OrganizationListOptions),
    /// Remove a device.
    Remove(Box<Removal>),
}

#[derive(Args)]
pub struct Add {
    /// Id of the plant.
    #[arg(long)]
    plant: String,
    /// Name.
    #[arg(long)]
    name: String,
    /// Kind, for example "inverter".
    #[arg(long)]
    kind: String,
    /// Host name under a host suffix of the organization, without a port.
    #[arg(long)]
    host: String,
    /// Let connections be upgraded, for example to a WebSocket.
    #[arg(long)]
    upgrades: bool,
    #[command(flatten)]
    output: Output,
    #[command(flatten, next_help_heading = "Server settings")]
    config: Config,
}

pub async fn run(device: Device) -> anyhow::Result<()> {
    match device {
        Device::Add(add) => run_add(*add).await,
        Device::List(options) => list(&options).await,
        Device::Remove(removal) => remove(*removal).await,
    }
}

async fn run_add(Add { plant, name, kind, host, upgrades, output, config }: Add) -> anyhow::Result<()> {
    let services = open_services(config).await?;
    let created = actions::create(&services, Actor::CommandLine, &NewDevice { plant, name, kind, host, upgrades }).await?;
    output.print(&created.id, &created)
}

async fn list(options: &OrganizationListOptions) -> anyhow::Result<()> {
    let devices = options.read(async |db, organization| Ok(actions::list_all(db, organization).await?)).await?;
    if options.list.json {
        return json(&devices);
    }
    let rows: Vec<_> = devices
        .into_iter()
        .map(|device| [device.id.to_string(), device.name, device.kind, device.host, device.plant.to_string()])
        .collect();
    print_table(["ID", "NAME", "KIND", "HOST", "PLANT"], &rows);
    Ok(())
}

async fn remove(Removal { id, config }: Removal) -> anyhow::Result<()> {
    let id = parse_id(&id)?;
    let services = open_services(config).await?;
    actions::delete(&services, Actor::CommandLine, &id, &IfMatch::default()).await?;
    println!("The device was removed.");
    Ok(())
}
