//! Rates, times and their reports.

use std::time::{Duration, Instant};

use anyhow::Context as _;
use argon2::{Argon2, PasswordHash, PasswordVerifier};
use rustix::time::{ClockId, clock_gettime};
use secrecy::{ExposeSecret, SecretString};
use tokio::{process::Command, task::JoinSet};
use whereabouts::foundation::crypto::hasher::Memory;

use crate::node::PASSWORD;

const ROUND_DURATION: Duration = Duration::from_secs(3);

/// One line of the results.
pub struct Report {
    pub title: &'static str,
    pub measured: f64,
    pub baseline: f64,
    pub min_ratio: Option<f64>,
    pub max_ratio: Option<f64>,
    pub bottleneck: &'static str,
}

impl Report {
    pub fn print(&self) {
        let ratio = self.measured / self.baseline;
        let is_within_limit = self.min_ratio.is_none_or(|min| ratio >= min) && self.max_ratio.is_none_or(|max| ratio <= max);
        let limit = match (self.min_ratio, self.max_ratio) {
            (Some(min), _) => format!("at least {min}"),
            (None, Some(max)) => format!("at most {max}"),
            (None, None) => "no bound".to_owned(),
        };
        let verdict = if is_within_limit { "✓" } else { "✗" };
        println!("  {verdict} {ratio:.2} ({limit})  {}: {} against {}", self.title, figure(self.measured), figure(self.baseline));
        println!("      bound by {}", self.bottleneck);
    }
}

fn figure(value: f64) -> String {
    if value < 10.0 { format!("{value:.5}") } else { format!("{value:.0}") }
}

pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Returns how long this takes, in seconds.
pub async fn seconds(work: impl Future<Output = anyhow::Result<()>>) -> anyhow::Result<f64> {
    let started = Instant::now();
    work.await?;
    Ok(started.elapsed().as_secs_f64())
}

/// Returns the CPU time that this process has used, in seconds.
pub fn cpu_seconds() -> f64 {
    let used = clock_gettime(ClockId::ProcessCPUTime);
    used.tv_sec as f64 + used.tv_nsec as f64 / 1e9
}

/// Returns the requests per second as measured by `wrk`, which uses hardly any CPU itself.
pub async fn wrk(url: &str, connections: usize, arguments: &[&str]) -> anyhow::Result<f64> {
    let (connections, duration) = (connections.to_string(), format!("{}s", ROUND_DURATION.as_secs()));
    let mut command = Command::new("wrk");
    command.args(["--threads", "1", "--connections", &connections, "--duration", &duration]).args(arguments).arg(url);
    let output = command.output().await.context("wrk cannot be run")?;
    let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
    anyhow::ensure!(!stdout.contains("Non-2xx"), "{url} was refused: {stdout}");
    let rate = stdout.lines().find_map(|line| line.trim().strip_prefix("Requests/sec:"));
    rate.and_then(|rate| rate.trim().parse().ok()).with_context(|| format!("wrk said: {stdout}"))
}

/// Verifies a password as argon2's crate does.
pub fn verify_with_new_memory(_: &mut Memory, password: &SecretString, hash: &str) -> bool {
    let hash = PasswordHash::new(hash).expect("it was just made");
    Argon2::default().verify_password(password.expose_secret().as_bytes(), &hash).is_ok()
}

/// Returns the passwords verified per second with all cores and no other load.
pub async fn hash_rate(hash: &str, verify: fn(&mut Memory, &SecretString, &str) -> bool) -> anyhow::Result<f64> {
    let started = Instant::now();
    let mut cores = JoinSet::new();
    for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
        let hash = hash.to_owned();
        cores.spawn_blocking(move || {
            let (mut memory, mut done) = (Memory::default(), 0);
            while started.elapsed() < ROUND_DURATION {
                assert!(verify(&mut memory, &PASSWORD.into(), &hash), "the hash is of this password");
                done += 1;
            }
            done
        });
    }
    let done = cores.join_all().await;
    Ok(f64::from(done.iter().sum::<i32>()) / started.elapsed().as_secs_f64())
}
