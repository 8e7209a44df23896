//! Behind a reverse proxy: whose address counts, and how administrators are notified of a proxy that is not configured.

use crate::support::{Client, PASSWORD, TestApp};
use reqwest::{Method, header::HeaderValue};
use serde_json::{Value, json};

const TRUSTED: [&str; 2] = ["--trusted-proxies", "127.0.0.0/8"];

/// Returns the address that the list shows for the calling session, with these headers.
async fn fetch_shown_address(client: &Client<'_>, headers: &[(&str, &[u8])]) -> String {
    client.app.advance(chrono::Duration::seconds(1));
    let request = headers.iter().fold(client.request(Method::GET, "/api/v1/sessions"), |request, (name, value)| {
        request.header(*name, HeaderValue::from_bytes(value).unwrap())
    });
    let list: Value = request.send().await.unwrap().json().await.unwrap();
    list["sessions"][0]["ip"].as_str().unwrap().to_owned()
}

both!(
    /// NET-1: behind a trusted proxy, neither a client's other forwarding header nor what it puts left of the proxy's own entry changes the
    /// address. Non-ASCII bytes and unclosed quotes make no difference.
    client_headers_sent_through_a_proxy_are_ignored, |app| {
        let app = TestApp::start_with(app.backend(), &TRUSTED).await;
        app.add_user("alice").await;
        let alice = app.sign_in("alice").await;
        let client_headers: [&[(&str, &[u8])]; 4] = [
            &[("x-forwarded-for", b"81.2.69.142")],
            &[("x-forwarded-for", b"81.2.69.142"), ("forwarded", b"for=1.1.1.1")],
            &[("x-forwarded-for", b"1.1.1.1, \xe9, 81.2.69.142")],
            &[("x-forwarded-for", b"\xff"), ("x-forwarded-for", b"81.2.69.142"), ("forwarded", b"for=127.0.0.1")],
        ];
        for headers in client_headers {
            assert_eq!(fetch_shown_address(&alice, headers).await, "81.2.69.142", "{headers:?}");
        }
    }
);

both!(
    /// NET-1: the `Forwarded` header is read instead if the settings say so.
    the_forwarded_header_is_read_if_configured, |app| {
        let app = TestApp::start_with(app.backend(), &[&TRUSTED[..], &["--forwarded-header", "forwarded"]].concat()).await;
        app.add_user("alice").await;
        let alice = app.sign_in("alice").await;
        let client_headers: [&[(&str, &[u8])]; 3] = [
            &[("forwarded", b"for=81.2.69.142;host=\"a,b\"")],
            &[("forwarded", b"for=81.2.69.142"), ("x-forwarded-for", b"1.1.1.1")],
            &[("forwarded", b"for=\"1.1.1.1, \xe9, for=81.2.69.142, for=\"127.0.0.1:80\"")],
        ];
        for headers in client_headers {
            assert_eq!(fetch_shown_address(&alice, headers).await, "81.2.69.142", "{headers:?}");
        }
        assert_eq!(fetch_shown_address(&alice, &[("x-forwarded-for", b"1.1.1.1")]).await, "127.0.0.1");
    }
);

/// Returns the administrators' page of a site at `host`.
async fn admin_page(app: &TestApp, host: &str) -> String {
    app.add_admin("root").await;
    let sign_in = app.http.post(app.url("/api/v1/sessions")).header("host", host);
    let answer = sign_in.json(&json!({ "identifier": "root", "password": PASSWORD })).send().await.unwrap();
    let token = answer.json::<Value>().await.unwrap()["token"].as_str().unwrap().to_owned();
    let page = app.http.get(app.url("/admin")).header("host", host).header("cookie", format!("whereabouts={token}"));
    page.send().await.unwrap().text().await.unwrap()
}

const NOTICE: &str = "Requests arrive from the private address";

both!(
    /// NET-1: administrators are notified if requests come from a private address although no proxy is trusted.
    administrators_are_notified_of_an_unconfigured_proxy, |app| {
        let public = ["--public-url", "http://sessions.example"];
        let unconfigured = TestApp::start_with(app.backend(), &public).await;
        let page = admin_page(&unconfigured, "sessions.example").await;
        assert!(page.contains(&format!("{NOTICE} 127.0.0.1,")) && page.contains("WHEREABOUTS_TRUSTED_PROXIES"), "{page}");
        let configured = TestApp::start_with(app.backend(), &[&public[..], &TRUSTED].concat()).await;
        let page = admin_page(&configured, "sessions.example").await;
        assert!(page.contains("<h1>Administration") && !page.contains(NOTICE), "{page}");
        // A site on loopback is only used from this machine, so loopback addresses are expected.
        let page = admin_page(&app, &app.addr.to_string()).await;
        assert!(page.contains("<h1>Administration") && !page.contains(NOTICE), "{page}");
    }
);
