//! Session and token uses held in memory: what they keep alive, how they are written, and how this interacts with concurrent transactions.

use std::{sync::Arc, time::Duration as StdDuration};

use crate::support::{
    Backend, Client, TestApp,
    postgres::{hold, release, wait_until_blocked, wait_until_blocked_or},
};
use chrono::Duration;
use reqwest::StatusCode;
use serde_json::Value;
use tokio::sync::Barrier;
use whereabouts::{
    accounts::model::Account,
    api_tokens::worker,
    execute, fetch,
    foundation::{
        activity::Use,
        client::{headers::UserAgentHeaders, info::ClientInfo},
        ids::{SessionId, TokenId},
        services::Services,
    },
    sessions::{actions, presence},
};

const CURL: &str = "curl/8.5.0";
const ROUNDS: usize = 200;
/// Far longer than a write takes: whoever waits this long waits for a lock that is never released.
const LOCK_WAIT_LIMIT: StdDuration = StdDuration::from_secs(20);

async fn account(app: &TestApp, name: &str) -> Account {
    whereabouts::accounts::actions::find(&app.services.db, name).await.unwrap().account
}

/// Creates sessions for this user without the time that password hashing takes.
async fn create_sessions<'a>(app: &'a TestApp, account: &Account, count: usize) -> Vec<Client<'a>> {
    let mut clients = Vec::new();
    let mut tx = app.services.db.write().await.unwrap();
    for _ in 0..count {
        let agent = UserAgentHeaders { user_agent: CURL.to_owned(), ..UserAgentHeaders::default() };
        let client_info = ClientInfo::new("127.0.0.1".parse().unwrap(), agent);
        let context = actions::resolve_client(&app.services, client_info).await.unwrap();
        let created = actions::create(&mut tx, &app.services, account, context, "Password").await.unwrap();
        let (token, id) = (created.token.reveal().to_owned(), created.id().to_string());
        clients.push(Client { app, token, id, user_agent: CURL.to_owned() });
    }
    tx.commit().await.unwrap();
    clients
}

fn id(client: &Client<'_>) -> SessionId {
    SessionId::parse(&client.id).unwrap()
}

fn mark(services: &Services, account: &Account, client: &Client<'_>) {
    let used = Use { user: account.id.clone(), at: services.clock.now(), ip: "192.0.2.7".parse().unwrap(), agent: None };
    services.activity.mark(&id(client), used);
}

async fn count(app: &TestApp, sql: &'static str, bind: &str) -> i64 {
    let mut db = app.services.db.read().await.unwrap();
    fetch!(&mut db, fetch_one as (i64,), sql, bind).unwrap().0
}

async fn count_live(app: &TestApp, account: &Account) -> i64 {
    count(app, "SELECT COUNT(*) FROM sessions WHERE user_id = $1 AND ended_at IS NULL", &account.id.to_string()).await
}

both!(
    /// SES-5: a session whose stored last use is past the idle timeout, but which an unwritten use keeps alive, can be revoked in every
    /// way, and nothing brings it back afterwards. Another user's session stays.
    unwritten_uses_do_not_prevent_revocation, |app| {
        app.add_user("alice").await;
        app.add_user("bob").await;
        let (alice, bob) = (account(&app, "alice").await, account(&app, "bob").await);
        let mut sessions = create_sessions(&app, &alice, 6).await;
        let (bobs, here) = (create_sessions(&app, &bob, 1).await.remove(0), sessions.remove(0));
        app.advance(Duration::days(14) - Duration::seconds(1));
        for client in sessions.iter().chain([&here, &bobs]) {
            assert!(client.is_signed_in().await);
        }
        app.advance(Duration::seconds(1));
        let (one, signs_out, by_administrator) = (sessions.remove(0), sessions.remove(0), sessions.remove(0));
        assert_eq!(here.delete(&format!("/api/v1/sessions/{}", one.id)).await.status(), StatusCode::NO_CONTENT);
        assert_eq!(signs_out.delete("/api/v1/sessions/current").await.status(), StatusCode::NO_CONTENT);
        let who = whereabouts::reauthentication::actor::Actor::CommandLine;
        let (db, recorder, first) = (&app.services.db, &app.services.recorder, id(&by_administrator));
        let ended = whereabouts::admin::actions::revoke(db, recorder, &alice.id, Some(&first), who).await.unwrap();
        assert_eq!(ended, [first]);
        let all: Value = here.delete("/api/v1/sessions").await.json().await.unwrap();
        assert_eq!(all["revoked"], 2);
        for _ in 0..2 {
            for gone in sessions.iter().chain([&one, &signs_out, &by_administrator]) {
                assert!(!gone.is_signed_in().await);
            }
            assert!(here.is_signed_in().await && bobs.is_signed_in().await);
            presence::write(&app.services).await.unwrap();
        }
        assert_eq!((count_live(&app, &alice).await, count_live(&app, &bob).await), (1, 1));
        let who = whereabouts::reauthentication::actor::Actor::CommandLine;
        assert_eq!(whereabouts::admin::actions::disable(db, recorder, &alice.id, who).await.unwrap().len(), 1);
        assert!(!here.is_signed_in().await && bobs.is_signed_in().await);
    }
);

both!(
    /// SES-5: an expired session cannot be revoked and is not counted, but Revoke All ends it too, with the reason it expired.
    an_expired_session_is_ended_but_not_counted, |app| {
        app.add_user("alice").await;
        app.add_user("bob").await;
        let alice = account(&app, "alice").await;
        let expired = create_sessions(&app, &alice, 3).await;
        app.advance(Duration::days(14));
        let (here, other, bob) = (app.sign_in("alice").await, app.sign_in("alice").await, app.sign_in("bob").await);
        assert_eq!(here.delete(&format!("/api/v1/sessions/{}", expired[0].id)).await.status(), StatusCode::NOT_FOUND);
        assert_eq!(count_live(&app, &alice).await, 4);
        let all: Value = here.delete("/api/v1/sessions").await.json().await.unwrap();
        assert_eq!((&all["revoked"], count_live(&app, &alice).await), (&1.into(), 1));
        let by_reason = "SELECT COUNT(*) FROM sessions WHERE end_reason = $1";
        assert_eq!((count(&app, by_reason, "idle_timeout").await, count(&app, by_reason, "revoked").await), (3, 1));
        assert!(!other.is_signed_in().await && here.is_signed_in().await && bob.is_signed_in().await);
        assert_eq!(app.count_events("session.revoked", "success").await, 0);
    }
);

both!(
    /// A changed user agent is shown once it is parsed and written, and parsed once for all sessions.
    a_changed_user_agent_is_written, |app| {
        app.add_user("alice").await;
        app.add_user("bob").await;
        let (alice, bob) = (app.sign_in_as("alice", "Wget/1.21.3").await, app.sign_in_as("bob", "Wget/1.21.3").await);
        let changed = Client { app: &app, token: alice.token.clone(), id: alice.id.clone(), user_agent: crate::support::FIREFOX.to_owned() };
        assert!(changed.is_signed_in().await);
        presence::write_devices(&app.services).await.unwrap();
        assert_eq!(changed.sessions().await[0]["device"]["label"], "Firefox on Windows");
        assert_eq!(bob.sessions().await[0]["device"]["label"], "Wget");
        let agent = UserAgentHeaders { user_agent: crate::support::FIREFOX.to_owned(), ..UserAgentHeaders::default() };
        assert!(app.services.user_agents.get().await.unwrap().cached(&agent).is_some());
        assert!(app.services.activity.take_new_agents().is_empty());
    }
);

/// RACE-2: a write of uses skips rows that another transaction has locked, and so never deadlocks. Here a revocation holds one session of
/// twenty while the uses of all are written, and then takes the others.
#[tokio::test(flavor = "multi_thread")]
async fn writing_uses_does_not_deadlock_with_a_revocation() {
    let app = TestApp::start(Backend::Postgres).await;
    app.add_user("alice").await;
    app.add_user("bob").await;
    let (alice, bob) = (account(&app, "alice").await, account(&app, "bob").await);
    let (sessions, bobs) = (create_sessions(&app, &alice, 20).await, create_sessions(&app, &bob, 1).await);
    app.advance(Duration::seconds(1));
    sessions.iter().for_each(|client| mark(&app.services, &alice, client));
    mark(&app.services, &bob, &bobs[0]);
    let mut ending = app.services.db.write().await.unwrap();
    let end = "UPDATE sessions SET ended_at = $1, end_reason = 'revoked' WHERE ended_at IS NULL AND user_id = $2 AND id >= $3 AND id <= $4";
    let mut ids: Vec<_> = sessions.iter().map(|client| client.id.clone()).collect();
    ids.sort();
    execute!(&mut ending, end, app.now(), &alice.id, &ids[10], &ids[10]).unwrap();
    let writing = tokio::spawn({
        let services = app.services.clone();
        async move { presence::write(&services).await }
    });
    wait_until_blocked_or(&app, 1, || writing.is_finished()).await;
    execute!(&mut ending, end, app.now(), &alice.id, &ids[0], &ids[19]).unwrap();
    ending.commit().await.unwrap();
    writing.await.unwrap().unwrap();
    presence::write(&app.services).await.unwrap();
    assert!(app.services.activity.unwritten().is_empty());
    assert_eq!((count_live(&app, &alice).await, count_live(&app, &bob).await), (0, 1));
    let written = "SELECT COUNT(*) FROM sessions WHERE ip = '192.0.2.7' AND ended_at IS NULL AND user_id = $1";
    assert_eq!(count(&app, written, &bob.id.to_string()).await, 1);
}

/// RACE-2, SES-11: while Revoke All is held open, a write of uses neither waits for it nor loses a use. Afterwards it drops the uses of the
/// ended sessions and revives none.
#[tokio::test(flavor = "multi_thread")]
async fn uses_of_sessions_being_revoked_stay_in_memory() {
    let app = TestApp::start(Backend::Postgres).await;
    app.add_user("alice").await;
    app.add_user("bob").await;
    let (alice, bob) = (account(&app, "alice").await, account(&app, "bob").await);
    let (mut sessions, bobs) = (create_sessions(&app, &alice, 5).await, create_sessions(&app, &bob, 1).await);
    let here = sessions.remove(0);
    app.advance(Duration::seconds(1));
    sessions.iter().for_each(|client| mark(&app.services, &alice, client));
    mark(&app.services, &bob, &bobs[0]);
    let holder = hold(&app, "LOCK TABLE audit_events IN ACCESS EXCLUSIVE MODE").await;
    let (revoked, ()) = tokio::join!(here.delete("/api/v1/sessions"), async {
        wait_until_blocked(&app, 1).await;
        tokio::time::timeout(LOCK_WAIT_LIMIT, presence::write(&app.services)).await.expect("a write waits for nobody").unwrap();
        let waiting = app.services.activity.unwritten();
        assert!(sessions.iter().all(|client| waiting.iter().any(|(session, _)| *session == id(client))));
        assert!(waiting.iter().all(|(session, _)| *session != id(&bobs[0])));
        release(holder).await;
    });
    assert_eq!(revoked.json::<Value>().await.unwrap()["revoked"], 4);
    presence::write(&app.services).await.unwrap();
    assert!(app.services.activity.unwritten().is_empty());
    for gone in &sessions {
        assert!(!gone.is_signed_in().await);
    }
    assert_eq!((count_live(&app, &alice).await, count_live(&app, &bob).await), (1, 1));
}

/// RACE-2: writes of uses and Revoke All, concurrently, 200 times: none fails, and no ended session comes back.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn writing_uses_and_revoke_all_never_conflict() {
    let app = TestApp::start(Backend::Postgres).await;
    app.add_user("alice").await;
    app.add_user("bob").await;
    let (alice, bob) = (account(&app, "alice").await, account(&app, "bob").await);
    let (here, bobs) = (create_sessions(&app, &alice, 1).await.remove(0), create_sessions(&app, &bob, 1).await.remove(0));
    for _ in 0..ROUNDS {
        let others = create_sessions(&app, &alice, 8).await;
        app.advance(Duration::milliseconds(1));
        others.iter().for_each(|client| mark(&app.services, &alice, client));
        mark(&app.services, &bob, &bobs);
        let together = Arc::new(Barrier::new(3));
        let write = || {
            let (services, together) = (app.services.clone(), together.clone());
            tokio::spawn(async move {
                together.wait().await;
                presence::write(&services).await
            })
        };
        let writes = [write(), write()];
        together.wait().await;
        let revoked = here.delete("/api/v1/sessions").await;
        assert_eq!((revoked.status(), revoked.json::<Value>().await.unwrap()["revoked"].as_u64()), (StatusCode::OK, Some(8)));
        for written in writes {
            written.await.unwrap().unwrap();
        }
        presence::write(&app.services).await.unwrap();
        assert!(app.services.activity.unwritten().is_empty());
        assert_eq!((count_live(&app, &alice).await, count_live(&app, &bob).await), (1, 1));
    }
    assert!(here.is_signed_in().await && bobs.is_signed_in().await);
}

/// RACE-1: a revocation and uses of the same session, concurrently, 200 times: after the response the session is refused, and no write
/// brings it back.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_revocation_holds_under_concurrent_uses() {
    let app = TestApp::start(Backend::Postgres).await;
    app.add_user("alice").await;
    app.add_user("bob").await;
    let (alice, bob) = (account(&app, "alice").await, account(&app, "bob").await);
    let (here, bobs) = (create_sessions(&app, &alice, 1).await.remove(0), create_sessions(&app, &bob, 1).await.remove(0));
    for round in 0..ROUNDS {
        let lost = create_sessions(&app, &alice, 1).await.remove(0);
        app.advance(Duration::milliseconds(1));
        let path = format!("/api/v1/sessions/{}", lost.id);
        let revoke = async {
            if round % 2 == 0 {
                tokio::task::yield_now().await;
            }
            here.delete(&path).await.status()
        };
        let (revoked, _, _, written) = tokio::join!(revoke, lost.is_signed_in(), lost.is_signed_in(), presence::write(&app.services));
        written.unwrap();
        assert_eq!(revoked, StatusCode::NO_CONTENT);
        assert!(!lost.is_signed_in().await);
        presence::write(&app.services).await.unwrap();
        assert!(!lost.is_signed_in().await);
        assert_eq!((count_live(&app, &alice).await, count_live(&app, &bob).await), (1, 1));
    }
    assert!(here.is_signed_in().await && bobs.is_signed_in().await);
}

/// RACE-2: like that of sessions, a write of API token uses skips rows that another transaction has locked.
#[tokio::test(flavor = "multi_thread")]
async fn writing_token_uses_does_not_deadlock_with_a_revocation() {
    let app = TestApp::start(Backend::Postgres).await;
    app.add_user("alice").await;
    app.add_user("bob").await;
    let (alice, bob) = (app.sign_in("alice").await, app.sign_in("bob").await);
    let bobs = bob.create_token("bob's", "read", CURL).await;
    let mut ids = Vec::new();
    for number in 0..20 {
        let token = alice.create_token(&format!("job {number}"), "read", CURL).await;
        assert!(token.is_signed_in().await);
        ids.push(token.id);
    }
    assert!(bobs.is_signed_in().await);
    ids.sort();
    let mut ending = app.services.db.write().await.unwrap();
    let remove = "DELETE FROM api_tokens WHERE user_id = $1 AND id >= $2 AND id <= $3";
    let user = account(&app, "alice").await.id;
    execute!(&mut ending, remove, &user, &ids[10], &ids[10]).unwrap();
    let writing = tokio::spawn({
        let services = app.services.clone();
        async move { worker::write(&services).await }
    });
    wait_until_blocked_or(&app, 1, || writing.is_finished()).await;
    execute!(&mut ending, remove, &user, &ids[0], &ids[19]).unwrap();
    ending.commit().await.unwrap();
    writing.await.unwrap().unwrap();
    worker::write(&app.services).await.unwrap();
    assert!(app.services.token_activity.unwritten().is_empty());
    let bobs_id = TokenId::parse(&bobs.id).unwrap().to_string();
    assert_eq!(count(&app, "SELECT COUNT(*) FROM api_tokens WHERE id = $1 AND last_used_at IS NOT NULL", &bobs_id).await, 1);
    assert!(bobs.is_signed_in().await);
}
