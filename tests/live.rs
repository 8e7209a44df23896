//! The live channel, over real sockets.
#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

mod support;

use chrono::Duration;
use reqwest::StatusCode;
use support::{Backend, TestApp, live::Page};
use tokio_tungstenite::tungstenite::Message;

both!(
    /// A sign-in, a use and a sign-out are told within a second, to that person alone.
    news_come_within_a_second, |app| {
        app.add_user("alice").await;
        app.add_user("bob").await;
        let (alice, bob) = (app.sign_in("alice").await, app.sign_in("bob").await);
        let (mut page, mut bobs) = (Page::open(&alice).await, Page::open(&bob).await);
        app.advance(Duration::seconds(1));
        let other = app.sign_in("alice").await;
        let began = page.news().await;
        assert_eq!((&began["Row"]["session"]["id"], &began["Row"]["total"]), (&other.id.as_str().into(), &2.into()));
        app.advance(Duration::minutes(10));
        assert!(other.is_signed_in().await);
        let used = page.news().await;
        assert_eq!((&used["Row"]["session"]["id"], &used["Row"]["session"]["online"]), (&other.id.as_str().into(), &true.into()));
        assert_eq!(used["Row"]["session"]["last_active_at"], serde_json::to_value(app.now()).unwrap());
        other.delete("/api/v1/sessions/current").await;
        let gone = page.news().await;
        assert_eq!((&gone["Gone"]["sessions"][0], &gone["Gone"]["total"]), (&other.id.as_str().into(), &1.into()));
        // Bob's first news is of his own: of Alice he heard nothing.
        bob.delete("/api/v1/sessions/current").await;
        assert_eq!(bobs.news().await, "SignedOut");
    }
);

both!(
    /// SES-5: the channel of a revoked session is closed by the server; the other person's stays.
    a_revoked_sessions_channel_is_closed, |app| {
        app.add_user("alice").await;
        app.add_user("bob").await;
        let (here, lost, bob) = (app.sign_in("alice").await, app.sign_in("alice").await, app.sign_in("bob").await);
        let (mut page, mut bobs) = (Page::open(&lost).await, Page::open(&bob).await);
        here.delete(&format!("/api/v1/sessions/{}", lost.id)).await;
        assert!(page.is_signed_out().await);
        app.sign_in("bob").await;
        assert!(bobs.news().await.get("Row").is_some());
    }
);

both!(
    /// SES-4, SES-5: the channel of an expired session is closed at the very second.
    an_expired_sessions_channel_is_closed, |app| {
        app.add_user("alice").await;
        let alice = app.sign_in("alice").await;
        let mut page = Page::open(&alice).await;
        app.advance(Duration::days(14));
        assert!(page.is_signed_out().await);
    }
);

both!(
    /// SES-12: neither the channel nor what it asks is a use of the session.
    the_channel_is_no_use_of_the_session, |app| {
        app.add_user("alice").await;
        let alice = app.sign_in("alice").await;
        let at_sign_in = app.now();
        app.advance(Duration::minutes(10));
        let _page = Page::open(&alice).await;
        assert_eq!(alice.get("/live").await.status(), StatusCode::BAD_REQUEST);
        let id = whereabouts::foundation::ids::SessionId::parse(&alice.id).unwrap();
        assert_eq!(app.services.activity.last_use(&id), None);
        let rows = app.sign_in("alice").await.sessions().await;
        let row = rows.iter().find(|row| row["id"] == alice.id.as_str()).unwrap();
        assert_eq!(row["last_active_at"], serde_json::to_value(at_sign_in).unwrap());
    }
);

both!(
    /// WEB-2: another site's page opens no channel, and nobody without a session.
    only_pages_of_this_site_open_a_channel, |app| {
        app.add_user("alice").await;
        let alice = app.sign_in("alice").await;
        for origin in ["https://evil.example", "null", "http://127.0.0.1:1"] {
            assert_eq!(Page::try_open(&alice, origin).await.err(), Some(StatusCode::FORBIDDEN), "{origin}");
        }
        alice.delete("/api/v1/sessions/current").await;
        assert_eq!(Page::try_open(&alice, &app.url("")).await.err(), Some(StatusCode::UNAUTHORIZED));
    }
);

both!(
    /// A stop closes channels, finishes, and takes no five seconds.
    a_stop_closes_channels, |app| {
        app.add_user("alice").await;
        let alice = app.sign_in("alice").await;
        let mut page = Page::open(&alice).await;
        let services = app.services.clone();
        services.stopping.send_replace(true);
        let closed = loop {
            match page.message().await {
                Some(Message::Close(frame)) => break frame.map(|frame| u16::from(frame.code)),
                Some(_) => {}
                None => break None,
            }
        };
        assert_eq!(closed, Some(1001));
        tokio::time::timeout(std::time::Duration::from_secs(5), app.stop()).await.expect("stopped within five seconds");
    }
);

/// What one node commits, pages of another are told within a second.
#[tokio::test(flavor = "multi_thread")]
async fn news_come_from_other_nodes() {
    let app = TestApp::start(Backend::Postgres).await;
    let other = app.another_node().await;
    app.add_user("alice").await;
    let (here, lost) = (app.sign_in("alice").await, app.sign_in("alice").await);
    let there = |client: &support::Client<'_>| support::Client {
        app: &other,
        token: client.token.clone(),
        id: client.id.clone(),
        user_agent: String::new(),
    };
    let (watching, leaving) = (there(&here), there(&lost));
    let (mut page, mut lost_page) = (Page::open(&watching).await, Page::open(&leaving).await);
    here.delete(&format!("/api/v1/sessions/{}", lost.id)).await;
    assert!(lost_page.is_signed_out().await);
    while page.news().await.get("Gone").is_none() {}
}
