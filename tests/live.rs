//! The live channel, over real sockets.
#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

mod support;

use chrono::Duration;
use reqwest::StatusCode;
use support::{Backend, TestApp, live::Page};
use whereabouts::{
    foundation::{
        hub::Change,
        ids::{SessionId, UserId},
    },
    sessions::model::Session,
};

both!(
    /// A sign-in and a sign-out are told before the clock moves at all, a use before it has moved by a second; to that person alone.
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
        let at = app.now();
        app.advance(Duration::seconds(1));
        let used = page.news().await;
        assert_eq!((&used["Used"][0]["id"], &used["Used"][0]["online"]), (&other.id.as_str().into(), &true.into()));
        assert_eq!(used["Used"][0]["last_active_at"], serde_json::to_value(at).unwrap());
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
        let id = SessionId::parse(&alice.id).unwrap();
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
        assert_eq!(page.close_code().await, Some(1001));
        tokio::time::timeout(std::time::Duration::from_secs(5), app.stop()).await.expect("stopped within five seconds");
    }
);

async fn id_of(app: &TestApp, name: &str) -> UserId {
    whereabouts::accounts::actions::find(&app.services.db, name).await.unwrap().account.id
}

/// The next news of this kind.
async fn news_of(page: &mut Page, kind: &str) -> serde_json::Value {
    loop {
        if let Some(news) = page.news().await.get(kind) {
            return news.clone();
        }
    }
}

both!(
    /// LIM-5: however often something may have been missed, a page is sent the list once a second at most; what is known to have
    /// happened does not wait for it.
    lists_are_sent_once_a_second, |app| {
        app.add_user("alice").await;
        let (alice, user) = (app.sign_in("alice").await, id_of(&app, "alice").await);
        let mut page = Page::open(&alice).await;
        let miss = || (0..20).for_each(|_| app.services.hub.publish(&user, Change::Missed));
        miss();
        assert!(page.news().await.get("List").is_some());
        miss();
        let other = app.sign_in("alice").await;
        assert_eq!(page.news().await["Row"]["session"]["id"], other.id.as_str());
        app.advance(Duration::seconds(1));
        assert!(page.news().await.get("List").is_some());
        other.delete("/api/v1/sessions/current").await;
        assert!(page.news().await.get("Gone").is_some());
    }
);

both!(
    /// The lists that a page is sent are what it now shows, not what it showed when its channel was opened.
    the_search_follows_the_page, |app| {
        app.add_user("alice").await;
        let (alice, user) = (app.sign_in_as("alice", support::FIREFOX).await, id_of(&app, "alice").await);
        app.sign_in_as("alice", "Wget/1.21.3").await;
        let mut page = Page::open(&alice).await;
        page.send("search=wget&show=25").await;
        page.send("this is no query: it is ignored").await;
        // The page's own task reads it in its own time: a list that is published at once may still come too early.
        let mut list = serde_json::Value::Null;
        for _ in 0..100 {
            app.services.hub.publish(&user, Change::Missed);
            list = page.news().await["List"].clone();
            if list["matching"] == 1 {
                break;
            }
            app.advance(Duration::seconds(1));
        }
        assert_eq!((&list["rows"][0]["device"]["label"], &list["matching"], &list["total"]), (&"Wget".into(), &1.into(), &2.into()));
    }
);

both!(
    /// LIM-5: a page that sends too much, or too long a message, is cut off; the other person's page stays.
    a_talkative_page_is_cut_off, |app| {
        app.add_user("alice").await;
        app.add_user("bob").await;
        let (alice, bob) = (app.sign_in("alice").await, app.sign_in("bob").await);
        let (mut flooding, mut long, mut bobs) = (Page::open(&alice).await, Page::open(&alice).await, Page::open(&bob).await);
        // More than one heartbeat lets through, even if one comes meanwhile.
        for _ in 0..=600 {
            flooding.send("search=&show=25").await;
        }
        assert_eq!(flooding.close_code().await, Some(1008));
        long.send(&"x".repeat(4097)).await;
        assert!(long.is_cut().await);
        app.sign_in("bob").await;
        assert!(bobs.news().await.get("Row").is_some());
    }
);

both!(
    /// SES-5: what the command line ends leaves open pages within a second; the other person's page stays.
    the_command_line_reaches_open_pages, |app| {
        app.add_user("alice").await;
        app.add_user("bob").await;
        let (here, lost, bob) = (app.sign_in("alice").await, app.sign_in("alice").await, app.sign_in("bob").await);
        let (mut page, mut lost_page, mut bobs) = (Page::open(&here).await, Page::open(&lost).await, Page::open(&bob).await);
        let run = async |arguments: &[&str]| {
            let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_whereabouts"));
            command.args(arguments).args(["--database-url", &app.database_url, "--data-dir", &app.services.config.storage.data_dir.display().to_string()]);
            assert!(command.output().await.unwrap().status.success());
            app.advance(Duration::seconds(1));
        };
        run(&["session", "revoke", "--user", "alice", "--id", &lost.id]).await;
        assert!(lost_page.is_signed_out().await);
        let gone = page.news().await;
        assert_eq!((&gone["Gone"]["sessions"][0], &gone["Gone"]["total"]), (&lost.id.as_str().into(), &1.into()));
        run(&["user", "disable", "alice"]).await;
        assert!(page.is_signed_out().await);
        app.sign_in("bob").await;
        assert!(bobs.news().await.get("Row").is_some());
    }
);

/// SES-11: a page of another node is told time, address and place of a use before the database knows them.
#[tokio::test(flavor = "multi_thread")]
async fn uses_come_from_other_nodes_with_time_and_address() {
    let app = TestApp::start_with(Backend::Postgres, &["--trusted-proxies", "127.0.0.0/8"]).await;
    let other = app.another_node().await;
    app.add_user("alice").await;
    let (here, used) = (app.sign_in("alice").await, app.sign_in("alice").await);
    let there = support::Client { app: &other, token: here.token.clone(), id: here.id.clone(), user_agent: String::new() };
    let mut page = Page::open(&there).await;
    app.advance(Duration::seconds(1));
    let at = app.now();
    let request = used.request(reqwest::Method::GET, "/api/v1/me").header("x-forwarded-for", "81.2.69.142");
    assert_eq!(request.send().await.unwrap().status(), StatusCode::OK);
    app.advance(Duration::seconds(1));
    // News of the sign-ins, from the other node, may still be on their way.
    let used_there = news_of(&mut page, "Used").await;
    let row: Session = serde_json::from_value(used_there[0].clone()).unwrap();
    assert_eq!((row.id.to_string(), row.last_active_at, row.ip.as_str()), (used.id.clone(), at, "81.2.69.142"));
    assert_eq!(row.location.country_code.as_deref(), Some("GB"));
    // Nor does a list that comes before it is written take it back.
    other.services.hub.publish(&id_of(&app, "alice").await, Change::Missed);
    let list = news_of(&mut page, "List").await;
    let rows: Vec<Session> = serde_json::from_value(list["rows"].clone()).unwrap();
    assert!(rows.iter().any(|row| row.id.to_string() == used.id && row.last_active_at == at && row.ip == "81.2.69.142"));
}

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
    news_of(&mut page, "Gone").await;
}
