//! `whereabouts login` and `whereabouts logout`.

use std::io::{IsTerminal, Write, stdin, stdout};

use anyhow::Context as _;
use clap::Args;
use reqwest::Method;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};

use crate::cli::{
    password_from_stdin,
    remote::{Failure, Remote, forget},
};

/// Sign in to a server. The session shows in Active Sessions, and ends by `logout` or from there.
#[derive(Args)]
pub struct Login {
    /// Where the server is: https://HOST.
    #[arg(long, env = "WHEREABOUTS_URL")]
    url: String,
    /// Username or email address; asked for otherwise.
    #[arg(long)]
    username: Option<String>,
    /// Read the password from standard input, one line; it is asked for otherwise.
    #[arg(long)]
    password_stdin: bool,
    /// The code of the second factor; asked for otherwise, where one is on.
    #[arg(long)]
    code: Option<String>,
}

pub async fn run(Login { url, username, password_stdin, code }: Login) -> anyhow::Result<()> {
    let mut remote = Remote::stranger(&url)?;
    let username = username.map_or_else(|| ask("Username or email: "), Ok)?;
    let password = if password_stdin { password_from_stdin()? } else { rpassword::prompt_password("Password: ")?.into() };
    let answer = sign_in(&remote, &username, &password, code).await?;
    let before = Remote::kept().unwrap_or_default(); // not readable: there is nothing to sign out of
    remote.keep(answer["token"].as_str().context("the server gave no token")?)?;
    if let Some(before) = before {
        // The session that this one takes the place of; it may have ended, or its server be gone.
        let _ = before.ask(Method::DELETE, "/sessions/current", None).await;
    }
    println!("Signed in to {}.", remote.url());
    Ok(())
}

/// Asks for the code where one is needed and there is somebody to ask.
async fn sign_in(remote: &Remote, username: &str, password: &SecretString, code: Option<String>) -> anyhow::Result<Value> {
    let post = async |code: Option<String>| {
        let mut body = json!({ "identifier": username, "password": password.expose_secret() });
        if let Some(code) = code {
            body["code"] = code.into();
        }
        remote.ask(Method::POST, "/sessions", Some(body)).await
    };
    let is_asked = code.is_none() && stdin().is_terminal();
    match post(code).await {
        Err(Failure::Refused { name, .. }) if name == "second-factor-required" && is_asked => {
            Ok(post(Some(ask("Authentication code: ")?)).await?)
        }
        answer => Ok(answer?),
    }
}

fn ask(words: &str) -> anyhow::Result<String> {
    print!("{words}");
    stdout().flush()?;
    let mut line = String::new();
    stdin().read_line(&mut line)?;
    let line = line.trim();
    anyhow::ensure!(!line.is_empty(), "nothing was typed");
    Ok(line.to_owned())
}

/// Signs out, and forgets the token. A session that has ended already is no failure.
pub async fn log_out() -> anyhow::Result<()> {
    let Some(remote) = Remote::kept()? else {
        println!("You are not signed in.");
        return Ok(());
    };
    match remote.ask(Method::DELETE, "/sessions/current", None).await {
        Ok(_) | Err(Failure::NotSignedIn(_)) => {}
        // Kept until the server has ended it: a token that nobody has still opens.
        Err(failure) => return Err(failure.into()),
    }
    forget()?;
    println!("Signed out of {}.", remote.url());
    Ok(())
}
