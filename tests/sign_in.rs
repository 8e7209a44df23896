//! Signing in over HTTP: what it creates, what it never reveals, and how it slows down guessing.

use argon2::{Algorithm, Argon2, Params, PasswordHasher, Version, password_hash::SaltString};

use crate::support::{PASSWORD, TestApp};
use chrono::Duration;
use reqwest::{Method, Response, StatusCode};
use serde_json::json;

const CURL: &str = "curl/8.5.0";

async fn post_sign_in(app: &TestApp, name: &str, password: &str, next: &str, cookies: &str) -> Response {
    let fields = [("identifier", name), ("password", password), ("next", next)];
    let request =
        app.http.post(app.url("/api/ui/sign_in")).header("origin", app.url("")).header("accept", "text/html").header("cookie", cookies);
    request.form(&fields).send().await.unwrap()
}

fn cookies(answer: &Response) -> Vec<String> {
    answer.headers().get_all("set-cookie").iter().map(|cookie| cookie.to_str().unwrap().to_owned()).collect()
}

fn cookie(answer: &Response, name: &str) -> String {
    let all = cookies(answer);
    let line = all.iter().find(|cookie| cookie.starts_with(&format!("{name}="))).unwrap_or_else(|| panic!("no {name} in {all:?}"));
    line.split(';').next().unwrap().to_owned()
}

both!(
    /// WEB-1, SES-1: the cookie holds 256 random bits that are not in the database and that scripts on the page cannot read.
    a_sign_in_sets_a_protected_cookie, |app| {
        app.add_user("alice").await;
        let answer = post_sign_in(&app, "alice", PASSWORD, "/profile?tab=profile", "").await;
        assert_eq!((answer.status(), &answer.headers()["location"]), (StatusCode::FOUND, &"/profile?tab=profile".parse().unwrap()));
        let session = cookies(&answer).into_iter().find(|cookie| cookie.starts_with("whereabouts=")).unwrap();
        assert!(session.ends_with("; Path=/; Max-Age=7776000; HttpOnly; SameSite=Lax"), "{session}");
        let token = cookie(&answer, "whereabouts").split_once('=').unwrap().1.to_owned();
        assert_eq!(token.len(), 43);
        let mut db = app.services.db.read().await.unwrap();
        let (stored_hash,): (String,) = whereabouts::fetch!(&mut db, fetch_one as (String,), "SELECT token_hash FROM sessions").unwrap();
        assert_eq!(stored_hash, whereabouts::foundation::crypto::secret::hash_hex(token.as_bytes()));
    }
);

both!(
    /// SES-3: a sign-in never adopts an existing token, and ends the browser's previous session.
    a_sign_in_never_reuses_a_session, |app| {
        app.add_user("alice").await;
        app.add_user("bob").await;
        let bob = app.sign_in("bob").await;
        let planted = format!("whereabouts={}", "A".repeat(43));
        let first = cookie(&post_sign_in(&app, "alice", PASSWORD, "", &planted).await, "whereabouts");
        let second = cookie(&post_sign_in(&app, "alice", PASSWORD, "", &first).await, "whereabouts");
        assert!(first != planted && second != first);
        let status = async |cookie: &str| app.http.get(app.url("/api/v1/me")).header("cookie", cookie).send().await.unwrap().status();
        assert_eq!([status(&planted).await, status(&first).await, status(&second).await], [StatusCode::UNAUTHORIZED, StatusCode::UNAUTHORIZED, StatusCode::OK]);
        assert!(bob.is_signed_in().await);
    }
);

both!(
    /// WEB-6: `next=` redirects only to this site.
    next_redirects_only_to_this_site, |app| {
        app.add_user("alice").await;
        for next in ["//evil.example", "/\\evil.example", "https://evil.example", "javascript:alert(1)", "/\t/evil.example", "/%2fevil.example"] {
            let answer = post_sign_in(&app, "alice", PASSWORD, next, "").await;
            assert_eq!(answer.headers()["location"], "/profile?tab=security", "{next}");
        }
        let alice = app.sign_in("alice").await;
        let answer = alice.browser(Method::GET, "/login?next=//evil.example").send().await.unwrap();
        assert_eq!(answer.headers()["location"], "/profile?tab=security");
    }
);

both!(
    /// ENU-1: text, status and headers of a failure are the same, whatever is wrong.
    failures_are_indistinguishable, |app| {
        app.add_user("alice").await;
        app.add_user("gone").await;
        let user = whereabouts::accounts::actions::find(&app.services.db, "gone").await.unwrap().account.id;
        whereabouts::admin::actions::disable(&app.services.db, &app.services.recorder, &user, whereabouts::reauthentication::actor::Actor::CommandLine).await.unwrap();
        let mut answers = Vec::new();
        for (name, password) in [("alice", "wrong password"), ("nobody", PASSWORD), ("gone", PASSWORD), ("alice@example.com", ""), ("", ""), ("\0", "x")] {
            let answer = app.try_sign_in(name, password, CURL).await;
            let names: Vec<_> = answer.headers().keys().filter(|name| !["date", "x-request-id"].contains(&name.as_str())).map(ToString::to_string).collect();
            answers.push((answer.status(), names, answer.text().await.unwrap()));
        }
        assert_eq!(answers[0].0, StatusCode::UNAUTHORIZED);
        assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
        assert_eq!(app.count_events("account.signed_in", "refused").await, 6);
    }
);

both!(
    /// LIM-1: guesses are slowed down with `Retry-After`. The owner gets in by waiting or with a known browser.
    guesses_are_slowed_down_but_not_the_owner, |app| {
        app.add_user("alice").await;
        app.add_user("bob").await;
        let known = cookie(&post_sign_in(&app, "alice", PASSWORD, "", "").await, "whereabouts-device");
        for _ in 0..5 {
            assert_eq!(app.try_sign_in("alice", "wrong password", CURL).await.status(), StatusCode::UNAUTHORIZED);
        }
        let refused = app.try_sign_in("alice", PASSWORD, CURL).await;
        assert_eq!((refused.status(), refused.headers()["retry-after"].to_str().unwrap()), (StatusCode::TOO_MANY_REQUESTS, "5"));
        assert_eq!(post_sign_in(&app, "alice", PASSWORD, "", &known).await.headers()["location"], "/profile?tab=security");
        assert_eq!(app.try_sign_in("bob", PASSWORD, CURL).await.status(), StatusCode::CREATED);
        app.advance(Duration::seconds(5));
        assert_eq!(app.try_sign_in("alice", PASSWORD, CURL).await.status(), StatusCode::CREATED);
        assert_eq!(app.try_sign_in("alice", "wrong password", CURL).await.status(), StatusCode::UNAUTHORIZED);
    }
);

both!(
    /// LIM-1: concurrent guesses are all counted.
    concurrent_guesses_are_all_counted, |app| {
        app.add_user("alice").await;
        let attempts = (0..20).map(|_| app.try_sign_in("alice", "wrong password", CURL));
        let answers = futures::future::join_all(attempts).await;
        let checked = answers.iter().filter(|answer| answer.status() == StatusCode::UNAUTHORIZED).count();
        assert_eq!(checked, 5);
    }
);

both!(
    /// LIM-6: limits hold on another node and after a restart.
    limits_survive_a_restart, |app| {
        app.add_user("alice").await;
        for _ in 0..5 {
            app.try_sign_in("alice", "wrong password", CURL).await;
        }
        let other = app.start_second_node().await;
        assert_eq!(other.try_sign_in("alice", PASSWORD, CURL).await.status(), StatusCode::TOO_MANY_REQUESTS);
    }
);

both!(
    /// LOG-1: every sign-in is recorded in the transaction of its session.
    every_sign_in_is_recorded, |app| {
        app.add_user("alice").await;
        app.sign_in("alice").await;
        app.try_sign_in("alice", "wrong password", CURL).await;
        assert_eq!((app.count_events("account.signed_in", "success").await, app.count_events("account.signed_in", "refused").await), (1, 1));
        let mut db = app.services.db.read().await.unwrap();
        let entries: Vec<(String,)> = whereabouts::fetch!(&mut db, fetch_all as (String,), "SELECT entry FROM audit_events").unwrap();
        assert!(entries.iter().all(|(entry,)| !entry.contains("alice")), "{entries:?}");
        assert_eq!(app.count("SELECT COUNT(*) FROM audit_personal WHERE content LIKE '%wrong password%'").await, 0);
    }
);

both!(
    /// LOG-4: the database itself refuses to change or remove audit events.
    audit_events_are_append_only, |app| {
        app.add_user("alice").await;
        app.sign_in("alice").await;
        for change in ["UPDATE audit_events SET outcome = 'refused'", "DELETE FROM audit_events"] {
            let mut tx = app.services.db.write().await.unwrap();
            let refused = whereabouts::execute!(&mut tx, change).unwrap_err();
            assert!(refused.to_string().contains("audit_events is append-only"), "{refused}");
        }
        assert_eq!(app.count_events("account.signed_in", "success").await, 1);
    }
);

both!(
    /// Username and email address both sign in, in any case and Unicode form.
    username_and_email_sign_in_in_any_case, |app| {
        app.add_user("alice").await;
        for name in ["alice", "ALICE", " alice ", "Alice@Example.com", "ａｌｉｃｅ"] {
            assert_eq!(app.try_sign_in(name, PASSWORD, CURL).await.status(), StatusCode::CREATED, "{name}");
        }
    }
);

both!(
    /// API-5: an invalid sign-in body gets one clear 4xx.
    invalid_bodies_are_refused, |app| {
        let post = |kind: &'static str, body: String| app.http.post(app.url("/api/v1/sessions")).header("content-type", kind).body(body).send();
        let large = json!({ "identifier": "x".repeat(100_000), "password": "x" }).to_string();
        let cases = [
            ("application/json", "{".to_owned(), 400), ("application/json", String::new(), 422), ("application/json", "[]".to_owned(), 422),
            ("application/json", r#"{"identifier":1,"password":2}"#.to_owned(), 422),
            ("application/json", r#"{"identifier":"a","identifier":"b","password":"c"}"#.to_owned(), 422),
            ("application/json", r#"{"identifier":"a","password":"c","extra":1}"#.to_owned(), 422),
            ("text/plain", "hello".to_owned(), 415), ("application/json; charset=utf-16", "{}".to_owned(), 415), ("application/json", large, 413),
        ];
        for (kind, body, status) in cases {
            let answer = post(kind, body.clone()).await.unwrap();
            assert_eq!(answer.status().as_u16(), status, "{}", &body[..body.len().min(60)]);
            assert_eq!(answer.headers()["content-type"], "application/problem+json");
        }
    }
);

both!(
    /// The one-time link creates one administrator, once, and reveals nothing to others.
    the_first_administrator_is_created_once, |app| {
        let secret = whereabouts::authentication::registration::actions::create_setup_token(&app.services).await.unwrap().unwrap();
        let create = async |token: &str, name: &str, password: &str| {
            let fields = [("token", token), ("username", name), ("email", &format!("{name}@example.com")), ("password", password)];
            app.http.post(app.url("/api/ui/create_first_administrator")).header("origin", app.url("")).form(&fields).send().await.unwrap().status()
        };
        assert_eq!(create(&"A".repeat(43), "mallory", PASSWORD).await, StatusCode::NOT_FOUND);
        assert_eq!(create(secret.reveal(), "x", PASSWORD).await, StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(create(secret.reveal(), "alice", "short").await, StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(create(secret.reveal(), "alice", PASSWORD).await, StatusCode::OK);
        assert_eq!(create(secret.reveal(), "mallory", PASSWORD).await, StatusCode::NOT_FOUND);
        assert_eq!(app.sign_in("alice").await.json("/api/v1/me").await["is_admin"], true);
        assert!(whereabouts::authentication::registration::actions::create_setup_token(&app.services).await.unwrap().is_none());
    }
);

both!(
    /// PWD-1: a hash with weaker parameters is replaced at the next successful sign-in, once.
    a_weak_hash_is_upgraded_at_sign_in, |app| {
        app.add_user("alice").await;
        app.add_user("bob").await;
        let salt = SaltString::from_b64("c29tZXNhbHRzb21lc2FsdA").unwrap();
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::new(4096, 1, 1, None).unwrap());
        let weak = argon2.hash_password(PASSWORD.as_bytes(), &salt).unwrap().to_string();
        let hash_of = async |name: &str| {
            let found = whereabouts::accounts::actions::find(&app.services.db, name).await.unwrap();
            found.password_hash
        };
        let bobs = hash_of("bob").await;
        let mut tx = app.services.db.write().await.unwrap();
        whereabouts::execute!(&mut tx, "UPDATE users SET password_hash = $1 WHERE username = 'alice'", &weak).unwrap();
        tx.commit().await.unwrap();
        assert_eq!(app.try_sign_in("alice", "wrong password", "curl/8.5.0").await.status(), StatusCode::UNAUTHORIZED);
        assert_eq!(hash_of("alice").await, weak);
        app.sign_in("alice").await;
        let strong = hash_of("alice").await;
        assert!(strong.contains("m=19456,t=2,p=1"), "{strong}");
        app.sign_in("alice").await;
        assert_eq!((hash_of("alice").await, hash_of("bob").await), (strong, bobs));
    }
);
