//! `whereabouts organization`.

use clap::{Args, Subcommand};

use crate::{
    cli::{ListOptions, Output, Removal, json, open_services, parse_id, print_table, read_only},
    foundation::{config::Config, db::Db},
    plants::organizations::{
        actions,
        model::{NewOrganization, OrganizationDetails},
    },
    reauthentication::actor::Actor,
};

#[derive(Subcommand)]
pub enum Organization {
    /// Add an organization.
    Add(Box<Add>),
    /// List organizations.
    List(ListOptions),
    /// Remove an organization with its portfolios, plants, devices, members and grants.
    Remove(Box<Removal>),
}

#[derive(Args)]
pub struct Add {
    /// Name.
    #[arg(long)]
    name: String,
    /// Id, username or email address of the first owner.
    #[arg(long)]
    owner: Option<String>,
    /// Domain under which its devices lie. Can be repeated.
    #[arg(long = "host-suffix")]
    host_suffixes: Vec<String>,
    #[command(flatten)]
    output: Output,
    #[command(flatten, next_help_heading = "Server settings")]
    config: Config,
}

pub async fn run(organization: Organization) -> anyhow::Result<()> {
    match organization {
        Organization::Add(add) => run_add(*add).await,
        Organization::List(options) => list(&options).await,
        Organization::Remove(removal) => remove(*removal).await,
    }
}

async fn run_add(Add { name, owner, host_suffixes, output, config }: Add) -> anyhow::Result<()> {
    let services = open_services(config).await?;
    let request = NewOrganization { name, owner, host_suffixes };
    let created = actions::create(&services, Actor::CommandLine, &request).await?;
    output.print(&created.organization.id, &created)
}

async fn list(options: &ListOptions) -> anyhow::Result<()> {
    let organizations = read_only(&options.storage, async |db: &Db| Ok(actions::list_all(db).await?)).await?;
    if options.json {
        return json(&organizations);
    }
    let rows: Vec<_> = organizations
        .into_iter()
        .map(|OrganizationDetails { organization, host_suffixes, .. }| {
            [organization.id.to_string(), organization.name, host_suffixes.unwrap_or_default().join(", ")]
        })
        .collect();
    print_table(["ID", "NAME", "HOST SUFFIXES"], &rows);
    Ok(())
}

async fn remove(Removal { id, config }: Removal) -> anyhow::Result<()> {
    let id = parse_id(&id)?;
    let services = open_services(config).await?;
    actions::delete(&services, Actor::CommandLine, &id).await?;
    println!("The organization was removed.");
    Ok(())
}
