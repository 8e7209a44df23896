//! What an action is given: one value with all that the whole server shares.

use std::{
    net::IpAddr,
    path::PathBuf,
    sync::{Arc, OnceLock},
};

use axum::extract::State;
use tokio::sync::{Mutex, Notify, watch};

use crate::foundation::{
    activity::Activity,
    channels::Channels,
    clock::Clock,
    config::Config,
    connections::Connections,
    db::Db,
    geoip::GeoIp,
    hasher::Hasher,
    hub::{Hub, Outgoing},
    ids::{SessionId, TokenId},
    later::Later,
    limiter::Limiter,
    metrics::Metrics,
    quota::Quota,
    seal::Seal,
    user_agents::UserAgents,
};

/// All that the features share.
pub struct Services {
    /// The settings.
    pub config: Config,
    /// The database.
    pub db: Db,
    /// The time.
    pub clock: Clock,
    /// Who is to be told of changes.
    pub hub: Hub,
    /// What is to be told to other nodes, where there may be any.
    pub outgoing: Option<Mutex<Outgoing>>,
    /// Uses of sessions that are not written yet.
    pub activity: Activity<SessionId>,
    /// Uses of API tokens that are not written yet.
    pub token_activity: Activity<TokenId>,
    /// Requests to the API, counted by client.
    pub quota: Quota,
    /// Requests to server functions, counted by client.
    pub server_function_quota: Quota,
    /// The private address that first reached a server without trusted proxies: a proxy that the settings do not name.
    pub unnamed_proxy: OnceLock<IpAddr>,
    /// Hashes passwords, as many at once as there are cores.
    pub hasher: Hasher,
    /// Counts attempts that are rate limited.
    pub limiter: Limiter,
    /// Tells devices.
    pub user_agents: Background<UserAgents>,
    /// Tells places.
    pub geoip: Background<GeoIp>,
    /// Seals what the database keeps but must not be able to read.
    pub seal: Seal,
    /// What is done after its answer, so that the answer does not tell.
    pub later: Later,
    /// Wakes who sends mails: one was written.
    pub post: Arc<Notify>,
    /// Open connections.
    pub connections: Connections,
    /// Open live channels.
    pub channels: Channels,
    /// What operators measure.
    pub metrics: Metrics,
    /// Turns true when the server is to stop.
    pub stopping: watch::Sender<bool>,
}

impl Services {
    /// Returns whether the server is to stop.
    pub fn is_stopping(&self) -> bool {
        *self.stopping.borrow()
    }

    /// Returns once the server is to stop.
    pub async fn stopped(&self) {
        // The sender is held here, so the channel cannot close under us.
        let _ = self.stopping.subscribe().wait_for(|stopping| *stopping).await;
    }
}

/// The services as an argument of a handler.
pub type Shared = State<Arc<Services>>;

/// Something that takes its time to load: whoever needs it waits, nobody else does.
pub struct Background<T>(watch::Receiver<Option<Arc<T>>>);

impl<T: Send + Sync + 'static> Background<T> {
    /// Loads it on a thread of its own.
    pub fn load(load: impl FnOnce() -> T + Send + 'static) -> Self {
        let (sender, receiver) = watch::channel(None);
        // A failed send says that nobody waits any more: the server has stopped.
        tokio::task::spawn_blocking(move || drop(sender.send(Some(Arc::new(load())))));
        Self(receiver)
    }

    /// One that was loaded before.
    pub fn ready(value: Arc<T>) -> Self {
        Self(watch::channel(Some(value)).1)
    }

    /// The value, once it is there. `None` if loading it failed.
    pub async fn get(&self) -> Option<Arc<T>> {
        self.0.clone().wait_for(Option::is_some).await.ok()?.clone()
    }
}

/// The files that came with the program, in `dist/`.
pub struct Assets(PathBuf);

impl Assets {
    /// Beside the program, else in `dist/` of the working folder (a program run by cargo).
    pub fn find() -> Self {
        let beside = std::env::current_exe().ok().and_then(|program| Some(program.parent()?.to_owned()));
        Self(beside.filter(|folder| folder.join("share").is_dir()).unwrap_or_else(|| PathBuf::from("dist")))
    }

    /// uap-core's patterns.
    pub fn user_agents(&self) -> PathBuf {
        self.0.join("share/user-agents.yaml")
    }

    /// The databases of places.
    pub fn geoip(&self) -> PathBuf {
        self.0.join("share/geoip")
    }

    /// The names of countries.
    pub fn countries(&self) -> PathBuf {
        self.0.join("share/countries.json")
    }

    /// What browsers load.
    pub fn site(&self) -> PathBuf {
        self.0.join("site")
    }

    /// The hashes in the names of what browsers load, if they were built with any.
    pub fn hashes(&self) -> PathBuf {
        self.0.join("hash.txt")
    }
}
