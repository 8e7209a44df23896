//! `whereabouts session`.

use clap::{Args, Subcommand};

use crate::{
    accounts::actions as accounts,
    admin::actions::{self as admin, By},
    cli::{open, print_table, publish_ended, read_only, user::no_such_user},
    foundation::{
        clock::Clock,
        config::{Lifetimes, Storage},
        db::Db,
        ids::SessionId,
    },
    sessions::{expiry::Expiry, store},
    ui::time::{ago, ahead},
};

#[derive(Subcommand)]
pub enum Session {
    /// List a person's sessions.
    List {
        /// As JSON.
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        of: Of,
        #[command(flatten)]
        lifetimes: Lifetimes,
    },
    /// End one of a person's sessions, or all: a running server honours it at the next request.
    Revoke {
        /// The one to end.
        #[arg(long, conflicts_with = "all", required_unless_present = "all")]
        id: Option<String>,
        /// End all of them.
        #[arg(long)]
        all: bool,
        #[command(flatten)]
        of: Of,
    },
}

#[derive(Args)]
pub struct Of {
    /// Username or email address.
    #[arg(long)]
    user: String,
    #[command(flatten)]
    storage: Storage,
}

pub async fn run(session: Session) -> anyhow::Result<()> {
    match session {
        Session::List { json, of, lifetimes } => list(json, &of, &lifetimes).await,
        Session::Revoke { id, of, .. } => revoke(id, &of).await,
    }
}

async fn list(json: bool, Of { user, storage }: &Of, lifetimes: &Lifetimes) -> anyhow::Result<()> {
    let now = Clock::System.now();
    let sessions = async |db: &Db| {
        let found = accounts::find(db, user).await.map_err(|_| no_such_user(user))?;
        Ok(store::of_user(&mut db.read().await?, &found.account.id).await?)
    };
    let mut rows = read_only(storage, sessions).await?;
    let expiry = |row: &store::Row| Expiry::of(lifetimes, row.created_at, row.last_active_at);
    rows.retain(|row| expiry(row).reason(now).is_none());
    rows.sort_by_key(|row| std::cmp::Reverse(row.last_active_at));
    if json {
        let sessions: Vec<_> = rows
            .iter()
            .map(|row| {
                serde_json::json!({
                    "id": row.id, "device": row.device, "location": row.location, "ip": row.ip, "created_at": row.created_at,
                    "last_active_at": row.last_active_at, "expires_at": expiry(row).at(), "sign_in_method": row.sign_in_method,
                })
            })
            .collect();
        println!("{}", serde_json::to_string_pretty(&sessions)?);
        return Ok(());
    }
    let rows: Vec<_> = rows
        .iter()
        .map(|row| {
            let times = (ago(now, row.last_active_at), ahead(now, expiry(row).at()));
            [row.id.to_string(), row.device.label.clone(), row.location.label.clone(), row.ip.clone(), times.0, times.1]
        })
        .collect();
    print_table(["ID", "DEVICE", "LOCATION", "IP ADDRESS", "LAST ACTIVE", "EXPIRES"], &rows);
    Ok(())
}

async fn revoke(id: Option<String>, Of { user, storage, .. }: &Of) -> anyhow::Result<()> {
    let db = open(storage).await?;
    let found = accounts::find(&db, user).await.map_err(|_| no_such_user(user))?;
    let one = id.map(|id| SessionId::parse(&id).ok_or_else(|| anyhow::anyhow!("{id:?} is no session id"))).transpose()?;
    let ended = admin::revoke(&db, &Clock::System, &found.account.id, one.as_ref(), By::CommandLine).await?;
    anyhow::ensure!(one.is_none() || ended.len() == 1, "{} has no such session; it may have ended already", found.account.username);
    println!("Sessions ended: {}.", ended.len());
    publish_ended(&db, &found.account.id, ended).await;
    Ok(())
}
