//! Settings. Each is an option of `serve` and an environment variable. An invalid one stops the start with a one-line error.

use std::{
    net::{IpAddr, SocketAddr},
    path::{Path, PathBuf},
    str::FromStr,
    time::Duration,
};

use anyhow::Context as _;
use axum::http::HeaderValue;
use clap::{Args, ValueEnum};
use ipnet::IpNet;
use tracing_subscriber::EnvFilter;

/// Location of the database and of our files. Used by every command.
#[derive(Debug, Clone, Args)]
pub struct Storage {
    /// Folder for the database, keys and the outbox.
    #[arg(long, env = "WHEREABOUTS_DATA_DIR", default_value = "data")]
    pub data_dir: PathBuf,

    /// sqlite://PATH, or postgres://… for several nodes [default: sqlite://DATA_DIR/whereabouts.db].
    #[arg(long, env = "WHEREABOUTS_DATABASE_URL", hide_env_values = true)]
    pub database_url: Option<String>,
}

impl Storage {
    /// Returns the URL of the database: the configured one, else that of the SQLite file in the data folder.
    pub fn url(&self) -> String {
        self.database_url.clone().unwrap_or_else(|| format!("sqlite://{}/whereabouts.db", self.data_dir.display()))
    }
}

/// Session lifetimes, and how long a session counts as online.
#[derive(Debug, Clone, Copy, Args)]
pub struct Lifetimes {
    /// A session expires this long after its last use.
    #[arg(long, env = "WHEREABOUTS_IDLE_TIMEOUT", default_value = "14d", value_parser = duration)]
    pub idle_timeout: Duration,

    /// A session expires this long after its sign-in, even if it is in use.
    #[arg(long, env = "WHEREABOUTS_ABSOLUTE_TIMEOUT", default_value = "90d", value_parser = duration)]
    pub absolute_timeout: Duration,

    /// A session counts as online this long after its last use.
    #[arg(long, env = "WHEREABOUTS_ONLINE_WINDOW", default_value = "5m", value_parser = duration)]
    pub online_window: Duration,
}

/// All settings of `serve`.
#[derive(Debug, Clone, Args)]
pub struct Config {
    /// Address and port to listen on.
    #[arg(long, env = "WHEREABOUTS_ADDR", default_value = "127.0.0.1:3000")]
    pub addr: SocketAddr,

    /// URL of the site for browsers; also used for links in emails [default: http://ADDR].
    #[arg(long, env = "WHEREABOUTS_PUBLIC_URL")]
    pub public_url: Option<PublicUrl>,

    #[command(flatten)]
    pub storage: Storage,

    /// Deadline for each PostgreSQL statement, including the wait for a connection, from 100ms to 30s; the request then fails with
    /// 503. Not used for SQLite.
    #[arg(long, env = "WHEREABOUTS_DATABASE_TIMEOUT", default_value = "2s", value_parser = database_timeout)]
    pub database_timeout: Duration,

    #[command(flatten)]
    pub lifetimes: Lifetimes,

    /// Location databases: a .mmdb file, a folder of them, or `off` [default: the databases in dist/].
    #[arg(long, env = "WHEREABOUTS_GEOIP")]
    pub geoip: Option<String>,

    /// Reverse proxies whose forwarding header is trusted: CIDRs, separated by commas.
    #[arg(long, env = "WHEREABOUTS_TRUSTED_PROXIES", value_delimiter = ',')]
    pub trusted_proxies: Vec<IpNet>,

    /// Header in which trusted proxies send the client's address. All others are ignored.
    #[arg(long, env = "WHEREABOUTS_FORWARDED_HEADER", default_value = "x-forwarded-for")]
    pub forwarded_header: ForwardedHeader,

    /// Maximum number of open connections. One network may hold a quarter of them (at least 16); trusted proxies have no such share.
    #[arg(long, env = "WHEREABOUTS_MAX_CONNECTIONS", default_value = "10000", value_parser = clap::value_parser!(u32).range(1..))]
    pub max_connections: u32,

    /// Mail server: smtps://USER:PASSWORD@HOST, or smtp://HOST:PORT?tls=required [default: files in DATA_DIR/outbox].
    #[arg(long, env = "WHEREABOUTS_SMTP_URL", hide_env_values = true)]
    pub smtp_url: Option<String>,

    /// Sender of emails [default: Whereabouts <whereabouts@HOST>].
    #[arg(long, env = "WHEREABOUTS_MAIL_FROM")]
    pub mail_from: Option<String>,

    /// Who can create an account: with `invite`, invited people; with `open`, everybody with an email address.
    #[arg(long, env = "WHEREABOUTS_REGISTRATION", default_value = "invite")]
    pub registration: Registration,

    /// Other sites whose pages may call the API, each as https://HOST, separated by commas [default: none].
    #[arg(long, env = "WHEREABOUTS_CORS_ORIGINS", value_delimiter = ',', value_parser = cors_origin)]
    pub cors_origins: Vec<HeaderValue>,

    /// Rate limits. Use `off` for load tests only.
    #[arg(long, env = "WHEREABOUTS_RATE_LIMITS", default_value = "on")]
    pub rate_limits: Switch,

    /// Address and port for /metrics (OpenMetrics, for Prometheus). It has no authentication: keep it private [default: off].
    #[arg(long, env = "WHEREABOUTS_METRICS_ADDR")]
    pub metrics_addr: Option<SocketAddr>,

    /// Whether everybody can read the checkpoint and the tiles of the audit log, for witnesses. They hold hashes only, and say how many
    /// events there are.
    #[arg(long, env = "WHEREABOUTS_AUDIT_PUBLIC", default_value = "off")]
    pub audit_public: Switch,

    /// Log level: error, warn, info, debug, or tracing directives.
    #[arg(long, env = "WHEREABOUTS_LOG", default_value = "info")]
    pub log: String,
}

impl Config {
    /// Returns the URL under which browsers reach this site.
    pub fn public_url(&self) -> PublicUrl {
        self.public_url.clone().unwrap_or_else(|| PublicUrl { https: false, authority: self.addr.to_string() })
    }

    /// Returns whether `ip`, which must be in canonical form, is one of [`Self::trusted_proxies`].
    pub fn is_trusted_proxy(&self, ip: IpAddr) -> bool {
        self.trusted_proxies.iter().any(|net| net.contains(&ip))
    }

    /// Validates what option parsing does not: settings that depend on each other, the database URL, files and log directives (OPS-3).
    ///
    /// Errors: a sentence that names the first invalid setting.
    pub fn validate(&self) -> anyhow::Result<()> {
        let Lifetimes { idle_timeout, absolute_timeout, online_window } = self.lifetimes;
        anyhow::ensure!(idle_timeout <= absolute_timeout, "WHEREABOUTS_IDLE_TIMEOUT is longer than WHEREABOUTS_ABSOLUTE_TIMEOUT");
        anyhow::ensure!(online_window <= idle_timeout, "WHEREABOUTS_ONLINE_WINDOW is longer than WHEREABOUTS_IDLE_TIMEOUT");
        let url = self.storage.url();
        anyhow::ensure!(
            ["sqlite://", "postgres://", "postgresql://"].iter().any(|known| url.starts_with(known)),
            "WHEREABOUTS_DATABASE_URL must start with sqlite:// or postgres://"
        );
        if let Some(path) = self.geoip.as_deref().filter(|path| *path != "off") {
            anyhow::ensure!(Path::new(path).exists(), "WHEREABOUTS_GEOIP: {path} does not exist");
        }
        EnvFilter::try_new(&self.log).context("WHEREABOUTS_LOG is invalid")?;
        Ok(())
    }
}

/// Parses an origin in the form in which browsers send it. Wildcards are refused (API-4).
fn cors_origin(text: &str) -> Result<HeaderValue, String> {
    let url: PublicUrl = text.parse()?;
    if text.contains('*') {
        return Err("write each origin in full, without *".to_owned());
    }
    HeaderValue::try_from(url.origin()).map_err(|_| format!("{text:?} is not an origin"))
}

/// On or off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Switch {
    On,
    Off,
}

/// The header in which trusted proxies send the client's address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ForwardedHeader {
    /// `X-Forwarded-For`: addresses, separated by commas.
    XForwardedFor,
    /// `Forwarded` (RFC 7239).
    Forwarded,
}

/// Who may create an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Registration {
    /// Everybody whom an administrator invites.
    Invite,
    /// Everybody with an email address.
    Open,
}

/// Scheme, host and port under which browsers reach this site, without a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicUrl {
    /// Whether the scheme is `https`. Cookies are then `Secure` and have the prefix `__Host-`.
    pub https: bool,
    /// Host, with the port if it is not the default port of the scheme.
    pub authority: String,
}

impl PublicUrl {
    /// Returns the origin, as in an `Origin` header.
    pub fn origin(&self) -> String {
        format!("{}://{}", if self.https { "https" } else { "http" }, self.authority)
    }

    /// Returns the host without the port.
    pub fn host(&self) -> &str {
        let is_port = |port: &str| port.bytes().all(|byte| byte.is_ascii_digit());
        self.authority.rsplit_once(':').filter(|(_, port)| is_port(port)).map_or(self.authority.as_str(), |(host, _)| host)
    }

    /// Returns whether `authority` (a `Host` header) names this site (NET-2). If the public host is a loopback name, all loopback names
    /// are equivalent.
    pub fn is_host(&self, authority: &str) -> bool {
        let port_of = |authority: &str| authority.rsplit_once(':').map(|(_, port)| port.to_owned());
        authority.eq_ignore_ascii_case(&self.authority)
            || (is_loopback(authority) && is_loopback(&self.authority) && port_of(authority) == port_of(&self.authority))
    }

    /// Returns whether the host is a loopback name or address.
    pub fn is_loopback(&self) -> bool {
        is_loopback(&self.authority)
    }

    /// Returns whether an `Origin` header names this site.
    pub fn is_origin(&self, origin: &str) -> bool {
        let scheme = if self.https { "https://" } else { "http://" };
        origin.strip_prefix(scheme).is_some_and(|authority| self.is_host(authority))
    }
}

fn is_loopback(authority: &str) -> bool {
    let host = authority.rsplit_once(':').map_or(authority, |(host, _)| host);
    matches!(host, "localhost" | "127.0.0.1" | "[::1]")
}

impl FromStr for PublicUrl {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let url: axum::http::Uri = text.parse().map_err(|_| "not a URL".to_owned())?;
        let https = match url.scheme_str() {
            Some("https") => true,
            Some("http") => false,
            _ => return Err("must start with http:// or https://".to_owned()),
        };
        if url.path().len() > 1 || url.query().is_some() {
            return Err("must consist of scheme, host and port only".to_owned());
        }
        let authority = url.authority().ok_or("has no host")?.as_str().to_ascii_lowercase();
        let default_port = if https { ":443" } else { ":80" };
        let authority = authority.strip_suffix(default_port).unwrap_or(&authority).to_owned();
        Ok(Self { https, authority })
    }
}

/// Parses a duration such as `14d`, `90m` or `1h 30m`: at least a second, at most ten years.
fn duration(text: &str) -> Result<Duration, String> {
    const TEN_YEARS: Duration = Duration::from_secs(3653 * 86_400);
    let duration = humantime::parse_duration(text).map_err(|_| "write it like 14d, 12h or 5m".to_owned())?;
    if duration < Duration::from_secs(1) || duration > TEN_YEARS {
        return Err("must be between a second and ten years".to_owned());
    }
    Ok(duration)
}

/// Parses a duration such as `2s` or `500ms`: at least 100 milliseconds, at most 30 seconds.
fn database_timeout(text: &str) -> Result<Duration, String> {
    let timeout = humantime::parse_duration(text).map_err(|_| "write it like 2s or 500ms".to_owned())?;
    if timeout < Duration::from_millis(100) || timeout > Duration::from_secs(30) {
        return Err("must be between 100ms and 30s".to_owned());
    }
    Ok(timeout)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_public_url_is_only_scheme_and_host() {
        let url: PublicUrl = "https://Sessions.example:443".parse().unwrap();
        assert_eq!(url.origin(), "https://sessions.example");
        for bad in ["sessions.example", "ftp://x", "https://x/path", "https://x?q", ""] {
            assert!(bad.parse::<PublicUrl>().is_err(), "{bad}");
        }
    }

    /// NET-2
    #[test]
    fn only_the_public_host_is_this_site() {
        let url: PublicUrl = "https://sessions.example".parse().unwrap();
        assert!(url.is_host("sessions.example") && url.is_origin("https://sessions.example"));
        for foreign in ["evil.example", "sessions.example.evil", "sessions.example:8443", "", "localhost"] {
            assert!(!url.is_host(foreign), "{foreign}");
        }
        assert!(!url.is_origin("http://sessions.example"));
        let local: PublicUrl = "http://127.0.0.1:3000".parse().unwrap();
        assert!(local.is_host("localhost:3000") && !local.is_host("localhost:3001"));
    }

    /// API-4
    #[test]
    fn cors_origins_are_written_in_full() {
        assert_eq!(cors_origin("https://Grafana.example:443").unwrap(), "https://grafana.example");
        for bad in ["*", "https://*", "https://*.example", "grafana.example", "https://grafana.example/path", "null"] {
            assert!(cors_origin(bad).is_err(), "{bad}");
        }
    }

    /// OPS-3
    #[test]
    fn durations_are_bounded() {
        assert_eq!(duration("14d"), Ok(Duration::from_secs(14 * 86_400)));
        for bad in ["", "14", "0s", "-1d", "11y", "soon"] {
            assert!(duration(bad).is_err(), "{bad}");
        }
        assert_eq!(database_timeout("500ms"), Ok(Duration::from_millis(500)));
        for bad in ["", "2", "99ms", "31s", "soon"] {
            assert!(database_timeout(bad).is_err(), "{bad}");
        }
    }
}
