//! `whereabouts seed`: fills a database for benchmarks with valid sessions.

use std::{
    fs::File,
    io::{BufWriter, Write},
    ops::Range,
    path::PathBuf,
};

use chrono::{DateTime, Duration, Utc};
use clap::Args;

use crate::{
    accounts::{model::Account, store as accounts},
    cli::{open, password_from_stdin},
    foundation::{
        client::{
            device::{Device, DeviceKind, Form},
            location::{Location, Place},
        },
        clock::Clock,
        config::Storage,
        crypto::{hasher, secret::Secret},
        db::Tx,
        ids::{SessionId, UserId},
    },
    sessions::store::{self, NewSession, SessionRow},
};

/// Sessions per statement, and per transaction.
const SESSIONS_PER_STATEMENT: usize = 250;
const SESSIONS_PER_TRANSACTION: usize = 5_000;

/// Fill a database for benchmarks.
#[derive(Args)]
pub struct Seed {
    /// Number of accounts.
    #[arg(long)]
    users: usize,
    /// Number of sessions per account.
    #[arg(long)]
    sessions_per_user: usize,
    /// Prefix of the usernames: PREFIX0, PREFIX1, …
    #[arg(long, default_value = "user")]
    prefix: String,
    /// Write `username TAB session id TAB token` of each session to this file.
    #[arg(long)]
    tokens: Option<PathBuf>,
    /// Read one password for all accounts from standard input. Without it, nobody can sign in with a password.
    #[arg(long)]
    password_stdin: bool,
    #[command(flatten)]
    storage: Storage,
}

pub async fn run(seed: Seed) -> anyhow::Result<()> {
    let password = if seed.password_stdin { password_from_stdin()? } else { Secret::generate().reveal().into() };
    let (hash, db) = (hasher::hash(&password), open(&seed.storage).await?);
    let mut tokens = seed.tokens.as_ref().map(File::create).transpose()?.map(BufWriter::new);
    let (now, mut written, mut committed) = (Clock::System.now(), 0, 0);
    let mut tx = db.write().await?;
    for number in 0..seed.users {
        let account = insert_account(&mut tx, &format!("{}{number}", seed.prefix), &hash, now).await?;
        for first in (0..seed.sessions_per_user).step_by(SESSIONS_PER_STATEMENT) {
            let numbers = first..seed.sessions_per_user.min(first + SESSIONS_PER_STATEMENT);
            written += numbers.len();
            insert_sessions(&mut tx, &account, numbers, now, tokens.as_mut()).await?;
        }
        if written - committed >= SESSIONS_PER_TRANSACTION {
            tx.commit().await?;
            tx = db.write().await?;
            committed = written;
            eprint!("\r{written} sessions");
        }
    }
    tx.commit().await?;
    eprintln!("\r{} accounts, {written} sessions", seed.users);
    Ok(())
}

async fn insert_account(tx: &mut Tx, username: &str, hash: &str, now: DateTime<Utc>) -> anyhow::Result<Account> {
    let (id, name) = (UserId::new(now), username.to_owned());
    let account = Account {
        id,
        username: name.clone(),
        email: format!("{username}@example.com"),
        name,
        time_zone: "UTC".to_owned(),
        is_admin: false,
    };
    accounts::insert(tx, &account, hash, now).await?;
    Ok(account)
}

async fn insert_sessions(
    tx: &mut Tx,
    account: &Account,
    numbers: Range<usize>,
    now: DateTime<Utc>,
    mut tokens: Option<&mut impl Write>,
) -> anyhow::Result<()> {
    let mut new = Vec::with_capacity(numbers.len());
    for number in numbers {
        let (row, token) = (new_row(number, now), Secret::generate());
        if let Some(tokens) = &mut tokens {
            writeln!(tokens, "{}\t{}\t{}", account.username, row.id, token.reveal())?;
        }
        new.push(NewSession { user: &account.id, token_hash: token.hash(), row });
    }
    Ok(store::insert(tx, &new).await?)
}

/// Returns a session that was created and last used `number + 1` seconds ago.
fn new_row(number: usize, now: DateTime<Utc>) -> SessionRow {
    let at = now - Duration::seconds(number as i64 + 1);
    SessionRow {
        id: SessionId::new(now),
        sign_in_method: "Password".to_owned(),
        created_at: at,
        last_active_at: at,
        user_agent: "curl/8.5.0".to_owned(),
        device: Device { label: "curl".to_owned(), browser: None, os: None, kind: DeviceKind::ApiClient, form: Form::Api },
        first_ip: "192.0.2.1".to_owned(),
        ip: "192.0.2.1".to_owned(),
        location: Location::from_place(Place::Unknown),
        is_new_location: false,
    }
}
