//! What news cost the database. Alone in its process, since it counts the statements that the process runs.
#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

mod support;

use chrono::Duration;
use support::{Backend, Client, TestApp, live::Page, log::Log};
use whereabouts::foundation::{
    activity::Use,
    hub::Change,
    ids::{SessionId, UserId},
};

const PAGES: [usize; 2] = [1, 20];
/// Longer than from one publication of uses to the next.
const TICK: Duration = Duration::seconds(1);

/// Takes the statements that asked for sessions, which sqlx logs, but for the look-ups of heartbeats: those come whether anything is
/// used or not.
fn take_statements(log: &Log) -> Vec<String> {
    let counts = |line: &&str| line.contains("FROM sessions") && !line.contains("WHERE id = $1 AND user_id = $2");
    log.take().lines().filter(counts).map(str::to_owned).collect()
}

/// Uses these sessions of this person, all before the clock moves: so one tick publishes them together.
fn use_at_next_tick(app: &TestApp, user: &UserId, sessions: &[Client<'_>]) {
    for client in sessions {
        let used = Use { user: user.clone(), at: app.now() + TICK, ip: "192.0.2.7".parse().unwrap(), agent: None };
        app.services.activity.mark(&SessionId::parse(&client.id).unwrap(), used);
    }
}

/// LIM-5: what a use costs, and a sign-in, and an end, does not depend on how many pages are open: one statement each, and one for all
/// uses of a tick.
#[tokio::test(flavor = "multi_thread")]
async fn news_cost_one_statement_however_many_pages_are_open() {
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

            use_at_next_tick(&app, &user, &sessions[..3]);
            app.advance(TICK);
            for page in &mut open {
                assert_eq!(page.news().await["Used"].as_array().unwrap().len(), 3);
            }
            let used = take_statements(&log);
            assert_eq!(used.len(), 1, "{pages} pages: {used:#?}");

            let changes = [Change::Began(SessionId::parse(&sessions[1].id).unwrap()), Change::Ended(vec![SessionId::new(app.now())])];
            for (change, news) in changes.into_iter().zip(["Row", "Gone"]) {
                app.services.hub.publish(&user, change);
                for page in &mut open {
                    assert_eq!(page.news().await[news]["total"], 4);
                }
                let counted = take_statements(&log);
                assert_eq!(counted.len(), 1, "{news}, {pages} pages: {counted:#?}");
            }
        }
    }
}
