//! The live channel, over real sockets.

use crate::support::{Backend, TestApp, live::Page};
use chrono::Duration;
use reqwest::StatusCode;
use whereabouts::{
    foundation::{
        hub::SessionEvent,
        ids::{SessionId, UserId},
    },
    sessions::model::Session,
};

both!(
    /// A sign-in and a sign-out are sent before the clock advances, and a use before it advances by a second. Only that user receives them.
    updates_arrive_within_a_second, |app| {
        app.add_user("alice").await;
        app.add_user("bob").await;
        let (alice, bob) = (app.sign_in("alice").await, app.sign_in("bob").await);
        let (mut page, mut bobs) = (Page::open(&alice).await, Page::open(&bob).await);
        app.advance(Duration::seconds(1));
        let other = app.sign_in("alice").await;
        let began = page.next_message().await;
        assert_eq!((&began["Row"]["session"]["id"], &began["Row"]["total"]), (&other.id.as_str().into(), &2.into()));
        app.advance(Duration::minutes(10));
        assert!(other.is_signed_in().await);
        let at = app.now();
        app.advance(Duration::seconds(1));
        let used = page.next_message().await;
        assert_eq!((&used["Used"][0]["id"], &used["Used"][0]["online"]), (&other.id.as_str().into(), &true.into()));
        assert_eq!(used["Used"][0]["last_active_at"], serde_json::to_value(at).unwrap());
        other.delete("/api/v1/sessions/current").await;
        let gone = page.next_message().await;
        assert_eq!((&gone["Gone"]["sessions"][0], &gone["Gone"]["total"]), (&other.id.as_str().into(), &1.into()));
        // Bob's first message is about his own session: he received nothing about Alice.
        bob.delete("/api/v1/sessions/current").await;
        assert_eq!(bobs.next_message().await, "SignedOut");
    }
);

both!(
    /// SES-5: the server closes the channel of a revoked session. Another user's channel stays open.
    a_revoked_sessions_channel_is_closed, |app| {
        app.add_user("alice").await;
        app.add_user("bob").await;
        let (here, lost, bob) = (app.sign_in("alice").await, app.sign_in("alice").await, app.sign_in("bob").await);
        let (mut page, mut bobs) = (Page::open(&lost).await, Page::open(&bob).await);
        here.delete(&format!("/api/v1/sessions/{}", lost.id)).await;
        assert!(page.is_signed_out().await);
        app.sign_in("bob").await;
        assert!(bobs.next_message().await.get("Row").is_some());
    }
);

both!(
    /// SES-4, SES-5: the channel of a session is closed exactly when the session expires.
    an_expired_sessions_channel_is_closed, |app| {
        app.add_user("alice").await;
        let alice = app.sign_in("alice").await;
        let mut page = Page::open(&alice).await;
        app.advance(Duration::days(14));
        assert!(page.is_signed_out().await);
    }
);

both!(
    /// SES-12: neither the channel nor its requests count as a use of the session.
    the_channel_does_not_count_as_session_use, |app| {
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
    /// WEB-2: neither a page of another site nor a client without a session can open a channel.
    only_pages_of_this_site_open_a_channel, |app| {
        app.add_user("alice").await;
        let alice = app.sign_in("alice").await;
        for origin in ["https://evil.example", "null", "http://127.0.0.1:1"] {
            assert_eq!(Page::try_open(&alice, origin, "").await.err(), Some(StatusCode::FORBIDDEN), "{origin}");
        }
        alice.delete("/api/v1/sessions/current").await;
        assert_eq!(Page::try_open(&alice, &app.url(""), "").await.err(), Some(StatusCode::UNAUTHORIZED));
    }
);

both!(
    /// Shutdown closes channels and completes within five seconds.
    shutdown_closes_channels, |app| {
        app.add_user("alice").await;
        let alice = app.sign_in("alice").await;
        let mut page = Page::open(&alice).await;
        let services = app.services.clone();
        services.running.cancel();
        assert_eq!(page.close_code().await, Some(1001));
        tokio::time::timeout(std::time::Duration::from_secs(5), app.stop()).await.expect("stopped within five seconds");
    }
);

async fn id_of(app: &TestApp, name: &str) -> UserId {
    whereabouts::accounts::actions::find(&app.services.db, name).await.unwrap().account.id
}

/// Returns the content of the next message of this kind.
async fn next_message_of(page: &mut Page, kind: &str) -> serde_json::Value {
    loop {
        if let Some(message) = page.next_message().await.get(kind) {
            return message.clone();
        }
    }
}

both!(
    /// LIM-5: however often an event may have been missed, a page receives the list at most once a second. Known events do not wait for it.
    lists_are_sent_at_most_once_a_second, |app| {
        app.add_user("alice").await;
        let (alice, user) = (app.sign_in("alice").await, id_of(&app, "alice").await);
        let mut page = Page::open(&alice).await;
        let miss = || (0..20).for_each(|_| app.services.hub.publish(&user, SessionEvent::Missed));
        miss();
        assert!(page.next_message().await.get("List").is_some());
        miss();
        let other = app.sign_in("alice").await;
        assert_eq!(page.next_message().await["Row"]["session"]["id"], other.id.as_str());
        app.advance(Duration::seconds(1));
        assert!(page.next_message().await.get("List").is_some());
        other.delete("/api/v1/sessions/current").await;
        assert!(page.next_message().await.get("Gone").is_some());
    }
);

both!(
    /// The lists that a page receives follow its current search, not the search when its channel was opened.
    lists_follow_the_search_of_the_page, |app| {
        app.add_user("alice").await;
        let (alice, user) = (app.sign_in_as("alice", crate::support::FIREFOX).await, id_of(&app, "alice").await);
        app.sign_in_as("alice", "Wget/1.21.3").await;
        let mut page = Page::open(&alice).await;
        page.send("search=wget&show=25").await;
        page.send("this is no query: it is ignored").await;
        // The server reads the search in a separate task: a list that is published at once may still use the old one.
        let mut list = serde_json::Value::Null;
        for _ in 0..100 {
            app.services.hub.publish(&user, SessionEvent::Missed);
            list = page.next_message().await["List"].clone();
            if list["matching"] == 1 {
                break;
            }
            app.advance(Duration::seconds(1));
        }
        assert_eq!((&list["rows"][0]["device"]["label"], &list["matching"], &list["total"]), (&"Wget".into(), &1.into(), &2.into()));
    }
);

both!(
    /// LIM-5: a page that sends too many messages or too long a message is disconnected. Another user's page stays.
    a_page_that_sends_too_much_is_disconnected, |app| {
        app.add_user("alice").await;
        app.add_user("bob").await;
        let (alice, bob) = (app.sign_in("alice").await, app.sign_in("bob").await);
        let (mut flooding, mut long, mut bobs) = (Page::open(&alice).await, Page::open(&alice).await, Page::open(&bob).await);
        // More than the limit of one heartbeat interval, even if a heartbeat occurs meanwhile.
        for _ in 0..=600 {
            if !flooding.is_sent("search=&show=25").await {
                break; // disconnected already, while messages were on their way
            }
        }
        assert_eq!(flooding.close_code().await, Some(1008));
        long.send(&"x".repeat(4097)).await;
        assert!(long.is_disconnected().await);
        app.sign_in("bob").await;
        assert!(bobs.next_message().await.get("Row").is_some());
    }
);

both!(
    /// SES-5: sessions that the command line ends disappear from open pages within a second. Another user's page stays.
    command_line_revocations_reach_open_pages, |app| {
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
        let gone = page.next_message().await;
        assert_eq!((&gone["Gone"]["sessions"][0], &gone["Gone"]["total"]), (&lost.id.as_str().into(), &1.into()));
        run(&["user", "disable", "alice"]).await;
        assert!(page.is_signed_out().await);
        app.sign_in("bob").await;
        assert!(bobs.next_message().await.get("Row").is_some());
    }
);

both!(
    /// Pages without a list are told of sign-ins and of the end of their session, and of nothing else.
    pages_without_a_list_receive_notices_only, |app| {
        app.add_user("alice").await;
        let (here, other) = (app.sign_in("alice").await, app.sign_in("alice").await);
        let mut page = Page::open_without_list(&here).await;
        app.sign_in("alice").await;
        let notice = page.next_frame_besides_heartbeats().await.unwrap().into_text().unwrap();
        assert!(notice.starts_with("signed-in ") && notice.len() > "signed-in ".len(), "{notice}");
        assert_eq!(other.delete(&format!("/api/v1/sessions/{}", here.id)).await.status(), StatusCode::NO_CONTENT);
        assert_eq!(page.next_frame_besides_heartbeats().await.unwrap().into_text().unwrap(), "signed-out");
        assert!(other.is_signed_in().await);
    }
);

/// SES-11: a page on another node receives time, address and location of a use before they are in the database.
#[tokio::test(flavor = "multi_thread")]
async fn uses_on_other_nodes_arrive_with_time_and_address() {
    let app = TestApp::start_with(Backend::Postgres, &["--trusted-proxies", "127.0.0.0/8"]).await;
    let other = app.start_second_node().await;
    app.add_user("alice").await;
    let (here, used) = (app.sign_in("alice").await, app.sign_in("alice").await);
    let there = crate::support::Client { app: &other, token: here.token.clone(), id: here.id.clone(), user_agent: String::new() };
    let mut page = Page::open(&there).await;
    app.advance(Duration::seconds(1));
    let at = app.now();
    let request = used.request(reqwest::Method::GET, "/api/v1/me").header("x-forwarded-for", "81.2.69.142");
    assert_eq!(request.send().await.unwrap().status(), StatusCode::OK);
    app.advance(Duration::seconds(1));
    // Messages about the sign-ins from the other node may still be in transit.
    let used_there = next_message_of(&mut page, "Used").await;
    let row: Session = serde_json::from_value(used_there[0].clone()).unwrap();
    assert_eq!((row.id.to_string(), row.last_active_at, row.ip.as_str()), (used.id.clone(), at.into(), "81.2.69.142"));
    assert_eq!(row.location.country_code.as_deref(), Some("GB"));
    // A list that is sent before the use is written does not revert it.
    other.services.hub.publish(&id_of(&app, "alice").await, SessionEvent::Missed);
    let list = next_message_of(&mut page, "List").await;
    let rows: Vec<Session> = serde_json::from_value(list["rows"].clone()).unwrap();
    assert!(rows.iter().any(|row| row.id.to_string() == used.id && row.last_active_at == at.into() && row.ip == "81.2.69.142"));
}

/// Pages on another node receive what one node commits within a second.
#[tokio::test(flavor = "multi_thread")]
async fn updates_arrive_from_other_nodes() {
    let app = TestApp::start(Backend::Postgres).await;
    let other = app.start_second_node().await;
    app.add_user("alice").await;
    let (here, lost) = (app.sign_in("alice").await, app.sign_in("alice").await);
    let there = |client: &crate::support::Client<'_>| crate::support::Client {
        app: &other,
        token: client.token.clone(),
        id: client.id.clone(),
        user_agent: String::new(),
    };
    let (watching, leaving) = (there(&here), there(&lost));
    let (mut page, mut lost_page) = (Page::open(&watching).await, Page::open(&leaving).await);
    here.delete(&format!("/api/v1/sessions/{}", lost.id)).await;
    assert!(lost_page.is_signed_out().await);
    next_message_of(&mut page, "Gone").await;
}
