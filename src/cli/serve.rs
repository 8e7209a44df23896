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
    accounts::actions as accounts,
    audit::seal::actions as seal,
    authentication::registration::actions as registration,
    cli::{environment, one_line},
    foundation::{
        activity::Activity,
        assets::Assets,
        client::{geoip::GeoIp, user_agents::UserAgents},
        clock::Clock,
        config::{Config, Switch},
        crypto::{hasher::Hasher, keyring::Keyring, secret::Secret},
        db::Db,
        http::quota::{self, Quota},
        hub::Hub,
        metrics::Metrics,
        open_files,
        services::{Background, Services},
    },
    mail,
    record::{self, Recorder},
    server::{self, Listeners, Site, Worker},
};

/// Returns the settings from the environment, for a start without a command.
pub fn from_environment() -> anyhow::Result<Config> {
    #[derive(Parser)]
    struct Environment {
        #[command(flatten)]
        config: Config,
    }
    Ok(environment::parse::<Environment>(["whereabouts".into()]).map_err(one_line)?.config)
}

/// Serves until a signal stops it.
pub async fn run(config: Config) -> anyhow::Result<()> {
    config.validate()?;
    mail::check_config(&config)?;
    start_log(&config.log)?;
    create_private_folder(&config.storage.data_dir)?;
    warn_of_settings(&config);
    raise_open_file_limit(&config);
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
    TcpListener::bind(addr).await.with_context(|| format!("cannot listen on {addr}"))
}

/// Warns of settings that are allowed but rarely intended.
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
fn raise_open_file_limit(config: &Config) {
    if let Err(error) = open_files::raise_limit() {
        tracing::warn!(%error, "the limit of open files could not be raised");
    }
    if let Some(possible) = open_files::max_connections().filter(|possible| *possible < config.max_connections.into()) {
        tracing::warn!(possible, "the limit of open files (ulimit -Hn) is too low for WHEREABOUTS_MAX_CONNECTIONS");
    }
}

/// Returns the services for actions, with the database migrated to this version.
pub async fn start_services(config: Config) -> anyhow::Result<Arc<Services>> {
    let db = Db::open_with_timeout(&config.storage.url(), config.database_timeout).await?;
    Keyring::check(&config.storage.data_dir)?;
    db.migrate().await?;
    accounts::normalize_names(&db).await?;
    let (hub, outgoing) = match &db {
        Db::Sqlite { .. } => (Hub::single_node(), None),
        Db::Postgres(_) => {
            let (hub, outgoing) = Hub::among_nodes(Secret::generate().reveal()[..16].to_owned());
            (hub, Some(Mutex::new(outgoing)))
        }
    };
    let (connections, channels) = Default::default();
    let (keyring, geoip) = (Arc::new(Keyring::open(&config.storage.data_dir)?), Background::load(load_geoip(config.geoip.clone())?));
    record::carry_over(&db, &keyring).await?;
    seal::begin(&db, &keyring, config.public_url().host(), Clock::System.now()).await?;
    Ok(Arc::new(Services {
        user_agents: Background::load(load_user_agents()?),
        recorder: Recorder::new(Clock::System, keyring.clone(), Some(geoip.clone())),
        geoip,
        keyring,
        metrics: Metrics::new(&db, &connections, &channels),
        config,
        db,
        hub,
        outgoing,
        clock: Clock::System,
        activity: Activity::default(),
        token_activity: Activity::default(),
        quota: Quota::new(quota::API_LIMITS),
        server_function_quota: Quota::new(quota::SERVER_FUNCTION_LIMITS),
        unconfigured_proxy: Default::default(),
        hasher: Hasher::new(),
        connections,
        limiter: Default::default(),
        refused_sign_ins: Default::default(),
        sealed: Default::default(),
        channels,
        background_jobs: Default::default(),
        mail_wakeup: Default::default(),
        running: Default::default(),
    }))
}

fn load_user_agents() -> anyhow::Result<impl FnOnce() -> UserAgents + Send + 'static> {
    let patterns = Assets::find().user_agents();
    anyhow::ensure!(patterns.is_file(), "{} is missing; it is part of dist/", patterns.display());
    Ok(move || UserAgents::load(&patterns).unwrap_or_else(|error| panic!("{error:#}")))
}

/// Returns a loader of the location database. If that fails, it logs a warning, and rows say "Unknown location": nobody is kept out for
/// that.
fn load_geoip(setting: Option<String>) -> anyhow::Result<impl FnOnce() -> GeoIp + Send + 'static> {
    let assets = Assets::find();
    let databases = match setting.as_deref() {
        Some("off") => None,
        Some(path) => Some(path.into()),
        None => Some(assets.geoip()),
    };
    Ok(move || {
        let loaded = match databases {
            Some(databases) => GeoIp::load(&databases, &assets.countries()),
            None => GeoIp::without_databases(&assets.countries()),
        };
        loaded.unwrap_or_else(|error| {
            tracing::warn!(error = format!("{error:#}"), "the location database could not be loaded; locations are unknown");
            GeoIp::default()
        })
    })
}

/// Returns the options of Leptos. Its own scripts are not used, so it needs to know no file.
pub fn options() -> LeptosOptions {
    LeptosOptions::builder().output_name("whereabouts").build()
}

/// Starts the log: text on a terminal, JSON otherwise (LOG-2).
fn start_log(directives: &str) -> anyhow::Result<()> {
    let filter = EnvFilter::try_new(directives).context("WHEREABOUTS_LOG is invalid")?;
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    if std::io::stderr().is_terminal() {
        log.init()
    } else {
        log.json().flatten_event(true).init()
    }
    Ok(())
}

/// Creates the folder, for its owner alone. Warns if others can read an existing one (OPS-2).
pub fn create_private_folder(folder: &Path) -> anyhow::Result<()> {
    if !folder.exists() {
        std::fs::create_dir_all(folder).with_context(|| format!("{} cannot be created", folder.display()))?;
        std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o700))?;
    }
    let mode = std::fs::metadata(folder)?.permissions().mode();
    if mode & 0o077 != 0 {
        tracing::warn!(folder = %folder.display(), "other users of this machine can read this folder; restrict it with chmod 700");
    }
    Ok(())
}

/// If there is no account yet, prints and logs the link that creates the first. It is valid only until there is one.
async fn invite_first_administrator(services: &Services) -> anyhow::Result<()> {
    let Some(secret) = registration::create_setup_token(services).await? else { return Ok(()) };
    let link = format!("{}/setup?token={}", services.config.public_url().origin(), secret.reveal());
    println!("\nThere is no account yet. Open this one-time link to create the first administrator:\n\n    {link}\n");
    tracing::warn!(link, "there is no account yet: this one-time link creates the first administrator");
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
        services.running.cancel();
    });
    Ok(())
}
