//! API tokens over HTTP: creation, permission groups, use, rotation, revocation and expiry.

use crate::support::{Client, PASSWORD, TestApp};
use chrono::{DateTime, Duration, Utc};
use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};
use whereabouts::{
    access::{self, Credential, Group},
    accounts::model::Account,
    api_tokens::{
        actions,
        model::{Rotation, TokenRequest},
        worker,
    },
    error::AppError,
    fetch,
    foundation::{
        client::info::ClientInfo,
        ids::{SessionId, TokenId},
    },
    sessions::caller::CurrentSession,
};

const CURL: &str = "curl/8.5.0";

async fn post(client: &Client<'_>, path: &str, body: Value) -> Response {
    client.request(Method::POST, path).json(&body).send().await.unwrap()
}

fn time(value: &Value) -> DateTime<Utc> {
    DateTime::parse_from_rfc3339(value.as_str().unwrap()).unwrap().to_utc()
}

both!(
    /// SES-1: a token is shown once, expires in a year by default, and is stored as its hash; no list contains it. ALT-1: an email notifies
    /// its owner.
    a_token_is_created_and_shown_once, |app| {
        app.add_user("alice").await;
        let alice = app.sign_in("alice").await;
        let answer = post(&alice, "/api/v1/tokens", json!({ "name": " Backup ", "group": "read" })).await;
        assert_eq!(answer.status(), StatusCode::CREATED);
        let created: Value = answer.json().await.unwrap();
        let (secret, token) = (created["token"].as_str().unwrap(), &created["api_token"]);
        assert!(secret.starts_with("wab_") && secret.len() == 53, "{secret}");
        assert_eq!((&token["name"], &token["group"], &token["last_use"]), (&json!("Backup"), &json!("read"), &Value::Null));
        assert_eq!(time(&token["expires_at"]), DateTime::parse_from_rfc3339("2027-06-01T12:00:00Z").unwrap());
        let list = alice.get("/api/v1/tokens").await.text().await.unwrap();
        assert!(list.contains("Backup") && !list.contains(&secret[4..]));
        let mut db = app.services.db.read().await.unwrap();
        let (stored_hash,): (String,) = fetch!(&mut db, fetch_one as (String,), "SELECT secret_hash FROM api_token_secrets").unwrap();
        assert_eq!(stored_hash, whereabouts::foundation::crypto::secret::hash_hex(secret.as_bytes()));
        let mail = app.wait_for_mail("alice@example.com", "An API token was created: Backup").await;
        assert!(mail.text.contains("Read only") && !mail.text.contains(&secret[4..]) && !mail.html.contains(&secret[4..]), "{mail:?}");
        assert_eq!(app.count_events("token.created", "success").await, 1);
    }
);

both!(
    /// API-2: a token may do what its group allows and nothing else, and refusals are recorded. Other users' tokens are not affected.
    a_token_does_only_what_its_group_allows, |app| {
        app.add_user("alice").await;
        app.add_user("bob").await;
        let (alice, bob) = (app.sign_in("alice").await, app.sign_in("bob").await);
        let bobs = bob.create_token("bob's", "full", CURL).await;
        let spare = "00000000-0000-7000-8000-000000000000";
        let (session, token) = (format!("/api/v1/sessions/{spare}"), format!("/api/v1/tokens/{spare}"));
        let asked = [
            (Method::GET, "/api/v1/me"), (Method::GET, "/api/v1/sessions"), (Method::DELETE, &session), (Method::DELETE, "/api/v1/sessions"),
            (Method::GET, "/api/v1/tokens"), (Method::DELETE, &token),
        ];
        // 404 means that the token may, but there is no such item.
        let expected = [("full", [200, 200, 404, 200, 200, 404]), ("read", [200, 200, 403, 403, 200, 403]), ("sessions", [200, 200, 404, 200, 403, 403]), ("audit", [200, 403, 403, 403, 403, 403])];
        for (group, statuses) in expected {
            let alice = app.sign_in("alice").await;
            let client = alice.create_token(group, group, CURL).await;
            for ((method, path), status) in asked.iter().zip(statuses) {
                let answer = client.request(method.clone(), path).send().await.unwrap();
                assert_eq!(answer.status().as_u16(), status, "{group}: {method} {path}");
            }
        }
        assert!(!alice.is_signed_in().await, "a token revoked all sessions");
        assert!(bob.is_signed_in().await && bobs.is_signed_in().await);
        assert_eq!(app.count_events("token.refused", "refused").await, 3 + 2 + 5);
    }
);

both!(
    /// API-3: a token cannot create or rotate tokens or change the password, and has no session. Pages and their forms treat it as
    /// anonymous.
    a_token_cannot_do_what_requires_a_session, |app| {
        app.add_user("alice").await;
        let alice = app.sign_in("alice").await;
        let token = alice.create_token("all", "full", CURL).await;
        let rotate = format!("/api/v1/tokens/{}/rotate", token.id);
        for (method, path) in [(Method::POST, "/api/v1/tokens"), (Method::POST, &rotate), (Method::PUT, "/api/v1/me/password"), (Method::GET, "/api/v1/sessions/current"), (Method::DELETE, "/api/v1/sessions/current")] {
            let body = json!({ "name": "more", "group": "full" });
            let answer = token.request(method, path).json(&body).send().await.unwrap();
            assert_eq!(answer.status(), StatusCode::FORBIDDEN, "{path}");
            assert_eq!(answer.json::<Value>().await.unwrap()["type"], "session-required");
        }
        for (path, _) in leptos::server_fn::axum::server_fn_paths().filter(|(path, _)| path.contains("token") || path.contains("two_factor") || path.contains("email_change") || path.contains("change_")) {
            let form = [("id", token.id.as_str()), ("name", "x"), ("group", "full"), ("life", ""), ("grace", "0"), ("current", PASSWORD), ("new", "a longer staple of horses"),
                ("password", PASSWORD), ("code", "1"), ("email", "x@example.com"), ("token", "x"), ("step", "old")];
            let answer = token.request(Method::POST, path).header("accept", "application/json").form(&form).send().await.unwrap();
            assert!([StatusCode::UNAUTHORIZED, StatusCode::GONE].contains(&answer.status()), "{path}: {}", answer.status());
        }
        assert_eq!(token.get("/profile?tab=security").await.status(), StatusCode::SEE_OTHER);
        assert_eq!(token.get("/live").await.status(), StatusCode::FORBIDDEN);
        assert!(alice.is_signed_in().await && token.is_signed_in().await);
        assert_eq!(alice.tokens().await.len(), 1);
    }
);

both!(
    /// A request with a bearer token never gets the rights of its cookie, whether the token is valid or not.
    bearer_and_cookie_never_mix, |app| {
        app.add_user("alice").await;
        app.add_user("bob").await;
        let (alice, bob) = (app.sign_in("alice").await, app.sign_in("bob").await);
        let token = bob.create_token("read", "read", CURL).await;
        let me: Value = alice.browser(Method::GET, "/api/v1/me").bearer_auth(&token.token).send().await.unwrap().json().await.unwrap();
        assert_eq!(me["username"], "bob");
        let revoke = alice.browser(Method::DELETE, "/api/v1/sessions").bearer_auth(&token.token).send().await.unwrap();
        assert_eq!(revoke.status(), StatusCode::FORBIDDEN);
        let password = alice.browser(Method::PUT, "/api/v1/me/password").bearer_auth(&token.token).json(&json!({ "current": PASSWORD, "new": "a longer staple of horses" }));
        assert_eq!(password.send().await.unwrap().status(), StatusCode::FORBIDDEN);
        let page = alice.browser(Method::GET, "/profile?tab=security").bearer_auth(&token.token).send().await.unwrap();
        assert_eq!(page.status(), StatusCode::SEE_OTHER);
        let wrong = format!("{}{}", &token.token[..52], if token.token.ends_with('x') { "y" } else { "x" });
        assert_eq!(alice.browser(Method::GET, "/api/v1/me").bearer_auth(wrong).send().await.unwrap().status(), StatusCode::UNAUTHORIZED);
        assert!(alice.is_signed_in().await && bob.is_signed_in().await);
    }
);

both!(
    /// Creating and rotating tokens requires a password entered within the last 10 minutes. Revoking does not.
    creation_and_rotation_require_recent_reauthentication, |app| {
        app.add_user("alice").await;
        let alice = app.sign_in("alice").await;
        let token = alice.create_token("early", "full", CURL).await;
        let rotate = format!("/api/v1/tokens/{}/rotate", token.id);
        app.advance(Duration::minutes(10));
        assert_eq!(post(&alice, &rotate, json!({ "grace_seconds": 60 })).await.status(), StatusCode::OK);
        app.advance(Duration::microseconds(1));
        for (path, body) in [("/api/v1/tokens", json!({ "name": "late", "group": "full" })), (&rotate, json!({}))] {
            let answer = post(&alice, path, body).await;
            assert_eq!(answer.status(), StatusCode::FORBIDDEN);
            assert_eq!(answer.json::<Value>().await.unwrap()["type"], "reauthentication-required");
        }
        assert_eq!(alice.delete(&format!("/api/v1/tokens/{}", token.id)).await.status(), StatusCode::NO_CONTENT);
        assert_eq!(alice.browser(Method::GET, "/profile/tokens/new").send().await.unwrap().headers()["location"], "/confirm?next=%2Fprofile%2Ftokens%2Fnew");
        let form = alice.post_form("create_token", &[("name", "late"), ("group", "full"), ("life", "12")]).await;
        assert!(form.text().await.unwrap().starts_with("\"/confirm?next=%2Fprofile%2Ftokens%2Fnew"));
        assert!(alice.tokens().await.is_empty());
    }
);

both!(
    /// Invalid settings get one clear 4xx: no name, an unknown group, an expiry in the past or more than 5 years away.
    invalid_token_settings_are_refused, |app| {
        app.add_user("alice").await;
        let alice = app.sign_in("alice").await;
        let cases = [
            (json!({ "name": "", "group": "full" }), "name"), (json!({ "name": "x".repeat(65), "group": "full" }), "name"), (json!({ "name": "a\nb", "group": "full" }), "name"),
            (json!({ "name": "x", "group": "root" }), "body"), (json!({ "name": "x" }), "body"), (json!({ "name": "x", "group": "full", "admin": true }), "body"),
            (json!({ "name": "x", "group": "full", "expires_at": "2026-06-01T12:00:00Z" }), "expires_at"), (json!({ "name": "x", "group": "full", "expires_at": "2031-06-01T12:00:01Z" }), "expires_at"),
            (json!({ "name": "x", "group": "full", "expires_at": "soon" }), "body"),
        ];
        for (body, field) in cases {
            let answer = post(&alice, "/api/v1/tokens", body.clone()).await;
            assert_eq!(answer.status(), StatusCode::UNPROCESSABLE_ENTITY, "{body}");
            assert_eq!(answer.json::<Value>().await.unwrap()["field"], field, "{body}");
        }
        let five_years = json!({ "name": "x", "group": "full", "expires_at": "2031-06-01T12:00:00Z" });
        assert_eq!(post(&alice, "/api/v1/tokens", five_years).await.status(), StatusCode::CREATED);
        let id = alice.tokens().await[0]["id"].as_str().unwrap().to_owned();
        for body in [json!({ "grace_seconds": 86_401 }), json!({ "grace_seconds": -1 }), json!({ "expires_at": "2000-01-01T00:00:00Z" })] {
            assert_eq!(post(&alice, &format!("/api/v1/tokens/{id}/rotate"), body.clone()).await.status(), StatusCode::UNPROCESSABLE_ENTITY, "{body}");
        }
    }
);

both!(
    /// A user has at most 64 tokens, also with concurrent requests. Other users are not affected.
    a_user_has_at_most_64_tokens, |app| {
        app.add_user("alice").await;
        app.add_user("bob").await;
        let (alice, bob) = (app.sign_in("alice").await, app.sign_in("bob").await);
        for number in 0..60 {
            alice.create_token(&number.to_string(), "audit", CURL).await;
        }
        let create = || post(&alice, "/api/v1/tokens", json!({ "name": "at once", "group": "audit" }));
        let mut statuses: Vec<_> = futures::future::join_all([create(), create(), create(), create(), create(), create()]).await.iter().map(|answer| answer.status().as_u16()).collect();
        statuses.sort();
        assert_eq!(statuses, [201, 201, 201, 201, 409, 409]);
        bob.create_token("bob's", "audit", CURL).await;
        let id = alice.tokens().await[0]["id"].as_str().unwrap().to_owned();
        assert_eq!(alice.delete(&format!("/api/v1/tokens/{id}")).await.status(), StatusCode::NO_CONTENT);
        assert_eq!(create().await.status(), StatusCode::CREATED);
    }
);

both!(
    /// LIM-3: a user may create a hundred secrets at once, since each sends an email, and is slowed down afterwards. Other users are not.
    creating_secrets_is_rate_limited, |app| {
        app.add_user("alice").await;
        app.add_user("bob").await;
        let (alice, bob) = (app.sign_in("alice").await, app.sign_in("bob").await);
        let token = alice.create_token("job", "read", CURL).await;
        let rotate = format!("/api/v1/tokens/{}/rotate", token.id);
        for _ in 1..100 {
            assert_eq!(post(&alice, &rotate, json!({})).await.status(), StatusCode::OK);
        }
        let over = post(&alice, &rotate, json!({})).await;
        assert_eq!((over.status(), &over.headers()["retry-after"]), (StatusCode::TOO_MANY_REQUESTS, &"900".parse().unwrap()));
        bob.create_token("job", "read", CURL).await;
        app.advance(Duration::minutes(15));
        let alice = app.sign_in("alice").await;
        assert_eq!(post(&alice, &rotate, json!({})).await.status(), StatusCode::OK);
    }
);

both!(
    /// The list shows when, from where and by which client a token was last used, the same from memory and from the database. A use creates
    /// no session.
    the_last_use_is_listed, |app| {
        let app = TestApp::start_with(app.backend(), &["--trusted-proxies", "127.0.0.0/8"]).await;
        app.add_user("alice").await;
        let alice = app.sign_in("alice").await;
        let token = alice.create_token("job", "read", "python-requests/2.32.3").await;
        app.advance(Duration::minutes(5));
        let used = token.request(Method::GET, "/api/v1/me").header("x-forwarded-for", "81.2.69.142").send().await.unwrap();
        assert_eq!(used.status(), StatusCode::OK);
        let expected = json!({ "at": "2026-06-01T12:05:00Z", "ip": "81.2.69.142", "location": "London, United Kingdom", "country_code": "GB", "client": "python-requests" });
        assert_eq!(alice.tokens().await[0]["last_use"], expected);
        worker::write(&app.services).await.unwrap();
        assert!(app.services.token_activity.unwritten().is_empty());
        assert_eq!(alice.tokens().await[0]["last_use"], expected);
        assert_eq!(alice.sessions().await.len(), 1);
        let page = alice.browser(Method::GET, "/profile?tab=security").send().await.unwrap().text().await.unwrap();
        assert!(page.contains("1 API token was used in the last 7 days: just now."), "{page}");
    }
);

both!(
    /// SES-5, SES-6: a revoked token is refused at its next request on every node. Another user's token counts as unknown.
    a_revoked_token_is_refused_at_once, |app| {
        app.add_user("alice").await;
        app.add_user("bob").await;
        let (alice, bob) = (app.sign_in("alice").await, app.sign_in("bob").await);
        let (first, second, bobs) = (alice.create_token("first", "full", CURL).await, alice.create_token("second", "full", CURL).await, bob.create_token("bob's", "full", CURL).await);
        for id in [bobs.id.as_str(), "00000000-0000-7000-8000-000000000000", "no-id", "%00"] {
            assert_eq!(alice.delete(&format!("/api/v1/tokens/{id}")).await.status(), StatusCode::NOT_FOUND, "{id}");
        }
        assert_eq!(post(&alice, &format!("/api/v1/tokens/{}/rotate", bobs.id), json!({})).await.status(), StatusCode::NOT_FOUND);
        let other = app.start_second_node().await;
        let elsewhere = Client { app: &other, token: first.token.clone(), id: first.id.clone(), user_agent: CURL.to_owned() };
        assert!(first.is_signed_in().await && elsewhere.is_signed_in().await);
        assert_eq!(alice.delete(&format!("/api/v1/tokens/{}", first.id)).await.status(), StatusCode::NO_CONTENT);
        assert!(!first.is_signed_in().await && !elsewhere.is_signed_in().await && second.is_signed_in().await);
        assert_eq!(alice.delete(&format!("/api/v1/tokens/{}", first.id)).await.status(), StatusCode::NOT_FOUND);
        let all: Value = alice.delete("/api/v1/tokens").await.json().await.unwrap();
        assert_eq!(all["revoked"], 1);
        assert!(!second.is_signed_in().await && bobs.is_signed_in().await && alice.is_signed_in().await);
        assert_eq!((app.count_events("token.revoked", "success").await, app.count_events("token.all_revoked", "success").await), (1, 1));
    }
);

both!(
    /// A rotation creates a new secret. The old one ends at once or exactly at the end of its grace period, and an earlier end is kept.
    a_rotated_token_has_a_new_secret, |app| {
        app.add_user("alice").await;
        let alice = app.sign_in("alice").await;
        let old = alice.create_token("job", "read", CURL).await;
        let rotate = async |grace: u32| {
            let answer: Value = post(&alice, &format!("/api/v1/tokens/{}/rotate", old.id), json!({ "grace_seconds": grace })).await.json().await.unwrap();
            assert_eq!(answer["api_token"]["id"], old.id.as_str());
            Client { app: &app, token: answer["token"].as_str().unwrap().to_owned(), id: old.id.clone(), user_agent: CURL.to_owned() }
        };
        let second = rotate(60).await;
        let third = rotate(300).await;
        assert!(old.is_signed_in().await && second.is_signed_in().await && third.is_signed_in().await);
        app.advance(Duration::seconds(60) - Duration::microseconds(1));
        assert!(old.is_signed_in().await);
        app.advance(Duration::microseconds(1));
        assert!(!old.is_signed_in().await && second.is_signed_in().await);
        let fourth = rotate(0).await;
        assert!(!second.is_signed_in().await && !third.is_signed_in().await && fourth.is_signed_in().await);
        assert_eq!(alice.tokens().await.len(), 1);
        let mail = app.wait_for_mail("alice@example.com", "An API token was rotated: job").await;
        assert!(mail.text.contains("works until 2026-06-01 12:01:00 UTC"), "{}", mail.text);
        assert_eq!(app.count_events("token.rotated", "success").await, 3);
    }
);

both!(
    /// A rotation keeps the expiry unless it sets another.
    a_rotation_can_change_the_expiry, |app| {
        app.add_user("alice").await;
        let alice = app.sign_in("alice").await;
        let token = alice.create_token("job", "read", CURL).await;
        let rotate = format!("/api/v1/tokens/{}/rotate", token.id);
        let kept: Value = alice.request(Method::POST, &rotate).send().await.unwrap().json().await.unwrap();
        assert_eq!(kept["api_token"]["expires_at"], "2027-06-01T12:00:00Z");
        let moved: Value = post(&alice, &rotate, json!({ "expires_at": "2028-01-01T00:00:00Z" })).await.json().await.unwrap();
        assert_eq!(moved["api_token"]["expires_at"], "2028-01-01T00:00:00Z");
    }
);

both!(
    /// A token expires exactly at its expiry. Its owner is reminded once, 14 days before. No reminder for a token that was created with an
    /// expiry inside that period.
    a_token_expires_after_one_reminder, |app| {
        app.add_user("alice").await;
        let alice = app.sign_in("alice").await;
        let end = app.now() + Duration::days(30);
        let body = json!({ "name": "job", "group": "read", "expires_at": end });
        let created: Value = post(&alice, "/api/v1/tokens", body).await.json().await.unwrap();
        let token = Client { app: &app, token: created["token"].as_str().unwrap().to_owned(), id: String::new(), user_agent: CURL.to_owned() };
        let short = json!({ "name": "short", "group": "read", "expires_at": app.now() + Duration::days(14) });
        assert_eq!(post(&alice, "/api/v1/tokens", short).await.status(), StatusCode::CREATED);
        let expiring = async || {
            worker::remind_of_expiry(&app.services).await.unwrap();
            let mut db = app.services.db.read().await.unwrap();
            let (count,): (i64,) = fetch!(&mut db, fetch_one as (i64,), "SELECT COUNT(*) FROM outbox WHERE kind = 'token_expires'").unwrap();
            count
        };
        app.advance(Duration::days(16) - Duration::microseconds(1));
        assert_eq!(expiring().await, 0);
        app.advance(Duration::microseconds(1));
        assert_eq!((expiring().await, expiring().await), (1, 1));
        app.wait_for_mail("alice@example.com", "An API token expires on 1 July 2026: job").await;
        app.advance(Duration::days(14) - Duration::microseconds(1));
        assert!(token.is_signed_in().await);
        app.advance(Duration::microseconds(1));
        assert!(!token.is_signed_in().await);
        assert_eq!(expiring().await, 1);
        let again = app.sign_in("alice").await;
        assert!(again.tokens().await.is_empty());
    }
);

both!(
    /// A password change keeps the tokens and returns how many there are. A completed reset revokes them with the sessions (PWD-5). Bob's
    /// tokens stay.
    a_reset_revokes_tokens_and_a_password_change_keeps_them, |app| {
        app.add_user("alice").await;
        app.add_user("bob").await;
        let (alice, bob) = (app.sign_in("alice").await, app.sign_in("bob").await);
        let (token, bobs) = (alice.create_token("job", "read", CURL).await, bob.create_token("job", "read", CURL).await);
        let change = json!({ "current": PASSWORD, "new": "a longer staple of horses" });
        let changed: Value = alice.request(Method::PUT, "/api/v1/me/password").json(&change).send().await.unwrap().json().await.unwrap();
        assert_eq!(changed["api_tokens"], 1);
        assert!(token.is_signed_in().await);
        app.post_form("request_password_reset", "", &[("email", "alice@example.com")]).await;
        let link = app.wait_for_mail("alice@example.com", "Choose a new password").await.link("/reset-password").1;
        let reset = app.post_form("reset_password", "", &[("token", &link), ("password", "another staple of horses")]).await;
        assert_eq!(reset.status(), StatusCode::OK);
        assert!(!token.is_signed_in().await && bobs.is_signed_in().await && bob.is_signed_in().await);
    }
);

both!(
    /// PWD-5: a session that a reset ended during its request creates and rotates no token.
    an_ended_session_creates_no_token, |app| {
        app.add_user("alice").await;
        app.add_user("bob").await;
        let (alice, bob) = (app.sign_in("alice").await, app.sign_in("bob").await);
        let (token, kept) = (alice.create_token("job", "read", CURL).await, bob.create_token("job", "read", CURL).await);
        let services = &app.services;
        // The caller as the middleware found it before the session ended.
        let caller = async |client: &Client<'_>| {
            let account: Account = serde_json::from_value(client.json("/api/v1/me").await).unwrap();
            let (session, ip) = (SessionId::parse(&client.id).unwrap(), "192.0.2.1".parse().unwrap());
            let client_info = ClientInfo::new(ip, Default::default());
            let client = access::Principal { account, credential: Credential::Session(session.clone()), reauthenticated_at: Some(app.now()), client_info };
            CurrentSession { client, session, expires_at: app.now() }
        };
        let (ended, live) = (caller(&alice).await, caller(&bob).await);
        assert_eq!(alice.delete("/api/v1/sessions/current").await.status(), StatusCode::NO_CONTENT);
        let wanted = TokenRequest { name: "late".to_owned(), group: Group::Full, expires_at: None };
        let id = TokenId::parse(&token.id).unwrap();
        assert_eq!(actions::create(services, &ended, &wanted).await.err(), Some(AppError::NotSignedIn));
        assert_eq!(actions::rotate(services, &ended, &id, Rotation::default()).await.err(), Some(AppError::NotSignedIn));
        assert!(actions::create(services, &live, &wanted).await.is_ok());
        assert!(token.is_signed_in().await && kept.is_signed_in().await);
        assert_eq!(app.sign_in("alice").await.tokens().await.len(), 1);
    }
);

both!(
    /// After a password change in a browser, the user is redirected to the tokens that still work, and may revoke them there.
    a_password_change_leads_to_the_remaining_tokens, |app| {
        app.add_user("alice").await;
        let alice = app.sign_in("alice").await;
        let token = alice.create_token("job", "read", CURL).await;
        let changed = alice.browser(Method::POST, "/api/ui/change_password").form(&[("current", PASSWORD), ("new", "a longer staple of horses")]).send().await.unwrap();
        assert_eq!(changed.headers()["location"], "/profile?tab=api-tokens");
        let cookies: Vec<_> = changed.headers().get_all("set-cookie").iter().filter_map(|cookie| cookie.to_str().unwrap().split(';').next()).collect();
        let page = app.http.get(app.url("/profile?tab=api-tokens")).header("cookie", cookies.join("; ")).send().await.unwrap().text().await.unwrap();
        assert!(page.contains("1 API token still works. Revoke it too if someone else may have it.") && page.contains("Revoke All"), "{page}");
        assert_eq!(app.post_form("revoke_all_tokens", &cookies.join("; "), &[]).await.status(), StatusCode::OK);
        assert!(!token.is_signed_in().await);
        app.wait_for_mail("alice@example.com", "An API token was revoked: job").await;
    }
);

both!(
    /// The next page shows the secret once. The cookie that carries it there does not reveal it.
    the_secret_is_shown_once, |app| {
        app.add_user("alice").await;
        let alice = app.sign_in("alice").await;
        let created = alice.browser(Method::POST, "/api/ui/create_token").form(&[("name", "job"), ("group", "sessions"), ("life", "until"), ("until", "2026-08-01")]).send().await.unwrap();
        assert_eq!(created.headers()["location"], "/profile?tab=api-tokens");
        let flash = created.headers()["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
        let open = async |cookies: String| app.http.get(app.url("/profile?tab=api-tokens")).header("cookie", cookies).send().await.unwrap();
        let page = open(format!("whereabouts={}; {flash}", alice.token)).await;
        assert!(page.headers().get_all("set-cookie").iter().any(|cookie| cookie.to_str().unwrap().contains("flash=; ")), "it is taken away");
        let page = page.text().await.unwrap();
        let secret = crate::support::totp::between(&page, "aria-label=\"Token\">", "<").to_owned();
        let shown = Client { app: &app, token: secret.clone(), id: String::new(), user_agent: CURL.to_owned() };
        assert!(shown.is_signed_in().await);
        let carried = base64::Engine::decode(&base64::prelude::BASE64_URL_SAFE_NO_PAD, flash.split_once('=').unwrap().1).unwrap();
        assert!(!String::from_utf8_lossy(&carried).contains(&secret[4..]));
        let again = open(format!("whereabouts={}", alice.token)).await.text().await.unwrap();
        assert!(!again.contains("wab_") && again.contains("Sessions: review and revoke") && again.contains("1 August 2026"), "{again}");
    }
);

both!(
    /// Tokens of a disabled account are refused (SES-5), and without a database all tokens are (LOG-6).
    tokens_of_disabled_accounts_are_refused, |app| {
        app.add_admin("root").await;
        app.add_user("alice").await;
        let (root, alice) = (app.sign_in("root").await, app.sign_in("alice").await);
        let (roots, alices) = (root.create_token("r", "full", CURL).await, alice.create_token("a", "full", CURL).await);
        let id = alice.json("/api/v1/me").await["id"].as_str().unwrap().to_owned();
        assert_eq!(root.post_form("manage_user", &[("user", &id), ("operation", "disable")]).await.status(), StatusCode::OK);
        assert!(!alices.is_signed_in().await && roots.is_signed_in().await);
        app.services.db.close().await;
        assert_eq!(roots.get("/api/v1/me").await.status(), StatusCode::SERVICE_UNAVAILABLE);
    }
);

both!(
    /// LOG-1: audit events name the token that was used.
    audit_events_name_the_token, |app| {
        app.add_user("alice").await;
        let alice = app.sign_in("alice").await;
        let token = alice.create_token("sessions", "sessions", CURL).await;
        assert_eq!(token.delete(&format!("/api/v1/sessions/{}", alice.id)).await.status(), StatusCode::NO_CONTENT);
        let mut db = app.services.db.read().await.unwrap();
        let sql = "SELECT token_id FROM audit_events WHERE action = 'session.revoked' AND session_id IS NULL";
        let (by,): (String,) = fetch!(&mut db, fetch_one as (String,), sql).unwrap();
        assert_eq!(by, token.id);
    }
);
