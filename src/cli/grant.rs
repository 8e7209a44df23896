//! `whereabouts grant`.

use anyhow::Context as _;
use chrono::{DateTime, Utc};
use clap::{Args, Subcommand};

use crate::{
    accounts::store as accounts,
    cli::{open_services, print_table, read_only, user::unknown_user_error},
    foundation::{
        clock::Clock,
        config::{Config, Storage},
        db::Db,
        ids::GrantId,
    },
    permissions::{
        grants::{
            actions as grants, emails,
            model::{GrantTerms, parse_scope},
            store::{self, Filter},
        },
        model::{Grant as Granted, Role},
    },
    reauthentication::actor::Actor,
};

/// Grants read at once.
const PAGE: i64 = 1_000;

#[derive(Subcommand)]
pub enum Grant {
    /// Grant a person access to plants. Prints the id of the grant. The running server sends the emails.
    Add(Box<Add>),
    /// List grants that have not ended, newest first.
    List(List),
    /// End a grant. A running server refuses the next request. Prints the id of the grant.
    Remove(Box<Remove>),
}

#[derive(Args)]
pub struct Add {
    /// Id, username or email address of the person.
    #[arg(long)]
    user: String,
    /// viewer, technician, operator or auditor.
    #[arg(long, value_parser = parse_role)]
    role: Role,
    #[command(flatten)]
    scope: Scope,
    /// Why.
    #[arg(long)]
    reason: String,
    /// When it ends, in RFC 3339, such as 2027-01-31T12:00:00Z. Without it the grant has no end.
    #[arg(long)]
    until: Option<DateTime<Utc>>,
    /// Name of the vendor that the person works for. Access of a vendor's person must end.
    #[arg(long)]
    vendor: Option<String>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten, next_help_heading = "Server settings")]
    config: Config,
}

#[derive(Args)]
#[group(required = true, multiple = false)]
pub struct Scope {
    /// Id of an organization, for access to all its plants.
    #[arg(long)]
    organization: Option<String>,
    /// Id of a portfolio, for access to its plants.
    #[arg(long)]
    portfolio: Option<String>,
    /// Id of a plant.
    #[arg(long)]
    plant: Option<String>,
}

#[derive(Args)]
pub struct List {
    /// Only grants of this person: id, username or email address.
    #[arg(long)]
    user: Option<String>,
    /// Only grants in the organization with this id.
    #[arg(long)]
    organization: Option<String>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    storage: Storage,
}

#[derive(Args)]
pub struct Remove {
    /// Id of the grant.
    id: String,
    /// Print JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten, next_help_heading = "Server settings")]
    config: Config,
}

fn parse_role(key: &str) -> Result<Role, String> {
    Role::parse(key).ok_or_else(|| format!("a role is one of {}", Role::ALL.map(Role::key).join(", ")))
}

pub async fn run(grant: Grant) -> anyhow::Result<()> {
    match grant {
        Grant::Add(add) => run_add(*add).await,
        Grant::List(list) => run_list(list).await,
        Grant::Remove(remove) => run_remove(*remove).await,
    }
}

async fn run_add(Add { user, role, scope, reason, until, vendor, json, config }: Add) -> anyhow::Result<()> {
    let Scope { organization, portfolio, plant } = scope;
    let scope = parse_scope(organization.as_deref(), portfolio.as_deref(), plant.as_deref())?;
    let terms = GrantTerms::new(scope, role, &reason, until, vendor.as_deref(), Clock::System.now())?;
    let services = open_services(config).await?;
    let person = accounts::find_enabled(&mut services.db.read().await?, &user).await?.ok_or_else(|| unknown_user_error(&user))?;
    print(&grants::create(&services, Actor::CommandLine, &person, &terms).await?, json)
}

async fn run_list(List { user, organization, json, storage }: List) -> anyhow::Result<()> {
    let organization = organization.map(|id| id.parse().with_context(|| format!("{id:?} is not the id of an organization"))).transpose()?;
    let filter = Filter { user, organization, ..Filter::default() };
    let grants = read_only(&storage, async |db: &Db| list_all(db, &filter).await).await?;
    if json {
        println!("{}", serde_json::to_string_pretty(&grants)?);
        return Ok(());
    }
    let rows: Vec<_> = grants
        .iter()
        .map(|grant| {
            let (person, until) = (grant.user.username.clone(), emails::until(grant.expires_at, "UTC"));
            [grant.id.to_string(), person, grant.role.key().to_owned(), emails::place(grant), until, grant.reason.clone()]
        })
        .collect();
    print_table(["ID", "USER", "ROLE", "WHERE", "UNTIL", "REASON"], &rows);
    Ok(())
}

async fn list_all(db: &Db, filter: &Filter) -> anyhow::Result<Vec<Granted>> {
    let (mut db, now) = (db.read().await?, Clock::System.now());
    let mut grants: Vec<Granted> = Vec::new();
    loop {
        let before = grants.last().map_or("", |grant| grant.id.as_str());
        let page = store::list(&mut db, None, filter, before, PAGE, now).await?;
        let is_last = page.len() < PAGE.unsigned_abs() as usize;
        grants.extend(page);
        if is_last {
            return Ok(grants);
        }
    }
}

async fn run_remove(Remove { id, json, config }: Remove) -> anyhow::Result<()> {
    let parsed = GrantId::parse(&id).with_context(|| format!("{id:?} is not the id of a grant"))?;
    let services = open_services(config).await?;
    let ended = grants::end(&services, Actor::CommandLine, &parsed).await;
    print(&ended.with_context(|| format!("the grant {id} could not be ended"))?, json)
}

/// Prints the id alone, or JSON.
fn print(grant: &Granted, json: bool) -> anyhow::Result<()> {
    match json {
        true => println!("{}", serde_json::to_string_pretty(grant)?),
        false => println!("{}", grant.id),
    }
    Ok(())
}
