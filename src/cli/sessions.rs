//! `whereabouts sessions` and `whereabouts revoke`: one's own, at a server.

use std::io::{IsTerminal, stdout};

use clap::Args;
use reqwest::Method;
use serde_json::Value;

use crate::{
    cli::{print_table, remote::Remote},
    foundation::clock::Clock,
    sessions::model::Session,
    ui::time::{ago, ahead},
};

/// List where your account is signed in: a table on a terminal, JSON otherwise.
#[derive(Args)]
pub struct Sessions {
    /// As JSON, on a terminal too.
    #[arg(long)]
    json: bool,
}

pub async fn list(Sessions { json }: Sessions) -> anyhow::Result<()> {
    // A person has a thousand at most: they come in one answer.
    let mut answer = Remote::known()?.ask(Method::GET, "/sessions?limit=1000", None).await?;
    let sessions = answer["sessions"].take();
    if json || !stdout().is_terminal() {
        println!("{}", serde_json::to_string_pretty(&sessions)?);
        return Ok(());
    }
    let now = Clock::System.now();
    let row = |session: Session| {
        let place = if session.current { format!("{} (this one)", session.device.label) } else { session.device.label };
        let last = if session.online { "online".to_owned() } else { ago(now, session.last_active_at) };
        [session.id.to_string(), place, session.location.label, session.ip, last, ahead(now, session.expires_at)]
    };
    let rows: Vec<_> = serde_json::from_value::<Vec<Session>>(sessions)?.into_iter().map(row).collect();
    print_table(["ID", "DEVICE", "LOCATION", "IP ADDRESS", "LAST ACTIVE", "EXPIRES"], &rows);
    Ok(())
}

/// End one of your sessions, or all others.
#[derive(Args)]
pub struct Revoke {
    /// The one to end, as `sessions` lists it.
    #[arg(conflicts_with = "others", required_unless_present = "others")]
    id: Option<String>,
    /// End all but this one.
    #[arg(long)]
    others: bool,
    /// Say what was done as JSON.
    #[arg(long)]
    json: bool,
}

pub async fn revoke(Revoke { id, json, .. }: Revoke) -> anyhow::Result<()> {
    let remote = Remote::known()?;
    let revoked = match id {
        Some(id) => {
            // What is no id must not become another path.
            let id: uuid::Uuid = id.parse().map_err(|_| crate::cli::remote::Failure::NotThere)?;
            remote.ask(Method::DELETE, &format!("/sessions/{id}"), None).await?;
            Value::from(1)
        }
        None => remote.ask(Method::DELETE, "/sessions", None).await?["revoked"].take(),
    };
    match json || !stdout().is_terminal() {
        true => println!("{}", serde_json::json!({ "revoked": revoked })),
        false => println!("Sessions ended: {revoked}."),
    }
    Ok(())
}
