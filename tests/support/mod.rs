//! A real server on port 0, over HTTP, on SQLite and on PostgreSQL.
#![allow(dead_code, reason = "each test file uses its own part")]

pub mod live;
pub mod log;
pub mod pending;
pub mod smtp;
pub mod totp;

use std::{
    net::SocketAddr,
    sync::{Arc, LazyLock, OnceLock},
    time::Duration,
};

use chrono::{DateTime, Utc};
use clap::Parser;
use reqwest::{Method, RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};
use sqlx::Connection as _;
use tokio::{net::TcpListener, sync::Mutex, task::JoinHandle};
use whereabouts::{
    accounts::actions::NewAccount,
    cli::serve_options,
    foundation::{
        activity::Activity,
        clock::Clock,
        config::Config,
        db::Db,
        geoip::GeoIp,
        hasher::{self, Cost, Hasher},
        hub::{Change, Hub},
        ids::UserId,
        metrics::Metrics,
        quota::{self, Quota},
        seal::Seal,
        secret::Secret,
        services::{Assets, Background, Services},
        user_agents::UserAgents,
    },
    mail,
    registration::actions as registration,
    server::{self, Listeners, Site, Worker},
};

pub const PASSWORD: &str = "correct horse battery";
pub const FIREFOX: &str = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0";

static USER_AGENTS: LazyLock<Arc<UserAgents>> = LazyLock::new(|| Arc::new(UserAgents::load(&Assets::find().user_agents()).unwrap()));
static GEO_IP: LazyLock<Arc<GeoIp>> = LazyLock::new(|| {
    let assets = Assets::find();
    Arc::new(GeoIp::load(&assets.geoip(), &assets.countries()).unwrap())
});
/// Hashed once: it is slow on purpose.
static PASSWORD_HASH: LazyLock<String> = LazyLock::new(|| hasher::hash(&PASSWORD.into()));

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Backend {
    Sqlite,
    Postgres,
}

/// `both!(name, |app| { … })`: one test on each database.
#[macro_export]
macro_rules! both {
    ($(#[$doc:meta])* $name:ident, |$app:ident| $body:block) => {
        mod $name {
            #[allow(unused_imports, reason = "some need nothing of their file")]
            use super::*;

            async fn body($app: $crate::support::TestApp) $body

            $(#[$doc])*
            #[tokio::test(flavor = "multi_thread")]
            async fn on_sqlite() {
                body($crate::support::TestApp::start($crate::support::Backend::Sqlite).await).await;
            }

            $(#[$doc])*
            #[tokio::test(flavor = "multi_thread")]
            async fn on_postgres() {
                body($crate::support::TestApp::start($crate::support::Backend::Postgres).await).await;
            }
        }
    };
}

/// Who sends mails, and where to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mailing {
    /// The worker, to a mail server.
    Worker,
    /// The test, by `send_due`, to a mail server.
    ByHand,
    /// The test, by `send_due`, into files.
    IntoFiles,
}

pub struct TestApp {
    pub services: Arc<Services>,
    pub addr: SocketAddr,
    pub http: reqwest::Client,
    pub database_url: String,
    /// Where its mails go.
    pub smtp: smtp::Smtp,
    /// Where its metrics are, if they are served.
    pub metrics_addr: Option<SocketAddr>,
    mailing: Mailing,
    server: JoinHandle<anyhow::Result<()>>,
    folder: Arc<tempfile::TempDir>,
}

impl TestApp {
    pub async fn start(backend: Backend) -> Self {
        Self::start_with(backend, &[]).await
    }

    /// With mails sent so.
    pub async fn start_mailing(backend: Backend, mailing: Mailing) -> Self {
        Self::begin(backend, &[], mailing, Cost::STANDARD).await
    }

    /// With hashes at this cost, and mails that nobody sends: for tests that sign in thousands of times.
    pub async fn start_hashing_at(backend: Backend, cost: Cost, options: &[&str]) -> Self {
        Self::begin(backend, options, Mailing::ByHand, cost).await
    }

    /// With more options of `serve`.
    pub async fn start_with(backend: Backend, options: &[&str]) -> Self {
        Self::begin(backend, options, Mailing::Worker, Cost::STANDARD).await
    }

    async fn begin(backend: Backend, options: &[&str], mailing: Mailing, cost: Cost) -> Self {
        let folder = Arc::new(tempfile::tempdir().unwrap());
        let url = match backend {
            Backend::Sqlite => format!("sqlite://{}/test.db", folder.path().display()),
            Backend::Postgres => new_postgres_database().await,
        };
        let now = DateTime::parse_from_rfc3339("2026-06-01T12:00:00Z").unwrap().to_utc();
        Self::start_on(url, folder, Clock::manual(now), options, mailing, cost).await
    }

    /// On this database, with more options of `serve`, and mails that nobody sends.
    pub async fn start_on_database(url: &str, options: &[&str]) -> Self {
        let now = DateTime::parse_from_rfc3339("2026-06-01T12:00:00Z").unwrap().to_utc();
        let folder = Arc::new(tempfile::tempdir().unwrap());
        Self::start_on(url.to_owned(), folder, Clock::manual(now), options, Mailing::ByHand, Cost::STANDARD).await
    }

    /// A second node beside this one.
    pub async fn another_node(&self) -> Self {
        Self::start_on(self.database_url.clone(), self.folder.clone(), self.services.clock.clone(), &[], self.mailing, Cost::STANDARD).await
    }

    async fn start_on(
        database_url: String,
        folder: Arc<tempfile::TempDir>,
        clock: Clock,
        options: &[&str],
        mailing: Mailing,
        cost: Cost,
    ) -> Self {
        let site = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = site.local_addr().unwrap();
        let (smtp, data_dir) = (smtp::Smtp::start().await, folder.path().display().to_string());
        let url = format!("smtp://{}", smtp.addr);
        let to_server = ["--smtp-url", &url];
        let to_server: &[&str] = if mailing == Mailing::IntoFiles { &[] } else { &to_server };
        let options: Vec<&str> = ["--data-dir", &data_dir].iter().chain(to_server).chain(options).copied().collect();
        let services = Arc::new(services(config(addr, &options), &database_url, clock, cost).await);
        let metrics = match services.config.metrics_addr {
            Some(addr) => Some(TcpListener::bind(addr).await.unwrap()),
            None => None,
        };
        let metrics_addr = metrics.as_ref().map(|listener| listener.local_addr().unwrap());
        let mut page = services.hub.subscribe(&UserId::new(services.clock.now()));
        let running = Site { services: services.clone(), options: serve_options() };
        let server = tokio::spawn(async move { server::run(Listeners { site, metrics }, running, workers(mailing)).await });
        if services.outgoing.is_some() {
            // This node hears what others commit once it asks every page to look anew.
            assert_eq!(page.recv().await, Ok(Change::Missed));
        }
        let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).timeout(Duration::from_secs(20)).build().unwrap();
        Self { services, addr, http, database_url, smtp, metrics_addr, mailing, server, folder }
    }

    pub fn backend(&self) -> Backend {
        match &self.services.db {
            Db::Sqlite { .. } => Backend::Sqlite,
            Db::Postgres(_) => Backend::Postgres,
        }
    }

    /// The folder of its files, which is there for as long as this is held.
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

    /// An account that signs in by `name` and [`PASSWORD`].
    pub async fn add_user(&self, name: &str) {
        self.add(name, false).await;
    }

    /// The same, of an administrator.
    pub async fn add_admin(&self, name: &str) {
        self.add(name, true).await;
    }

    async fn add(&self, name: &str, is_admin: bool) {
        let email = format!("{name}@example.com");
        let account = NewAccount { username: name.to_owned(), email, password: PASSWORD.into(), is_admin };
        registration::add_account(&self.services.db, &self.services.clock, account, &PASSWORD_HASH).await.unwrap();
    }

    /// A new session of this person, by the API.
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

    /// Posts a form as a script of this site's pages does.
    pub async fn post_form(&self, door: &str, cookies: &str, fields: &[(&str, &str)]) -> Response {
        let request = self.http.post(self.url(&format!("/api/ui/{door}"))).header("origin", self.url("")).header("cookie", cookies);
        request.header("accept", "application/json").form(fields).send().await.unwrap()
    }

    /// The same, by a client, while the test goes on.
    pub fn post_form_later(&self, client: &Client<'_>, door: &str, fields: &[(&str, &str)]) -> JoinHandle<Response> {
        let request = self.http.post(self.url(&format!("/api/ui/{door}"))).header("origin", self.url(""));
        let request = request.header("cookie", format!("whereabouts={}", client.token)).header("accept", "application/json").form(fields);
        tokio::spawn(async move { request.send().await.unwrap() })
    }

    /// Returns once all that was left for later is done.
    pub async fn is_done_with_what_was_left(&self) {
        let (done, is_done) = tokio::sync::oneshot::channel();
        let last = async move {
            done.send(()).unwrap();
            Ok(())
        };
        self.services.later.push(last).unwrap();
        is_done.await.unwrap();
    }

    /// How long a door takes that is asked for alice's address, against one that nobody has: the ratio of the medians of 200.
    /// Turn by turn, each first as often as the other; each asks from an address of its own, so that limits stay on.
    pub async fn ratio_of_asking(&self, door: &str) -> f64 {
        let mut times = [Vec::new(), Vec::new()];
        for turn in 0..200 {
            for who in [turn % 2, (turn + 1) % 2] {
                let address = ["alice@example.com", "nobody@example.com"][who];
                let request =
                    self.http.post(self.url(&format!("/api/ui/{door}"))).header("origin", self.url("")).form(&[("email", address)]);
                let started = std::time::Instant::now();
                let answer = request.header("x-forwarded-for", format!("10.{who}.0.{turn}")).send().await.unwrap();
                times[who].push(started.elapsed());
                assert_eq!(answer.status(), StatusCode::OK);
                self.is_done_with_what_was_left().await;
            }
        }
        let [known, unknown] = &mut times;
        median(known) / median(unknown)
    }

    /// Sends the mails that are due.
    pub async fn send_due(&self) {
        mail::send_due(&self.services, &mail::Transport::new(&self.services.config).unwrap()).await.unwrap();
    }

    /// Mails to this address from now on, until one has this subject.
    pub async fn mail(&self, address: &str, subject: &str) -> smtp::Mail {
        loop {
            let mail = self.smtp.next_to(address).await;
            if mail.subject == subject {
                return mail;
            }
        }
    }

    /// How often an event is on record, with this outcome.
    pub async fn on_record(&self, action: &str, outcome: &str) -> i64 {
        let mut db = self.services.db.read().await.unwrap();
        let sql = "SELECT COUNT(*) FROM audit_events WHERE action = $1 AND outcome = $2";
        let (count,): (i64,) = whereabouts::fetch!(&mut db, fetch_one as (i64,), sql, action, outcome).unwrap();
        count
    }

    /// Stops it as SIGTERM does, and waits until it has.
    pub async fn stop(self) {
        self.services.stopping.send_replace(true);
        self.server.await.unwrap().unwrap();
    }
}

/// A script with a session.
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

    /// Makes an API token, and uses it as `user_agent`.
    pub async fn make_token(&self, name: &str, group: &str, user_agent: &str) -> Self {
        let body = json!({ "name": name, "group": group });
        let answer = self.request(Method::POST, "/api/v1/tokens").json(&body).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::CREATED);
        let answer: Value = answer.json().await.unwrap();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        Self { app: self.app, token: text(&answer["token"]), id: text(&answer["api_token"]["id"]), user_agent: user_agent.to_owned() }
    }

    /// The API tokens.
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

    /// Posts a form of a page of this session.
    pub async fn post_form(&self, door: &str, fields: &[(&str, &str)]) -> Response {
        self.app.post_form(door, &format!("whereabouts={}", self.token), fields).await
    }

    /// The same session over its cookie, as a browser of this site sends it.
    pub fn browser(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.app.http.request(method, self.app.url(path)).header("user-agent", &self.user_agent);
        request.header("cookie", format!("whereabouts={}", self.token)).header("origin", self.app.url("")).header("accept", "text/html")
    }
}

/// The median of these times, in seconds.
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
    // Races are held open with locks, and this machine may be busy: only tests of the deadline itself have a short one.
    let patient = ["--database-timeout", "20s"];
    let patient: &[&str] = if options.contains(&patient[0]) { &[] } else { &patient };
    Options::try_parse_from(["test", "--addr", &addr].iter().chain(patient).chain(options)).unwrap().config
}

/// The workers that run beside the server. What the others do, tests do by hand.
fn workers(mailing: Mailing) -> &'static [Worker] {
    use Worker::{BackgroundJobs, Limiter, Listen, Mail, Presence, Relay};
    match mailing {
        Mailing::Worker => &[Presence, BackgroundJobs, Limiter, Listen, Relay, Mail],
        Mailing::ByHand | Mailing::IntoFiles => &[Presence, BackgroundJobs, Limiter, Listen, Relay],
    }
}

async fn services(config: Config, database_url: &str, clock: Clock, cost: Cost) -> Services {
    let db = Db::open_with_timeout(database_url, config.database_timeout).await.unwrap();
    db.migrate().await.unwrap();
    let (hub, outgoing) = match &db {
        Db::Sqlite { .. } => (Hub::alone(), None),
        Db::Postgres(_) => {
            let (hub, outgoing) = Hub::among_nodes(Secret::generate().reveal().to_owned());
            (hub, Some(Mutex::new(outgoing)))
        }
    };
    let (connections, channels) = Default::default();
    Services {
        seal: Seal::open(&config.storage.data_dir).unwrap(),
        later: Default::default(),
        post: Default::default(),
        metrics: Metrics::new(&db, &connections, &channels),
        config,
        db,
        clock,
        hub,
        outgoing,
        activity: Activity::default(),
        token_activity: Activity::default(),
        quota: Quota::new(quota::API),
        server_function_quota: Quota::new(quota::SERVER_FUNCTIONS),
        unnamed_proxy: Default::default(),
        hasher: Hasher::with_cost(cost),
        limiter: Default::default(),
        user_agents: Background::ready(USER_AGENTS.clone()),
        geoip: Background::ready(GEO_IP.clone()),
        connections,
        channels,
        stopping: Default::default(),
    }
}

/// A database of its own in the cluster that `make test` started.
pub async fn new_postgres_database() -> String {
    static CLUSTER: OnceLock<String> = OnceLock::new();
    let cluster =
        CLUSTER.get_or_init(|| std::env::var("WHEREABOUTS_TEST_POSTGRES").expect("scripts/test.sh starts PostgreSQL and names it here"));
    let name = format!("test_{}", Secret::generate().hash());
    let name = &name[..40];
    let mut connection = sqlx::PgConnection::connect(&format!("{cluster}/postgres")).await.unwrap();
    sqlx::query(sqlx::AssertSqlSafe(format!("CREATE DATABASE {name}"))).execute(&mut connection).await.unwrap();
    format!("{cluster}/{name}")
}
