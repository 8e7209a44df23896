//! The Profile tab over HTTP: name, username, time zone, email address, and what happened last.
#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

mod support;

use chrono::Duration;
use reqwest::{Method, StatusCode};
use support::{Client, PASSWORD, TestApp};

async fn page(client: &Client<'_>) -> String {
    client.browser(Method::GET, "/profile?tab=profile").send().await.unwrap().text().await.unwrap()
}

async fn describe(client: &Client<'_>, name: &str, username: &str, time_zone: &str) -> StatusCode {
    client.post_form("describe_person", &[("name", name), ("username", username), ("time_zone", time_zone)]).await.status()
}

/// Both links of a change, the old address's first.
async fn links(app: &TestApp, new: &str) -> (String, String) {
    let old = loop {
        let mail = app.smtp.next_to("alice@example.com").await;
        if mail.subject.starts_with("Confirm the change") {
            break mail.link("/verify-email").1;
        }
    };
    (old, app.smtp.next_to(new).await.link("/verify-email").1)
}

both!(
    /// A person says who they are; names of others, and those that look like them, stay theirs.
    a_person_describes_themselves, |app| {
        app.add_user("alice").await;
        app.add_user("bob").await;
        let alice = app.sign_in("alice").await;
        assert_eq!(describe(&alice, " Alice <Lindqvist> ", "alice.l", "Europe/Stockholm").await, StatusCode::OK);
        let me = alice.json("/api/v1/me").await;
        assert_eq!((me["name"].as_str(), me["username"].as_str(), me["time_zone"].as_str()), (Some("Alice <Lindqvist>"), Some("alice.l"), Some("Europe/Stockholm")));
        let shown = page(&alice).await;
        assert!(shown.contains("GMT+02:00") && shown.contains("Profile changed") && !shown.contains("<Lindqvist>"), "{shown}");
        for (name, username, zone) in [("", "alice", "UTC"), ("a\nb", "alice", "UTC"), ("A", "b0b", "UTC"), ("A", "admin", "UTC"), ("A", "alice", "Mars/Base")] {
            assert_eq!(describe(&alice, name, username, zone).await, StatusCode::UNPROCESSABLE_ENTITY, "{name:?} {username} {zone}");
        }
        assert_eq!(app.try_sign_in("alice.l", PASSWORD, "curl/8.5.0").await.status(), StatusCode::CREATED);
        assert_eq!(app.try_sign_in("alice", PASSWORD, "curl/8.5.0").await.status(), StatusCode::UNAUTHORIZED);
    }
);

both!(
    /// An address changes once both addresses said so, each by its own link, once; both are told (ALT-1, ALT-3).
    an_address_is_confirmed_at_both, |app| {
        app.add_user("alice").await;
        app.add_user("bob").await;
        let (alice, bob) = (app.sign_in("alice").await, app.sign_in("bob").await);
        assert_eq!(alice.post_form("change_email", &[("email", "new@example.com")]).await.status(), StatusCode::OK);
        assert!(page(&alice).await.contains("new@example.com"));
        let (old, new) = links(&app, "new@example.com").await;
        let opened = app.get(&format!("/verify-email?token={new}")).await;
        assert_eq!((opened.status(), opened.headers()["referrer-policy"].to_str().unwrap()), (StatusCode::OK, "no-referrer"));
        for (link, status) in [(&new, StatusCode::OK), (&new, StatusCode::GONE)] {
            assert_eq!(app.post_form("confirm_email_change", "", &[("token", link)]).await.status(), status);
            assert_eq!(alice.json("/api/v1/me").await["email"], "alice@example.com");
        }
        assert_eq!(app.post_form("confirm_email_change", "", &[("token", &old)]).await.status(), StatusCode::OK);
        assert_eq!(alice.json("/api/v1/me").await["email"], "new@example.com");
        assert_eq!(bob.json("/api/v1/me").await["email"], "bob@example.com");
        for address in ["alice@example.com", "new@example.com"] {
            assert_eq!(app.smtp.next_to(address).await.subject, "Your email address was changed");
        }
        assert_eq!(app.on_record("email_changed", "success").await, 1);
    }
);

both!(
    /// One address alone changes nothing; a change that was canceled, replaced or left for a day is none.
    a_change_that_is_not_confirmed_is_none, |app| {
        app.add_user("alice").await;
        let alice = app.sign_in("alice").await;
        let confirm = async |link: &str| app.post_form("confirm_email_change", "", &[("token", link)]).await.status();
        alice.post_form("change_email", &[("email", "one@example.com")]).await;
        let (first, _) = links(&app, "one@example.com").await;
        alice.post_form("change_email", &[("email", "two@example.com")]).await;
        let (old, new) = links(&app, "two@example.com").await;
        assert_eq!(confirm(&first).await, StatusCode::GONE);
        assert_eq!(confirm(&old).await, StatusCode::OK);
        assert_eq!(alice.post_form("cancel_email_change", &[]).await.status(), StatusCode::OK);
        assert_eq!(confirm(&new).await, StatusCode::GONE);
        app.advance(Duration::hours(2));
        let confirmed = alice.post_form("confirm_password", &[("password", PASSWORD), ("next", "/")]).await;
        let token = confirmed.headers()["set-cookie"].to_str().unwrap().split(['=', ';']).nth(1).unwrap().to_owned();
        let alice = Client { token, ..alice };
        alice.post_form("change_email", &[("email", "three@example.com")]).await;
        let (old, _) = links(&app, "three@example.com").await;
        app.advance(Duration::days(1));
        assert_eq!(confirm(&old).await, StatusCode::GONE);
        assert_eq!(alice.json("/api/v1/me").await["email"], "alice@example.com");
    }
);

both!(
    /// What could take the account over asks for the password again after 10 minutes, and leads there.
    an_old_proof_is_asked_for_again, |app| {
        app.add_user("alice").await;
        let alice = app.sign_in("alice").await;
        app.advance(Duration::minutes(11));
        let answer = alice.post_form("change_email", &[("email", "new@example.com")]).await;
        assert_eq!(answer.json::<String>().await.unwrap(), "/confirm?next=%2Fprofile%3Ftab%3Dprofile");
        assert_eq!(app.on_record("email_change_asked_for", "success").await, 0);
    }
);

both!(
    /// ALT-1, LOG-1: another username asks for recent authentication and is notified by mail; name and time zone alone do not.
    another_username_asks_for_recent_authentication, |app| {
        app.add_user("alice").await;
        app.add_user("bob").await;
        let (alice, bob) = (app.sign_in("alice").await, app.sign_in("bob").await);
        assert_eq!(describe(&bob, "Bob", "bobby", "UTC").await, StatusCode::OK);
        let mail = app.smtp.next().await;
        assert_eq!((mail.to.as_str(), mail.subject.as_str()), ("bob@example.com", "Your username was changed"));
        assert!(["bob\r\n", "bobby", "127.0.0.1"].iter().all(|words| mail.text.contains(words)), "{mail:?}");
        app.advance(Duration::minutes(11));
        assert_eq!(describe(&alice, "Alice L", "alice", "Europe/Stockholm").await, StatusCode::OK);
        let answer = alice.post_form("describe_person", &[("name", "Mallory"), ("username", "mallory"), ("time_zone", "UTC")]).await;
        assert_eq!(answer.json::<String>().await.unwrap(), "/confirm?next=%2Fprofile%3Ftab%3Dprofile");
        let me = alice.json("/api/v1/me").await;
        assert_eq!((me["name"].as_str(), me["username"].as_str()), (Some("Alice L"), Some("alice")));
        assert_eq!(app.on_record("profile_changed", "success").await, 2);
        assert!(app.smtp.all().await.is_empty());
    }
);

both!(
    /// ENU-1: an address that somebody has answers as one that nobody has; its owner alone is told.
    an_address_of_another_tells_nothing, |app| {
        app.add_user("alice").await;
        app.add_user("bob").await;
        let alice = app.sign_in("alice").await;
        let mut answers = Vec::new();
        for email in ["bob@example.com", "nobody@example.com"] {
            let answer = alice.post_form("change_email", &[("email", email)]).await;
            answers.push((answer.status(), answer.text().await.unwrap()));
        }
        assert_eq!(answers[0], answers[1]);
        let mail = app.smtp.next_to("bob@example.com").await;
        assert_eq!(mail.subject, "Your email address was asked for");
        assert!(!mail.text.contains("token="));
    }
);

both!(
    /// The last twenty events of the account alone, newest first.
    recent_activity_is_shown, |app| {
        app.add_user("alice").await;
        app.add_user("bob").await;
        let alice = app.sign_in("alice").await;
        app.try_sign_in("bob", "wrong password", "curl/8.5.0").await;
        for _ in 0..21 {
            app.advance(Duration::seconds(1));
            app.sign_in("alice").await;
        }
        app.advance(Duration::seconds(1));
        app.try_sign_in("alice", "wrong password", "curl/8.5.0").await;
        let shown = page(&alice).await;
        assert_eq!((shown.matches("Signed in<").count(), shown.matches("Sign-in failed").count()), (19, 1));
        assert!(shown.find("Sign-in failed").unwrap() < shown.find("Signed in<").unwrap());
    }
);
