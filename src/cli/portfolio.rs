//! `whereabouts portfolio`.

use clap::{Args, Subcommand};

use crate::{
    cli::{OrganizationListOptions, Output, Removal, json, open_services, parse_id, print_table},
    foundation::config::Config,
    plants::portfolios::{actions, model::NewPortfolio},
    reauthentication::actor::Actor,
};

#[derive(Subcommand)]
pub enum Portfolio {
    /// Add a portfolio to an organization.
    Add(Box<Add>),
    /// List portfolios.
    List(OrganizationListOptions),
    /// Remove a portfolio with its plants, devices and grants.
    Remove(Box<Removal>),
}

#[derive(Args)]
pub struct Add {
    /// Id of the organization.
    #[arg(long)]
    organization: String,
    /// Name.
    #[arg(long)]
    name: String,
    #[command(flatten)]
    output: Output,
    #[command(flatten, next_help_heading = "Server settings")]
    config: Config,
}

pub async fn run(portfolio: Portfolio) -> anyhow::Result<()> {
    match portfolio {
        Portfolio::Add(add) => run_add(*add).await,
        Portfolio::List(options) => list(&options).await,
        Portfolio::Remove(removal) => remove(*removal).await,
    }
}

async fn run_add(Add { organization, name, output, config }: Add) -> anyhow::Result<()> {
    let services = open_services(config).await?;
    let created = actions::create(&services, Actor::CommandLine, &NewPortfolio { organization, name }).await?;
    output.print(&created.id, &created)
}

async fn list(options: &OrganizationListOptions) -> anyhow::Result<()> {
    let portfolios = options.read(async |db, organization| Ok(actions::list_all(db, organization).await?)).await?;
    if options.list.json {
        return json(&portfolios);
    }
    let rows: Vec<_> = portfolios.into_iter().map(|found| [found.id.to_string(), found.name, found.organization.to_string()]).collect();
    print_table(["ID", "NAME", "ORGANIZATION"], &rows);
    Ok(())
}

async fn remove(Removal { id, config }: Removal) -> anyhow::Result<()> {
    let id = parse_id(&id)?;
    let services = open_services(config).await?;
    actions::delete(&services, Actor::CommandLine, &id, None).await?;
    println!("The portfolio was removed.");
    Ok(())
}
