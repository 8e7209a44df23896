//! Rates, times and what is said of them.

use std::time::{Duration, Instant};

use anyhow::Context as _;
use tokio::{process::Command, task::JoinSet};
use whereabouts::foundation::hasher::Memory;

use crate::node::PASSWORD;

const ONE_ROUND: Duration = Duration::from_secs(3);
/// More than there are cores, so that none waits for a client.
const CLIENTS: usize = 8;

/// One line of the result.
pub struct Report {
    pub what: &'static str,
    pub measured: f64,
    pub against: f64,
    pub at_least: Option<f64>,
    pub at_most: Option<f64>,
    pub bound_by: &'static str,
}

impl Report {
    pub fn print(&self) {
        let ratio = self.measured / self.against;
        let is_kept = self.at_least.is_none_or(|least| ratio >= least) && self.at_most.is_none_or(|most| ratio <= most);
        let wanted = match (self.at_least, self.at_most) {
            (Some(least), _) => format!("at least {least}"),
            (None, Some(most)) => format!("at most {most}"),
            (None, None) => "no bound".to_owned(),
        };
        let verdict = if is_kept { "✓" } else { "✗" };
        println!("  {verdict} {ratio:.2} ({wanted})  {}: {} against {}", self.what, figure(self.measured), figure(self.against));
        println!("      bound by {}", self.bound_by);
    }
}

fn figure(value: f64) -> String {
    if value < 10.0 { format!("{value:.5}") } else { format!("{value:.0}") }
}

pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// How long this takes, in seconds.
pub async fn seconds(what: impl Future<Output = anyhow::Result<()>>) -> anyhow::Result<f64> {
    let started = Instant::now();
    what.await?;
    Ok(started.elapsed().as_secs_f64())
}

/// Requests a second over 64 connections, by `wrk`.
pub async fn wrk(url: &str, token: Option<&str>) -> anyhow::Result<f64> {
    let mut command = Command::new("wrk");
    command.args(["--threads", "1", "--connections", "64", "--duration", &format!("{}s", ONE_ROUND.as_secs())]);
    if let Some(token) = token {
        command.args(["--header", &format!("Authorization: Bearer {token}")]);
    }
    let output = command.arg(url).output().await.context("wrk cannot be run")?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    anyhow::ensure!(!said.contains("Non-2xx"), "{url} was refused: {said}");
    let rate = said.lines().find_map(|line| line.trim().strip_prefix("Requests/sec:"));
    rate.and_then(|rate| rate.trim().parse().ok()).with_context(|| format!("wrk said: {said}"))
}

/// How often a second several clients at once get this done.
pub async fn rate<F: Future<Output = anyhow::Result<()>>>(what: impl Fn() -> F) -> anyhow::Result<f64> {
    let started = Instant::now();
    let client = async || {
        let mut done = 0;
        while started.elapsed() < ONE_ROUND {
            what().await?;
            done += 1;
        }
        anyhow::Ok(done)
    };
    let done = futures::future::try_join_all((0..CLIENTS).map(|_| client())).await?;
    Ok(f64::from(done.iter().sum::<i32>()) / started.elapsed().as_secs_f64())
}

/// Passwords verified a second with every core at it, and nothing else.
pub async fn hash_rate(hash: &str) -> anyhow::Result<f64> {
    let started = Instant::now();
    let mut cores = JoinSet::new();
    for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
        let hash = hash.to_owned();
        cores.spawn_blocking(move || {
            let (mut memory, mut done) = (Memory::default(), 0);
            while started.elapsed() < ONE_ROUND {
                assert!(memory.verify(&PASSWORD.into(), &hash), "the hash is of this password");
                done += 1;
            }
            done
        });
    }
    let done = cores.join_all().await;
    Ok(f64::from(done.iter().sum::<i32>()) / started.elapsed().as_secs_f64())
}
