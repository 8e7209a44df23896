//! `whereabouts sessions` and `whereabouts revoke`: one's own sessions on a server.

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

/// List the sessions of your account: as a table on a terminal, as JSON otherwise.
#[derive(Args)]
pub struct Sessions {
    /// Print JSON on a terminal too.
    #[arg(long)]
    json: bool,
}

pub async fn list(Sessions { json }: Sessions) -> anyhow::Result<()> {
    // A user has a thousand at most: one response contains all.
    let mut response = Remote::signed_in()?.request(Method::GET, "/sessions?limit=1000", None).await?;
    let sessions = response["sessions"].take();
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

/// Revoke one of your sessions, or all others.
#[derive(Args)]
pub struct Revoke {
    /// Id of the session to revoke, as listed by `sessions`.
    #[arg(conflicts_with = "others", required_unless_present = "others")]
    id: Option<String>,
    /// Revoke all sessions except this one.
    #[arg(long)]
    others: bool,
    /// Print the result as JSON.
    #[arg(long)]
    json: bool,
}

pub async fn revoke(Revoke { id, json, .. }: Revoke) -> anyhow::Result<()> {
    let remote = Remote::signed_in()?;
    let revoked = match id {
        Some(id) => {
            // Text that is not an id must not form another path.
            let id: uuid::Uuid = id.parse().map_err(|_| crate::cli::remote::Failure::SessionNotFound)?;
            remote.request(Method::DELETE, &format!("/sessions/{id}"), None).await?;
            Value::from(1)
        }
        None => remote.request(Method::DELETE, "/sessions", None).await?["revoked"].take(),
    };
    match json || !stdout().is_terminal() {
        true => println!("{}", serde_json::json!({ "revoked": revoked })),
        false => println!("Sessions ended: {revoked}."),
    }
    Ok(())
}
