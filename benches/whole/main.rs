//! The whole service under load: each figure is the ratio of two measurements that alternate in one run, on both databases.
//!
//! `make bench` sets up what this needs: the address of PostgreSQL in `WHEREABOUTS_BENCH_POSTGRES`, and `wrk`.
//! `bash scripts/bench.sh flood` measures only the flood of sign-ins, and `bash scripts/bench.sh plants` only plants and permissions.

mod flood;
mod measure;
mod node;
mod plants;

use anyhow::Context as _;
use flood::Flood;
use measure::{Report, median, seconds, wrk};
use node::{Node, PASSWORD, User};
use whereabouts::foundation::crypto::hasher::{self, Memory};

/// The parts of the benchmarks, which arguments name. Without arguments all are measured.
const PARTS: [&str; 3] = ["sessions", "plants", "flood"];

/// Each pair is measured this many times, alternating, and reported as the ratio of its medians.
const ROUNDS: usize = 5;

/// Options without rate limits, because all users sign in from one address.
const NO_LIMITS: &[&str] = &["--rate-limits", "off"];
/// Options with all limits. The flood sets its addresses itself.
const LIMITS: &[&str] = &["--trusted-proxies", "127.0.0.0/8"];
/// Requests in each half of a round under a flood.
const SAMPLES: usize = 100;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let postgres = std::env::var("WHEREABOUTS_BENCH_POSTGRES").context("WHEREABOUTS_BENCH_POSTGRES is missing: run `make bench`")?;
    let parts: Vec<String> = std::env::args().filter(|argument| PARTS.contains(&argument.as_str())).collect();
    let is_measured = |part: &str| parts.is_empty() || parts.iter().any(|named| named == part);
    for database in ["SQLite", "PostgreSQL"] {
        println!("\n{database}");
        let server = (database == "PostgreSQL").then_some(postgres.as_str());
        if is_measured("sessions") {
            measure_without_load(server, database).await?;
        }
        if is_measured("plants") {
            plants::measure(server).await?;
        }
        if is_measured("flood") {
            for report in measure_under_flood(&Node::start(server, 1, LIMITS).await?).await? {
                report.print();
            }
        }
    }
    Ok(())
}

/// Measures everything about sessions that runs without other load.
async fn measure_without_load(server: Option<&str>, database: &str) -> anyhow::Result<()> {
    let (small, large) = (Node::start(server, 1, NO_LIMITS).await?, Node::start(server, 1_000, NO_LIMITS).await?);
    measure_look_up(&large, database).await?.print();
    for rows in [25, 1_000] {
        measure_list(&small, &large, rows).await?.print();
    }
    measure_revoke(&small).await?.print();
    for report in measure_sign_in(&small).await? {
        report.print();
    }
    Ok(())
}

/// Measures the cost of the session look-up per request.
async fn measure_look_up(node: &Node, database: &str) -> anyhow::Result<Report> {
    let bearer = format!("Authorization: Bearer {}", node.tokens[0]);
    let (mut with, mut without) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        with.push(wrk(&node.url("/api/v1/me"), 64, &["--header", &bearer]).await?);
        without.push(wrk(&node.url(node::NO_LOOK_UP), 64, &[]).await?);
    }
    Ok(Report {
        title: "GET /api/v1/me, 64 connections, against the same answer without a look-up, requests a second",
        measured: median(with),
        baseline: median(without),
        min_ratio: (database == "SQLite").then_some(0.25),
        max_ratio: None,
        bottleneck: "one SELECT a request: SQLite's hop to a thread of its own, PostgreSQL's trip over a socket",
    })
}

/// Measures how other users' sessions affect a list.
async fn measure_list(small: &Node, large: &Node, rows: usize) -> anyhow::Result<Report> {
    let path = format!("/api/v1/sessions?limit={rows}");
    let (mut among_many, mut among_few) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS * 20 {
        among_many.push(seconds(large.get(&path, &large.tokens[0])).await?);
        among_few.push(seconds(small.get(&path, &small.tokens[0])).await?);
    }
    Ok(Report {
        title: if rows == 25 {
            "the list of 25, 1,000,000 sessions against 1,000, seconds"
        } else {
            "the list of 1,000, likewise, seconds"
        },
        measured: median(among_many),
        baseline: median(among_few),
        min_ratio: None,
        max_ratio: Some(1.3),
        bottleneck: "reading the 1,000 rows of this person by the index of live sessions, sorting them and writing JSON",
    })
}

/// Measures the cost of revoking many sessions rather than one.
async fn measure_revoke(node: &Node) -> anyhow::Result<Report> {
    let (mut many, mut one) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let (others, single) = (node.add_users(1, 1_000).await?, node.add_users(1, 2).await?);
        many.push(seconds(node.revoke_others(&others[0], 999)).await?);
        one.push(seconds(node.revoke_others(&single[0], 1)).await?);
    }
    Ok(Report {
        title: "revoking 999 others against revoking one, seconds",
        measured: median(many),
        baseline: median(one),
        min_ratio: None,
        max_ratio: Some(40.0),
        bottleneck: "one UPDATE that moves each row between indexes; for one alone, the commit",
    })
}

/// Measures the cost of a sign-in beside its password hash: against argon2's crate called directly, which allocates its memory each time,
/// and against our own threads, which keep theirs.
async fn measure_sign_in(node: &Node) -> anyhow::Result<[Report; 2]> {
    let hash = hasher::hash(&PASSWORD.into());
    // Many users, as in production: a single one would soon reach the session limit of an account.
    let script = node.sign_in_script(&node.add_users(100, 1).await?)?;
    let (mut sign_ins, mut plain, mut kept) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        // More clients than cores, so that no core waits for a client.
        sign_ins.push(wrk(&node.url("/api/v1/sessions"), 8, &["--script", &script]).await?);
        plain.push(measure::hash_rate(&hash, measure::verify_with_new_memory).await?);
        kept.push(measure::hash_rate(&hash, Memory::verify).await?);
    }
    let report = |title, baseline, min_ratio| Report {
        title,
        measured: median(sign_ins.clone()),
        baseline,
        min_ratio,
        max_ratio: None,
        bottleneck: "argon2id, which keeps every core busy; two small transactions beside it",
    };
    Ok([
        report("sign-ins against bare argon2id, a second", median(plain), Some(0.9)),
        report("sign-ins against bare argon2id in memory that is kept, a second", median(kept), None),
    ])
}

/// Measures how a flood of sign-ins affects signed-in users (LIM-4).
async fn measure_under_flood(node: &Node) -> anyhow::Result<[Report; 2]> {
    let (mut quiet, mut during) = (Latencies::default(), Latencies::default());
    for _ in 0..ROUNDS {
        let (before, meanwhile) = (node.add_users(SAMPLES, 2).await?, node.add_users(SAMPLES, 2).await?);
        quiet.measure(node, &before).await?;
        let flood = Flood::start(node.url("/api/v1/sessions")).await;
        during.measure(node, &meanwhile).await?;
        println!("      the flood: {}", flood.stop().await?);
    }
    let report = |title, measured, baseline| Report {
        title,
        measured,
        baseline,
        min_ratio: None,
        max_ratio: Some(2.0),
        bottleneck: "reading and shedding each request of the flood; the hashes give way by their priority, and leave one core free",
    };
    let title =
        ["GET /api/v1/me under a flood of sign-ins against a quiet time, seconds", "DELETE /api/v1/sessions/{id}, likewise, seconds"];
    Ok([report(title[0], median(during.me), median(quiet.me)), report(title[1], median(during.revoke), median(quiet.revoke))])
}

/// Times that signed-in users wait, in seconds.
#[derive(Default)]
struct Latencies {
    me: Vec<f64>,
    revoke: Vec<f64>,
}

impl Latencies {
    async fn measure(&mut self, node: &Node, users: &[User]) -> anyhow::Result<()> {
        for user in users {
            self.me.push(seconds(node.get("/api/v1/me", &node.tokens[0])).await?);
            self.revoke.push(seconds(node.revoke_one(user)).await?);
        }
        Ok(())
    }
}
