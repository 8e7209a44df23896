//! `whereabouts seed`: fills a database for benchmarks.

mod accounts;
mod events;
mod grants;
mod plants;

use std::path::PathBuf;

use clap::Args;

use crate::{
    cli::{open, password_from_stdin},
    foundation::{
        clock::Clock,
        config::Storage,
        crypto::{hasher, secret::Secret},
        db::{Db, Tx},
    },
};

/// Rows per transaction, at least.
const ROWS_PER_TRANSACTION: usize = 20_000;

const DISTRIBUTION: &str = "\
Plants: PREFIX plant 0, PREFIX plant 1, … in organizations PREFIX organization 0, … of 100 plants, each with two portfolios of 50, \
PREFIX portfolio 0, …; devices have the hosts dPLANT-NUMBER.oORGANIZATION.PREFIX.example.

Grants, in this order, as far as --grants, users and plants allow:
  user 0        3: operator of organization 0, technician of the first portfolio of organization 1, viewer of the first plant of \
organization 2 (with fewer organizations, in the last one)
  user 1        3,000: technician of plants 0 to 2999
  users 2-1001  1 each: viewer of the last organization, so that 1,000 people reach the last plant
  users 2-…     the rest, spread evenly: each the same number of plants, in a row
The last user owns every organization and has no grants. Without --users, grants are those of PREFIX0 to PREFIX1002, who are added.

Events: sign-ins, sign-outs and changes of plants by these users, over the past 30 days.";

/// Fill a database for benchmarks.
#[derive(Args)]
#[command(after_help = DISTRIBUTION)]
pub struct Seed {
    /// Number of accounts.
    #[arg(long, default_value_t = 0)]
    users: usize,
    /// Number of sessions per account.
    #[arg(long, default_value_t = 0)]
    sessions_per_user: usize,
    /// Number of plants.
    #[arg(long, default_value_t = 0)]
    plants: usize,
    /// Number of devices per plant.
    #[arg(long, default_value_t = 0)]
    devices_per_plant: usize,
    /// Number of grants.
    #[arg(long, default_value_t = 0)]
    grants: usize,
    /// Number of audit events.
    #[arg(long, default_value_t = 0)]
    events: usize,
    /// Prefix of all names. Usernames are PREFIX0, PREFIX1, …
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
    anyhow::ensure!(seed.plants > 0 || seed.grants + seed.devices_per_plant == 0, "--devices-per-plant and --grants need --plants");
    let password = if seed.password_stdin { password_from_stdin()? } else { Secret::generate().reveal().into() };
    let (hash, (db, recorder), now) = (hasher::hash(&password), open(&seed.storage).await?, Clock::System.now());
    let mut filling = Filling { tx: Some(db.write().await?), db: &db, uncommitted: 0, written: 0, total: 0, what: "" };
    let users = accounts::fill(&mut filling, &seed, &hash, now).await?;
    let tree = plants::fill(&mut filling, &seed, users.last(), now).await?;
    grants::fill(&mut filling, &seed, &users, &tree, now).await?;
    events::fill(&mut filling, &recorder, &seed, (&users, &tree), now).await?;
    filling.commit().await?;
    let Seed { plants, devices_per_plant, grants, events, sessions_per_user, .. } = seed;
    let (users, sessions, devices) = (users.len(), users.len() * sessions_per_user, plants * devices_per_plant);
    eprintln!("\r\x1b[K{users} accounts, {sessions} sessions, {plants} plants, {devices} devices, {grants} grants, {events} events");
    Ok(())
}

/// A database that is being filled, in transactions of some thousand rows.
struct Filling<'a> {
    db: &'a Db,
    tx: Option<Tx>,
    uncommitted: usize,
    /// What is being written, how much of it, and how much there will be.
    what: &'static str,
    written: usize,
    total: usize,
}

impl Filling<'_> {
    /// Begins another kind of rows.
    fn begin(&mut self, what: &'static str, total: usize) {
        (self.what, self.written, self.total) = (what, 0, total);
    }

    /// Commits, and begins the next transaction.
    async fn commit(&mut self) -> sqlx::Result<()> {
        if let Some(tx) = self.tx.take() {
            tx.commit().await?; // SQLite has one connection that writes
        }
        self.tx = Some(self.db.write().await?);
        self.uncommitted = 0;
        Ok(())
    }

    fn tx(&mut self) -> &mut Tx {
        self.tx.as_mut().expect("there is a transaction, except while it is committed")
    }

    /// Counts rows as written. Commits them if they are many, and shows the progress.
    async fn wrote(&mut self, rows: usize) -> sqlx::Result<()> {
        self.written += rows;
        self.uncommitted += rows;
        if self.uncommitted >= ROWS_PER_TRANSACTION {
            self.commit().await?;
            eprint!("\r\x1b[K{} of {} {}", self.written, self.total, self.what);
        }
        Ok(())
    }
}
