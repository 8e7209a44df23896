//! The command line as a client of a server: what `login` keeps, and how a server is asked.

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
    foundation::{config::PublicUrl, user_agents::cli_user_agent},
};

const PATIENCE: Duration = Duration::from_secs(30);

/// What scripts tell by the exit code. Everything else that fails is 1, and a wrong command line 2.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// 3
    #[error("you are not signed in, or were signed out; run: whereabouts login --url {0}")]
    NotSignedIn(String),
    /// 4
    #[error("there is no such session; it may have ended already")]
    NotThere,
    /// 5
    #[error("{url} does not answer")]
    NoAnswer {
        /// Which server.
        url: String,
        /// Why.
        source: reqwest::Error,
    },
    /// 1: what the server says.
    #[error("{title}")]
    Refused {
        /// The problem's stable name.
        name: String,
        /// Its words.
        title: String,
    },
}

impl Failure {
    /// As the process ends.
    pub fn exit_code(&self) -> ExitCode {
        ExitCode::from(match self {
            Self::Refused { .. } => 1,
            Self::NotSignedIn(_) => 3,
            Self::NotThere => 4,
            Self::NoAnswer { .. } => 5,
        })
    }
}

/// A server, and who we are to it.
pub struct Remote {
    http: reqwest::Client,
    login: Login,
}

/// Where we are signed in.
#[derive(Clone, Serialize, Deserialize)]
struct Login {
    url: String,
    /// Empty before the sign-in.
    token: String,
}

impl Remote {
    /// A server that we are still to sign in to.
    pub fn stranger(url: &str) -> anyhow::Result<Self> {
        Self::with(Login { url: origin(url)?, token: String::new() })
    }

    /// The server of the environment's API token, else the one that we signed in to.
    pub fn known() -> anyhow::Result<Self> {
        if let Some(token) = environment::variable("WHEREABOUTS_TOKEN") {
            let url = environment::variable("WHEREABOUTS_URL").context("WHEREABOUTS_TOKEN is set, and WHEREABOUTS_URL is not")?;
            return Self::with(Login { url: origin(&url)?, token });
        }
        Self::kept()?.ok_or_else(|| Failure::NotSignedIn("https://…".to_owned()).into())
    }

    /// The server that we signed in to, if any.
    pub fn kept() -> anyhow::Result<Option<Self>> {
        let file = file()?;
        let Ok(text) = fs::read_to_string(&file) else { return Ok(None) };
        let login = serde_json::from_str(&text).with_context(|| format!("{} is not as `login` writes it; sign in anew", file.display()))?;
        Self::with(login).map(Some)
    }

    fn with(login: Login) -> anyhow::Result<Self> {
        let builder = reqwest::Client::builder().user_agent(cli_user_agent(std::env::consts::OS)).timeout(PATIENCE);
        // Led elsewhere, the token would go there too.
        Ok(Self { http: builder.redirect(redirect::Policy::none()).build()?, login })
    }

    /// Where it is.
    pub fn url(&self) -> &str {
        &self.login.url
    }

    /// Asks; the answer's JSON, null where there is none.
    pub async fn ask(&self, method: Method, path: &str, body: Option<Value>) -> Result<Value, Failure> {
        let no_answer = |source: reqwest::Error| Failure::NoAnswer { url: self.login.url.clone(), source: source.without_url() };
        let mut request = self.http.request(method, format!("{}/api/v1{path}", self.login.url));
        if !self.login.token.is_empty() {
            request = request.bearer_auth(&self.login.token);
        }
        if let Some(body) = body {
            request = request.json(&body);
        }
        let answer = request.send().await.map_err(no_answer)?;
        let (status, text) = (answer.status(), answer.bytes().await.map_err(no_answer)?);
        let json: Value = serde_json::from_slice(&text).unwrap_or_default(); // a 204 has none
        if status.is_success() { Ok(json) } else { Err(self.failure(status, &json)) }
    }

    fn failure(&self, status: StatusCode, problem: &Value) -> Failure {
        match (status, problem["type"].as_str()) {
            (_, Some("not-signed-in")) => Failure::NotSignedIn(self.login.url.clone()),
            (StatusCode::NOT_FOUND, Some("not-found")) => Failure::NotThere,
            (_, Some(name)) => Failure::Refused { name: name.to_owned(), title: problem["title"].as_str().unwrap_or(name).to_owned() },
            (status, None) => {
                Failure::Refused { name: String::new(), title: format!("{} is no Whereabouts: it answers {status}", self.login.url) }
            }
        }
    }

    /// Keeps the token of a sign-in, for this user alone (OPS-2).
    pub fn keep(&mut self, token: &str) -> anyhow::Result<()> {
        self.login.token = token.to_owned();
        let file = file()?;
        let folder = file.parent().context("the configuration folder has no name")?;
        fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).with_context(|| format!("{} cannot be made", folder.display()))?;
        write_private(&file, &serde_json::to_string_pretty(&self.login)?).with_context(|| format!("{} cannot be written", file.display()))
    }
}

/// Forgets the sign-in.
pub fn forget() -> anyhow::Result<()> {
    match fs::remove_file(file()?) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error).context("the sign-in cannot be forgotten"),
        _ => Ok(()),
    }
}

/// Scheme, host and port of a server; a warning where secrets would go to it unencrypted, beyond this machine.
fn origin(url: &str) -> anyhow::Result<String> {
    let public: PublicUrl = url.parse().map_err(|error| anyhow::anyhow!("--url {url}: {error}"))?;
    if !public.https && !public.is_loopback() {
        eprintln!("whereabouts: warning: {} is asked without encryption: whoever listens on the way reads your password", public.origin());
    }
    Ok(public.origin())
}

/// In one move, so that the file is never half written, nor ever readable by others.
fn write_private(file: &Path, text: &str) -> std::io::Result<()> {
    let new = file.with_extension("new");
    let _ = fs::remove_file(&new); // left behind by a start that was cut
    let mut made = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&new)?;
    writeln!(made, "{text}")?;
    fs::rename(new, file)
}

fn file() -> anyhow::Result<PathBuf> {
    let folder = dirs::config_dir().context("this user has no configuration folder: set HOME")?;
    Ok(folder.join("whereabouts").join("login.json"))
}
