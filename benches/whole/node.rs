//! A server with many users' sessions in its database, and its clients.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    path::Path,
    process::Stdio,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use anyhow::Context as _;
use axum::{Json, Router, routing::get};
use clap::Parser;
use reqwest::Client;
use serde_json::{Value, json};
use sqlx::Connection as _;
use tokio::{io::AsyncWriteExt, net::TcpListener, process::Command};
use whereabouts::{
    accounts::model::Account,
    cli,
    foundation::{config::Config, crypto::secret::Secret, services::Services, supervisor::Supervisor},
    server::{self, Site, Worker},
    sessions::store,
};

pub const PASSWORD: &str = "correct horse battery";
/// The route that returns the same response as `/api/v1/me` without a look-up.
pub const NO_LOOK_UP: &str = "/no-look-up";

/// A running server.
pub struct Node {
    addr: SocketAddr,
    http: Client,
    database_url: String,
    folder: tempfile::TempDir,
    seed_count: AtomicUsize,
    _workers: Supervisor,
    pub services: Arc<Services>,
    /// Tokens of one user who has 1,000 sessions.
    pub tokens: Vec<String>,
}

/// A user with sessions.
pub struct User {
    pub name: String,
    /// Ids of the sessions, in the order of their tokens.
    sessions: Vec<String>,
    tokens: Vec<String>,
}

impl User {
    /// Returns the token of the first session.
    pub fn token(&self) -> &str {
        &self.tokens[0]
    }
}

impl Node {
    /// Starts a server with `users` who have 1,000 sessions each, and with these options of `serve`.
    pub async fn start(postgres: Option<&str>, users: usize, options: &[&str]) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let database_url = match postgres {
            Some(server) => create_database(server).await?,
            None => format!("sqlite://{}/bench.db", folder.path().display()),
        };
        println!("  filling a database with {} sessions", users * 1_000);
        let mut filled = seed(&database_url, folder.path(), "filler", users, 1_000, &[]).await?;
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let (addr, http) = (listener.local_addr()?, Client::new());
        let services = cli::start_services(config(addr, &database_url, folder.path(), options)?).await?;
        let workers =
            server::start_workers(&services, &[Worker::Presence, Worker::Limiter, Worker::RefusedSignIns, Worker::Listen, Worker::Relay])?;
        let (seed_count, tokens) = (AtomicUsize::new(0), filled.remove(0).tokens);
        let node = Self { _workers: workers, services: services.clone(), addr, http, database_url, folder, seed_count, tokens };
        let account = find_account(&services, &node.tokens[0]).await?;
        let site = Site { services, options: cli::serve_options() };
        tokio::spawn(server::serve_with(listener, site, no_look_up(account)));
        Ok(node)
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.addr)
    }

    /// Adds this many users with this many sessions each.
    pub async fn add_users(&self, users: usize, sessions: usize) -> anyhow::Result<Vec<User>> {
        let prefix = format!("seed{}x", self.seed_count.fetch_add(1, Ordering::Relaxed));
        self.seed(&prefix, users, sessions, &[]).await
    }

    /// Adds users with this prefix, and what more options of `seed` say.
    pub async fn seed(&self, prefix: &str, users: usize, sessions: usize, more: &[&str]) -> anyhow::Result<Vec<User>> {
        seed(&self.database_url, self.folder.path(), prefix, users, sessions, more).await
    }

    pub fn database_url(&self) -> &str {
        &self.database_url
    }

    pub async fn get(&self, path: &str, token: &str) -> anyhow::Result<()> {
        self.http.get(self.url(path)).bearer_auth(token).send().await?.error_for_status()?.bytes().await?;
        Ok(())
    }

    pub async fn get_json(&self, path: &str, token: &str) -> anyhow::Result<Value> {
        Ok(self.http.get(self.url(path)).bearer_auth(token).send().await?.error_for_status()?.json().await?)
    }

    pub async fn post(&self, path: &str, body: &Value) -> anyhow::Result<Value> {
        Ok(self.http.post(self.url(path)).json(body).send().await?.error_for_status()?.json().await?)
    }

    pub async fn delete(&self, path: &str, token: &str) -> anyhow::Result<()> {
        self.http.delete(self.url(path)).bearer_auth(token).send().await?.error_for_status()?.bytes().await?;
        Ok(())
    }

    /// Revokes this user's second session with the first.
    pub async fn revoke_one(&self, user: &User) -> anyhow::Result<()> {
        let url = self.url(&format!("/api/v1/sessions/{}", user.sessions[1]));
        self.http.delete(url).bearer_auth(&user.tokens[0]).send().await?.error_for_status()?.bytes().await?;
        Ok(())
    }

    /// Revokes all but this user's first session.
    ///
    /// Errors: if the number of revoked sessions is not `others`.
    pub async fn revoke_others(&self, user: &User, others: usize) -> anyhow::Result<()> {
        let request = self.http.delete(self.url("/api/v1/sessions")).bearer_auth(&user.tokens[0]);
        let answer: Value = request.send().await?.error_for_status()?.json().await?;
        anyhow::ensure!(answer["revoked"] == others, "{answer}");
        Ok(())
    }

    /// Writes a script for `wrk` that signs in these users in turn. Returns its path.
    pub fn sign_in_script(&self, users: &[User]) -> anyhow::Result<String> {
        let file = self.folder.path().join("sign-in.lua");
        let body = |user: &User| format!("[[{}]]", json!({ "identifier": user.name, "password": PASSWORD }));
        let bodies: Vec<String> = users.iter().map(body).collect();
        let script = format!(
            r#"local bodies, turn = {{ {} }}, 0
               request = function()
                   turn = turn % #bodies + 1
                   return wrk.format("POST", nil, {{ ["Content-Type"] = "application/json" }}, bodies[turn])
               end"#,
            bodies.join(", "),
        );
        std::fs::write(&file, script)?;
        Ok(file.to_string_lossy().into_owned())
    }
}

async fn find_account(services: &Services, token: &str) -> anyhow::Result<Account> {
    let hash = Secret::parse(token).context("seeds write tokens")?.hash();
    let found = store::find_by_token(&mut services.db.read().await?, &hash).await?;
    Ok(found.context("a session that was just added")?.account)
}

/// Returns the route that answers like `/api/v1/me` without a look-up.
fn no_look_up(account: Account) -> Router<Site> {
    Router::new().route(NO_LOOK_UP, get(async move || Json(account.clone())))
}

fn config(addr: SocketAddr, database_url: &str, folder: &Path, more: &[&str]) -> anyhow::Result<Config> {
    #[derive(Parser)]
    struct Options {
        #[command(flatten)]
        config: Config,
    }
    let addr = addr.to_string();
    let folder = folder.to_string_lossy();
    let options = ["bench", "--addr", &addr, "--database-url", database_url, "--data-dir", &folder];
    Ok(Options::try_parse_from(options.iter().chain(more))?.config)
}

async fn create_database(server: &str) -> anyhow::Result<String> {
    let name = format!("bench_{}", &Secret::generate().hash()[..16]);
    let mut connection = sqlx::PgConnection::connect(&format!("{server}/postgres")).await?;
    sqlx::query(sqlx::AssertSqlSafe(format!("CREATE DATABASE {name}"))).execute(&mut connection).await?;
    Ok(format!("{server}/{name}"))
}

/// Fills a database with the command line, as everybody does.
async fn seed(database_url: &str, folder: &Path, prefix: &str, users: usize, sessions: usize, more: &[&str]) -> anyhow::Result<Vec<User>> {
    let file = folder.join("tokens");
    let mut command = Command::new(env!("CARGO_BIN_EXE_whereabouts"));
    command.args(["seed", "--password-stdin", "--prefix", prefix, "--users", &users.to_string()]).args(more);
    command.args(["--sessions-per-user", &sessions.to_string(), "--database-url", database_url]).arg("--data-dir").arg(folder);
    let mut seeding = command.arg("--tokens").arg(&file).stdin(Stdio::piped()).stderr(Stdio::null()).spawn()?;
    let mut password = seeding.stdin.take().expect("it is piped");
    password.write_all(format!("{PASSWORD}\n").as_bytes()).await?;
    drop(password);
    anyhow::ensure!(seeding.wait().await?.success(), "the database could not be filled");
    let mut seeded = BTreeMap::<String, User>::new();
    for line in std::fs::read_to_string(file)?.lines() {
        if let [name, session, token] = line.split('\t').collect::<Vec<_>>()[..] {
            let new_user = || User { name: name.to_owned(), sessions: Vec::new(), tokens: Vec::new() };
            let user = seeded.entry(name.to_owned()).or_insert_with(new_user);
            user.sessions.push(session.to_owned());
            user.tokens.push(token.to_owned());
        }
    }
    Ok(seeded.into_values().collect())
}
