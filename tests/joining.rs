//! Registration over HTTP: invitations, open registration and access requests. Also administration of accounts.

use crate::support::{Backend, Client, PASSWORD, TestApp};
use reqwest::{Method, StatusCode};

const NEW: &str = "a longer staple of horses";

async fn accept_invitation(app: &TestApp, token: &str, username: &str) -> StatusCode {
    app.post_form("accept_invitation", "", &[("token", token), ("username", username), ("password", NEW)]).await.status()
}

/// Waits for the invitation to this address. Returns the one-time token of its link.
async fn receive_invitation(app: &TestApp, address: &str) -> String {
    app.smtp.next_for(address).await.link("/register").1
}

async fn page(client: &Client<'_>, path: &str) -> String {
    client.browser(Method::GET, path).send().await.unwrap().text().await.unwrap()
}

/// Returns the text of a page between `before` and the next `after`.
fn between<'a>(page: &'a str, before: &str, after: &str) -> &'a str {
    let start = page.find(before).unwrap_or_else(|| panic!("no {before} in {page}")) + before.len();
    &page[start..start + page[start..].find(after).unwrap()]
}

both!(
    /// An administrator invites somebody. The link creates one account, with the address that it was sent to.
    an_invitation_creates_one_account, |app| {
        app.add_admin("root").await;
        let root = app.sign_in("root").await;
        assert_eq!(root.post_form("invite", &[("email", "carol@example.com")]).await.status(), StatusCode::OK);
        let token = receive_invitation(&app, "carol@example.com").await;
        let opened = app.get(&format!("/register?token={token}")).await;
        assert_eq!(opened.headers()["referrer-policy"], "no-referrer");
        assert!(opened.text().await.unwrap().contains("carol@example.com"));
        for (bad, words) in [("admin", "is reserved"), ("R00T", "is reserved"), ("a b", "3 to 32"), ("carol@home", "3 to 32")] {
            let answer = app.post_form("accept_invitation", "", &[("token", &token), ("username", bad), ("password", NEW)]).await;
            assert_eq!(answer.status(), StatusCode::UNPROCESSABLE_ENTITY, "{bad}");
            assert!(answer.text().await.unwrap().contains(words), "{bad}");
        }
        assert_eq!(accept_invitation(&app, &token, "carol").await, StatusCode::OK);
        assert_eq!(accept_invitation(&app, &token, "carol2").await, StatusCode::GONE);
        let signed_in = app.try_sign_in("carol@example.com", NEW, "curl/8.5.0").await;
        assert_eq!(signed_in.status(), StatusCode::CREATED);
        let again = root.post_form("invite", &[("email", "Carol@Example.com")]).await;
        assert_eq!(again.status(), StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(app.count_events("invitation.created", "success").await, 1);
        assert_eq!(app.count_events("account.created", "success").await, 2);
    }
);

both!(
    /// Usernames that look alike count as the same, regardless of case.
    look_alike_usernames_are_refused, |app| {
        app.add_user("alice").await;
        app.add_admin("root").await;
        let root = app.sign_in("root").await;
        root.post_form("invite", &[("email", "mallory@example.com")]).await;
        let token = receive_invitation(&app, "mallory@example.com").await;
        for taken in ["alice", "ALICE", "AIice", "a1ice"] {
            assert_eq!(accept_invitation(&app, &token, taken).await, StatusCode::UNPROCESSABLE_ENTITY, "{taken}");
        }
        assert_eq!(accept_invitation(&app, &token, "mallory").await, StatusCode::OK);
    }
);

both!(
    /// API-1, LOG-1: only administrators may administer. Attempts by others are refused, recorded, and change nothing.
    only_administrators_administer, |app| {
        app.add_user("alice").await;
        app.add_user("bob").await;
        let (alice, bob) = (app.sign_in("alice").await, app.sign_in("bob").await);
        let user = alice.json("/api/v1/me").await["id"].as_str().unwrap().to_owned();
        let refused = bob.browser(Method::GET, "/admin").send().await.unwrap();
        assert_eq!(refused.status(), StatusCode::FORBIDDEN);
        assert!(!refused.text().await.unwrap().contains("alice@example.com"));
        for (function, fields) in [
            ("invite", vec![("email", "x@example.com")]),
            ("manage_user", vec![("user", user.as_str()), ("operation", "disable")]),
            ("decide_access_request", vec![("id", user.as_str()), ("decision", "invite")]),
        ] {
            assert_eq!(bob.post_form(function, &fields).await.status(), StatusCode::FORBIDDEN, "{function}");
        }
        assert!(alice.is_signed_in().await);
        assert_eq!(app.count_events("administration.refused", "refused").await, 4);
        assert!(page(&bob, "/profile?tab=profile").await.contains("Administration refused"));
    }
);

both!(
    /// SES-5, SES-10, PWD-8: an administrator signs a user out, disables and enables the account, and starts a reset. Other users' sessions
    /// stay.
    an_administrator_manages_an_account, |app| {
        app.add_admin("root").await;
        app.add_user("alice").await;
        app.add_user("bob").await;
        let (root, alice, bob) = (app.sign_in("root").await, app.sign_in("alice").await, app.sign_in("bob").await);
        let user = alice.json("/api/v1/me").await["id"].as_str().unwrap().to_owned();
        let own = root.json("/api/v1/me").await["id"].as_str().unwrap().to_owned();
        let act = async |user: &str, action: &str| root.post_form("manage_user", &[("user", user), ("operation", action)]).await.status();
        assert_eq!(act(&user, "sign_out").await, StatusCode::OK);
        assert!(!alice.is_signed_in().await && bob.is_signed_in().await && root.is_signed_in().await);
        let alice = app.sign_in("alice").await;
        assert_eq!(act(&user, "disable").await, StatusCode::OK);
        assert!(!alice.is_signed_in().await && bob.is_signed_in().await);
        assert_eq!(app.try_sign_in("alice", PASSWORD, "curl/8.5.0").await.status(), StatusCode::UNAUTHORIZED);
        assert_eq!(act(&user, "enable").await, StatusCode::OK);
        assert_eq!(app.try_sign_in("alice", PASSWORD, "curl/8.5.0").await.status(), StatusCode::CREATED);
        assert_eq!(act(&user, "reset").await, StatusCode::OK);
        let token = app.smtp.next_for("alice@example.com").await.link("/reset-password").1;
        assert_eq!(app.post_form("reset_password", "", &[("token", &token), ("password", NEW)]).await.status(), StatusCode::OK);
        assert_eq!(act(&own, "disable").await, StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(act("x", "disable").await, StatusCode::NOT_FOUND);
        assert_eq!(act(&user, "x").await, StatusCode::NOT_FOUND);
        let shown = page(&root, "/admin?search=ALI").await;
        assert!(shown.contains("alice@example.com") && !shown.contains("bob@example.com"));
        assert!(!page(&root, "/admin?search=%25").await.contains("alice@example.com"));
    }
);

both!(
    /// SES-10: an administrator ends all sessions of everybody at once except the current one, and only after confirming it.
    an_administrator_signs_everybody_out, |app| {
        app.add_admin("root").await;
        app.add_user("alice").await;
        app.add_user("bob").await;
        let (root, elsewhere) = (app.sign_in("root").await, app.sign_in("root").await);
        let (alice, bob) = (app.sign_in("alice").await, app.sign_in("bob").await);
        assert_eq!(alice.post_form("sign_everybody_out", &[("confirmed", "yes")]).await.status(), StatusCode::FORBIDDEN);
        assert_eq!(root.post_form("sign_everybody_out", &[]).await.status(), StatusCode::UNPROCESSABLE_ENTITY);
        assert!(alice.is_signed_in().await && bob.is_signed_in().await && elsewhere.is_signed_in().await);
        assert_eq!(root.post_form("sign_everybody_out", &[("confirmed", "yes")]).await.status(), StatusCode::OK);
        assert!(!alice.is_signed_in().await && !bob.is_signed_in().await && !elsewhere.is_signed_in().await);
        assert!(root.is_signed_in().await && app.sign_in("alice").await.is_signed_in().await);
    }
);

both!(
    /// Access requests all get the same response (ENU-1). Administrators see them, and invite or decline.
    access_requests_are_invited_or_declined, |app| {
        app.add_admin("root").await;
        let root = app.sign_in("root").await;
        let mut answers = Vec::new();
        for email in ["carol@example.com", "dave@example.com", "root@example.com", "carol@example.com"] {
            let answer = app.post_form("request_access", "", &[("email", email), ("message", "<b>Let me in</b>")]).await;
            let headers: Vec<_> = answer.headers().iter().filter(|(name, _)| !["date", "x-request-id"].contains(&name.as_str())).map(|(name, value)| (name.clone(), value.clone())).collect();
            answers.push((answer.status(), headers, answer.text().await.unwrap()));
        }
        assert!(answers[0].0 == StatusCode::OK && answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
        app.wait_for_background_jobs().await;
        let shown = page(&root, "/admin").await;
        assert_eq!(shown.matches("Let me in").count(), 2);
        assert!(!shown.contains("<b>Let me in"));
        let id_of = |email: &str| between(&shown[shown.find(email).unwrap()..], "name=\"id\" value=\"", "\"").to_owned();
        let (carol, dave) = (id_of("carol@example.com"), id_of("dave@example.com"));
        assert_eq!(root.post_form("decide_access_request", &[("id", &dave), ("decision", "decline")]).await.status(), StatusCode::OK);
        assert_eq!(root.post_form("decide_access_request", &[("id", &carol), ("decision", "invite")]).await.status(), StatusCode::OK);
        assert_eq!(root.post_form("decide_access_request", &[("id", &carol), ("decision", "invite")]).await.status(), StatusCode::NOT_FOUND);
        assert!(!page(&root, "/admin").await.contains("Let me in"));
        // The next email is Carol's, so Dave was sent none.
        let mail = app.smtp.next().await;
        assert_eq!(mail.to, "carol@example.com");
        assert_eq!(accept_invitation(&app, &mail.link("/register").1, "carol").await, StatusCode::OK);
        assert_eq!(app.count_events("access.declined", "success").await, 1);
    }
);

/// Registration is closed unless the settings open it.
#[tokio::test(flavor = "multi_thread")]
async fn registration_is_closed_by_default() {
    let app = TestApp::start(Backend::Sqlite).await;
    assert_eq!(app.post_form("request_registration", "", &[("email", "carol@example.com")]).await.status(), StatusCode::NOT_FOUND);
    assert!(app.get("/register").await.text().await.unwrap().contains("by invitation"));
}

/// ENU-1, LIM-3: with open registration, every address gets the same response, and an email that only its owner reads.
#[tokio::test(flavor = "multi_thread")]
async fn open_registration_reveals_nothing() {
    let app = TestApp::start_with(Backend::Sqlite, &["--registration", "open"]).await;
    app.add_user("alice").await;
    let mut answers = Vec::new();
    for email in ["alice@example.com", "carol@example.com"] {
        let answer = app.post_form("request_registration", "", &[("email", email)]).await;
        answers.push((answer.status(), answer.text().await.unwrap()));
    }
    assert_eq!(answers[0], answers[1]);
    assert_eq!(app.smtp.next().await.subject, "You have a Whereabouts account");
    let token = receive_invitation(&app, "carol@example.com").await;
    assert_eq!(accept_invitation(&app, &token, "carol").await, StatusCode::OK);
    for _ in 0..6 {
        app.post_form("request_registration", "", &[("email", "dave@example.com")]).await;
    }
    app.post_form("request_registration", "", &[("email", "last@example.com")]).await;
    let mut to_dave = 0;
    while app.smtp.next().await.to == "dave@example.com" {
        to_dave += 1;
    }
    assert_eq!(to_dave, 4);
    let bad = app.post_form("request_registration", "", &[("email", "a@b\r\nBcc: c@d")]).await;
    assert_eq!(bad.status(), StatusCode::UNPROCESSABLE_ENTITY);
}
