//! `whereabouts login` and `whereabouts logout`.

use std::io::{IsTerminal, Write, stdin, stdout};

use anyhow::Context as _;
use clap::Args;
use reqwest::Method;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};

use crate::cli::{
    password_from_stdin,
    remote::{Failure, Remote, remove_login},
};

/// Sign in to a server. The session appears in Active Sessions; end it there or with `logout`.
#[derive(Args)]
pub struct Login {
    /// URL of the server: https://HOST.
    #[arg(long, env = "WHEREABOUTS_URL")]
    url: String,
    /// Username or email address [default: prompt].
    #[arg(long)]
    username: Option<String>,
    /// Read the password from standard input, one line, instead of prompting for it.
    #[arg(long)]
    password_stdin: bool,
    /// Code of the second factor [default: prompt if it is required].
    #[arg(long)]
    code: Option<String>,
}

pub async fn run(Login { url, username, password_stdin, code }: Login) -> anyhow::Result<()> {
    let mut remote = Remote::unauthenticated(&url)?;
    let username = username.map_or_else(|| prompt("Username or email: "), Ok)?;
    let password = if password_stdin { password_from_stdin()? } else { rpassword::prompt_password("Password: ")?.into() };
    let response = sign_in(&remote, &username, &password, code).await?;
    let previous = Remote::load().unwrap_or_default(); // not readable: there is nothing to sign out of
    remote.save_token(response["token"].as_str().context("the server returned no token")?)?;
    if let Some(previous) = previous {
        // The session that this one replaces. It may have ended, or its server may be gone.
        let _ = previous.request(Method::DELETE, "/sessions/current", None).await;
    }
    println!("Signed in to {}.", remote.url());
    Ok(())
}

/// Signs in. Prompts for the code if one is needed and standard input is a terminal.
async fn sign_in(remote: &Remote, username: &str, password: &SecretString, code: Option<String>) -> anyhow::Result<Value> {
    let post = async |code: Option<String>| {
        let mut body = json!({ "identifier": username, "password": password.expose_secret() });
        if let Some(code) = code {
            body["code"] = code.into();
        }
        remote.request(Method::POST, "/sessions", Some(body)).await
    };
    let can_prompt = code.is_none() && stdin().is_terminal();
    match post(code).await {
        Err(Failure::Refused { name, .. }) if name == "second-factor-required" && can_prompt => {
            Ok(post(Some(prompt("Authentication code: ")?)).await?)
        }
        response => Ok(response?),
    }
}

fn prompt(label: &str) -> anyhow::Result<String> {
    print!("{label}");
    stdout().flush()?;
    let mut line = String::new();
    stdin().read_line(&mut line)?;
    let line = line.trim();
    anyhow::ensure!(!line.is_empty(), "nothing was entered");
    Ok(line.to_owned())
}

/// Signs out and removes the stored token. A session that has already ended is no failure.
pub async fn log_out() -> anyhow::Result<()> {
    let Some(remote) = Remote::load()? else {
        println!("You are not signed in.");
        return Ok(());
    };
    match remote.request(Method::DELETE, "/sessions/current", None).await {
        Ok(_) | Err(Failure::NotSignedIn(_)) => {}
        // Kept until the server has ended the session: a lost token would remain valid.
        Err(failure) => return Err(failure.into()),
    }
    remove_login()?;
    println!("Signed out of {}.", remote.url());
    Ok(())
}
