//! What live messages cost the database. This test has its own process because it counts the statements that the process runs.
#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

mod support;

use chrono::Duration;
use support::{Backend, Client, TestApp, live::Page, log::Log};
use whereabouts::foundation::{
    activity::Use,
    hub::SessionEvent,
    ids::{SessionId, UserId},
};

const PAGES: [usize; 2] = [1, 20];
/// Longer than the interval between two publications of uses.
const TICK: Duration = Duration::seconds(1);

/// Takes the statements that read sessions, which sqlx logs. Ignores the look-ups of heartbeats, which run whether anything is used or not.
fn take_statements(log: &Log) -> Vec<String> {
    let counts = |line: &&str| line.contains("FROM sessions") && !line.contains("WHERE id = $1 AND user_id = $2");
    log.take().lines().filter(counts).map(str::to_owned).collect()
}

/// Marks these sessions of this user as used before the clock moves, so that one tick publishes the uses together.
fn mark_used_at_next_tick(app: &TestApp, user: &UserId, sessions: &[Client<'_>]) {
    for client in sessions {
        let used = Use { user: user.clone(), at: app.now() + TICK, ip: "192.0.2.7".parse().unwrap(), agent: None };
        app.services.activity.mark(&SessionId::parse(&client.id).unwrap(), used);
    }
}

/// LIM-5: the cost of a use, a sign-in and an end does not depend on the number of open pages: one statement each, and one for all uses of
/// a tick.
#[tokio::test(flavor = "multi_thread")]
async fn each_event_costs_one_statement_for_any_number_of_pages() {
    let log = Log::start("sqlx::query=debug");
    for backend in [Backend::Sqlite, Backend::Postgres] {
        let app = TestApp::start(backend).await;
        app.add_user("alice").await;
        app.add_user("bob").await;
        let mut sessions = Vec::new();
        for _ in 0..4 {
            sessions.push(app.sign_in("alice").await);
        }
        let user = whereabouts::accounts::actions::find(&app.services.db, "alice").await.unwrap().account.id;
        let bob = app.sign_in("bob").await;
        for pages in PAGES {
            let mut open = Vec::new();
            for _ in 0..pages {
                open.push(Page::open(&sessions[0]).await);
            }
            let _bobs = Page::open(&bob).await;
            log.take();

            mark_used_at_next_tick(&app, &user, &sessions[..3]);
            app.advance(TICK);
            for page in &mut open {
                assert_eq!(page.next_message().await["Used"].as_array().unwrap().len(), 3);
            }
            let used = take_statements(&log);
            assert_eq!(used.len(), 1, "{pages} pages: {used:#?}");

            let changes =
                [SessionEvent::Began(SessionId::parse(&sessions[1].id).unwrap()), SessionEvent::Ended(vec![SessionId::new(app.now())])];
            for (change, kind) in changes.into_iter().zip(["Row", "Gone"]) {
                app.services.hub.publish(&user, change);
                for page in &mut open {
                    assert_eq!(page.next_message().await[kind]["total"], 4);
                }
                let counted = take_statements(&log);
                assert_eq!(counted.len(), 1, "{kind}, {pages} pages: {counted:#?}");
            }
        }
    }
}
