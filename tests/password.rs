//! Passwords over HTTP: changing one, and resetting a forgotten one.

use crate::support::{PASSWORD, TestApp};
use chrono::Duration;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

const NEW: &str = "a longer staple of horses";

async fn change(client: &crate::support::Client<'_>, current: &str, new: &str) -> reqwest::Response {
    client.request(Method::PUT, "/api/v1/me/password").json(&json!({ "current": current, "new": new })).send().await.unwrap()
}

/// Requests a reset. Returns the one-time token of the emailed link.
async fn request_reset_link(app: &TestApp, name: &str) -> String {
    let address = format!("{name}@example.com");
    assert_eq!(app.post_form("request_password_reset", "", &[("email", &address)]).await.status(), StatusCode::OK);
    app.wait_for_mail(&address, "Choose a new password").await.link("/reset-password").1
}

both!(
    /// PWD-4, PWD-9, SES-3, ALT-1: a change requires the current password, ends all other sessions, issues a new token, and is notified by
    /// email.
    a_password_change_revokes_the_other_sessions, |app| {
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
        let renewed = crate::support::Client { app: &app, token: answer["token"].as_str().unwrap().to_owned(), id: here.id, user_agent: here.user_agent };
        assert!(renewed.is_signed_in().await);
        assert_eq!(renewed.json("/api/v1/sessions/current").await["id"], renewed.id.as_str());
        assert_eq!(app.try_sign_in("alice", PASSWORD, "curl/8.5.0").await.status(), StatusCode::UNAUTHORIZED);
        assert_eq!(app.try_sign_in("alice", NEW, "curl/8.5.0").await.status(), StatusCode::CREATED);
        let mail = app.smtp.next_for("alice@example.com").await;
        assert_eq!(mail.subject, "Your password was changed");
        assert!(!mail.text.contains(NEW) && mail.html.contains("1 session"), "{mail:?}");
        assert_eq!(app.count_events("password.changed", "success").await, 1);
    }
);

both!(
    /// PWD-4: a browser that changes its password stays signed in with a new cookie. The login page in other browsers says why they were
    /// signed out.
    a_browser_stays_signed_in_after_a_password_change, |app| {
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
    /// PWD-2, PWD-3: an unacceptable password is refused with an explanation, and nothing changes.
    password_rules_are_explained, |app| {
        app.add_user("alice").await;
        let alice = app.sign_in("alice").await;
        for (bad, words) in [("short", "at least 8"), ("password", "most common passwords"), ("AliceAndHorses", "must not contain"), (&"x".repeat(129), "at most 128")] {
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
    /// LIM-1: guesses of the password within a session are slowed down like all others.
    guesses_by_a_session_are_slowed_down, |app| {
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
    /// PWD-5, PWD-6, WEB-5: a reset ends every session of that user only, cancels other links, works once, and is notified by email.
    a_reset_revokes_all_sessions_and_links, |app| {
        app.add_user("alice").await;
        app.add_user("bob").await;
        let (alice, bob) = (app.sign_in("alice").await, app.sign_in("bob").await);
        let (first, second) = (request_reset_link(&app, "alice").await, request_reset_link(&app, "alice").await);
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
        assert_eq!(app.smtp.next_for("alice@example.com").await.subject, "Your password was changed");
        for used in [first, second] {
            let again = app.post_form("reset_password", "", &[("token", &used), ("password", "yet another one")]).await;
            assert_eq!(again.status(), StatusCode::GONE);
        }
        assert_eq!(app.try_sign_in("alice", NEW, "curl/8.5.0").await.status(), StatusCode::CREATED);
        assert_eq!(app.count_events("password.reset", "success").await, 1);
    }
);

both!(
    /// PWD-6: a link is valid for 30 minutes, and its token is nowhere in the database.
    a_reset_link_expires, |app| {
        app.add_user("alice").await;
        let token = request_reset_link(&app, "alice").await;
        let mut db = app.services.db.read().await.unwrap();
        let sql = "SELECT COUNT(*) FROM one_time_tokens, outbox
                   WHERE token_hash = $1 OR detail LIKE '%' || $1 || '%' OR encrypted_content LIKE '%' || $1 || '%'";
        let (stored,): (i64,) = whereabouts::fetch!(&mut db, fetch_one as (i64,), sql, &token).unwrap();
        assert_eq!(stored, 0);
        drop(db);
        app.advance(Duration::minutes(30));
        let late = app.post_form("reset_password", "", &[("token", &token), ("password", NEW)]).await;
        assert_eq!(late.status(), StatusCode::GONE);
        assert_eq!(app.try_sign_in("alice", PASSWORD, "curl/8.5.0").await.status(), StatusCode::CREATED);
    }
);

both!(
    /// LIM-1: strangers who exhaust the limits of both names of an account do not lock out its owner, who gets in with a reset link.
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
        let token = request_reset_link(&app, "alice").await;
        assert_eq!(app.post_form("reset_password", "", &[("token", &token), ("password", NEW)]).await.status(), StatusCode::OK);
        for name in names {
            assert_eq!(app.try_sign_in(name, NEW, "curl/8.5.0").await.status(), StatusCode::CREATED);
        }
        assert_eq!(app.try_sign_in("bob", PASSWORD, "curl/8.5.0").await.status(), StatusCode::TOO_MANY_REQUESTS);
    }
);

both!(
    /// ENU-1, LIM-3: the response is the same for every address. Only enabled accounts get an email, and only a few an hour.
    a_reset_request_reveals_nothing, |app| {
        app.add_user("alice").await;
        app.add_user("gone").await;
        app.add_user("bob").await;
        let gone = whereabouts::accounts::actions::find(&app.services.db, "gone").await.unwrap().account.id;
        whereabouts::admin::actions::disable(&app.services.db, &app.services.recorder, &gone, whereabouts::reauthentication::actor::Actor::CommandLine).await.unwrap();
        let mut answers = Vec::new();
        for name in ["nobody", "gone", "alice", "alice", "alice", "alice", "alice", "bob"] {
            let answer = app.post_form("request_password_reset", "", &[("email", &format!("{name}@example.com"))]).await;
            let headers: Vec<_> = answer.headers().iter().filter(|(name, _)| !["date", "x-request-id"].contains(&name.as_str())).map(|(name, value)| (name.clone(), value.clone())).collect();
            answers.push((answer.status(), headers, answer.text().await.unwrap()));
        }
        assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
        // Emails arrive in order: Bob's is the last, so every earlier one has arrived before it.
        let mut mails = Vec::new();
        while mails.last().is_none_or(|last| last != "bob@example.com") {
            mails.push(app.smtp.next().await.to);
        }
        assert_eq!(mails, ["alice@example.com", "alice@example.com", "alice@example.com", "alice@example.com", "bob@example.com"]);
    }
);

both!(
    /// SES-3: entering the password again issues a new session token.
    reauthentication_renews_the_session_token, |app| {
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
