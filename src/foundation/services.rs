//! Services that the whole server shares, passed to actions as one value.

use std::{
    net::IpAddr,
    sync::{Arc, OnceLock},
};

use axum::extract::State;
use tokio::sync::{Mutex, Notify, watch};
use tokio_util::sync::CancellationToken;

use crate::{
    foundation::{
        activity::Activity,
        background::BackgroundJobs,
        channels::Channels,
        client::{geoip::GeoIp, user_agents::UserAgents},
        clock::Clock,
        config::Config,
        connections::Connections,
        crypto::{hasher::Hasher, keyring::Keyring},
        db::Db,
        http::quota::Quota,
        hub::{Hub, Outgoing},
        ids::{SessionId, TokenId},
        limiter::Limiter,
        metrics::Metrics,
    },
    record::{Recorder, RefusedSignIns},
};

/// State and services that all features share.
pub struct Services {
    /// The settings.
    pub config: Config,
    /// The database.
    pub db: Db,
    /// Source of the current time.
    pub clock: Clock,
    /// Publishes session events to open pages.
    pub hub: Hub,
    /// Messages to other nodes. `None` on SQLite, which serves one node.
    pub outgoing: Option<Mutex<Outgoing>>,
    /// Session uses that are not written yet.
    pub activity: Activity<SessionId>,
    /// API token uses that are not written yet.
    pub token_activity: Activity<TokenId>,
    /// Request quota of API clients.
    pub quota: Quota,
    /// Request quota of clients that call server functions.
    pub server_function_quota: Quota,
    /// The first private address that connected while no proxy is trusted: probably a proxy that is missing in the settings.
    pub unconfigured_proxy: OnceLock<IpAddr>,
    /// Hashes passwords, as many concurrently as there are cores.
    pub hasher: Hasher,
    /// Counts attempts against rate limits.
    pub limiter: Limiter,
    /// Refused sign-ins that wait to be recorded in the audit log.
    pub refused_sign_ins: RefusedSignIns,
    /// Recognizes devices by their user agent.
    pub user_agents: Background<UserAgents>,
    /// Looks up locations of IP addresses.
    pub geoip: Background<GeoIp>,
    /// The keys that are kept outside the database.
    pub keyring: Arc<Keyring>,
    /// Writes audit events.
    pub recorder: Recorder,
    /// The number of events in the audit log that this node knows to be sealed, for open pages. Changes once a second at most.
    pub sealed: watch::Sender<i64>,
    /// Jobs that run after the response, so that response times reveal nothing (ENU-1).
    pub background_jobs: BackgroundJobs,
    /// Wakes the mail worker after a mail was enqueued.
    pub mail_wakeup: Arc<Notify>,
    /// Open connections.
    pub connections: Connections,
    /// Open live channels.
    pub channels: Channels,
    /// Metrics for operators.
    pub metrics: Metrics,
    /// Cancelled when the server begins to stop.
    pub running: CancellationToken,
}

impl Services {
    /// Returns whether the server is stopping.
    pub fn is_stopping(&self) -> bool {
        self.running.is_cancelled()
    }

    /// Waits until the server begins to stop.
    pub async fn stopped(&self) {
        self.running.cancelled().await;
    }
}

/// The services as an argument of a handler.
pub type Shared = State<Arc<Services>>;

/// A value that is loaded in the background. Only callers that need it wait for it.
pub struct Background<T>(watch::Receiver<Option<Arc<T>>>);

impl<T> Clone for Background<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T: Send + Sync + 'static> Background<T> {
    /// Starts loading the value on a blocking thread.
    pub fn load(load: impl FnOnce() -> T + Send + 'static) -> Self {
        let (sender, receiver) = watch::channel(None);
        // Sending fails only if no receiver is left, because the server has stopped.
        tokio::task::spawn_blocking(move || drop(sender.send(Some(Arc::new(load())))));
        Self(receiver)
    }

    /// Wraps a value that is already loaded.
    pub fn ready(value: Arc<T>) -> Self {
        Self(watch::channel(Some(value)).1)
    }

    /// Returns the value, if it is loaded already.
    pub fn if_loaded(&self) -> Option<Arc<T>> {
        self.0.borrow().clone()
    }

    /// Waits for the value. `None` if loading it failed.
    pub async fn get(&self) -> Option<Arc<T>> {
        self.0.clone().wait_for(Option::is_some).await.ok()?.clone()
    }
}
