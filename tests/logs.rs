//! What the log never holds.
#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

mod support;

use reqwest::Method;
use support::{Backend, Client, Mailing, PASSWORD, TestApp, live::Page, log::Log};

/// The secrets of one link of each kind, mailed and followed; and the seed of a second factor.
async fn mailed_links(app: &TestApp, alice: &Client<'_>) -> Vec<String> {
    app.add_admin("root").await;
    let root = app.sign_in("root").await;
    app.post_form("ask_for_reset", "", &[("email", "alice@example.com")]).await;
    root.post_form("invite", &[("email", "carol@example.com")]).await;
    alice.post_form("change_email", &[("email", "carol@example.com")]).await;
    alice.post_form("prepare_two_factor", &[]).await;
    let page = alice.browser(Method::GET, "/profile/two-factor?step=1").send().await.unwrap().text().await.unwrap();
    let seed = page.split_once("id=\"seed\">").unwrap().1.split('<').next().unwrap().replace(' ', "");
    let token = alice.make_token("job", "full", "curl/8.5.0").await;
    assert!(token.is_signed_in().await);
    let mut secrets = vec![seed];
    for (address, subject, page) in [
        ("alice@example.com", "Choose a new password", "/reset-password"),
        ("carol@example.com", "Create your Whereabouts account", "/register"),
        ("carol@example.com", "Confirm the change of your email address", "/verify-email"),
    ] {
        let mail = app.mail(address, subject).await;
        let (path, secret) = mail.link(page);
        app.get(&path).await;
        secrets.push(secret);
    }
    secrets.push(token.token);
    app.post_form("join", "", &[("token", &secrets[2]), ("username", "carol"), ("password", PASSWORD)]).await;
    secrets
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
    // But for the test's own clients, which know what they sent.
    let log = Log::start("trace,tungstenite::handshake::client=off,reqwest=off,hyper_util::client=off");

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

    let said = log.take();
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
