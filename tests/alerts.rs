//! Sign-in alerts over HTTP: who is told of what, and what the mail's page does.
#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

mod support;

use chrono::Duration;
use reqwest::StatusCode;
use support::{FIREFOX, PASSWORD, TestApp};

const ALICE: &str = "alice@example.com";

/// Signs in by the form; the cookie of the device.
async fn browse(app: &TestApp, user_agent: &str, address: &str, cookies: &str) -> String {
    let fields = [("identifier", "alice"), ("password", PASSWORD), ("next", "")];
    let request = app.http.post(app.url("/api/ui/sign_in")).header("origin", app.url("")).header("user-agent", user_agent);
    let answer = request.header("x-forwarded-for", address).header("cookie", cookies).form(&fields).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    let cookies = answer.headers().get_all("set-cookie").iter().map(|cookie| cookie.to_str().unwrap().split(';').next().unwrap());
    cookies.filter(|cookie| cookie.starts_with("whereabouts-device=")).collect::<String>()
}

/// Changes something that is told by mail: whatever was to come before has come then.
async fn mails_until_now(app: &TestApp) -> Vec<String> {
    app.post_form("ask_for_reset", "", &[("email", ALICE)]).await;
    let mut subjects = Vec::new();
    loop {
        let mail = app.smtp.next_to(ALICE).await;
        if mail.subject == "Choose a new password" {
            return subjects;
        }
        subjects.push(mail.subject);
    }
}

const LONDON: &str = "81.2.69.142";
const LEEDS: &str = "2.125.160.216";
const GERMANY: &str = "85.214.132.117";

async fn start(backend: support::Backend) -> TestApp {
    let app = TestApp::start_with(backend, &["--trusted-proxies", "127.0.0.0/8"]).await;
    app.add_user("alice").await;
    app.add_user("bob").await;
    app
}

/// `each!(name, |app| …)`: behind a trusted proxy, on each database.
macro_rules! each {
    ($(#[$doc:meta])* $name:ident, |$app:ident| $body:block) => {
        mod $name {
            use super::*;

            async fn body($app: TestApp) $body

            $(#[$doc])*
            #[tokio::test(flavor = "multi_thread")]
            async fn on_sqlite() { body(start(support::Backend::Sqlite).await).await; }

            $(#[$doc])*
            #[tokio::test(flavor = "multi_thread")]
            async fn on_postgres() { body(start(support::Backend::Postgres).await).await; }
        }
    };
}

each!(
    /// ALT-1: not the first sign-in ever; a known device in its own country raises nothing, whatever GeoIP says of the town.
    what_is_known_raises_nothing, |app| {
        let device = browse(&app, FIREFOX, LONDON, "").await;
        browse(&app, FIREFOX, LONDON, &device).await;
        browse(&app, FIREFOX, LEEDS, &device).await;
        assert_eq!(mails_until_now(&app).await, Vec::<String>::new());
    }
);

each!(
    /// ALT-1, ALT-2: a new device and a new country are told, in plain words, once each.
    what_is_new_is_told, |app| {
        let device = browse(&app, FIREFOX, LONDON, "").await;
        let curl = app.http.post(app.url("/api/v1/sessions")).header("user-agent", "curl/8.5.0").header("x-forwarded-for", LONDON);
        let curl = curl.json(&serde_json::json!({ "identifier": "alice", "password": PASSWORD }));
        assert_eq!(curl.try_clone().unwrap().send().await.unwrap().status(), StatusCode::CREATED);
        let mail = app.smtp.next_to(ALICE).await;
        assert_eq!(mail.subject, "New sign-in from curl, London, United Kingdom");
        for words in ["curl", "London, United Kingdom (approximate)", LONDON, "2026-06-01 12:00:00 UTC", "/sign-in-alert?token="] {
            assert!(mail.text.contains(words) && mail.html.contains(words), "{words}: {mail:?}");
        }
        assert_eq!(curl.send().await.unwrap().status(), StatusCode::CREATED);
        browse(&app, FIREFOX, GERMANY, &device).await;
        let told = mails_until_now(&app).await;
        assert!(told.len() == 1 && told[0].starts_with("New sign-in from Firefox on Windows, "), "{told:?}");
        // The same cookie in another browser is another device.
        browse(&app, "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", LONDON, &device).await;
        assert_eq!(app.smtp.next_to(ALICE).await.subject, "New sign-in from Firefox on Linux, London, United Kingdom");
    }
);

each!(
    /// ALT-1: a country not seen for 90 days is new again.
    places_are_forgotten, |app| {
        let device = browse(&app, FIREFOX, LONDON, "").await;
        app.advance(Duration::days(89));
        browse(&app, FIREFOX, LONDON, &device).await;
        app.advance(Duration::days(91));
        browse(&app, FIREFOX, LONDON, &device).await;
        assert_eq!(mails_until_now(&app).await, ["New sign-in from Firefox on Windows, London, United Kingdom"]);
    }
);

each!(
    /// ALT-3: opening the link changes nothing; "This wasn't me" ends the session, forgets the device and leads to a reset; once.
    a_stranger_is_put_out, |app| {
        let (alice, bob) = (app.sign_in("alice").await, app.sign_in("bob").await);
        let device = browse(&app, FIREFOX, LONDON, "").await;
        let (path, token) = app.smtp.next_to(ALICE).await.link("/sign-in-alert");
        let page = app.get(&path).await;
        assert_eq!((page.status(), page.headers()["referrer-policy"].to_str().unwrap()), (StatusCode::OK, "no-referrer"));
        assert!(page.text().await.unwrap().contains("Firefox on Windows"));
        assert_eq!(alice.sessions().await.len(), 2);
        let led = app.post_form("disown_sign_in", "", &[("token", &token)]).await.json::<String>().await.unwrap();
        assert_eq!(alice.sessions().await.len(), 1);
        assert!(bob.is_signed_in().await);
        let reset = led.strip_prefix("/reset-password?token=").unwrap();
        assert_eq!(app.post_form("disown_sign_in", "", &[("token", &token)]).await.status(), StatusCode::GONE);
        assert_eq!(app.post_form("confirm_sign_in", "", &[("token", &token)]).await.status(), StatusCode::GONE);
        // The device is a stranger again.
        browse(&app, FIREFOX, LONDON, &device).await;
        assert!(app.smtp.next_to(ALICE).await.subject.starts_with("New sign-in from Firefox on Windows"));
        let done = app.post_form("reset_password", "", &[("token", reset), ("password", "another staple here")]).await;
        assert_eq!(done.status(), StatusCode::OK);
        assert!(!alice.is_signed_in().await && bob.is_signed_in().await);
        assert_eq!(app.on_record("sign_in_disowned", "success").await, 1);
    }
);

each!(
    /// ALT-3: "This wasn't me" ends all others too, if asked.
    everywhere_is_everywhere, |app| {
        let (alice, bob) = (app.sign_in("alice").await, app.sign_in("bob").await);
        browse(&app, FIREFOX, LONDON, "").await;
        let (_, token) = app.smtp.next_to(ALICE).await.link("/sign-in-alert");
        assert_eq!(app.post_form("disown_sign_in", "", &[("token", &token), ("everywhere", "yes")]).await.status(), StatusCode::OK);
        assert!(!alice.is_signed_in().await && bob.is_signed_in().await);
    }
);

each!(
    /// ALT-3: "This was me" ends nothing, works once, and for 7 days.
    it_was_me, |app| {
        let alice = app.sign_in("alice").await;
        browse(&app, FIREFOX, LONDON, "").await;
        let (_, token) = app.smtp.next_to(ALICE).await.link("/sign-in-alert");
        assert_eq!(app.post_form("confirm_sign_in", "", &[("token", &token)]).await.status(), StatusCode::OK);
        assert_eq!(app.post_form("confirm_sign_in", "", &[("token", &token)]).await.status(), StatusCode::GONE);
        assert_eq!(alice.sessions().await.len(), 2);
        browse(&app, FIREFOX, GERMANY, "").await;
        let (_, late) = app.smtp.next_to(ALICE).await.link("/sign-in-alert");
        app.advance(Duration::days(7));
        assert_eq!(app.post_form("disown_sign_in", "", &[("token", &late)]).await.status(), StatusCode::GONE);
    }
);

each!(
    /// ALT-1: one mail for a burst of failures, and at most one an hour; the other person hears nothing.
    a_burst_is_told_once, |app| {
        for _ in 0..12 {
            app.try_sign_in("alice", "wrong password", "curl/8.5.0").await;
            app.advance(Duration::minutes(2));
        }
        assert_eq!(mails_until_now(&app).await, ["Several sign-ins to your account failed"]);
        app.advance(Duration::hours(1));
        app.try_sign_in("alice", "wrong password", "curl/8.5.0").await;
        assert_eq!(app.smtp.next().await.subject, "Several sign-ins to your account failed");
    }
);
