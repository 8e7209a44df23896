//! Request limits of server functions, and what a client receives that exceeds them.

use crate::support::{
    PASSWORD, TestApp,
    totp::{code, enable_two_factor},
};
use chrono::Duration;
use reqwest::{Method, Response, StatusCode};
use serde_json::Value;
use whereabouts::foundation::{
    http::quota::{self, QuotaKey},
    ids::UserId,
};

/// Returns the seconds of `Retry-After`, which every 429 has.
fn retry_after(answer: &Response) -> u64 {
    assert_eq!(answer.status(), StatusCode::TOO_MANY_REQUESTS);
    answer.headers()["retry-after"].to_str().unwrap().parse().unwrap()
}

fn cookie(answer: &Response, name: &str) -> String {
    let cookies = answer.headers().get_all("set-cookie").iter().map(|cookie| cookie.to_str().unwrap().split(';').next().unwrap());
    cookies.filter(|cookie| cookie.starts_with(&format!("{name}="))).map(str::to_owned).next().unwrap()
}

async fn check_strength(app: &TestApp) -> Response {
    app.post_form("password_strength", "", &[("password", "x")]).await
}

both!(
    /// LIM-5: anonymous clients of one network may call server functions 300 times a minute. Signed-in users at the same address are not
    /// affected.
    anonymous_server_function_calls_are_limited_by_network, |app| {
        app.add_user("alice").await;
        let alice = app.sign_in("alice").await;
        app.advance(Duration::seconds(20));
        let mut answered = 0;
        for _ in 0..600 {
            let answer = check_strength(&app).await;
            match answer.status() {
                StatusCode::OK => answered += 1,
                _ => assert_eq!(retry_after(&answer), 40),
            }
        }
        assert_eq!(answered, quota::SERVER_FUNCTION_LIMITS.anonymous);
        assert_eq!(alice.post_form("password_strength", &[("password", "x")]).await.status(), StatusCode::OK);
        assert_eq!(app.get("/login").await.status(), StatusCode::OK);
        assert_eq!(app.get("/api/ui/password_strength").await.status(), StatusCode::METHOD_NOT_ALLOWED);
        app.advance(Duration::seconds(40));
        assert_eq!(check_strength(&app).await.status(), StatusCode::OK);
    }
);

both!(
    /// LIM-5: each session has its own limit, separate from that of the API.
    server_function_calls_are_limited_by_session, |app| {
        app.add_user("alice").await;
        app.add_user("bob").await;
        let (alice, bob) = (app.sign_in("alice").await, app.sign_in("bob").await);
        for _ in 0..quota::SERVER_FUNCTION_LIMITS.signed_in {
            app.services.server_function_quota.count(QuotaKey::SignedIn(alice.id.clone()), app.now());
        }
        assert_eq!(retry_after(&alice.post_form("revoke_other_sessions", &[]).await), 60);
        assert!(alice.is_signed_in().await);
        assert_eq!(bob.post_form("revoke_other_sessions", &[]).await.status(), StatusCode::OK);
        assert_eq!(check_strength(&app).await.status(), StatusCode::OK);
    }
);

both!(
    /// LIM-5: a refused script gets the error format of server functions. A browser that submitted the form itself gets a page.
    refusals_suit_scripts_and_browsers, |app| {
        for _ in 0..quota::SERVER_FUNCTION_LIMITS.anonymous {
            app.services.server_function_quota.count(QuotaKey::Anonymous("127.0.0.1".to_owned()), app.now());
        }
        let script = check_strength(&app).await;
        assert_eq!(retry_after(&script), 60);
        assert_eq!(script.json::<Value>().await.unwrap()["seconds"], 60);
        let form = app.http.post(app.url("/api/ui/request_password_reset")).header("origin", app.url("")).header("accept", "text/html,*/*;q=0.8");
        let page = form.form(&[("email", "alice@example.com")]).send().await.unwrap();
        assert_eq!(retry_after(&page), 60);
        assert!(page.headers()["content-type"].to_str().unwrap().starts_with("text/html"));
        assert!(page.text().await.unwrap().contains("<p>Too many attempts. Try again in 60 seconds.</p>"));
    }
);

both!(
    /// LIM-5: every 429 says when to try again: those of the API, of server functions and of the live channel.
    every_refusal_has_retry_after, |app| {
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
    /// LIM-1: a stranger who exhausts the limit of a network does not lock out owners there who have a known browser, the second factor or
    /// a reset link. Everything else waits, and an invalid reset link is refused as usual.
    an_exhausted_network_limit_locks_no_owner_out, |app| {
        for name in ["alice", "bob", "carol"] {
            app.add_user(name).await;
        }
        let enter_password = async |name: &str, cookies: &str| {
            app.post_form("sign_in", cookies, &[("identifier", name), ("password", PASSWORD), ("next", "")]).await
        };
        let known = cookie(&enter_password("alice", "").await, "whereabouts-device");
        let (seed, _) = enable_two_factor(&app.sign_in("bob").await).await;
        let carol = app.sign_in("carol").await;
        app.post_form("request_password_reset", "", &[("email", "carol@example.com")]).await;
        let (_, link) = app.wait_for_mail("carol@example.com", "Choose a new password").await.link("/reset-password");

        while check_strength(&app).await.status() == StatusCode::OK {}
        let alice = enter_password("alice", &known).await;
        assert_eq!(alice.status(), StatusCode::OK);
        let pending = cookie(&enter_password("bob", "").await, "whereabouts-pending-sign-in");
        let bob = app.post_form("enter_code", &pending, &[("code", &code(&seed, app.now())), ("next", "")]).await;
        assert_eq!(bob.status(), StatusCode::OK);
        for browser in [&alice, &bob] {
            assert!(!cookie(browser, "whereabouts").is_empty());
        }
        let reset = async || app.post_form("reset_password", "", &[("token", &link), ("password", "another staple here")]).await.status();
        assert_eq!([reset().await, reset().await], [StatusCode::OK, StatusCode::GONE]);
        assert!(!carol.is_signed_in().await);
        assert_eq!(retry_after(&check_strength(&app).await), 30);
        assert_eq!(retry_after(&app.post_form("request_password_reset", "", &[("email", "carol@example.com")]).await), 30);
    }
);
