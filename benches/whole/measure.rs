//! Rates, times and what is said of them.

use std::time::{Duration, Instant};

use anyhow::Context as _;
use argon2::{Argon2, PasswordHash, PasswordVerifier};
use secrecy::{ExposeSecret, SecretString};
use tokio::{process::Command, task::JoinSet};
use whereabouts::foundation::hasher::Memory;

use crate::node::PASSWORD;

const ONE_ROUND: Duration = Duration::from_secs(3);

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

/// Requests a second, by `wrk`, which takes next to nothing of the machine for itself.
pub async fn wrk(url: &str, connections: usize, arguments: &[&str]) -> anyhow::Result<f64> {
    let (connections, duration) = (connections.to_string(), format!("{}s", ONE_ROUND.as_secs()));
    let mut command = Command::new("wrk");
    command.args(["--threads", "1", "--connections", &connections, "--duration", &duration]).args(arguments).arg(url);
    let output = command.output().await.context("wrk cannot be run")?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    anyhow::ensure!(!said.contains("Non-2xx"), "{url} was refused: {said}");
    let rate = said.lines().find_map(|line| line.trim().strip_prefix("Requests/sec:"));
    rate.and_then(|rate| rate.trim().parse().ok()).with_context(|| format!("wrk said: {said}"))
}

/// A password verified as argon2's crate does it.
pub fn verify_plainly(_: &mut Memory, password: &SecretString, hash: &str) -> bool {
    let hash = PasswordHash::new(hash).expect("it was just made");
    Argon2::default().verify_password(password.expose_secret().as_bytes(), &hash).is_ok()
}

/// Passwords verified a second with every core at it, and nothing else.
pub async fn hash_rate(hash: &str, verify: fn(&mut Memory, &SecretString, &str) -> bool) -> anyhow::Result<f64> {
    let started = Instant::now();
    let mut cores = JoinSet::new();
    for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
        let hash = hash.to_owned();
        cores.spawn_blocking(move || {
            let (mut memory, mut done) = (Memory::default(), 0);
            while started.elapsed() < ONE_ROUND {
                assert!(verify(&mut memory, &PASSWORD.into(), &hash), "the hash is of this password");
                done += 1;
            }
            done
        });
    }
    let done = cores.join_all().await;
    Ok(f64::from(done.iter().sum::<i32>()) / started.elapsed().as_secs_f64())
}
