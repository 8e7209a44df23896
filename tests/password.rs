//! Passwords over HTTP: changing one, and choosing a new one when it is forgotten.
#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

mod support;

use chrono::Duration;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use support::{PASSWORD, TestApp};

const NEW: &str = "a longer staple of horses";

async fn change(client: &support::Client<'_>, current: &str, new: &str) -> reqwest::Response {
    client.request(Method::PUT, "/api/v1/me/password").json(&json!({ "current": current, "new": new })).send().await.unwrap()
}

/// Asks for a reset; the secret of the link that is mailed.
async fn ask_for_reset(app: &TestApp, name: &str) -> String {
    let address = format!("{name}@example.com");
    assert_eq!(app.post_form("ask_for_reset", "", &[("email", &address)]).await.status(), StatusCode::OK);
    app.mail(&address, "Choose a new password").await.link("/reset-password").1
}

both!(
    /// PWD-4, PWD-9, SES-3, ALT-1: a change asks the current password, ends all others, gives a new token, and tells by mail.
    a_change_ends_the_other_sessions, |app| {
        app.add_user("alice").await;
        app.add_user("bob").await;
        let (here, there, bob) = (app.sign_in("alice").await, app.sign_in("alice").await, app.sign_in("bob").await);
        assert_eq!(change(&here, "not this one", NEW).await.status(), StatusCode::UNPROCESSABLE_ENTITY);
        assert!(there.is_signed_in().await);
        let answer = change(&here, PASSWORD, NEW).await;
        assert_eq!(answer.status(), StatusCode::OK);
        let answer: Value = answer.json().await.unwrap();
        assert_eq!(answer["revoked"], 1);
        assert!(!there.is_signed_in().await && !here.is_signed_in().await && bob.is_signed_in().await);
        let renewed = support::Client { app: &app, token: answer["token"].as_str().unwrap().to_owned(), id: here.id, user_agent: here.user_agent };
        assert!(renewed.is_signed_in().await);
        assert_eq!(renewed.json("/api/v1/sessions/current").await["id"], renewed.id.as_str());
        assert_eq!(app.try_sign_in("alice", PASSWORD, "curl/8.5.0").await.status(), StatusCode::UNAUTHORIZED);
        assert_eq!(app.try_sign_in("alice", NEW, "curl/8.5.0").await.status(), StatusCode::CREATED);
        let mail = app.smtp.next_to("alice@example.com").await;
        assert_eq!(mail.subject, "Your password was changed");
        assert!(!mail.text.contains(NEW) && mail.html.contains("1 session"), "{mail:?}");
        assert_eq!(app.on_record("password_changed", "success").await, 1);
    }
);

both!(
    /// PWD-4: a browser that changes its password stays signed in by its cookie; the page elsewhere says why it left.
    a_browser_keeps_its_session, |app| {
        app.add_user("alice").await;
        let (here, there) = (app.sign_in("alice").await, app.sign_in("alice").await);
        let answer = here.post_form("change_password", &[("current", PASSWORD), ("new", NEW)]).await;
        assert_eq!(answer.status(), StatusCode::OK);
        let cookie = answer.headers().get_all("set-cookie").iter().find_map(|cookie| cookie.to_str().ok()?.split(';').next()?.strip_prefix("whereabouts="));
        let me = app.http.get(app.url("/api/v1/me")).header("cookie", format!("whereabouts={}", cookie.unwrap())).send().await.unwrap();
        assert_eq!(me.status(), StatusCode::OK);
        let login = there.browser(Method::GET, "/login").send().await.unwrap().text().await.unwrap();
        assert!(login.contains("Your password was changed, so you were signed out here."), "{login}");
    }
);

both!(
    /// PWD-2, PWD-3: what cannot be a password is refused in words, and nothing changes.
    rules_are_told, |app| {
        app.add_user("alice").await;
        let alice = app.sign_in("alice").await;
        for (bad, words) in [("short", "at least 8"), ("password", "guessed first"), ("AliceAndHorses", "must not hold"), (&"x".repeat(129), "at most 128")] {
            let answer = change(&alice, PASSWORD, bad).await;
            assert_eq!(answer.status(), StatusCode::UNPROCESSABLE_ENTITY);
            let problem: Value = answer.json().await.unwrap();
            assert!(problem["title"].as_str().unwrap().contains(words) && problem["field"] == "new", "{problem}");
        }
        let long = "ü ".repeat(64);
        assert_eq!(change(&alice, PASSWORD, &long).await.status(), StatusCode::OK);
        assert_eq!(app.try_sign_in("alice", &long, "curl/8.5.0").await.status(), StatusCode::CREATED);
        assert_eq!(app.try_sign_in("alice", &long[..long.len() - 1], "curl/8.5.0").await.status(), StatusCode::UNAUTHORIZED);
    }
);

both!(
    /// LIM-1: who holds a session guesses its password as slowly as anybody.
    guesses_of_a_session_are_slowed_down, |app| {
        app.add_user("alice").await;
        let alice = app.sign_in("alice").await;
        for _ in 0..5 {
            assert_eq!(change(&alice, "not this one", NEW).await.status(), StatusCode::UNPROCESSABLE_ENTITY);
        }
        assert_eq!(change(&alice, PASSWORD, NEW).await.status(), StatusCode::TOO_MANY_REQUESTS);
        app.advance(Duration::seconds(5));
        assert_eq!(change(&alice, PASSWORD, NEW).await.status(), StatusCode::OK);
    }
);

both!(
    /// PWD-5, PWD-6, WEB-5: a reset ends every session of that person alone, cancels other links, works once, and tells by mail.
    a_reset_ends_everything, |app| {
        app.add_user("alice").await;
        app.add_user("bob").await;
        let (alice, bob) = (app.sign_in("alice").await, app.sign_in("bob").await);
        let (first, second) = (ask_for_reset(&app, "alice").await, ask_for_reset(&app, "alice").await);
        let page = app.get(&format!("/reset-password?token={first}")).await;
        assert_eq!((page.status(), page.headers()["referrer-policy"].to_str().unwrap()), (StatusCode::OK, "no-referrer"));
        assert!(alice.is_signed_in().await);
        let bad = app.post_form("reset_password", "", &[("token", &first), ("password", "password")]).await;
        assert_eq!(bad.status(), StatusCode::UNPROCESSABLE_ENTITY);
        let answer = app.post_form("reset_password", "", &[("token", &first), ("password", NEW)]).await;
        assert_eq!(answer.status(), StatusCode::OK);
        assert!(answer.headers().contains_key("clear-site-data"));
        assert_eq!(answer.json::<String>().await.unwrap(), "/login");
        assert!(!alice.is_signed_in().await && bob.is_signed_in().await);
        assert_eq!(app.smtp.next_to("alice@example.com").await.subject, "Your password was changed");
        for spent in [first, second] {
            let again = app.post_form("reset_password", "", &[("token", &spent), ("password", "yet another one")]).await;
            assert_eq!(again.status(), StatusCode::GONE);
        }
        assert_eq!(app.try_sign_in("alice", NEW, "curl/8.5.0").await.status(), StatusCode::CREATED);
        assert_eq!(app.on_record("password_reset", "success").await, 1);
    }
);

both!(
    /// PWD-6: a link is good for 30 minutes, and its secret is nowhere in the database.
    a_reset_link_ends, |app| {
        app.add_user("alice").await;
        let token = ask_for_reset(&app, "alice").await;
        let mut db = app.services.db.read().await.unwrap();
        let sql = "SELECT COUNT(*) FROM links, outbox WHERE token_hash = $1 OR detail LIKE '%' || $1 || '%' OR sealed LIKE '%' || $1 || '%'";
        let (kept,): (i64,) = whereabouts::fetch!(&mut db, fetch_one as (i64,), sql, &token).unwrap();
        assert_eq!(kept, 0);
        drop(db);
        app.advance(Duration::minutes(30));
        let late = app.post_form("reset_password", "", &[("token", &token), ("password", NEW)]).await;
        assert_eq!(late.status(), StatusCode::GONE);
        assert_eq!(app.try_sign_in("alice", PASSWORD, "curl/8.5.0").await.status(), StatusCode::CREATED);
    }
);

both!(
    /// LIM-1: strangers who slowed down both names of an account do not keep its owner out, who comes by a reset link.
    a_reset_lets_the_owner_in, |app| {
        app.add_user("alice").await;
        app.add_user("bob").await;
        let names = ["alice", "alice@example.com"];
        for name in names.into_iter().chain(["bob"]) {
            for _ in 0..5 {
                app.try_sign_in(name, "wrong password", "curl/8.5.0").await;
            }
            assert_eq!(app.try_sign_in(name, PASSWORD, "curl/8.5.0").await.status(), StatusCode::TOO_MANY_REQUESTS);
        }
        let token = ask_for_reset(&app, "alice").await;
        assert_eq!(app.post_form("reset_password", "", &[("token", &token), ("password", NEW)]).await.status(), StatusCode::OK);
        for name in names {
            assert_eq!(app.try_sign_in(name, NEW, "curl/8.5.0").await.status(), StatusCode::CREATED);
        }
        assert_eq!(app.try_sign_in("bob", PASSWORD, "curl/8.5.0").await.status(), StatusCode::TOO_MANY_REQUESTS);
    }
);

both!(
    /// ENU-1, LIM-3: whoever is asked for, the answer is the same; a mail goes to those alone who have an account, and not often.
    asking_for_a_reset_tells_nothing, |app| {
        app.add_user("alice").await;
        app.add_user("gone").await;
        app.add_user("bob").await;
        let gone = whereabouts::accounts::actions::find(&app.services.db, "gone").await.unwrap().account.id;
        whereabouts::admin::actions::disable(&app.services.db, &app.services.clock, &gone, whereabouts::admin::actions::By::CommandLine).await.unwrap();
        let mut answers = Vec::new();
        for name in ["nobody", "gone", "alice", "alice", "alice", "alice", "alice", "bob"] {
            let answer = app.post_form("ask_for_reset", "", &[("email", &format!("{name}@example.com"))]).await;
            let headers: Vec<_> = answer.headers().iter().filter(|(name, _)| *name != "date").map(|(name, value)| (name.clone(), value.clone())).collect();
            answers.push((answer.status(), headers, answer.text().await.unwrap()));
        }
        assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
        // In turn: bob's is the last, so whatever else was to come has come before it.
        let mut mails = Vec::new();
        while mails.last().is_none_or(|last| last != "bob@example.com") {
            mails.push(app.smtp.next().await.to);
        }
        assert_eq!(mails, ["alice@example.com", "alice@example.com", "alice@example.com", "alice@example.com", "bob@example.com"]);
    }
);

/// ENU-1: the time taken is the same (median of 200, ratio within 1.1).
#[tokio::test(flavor = "multi_thread")]
async fn asking_for_a_reset_takes_the_same_time() {
    let app = TestApp::start_with(support::Backend::Sqlite, &["--trusted-proxies", "127.0.0.0/8"]).await;
    app.add_user("alice").await;
    let ratio = app.ratio_of_asking("ask_for_reset").await;
    assert!((1.0 / 1.1..1.1).contains(&ratio), "{ratio}");
}

both!(
    /// SES-3: giving the password again gives the session a new token.
    a_proof_renews_the_token, |app| {
        app.add_user("alice").await;
        let alice = app.sign_in("alice").await;
        let wrong = alice.post_form("confirm_password", &[("password", "wrong password"), ("next", "/")]).await;
        assert_eq!(wrong.status(), StatusCode::UNPROCESSABLE_ENTITY);
        let right = alice.post_form("confirm_password", &[("password", PASSWORD), ("next", "/profile/two-factor")]).await;
        assert_eq!(right.status(), StatusCode::OK);
        assert_eq!(right.json::<String>().await.unwrap(), "/profile/two-factor");
        assert!(!alice.is_signed_in().await);
    }
);
