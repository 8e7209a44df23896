//! What holds for every interleaving on PostgreSQL, where transactions run concurrently: after the response to an action that ends
//! credentials, none of them is accepted (RACE-1), and no such action fails by a deadlock (RACE-2).
//!
//! Each pair is raced twice: once in the worst order, with the first transaction held open, and 200 times at full speed. Bob, who is not
//! involved, stays signed in.

use crate::support::{
    Backend, Client, TestApp,
    live::Page,
    postgres::{hold, release, wait_until_blocked},
    totp::{between, code, page},
};
use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};
use whereabouts::{
    accounts::{actions as accounts, actions::NewAccount},
    admin::actions as admin,
    authentication::registration::actions as registration,
    execute,
    foundation::{
        crypto::{
            hasher::Cost,
            one_time_tokens::{self, Purpose},
        },
        hub::SessionEvent,
        ids::UserId,
    },
    reauthentication::actor::Actor,
};

const ROUNDS: usize = 200;
/// The races are about transactions: the lowest cost that argon2 allows.
const CHEAP: Cost = Cost { memory_kib: 8, passes: 1, lanes: 1 };
const CURL: &str = "curl/8.5.0";
const FIRST: &str = "staple of horses 0";
const NEXT: &str = "staple of horses 1";

async fn start() -> TestApp {
    let app = TestApp::start_with_hash_cost(Backend::Postgres, CHEAP, &["--trusted-proxies", "127.0.0.0/8"]).await;
    for name in ["alice", "bob"] {
        let account =
            NewAccount { username: name.to_owned(), email: format!("{name}@example.com"), password: FIRST.into(), is_admin: false };
        let hash = app.services.hasher.reserve().unwrap().hash(FIRST.into()).await;
        registration::add_account(&app.services.db, &app.services.recorder, account, &hash).await.unwrap();
    }
    app
}

/// Runs `first` until it waits for the audit log, then `second` until both wait, and then releases both.
async fn run_overlapping<A, B>(app: &TestApp, first: impl Future<Output = A>, second: impl Future<Output = B>) -> (A, B) {
    // Each writer of audit events waits here, with everything that its transaction did before.
    let holder = hold(app, "LOCK TABLE audit_events IN ACCESS EXCLUSIVE MODE").await;
    let (begin, begins) = tokio::sync::oneshot::channel();
    let second = async {
        begins.await.unwrap();
        second.await
    };
    let release = async {
        wait_until_blocked(app, 1).await;
        begin.send(()).unwrap();
        wait_until_blocked(app, 2).await;
        release(holder).await;
    };
    let (first, second, ()) = tokio::join!(first, second, release);
    (first, second)
}

async fn sign_in<'a>(app: &'a TestApp, name: &str, password: &str) -> Option<Client<'a>> {
    let answer = app.try_sign_in(name, password, CURL).await;
    match answer.status() {
        StatusCode::CREATED => {}
        StatusCode::UNAUTHORIZED => return None,
        other => panic!("{other}: {}", answer.text().await.unwrap()),
    }
    let answer: Value = answer.json().await.unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    Some(Client { app, token: text(&answer["token"]), id: text(&answer["session"]["id"]), user_agent: CURL.to_owned() })
}

async fn user(app: &TestApp, name: &str) -> UserId {
    accounts::find(&app.services.db, name).await.unwrap().account.id
}

/// Creates a reset link as if it was emailed, because emails are limited to a few an hour. Returns its one-time token.
async fn reset_link(app: &TestApp, user: &UserId) -> String {
    let mut tx = app.services.db.write().await.unwrap();
    let secret = one_time_tokens::create(&mut tx, Purpose::Reset, Some(user), &(), app.now()).await.unwrap();
    tx.commit().await.unwrap();
    secret.reveal().to_owned()
}

async fn reset(app: &TestApp, link: &str, password: &str) -> StatusCode {
    app.post_form("reset_password", "", &[("token", link), ("password", password)]).await.status()
}

async fn change(client: &Client<'_>, current: &str, new: &str) -> Response {
    client.request(Method::PUT, "/api/v1/me/password").json(&json!({ "current": current, "new": new })).send().await.unwrap()
}

async fn disable(app: &TestApp, user: &UserId) {
    let (services, who) = (&app.services, Actor::CommandLine);
    admin::disable(&services.db, &services.recorder, user, who).await.unwrap();
}

async fn enable(app: &TestApp, user: &UserId) {
    admin::enable(&app.services.db, &app.services.recorder, user, Actor::CommandLine).await.unwrap();
}

async fn write(app: &TestApp, sql: &'static str) {
    let mut tx = app.services.db.write().await.unwrap();
    execute!(&mut tx, sql).unwrap();
    tx.commit().await.unwrap();
}

/// Returns whether a session that may have been created is refused. True if there is none.
async fn is_ended(session: Option<&Client<'_>>) -> bool {
    match session {
        Some(session) => !session.is_signed_in().await,
        None => true,
    }
}

/// Prepares a second factor. Returns its seed.
async fn prepare(client: &Client<'_>) -> String {
    assert_eq!(client.post_form("prepare_two_factor", &[]).await.status(), StatusCode::OK);
    between(&page(client, "/profile/two-factor?step=1").await, "id=\"seed\">", "<").replace(' ', "")
}

/// Requests an email change that the old address has already confirmed. Returns the one-time token for the new address, as if it was
/// emailed.
async fn confirmation_link(app: &TestApp, client: &Client<'_>, user: &UserId, email: &str) -> String {
    assert_eq!(client.post_form("change_email", &[("email", email)]).await.status(), StatusCode::OK);
    write(app, "UPDATE email_changes SET is_old_confirmed = TRUE").await;
    let mut tx = app.services.db.write().await.unwrap();
    let detail = json!({ "email": email, "side": "New" });
    let secret = one_time_tokens::create(&mut tx, Purpose::EmailChange, Some(user), &detail, app.now()).await.unwrap();
    tx.commit().await.unwrap();
    secret.reveal().to_owned()
}

async fn confirm(app: &TestApp, link: &str) -> StatusCode {
    app.post_form("confirm_email_change", "", &[("token", link)]).await.status()
}

/// Returns the status of a request with this API token or session token.
async fn status_of(app: &TestApp, token: &str) -> StatusCode {
    app.http.get(app.url("/api/v1/me")).bearer_auth(token).send().await.unwrap().status()
}

/// Returns the password of this round and that of the next one.
fn passwords(round: usize) -> (String, String) {
    (format!("staple of horses {round}"), format!("staple of horses {}", round + 1))
}

/// Advances the clock so far that attempts of this round no longer count against the rate limits.
fn next_round(app: &TestApp) {
    app.advance(chrono::Duration::minutes(15));
}

/// RACE-1: a concurrent sign-in with the old password ends with the reset, and one that starts during a reset is refused.
#[tokio::test(flavor = "multi_thread")]
async fn a_sign_in_does_not_outlive_a_reset() {
    let app = start().await;
    let (alice, bob) = (user(&app, "alice").await, sign_in(&app, "bob", FIRST).await.unwrap());
    let link = reset_link(&app, &alice).await;
    let (session, status) = run_overlapping(&app, sign_in(&app, "alice", FIRST), reset(&app, &link, NEXT)).await;
    assert_eq!(status, StatusCode::OK);
    assert!(is_ended(session.as_ref()).await);
    let link = reset_link(&app, &alice).await;
    let (status, session) = run_overlapping(&app, reset(&app, &link, FIRST), sign_in(&app, "alice", NEXT)).await;
    assert_eq!(status, StatusCode::OK);
    assert!(is_ended(session.as_ref()).await && bob.is_signed_in().await);
    assert!(sign_in(&app, "alice", FIRST).await.is_some());
}

/// RACE-1: the same for a password change, which only its own session survives.
#[tokio::test(flavor = "multi_thread")]
async fn a_sign_in_does_not_outlive_a_password_change() {
    let app = start().await;
    let (alice, bob) = (sign_in(&app, "alice", FIRST).await.unwrap(), sign_in(&app, "bob", FIRST).await.unwrap());
    let (session, changed) = run_overlapping(&app, sign_in(&app, "alice", FIRST), change(&alice, FIRST, NEXT)).await;
    assert_eq!(changed.status(), StatusCode::OK);
    assert!(is_ended(session.as_ref()).await);
    let token = changed.json::<Value>().await.unwrap()["token"].as_str().unwrap().to_owned();
    let alice = Client { token, ..alice };
    let (changed, session) = run_overlapping(&app, change(&alice, NEXT, FIRST), sign_in(&app, "alice", NEXT)).await;
    assert_eq!(changed.status(), StatusCode::OK);
    assert!(is_ended(session.as_ref()).await && bob.is_signed_in().await);
}

/// RACE-1: the same for disabling an account. After it is enabled again, its earlier sessions remain ended.
#[tokio::test(flavor = "multi_thread")]
async fn a_sign_in_does_not_outlive_disabling() {
    let app = start().await;
    let (alice, bob) = (user(&app, "alice").await, sign_in(&app, "bob", FIRST).await.unwrap());
    for is_sign_in_first in [true, false] {
        let session = match is_sign_in_first {
            true => run_overlapping(&app, sign_in(&app, "alice", FIRST), disable(&app, &alice)).await.0,
            false => run_overlapping(&app, disable(&app, &alice), sign_in(&app, "alice", FIRST)).await.1,
        };
        assert!(is_ended(session.as_ref()).await, "sign-in first: {is_sign_in_first}");
        enable(&app, &alice).await;
        assert!(is_ended(session.as_ref()).await && bob.is_signed_in().await, "sign-in first: {is_sign_in_first}");
    }
    assert!(sign_in(&app, "alice", FIRST).await.is_some());
}

/// SES-5, RACE-1: no session of a disabled account is accepted, even if disabling failed to end it, and the login page says why.
#[tokio::test(flavor = "multi_thread")]
async fn a_session_of_a_disabled_account_is_refused() {
    let app = start().await;
    let (alice, bob) = (sign_in(&app, "alice", FIRST).await.unwrap(), sign_in(&app, "bob", FIRST).await.unwrap());
    write(&app, "UPDATE users SET disabled_at = created_at WHERE username = 'alice'").await;
    assert!(!alice.is_signed_in().await && bob.is_signed_in().await);
    let login = alice.browser(Method::GET, "/login").send().await.unwrap().text().await.unwrap();
    assert!(login.contains("contact your administrator"), "{login}");
}

/// SES-5, RACE-1: an open page of a disabled account is closed too.
#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_a_disabled_account_closes() {
    let app = start().await;
    let (alice, bob) = (sign_in(&app, "alice", FIRST).await.unwrap(), sign_in(&app, "bob", FIRST).await.unwrap());
    let mut page = Page::open(&alice).await;
    write(&app, "UPDATE users SET disabled_at = created_at WHERE username = 'alice'").await;
    app.services.hub.publish(&user(&app, "alice").await, SessionEvent::Missed);
    assert!(page.is_signed_out().await && bob.is_signed_in().await);
}

/// PWD-5, RACE-1: a completed reset cancels a reset link that is being emailed at the same time. Bob's link stays.
#[tokio::test(flavor = "multi_thread")]
async fn a_reset_link_mailed_meanwhile_does_not_outlive_a_reset() {
    let app = start().await;
    let (alice, bob) = (user(&app, "alice").await, user(&app, "bob").await);
    let (link, kept) = (reset_link(&app, &alice).await, reset_link(&app, &bob).await);
    let ask = async {
        app.post_form("request_password_reset", "", &[("email", "alice@example.com")]).await;
        app.wait_for_background_jobs().await;
    };
    let ((), status) = run_overlapping(&app, ask, reset(&app, &link, NEXT)).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(app.count("SELECT COUNT(*) FROM one_time_tokens WHERE purpose = 'reset'").await, 1);
    assert_eq!(reset(&app, &kept, NEXT).await, StatusCode::OK);
}

/// MFA-6, RACE-1: a sign-in with the password alone that runs while the second factor is enabled creates no session afterwards.
#[tokio::test(flavor = "multi_thread")]
async fn a_sign_in_without_a_code_does_not_bypass_a_new_second_factor() {
    let app = start().await;
    let (alice, bob) = (sign_in(&app, "alice", FIRST).await.unwrap(), sign_in(&app, "bob", FIRST).await.unwrap());
    let seed = prepare(&alice).await;
    let code = code(&seed, app.now());
    let fields = [("code", code.as_str())];
    // From another address, so that the two do not even share the limit of an address.
    let enable = alice.browser(Method::POST, "/api/ui/enable_two_factor").header("x-forwarded-for", "198.51.100.7").form(&fields).send();
    let (enabled, session) = run_overlapping(&app, enable, sign_in(&app, "alice", FIRST)).await;
    assert_eq!(enabled.unwrap().headers()["location"], "/profile?tab=security");
    assert!(session.is_none() && alice.is_signed_in().await && bob.is_signed_in().await);
}

/// RACE-1: a session that a reset ends enables no second factor, not even with a concurrent request. If the factor was enabled first, the
/// reset asks for it.
#[tokio::test(flavor = "multi_thread")]
async fn a_second_factor_is_not_enabled_after_a_reset() {
    let app = start().await;
    let (id, bob) = (user(&app, "alice").await, sign_in(&app, "bob", FIRST).await.unwrap());
    let alice = sign_in(&app, "alice", FIRST).await.unwrap();
    let (seed, link) = (prepare(&alice).await, reset_link(&app, &id).await);
    let right = code(&seed, app.now());
    let fields = [("code", right.as_str())];
    let (status, enabled) = run_overlapping(&app, reset(&app, &link, NEXT), alice.post_form("enable_two_factor", &fields)).await;
    assert_eq!((status, enabled.status()), (StatusCode::OK, StatusCode::UNAUTHORIZED));
    assert_eq!(app.count("SELECT COUNT(*) FROM second_factors WHERE enabled_at IS NOT NULL").await, 0);
    let alice = sign_in(&app, "alice", NEXT).await.unwrap();
    let (seed, link) = (prepare(&alice).await, reset_link(&app, &id).await);
    let right = code(&seed, app.now());
    let fields = [("code", right.as_str())];
    let (enabled, status) = run_overlapping(&app, alice.post_form("enable_two_factor", &fields), reset(&app, &link, FIRST)).await;
    assert_eq!((enabled.status(), status), (StatusCode::OK, StatusCode::UNAUTHORIZED));
    assert!(alice.is_signed_in().await && bob.is_signed_in().await);
}

/// RACE-1: a session that a reset ends leaves no pending email change.
#[tokio::test(flavor = "multi_thread")]
async fn an_email_change_does_not_outlive_a_reset() {
    let app = start().await;
    let (id, bob) = (user(&app, "alice").await, sign_in(&app, "bob", FIRST).await.unwrap());
    let alice = sign_in(&app, "alice", FIRST).await.unwrap();
    let link = reset_link(&app, &id).await;
    let fields = [("email", "thief@example.com")];
    let (status, asked) = run_overlapping(&app, reset(&app, &link, NEXT), alice.post_form("change_email", &fields)).await;
    assert_eq!((status, asked.status()), (StatusCode::OK, StatusCode::UNAUTHORIZED));
    assert_eq!(app.count("SELECT COUNT(*) FROM one_time_tokens WHERE purpose = 'email_change'").await, 0);
    let alice = sign_in(&app, "alice", NEXT).await.unwrap();
    let link = reset_link(&app, &id).await;
    let (asked, status) = run_overlapping(&app, alice.post_form("change_email", &fields), reset(&app, &link, FIRST)).await;
    assert_eq!((asked.status(), status), (StatusCode::OK, StatusCode::OK));
    assert_eq!(app.count("SELECT COUNT(*) FROM one_time_tokens WHERE purpose = 'email_change'").await, 0);
    assert!(bob.is_signed_in().await);
}

/// RACE-1: at full speed, no sign-in outlives a reset.
#[tokio::test(flavor = "multi_thread")]
async fn sign_ins_race_resets() {
    let app = start().await;
    let (alice, bob) = (user(&app, "alice").await, sign_in(&app, "bob", FIRST).await.unwrap());
    for round in 0..ROUNDS {
        let ((old, new), link) = (passwords(round), reset_link(&app, &alice).await);
        let (session, status) = tokio::join!(sign_in(&app, "alice", &old), reset(&app, &link, &new));
        assert_eq!(status, StatusCode::OK);
        assert!(is_ended(session.as_ref()).await, "round {round}");
        next_round(&app);
    }
    assert!(bob.is_signed_in().await);
}

/// RACE-1: at full speed, no sign-in outlives a password change.
#[tokio::test(flavor = "multi_thread")]
async fn sign_ins_race_password_changes() {
    let app = start().await;
    let (mut alice, bob) = (sign_in(&app, "alice", FIRST).await.unwrap(), sign_in(&app, "bob", FIRST).await.unwrap());
    for round in 0..ROUNDS {
        let (old, new) = passwords(round);
        let (session, changed) = tokio::join!(sign_in(&app, "alice", &old), change(&alice, &old, &new));
        assert_eq!(changed.status(), StatusCode::OK);
        assert!(is_ended(session.as_ref()).await, "round {round}");
        alice.token = changed.json::<Value>().await.unwrap()["token"].as_str().unwrap().to_owned();
        next_round(&app);
    }
    assert!(alice.is_signed_in().await && bob.is_signed_in().await);
}

/// RACE-1: at full speed, no sign-in outlives disabling, not even after the account is enabled again.
#[tokio::test(flavor = "multi_thread")]
async fn sign_ins_race_disabling() {
    let app = start().await;
    let (alice, bob) = (user(&app, "alice").await, sign_in(&app, "bob", FIRST).await.unwrap());
    for round in 0..ROUNDS {
        let (session, ()) = tokio::join!(sign_in(&app, "alice", FIRST), disable(&app, &alice));
        assert!(is_ended(session.as_ref()).await, "round {round}");
        enable(&app, &alice).await;
        assert!(is_ended(session.as_ref()).await, "round {round}");
        next_round(&app);
    }
    assert!(bob.is_signed_in().await);
}

/// RACE-1: at full speed, either the factor is enabled first and the reset asks for it, or the reset is first and no factor is enabled.
#[tokio::test(flavor = "multi_thread")]
async fn enabling_a_second_factor_races_resets() {
    let app = start().await;
    let (id, bob) = (user(&app, "alice").await, sign_in(&app, "bob", FIRST).await.unwrap());
    let (mut password, mut enabled_first) = (FIRST.to_owned(), 0);
    for round in 0..ROUNDS {
        let alice = sign_in(&app, "alice", &password).await.unwrap();
        let (seed, link, (_, new)) = (prepare(&alice).await, reset_link(&app, &id).await, passwords(round));
        let right = code(&seed, app.now());
        let fields = [("code", right.as_str())];
        let (enabled, status) = tokio::join!(alice.post_form("enable_two_factor", &fields), reset(&app, &link, &new));
        let is_on = app.count("SELECT COUNT(*) FROM second_factors WHERE enabled_at IS NOT NULL").await == 1;
        match (enabled.status(), status) {
            (StatusCode::OK, StatusCode::UNAUTHORIZED) => assert!(is_on && alice.is_signed_in().await, "round {round}"),
            // The reset also removes the prepared factor.
            (StatusCode::UNAUTHORIZED | StatusCode::NOT_FOUND, StatusCode::OK) => {
                assert!(!is_on && !alice.is_signed_in().await, "round {round}");
                password = new;
            }
            other => panic!("round {round}: {other:?}"),
        }
        enabled_first += usize::from(is_on);
        write(&app, "DELETE FROM recovery_codes").await;
        write(&app, "DELETE FROM second_factors").await;
        next_round(&app);
    }
    assert!(bob.is_signed_in().await, "{enabled_first} of {ROUNDS}");
}

/// RACE-1, RACE-2: at full speed, no email change outlives a reset.
#[tokio::test(flavor = "multi_thread")]
async fn email_changes_race_resets() {
    let app = start().await;
    let (id, bob) = (user(&app, "alice").await, sign_in(&app, "bob", FIRST).await.unwrap());
    for round in 0..ROUNDS {
        let (old, new) = passwords(round);
        let alice = sign_in(&app, "alice", &old).await.unwrap();
        let link = reset_link(&app, &id).await;
        let fields = [("email", "thief@example.com")];
        let (asked, status) = tokio::join!(alice.post_form("change_email", &fields), reset(&app, &link, &new));
        assert_eq!(status, StatusCode::OK);
        assert!([StatusCode::OK, StatusCode::UNAUTHORIZED].contains(&asked.status()), "{}", asked.status());
        assert_eq!(app.count("SELECT COUNT(*) FROM one_time_tokens WHERE purpose = 'email_change'").await, 0, "round {round}");
        write(&app, "DELETE FROM outbox").await; // emails to one address are limited to a few an hour
        next_round(&app);
    }
    assert!(bob.is_signed_in().await);
}

/// RACE-1, RACE-2: at full speed, either the reset or the confirmed email change wins.
#[tokio::test(flavor = "multi_thread")]
async fn confirmed_email_changes_race_resets() {
    let app = start().await;
    let (id, bob) = (user(&app, "alice").await, sign_in(&app, "bob", FIRST).await.unwrap());
    let mut password = FIRST.to_owned();
    for round in 0..ROUNDS {
        let alice = sign_in(&app, "alice", &password).await.unwrap();
        let (_, new) = passwords(round);
        let confirmation = confirmation_link(&app, &alice, &id, &format!("alice{round}@example.org")).await;
        let link = reset_link(&app, &id).await;
        match tokio::join!(confirm(&app, &confirmation), reset(&app, &link, &new)) {
            (StatusCode::OK, StatusCode::GONE) => assert!(alice.is_signed_in().await, "round {round}"),
            (StatusCode::GONE, StatusCode::OK) => {
                assert!(!alice.is_signed_in().await, "round {round}");
                password = new;
            }
            other => panic!("round {round}: {other:?}"),
        }
        write(&app, "DELETE FROM outbox").await;
        next_round(&app);
    }
    assert!(bob.is_signed_in().await);
}

/// RACE-1: at full speed, no API token outlives a reset.
#[tokio::test(flavor = "multi_thread")]
async fn creating_tokens_races_resets() {
    let app = start().await;
    let (id, bob) = (user(&app, "alice").await, sign_in(&app, "bob", FIRST).await.unwrap());
    let kept = bob.create_token("job", "read", CURL).await;
    for round in 0..ROUNDS {
        let (old, new) = passwords(round);
        let alice = sign_in(&app, "alice", &old).await.unwrap();
        let link = reset_link(&app, &id).await;
        let create = alice.request(Method::POST, "/api/v1/tokens").json(&json!({ "name": "job", "group": "full" })).send();
        let (created, status) = tokio::join!(create, reset(&app, &link, &new));
        assert_eq!(status, StatusCode::OK);
        let created: Value = created.unwrap().json().await.unwrap();
        if let Some(token) = created["token"].as_str() {
            assert_eq!(status_of(&app, token).await, StatusCode::UNAUTHORIZED, "round {round}");
        }
        assert_eq!(app.count("SELECT COUNT(*) FROM api_tokens").await, 1, "round {round}");
        next_round(&app);
    }
    assert!(kept.is_signed_in().await);
}

/// RACE-1: at full speed, a secret works until its token is rotated, and not afterwards.
#[tokio::test(flavor = "multi_thread")]
async fn rotating_tokens_races_their_use() {
    let app = start().await;
    let bob = sign_in(&app, "bob", FIRST).await.unwrap().create_token("job", "read", CURL).await;
    let mut token = sign_in(&app, "alice", FIRST).await.unwrap().create_token("job", "read", CURL).await.token;
    let id = sign_in(&app, "alice", FIRST).await.unwrap().tokens().await[0]["id"].as_str().unwrap().to_owned();
    for round in 0..ROUNDS {
        let alice = sign_in(&app, "alice", FIRST).await.unwrap();
        let rotate = alice.request(Method::POST, &format!("/api/v1/tokens/{id}/rotate")).json(&json!({})).send();
        let (rotated, used) = tokio::join!(rotate, status_of(&app, &token));
        assert!([StatusCode::OK, StatusCode::UNAUTHORIZED].contains(&used), "round {round}: {used}");
        let new = rotated.unwrap().json::<Value>().await.unwrap()["token"].as_str().unwrap().to_owned();
        assert_eq!(
            (status_of(&app, &token).await, status_of(&app, &new).await),
            (StatusCode::UNAUTHORIZED, StatusCode::OK),
            "round {round}"
        );
        token = new;
        next_round(&app);
    }
    assert!(bob.is_signed_in().await);
}

/// RACE-1: if a reset link is used twice concurrently, one use wins. Bob's link is not affected.
#[tokio::test(flavor = "multi_thread")]
async fn a_reset_link_cannot_be_used_twice_concurrently() {
    let app = start().await;
    let (alice, bob) = (user(&app, "alice").await, user(&app, "bob").await);
    let kept = reset_link(&app, &bob).await;
    for round in 0..ROUNDS {
        let link = reset_link(&app, &alice).await;
        let (one, two) = tokio::join!(reset(&app, &link, "one of two staples"), reset(&app, &link, "two of two staples"));
        let winner = if one == StatusCode::OK { "one of two staples" } else { "two of two staples" };
        let mut both = [one, two];
        both.sort();
        assert_eq!(both, [StatusCode::OK, StatusCode::GONE], "round {round}");
        assert!(sign_in(&app, "alice", winner).await.is_some(), "round {round}");
        // Server function calls are limited per minute, and Bob's link is valid for thirty minutes.
        app.advance(chrono::Duration::seconds(5));
    }
    assert_eq!(reset(&app, &kept, NEXT).await, StatusCode::OK);
}
