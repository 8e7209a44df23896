//! The API for scripts: pagination, ETags, limits, CORS and the OpenAPI document.

use std::collections::BTreeSet;

use crate::support::TestApp;
use chrono::Duration;
use reqwest::{Method, StatusCode};
use serde_json::Value;
use whereabouts::foundation::http::quota::{self, QuotaKey};

const CURL: &str = "curl/8.5.0";

both!(
    /// Pages neither repeat nor skip a session, although between two pages every session is used, one ends and one is created.
    pages_neither_repeat_nor_skip_while_rows_move, |app| {
        app.add_user("alice").await;
        let mut sessions = Vec::new();
        for _ in 0..12 {
            app.advance(Duration::seconds(1));
            sessions.push(app.sign_in("alice").await);
        }
        let reader = sessions.last().unwrap().create_token("reader", "read", CURL).await;
        let expected: Vec<_> = reader.sessions().await.iter().map(|session| session["id"].clone()).collect();
        let (mut listed, mut path, mut pages) = (Vec::new(), "/api/v1/sessions?limit=5".to_owned(), 0);
        loop {
            let page = reader.json(&path).await;
            listed.extend(page["sessions"].as_array().unwrap().iter().map(|session| session["id"].clone()));
            pages += 1;
            // The oldest become the newest, a session that is not listed yet ends, and a new one is created.
            for session in sessions.iter().rev() {
                app.advance(Duration::seconds(1));
                session.is_signed_in().await;
            }
            if pages == 1 {
                assert_eq!(sessions.remove(0).delete("/api/v1/sessions/current").await.status(), StatusCode::NO_CONTENT);
                app.sign_in("alice").await;
            }
            match page["next_cursor"].as_str() {
                Some(cursor) => path = format!("/api/v1/sessions?limit=5&cursor={cursor}"),
                None => break,
            }
        }
        assert_eq!((&listed[..], pages), (&expected[..11], 3));
        assert_ne!(reader.sessions().await.iter().map(|session| session["id"].clone()).take(11).collect::<Vec<_>>(), listed);
    }
);

both!(
    /// An invalid limit or cursor gets one clear 422.
    invalid_page_parameters_are_refused, |app| {
        app.add_user("alice").await;
        let alice = app.sign_in("alice").await;
        let long = format!("cursor={}", "A".repeat(8000));
        for query in ["limit=0", "limit=1001", "limit=-1", "limit=x", "cursor=", "cursor=x", "cursor=é", "cursor=AAAA", "page=2", "limit=1&limit=2", &long] {
            let answer = alice.get(&format!("/api/v1/sessions?{query}")).await;
            assert_eq!(answer.status(), StatusCode::UNPROCESSABLE_ENTITY, "{query}");
            assert_eq!(answer.json::<Value>().await.unwrap()["type"], "invalid");
        }
        // A valid cursor that belongs to no session: nothing is left to list.
        let page = alice.json("/api/v1/sessions?cursor=AAAAAAA").await;
        assert_eq!((page["sessions"].as_array().unwrap().len(), &page["next_cursor"]), (0, &Value::Null));
    }
);

both!(
    /// A client that has the current list gets 304. The request for the list itself does not change it; a sign-in does.
    an_unchanged_list_is_not_sent_again, |app| {
        app.add_user("alice").await;
        let alice = app.sign_in("alice").await;
        for path in ["/api/v1/sessions", "/api/v1/tokens"] {
            let first = alice.get(path).await;
            let tag = first.headers()["etag"].to_str().unwrap().to_owned();
            assert!(tag.starts_with("W/\""), "{tag}");
            app.advance(Duration::seconds(30));
            for known in [tag.clone(), format!("\"x\", {tag}"), "*".to_owned()] {
                let again = alice.request(Method::GET, path).header("if-none-match", &known).send().await.unwrap();
                assert_eq!((again.status(), again.headers()["etag"].to_str().unwrap()), (StatusCode::NOT_MODIFIED, tag.as_str()), "{path} {known}");
                assert!(again.bytes().await.unwrap().is_empty());
            }
            let other = app.sign_in("alice").await;
            other.create_token("one", "read", CURL).await;
            let changed = alice.request(Method::GET, path).header("if-none-match", &tag).send().await.unwrap();
            assert_eq!(changed.status(), StatusCode::OK, "{path}");
            assert_ne!(changed.headers()["etag"].to_str().unwrap(), tag);
        }
    }
);

both!(
    /// LIM-5: each client receives its remaining requests of the minute and is refused beyond them. Other clients are not affected.
    each_client_has_its_own_limit, |app| {
        app.add_user("alice").await;
        app.add_user("bob").await;
        let (alice, bob) = (app.sign_in("alice").await, app.sign_in("bob").await);
        let header = |answer: &reqwest::Response, name: &str| answer.headers()[name].to_str().unwrap().parse::<u32>().unwrap();
        let first = alice.get("/api/v1/me").await;
        assert_eq!((header(&first, "ratelimit-limit"), header(&first, "ratelimit-remaining"), header(&first, "ratelimit-reset")), (quota::API_LIMITS.signed_in, quota::API_LIMITS.signed_in - 1, 60));
        for _ in 1..quota::API_LIMITS.signed_in {
            app.services.quota.count(QuotaKey::SignedIn(alice.id.clone()), app.now());
        }
        app.advance(Duration::seconds(20));
        let over = alice.get("/api/v1/me").await;
        assert_eq!((over.status(), header(&over, "ratelimit-remaining"), header(&over, "retry-after")), (StatusCode::TOO_MANY_REQUESTS, 0, 40));
        assert!(bob.is_signed_in().await);
        app.advance(Duration::seconds(40));
        assert!(alice.is_signed_in().await);
        assert!(app.get("/login").await.headers().get("ratelimit-limit").is_none());
    }
);

both!(
    /// API-4: pages of other origins can read nothing unless the settings name their exact origin, and never with cookies.
    only_configured_origins_may_read, |app| {
        app.add_user("alice").await;
        let alice = app.sign_in("alice").await;
        let preflight = async |app: &TestApp, origin: &str| {
            let request = app.http.request(Method::OPTIONS, app.url("/api/v1/me")).header("origin", origin).header("access-control-request-method", "GET");
            let answer = request.header("access-control-request-headers", "authorization").send().await.unwrap();
            assert!(answer.headers().get("access-control-allow-credentials").is_none());
            answer.headers().get("access-control-allow-origin").map(|origin| origin.to_str().unwrap().to_owned())
        };
        assert_eq!(preflight(&app, "https://grafana.example").await, None);
        let answer = alice.request(Method::GET, "/api/v1/me").header("origin", "https://grafana.example").send().await.unwrap();
        assert!(answer.headers().keys().all(|name| !name.as_str().starts_with("access-control")));
        let configured = TestApp::start_with(app.backend(), &["--cors-origins", "https://grafana.example,https://other.example"]).await;
        assert_eq!(preflight(&configured, "https://grafana.example").await.as_deref(), Some("https://grafana.example"));
        for foreign in ["https://evil.example", "https://grafana.example.evil", "http://grafana.example", "null"] {
            assert_eq!(preflight(&configured, foreign).await, None, "{foreign}");
        }
        configured.add_user("bob").await;
        let bob = configured.sign_in("bob").await;
        let read = bob.request(Method::GET, "/api/v1/me").header("origin", "https://grafana.example").send().await.unwrap();
        assert_eq!(read.headers()["access-control-allow-origin"], "https://grafana.example");
        let revoke = configured.http.delete(configured.url("/api/v1/sessions")).header("origin", "https://grafana.example").header("cookie", format!("whereabouts={}", bob.token));
        assert_eq!(revoke.send().await.unwrap().status(), StatusCode::FORBIDDEN);
    }
);

both!(
    /// The document is OpenAPI 3.1, contains every route of the contract, and matches what the docs page and the command line show.
    openapi_describes_every_route, |app| {
        let described: Value = app.get("/api/openapi.json").await.json().await.unwrap();
        assert!(described["openapi"].as_str().unwrap().starts_with("3.1"));
        let operations: BTreeSet<_> = described["paths"].as_object().unwrap().iter()
            .flat_map(|(path, methods)| methods.as_object().unwrap().keys().map(move |method| format!("{} {path}", method.to_uppercase()))).collect();
        let expected = [
            "POST /api/v1/sessions", "GET /api/v1/sessions", "DELETE /api/v1/sessions", "GET /api/v1/sessions/ended", "GET /api/v1/sessions/current", "DELETE /api/v1/sessions/current",
            "DELETE /api/v1/sessions/{id}", "GET /api/v1/me", "PUT /api/v1/me/password", "GET /api/v1/tokens", "POST /api/v1/tokens", "DELETE /api/v1/tokens",
            "DELETE /api/v1/tokens/{id}", "POST /api/v1/tokens/{id}/rotate",
            "GET /api/v1/grants", "POST /api/v1/grants", "GET /api/v1/grants/{id}", "PATCH /api/v1/grants/{id}", "DELETE /api/v1/grants/{id}",
            "GET /api/v1/plants/{id}/access", "GET /api/v1/organizations/{id}/people/{user}/access", "GET /api/v1/organizations/{id}/members",
            "PUT /api/v1/organizations/{id}/members/{user}", "DELETE /api/v1/organizations/{id}/members/{user}", "GET /api/v1/organizations/{id}/vendors",
            "GET /api/v1/organizations/{id}/invitations", "DELETE /api/v1/organizations/{id}/invitations/{invitation}",
            "DELETE /api/v1/organizations/{id}/vendors/{vendor}/access", "DELETE /api/v1/organizations/{id}/vendors/{vendor}/people/{user}",
            "GET /api/v1/organizations", "POST /api/v1/organizations", "GET /api/v1/organizations/{id}", "PATCH /api/v1/organizations/{id}", "DELETE /api/v1/organizations/{id}",
            "GET /api/v1/portfolios", "POST /api/v1/portfolios", "GET /api/v1/portfolios/{id}", "PATCH /api/v1/portfolios/{id}", "DELETE /api/v1/portfolios/{id}",
            "GET /api/v1/plants", "POST /api/v1/plants", "GET /api/v1/plants/{id}", "PATCH /api/v1/plants/{id}", "DELETE /api/v1/plants/{id}",
            "PUT /api/v1/plants/{id}/closure", "DELETE /api/v1/plants/{id}/closure",
            "GET /api/v1/devices", "POST /api/v1/devices", "GET /api/v1/devices/{id}", "PATCH /api/v1/devices/{id}", "DELETE /api/v1/devices/{id}",
            "GET /api/v1/audit", "GET /api/v1/audit/{id}", "GET /api/v1/audit/{id}/receipt",
        ];
        assert_eq!(operations, expected.into_iter().map(str::to_owned).collect());
        let printed = std::process::Command::new(env!("CARGO_BIN_EXE_whereabouts")).arg("openapi").output().unwrap();
        assert_eq!(serde_json::from_slice::<Value>(&printed.stdout).unwrap(), described);
        let page = app.http.get(app.url("/api/docs")).header("accept", "text/html").send().await.unwrap();
        assert_eq!(page.status(), StatusCode::OK);
        let policy = page.headers()["content-security-policy"].to_str().unwrap().to_owned();
        assert!(policy.contains("script-src 'nonce-") && !policy.contains("unsafe-inline"), "{policy}");
        let page = page.text().await.unwrap();
        for operation in described["paths"].as_object().unwrap().values().flat_map(|methods| methods.as_object().unwrap().values()) {
            assert!(page.contains(operation["summary"].as_str().unwrap()), "{operation}");
        }
        assert!(!page.contains("style=\"") && !page.contains("onclick"), "{page}");
    }
);
