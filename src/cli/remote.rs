//! The command line as a client of a server: the stored login, and requests.

use std::{
    fs,
    io::Write,
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

use anyhow::Context as _;
use reqwest::{Method, StatusCode, redirect};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    cli::environment,
    foundation::{client::user_agents::cli_user_agent, config::PublicUrl},
};

const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);

/// Failures that scripts distinguish by exit code. Every other failure is 1, and a wrong command line 2.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// Exit code 3.
    #[error("not signed in, or the session has ended; run: whereabouts login --url {0}")]
    NotSignedIn(String),
    /// Exit code 4.
    #[error("session not found; it may have ended already")]
    SessionNotFound,
    /// Exit code 5.
    #[error("{url} does not respond")]
    Unreachable {
        /// The server.
        url: String,
        /// The cause.
        source: reqwest::Error,
    },
    /// Exit code 1: what the server says.
    #[error("{title}")]
    Refused {
        /// The stable name of the problem.
        name: String,
        /// Its text.
        title: String,
    },
}

impl Failure {
    /// Returns the exit code of the process.
    pub fn exit_code(&self) -> ExitCode {
        ExitCode::from(match self {
            Self::Refused { .. } => 1,
            Self::NotSignedIn(_) => 3,
            Self::SessionNotFound => 4,
            Self::Unreachable { .. } => 5,
        })
    }
}

/// A client of a server, signed in or not.
pub struct Remote {
    http: reqwest::Client,
    login: Login,
}

/// A login, as it is stored.
#[derive(Clone, Serialize, Deserialize)]
struct Login {
    url: String,
    /// Empty before the sign-in.
    token: String,
}

impl Remote {
    /// Returns a client that is not signed in yet.
    pub fn unauthenticated(url: &str) -> anyhow::Result<Self> {
        Self::new(Login { url: parse_origin(url)?, token: String::new() })
    }

    /// Returns a client with the API token of the environment, else with the stored login.
    ///
    /// Errors: [`Failure::NotSignedIn`] if there is neither.
    pub fn signed_in() -> anyhow::Result<Self> {
        if let Some(token) = environment::variable("WHEREABOUTS_TOKEN") {
            let url = environment::variable("WHEREABOUTS_URL").context("WHEREABOUTS_TOKEN is set, but WHEREABOUTS_URL is not")?;
            return Self::new(Login { url: parse_origin(&url)?, token });
        }
        Self::load()?.ok_or_else(|| Failure::NotSignedIn("https://…".to_owned()).into())
    }

    /// Returns a client with the stored login. `None` if there is none.
    pub fn load() -> anyhow::Result<Option<Self>> {
        let file = login_file()?;
        let Ok(text) = fs::read_to_string(&file) else { return Ok(None) };
        let login = serde_json::from_str(&text).with_context(|| format!("{} is not a valid login file; sign in again", file.display()))?;
        Self::new(login).map(Some)
    }

    fn new(login: Login) -> anyhow::Result<Self> {
        let builder = reqwest::Client::builder().user_agent(cli_user_agent(std::env::consts::OS)).timeout(REQUEST_TIMEOUT);
        // A redirect would send the token elsewhere.
        Ok(Self { http: builder.redirect(redirect::Policy::none()).build()?, login })
    }

    /// Returns the URL of the server.
    pub fn url(&self) -> &str {
        &self.login.url
    }

    /// Sends a request. Returns the JSON of the response, null if there is none.
    pub async fn request(&self, method: Method, path: &str, body: Option<Value>) -> Result<Value, Failure> {
        let unreachable = |source: reqwest::Error| Failure::Unreachable { url: self.login.url.clone(), source: source.without_url() };
        let mut request = self.http.request(method, format!("{}/api/v1{path}", self.login.url));
        if !self.login.token.is_empty() {
            request = request.bearer_auth(&self.login.token);
        }
        if let Some(body) = body {
            request = request.json(&body);
        }
        let response = request.send().await.map_err(unreachable)?;
        let (status, text) = (response.status(), response.bytes().await.map_err(unreachable)?);
        let json: Value = serde_json::from_slice(&text).unwrap_or_default(); // a 204 has none
        if status.is_success() { Ok(json) } else { Err(self.failure(status, &json)) }
    }

    fn failure(&self, status: StatusCode, problem: &Value) -> Failure {
        match (status, problem["type"].as_str()) {
            (_, Some("not-signed-in")) => Failure::NotSignedIn(self.login.url.clone()),
            (StatusCode::NOT_FOUND, Some("not-found")) => Failure::SessionNotFound,
            (_, Some(name)) => Failure::Refused { name: name.to_owned(), title: problem["title"].as_str().unwrap_or(name).to_owned() },
            (status, None) => Failure::Refused {
                name: String::new(),
                title: format!("{} is not a Whereabouts server: it responded with {status}", self.login.url),
            },
        }
    }

    /// Stores the token of a sign-in, readable by this user alone (OPS-2).
    pub fn save_token(&mut self, token: &str) -> anyhow::Result<()> {
        self.login.token = token.to_owned();
        let file = login_file()?;
        let folder = file.parent().context("the configuration folder has no name")?;
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)
            .with_context(|| format!("{} cannot be created", folder.display()))?;
        write_private(&file, &serde_json::to_string_pretty(&self.login)?).with_context(|| format!("{} cannot be written", file.display()))
    }
}

/// Removes the stored login.
pub fn remove_login() -> anyhow::Result<()> {
    match fs::remove_file(login_file()?) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error).context("the stored login cannot be removed"),
        _ => Ok(()),
    }
}

/// Returns scheme, host and port of a server. Warns if secrets would be sent to it unencrypted, beyond this machine.
fn parse_origin(url: &str) -> anyhow::Result<String> {
    let public: PublicUrl = url.parse().map_err(|error| anyhow::anyhow!("--url {url}: {error}"))?;
    if !public.https && !public.is_loopback() {
        eprintln!(
            "whereabouts: warning: the connection to {} is not encrypted; others on the network can read your password",
            public.origin()
        );
    }
    Ok(public.origin())
}

/// Replaces a file atomically, so that it is never half written, nor ever readable by others.
fn write_private(file: &Path, text: &str) -> std::io::Result<()> {
    let new = file.with_extension("new");
    let _ = fs::remove_file(&new); // left behind by an interrupted write
    let mut created = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&new)?;
    writeln!(created, "{text}")?;
    fs::rename(new, file)
}

fn login_file() -> anyhow::Result<PathBuf> {
    let folder = dirs::config_dir().context("this user has no configuration folder: set HOME")?;
    Ok(folder.join("whereabouts").join("login.json"))
}
