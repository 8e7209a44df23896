//! `whereabouts user`.

use clap::{Args, Subcommand};
use secrecy::ExposeSecret;

use crate::{
    accounts::actions::{self as accounts, NewAccount},
    admin::actions as admin,
    authentication::{password::rules, registration::actions as registration},
    cli::{open, open_services, password_from_stdin, print_table, publish_ended, read_only},
    foundation::{
        config::{Config, Storage},
        crypto::hasher,
        db::Db,
    },
    reauthentication::actor::Actor,
};

#[derive(Subcommand)]
pub enum User {
    /// Add an account.
    Add(Box<Add>),
    /// List accounts.
    List {
        /// Print JSON.
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        storage: Storage,
    },
    /// Disable an account: refuse its sign-ins and end its sessions.
    Disable(UserArguments),
    /// Enable a disabled account.
    Enable(UserArguments),
    /// Email a password reset link to a user. The running server sends the email.
    ResetPassword(Box<Reset>),
}

#[derive(Args)]
pub struct Add {
    /// Username, for signing in.
    #[arg(long)]
    username: String,
    /// Email address, for signing in and notifications.
    #[arg(long)]
    email: String,
    /// Create an administrator account.
    #[arg(long)]
    admin: bool,
    /// Read the password from standard input, one line, instead of prompting for it.
    #[arg(long)]
    password_stdin: bool,
    #[command(flatten, next_help_heading = "Server settings")]
    config: Config,
}

#[derive(Args)]
pub struct UserArguments {
    /// Username or email address.
    user: String,
    #[command(flatten)]
    storage: Storage,
}

#[derive(Args)]
pub struct Reset {
    /// Username or email address.
    user: String,
    #[command(flatten, next_help_heading = "Server settings")]
    config: Config,
}

pub async fn run(user: User) -> anyhow::Result<()> {
    match user {
        User::Add(add) => run_add(*add).await,
        User::List { json, storage } => list(json, &storage).await,
        User::Disable(arguments) => disable(&arguments).await,
        User::Enable(arguments) => enable(&arguments).await,
        User::ResetPassword(reset) => reset_password(*reset).await,
    }
}

async fn run_add(Add { username, email, admin, password_stdin, config }: Add) -> anyhow::Result<()> {
    let password = if password_stdin { password_from_stdin()? } else { rpassword::prompt_password("Password: ")?.into() };
    let account = NewAccount { username, email, password, is_admin: admin };
    account.check()?;
    rules::check("password", account.password.expose_secret(), &[&account.username, &account.email])?;
    let hash = hasher::hash(&account.password);
    let account = if admin {
        // The other administrators are notified by mail.
        let services = open_services(config).await?;
        registration::add_administrator(&services, account, &hash).await?
    } else {
        let (db, recorder) = open(&config.storage).await?;
        registration::add_account(&db, &recorder, account, &hash).await?
    };
    println!("{} can sign in now.", account.username);
    Ok(())
}

async fn list(json: bool, storage: &Storage) -> anyhow::Result<()> {
    let accounts = read_only(storage, async |db: &Db| Ok(accounts::list(db).await?)).await?;
    if json {
        println!("{}", serde_json::to_string_pretty(&accounts)?);
        return Ok(());
    }
    let state = |disabled: bool| if disabled { "disabled" } else { "enabled" }.to_owned();
    let role = |admin: bool| if admin { "administrator" } else { "member" }.to_owned();
    let rows: Vec<_> = accounts
        .into_iter()
        .map(|listed| [listed.account.username, listed.account.email, role(listed.account.is_admin), state(listed.disabled_at.is_some())])
        .collect();
    print_table(["USERNAME", "EMAIL", "ROLE", "STATE"], &rows);
    Ok(())
}

async fn disable(UserArguments { user, storage }: &UserArguments) -> anyhow::Result<()> {
    let (db, recorder) = open(storage).await?;
    let found = accounts::find(&db, user).await.map_err(|_| unknown_user_error(user))?;
    let ended = admin::disable(&db, &recorder, &found.account.id, Actor::CommandLine).await?;
    println!("{} can no longer sign in. Sessions ended: {}.", found.account.username, ended.len());
    publish_ended(&db, &found.account.id, ended).await;
    Ok(())
}

async fn enable(UserArguments { user, storage }: &UserArguments) -> anyhow::Result<()> {
    let (db, recorder) = open(storage).await?;
    let found = accounts::find(&db, user).await.map_err(|_| unknown_user_error(user))?;
    admin::enable(&db, &recorder, &found.account.id, Actor::CommandLine).await?;
    println!("{} can sign in again.", found.account.username);
    Ok(())
}

async fn reset_password(Reset { user, config }: Reset) -> anyhow::Result<()> {
    let services = open_services(config).await?;
    let found = accounts::find(&services.db, &user).await.map_err(|_| unknown_user_error(&user))?;
    admin::start_reset(&services, &found.account, Actor::CommandLine).await?;
    println!("A password reset link is on its way to {}.", found.account.email);
    Ok(())
}

pub fn unknown_user_error(user: &str) -> anyhow::Error {
    anyhow::anyhow!("there is no user {user:?}")
}
