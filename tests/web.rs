//! What every response contains and what every request must provide.

use std::{collections::BTreeSet, time::Duration};

use crate::support::TestApp;
use axum::{
    Router,
    body::{Body, to_bytes},
    extract::{ConnectInfo, Request},
    routing::get,
};
use reqwest::{Method, RequestBuilder, StatusCode};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use tower::ServiceExt;
use whereabouts::{
    cli::serve_options,
    foundation::http::quota::{self, QuotaKey},
    server::{self, Site},
};

both!(
    /// WEB-3, WEB-4, WEB-8: every response carries the security headers, including errors and files. Each page's policy has its own nonce.
    every_response_has_security_headers, |app| {
        app.add_user("alice").await;
        for path in ["/login", "/", "/profile", "/api/v1/me", "/api/nothing", "/nothing", "/flags/gb.svg", "/healthz", "/live"] {
            let answer = app.get(path).await;
            let header = |name: &str| answer.headers().get(name).map(|value| value.to_str().unwrap().to_owned()).unwrap_or_else(|| panic!("{path}: {name}"));
            assert!(header("content-security-policy").contains("frame-ancestors 'none'"));
            assert!(!header("content-security-policy").contains("unsafe-inline"));
            assert_eq!(header("x-content-type-options"), "nosniff");
            for name in ["referrer-policy", "permissions-policy", "cross-origin-opener-policy", "cross-origin-resource-policy"] {
                header(name);
            }
        }
        let nonce = async || {
            let answer = app.get("/login").await;
            let policy = answer.headers()["content-security-policy"].to_str().unwrap().to_owned();
            let nonce = policy.split("'nonce-").nth(1).unwrap().split('\'').next().unwrap().to_owned();
            let page = answer.text().await.unwrap();
            assert!(page.contains(&format!("nonce=\"{nonce}\"")), "{page}");
            assert!(!page.contains("//cdn") && !page.contains("https://"), "{page}");
            nonce
        };
        assert_ne!(nonce().await, nonce().await);
    }
);

both!(
    /// WEB-4: over HTTPS, HSTS is sent and cookies are bound to this host.
    https_adds_hsts_and_secure_cookies, |app| {
        let app = TestApp::start_with(app.backend(), &["--public-url", "https://sessions.example"]).await;
        app.add_user("alice").await;
        let request = app.http.post(app.url("/api/ui/sign_in")).header("host", "sessions.example").header("origin", "https://sessions.example");
        let answer = request.form(&[("identifier", "alice"), ("password", crate::support::PASSWORD), ("next", "")]).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK);
        assert!(answer.headers()["strict-transport-security"].to_str().unwrap().starts_with("max-age=63072000"));
        let cookies: Vec<_> = answer.headers().get_all("set-cookie").iter().map(|cookie| cookie.to_str().unwrap()).collect();
        assert!(cookies.len() == 2 && cookies.iter().all(|cookie| cookie.starts_with("__Host-") && cookie.ends_with("; Secure")), "{cookies:?}");
    }
);

both!(
    /// WEB-5: responses that depend on the caller are not cached.
    signed_in_responses_are_not_cached, |app| {
        app.add_user("alice").await;
        let alice = app.sign_in("alice").await;
        for path in ["/profile?tab=security", "/api/v1/me", "/api/v1/sessions", "/login"] {
            let answer = alice.browser(Method::GET, path).send().await.unwrap();
            assert_eq!(answer.headers()["cache-control"], "no-store", "{path}");
        }
    }
);

both!(
    /// WEB-2: requests that change something must come from this site, and GET changes nothing.
    cross_site_requests_change_nothing, |app| {
        app.add_user("alice").await;
        app.add_user("bob").await;
        let (alice, other, bob) = (app.sign_in("alice").await, app.sign_in("alice").await, app.sign_in("bob").await);
        let cookie = format!("whereabouts={}", alice.token);
        let cross_site: [&[(&str, &str)]; 5] =
            [&[], &[("origin", "https://evil.example")], &[("origin", "null")], &[("sec-fetch-site", "cross-site")], &[("sec-fetch-site", "same-site")]];
        for headers in cross_site {
            let requests = [
                (Method::POST, "/api/ui/revoke_other_sessions".to_owned()), (Method::POST, "/api/ui/sign_out".to_owned()),
                (Method::POST, "/api/ui/revoke_session".to_owned()), (Method::DELETE, "/api/v1/sessions".to_owned()),
                (Method::DELETE, format!("/api/v1/sessions/{}", other.id)), (Method::DELETE, "/api/v1/sessions/current".to_owned()),
                (Method::POST, "/api/v1/tokens".to_owned()), (Method::DELETE, "/api/v1/tokens".to_owned()), (Method::POST, "/api/ui/create_token".to_owned()),
            ];
            for (method, path) in requests {
                let request = headers.iter().fold(app.http.request(method, app.url(&path)).header("cookie", &cookie), |request, (name, value)| request.header(*name, *value));
                let answer = request.header("content-type", "application/x-www-form-urlencoded").body(format!("id={}", other.id)).send().await.unwrap();
                assert_eq!(answer.status(), StatusCode::FORBIDDEN, "{path} {headers:?}");
            }
            let sign_in = headers.iter().fold(app.http.post(app.url("/api/ui/sign_in")), |request, (name, value)| request.header(*name, *value));
            assert_eq!(sign_in.form(&[("identifier", "alice")]).send().await.unwrap().status(), StatusCode::FORBIDDEN);
        }
        for path in ["/api/ui/sign_out", "/api/ui/revoke_other_sessions", "/api/ui/revoke_session"] {
            assert_eq!(alice.browser(Method::GET, path).send().await.unwrap().status(), StatusCode::METHOD_NOT_ALLOWED);
        }
        assert!(alice.is_signed_in().await && other.is_signed_in().await && bob.is_signed_in().await);
    }
);

both!(
    /// WEB-2: only a bearer token proves that another site cannot have made the request. Any other `Authorization` value does not, with or
    /// without a cookie.
    only_a_bearer_token_skips_the_same_site_check, |app| {
        app.add_user("alice").await;
        let (alice, other) = (app.sign_in("alice").await, app.sign_in("alice").await);
        let revoke = async |authorization: &str, cookie: &str| {
            let request = app.http.delete(app.url(&format!("/api/v1/sessions/{}", other.id))).header("origin", "https://evil.example");
            request.header("authorization", authorization).header("cookie", cookie).send().await.unwrap().status()
        };
        let cookie = format!("whereabouts={}", alice.token);
        for authorization in ["Basic YTpi", "Digest x", "Bearer", "Bearerx y", "", &alice.token] {
            for cookie in [cookie.as_str(), ""] {
                assert_eq!(revoke(authorization, cookie).await, StatusCode::FORBIDDEN, "{authorization}");
            }
        }
        assert!(other.is_signed_in().await);
        assert_eq!(revoke("Bearer x", &cookie).await, StatusCode::UNAUTHORIZED);
        assert_eq!(revoke(&format!("bearer {}", alice.token), "").await, StatusCode::NO_CONTENT);
        assert!(!other.is_signed_in().await && alice.is_signed_in().await);
    }
);

both!(
    /// API-1: every route and server function is refused without a caller, except the public ones.
    every_endpoint_checks_its_caller, |app| {
        app.add_user("alice").await;
        let public_functions = BTreeSet::from([
            "sign_in", "enter_code", "start_over", "sign_out", "create_first_administrator", "request_password_reset",
            "reset_password", "password_strength", "confirm_sign_in", "disown_sign_in",
            "accept_invitation", "request_registration", "request_access", "confirm_email_change",
        ]);
        let functions: Vec<_> = leptos::server_fn::axum::server_fn_paths().collect();
        let exists = |name: &str| functions.iter().any(|(path, _)| path.ends_with(&format!("/{name}")));
        assert!(public_functions.iter().all(|name| exists(name)) && exists("revoke_session"), "{functions:?}");
        for (path, _) in functions {
            let name = path.rsplit('/').next().unwrap();
            if public_functions.contains(name) {
                continue;
            }
            let form = [
                ("id", "x"), ("search", ""), ("show", "25"), ("current", "x"), ("new", "x"), ("password", "x"), ("code", "x"),
                ("next", "/"), ("email", "x@example.com"), ("name", "x"), ("username", "xxx"), ("time_zone", "UTC"), ("user", "x"), ("operation", "x"),
                ("decision", "x"), ("group", "read"), ("life", "1"), ("grace", "0"), ("organization", "x"), ("portfolio", "x"), ("plant", "x"),
                ("portfolio_name", "x"), ("kind", "solar"), ("host", "x.example"), ("version", "1"), ("to", "x"), ("confirmed", "x"), ("reason", "x"),
                ("vendor", "x"), ("at", "plant:x"), ("text", "x"), ("draft", "x"), ("role", "viewer"),
            ];
            let answer = app.http.post(app.url(path)).header("origin", app.url("")).form(&form[..]).send().await.unwrap();
            assert_eq!(answer.status(), StatusCode::UNAUTHORIZED, "{path}");
        }
        let routes = [
            (Method::GET, "/api/v1/sessions"), (Method::DELETE, "/api/v1/sessions"), (Method::GET, "/api/v1/sessions/current"),
            (Method::DELETE, "/api/v1/sessions/current"), (Method::DELETE, "/api/v1/sessions/x"), (Method::GET, "/api/v1/me"), (Method::GET, "/live"),
            (Method::PUT, "/api/v1/me/password"), (Method::GET, "/api/v1/tokens"), (Method::POST, "/api/v1/tokens"), (Method::DELETE, "/api/v1/tokens"),
            (Method::DELETE, "/api/v1/tokens/x"), (Method::POST, "/api/v1/tokens/x/rotate"),
        ];
        // Every other route of the API, by its description.
        let described = whereabouts::api::description();
        let all = described.paths.paths.iter().flat_map(|(path, item)| {
            let methods = [(Method::GET, &item.get), (Method::POST, &item.post), (Method::PUT, &item.put), (Method::PATCH, &item.patch), (Method::DELETE, &item.delete)];
            methods.into_iter().filter(|(_, operation)| operation.is_some()).map(move |(method, _)| (method, path.replace(['{', '}'], "x")))
        });
        let others = all.filter(|(method, path)| !(method == Method::POST && path == "/api/v1/sessions"));
        for (method, path) in others.collect::<Vec<_>>() {
            let answer = app.http.request(method.clone(), app.url(&path)).header("origin", app.url("")).send().await.unwrap();
            assert_eq!(answer.status(), StatusCode::UNAUTHORIZED, "{method} {path}");
        }
        for (method, path) in routes {
            let answer = app.http.request(method, app.url(path)).header("origin", app.url("")).send().await.unwrap();
            assert_eq!((answer.status(), &answer.headers()["content-type"]), (StatusCode::UNAUTHORIZED, &"application/problem+json".parse().unwrap()), "{path}");
        }
        for path in ["/", "/profile", "/profile?tab=profile", "/admin", "/confirm", "/profile/password", "/profile/two-factor", "/profile?tab=api-tokens", "/profile/tokens/new", "/profile/tokens/rotate?id=x",
            "/plants", "/plants/x", "/plants/new", "/plants/x/edit", "/plants/x/move", "/portfolios/x/move", "/devices/new?plant=x", "/devices/x/edit", "/organizations/new",
            "/organizations/x", "/organizations/x/import", "/organizations/x/people/x", "/grants/new?at=plant:x", "/grants/x"] {
            assert_eq!(app.get(path).await.status(), StatusCode::SEE_OTHER, "{path}");
        }
    }
);

both!(
    /// Every server function answers an incomplete form or an invalid body with a 4xx, never with a server error.
    incomplete_forms_are_refused, |app| {
        app.add_admin("root").await;
        let root = app.sign_in("root").await;
        for (path, _) in leptos::server_fn::axum::server_fn_paths() {
            for body in ["", "x=1", "%", "{\"a\":1}"] {
                let request = app.http.post(app.url(path)).header("origin", app.url("")).header("cookie", format!("whereabouts={}", root.token));
                let answer = request.header("content-type", "application/x-www-form-urlencoded").body(body).send().await.unwrap();
                assert!(!answer.status().is_server_error(), "{path} {body:?}: {}", answer.status());
            }
        }
    }
);

both!(
    /// A malformed cookie, header or path gets one clear 4xx.
    malformed_requests_are_refused, |app| {
        app.add_user("alice").await;
        for cookie in ["whereabouts=", "whereabouts=x", "whereabouts=%00", "=;;=", "whereabouts", &format!("whereabouts={}", "A".repeat(5000))] {
            let answer = app.http.get(app.url("/api/v1/me")).header("cookie", cookie).send().await.unwrap();
            assert_eq!(answer.status(), StatusCode::UNAUTHORIZED, "{cookie}");
        }
        for authorization in ["", "Bearer", "Bearer ", "Bearer x", "Basic YTpi", "Bearer é"] {
            let answer = app.http.get(app.url("/api/v1/me")).header("authorization", authorization).send().await.unwrap();
            assert_eq!(answer.status(), StatusCode::UNAUTHORIZED, "{authorization}");
        }
        for path in ["/api/v1/nothing", "/api/", "/nothing", "/pkg/../../Cargo.toml", "/pkg/..%2f..%2fCargo.toml", "/flags/%00"] {
            assert!(app.get(path).await.status().is_client_error(), "{path}");
        }
        assert_eq!(app.http.put(app.url("/api/v1/sessions")).header("authorization", "x").send().await.unwrap().status(), StatusCode::METHOD_NOT_ALLOWED);
    }
);

both!(
    /// A request with a bearer token never gets the rights of its cookie.
    bearer_and_cookie_never_mix, |app| {
        app.add_user("alice").await;
        let alice = app.sign_in("alice").await;
        let answer = alice.browser(Method::GET, "/api/v1/me").bearer_auth("A".repeat(43)).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
        assert!(alice.is_signed_in().await);
    }
);

both!(
    /// NET-2: API requests for another host are refused. Pages redirect to the public host.
    requests_for_another_host_are_not_answered, |app| {
        let ask = async |path: &str| app.http.get(app.url(path)).header("host", "evil.example").send().await.unwrap();
        assert_eq!(ask("/api/v1/me").await.status(), StatusCode::MISDIRECTED_REQUEST);
        assert_eq!(ask("/login?next=%2Fprofile").await.headers()["location"], app.url("/login?next=%2Fprofile").as_str());
        assert_eq!(ask("/healthz").await.status(), StatusCode::OK);
    }
);

both!(
    /// LOG-6: without a database every request is refused, and the response does not say why.
    requests_are_refused_without_a_database, |app| {
        app.add_user("alice").await;
        let alice = app.sign_in("alice").await;
        app.services.db.close().await;
        for path in ["/api/v1/me", "/api/v1/sessions", "/profile", "/readyz", "/live"] {
            let answer = alice.get(path).await;
            assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE, "{path}");
            let words = answer.text().await.unwrap().to_lowercase();
            assert!(!words.contains("sql") && !words.contains("pool"), "{words}");
        }
        assert_eq!(app.get("/healthz").await.status(), StatusCode::OK);
    }
);

both!(
    /// WEB-7: markup in a user agent is shown as text.
    user_agents_are_escaped, |app| {
        app.add_user("alice").await;
        let alice = app.sign_in_as("alice", "<script>alert(1)</script><img src=x onerror=alert(2)>").await;
        let page = alice.browser(Method::GET, "/profile?tab=security").send().await.unwrap().text().await.unwrap();
        assert!(page.contains("&lt;script&gt;alert(1)") && !page.contains("<script>alert(1)") && !page.contains("<img src=x"), "{page}");
    }
);

both!(
    /// LIM-5: an oversized request head gets 431.
    oversized_request_heads_are_refused, |app| {
        let answer = app.http.get(app.url("/login")).header("x-long", "x".repeat(60_000)).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE);
    }
);

both!(
    /// API-5: requests that allow request smuggling are refused.
    ambiguous_requests_are_refused, |app| {
        let raw = async |head: &str| {
            let mut socket = TcpStream::connect(app.addr).await.unwrap();
            let request = format!("POST /api/v1/sessions HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\n{head}\r\n\r\n{{}}", app.addr);
            socket.write_all(request.as_bytes()).await.unwrap();
            let mut answer = vec![0; 12];
            let read = tokio::time::timeout(Duration::from_secs(5), socket.read_exact(&mut answer)).await.unwrap();
            read.map_or_else(|_| "closed".to_owned(), |_| String::from_utf8_lossy(&answer).into_owned())
        };
        for head in ["Content-Length: 2\r\nContent-Length: 3", "Content-Length: 2\r\nX: a\r\n b", "Content-Length: +2", "Transfer-Encoding: chunked, identity"] {
            assert!(["HTTP/1.1 400", "closed"].contains(&raw(head).await.as_str()), "{head}");
        }
        assert_eq!(raw("Content-Length: 2").await, "HTTP/1.1 422");
    }
);

/// NET-3: a head or a body that arrives too slowly is cut off within 30 seconds, and others are answered meanwhile.
#[tokio::test]
async fn slow_clients_are_disconnected() {
    let app = TestApp::start(crate::support::Backend::Sqlite).await;
    app.add_user("alice").await;
    let alice = app.sign_in("alice").await;
    let mut head = TcpStream::connect(app.addr).await.unwrap();
    head.write_all(b"GET / HTTP/1.1\r\nHost:").await.unwrap();
    let mut body = TcpStream::connect(app.addr).await.unwrap();
    let request =
        format!("POST /api/v1/sessions HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{{", app.addr);
    body.write_all(request.as_bytes()).await.unwrap();
    assert!(alice.is_signed_in().await);

    // From here on, time advances as soon as every task waits for it.
    tokio::time::pause();
    let started = tokio::time::Instant::now();
    let answers = [read_to_end(&mut head).await, read_to_end(&mut body).await];
    assert!(started.elapsed() < Duration::from_secs(30));
    assert!(answers[0].is_empty() || answers[0].starts_with("HTTP/1.1 408"), "{}", answers[0]);
    assert!(answers[1].starts_with("HTTP/1.1 408") && answers[1].contains("too-slow"), "{}", answers[1]);
}

async fn read_to_end(socket: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    socket.read_to_end(&mut answer).await.unwrap();
    String::from_utf8(answer).unwrap()
}

/// LOG-5: a panic in one request answers 500 with an id and affects no other request.
#[tokio::test]
async fn a_panic_affects_one_request_only() {
    let app = TestApp::start(crate::support::Backend::Sqlite).await;
    let more = Router::new().route("/panic", get(async || -> &'static str { panic!("the secret inside") }));
    let router = server::router(Site { services: app.services.clone(), options: serve_options() }, more);
    let ask = async |path: &str, accept: &str| {
        let request = Request::get(path).header("host", app.addr.to_string()).header("accept", accept).extension(ConnectInfo(app.addr));
        let answer = router.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        let status = answer.status();
        (status, String::from_utf8(to_bytes(answer.into_body(), 20_000).await.unwrap().to_vec()).unwrap())
    };
    for (accept, text) in [("application/json", "give your administrator this id: "), ("text/html", "<h1>Something went wrong</h1>")] {
        let (status, body) = ask("/panic", accept).await;
        assert_eq!(status, StatusCode::INTERNAL_SERVER_ERROR);
        assert!(body.contains(text) && !body.contains("the secret inside"), "{body}");
    }
    assert_eq!(ask("/login", "text/html").await.0, StatusCode::OK);
}

/// LIM-4: excess sign-ins of a flood are refused at once, and signed-in users are not affected.
#[tokio::test(flavor = "multi_thread")]
async fn a_sign_in_flood_does_not_affect_other_requests() {
    let app = TestApp::start_with(crate::support::Backend::Sqlite, &["--rate-limits", "off"]).await;
    app.add_user("alice").await;
    let alice = app.sign_in("alice").await;
    let most = std::thread::available_parallelism().unwrap().get() * 33;
    let flood = futures::future::join_all((0..most + 50).map(|_| app.try_sign_in("alice", "a wrong guess", "curl/8.5.0")));
    let (answers, ()) = tokio::join!(flood, async { assert!(alice.is_signed_in().await) });
    let count = |status| answers.iter().filter(|answer| answer.status() == status).count();
    let (refused, busy) = (count(StatusCode::UNAUTHORIZED), count(StatusCode::SERVICE_UNAVAILABLE));
    assert!(refused > 0 && busy > 0 && refused + busy == answers.len(), "{refused} were checked, {busy} were not");
}

/// Regression test: a second router in the same process, as in tests and benchmarks, once made pages of the first hang forever.
#[tokio::test(flavor = "multi_thread")]
async fn pages_are_served_while_another_router_is_created() {
    let app = TestApp::start(crate::support::Backend::Sqlite).await;
    let site = Site { services: app.services.clone(), options: serve_options() };
    let creating = tokio::task::spawn_blocking(move || (0..50).for_each(|_| drop(server::router(site.clone(), Router::new()))));
    let mut asked = 0;
    while asked < 10 || !creating.is_finished() {
        assert_eq!(app.get("/login").await.status(), StatusCode::OK);
        asked += 1;
    }
    creating.await.unwrap();
}

both!(
    /// LOG-5, LOG-6: a browser gets a failure as a page with the site's style sheet, which says what happened and has the id of the request.
    /// The page needs no database. An id that a client sends is ignored.
    failures_are_pages_with_a_request_id, |app| {
        app.add_user("alice").await;
        let alice = app.sign_in("alice").await;
        let mut ids = BTreeSet::new();
        let mut check = async |request: RequestBuilder, status: StatusCode, heading: &str, message: &str| {
            let response = request.header("x-request-id", "forged").send().await.unwrap();
            assert_eq!(response.status(), status);
            assert_eq!(response.headers()["content-type"], "text/html; charset=utf-8");
            let id = response.headers()["x-request-id"].to_str().unwrap().to_owned();
            let page = response.text().await.unwrap();
            for text in [heading, message, "<link rel=\"stylesheet\" href=\"/pkg/whereabouts.", &id] {
                assert!(page.contains(text), "{text} is not in {page}");
            }
            assert!(id.len() == 32 && ids.insert(id));
        };
        check(alice.browser(Method::GET, "/nothing"), StatusCode::NOT_FOUND, "Page not found", "It may have ended already").await;
        let large = alice.browser(Method::POST, "/api/ui/sign_out").body("x".repeat(70_000));
        check(large, StatusCode::PAYLOAD_TOO_LARGE, "Request too large", "This request is too large").await;
        for _ in 0..quota::SERVER_FUNCTION_LIMITS.signed_in {
            app.services.server_function_quota.count(QuotaKey::SignedIn(alice.id.clone()), app.now());
        }
        let one_too_many = alice.browser(Method::POST, "/api/ui/update_profile").form(&[("name", "Alice")]);
        check(one_too_many, StatusCode::TOO_MANY_REQUESTS, "Too many requests", "Try again in").await;
        app.services.db.close().await;
        let without_database = alice.browser(Method::GET, "/profile");
        check(without_database, StatusCode::SERVICE_UNAVAILABLE, "Not available right now", "The service is unavailable right now").await;
    }
);
