//! ENU-1: what a stranger asks takes the same time, whether the account exists or not. These tests have their own process and run one after
//! another because they measure times.
#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

mod support;

use std::time::Instant;

use reqwest::StatusCode;
use support::{Backend, TestApp, median};
use tokio::sync::Mutex;

/// Held by the test that measures.
static MEASURING: Mutex<()> = Mutex::const_new(());

/// ENU-1: failures take the same time (median of 200, ratio within 1.1). Known and unknown names alternate, so that other load on the
/// machine affects both alike.
#[tokio::test(flavor = "multi_thread")]
async fn failures_take_the_same_time() {
    let _measuring = MEASURING.lock().await;
    let app = TestApp::start_with(Backend::Sqlite, &["--rate-limits", "off"]).await;
    app.add_user("alice").await;
    let (mut known, mut unknown) = (Vec::new(), Vec::new());
    for _ in 0..200 {
        for (name, times) in [("alice", &mut known), ("nobody", &mut unknown)] {
            let started = Instant::now();
            assert_eq!(app.try_sign_in(name, "wrong password", "curl/8.5.0").await.status(), StatusCode::UNAUTHORIZED);
            times.push(started.elapsed());
        }
    }
    let ratio = median(&mut known) / median(&mut unknown);
    assert!((1.0 / 1.1..1.1).contains(&ratio), "{ratio}");
}

/// ENU-1: requests take the same time (median of 200, ratio within 1.1).
#[tokio::test(flavor = "multi_thread")]
async fn reset_requests_take_the_same_time() {
    let _measuring = MEASURING.lock().await;
    let app = TestApp::start_with(Backend::Sqlite, &["--trusted-proxies", "127.0.0.0/8"]).await;
    app.add_user("alice").await;
    let ratio = app.measure_timing_ratio("request_password_reset").await;
    assert!((1.0 / 1.1..1.1).contains(&ratio), "{ratio}");
}

/// ENU-1: both requests take the same time for known and unknown addresses (median of 200, ratio within 1.1).
#[tokio::test(flavor = "multi_thread")]
async fn registration_requests_take_the_same_time() {
    let _measuring = MEASURING.lock().await;
    for (function, registration) in [("request_registration", "open"), ("request_access", "invite")] {
        let app = TestApp::start_with(Backend::Sqlite, &["--trusted-proxies", "127.0.0.0/8", "--registration", registration]).await;
        app.add_user("alice").await;
        let ratio = app.measure_timing_ratio(function).await;
        assert!((1.0 / 1.1..1.1).contains(&ratio), "{function}: {ratio}");
    }
}
