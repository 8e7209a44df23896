//! How many requests the server functions of pages answer, and what a client is told that made too many.
#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

mod support;

use chrono::Duration;
use reqwest::{Method, Response, StatusCode};
use serde_json::Value;
use support::{
    PASSWORD, TestApp,
    totp::{code, turn_on},
};
use whereabouts::foundation::{
    ids::UserId,
    quota::{self, Counted},
};

/// The seconds of `Retry-After`, which every 429 has.
fn retry_after(answer: &Response) -> u64 {
    assert_eq!(answer.status(), StatusCode::TOO_MANY_REQUESTS);
    answer.headers()["retry-after"].to_str().unwrap().parse().unwrap()
}

fn cookie(answer: &Response, name: &str) -> String {
    let cookies = answer.headers().get_all("set-cookie").iter().map(|cookie| cookie.to_str().unwrap().split(';').next().unwrap());
    cookies.filter(|cookie| cookie.starts_with(&format!("{name}="))).map(str::to_owned).next().unwrap()
}

async fn strength(app: &TestApp) -> Response {
    app.post_form("password_strength", "", &[("password", "x")]).await
}

both!(
    /// LIM-5: strangers of one network call server functions 300 times a minute; people who are signed in at the same address do not notice.
    strangers_call_server_functions_so_often, |app| {
        app.add_user("alice").await;
        let alice = app.sign_in("alice").await;
        app.advance(Duration::seconds(20));
        let mut answered = 0;
        for _ in 0..600 {
            let answer = strength(&app).await;
            match answer.status() {
                StatusCode::OK => answered += 1,
                _ => assert_eq!(retry_after(&answer), 40),
            }
        }
        assert_eq!(answered, quota::SERVER_FUNCTIONS.anonymous);
        assert_eq!(alice.post_form("password_strength", &[("password", "x")]).await.status(), StatusCode::OK);
        assert_eq!(app.get("/login").await.status(), StatusCode::OK);
        assert_eq!(app.get("/api/ui/password_strength").await.status(), StatusCode::METHOD_NOT_ALLOWED);
        app.advance(Duration::seconds(40));
        assert_eq!(strength(&app).await.status(), StatusCode::OK);
    }
);

both!(
    /// LIM-5: each session has a limit of its own, apart from that of the API.
    each_session_calls_server_functions_so_often, |app| {
        app.add_user("alice").await;
        app.add_user("bob").await;
        let (alice, bob) = (app.sign_in("alice").await, app.sign_in("bob").await);
        for _ in 0..quota::SERVER_FUNCTIONS.signed_in {
            app.services.server_function_quota.count(Counted::SignedIn(alice.id.clone()), app.now());
        }
        assert_eq!(retry_after(&alice.post_form("revoke_other_sessions", &[]).await), 60);
        assert!(alice.is_signed_in().await);
        assert_eq!(bob.post_form("revoke_other_sessions", &[]).await.status(), StatusCode::OK);
        assert_eq!(strength(&app).await.status(), StatusCode::OK);
    }
);

both!(
    /// LIM-5: a script is told in the form that server functions fail in; a browser that posted the form by itself is shown a page.
    who_called_too_often_is_told, |app| {
        for _ in 0..quota::SERVER_FUNCTIONS.anonymous {
            app.services.server_function_quota.count(Counted::Anonymous("127.0.0.1".to_owned()), app.now());
        }
        let script = strength(&app).await;
        assert_eq!(retry_after(&script), 60);
        assert_eq!(script.json::<Value>().await.unwrap()["TooManyAttempts"]["seconds"], 60);
        let form = app.http.post(app.url("/api/ui/ask_for_reset")).header("origin", app.url("")).header("accept", "text/html,*/*;q=0.8");
        let page = form.form(&[("email", "alice@example.com")]).send().await.unwrap();
        assert_eq!(retry_after(&page), 60);
        assert!(page.headers()["content-type"].to_str().unwrap().starts_with("text/html"));
        assert!(page.text().await.unwrap().contains("<p>Too many attempts. Try again in 60 seconds.</p>"));
    }
);

both!(
    /// LIM-5: every 429 says when to try again: those of the API, of server functions, and of the live channel.
    every_refusal_says_when_to_try_again, |app| {
        app.add_user("alice").await;
        app.add_user("bob").await;
        let alice = app.sign_in("alice").await;
        let wrong = [("identifier", "bob"), ("password", "not this one"), ("next", "")];
        let refused = async {
            loop {
                let answer = app.post_form("sign_in", "", &wrong).await;
                if answer.status() != StatusCode::UNAUTHORIZED {
                    break answer;
                }
            }
        };
        assert!(retry_after(&refused.await) > 0);
        assert!(retry_after(&app.try_sign_in("bob", PASSWORD, "curl/8.5.0").await) > 0);

        let me = UserId::parse(alice.json("/api/v1/me").await["id"].as_str().unwrap()).unwrap();
        let mut open = Vec::new();
        while let Some(channel) = app.services.channels.open(&me, "127.0.0.1".parse().unwrap()) {
            open.push(channel);
        }
        let upgrade = alice.browser(Method::GET, "/live").header("connection", "upgrade").header("upgrade", "websocket");
        let upgrade = upgrade.header("sec-websocket-version", "13").header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==");
        assert_eq!(retry_after(&upgrade.send().await.unwrap()), 30);
    }
);

both!(
    /// LIM-1: a stranger who uses up the minute of a network keeps nobody there from coming in whose browser is known, who holds the
    /// second factor, or who holds a reset link. Everything else waits, and a reset link that opens nothing is refused as ever.
    a_stranger_at_the_same_address_keeps_nobody_out, |app| {
        for name in ["alice", "bob", "carol"] {
            app.add_user(name).await;
        }
        let give_password = async |name: &str, cookies: &str| {
            app.post_form("sign_in", cookies, &[("identifier", name), ("password", PASSWORD), ("next", "")]).await
        };
        let known = cookie(&give_password("alice", "").await, "whereabouts-device");
        let (seed, _) = turn_on(&app.sign_in("bob").await).await;
        let carol = app.sign_in("carol").await;
        app.post_form("ask_for_reset", "", &[("email", "carol@example.com")]).await;
        let (_, link) = app.mail("carol@example.com", "Choose a new password").await.link("/reset-password");

        while strength(&app).await.status() == StatusCode::OK {}
        let alice = give_password("alice", &known).await;
        assert_eq!(alice.status(), StatusCode::OK);
        let half = cookie(&give_password("bob", "").await, "whereabouts-half-way");
        let bob = app.post_form("give_code", &half, &[("code", &code(&seed, app.now())), ("next", "")]).await;
        assert_eq!(bob.status(), StatusCode::OK);
        for browser in [&alice, &bob] {
            assert!(!cookie(browser, "whereabouts").is_empty());
        }
        let reset = async || app.post_form("reset_password", "", &[("token", &link), ("password", "another staple here")]).await.status();
        assert_eq!([reset().await, reset().await], [StatusCode::OK, StatusCode::GONE]);
        assert!(!carol.is_signed_in().await);
        assert_eq!(retry_after(&strength(&app).await), 30);
        assert_eq!(retry_after(&app.post_form("ask_for_reset", "", &[("email", "carol@example.com")]).await), 30);
    }
);
