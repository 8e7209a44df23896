//! `whereabouts session`.

use clap::{Args, Subcommand};

use crate::{
    accounts::actions as accounts,
    admin::actions as admin,
    cli::{open, print_table, publish_ended, read_only, user::unknown_user_error},
    foundation::{
        clock::Clock,
        config::{Lifetimes, Storage},
        db::Db,
        ids::SessionId,
    },
    reauthentication::actor::Actor,
    sessions::{expiry::Expiry, store},
    ui::time::{ago, ahead},
};

#[derive(Subcommand)]
pub enum Session {
    /// List a user's sessions.
    List {
        /// Print JSON.
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        user: UserOptions,
        #[command(flatten)]
        lifetimes: Lifetimes,
    },
    /// Revoke one or all of a user's sessions. A running server refuses their next request.
    Revoke {
        /// Id of the session to revoke.
        #[arg(long, conflicts_with = "all", required_unless_present = "all")]
        id: Option<String>,
        /// Revoke all sessions of the user.
        #[arg(long)]
        all: bool,
        #[command(flatten)]
        user: UserOptions,
    },
}

#[derive(Args)]
pub struct UserOptions {
    /// Username or email address.
    #[arg(long)]
    user: String,
    #[command(flatten)]
    storage: Storage,
}

pub async fn run(session: Session) -> anyhow::Result<()> {
    match session {
        Session::List { json, user, lifetimes } => list(json, &user, &lifetimes).await,
        Session::Revoke { id, user, .. } => revoke(id, &user).await,
    }
}

async fn list(json: bool, UserOptions { user, storage }: &UserOptions, lifetimes: &Lifetimes) -> anyhow::Result<()> {
    let now = Clock::System.now();
    let sessions = async |db: &Db| {
        let found = accounts::find(db, user).await.map_err(|_| unknown_user_error(user))?;
        Ok(store::list_by_user(&mut db.read().await?, &found.account.id).await?)
    };
    let mut rows = read_only(storage, sessions).await?;
    let expiry = |row: &store::SessionRow| Expiry::new(lifetimes, row.created_at, row.last_active_at);
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

async fn revoke(id: Option<String>, UserOptions { user, storage, .. }: &UserOptions) -> anyhow::Result<()> {
    let (db, recorder) = open(storage).await?;
    let found = accounts::find(&db, user).await.map_err(|_| unknown_user_error(user))?;
    let one = id.map(|id| SessionId::parse(&id).ok_or_else(|| anyhow::anyhow!("{id:?} is not a session id"))).transpose()?;
    let ended = admin::revoke(&db, &recorder, &found.account.id, one.as_ref(), Actor::CommandLine).await?;
    anyhow::ensure!(one.is_none() || ended.len() == 1, "{} has no such session; it may have ended already", found.account.username);
    println!("Sessions ended: {}.", ended.len());
    publish_ended(&db, &found.account.id, ended).await;
    Ok(())
}
