//! The command line: one file a command.

mod demo;
mod environment;
mod healthcheck;
mod invite;
mod login;
mod migrate;
mod remote;
mod seed;
mod serve;
mod session;
mod sessions;
mod user;

pub use serve::{options as serve_options, start_services};

use std::{ffi::OsString, process::ExitCode, sync::Arc};

use clap::{Parser, Subcommand, error::ErrorKind};

use crate::foundation::{
    clock::Clock,
    config::{Config, Storage},
    db::Db,
    hub::{Change, publish_from_outside},
    ids::{SessionId, UserId},
    services::Services,
};

/// See where an account is signed in, and sign out, at once, what is not recognised.
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
    /// Bring the database to this version.
    Migrate(Storage),
    /// Add, list, disable and enable accounts.
    #[command(subcommand)]
    User(user::User),
    /// Mail somebody a link that makes an account. The running server sends it.
    Invite(Box<invite::Invite>),
    /// List and end a person's sessions.
    #[command(subcommand)]
    Session(session::Session),
    /// Sign in to a server, as its client.
    #[command(after_help = EXIT_CODES)]
    Login(login::Login),
    /// List where your account is signed in, at the server that you signed in to.
    #[command(after_help = EXIT_CODES)]
    Sessions(sessions::Sessions),
    /// End one of your sessions there, or all others.
    #[command(after_help = EXIT_CODES)]
    Revoke(sessions::Revoke),
    /// Sign out there.
    #[command(after_help = EXIT_CODES)]
    Logout,
    /// Print the description of the API: OpenAPI 3.1, JSON.
    Openapi,
    /// Fill a database for benchmarks.
    Seed(seed::Seed),
    /// Fill a database with people, devices and places to look at.
    Demo(demo::Demo),
    /// Ask a running server whether it is ready.
    Healthcheck(healthcheck::Healthcheck),
}

const EXIT_CODES: &str = "Exit codes: 0 done; 1 refused, the words say why; 2 the command line is wrong; 3 not signed in; 4 no such session; 5 the server does not answer.\n\
    An API token serves instead of a sign-in: set WHEREABOUTS_TOKEN and WHEREABOUTS_URL.";

/// Does what the command line says. A failure is one clear line (OPS-3).
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let cli = match environment::parse::<Cli>(arguments) {
        Ok(cli) => cli,
        Err(error) if error.kind() == ErrorKind::InvalidValue || error.kind() == ErrorKind::ValueValidation => {
            eprintln!("whereabouts: {}", one_line(error));
            return ExitCode::from(2);
        }
        // Help was asked for, or is.
        Err(error) => error.exit(),
    };
    let runtime = tokio::runtime::Runtime::new().expect("the system gives threads");
    let done = runtime.block_on(dispatch(cli.command));
    // Files that are still being loaded on a thread of their own hold up no stop.
    runtime.shutdown_background();
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("whereabouts: {error:#}");
            error.downcast_ref::<remote::Failure>().map_or(ExitCode::FAILURE, remote::Failure::exit_code)
        }
    }
}

/// The line of clap's words that says what is wrong.
fn one_line(error: clap::Error) -> anyhow::Error {
    let words = error.to_string();
    anyhow::anyhow!("{}", words.lines().next().unwrap_or_default().trim_start_matches("error: "))
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
        Command::Login(login) => login::run(login).await,
        Command::Sessions(wanted) => sessions::list(wanted).await,
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

/// Opens the database of a command, at this version.
async fn open(storage: &Storage) -> anyhow::Result<Db> {
    serve::make_private_folder(&storage.data_dir)?;
    let db = Db::open(&storage.url()).await?;
    db.migrate().await?;
    Ok(db)
}

/// Opens what a command needs that sends mails: the database at this version, keys, and the settings of the server.
async fn open_services(config: Config) -> anyhow::Result<Arc<Services>> {
    serve::make_private_folder(&config.storage.data_dir)?;
    start_services(config).await
}

/// Tells a running server that these sessions ended, so that their open pages leave. Only late, not wrong, where that fails: each
/// page finds out by itself within seconds.
async fn publish_ended(db: &Db, user: &UserId, sessions: Vec<SessionId>) {
    if let Err(error) = publish_from_outside(db, Clock::System.now(), user, &Change::Ended(sessions)).await {
        eprintln!("whereabouts: the running server could not be notified; its open pages close a few seconds later: {error}");
    }
}

/// Runs a query of a command that only reads. The database must be there, at this version: nothing is created or migrated.
async fn read_only<T>(storage: &Storage, query: impl AsyncFnOnce(&Db) -> anyhow::Result<T>) -> anyhow::Result<T> {
    let db = Db::open_read_only(&storage.url()).await?;
    let answer = match db.ensure_schema_is_current().await {
        Ok(()) => query(&db).await,
        Err(error) => Err(error),
    };
    // Not by the end of the process, which would leave SQLite's `-wal` and `-shm` files behind.
    db.close().await;
    answer
}

/// The one line on standard input that is a password.
fn password_from_stdin() -> anyhow::Result<secrecy::SecretString> {
    let mut line = String::new();
    std::io::stdin().read_line(&mut line)?;
    Ok(line.trim_end_matches(['\r', '\n']).into())
}

/// Prints a table whose columns are as wide as they must be.
fn print_table<const N: usize>(header: [&str; N], rows: &[[String; N]]) {
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).chain([header[column].len()]).max().unwrap_or(0);
    let widths: [usize; N] = std::array::from_fn(width);
    let line = |cells: [&str; N]| {
        let padded = cells.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}"));
        println!("{}", padded.collect::<Vec<_>>().join("  ").trim_end());
    };
    line(header);
    for row in rows {
        line(row.each_ref().map(String::as_str));
    }
}
