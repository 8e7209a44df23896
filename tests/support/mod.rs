//! Test support: a real server on port 0, called over HTTP, on SQLite and on PostgreSQL.
#![allow(dead_code, reason = "each test file uses its own part")]

pub mod live;
pub mod log;
pub mod pending;
pub mod postgres;
pub mod smtp;
pub mod totp;
pub mod world;

use std::{
    net::SocketAddr,
    str::FromStr as _,
    sync::{Arc, LazyLock, OnceLock},
    time::Duration,
};

use chrono::{DateTime, Utc};
use clap::Parser;
use reqwest::{Method, RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};
use sqlx::{Connection as _, PgConnection, SqliteConnection, sqlite::SqliteConnectOptions};
use tokio::{net::TcpListener, sync::Mutex, task::JoinHandle};
use whereabouts::{
    accounts::actions::{self as accounts, NewAccount},
    audit::seal::actions as seal,
    authentication::registration::actions as registration,
    cli::serve_options,
    foundation::{
        activity::Activity,
        assets::Assets,
        client::{geoip::GeoIp, user_agents::UserAgents},
        clock::Clock,
        config::Config,
        crypto::{
            hasher::{self, Cost, Hasher},
            keyring::{self, Keyring},
            secret::Secret,
        },
        db::Db,
        http::quota::{self, Quota},
        hub::{Hub, SessionEvent},
        ids::UserId,
        metrics::Metrics,
        services::{Background, Services},
    },
    mail,
    record::{self, Recorder},
    server::{self, Listeners, Site, Worker},
};

pub const PASSWORD: &str = "correct horse battery";
pub const FIREFOX: &str = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0";

static USER_AGENTS: LazyLock<Arc<UserAgents>> = LazyLock::new(|| Arc::new(UserAgents::load(&Assets::find().user_agents()).unwrap()));
static GEO_IP: LazyLock<Arc<GeoIp>> = LazyLock::new(|| {
    let assets = Assets::find();
    Arc::new(GeoIp::load(&assets.geoip(), &assets.countries()).unwrap())
});
/// Hashed once, because hashing is slow on purpose.
static PASSWORD_HASH: LazyLock<String> = LazyLock::new(|| hasher::hash(&PASSWORD.into()));

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Backend {
    Sqlite,
    Postgres,
}

/// `both!(name, |app| { … })` defines a test that runs once on each database. `both!(name, start, |app| { … })` starts the app with the
/// function `start`.
#[macro_export]
macro_rules! both {
    ($(#[$doc:meta])* $name:ident, |$app:ident| $body:block) => {
        $crate::both!($(#[$doc])* $name, $crate::support::TestApp::start, |$app| $body);
    };
    ($(#[$doc:meta])* $name:ident, $start:path, |$app:ident| $body:block) => {
        mod $name {
            #[allow(unused_imports, reason = "some need nothing of their file")]
            use super::*;

            async fn body($app: $crate::support::TestApp) $body

            $(#[$doc])*
            #[tokio::test(flavor = "multi_thread")]
            async fn on_sqlite() {
                body($start($crate::support::Backend::Sqlite).await).await;
            }

            $(#[$doc])*
            #[tokio::test(flavor = "multi_thread")]
            async fn on_postgres() {
                body($start($crate::support::Backend::Postgres).await).await;
            }
        }
    };
}

/// Who sends emails, and where to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MailDelivery {
    /// The mail worker sends them to the test's mail server.
    Worker,
    /// The test sends them to its mail server by calling `send_due`.
    Manual,
    /// The test writes them to files by calling `send_due`.
    ManualToFiles,
}

pub struct TestApp {
    pub services: Arc<Services>,
    pub addr: SocketAddr,
    pub http: reqwest::Client,
    pub database_url: String,
    /// The mail server that the app sends to.
    pub smtp: smtp::Smtp,
    /// Address of the metrics, if they are served.
    pub metrics_addr: Option<SocketAddr>,
    mail_delivery: MailDelivery,
    server: JoinHandle<anyhow::Result<()>>,
    folder: Arc<tempfile::TempDir>,
}

impl TestApp {
    pub async fn start(backend: Backend) -> Self {
        Self::start_with(backend, &[]).await
    }

    /// Starts a server with this kind of mail delivery.
    pub async fn start_with_mail_delivery(backend: Backend, mail_delivery: MailDelivery) -> Self {
        Self::create(backend, &[], mail_delivery, Cost::STANDARD).await
    }

    /// Starts a server that hashes passwords at this cost and sends no emails by itself: for tests that sign in thousands of times.
    pub async fn start_with_hash_cost(backend: Backend, cost: Cost, options: &[&str]) -> Self {
        Self::create(backend, options, MailDelivery::Manual, cost).await
    }

    /// Starts a server with these additional options of `serve`.
    pub async fn start_with(backend: Backend, options: &[&str]) -> Self {
        Self::create(backend, options, MailDelivery::Worker, Cost::STANDARD).await
    }

    async fn create(backend: Backend, options: &[&str], mail_delivery: MailDelivery, cost: Cost) -> Self {
        let folder = Arc::new(tempfile::tempdir().unwrap());
        let url = Self::new_database(backend, &folder).await;
        let now = DateTime::parse_from_rfc3339("2026-06-01T12:00:00Z").unwrap().to_utc();
        Self::start_node(url, folder, Clock::manual(now), options, mail_delivery, cost).await
    }

    /// Starts a server on this database, with additional options of `serve`. It sends no emails by itself.
    pub async fn start_on_database(url: &str, options: &[&str]) -> Self {
        let now = DateTime::parse_from_rfc3339("2026-06-01T12:00:00Z").unwrap().to_utc();
        let folder = Arc::new(tempfile::tempdir().unwrap());
        Self::start_node(url.to_owned(), folder, Clock::manual(now), options, MailDelivery::Manual, Cost::STANDARD).await
    }

    /// Starts a server at `now` on what an earlier version left: a dump of its database, and its key file. It sends no emails by itself.
    pub async fn start_on_dump(backend: Backend, dump: &'static str, keys: &str, now: DateTime<Utc>) -> Self {
        let folder = Arc::new(tempfile::tempdir().unwrap());
        std::fs::write(folder.path().join(keyring::FILE_NAME), keys).unwrap();
        let url = Self::new_database(backend, &folder).await;
        match backend {
            Backend::Sqlite => {
                let options = SqliteConnectOptions::from_str(&url).unwrap().create_if_missing(true);
                let mut connection = SqliteConnection::connect_with(&options).await.unwrap();
                sqlx::raw_sql(dump).execute(&mut connection).await.unwrap();
                connection.close().await.unwrap();
            }
            Backend::Postgres => {
                let mut connection = PgConnection::connect(&url).await.unwrap();
                sqlx::raw_sql(dump).execute(&mut connection).await.unwrap();
                connection.close().await.unwrap();
            }
        }
        Self::start_node(url, folder, Clock::manual(now), &[], MailDelivery::Manual, Cost::STANDARD).await
    }

    /// Returns the URL of a new, empty database.
    async fn new_database(backend: Backend, folder: &tempfile::TempDir) -> String {
        match backend {
            Backend::Sqlite => format!("sqlite://{}/test.db", folder.path().display()),
            Backend::Postgres => new_postgres_database().await,
        }
    }

    /// Starts a second node on the same database, data directory and clock.
    pub async fn start_second_node(&self) -> Self {
        self.start_second_node_with(&[]).await
    }

    /// Same as [`TestApp::start_second_node`], with these additional options of `serve`.
    pub async fn start_second_node_with(&self, options: &[&str]) -> Self {
        let (url, folder, clock) = (self.database_url.clone(), self.folder.clone(), self.services.clock.clone());
        Self::start_node(url, folder, clock, options, self.mail_delivery, Cost::STANDARD).await
    }

    async fn start_node(
        database_url: String,
        folder: Arc<tempfile::TempDir>,
        clock: Clock,
        options: &[&str],
        mail_delivery: MailDelivery,
        cost: Cost,
    ) -> Self {
        let site = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = site.local_addr().unwrap();
        let (smtp, data_dir) = (smtp::Smtp::start().await, folder.path().display().to_string());
        let url = format!("smtp://{}", smtp.addr);
        let smtp_options = ["--smtp-url", &url];
        let smtp_options: &[&str] = if mail_delivery == MailDelivery::ManualToFiles { &[] } else { &smtp_options };
        let options: Vec<&str> = ["--data-dir", &data_dir].iter().chain(smtp_options).chain(options).copied().collect();
        let services = Arc::new(services(config(addr, &options), &database_url, clock, cost).await);
        let metrics = match services.config.metrics_addr {
            Some(addr) => Some(TcpListener::bind(addr).await.unwrap()),
            None => None,
        };
        let metrics_addr = metrics.as_ref().map(|listener| listener.local_addr().unwrap());
        let mut page = services.hub.subscribe(&UserId::new(services.clock.now()));
        let running = Site { services: services.clone(), options: serve_options() };
        let server = tokio::spawn(async move { server::run(Listeners { site, metrics }, running, workers(mail_delivery)).await });
        if services.outgoing.is_some() {
            // Once this node receives what others commit, it publishes `Missed` to every page.
            assert_eq!(page.recv().await, Ok(SessionEvent::Missed));
        }
        let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).timeout(Duration::from_secs(20)).build().unwrap();
        Self { services, addr, http, database_url, smtp, metrics_addr, mail_delivery, server, folder }
    }

    pub fn backend(&self) -> Backend {
        match &self.services.db {
            Db::Sqlite { .. } => Backend::Sqlite,
            Db::Postgres(_) => Backend::Postgres,
        }
    }

    /// Returns the data directory, which exists as long as this handle is held.
    pub fn folder(&self) -> Arc<tempfile::TempDir> {
        self.folder.clone()
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.addr)
    }

    pub fn now(&self) -> DateTime<Utc> {
        self.services.clock.now()
    }

    pub fn advance(&self, by: chrono::Duration) {
        self.services.clock.advance(by);
    }

    /// Adds a user who signs in with `name` and [`PASSWORD`].
    pub async fn add_user(&self, name: &str) {
        self.add(name, false).await;
    }

    /// Adds an administrator who signs in with `name` and [`PASSWORD`].
    pub async fn add_admin(&self, name: &str) {
        self.add(name, true).await;
    }

    async fn add(&self, name: &str, is_admin: bool) {
        let email = format!("{name}@example.com");
        let account = NewAccount { username: name.to_owned(), email, password: PASSWORD.into(), is_admin };
        registration::add_account(&self.services.db, &self.services.recorder, account, &PASSWORD_HASH).await.unwrap();
    }

    /// Signs in over the API and returns the new session.
    pub async fn sign_in(&self, name: &str) -> Client<'_> {
        self.sign_in_as(name, "curl/8.5.0").await
    }

    pub async fn sign_in_as(&self, name: &str, user_agent: &str) -> Client<'_> {
        let answer = self.try_sign_in(name, PASSWORD, user_agent).await;
        assert_eq!(answer.status(), StatusCode::CREATED);
        let answer: Value = answer.json().await.unwrap();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        Client { app: self, token: text(&answer["token"]), id: text(&answer["session"]["id"]), user_agent: user_agent.to_owned() }
    }

    pub async fn try_sign_in(&self, name: &str, password: &str, user_agent: &str) -> Response {
        let body = json!({ "identifier": name, "password": password });
        self.http.post(self.url("/api/v1/sessions")).header("user-agent", user_agent).json(&body).send().await.unwrap()
    }

    pub async fn get(&self, path: &str) -> Response {
        self.http.get(self.url(path)).send().await.unwrap()
    }

    /// Calls this server function with form fields, as a script on a page of this site does.
    pub async fn post_form(&self, function: &str, cookies: &str, fields: &[(&str, &str)]) -> Response {
        let request = self.http.post(self.url(&format!("/api/ui/{function}"))).header("origin", self.url("")).header("cookie", cookies);
        request.header("accept", "application/json").form(fields).send().await.unwrap()
    }

    /// Calls this server function as this client in a separate task.
    pub fn spawn_post_form(&self, client: &Client<'_>, function: &str, fields: &[(&str, &str)]) -> JoinHandle<Response> {
        let request = self.http.post(self.url(&format!("/api/ui/{function}"))).header("origin", self.url(""));
        let request = request.header("cookie", format!("whereabouts={}", client.token)).header("accept", "application/json").form(fields);
        tokio::spawn(async move { request.send().await.unwrap() })
    }

    /// Returns once all background jobs that were enqueued before are done.
    pub async fn wait_for_background_jobs(&self) {
        let (done, is_done) = tokio::sync::oneshot::channel();
        let last = async move {
            done.send(()).unwrap();
            Ok(())
        };
        self.services.background_jobs.enqueue(last).unwrap();
        is_done.await.unwrap();
    }

    /// Measures this server function with Alice's email address and with an unknown one, 200 times each. Returns the ratio of the medians.
    /// The calls alternate, and each comes from its own address, so that rate limits can stay on.
    pub async fn measure_timing_ratio(&self, function: &str) -> f64 {
        let mut times = [Vec::new(), Vec::new()];
        for turn in 0..200 {
            for index in [turn % 2, (turn + 1) % 2] {
                let address = ["alice@example.com", "nobody@example.com"][index];
                let request =
                    self.http.post(self.url(&format!("/api/ui/{function}"))).header("origin", self.url("")).form(&[("email", address)]);
                let started = std::time::Instant::now();
                let answer = request.header("x-forwarded-for", format!("10.{index}.0.{turn}")).send().await.unwrap();
                times[index].push(started.elapsed());
                assert_eq!(answer.status(), StatusCode::OK);
                self.wait_for_background_jobs().await;
            }
        }
        let [known, unknown] = &mut times;
        median(known) / median(unknown)
    }

    /// Sends all emails that are due.
    pub async fn send_due(&self) {
        mail::send_due(&self.services, &mail::Transport::new(&self.services.config).unwrap()).await.unwrap();
    }

    /// Waits for an email to this address with this subject. Discards all other emails on the way.
    pub async fn wait_for_mail(&self, address: &str, subject: &str) -> smtp::Mail {
        loop {
            let mail = self.smtp.next_for(address).await;
            if mail.subject == subject {
                return mail;
            }
        }
    }

    /// Counts the audit events with this action and outcome.
    pub async fn count_events(&self, action: &str, outcome: &str) -> i64 {
        let mut db = self.services.db.read().await.unwrap();
        let sql = "SELECT COUNT(*) FROM audit_events WHERE action = $1 AND outcome = $2";
        let (count,): (i64,) = whereabouts::fetch!(&mut db, fetch_one as (i64,), sql, action, outcome).unwrap();
        count
    }

    /// Runs a query that returns one number.
    pub async fn count(&self, sql: &'static str) -> i64 {
        let mut db = self.services.db.read().await.unwrap();
        let (count,): (i64,) = whereabouts::fetch!(&mut db, fetch_one as (i64,), sql).unwrap();
        count
    }

    /// Stops the server as SIGTERM does, and waits until it has stopped.
    pub async fn stop(self) {
        self.services.running.cancel();
        self.server.await.unwrap().unwrap();
    }
}

/// A client with a session or an API token.
pub struct Client<'a> {
    pub app: &'a TestApp,
    pub token: String,
    pub id: String,
    pub user_agent: String,
}

impl<'a> Client<'a> {
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.app.http.request(method, self.app.url(path)).bearer_auth(&self.token).header("user-agent", &self.user_agent)
    }

    pub async fn get(&self, path: &str) -> Response {
        self.request(Method::GET, path).send().await.unwrap()
    }

    pub async fn delete(&self, path: &str) -> Response {
        self.request(Method::DELETE, path).send().await.unwrap()
    }

    pub async fn json(&self, path: &str) -> Value {
        let answer = self.get(path).await;
        assert_eq!(answer.status(), StatusCode::OK, "{path}");
        answer.json().await.unwrap()
    }

    /// Creates an API token. Returns a client that uses it with this user agent.
    pub async fn create_token(&self, name: &str, group: &str, user_agent: &str) -> Self {
        let body = json!({ "name": name, "group": group });
        let answer = self.request(Method::POST, "/api/v1/tokens").json(&body).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::CREATED);
        let answer: Value = answer.json().await.unwrap();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        Self { app: self.app, token: text(&answer["token"]), id: text(&answer["api_token"]["id"]), user_agent: user_agent.to_owned() }
    }

    /// Lists the API tokens.
    pub async fn tokens(&self) -> Vec<Value> {
        self.json("/api/v1/tokens").await["tokens"].as_array().unwrap().clone()
    }

    pub async fn sessions(&self) -> Vec<Value> {
        self.json("/api/v1/sessions").await["sessions"].as_array().unwrap().clone()
    }

    pub async fn is_signed_in(&self) -> bool {
        match self.get("/api/v1/me").await.status() {
            StatusCode::OK => true,
            StatusCode::UNAUTHORIZED => false,
            other => panic!("{other}"),
        }
    }

    /// Calls this server function with the session's cookie.
    pub async fn post_form(&self, function: &str, fields: &[(&str, &str)]) -> Response {
        self.app.post_form(function, &format!("whereabouts={}", self.token), fields).await
    }

    /// Builds a request with the session's cookie, as a browser on this site sends it.
    pub fn browser(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.app.http.request(method, self.app.url(path)).header("user-agent", &self.user_agent);
        request.header("cookie", format!("whereabouts={}", self.token)).header("origin", self.app.url("")).header("accept", "text/html")
    }
}

/// Returns the median of these times, in seconds.
pub fn median(times: &mut [Duration]) -> f64 {
    times.sort();
    times[times.len() / 2].as_secs_f64()
}

fn config(addr: SocketAddr, options: &[&str]) -> Config {
    #[derive(Parser)]
    struct Options {
        #[command(flatten)]
        config: Config,
    }
    let addr = addr.to_string();
    // Tests hold transactions open with locks, and the machine may be busy: only tests of the timeout itself set a short one.
    let timeout_option = ["--database-timeout", "20s"];
    let timeout_option: &[&str] = if options.contains(&timeout_option[0]) { &[] } else { &timeout_option };
    Options::try_parse_from(["test", "--addr", &addr].iter().chain(timeout_option).chain(options)).unwrap().config
}

/// Returns the workers that run beside the server. Tests do the work of the others by hand.
fn workers(mail_delivery: MailDelivery) -> &'static [Worker] {
    use Worker::{BackgroundJobs, Limiter, Listen, Mail, Presence, RefusedSignIns, Relay};
    match mail_delivery {
        MailDelivery::Worker => &[Presence, BackgroundJobs, Limiter, RefusedSignIns, Listen, Relay, Mail],
        MailDelivery::Manual | MailDelivery::ManualToFiles => &[Presence, BackgroundJobs, Limiter, RefusedSignIns, Listen, Relay],
    }
}

async fn services(config: Config, database_url: &str, clock: Clock, cost: Cost) -> Services {
    let db = Db::open_with_timeout(database_url, config.database_timeout).await.unwrap();
    db.migrate().await.unwrap();
    accounts::normalize_names(&db).await.unwrap();
    let (hub, outgoing) = match &db {
        Db::Sqlite { .. } => (Hub::single_node(), None),
        Db::Postgres(_) => {
            let (hub, outgoing) = Hub::among_nodes(Secret::generate().reveal().to_owned());
            (hub, Some(Mutex::new(outgoing)))
        }
    };
    let (connections, channels) = Default::default();
    let (keyring, geoip) = (Arc::new(Keyring::open(&config.storage.data_dir).unwrap()), Background::ready(GEO_IP.clone()));
    record::carry_over(&db, &keyring).await.unwrap();
    seal::begin(&db, &keyring, config.public_url().host(), clock.now()).await.unwrap();
    Services {
        recorder: Recorder::new(clock.clone(), keyring.clone(), Some(geoip.clone())),
        keyring,
        geoip,
        background_jobs: Default::default(),
        mail_wakeup: Default::default(),
        metrics: Metrics::new(&db, &connections, &channels),
        config,
        db,
        clock,
        hub,
        outgoing,
        activity: Activity::default(),
        token_activity: Activity::default(),
        quota: Quota::new(quota::API_LIMITS),
        server_function_quota: Quota::new(quota::SERVER_FUNCTION_LIMITS),
        unconfigured_proxy: Default::default(),
        hasher: Hasher::with_cost(cost),
        limiter: Default::default(),
        refused_sign_ins: Default::default(),
        sealed: Default::default(),
        user_agents: Background::ready(USER_AGENTS.clone()),
        connections,
        channels,
        running: Default::default(),
    }
}

/// Creates a new database in the cluster that `make test` started. Returns its URL.
pub async fn new_postgres_database() -> String {
    static CLUSTER: OnceLock<String> = OnceLock::new();
    let cluster =
        CLUSTER.get_or_init(|| std::env::var("WHEREABOUTS_TEST_POSTGRES").expect("scripts/test.sh starts PostgreSQL and names it here"));
    let name = format!("test_{}", Secret::generate().hash());
    let name = &name[..40];
    let mut connection = PgConnection::connect(&format!("{cluster}/postgres")).await.unwrap();
    sqlx::query(sqlx::AssertSqlSafe(format!("CREATE DATABASE {name}"))).execute(&mut connection).await.unwrap();
    format!("{cluster}/{name}")
}
