//! Sign-in alerts over HTTP: which sign-ins raise one, and what the page that the email links to does.

use crate::support::{
    FIREFOX, PASSWORD, TestApp,
    postgres::{hold, release, wait_until_blocked},
};
use chrono::Duration;
use reqwest::StatusCode;

const ALICE: &str = "alice@example.com";

/// Signs Alice in with the form. Returns the cookie of the device.
async fn sign_in_by_form(app: &TestApp, user_agent: &str, address: &str, cookies: &str) -> String {
    sign_in_by_form_as(app, "alice", PASSWORD, user_agent, address, cookies).await
}

async fn sign_in_by_form_as(app: &TestApp, name: &str, password: &str, user_agent: &str, address: &str, cookies: &str) -> String {
    let fields = [("identifier", name), ("password", password), ("next", "")];
    let request = app.http.post(app.url("/api/ui/sign_in")).header("origin", app.url("")).header("user-agent", user_agent);
    let answer = request.header("x-forwarded-for", address).header("cookie", cookies).form(&fields).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    let cookies = answer.headers().get_all("set-cookie").iter().map(|cookie| cookie.to_str().unwrap().split(';').next().unwrap());
    cookies.filter(|cookie| cookie.starts_with("whereabouts-device=")).collect::<String>()
}

/// Requests a reset and waits for its email: by then, every earlier email has arrived. Returns the subjects of those.
async fn receive_pending_subjects(app: &TestApp) -> Vec<String> {
    app.post_form("request_password_reset", "", &[("email", ALICE)]).await;
    let mut subjects = Vec::new();
    loop {
        let mail = app.smtp.next_for(ALICE).await;
        if mail.subject == "Choose a new password" {
            return subjects;
        }
        subjects.push(mail.subject);
    }
}

const LONDON: &str = "81.2.69.142";
const LEEDS: &str = "2.125.160.216";
const GERMANY: &str = "85.214.132.117";

async fn start(backend: crate::support::Backend) -> TestApp {
    let app = TestApp::start_with(backend, &["--trusted-proxies", "127.0.0.0/8"]).await;
    app.add_user("alice").await;
    app.add_user("bob").await;
    app
}

both!(
    /// ALT-1: the first sign-in of an account raises no alert, nor does a known device in a known country, whatever city GeoIP reports.
    known_devices_and_countries_raise_no_alert, start, |app| {
        let device = sign_in_by_form(&app, FIREFOX, LONDON, "").await;
        sign_in_by_form(&app, FIREFOX, LONDON, &device).await;
        sign_in_by_form(&app, FIREFOX, LEEDS, &device).await;
        assert_eq!(receive_pending_subjects(&app).await, Vec::<String>::new());
    }
);

both!(
    /// ALT-1, ALT-2: a new device and a new country each raise one alert, in plain words.
    new_devices_and_countries_raise_one_alert_each, start, |app| {
        let device = sign_in_by_form(&app, FIREFOX, LONDON, "").await;
        let curl = app.http.post(app.url("/api/v1/sessions")).header("user-agent", "curl/8.5.0").header("x-forwarded-for", LONDON);
        let curl = curl.json(&serde_json::json!({ "identifier": "alice", "password": PASSWORD }));
        assert_eq!(curl.try_clone().unwrap().send().await.unwrap().status(), StatusCode::CREATED);
        let mail = app.smtp.next_for(ALICE).await;
        assert_eq!(mail.subject, "New sign-in from curl, London, United Kingdom");
        for words in ["curl", "London, United Kingdom (approximate)", LONDON, "2026-06-01 12:00:00 UTC", "/sign-in-alert?token="] {
            assert!(mail.text.contains(words) && mail.html.contains(words), "{words}: {mail:?}");
        }
        assert_eq!(curl.send().await.unwrap().status(), StatusCode::CREATED);
        sign_in_by_form(&app, FIREFOX, GERMANY, &device).await;
        let subjects = receive_pending_subjects(&app).await;
        assert!(subjects.len() == 1 && subjects[0].starts_with("New sign-in from Firefox on Windows, "), "{subjects:?}");
        // The same cookie in another browser counts as another device.
        sign_in_by_form(&app, "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", LONDON, &device).await;
        assert_eq!(app.smtp.next_for(ALICE).await.subject, "New sign-in from Firefox on Linux, London, United Kingdom");
    }
);

both!(
    /// ALT-1: a country that was not seen for 90 days counts as new again.
    countries_are_forgotten_after_90_days, start, |app| {
        let device = sign_in_by_form(&app, FIREFOX, LONDON, "").await;
        app.advance(Duration::days(89));
        sign_in_by_form(&app, FIREFOX, LONDON, &device).await;
        app.advance(Duration::days(91));
        sign_in_by_form(&app, FIREFOX, LONDON, &device).await;
        assert_eq!(receive_pending_subjects(&app).await, ["New sign-in from Firefox on Windows, London, United Kingdom"]);
    }
);

both!(
    /// ALT-3: opening the link changes nothing. "This wasn't me" ends the session, forgets the device and leads to a reset. It works once.
    disowning_a_sign_in_ends_its_session, start, |app| {
        let (alice, bob) = (app.sign_in("alice").await, app.sign_in("bob").await);
        let device = sign_in_by_form(&app, FIREFOX, LONDON, "").await;
        let (path, token) = app.smtp.next_for(ALICE).await.link("/sign-in-alert");
        let page = app.get(&path).await;
        assert_eq!((page.status(), page.headers()["referrer-policy"].to_str().unwrap()), (StatusCode::OK, "no-referrer"));
        assert!(page.text().await.unwrap().contains("Firefox on Windows"));
        assert_eq!(alice.sessions().await.len(), 2);
        let reset_path = app.post_form("disown_sign_in", "", &[("token", &token)]).await.json::<String>().await.unwrap();
        assert_eq!(alice.sessions().await.len(), 1);
        assert!(bob.is_signed_in().await);
        let reset = reset_path.strip_prefix("/reset-password?token=").unwrap();
        assert_eq!(app.post_form("disown_sign_in", "", &[("token", &token)]).await.status(), StatusCode::GONE);
        assert_eq!(app.post_form("confirm_sign_in", "", &[("token", &token)]).await.status(), StatusCode::GONE);
        // The device is unknown again.
        sign_in_by_form(&app, FIREFOX, LONDON, &device).await;
        assert!(app.smtp.next_for(ALICE).await.subject.starts_with("New sign-in from Firefox on Windows"));
        let done = app.post_form("reset_password", "", &[("token", reset), ("password", "another staple here")]).await;
        assert_eq!(done.status(), StatusCode::OK);
        assert!(!alice.is_signed_in().await && bob.is_signed_in().await);
        assert_eq!(app.count_events("sign_in.disowned", "success").await, 1);
    }
);

both!(
    /// ALT-3: "This wasn't me" also ends all other sessions, if requested.
    disowning_can_end_all_sessions, start, |app| {
        let (alice, bob) = (app.sign_in("alice").await, app.sign_in("bob").await);
        sign_in_by_form(&app, FIREFOX, LONDON, "").await;
        let (_, token) = app.smtp.next_for(ALICE).await.link("/sign-in-alert");
        assert_eq!(app.post_form("disown_sign_in", "", &[("token", &token), ("everywhere", "yes")]).await.status(), StatusCode::OK);
        assert!(!alice.is_signed_in().await && bob.is_signed_in().await);
    }
);

both!(
    /// ALT-3: "This was me" ends nothing and works once, within 7 days.
    confirming_a_sign_in_ends_nothing, start, |app| {
        let alice = app.sign_in("alice").await;
        sign_in_by_form(&app, FIREFOX, LONDON, "").await;
        let (_, token) = app.smtp.next_for(ALICE).await.link("/sign-in-alert");
        assert_eq!(app.post_form("confirm_sign_in", "", &[("token", &token)]).await.status(), StatusCode::OK);
        assert_eq!(app.post_form("confirm_sign_in", "", &[("token", &token)]).await.status(), StatusCode::GONE);
        assert_eq!(alice.sessions().await.len(), 2);
        sign_in_by_form(&app, FIREFOX, GERMANY, "").await;
        let (_, late) = app.smtp.next_for(ALICE).await.link("/sign-in-alert");
        app.advance(Duration::days(7));
        assert_eq!(app.post_form("disown_sign_in", "", &[("token", &late)]).await.status(), StatusCode::GONE);
    }
);

both!(
    /// ALT-1: a burst of failures sends one email, at most one an hour. Other users receive none.
    a_burst_of_failures_sends_one_mail, start, |app| {
        for _ in 0..12 {
            app.try_sign_in("alice", "wrong password", "curl/8.5.0").await;
            app.advance(Duration::minutes(2));
        }
        assert_eq!(receive_pending_subjects(&app).await, ["Several sign-ins to your account failed"]);
        app.advance(Duration::hours(1));
        app.try_sign_in("alice", "wrong password", "curl/8.5.0").await;
        assert_eq!(app.smtp.next().await.subject, "Several sign-ins to your account failed");
    }
);

const NEW: &str = "a longer staple of horses";

/// Returns the cookie of a device of this user that is known in London, and the one-time token of an alert about a sign-in from Germany.
async fn raise_alert(app: &TestApp, name: &str) -> (String, String) {
    let device = sign_in_by_form_as(app, name, PASSWORD, FIREFOX, LONDON, "").await;
    sign_in_by_form_as(app, name, PASSWORD, FIREFOX, GERMANY, &device).await;
    let (_, link) = app.smtp.next_for(&format!("{name}@example.com")).await.link("/sign-in-alert");
    (device, link)
}

both!(
    /// ALT-3, PWD-5: a reset cancels the account's alert links and forgets its devices, so that the next sign-in raises an alert although
    /// its country is known. Another user's link and device stay.
    a_reset_ends_alert_links_and_known_devices, start, |app| {
        let (device, link) = raise_alert(&app, "alice").await;
        let (bobs, bobs_link) = raise_alert(&app, "bob").await;
        app.post_form("request_password_reset", "", &[("email", ALICE)]).await;
        let reset = app.wait_for_mail(ALICE, "Choose a new password").await.link("/reset-password").1;
        assert_eq!(app.post_form("reset_password", "", &[("token", &reset), ("password", NEW)]).await.status(), StatusCode::OK);
        for (function, link, status) in [
            ("disown_sign_in", &link, StatusCode::GONE),
            ("confirm_sign_in", &link, StatusCode::GONE),
            ("confirm_sign_in", &bobs_link, StatusCode::OK),
        ] {
            assert_eq!(app.post_form(function, "", &[("token", link)]).await.status(), status, "{function}");
        }
        sign_in_by_form_as(&app, "alice", NEW, FIREFOX, LONDON, &device).await;
        app.wait_for_mail(ALICE, "New sign-in from Firefox on Windows, London, United Kingdom").await;
        sign_in_by_form_as(&app, "bob", PASSWORD, FIREFOX, LONDON, &bobs).await;
        sign_in_by_form_as(&app, "bob", PASSWORD, "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", LONDON, "").await;
        let next = app.smtp.next_for("bob@example.com").await;
        assert_eq!(next.subject, "New sign-in from Firefox on Linux, London, United Kingdom", "his own device raised nothing");
    }
);

both!(
    /// ALT-3: an email change does the same, so that whoever reads the old mailbox cannot start a reset.
    an_email_change_ends_alert_links_and_known_devices, start, |app| {
        let (device, link) = raise_alert(&app, "alice").await;
        let (_, bobs_link) = raise_alert(&app, "bob").await;
        change_email(&app, "new@example.com").await;
        assert_eq!(app.post_form("disown_sign_in", "", &[("token", &link)]).await.status(), StatusCode::GONE);
        assert_eq!(app.post_form("disown_sign_in", "", &[("token", &bobs_link)]).await.status(), StatusCode::OK);
        sign_in_by_form(&app, FIREFOX, LONDON, &device).await;
        app.wait_for_mail("new@example.com", "New sign-in from Firefox on Windows, London, United Kingdom").await;
    }
);

/// Changes Alice's email address, confirmed at both addresses.
async fn change_email(app: &TestApp, new: &str) {
    let alice = app.sign_in("alice").await;
    assert_eq!(alice.post_form("change_email", &[("email", new)]).await.status(), StatusCode::OK);
    let subject = "Confirm the change of your email address";
    for address in [ALICE, new] {
        let link = app.wait_for_mail(address, subject).await.link("/verify-email").1;
        assert_eq!(app.post_form("confirm_email_change", "", &[("token", &link)]).await.status(), StatusCode::OK);
    }
}

/// RACE-1, ALT-3: the alert of a sign-in that began before an email change goes to the new address.
#[tokio::test(flavor = "multi_thread")]
async fn an_alert_goes_to_the_current_address() {
    let app = start(crate::support::Backend::Postgres).await;
    sign_in_by_form(&app, FIREFOX, GERMANY, "").await;
    // The account has been read by the time that the attempt waits to be counted.
    let holder = hold(&app, "LOCK TABLE rate_limits IN ACCESS EXCLUSIVE MODE").await;
    let request = app.http.post(app.url("/api/v1/sessions")).header("user-agent", "Wget/1.21.3").header("x-forwarded-for", LONDON);
    let request = request.json(&serde_json::json!({ "identifier": "alice", "password": PASSWORD }));
    let signing_in = tokio::spawn(async move { request.send().await.unwrap().status() });
    wait_until_blocked(&app, 1).await;
    let mut tx = app.services.db.write().await.unwrap();
    let user = whereabouts::accounts::actions::find(&app.services.db, "alice").await.unwrap().account.id;
    whereabouts::accounts::store::set_email(&mut tx, &user, "new@example.com").await.unwrap();
    tx.commit().await.unwrap();
    release(holder).await;
    assert_eq!(signing_in.await.unwrap(), StatusCode::CREATED);
    let mail = app.smtp.next().await;
    assert_eq!((mail.to.as_str(), mail.subject.as_str()), ("new@example.com", "New sign-in from Wget, London, United Kingdom"));
}

both!(
    /// ALT-1: a device is known for 400 days after its last sign-in and removed afterwards. One that is used stays.
    devices_are_forgotten_after_400_days, start, |app| {
        let (device, bobs) = (sign_in_by_form(&app, FIREFOX, LONDON, "").await, sign_in_by_form_as(&app, "bob", PASSWORD, FIREFOX, LONDON, "").await);
        // Another device of each user keeps the country known.
        let other = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";
        let mut kept = [String::new(), String::new()];
        for _ in 0..5 {
            app.advance(Duration::days(80) - Duration::microseconds(1));
            for (name, cookie) in ["alice", "bob"].into_iter().zip(&mut kept) {
                let new_cookie = sign_in_by_form_as(&app, name, PASSWORD, other, LONDON, cookie).await;
                *cookie = if cookie.is_empty() { new_cookie } else { cookie.clone() };
            }
        }
        assert!(receive_pending_subjects(&app).await.iter().all(|subject| subject.contains("Linux")));
        sign_in_by_form_as(&app, "bob", PASSWORD, FIREFOX, LONDON, &bobs).await;
        app.advance(Duration::microseconds(5));
        whereabouts::sessions::cleanup::clean_up(&app.services).await.unwrap();
        let mut db = app.services.db.read().await.unwrap();
        let (left,): (i64,) = whereabouts::fetch!(&mut db, fetch_one as (i64,), "SELECT COUNT(*) FROM known_devices").unwrap();
        drop(db);
        assert_eq!(left, 3, "alice's first is forgotten");
        sign_in_by_form(&app, FIREFOX, LONDON, &device).await;
        assert_eq!(receive_pending_subjects(&app).await, ["New sign-in from Firefox on Windows, London, United Kingdom"]);
    }
);

both!(
    /// ALT-1: the "New location" badge and the alert follow the same rule: a country is new if it was not seen for 90 days.
    badge_and_alert_agree, start, |app| {
        let device = sign_in_by_form(&app, FIREFOX, LONDON, "").await;
        let newest = async || {
            let alice = app.sign_in("alice").await;
            let rows = alice.sessions().await;
            rows.iter().find(|row| row["device"]["label"] == "Firefox on Windows").unwrap()["new_location"].as_bool().unwrap()
        };
        let mut is_new = vec![newest().await];
        for (address, days) in [(GERMANY, 1), (LEEDS, 1), (GERMANY, 91), (LEEDS, 1)] {
            app.advance(Duration::days(days));
            receive_pending_subjects(&app).await;
            sign_in_by_form(&app, FIREFOX, address, &device).await;
            let is_alerted = receive_pending_subjects(&app).await.len() == 1;
            assert_eq!(newest().await, is_alerted, "{address}, {days} days later");
            is_new.push(is_alerted);
        }
        assert_eq!(is_new, [false, true, false, true, true]);
    }
);
