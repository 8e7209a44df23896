//! What the log never holds, and what it says once.
#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

mod support;

use std::sync::LazyLock;

use reqwest::Method;
use support::{Backend, Client, Mailing, PASSWORD, TestApp, live::Page, log::Log};

/// The log of this process, at its most talkative but for the test's own clients, which know what they sent. Every thread logs into it,
/// and so all tests of this file.
static LOG: LazyLock<Log> = LazyLock::new(|| Log::start("trace,tungstenite::handshake::client=off,reqwest=off,hyper_util::client=off"));

/// The secrets of one link of each kind, mailed and followed; and the seed of a second factor.
async fn mailed_links(app: &TestApp, alice: &Client<'_>) -> Vec<String> {
    app.add_admin("root").await;
    let root = app.sign_in("root").await;
    // One mail after the other: waiting for one puts others aside.
    let follow = async |address: &str, subject: &str, page: &str| {
        let (path, secret) = app.mail(address, subject).await.link(page);
        app.get(&path).await;
        secret
    };
    app.post_form("ask_for_reset", "", &[("email", "alice@example.com")]).await;
    let reset = follow("alice@example.com", "Choose a new password", "/reset-password").await;
    root.post_form("invite", &[("email", "carol@example.com")]).await;
    let invitation = follow("carol@example.com", "Create your Whereabouts account", "/register").await;
    alice.post_form("change_email", &[("email", "carol@example.com")]).await;
    let change = follow("carol@example.com", "Confirm the change of your email address", "/verify-email").await;
    alice.post_form("prepare_two_factor", &[]).await;
    let page = alice.browser(Method::GET, "/profile/two-factor?step=1").send().await.unwrap().text().await.unwrap();
    let seed = page.split_once("id=\"seed\">").unwrap().1.split('<').next().unwrap().replace(' ', "");
    let token = alice.make_token("job", "full", "curl/8.5.0").await;
    assert!(token.is_signed_in().await);
    app.post_form("join", "", &[("token", &invitation), ("username", "carol"), ("password", PASSWORD)]).await;
    vec![seed, reset, invitation, change, token.token]
}

/// A mail to bob that the server refuses in words that hold his address, as most do.
async fn refuse_a_mail() {
    let app = TestApp::start_mailing(Backend::Sqlite, Mailing::ByHand).await;
    app.add_user("bob").await;
    app.post_form("ask_for_reset", "", &[("email", "bob@example.com")]).await;
    app.is_done_with_what_was_left().await;
    app.smtp.refuse_with("550 <bob@example.com> unknown");
    app.send_due().await;
}

/// LOG-2, LOG-3, SES-1: at its most talkative the log is one JSON object a line, and has no password, token, cookie, link or
/// mail address in it, not even one that a mail server's reply quotes.
#[tokio::test(flavor = "multi_thread")]
async fn the_log_holds_no_secrets() {
    let log = &*LOG;
    let app = TestApp::start(Backend::Sqlite).await;
    let setup = whereabouts::registration::actions::invite_first_administrator(&app.services).await.unwrap().unwrap();
    app.get(&format!("/setup?token={}", setup.reveal())).await;
    app.add_user("alice").await;
    let alice = app.sign_in("alice").await;
    let page = Page::open(&alice).await;
    alice.browser(Method::GET, "/profile?tab=security").send().await.unwrap();
    app.try_sign_in("alice@example.com", "Tr0ub4dor wrong", "curl/8.5.0").await;
    let form = [("identifier", "alice@example.com"), ("password", PASSWORD), ("next", "")];
    app.http.post(app.url("/api/ui/sign_in")).header("origin", app.url("")).form(&form).send().await.unwrap();
    let links = mailed_links(&app, &alice).await;
    alice.delete("/api/v1/sessions").await;
    drop(page);
    alice.delete("/api/v1/sessions/current").await;

    refuse_a_mail().await;

    let said = log.read();
    assert!(said.lines().count() > 20, "it does log: {said}");
    for line in said.lines() {
        assert!(serde_json::from_str::<serde_json::Value>(line).is_ok(), "{line}");
    }
    let refusals: Vec<&str> = said.lines().filter(|line| line.contains("a mail could not be sent yet")).collect();
    assert!(refusals.len() == 1 && refusals[0].contains("550"), "{refusals:?}");
    for secret in [PASSWORD, "Tr0ub4dor", &alice.token, "alice@example.com", "bob@example.com", "carol@example.com", setup.reveal()]
        .into_iter()
        .chain(links.iter().map(String::as_str))
    {
        let told: Vec<&str> = said.lines().filter(|line| line.contains(secret)).take(3).collect();
        assert!(told.is_empty(), "{secret}: {told:?}");
    }
}

/// NET-1: the log tells of a proxy that is not configured once, however many requests come. The other test's site is on loopback, and
/// has none.
#[tokio::test(flavor = "multi_thread")]
async fn the_log_tells_of_a_proxy_that_is_not_configured_once() {
    let log = &*LOG;
    let app = TestApp::start_with(Backend::Sqlite, &["--public-url", "http://sessions.example"]).await;
    // Probes are asked by this machine, whatever stands in front of the site.
    app.get("/readyz").await;
    assert!(app.services.unnamed_proxy.get().is_none());
    for _ in 0..3 {
        app.http.get(app.url("/login")).header("host", "sessions.example").send().await.unwrap();
    }
    let said = log.read();
    assert_eq!(said.matches("no trusted proxy is configured").count(), 1);
}
