//! The command line: one file per command.

mod audit;
mod bulk;
mod demo;
mod device;
mod environment;
mod grant;
mod healthcheck;
mod invite;
mod login;
mod member;
mod migrate;
mod organization;
mod plant;
mod portfolio;
mod remote;
mod seed;
mod serve;
mod session;
mod sessions;
mod user;

pub use serve::{options as serve_options, start_services};

use std::{env::ArgsOs, process::ExitCode, str::FromStr, sync::Arc};

use clap::{Args, Parser, Subcommand, error::ErrorKind};
use comfy_table::{Table, presets::NOTHING};

use crate::{
    audit::seal::actions as seal,
    foundation::{
        clock::Clock,
        config::{Config, Storage},
        crypto::keyring::Keyring,
        db::Db,
        hub::{SessionEvent, publish_from_cli},
        ids::{OrganizationId, SessionId, UserId},
        services::Services,
    },
    record::{self, Recorder},
};

/// See where your account is signed in, and immediately sign out anything you do not recognize.
#[derive(Parser)]
#[command(version)]
pub struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Serve the site (the default).
    Serve(Box<crate::foundation::config::Config>),
    /// Migrate the database to the schema version of this program.
    Migrate(Storage),
    /// Add, list, disable and enable accounts.
    #[command(subcommand)]
    User(user::User),
    /// Invite someone by email to create an account. The running server sends the email.
    Invite(Box<invite::Invite>),
    /// List and revoke a user's sessions.
    #[command(subcommand)]
    Session(session::Session),
    /// Grant access to plants, list grants and end them.
    #[command(subcommand)]
    Grant(grant::Grant),
    /// Give people roles in organizations, list members and remove them.
    #[command(subcommand)]
    Member(member::Member),
    /// Add, list and remove organizations.
    #[command(subcommand)]
    Organization(organization::Organization),
    /// Add, list and remove portfolios.
    #[command(subcommand)]
    Portfolio(portfolio::Portfolio),
    /// Add, list, remove and import plants; close and reopen remote access.
    #[command(subcommand)]
    Plant(plant::Plant),
    /// Add, list and remove devices.
    #[command(subcommand)]
    Device(device::Device),
    /// Verify the audit log and receipts.
    #[command(subcommand)]
    Audit(audit::Audit),
    /// Sign in to a server.
    #[command(after_help = EXIT_CODES)]
    Login(login::Login),
    /// List the sessions of your account on the server that you are signed in to.
    #[command(after_help = EXIT_CODES)]
    Sessions(sessions::Sessions),
    /// Revoke one of your sessions, or all others.
    #[command(after_help = EXIT_CODES)]
    Revoke(sessions::Revoke),
    /// Sign out of the server.
    #[command(after_help = EXIT_CODES)]
    Logout,
    /// Print the OpenAPI 3.1 description of the API as JSON.
    Openapi,
    /// Fill a database for benchmarks.
    Seed(seed::Seed),
    /// Fill an empty database with sample people, plants, devices and sessions.
    Demo(demo::Demo),
    /// Check whether a running server is ready.
    Healthcheck(healthcheck::Healthcheck),
}

const EXIT_CODES: &str = "Exit codes: 0 success; 1 failure, with the reason on standard error; 2 invalid command line; 3 not signed in; 4 session not found; 5 server unreachable.\n\
    To use an API token instead of signing in, set WHEREABOUTS_TOKEN and WHEREABOUTS_URL.";

/// Runs the command line. Prints a failure as one clear line (OPS-3).
///
/// Not generic: otherwise all that it reaches would be compiled a second time, with the program.
pub fn run(arguments: ArgsOs) -> ExitCode {
    let cli = match environment::parse::<Cli>(arguments) {
        Ok(cli) => cli,
        Err(error) if error.kind() == ErrorKind::InvalidValue || error.kind() == ErrorKind::ValueValidation => {
            eprintln!("whereabouts: {}", one_line(error));
            return ExitCode::from(2);
        }
        // Help was requested, or is needed.
        Err(error) => error.exit(),
    };
    let runtime = tokio::runtime::Runtime::new().expect("the system gives threads");
    let result = runtime.block_on(dispatch(cli.command));
    // Does not wait for files that are still being loaded on their own threads.
    runtime.shutdown_background();
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("whereabouts: {error:#}");
            let by_server = error.downcast_ref::<remote::Failure>().map(remote::Failure::exit_code);
            let by_audit = error.downcast_ref::<audit::Failure>().map(audit::Failure::exit_code);
            by_server.or(by_audit).unwrap_or(ExitCode::FAILURE)
        }
    }
}

/// Returns the line of clap's message that says what is wrong.
fn one_line(error: clap::Error) -> anyhow::Error {
    let message = error.to_string();
    anyhow::anyhow!("{}", message.lines().next().unwrap_or_default().trim_start_matches("error: "))
}

async fn dispatch(command: Option<Command>) -> anyhow::Result<()> {
    let command = match command {
        Some(command) => command,
        None => Command::Serve(Box::new(serve::from_environment()?)),
    };
    match command {
        Command::Serve(config) => serve::run(*config).await,
        Command::Migrate(storage) => migrate::run(&storage).await,
        Command::User(user) => user::run(user).await,
        Command::Invite(invite) => invite::run(*invite).await,
        Command::Session(session) => session::run(session).await,
        Command::Grant(grant) => grant::run(grant).await,
        Command::Member(member) => member::run(member).await,
        Command::Organization(organization) => organization::run(organization).await,
        Command::Portfolio(portfolio) => portfolio::run(portfolio).await,
        Command::Plant(plant) => plant::run(plant).await,
        Command::Device(device) => device::run(device).await,
        Command::Audit(audit) => audit::run(audit).await,
        Command::Login(login) => login::run(login).await,
        Command::Sessions(sessions) => sessions::list(sessions).await,
        Command::Revoke(revoke) => sessions::revoke(revoke).await,
        Command::Logout => login::log_out().await,
        Command::Openapi => openapi(),
        Command::Seed(seed) => seed::run(seed).await,
        Command::Demo(demo) => demo::run(demo).await,
        Command::Healthcheck(check) => healthcheck::run(&check).await,
    }
}

fn openapi() -> anyhow::Result<()> {
    println!("{}", crate::api::description().to_pretty_json()?);
    Ok(())
}

/// Opens the database for a command, and migrates it to this version.
async fn open(storage: &Storage) -> anyhow::Result<(Db, Recorder)> {
    serve::create_private_folder(&storage.data_dir)?;
    let db = Db::open(&storage.url()).await?;
    Keyring::check(&storage.data_dir)?;
    db.migrate().await?;
    let keyring = Keyring::open(&storage.data_dir)?;
    seal::check_key(&db, &keyring).await?;
    crate::accounts::actions::normalize_names(&db).await?;
    record::carry_over(&db, &keyring).await?;
    Ok((db, Recorder::new(Clock::System, Arc::new(keyring), None)))
}

/// Opens what a command that sends mails needs: the database, migrated to this version, keys, and the server's settings.
async fn open_services(config: Config) -> anyhow::Result<Arc<Services>> {
    serve::create_private_folder(&config.storage.data_dir)?;
    start_services(config).await
}

/// Notifies a running server that these sessions ended, so that their open pages leave. If this fails, the pages only leave later: each
/// notices by itself within seconds.
async fn publish_ended(db: &Db, user: &UserId, sessions: Vec<SessionId>) {
    if let Err(error) = publish_from_cli(db, Clock::System.now(), user, &SessionEvent::Ended(sessions)).await {
        eprintln!("whereabouts: the running server could not be notified; its open pages close a few seconds later: {error}");
    }
}

/// Runs a query for a command that only reads. The database must exist at this version: nothing is created or migrated.
async fn read_only<T>(storage: &Storage, query: impl AsyncFnOnce(&Db) -> anyhow::Result<T>) -> anyhow::Result<T> {
    let db = Db::open_read_only(&storage.url()).await?;
    let result = match db.ensure_schema_is_current().await {
        Ok(()) => query(&db).await,
        Err(error) => Err(error),
    };
    // The end of the process alone would leave SQLite's `-wal` and `-shm` files behind.
    db.close().await;
    result
}

/// Reads a password, one line, from standard input.
fn password_from_stdin() -> anyhow::Result<secrecy::SecretString> {
    let mut line = String::new();
    std::io::stdin().read_line(&mut line)?;
    Ok(line.trim_end_matches(['\r', '\n']).into())
}

/// How a command prints what it created.
#[derive(Args)]
struct Output {
    /// Print JSON instead of the id.
    #[arg(long)]
    json: bool,
}

impl Output {
    /// Prints the id alone, or the whole thing as JSON.
    fn print(&self, id: &impl std::fmt::Display, created: &impl serde::Serialize) -> anyhow::Result<()> {
        if self.json {
            return json(created);
        }
        println!("{id}");
        Ok(())
    }
}

/// Options of a command that lists something.
#[derive(Args)]
struct ListOptions {
    /// Print JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    storage: Storage,
}

/// Options of a command that lists something of organizations.
#[derive(Args)]
struct OrganizationListOptions {
    /// Id of an organization: list only what belongs to it.
    #[arg(long)]
    organization: Option<String>,
    #[command(flatten)]
    list: ListOptions,
}

impl OrganizationListOptions {
    /// Runs a query for a command that only reads, with the organization.
    async fn read<T>(&self, query: impl AsyncFnOnce(&Db, Option<&OrganizationId>) -> anyhow::Result<T>) -> anyhow::Result<T> {
        let organization = self.organization.as_deref().map(parse_id).transpose()?;
        read_only(&self.list.storage, async |db: &Db| query(db, organization.as_ref()).await).await
    }
}

/// Options of a command that removes or changes one thing.
#[derive(Args)]
struct Removal {
    /// Id, as the command `list` shows it.
    id: String,
    #[command(flatten, next_help_heading = "Server settings")]
    config: Config,
}

/// Parses an id of the command line.
fn parse_id<T: FromStr>(id: &str) -> anyhow::Result<T> {
    id.parse().map_err(|_| anyhow::anyhow!("{id:?} is not an id"))
}

/// Prints JSON.
fn json(value: &impl serde::Serialize) -> anyhow::Result<()> {
    println!("{}", serde_json::to_string_pretty(value)?);
    Ok(())
}

/// Prints a table with aligned columns.
fn print_table<const N: usize>(header: [&str; N], rows: &[[String; N]]) {
    let mut table = Table::new();
    table.load_style(NOTHING).set_header(header).add_rows(rows);
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    println!("{}", table.trim_fmt());
}
