//! `whereabouts member`.

use anyhow::Context as _;
use clap::{Args, Subcommand};

use crate::{
    cli::{open_services, print_table, read_only},
    foundation::{
        config::{Config, Storage},
        db::Db,
        ids::OrganizationId,
    },
    permissions::{
        members::{
            actions,
            model::Member as Listed,
            store::{self, MemberRow},
        },
        model::{OrganizationRole, ScopeId},
        store::locate_scope,
    },
    reauthentication::actor::Actor,
    ui::date::date,
};

/// Members read at once.
const PAGE: i64 = 1_000;

#[derive(Subcommand)]
pub enum Member {
    /// Give a person a role in an organization. Prints the id of the person. The running server sends the emails.
    Set(Box<Set>),
    /// List the members of an organization.
    List {
        /// Id of the organization.
        #[arg(long, value_parser = parse_organization)]
        organization: OrganizationId,
        /// Print JSON.
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        storage: Storage,
    },
    /// Remove a member, and end all their grants in the organization. Prints the id of the person.
    Remove(Box<Remove>),
}

#[derive(Args)]
pub struct Set {
    /// Id of the organization.
    #[arg(long, value_parser = parse_organization)]
    organization: OrganizationId,
    /// Id, username or email address of the person.
    #[arg(long)]
    user: String,
    /// member, administrator or owner.
    #[arg(long, value_parser = parse_role)]
    role: OrganizationRole,
    /// Print JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten, next_help_heading = "Server settings")]
    config: Config,
}

#[derive(Args)]
pub struct Remove {
    /// Id of the organization.
    #[arg(long, value_parser = parse_organization)]
    organization: OrganizationId,
    /// Id, username or email address of the person.
    #[arg(long)]
    user: String,
    /// Print JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten, next_help_heading = "Server settings")]
    config: Config,
}

fn parse_role(key: &str) -> Result<OrganizationRole, String> {
    let keys = OrganizationRole::ALL.map(OrganizationRole::key).join(", ");
    OrganizationRole::parse(key).ok_or_else(|| format!("a role is one of {keys}"))
}

fn parse_organization(id: &str) -> Result<OrganizationId, String> {
    OrganizationId::parse(id).ok_or_else(|| "this is not the id of an organization".to_owned())
}

pub async fn run(member: Member) -> anyhow::Result<()> {
    match member {
        Member::Set(set) => run_set(*set).await,
        Member::List { organization, json, storage } => list(&organization, json, &storage).await,
        Member::Remove(remove) => run_remove(*remove).await,
    }
}

async fn run_set(Set { organization, user, role, json, config }: Set) -> anyhow::Result<()> {
    let services = open_services(config).await?;
    let set = actions::set(&services, Actor::CommandLine, &organization, &user, role).await;
    let member = set.with_context(|| format!("{user:?} could not be made {} of the organization {organization}", role.key()))?;
    match json {
        true => println!("{}", serde_json::to_string_pretty(&member)?),
        false => println!("{}", member.user.id),
    }
    Ok(())
}

async fn list(organization: &OrganizationId, json: bool, storage: &Storage) -> anyhow::Result<()> {
    let members: Vec<Listed> =
        read_only(storage, async |db: &Db| list_all(db, organization).await).await?.into_iter().map(Listed::from).collect();
    if json {
        println!("{}", serde_json::to_string_pretty(&members)?);
        return Ok(());
    }
    let state = |enabled: bool| if enabled { "enabled" } else { "disabled" }.to_owned();
    let row = |member: &Listed| {
        [member.user.id.to_string(), member.user.username.clone(), member.role.key().to_owned(), date(member.since), state(member.enabled)]
    };
    print_table(["ID", "USER", "ROLE", "SINCE", "STATE"], &members.iter().map(row).collect::<Vec<_>>());
    Ok(())
}

async fn list_all(db: &Db, organization: &OrganizationId) -> anyhow::Result<Vec<MemberRow>> {
    let mut db = db.read().await?;
    let found = locate_scope(&mut db, &ScopeId::Organization(organization.clone())).await?;
    anyhow::ensure!(found.is_some(), "there is no organization {organization}");
    let mut members: Vec<MemberRow> = Vec::new();
    loop {
        let after = members.last().map(|last| last.normalized_username.clone());
        let page = store::list(&mut db, organization, None, after.as_deref(), PAGE).await?;
        let is_last = page.len() < PAGE.unsigned_abs() as usize;
        members.extend(page);
        if is_last {
            return Ok(members);
        }
    }
}

async fn run_remove(Remove { organization, user, json, config }: Remove) -> anyhow::Result<()> {
    let services = open_services(config).await?;
    let removed = actions::remove(&services, Actor::CommandLine, &organization, &user).await;
    let removed = removed.with_context(|| format!("{user:?} could not be removed from the organization {organization}"))?;
    match json {
        true => println!("{}", serde_json::json!({ "grants_ended": removed.grants_ended })),
        false => println!("{}", removed.member.user.id),
    }
    Ok(())
}
