//! What the log never contains, and what it reports once.
#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

mod support;

use std::sync::LazyLock;

use reqwest::{Method, StatusCode};
use support::{Backend, Client, MailDelivery, PASSWORD, TestApp, live::Page, log::Log};

/// The log of this process at its most verbose level, except for the tests' own clients, which know what they sent. Every thread writes to
/// it, and so do all tests of this file.
static LOG: LazyLock<Log> = LazyLock::new(|| Log::start("trace,tungstenite::handshake::client=off,reqwest=off,hyper_util::client=off"));

/// Emails and follows one link of each kind. Returns the secrets of the links, the seed of a second factor, and an API token.
async fn collect_secrets(app: &TestApp, alice: &Client<'_>) -> Vec<String> {
    app.add_admin("root").await;
    let root = app.sign_in("root").await;
    // One email after another, because waiting for one discards the others.
    let follow = async |address: &str, subject: &str, page: &str| {
        let (path, secret) = app.wait_for_mail(address, subject).await.link(page);
        app.get(&path).await;
        secret
    };
    app.post_form("request_password_reset", "", &[("email", "alice@example.com")]).await;
    let reset = follow("alice@example.com", "Choose a new password", "/reset-password").await;
    root.post_form("invite", &[("email", "carol@example.com")]).await;
    let invitation = follow("carol@example.com", "Create your Whereabouts account", "/register").await;
    alice.post_form("change_email", &[("email", "carol@example.com")]).await;
    let change = follow("carol@example.com", "Confirm the change of your email address", "/verify-email").await;
    alice.post_form("prepare_two_factor", &[]).await;
    let page = alice.browser(Method::GET, "/profile/two-factor?step=1").send().await.unwrap().text().await.unwrap();
    let seed = page.split_once("id=\"seed\">").unwrap().1.split('<').next().unwrap().replace(' ', "");
    let token = alice.create_token("job", "full", "curl/8.5.0").await;
    assert!(token.is_signed_in().await);
    app.post_form("accept_invitation", "", &[("token", &invitation), ("username", "carol"), ("password", PASSWORD)]).await;
    vec![seed, reset, invitation, change, token.token]
}

/// Sends Bob an email that the mail server refuses in a reply that quotes his address, as most servers do.
async fn send_refused_mail() {
    let app = TestApp::start_with_mail_delivery(Backend::Sqlite, MailDelivery::Manual).await;
    app.add_user("bob").await;
    app.post_form("request_password_reset", "", &[("email", "bob@example.com")]).await;
    app.wait_for_background_jobs().await;
    app.smtp.refuse_with("550 <bob@example.com> unknown");
    app.send_due().await;
}

/// LOG-2, LOG-3, SES-1: even at its most verbose level, the log is one JSON object per line and contains no password, token, cookie, link
/// or email address, not even one quoted by a mail server.
#[tokio::test(flavor = "multi_thread")]
async fn the_log_contains_no_secrets() {
    let log = &*LOG;
    let app = TestApp::start(Backend::Sqlite).await;
    let setup = whereabouts::authentication::registration::actions::create_setup_token(&app.services).await.unwrap().unwrap();
    app.get(&format!("/setup?token={}", setup.reveal())).await;
    app.add_user("alice").await;
    let alice = app.sign_in("alice").await;
    let page = Page::open(&alice).await;
    alice.browser(Method::GET, "/profile?tab=security").send().await.unwrap();
    app.try_sign_in("alice@example.com", "Tr0ub4dor wrong", "curl/8.5.0").await;
    let form = [("identifier", "alice@example.com"), ("password", PASSWORD), ("next", "")];
    app.http.post(app.url("/api/ui/sign_in")).header("origin", app.url("")).form(&form).send().await.unwrap();
    let links = collect_secrets(&app, &alice).await;
    alice.delete("/api/v1/sessions").await;
    drop(page);
    alice.delete("/api/v1/sessions/current").await;

    send_refused_mail().await;

    let logged = log.read();
    assert!(logged.lines().count() > 20, "it does log: {logged}");
    for line in logged.lines() {
        assert!(serde_json::from_str::<serde_json::Value>(line).is_ok(), "{line}");
    }
    let refusals: Vec<&str> = logged.lines().filter(|line| line.contains("a mail could not be sent yet")).collect();
    assert!(refusals.len() == 1 && refusals[0].contains("550"), "{refusals:?}");
    for secret in [PASSWORD, "Tr0ub4dor", &alice.token, "alice@example.com", "bob@example.com", "carol@example.com", setup.reveal()]
        .into_iter()
        .chain(links.iter().map(String::as_str))
    {
        let matches: Vec<&str> = logged.lines().filter(|line| line.contains(secret)).take(3).collect();
        assert!(matches.is_empty(), "{secret}: {matches:?}");
    }
}

/// NET-1: a proxy that is not configured is logged once, however many requests arrive. The other tests' sites are on loopback and do not
/// report it.
#[tokio::test(flavor = "multi_thread")]
async fn an_unconfigured_proxy_is_logged_once() {
    let log = &*LOG;
    let app = TestApp::start_with(Backend::Sqlite, &["--public-url", "http://sessions.example"]).await;
    // Probes come from this machine, whatever stands in front of the site.
    app.get("/readyz").await;
    assert!(app.services.unconfigured_proxy.get().is_none());
    for _ in 0..3 {
        app.http.get(app.url("/login")).header("host", "sessions.example").send().await.unwrap();
    }
    let logged = log.read();
    assert_eq!(logged.matches("no trusted proxy is configured").count(), 1);
}

/// LOG-5, LIM-4: a flood that is shed writes one line, not one per request.
#[tokio::test(flavor = "multi_thread")]
async fn shed_requests_are_logged_once() {
    let log = &*LOG;
    let app = TestApp::start(Backend::Sqlite).await;
    let slots: Vec<_> = std::iter::from_fn(|| app.services.hasher.reserve().ok()).collect();
    for _ in 0..3 {
        assert_eq!(app.try_sign_in("nobody", PASSWORD, "curl/8.5.0").await.status(), StatusCode::SERVICE_UNAVAILABLE);
    }
    drop(slots);
    let logged = log.read();
    assert_eq!(logged.matches("requests were answered with 503").count(), 1);
    assert!(!logged.contains("response failed"), "{logged}");
}
