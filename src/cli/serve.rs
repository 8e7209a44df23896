//! `whereabouts serve`.

use std::{io::IsTerminal, net::SocketAddr, os::unix::fs::PermissionsExt, path::Path, sync::Arc};

use anyhow::Context as _;
use clap::Parser;
use leptos::prelude::LeptosOptions;
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
    sync::Mutex,
};
use tracing_subscriber::EnvFilter;

use crate::{
    cli::{environment, one_line},
    foundation::{
        activity::Activity,
        clock::Clock,
        config::{Config, Switch},
        db::Db,
        geoip::GeoIp,
        hasher::Hasher,
        hub::Hub,
        metrics::Metrics,
        open_files,
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

/// The settings as the environment has them, for a start without any command.
pub fn from_environment() -> anyhow::Result<Config> {
    #[derive(Parser)]
    struct Environment {
        #[command(flatten)]
        config: Config,
    }
    Ok(environment::parse::<Environment>(["whereabouts".into()]).map_err(one_line)?.config)
}

/// Serves until it is told to stop.
pub async fn run(config: Config) -> anyhow::Result<()> {
    config.check()?;
    mail::check(&config)?;
    start_log(&config.log)?;
    make_private_folder(&config.storage.data_dir)?;
    warn_of_settings(&config);
    raise_open_files(&config);
    let listeners = Listeners {
        site: listen(config.addr).await?,
        metrics: match config.metrics_addr {
            Some(addr) => Some(listen(addr).await?),
            None => None,
        },
    };
    let services = start_services(config).await?;
    stop_on_signal(services.clone())?;
    tracing::info!(address = %services.config.public_url().origin(), "serving");
    invite_first_administrator(&services).await?;
    server::run(listeners, Site { services, options: options() }, &Worker::ALL).await?;
    tracing::info!("stopped");
    Ok(())
}

async fn listen(addr: SocketAddr) -> anyhow::Result<TcpListener> {
    TcpListener::bind(addr).await.with_context(|| format!("{addr} cannot be listened on"))
}

/// Warns of settings that are allowed, and seldom what an operator wants.
fn warn_of_settings(config: &Config) {
    if config.rate_limits == Switch::Off {
        tracing::warn!("rate limits are off: for load tests only");
    }
    if config.public_url().https && config.trusted_proxies.is_empty() {
        tracing::warn!(
            "WHEREABOUTS_PUBLIC_URL is https, so a reverse proxy terminates TLS, but no trusted proxy is configured: all users appear with \
             its address and share its rate limits; set WHEREABOUTS_TRUSTED_PROXIES to it"
        );
    }
}

/// Raises the limit of open files, and warns if the connections that the settings allow do not fit into it.
fn raise_open_files(config: &Config) {
    if let Err(error) = open_files::raise_limit() {
        tracing::warn!(%error, "the limit of open files could not be raised");
    }
    if let Some(possible) = open_files::max_connections().filter(|possible| *possible < config.max_connections.into()) {
        tracing::warn!(possible, "the limit of open files (ulimit -Hn) is too low for WHEREABOUTS_MAX_CONNECTIONS");
    }
}

/// All that actions are given, with the database at this version.
pub async fn start_services(config: Config) -> anyhow::Result<Arc<Services>> {
    let db = Db::open_with_timeout(&config.storage.url(), config.database_timeout).await?;
    db.migrate().await?;
    let (hub, outgoing) = match &db {
        Db::Sqlite { .. } => (Hub::alone(), None),
        Db::Postgres(_) => {
            let (hub, outgoing) = Hub::among_nodes(Secret::generate().reveal()[..16].to_owned());
            (hub, Some(Mutex::new(outgoing)))
        }
    };
    let (connections, channels) = Default::default();
    Ok(Arc::new(Services {
        user_agents: Background::load(load_user_agents()?),
        geoip: Background::load(load_geoip(config.geoip.clone())?),
        seal: Seal::open(&config.storage.data_dir)?,
        metrics: Metrics::new(&db, &connections, &channels),
        config,
        db,
        hub,
        outgoing,
        clock: Clock::System,
        activity: Activity::default(),
        token_activity: Activity::default(),
        quota: Quota::new(quota::API),
        server_function_quota: Quota::new(quota::SERVER_FUNCTIONS),
        unnamed_proxy: Default::default(),
        hasher: Hasher::new(),
        connections,
        limiter: Default::default(),
        channels,
        later: Default::default(),
        post: Default::default(),
        stopping: Default::default(),
    }))
}

fn load_user_agents() -> anyhow::Result<impl FnOnce() -> UserAgents + Send + 'static> {
    let patterns = Assets::find().user_agents();
    anyhow::ensure!(patterns.is_file(), "{} is missing: it comes with the program, in dist/", patterns.display());
    Ok(move || UserAgents::load(&patterns).unwrap_or_else(|error| panic!("{error:#}")))
}

/// Without the database of places rows say "Unknown location"; nobody is kept out for that. But a setting that names none is
/// a mistake.
fn load_geoip(setting: Option<String>) -> anyhow::Result<impl FnOnce() -> GeoIp + Send + 'static> {
    let assets = Assets::find();
    let databases = match setting.as_deref() {
        Some("off") => None,
        Some(path) => Some(path.into()),
        None => Some(assets.geoip()),
    };
    Ok(move || {
        let loaded = databases.map(|databases| GeoIp::load(&databases, &assets.countries()));
        loaded.transpose().map(Option::unwrap_or_default).unwrap_or_else(|error| {
            tracing::warn!(error = format!("{error:#}"), "locations are not known");
            GeoIp::default()
        })
    })
}

/// Where Leptos finds what browsers load. Names hold hashes where the build gave any.
pub fn options() -> LeptosOptions {
    let assets = Assets::find();
    // Absolute: Leptos would look beside the program, which cargo runs from elsewhere.
    let hashes = std::path::absolute(assets.hashes()).unwrap_or_else(|_| assets.hashes());
    LeptosOptions::builder()
        .output_name("whereabouts")
        .site_root(assets.site().to_string_lossy().into_owned())
        .site_pkg_dir("pkg")
        .hash_files(hashes.is_file())
        .hash_file(Arc::<str>::from(hashes.to_string_lossy().as_ref()))
        .build()
}

/// Text on a terminal, JSON otherwise (LOG-2).
fn start_log(directives: &str) -> anyhow::Result<()> {
    let filter = EnvFilter::try_new(directives).context("WHEREABOUTS_LOG is not understood")?;
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    if std::io::stderr().is_terminal() {
        log.init()
    } else {
        log.json().flatten_event(true).init()
    }
    Ok(())
}

/// Makes the folder, for its owner alone; one that others can read is warned of (OPS-2).
pub fn make_private_folder(folder: &Path) -> anyhow::Result<()> {
    if !folder.exists() {
        std::fs::create_dir_all(folder).with_context(|| format!("{} cannot be made", folder.display()))?;
        std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o700))?;
    }
    let mode = std::fs::metadata(folder)?.permissions().mode();
    if mode & 0o077 != 0 {
        tracing::warn!(folder = %folder.display(), "others on this machine can read this folder; chmod 700 closes it");
    }
    Ok(())
}

/// Where there is no account yet, prints and logs the link that makes the first. It is good only until there is one.
async fn invite_first_administrator(services: &Services) -> anyhow::Result<()> {
    let Some(secret) = registration::invite_first_administrator(services).await? else { return Ok(()) };
    let link = format!("{}/setup?token={}", services.config.public_url().origin(), secret.reveal());
    println!("\nThere is no account yet. Open this link, once, to make the first administrator:\n\n    {link}\n");
    tracing::warn!(link, "there is no account yet: this link makes the first administrator, once");
    Ok(())
}

fn stop_on_signal(services: Arc<Services>) -> anyhow::Result<()> {
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        tracing::info!("stopping");
        services.stopping.send_replace(true);
    });
    Ok(())
}
