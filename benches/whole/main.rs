//! The whole service under load: each figure is a ratio of two things measured in turn in one run, on both databases.
//!
//! `make bench` sets up what this needs: PostgreSQL's address in `WHEREABOUTS_BENCH_POSTGRES`, and `wrk`.

mod flood;
mod measure;
mod node;

use anyhow::Context as _;
use flood::Flood;
use measure::{Report, median, seconds, wrk};
use node::{Node, PASSWORD, Person};
use whereabouts::foundation::hasher::{self, Memory};

/// Each pair is measured this often, in turn, and told by its medians.
const ROUNDS: usize = 5;

/// Everybody signs in from one address.
const NO_LIMITS: &[&str] = &["--rate-limits", "off"];
/// All limits, and addresses that the flood names.
const LIMITS: &[&str] = &["--trusted-proxies", "127.0.0.0/8"];
/// Requests in each part of a round under a flood.
const SAMPLES: usize = 20;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let postgres = std::env::var("WHEREABOUTS_BENCH_POSTGRES").context("WHEREABOUTS_BENCH_POSTGRES is missing: run `make bench`")?;
    for database in ["SQLite", "PostgreSQL"] {
        println!("\n{database}");
        let server = (database == "PostgreSQL").then_some(postgres.as_str());
        let (small, large) = (Node::start(server, 1, NO_LIMITS).await?, Node::start(server, 1_000, NO_LIMITS).await?);
        look_up(&large, database).await?.print();
        for rows in [25, 1_000] {
            list(&small, &large, rows).await?.print();
        }
        revoke(&small).await?.print();
        for report in sign_in(&small).await? {
            report.print();
        }
        drop((small, large));
        for report in flooded(&Node::start(server, 1, LIMITS).await?).await? {
            report.print();
        }
    }
    Ok(())
}

/// What the look-up costs a request.
async fn look_up(node: &Node, database: &str) -> anyhow::Result<Report> {
    let bearer = format!("Authorization: Bearer {}", node.tokens[0]);
    let (mut with, mut without) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        with.push(wrk(&node.url("/api/v1/me"), 64, &["--header", &bearer]).await?);
        without.push(wrk(&node.url(node::NO_LOOK_UP), 64, &[]).await?);
    }
    Ok(Report {
        what: "GET /api/v1/me, 64 connections, against the same answer without a look-up, requests a second",
        measured: median(with),
        against: median(without),
        at_least: (database == "SQLite").then_some(0.25),
        at_most: None,
        bound_by: "one SELECT a request: SQLite's hop to a thread of its own, PostgreSQL's trip over a socket",
    })
}

/// What other people's sessions cost a list.
async fn list(small: &Node, large: &Node, rows: usize) -> anyhow::Result<Report> {
    let path = format!("/api/v1/sessions?limit={rows}");
    let (mut among_many, mut among_few) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS * 20 {
        among_many.push(seconds(large.get(&path, &large.tokens[0])).await?);
        among_few.push(seconds(small.get(&path, &small.tokens[0])).await?);
    }
    Ok(Report {
        what: if rows == 25 { "the list of 25, 1,000,000 sessions against 1,000, seconds" } else { "the list of 1,000, likewise, seconds" },
        measured: median(among_many),
        against: median(among_few),
        at_least: None,
        at_most: Some(1.3),
        bound_by: "reading the 1,000 rows of this person by the index of live sessions, sorting them and writing JSON",
    })
}

/// What it costs to end many rather than one.
async fn revoke(node: &Node) -> anyhow::Result<Report> {
    let (mut many, mut one) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let (others, single) = (node.add_people(1, 1_000).await?, node.add_people(1, 2).await?);
        many.push(seconds(node.revoke_others(&others[0], 999)).await?);
        one.push(seconds(node.revoke_others(&single[0], 1)).await?);
    }
    Ok(Report {
        what: "revoking 999 others against revoking one, seconds",
        measured: median(many),
        against: median(one),
        at_least: None,
        at_most: Some(40.0),
        bound_by: "one UPDATE that moves each row between indexes; for one alone, the commit",
    })
}

/// What a sign-in costs beside its password's hash: as argon2's crate computes it when called plainly, which has its memory
/// from the system each time, and as our own threads do, which keep theirs.
async fn sign_in(node: &Node) -> anyhow::Result<[Report; 2]> {
    let hash = hasher::hash(&PASSWORD.into());
    // Many people, as in life: one alone would soon have the most sessions that an account may.
    let script = node.sign_in_script(&node.add_people(100, 1).await?)?;
    let (mut sign_ins, mut plain, mut kept) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        // More clients than cores, so that no core waits for one.
        sign_ins.push(wrk(&node.url("/api/v1/sessions"), 8, &["--script", &script]).await?);
        plain.push(measure::hash_rate(&hash, measure::verify_plainly).await?);
        kept.push(measure::hash_rate(&hash, Memory::verify).await?);
    }
    let report = |what, against, at_least| Report {
        what,
        measured: median(sign_ins.clone()),
        against,
        at_least,
        at_most: None,
        bound_by: "argon2id, which keeps every core busy; two small transactions beside it",
    };
    Ok([
        report("sign-ins against bare argon2id, a second", median(plain), Some(0.9)),
        report("sign-ins against bare argon2id in memory that is kept, a second", median(kept), None),
    ])
}

/// What a flood of sign-ins costs those who are signed in (LIM-4).
async fn flooded(node: &Node) -> anyhow::Result<[Report; 2]> {
    let (mut quiet, mut during) = (Waits::default(), Waits::default());
    for _ in 0..ROUNDS {
        let (before, meanwhile) = (node.add_people(SAMPLES, 2).await?, node.add_people(SAMPLES, 2).await?);
        quiet.measure(node, &before).await?;
        let flood = Flood::start(node.url("/api/v1/sessions"));
        during.measure(node, &meanwhile).await?;
        println!("      the flood: {}", flood.stop());
    }
    let report = |what, measured, against| Report {
        what,
        measured,
        against,
        at_least: None,
        at_most: Some(2.0),
        bound_by: "reading and shedding each request of the flood; the hashes give way by their priority",
    };
    let what = ["GET /api/v1/me under a flood of sign-ins against a quiet time, seconds", "revoking one other session, likewise, seconds"];
    Ok([report(what[0], median(during.me), median(quiet.me)), report(what[1], median(during.revoke), median(quiet.revoke))])
}

/// What signed-in people wait for, in seconds.
#[derive(Default)]
struct Waits {
    me: Vec<f64>,
    revoke: Vec<f64>,
}

impl Waits {
    async fn measure(&mut self, node: &Node, people: &[Person]) -> anyhow::Result<()> {
        for person in people {
            self.me.push(seconds(node.get("/api/v1/me", &node.tokens[0])).await?);
            self.revoke.push(seconds(node.revoke_others(person, 1)).await?);
        }
        Ok(())
    }
}
