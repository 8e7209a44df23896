//! What a refused sign-in costs the database. This test has its own process because it reads the statements that the process runs.
#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

mod support;

use reqwest::StatusCode;
use support::{Backend, TestApp, log::Log};

/// Returns the statements about users, known devices and rate limits that lead to a refusal, in order. sqlx logs each as one line of JSON,
/// and a short one as its own summary.
async fn collect_statements(app: &TestApp, log: &Log, name: &str) -> Vec<String> {
    log.take();
    let fields = [("identifier", name), ("password", "wrong password"), ("next", "")];
    assert_eq!(app.post_form("sign_in", "", &fields).await.status(), StatusCode::TOO_MANY_REQUESTS);
    let lines = log.take();
    let lines = lines.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    let statements = lines.map(|line| format!("{}{}", line["summary"].as_str().unwrap(), line["db.statement"].as_str().unwrap()));
    statements.filter(|sql| ["users", "known_devices", "rate_limits"].iter().any(|table| sql.contains(table))).collect()
}

/// ENU-1: a browser that the limit of a name refuses costs the same statements whether or not an account has that name. Otherwise the time
/// to the 429, which no hashing hides, would reveal it.
#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_costs_the_same_with_and_without_an_account() {
    let log = Log::start("sqlx::query=debug");
    for backend in [Backend::Sqlite, Backend::Postgres] {
        let app = TestApp::start(backend).await;
        app.add_user("alice").await;
        app.add_user("bob").await;
        for name in ["alice", "nobody"] {
            for _ in 0..5 {
                assert_eq!(app.try_sign_in(name, "wrong password", "curl/8.5.0").await.status(), StatusCode::UNAUTHORIZED);
            }
        }
        let (known, unknown) = (collect_statements(&app, &log, "alice").await, collect_statements(&app, &log, "nobody").await);
        assert!(known.len() >= 4, "{known:#?}");
        assert_eq!(known, unknown);
        assert!(app.sign_in("bob").await.is_signed_in().await);
    }
}
