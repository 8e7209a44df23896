//! The Profile tab over HTTP: name, username, time zone, email address and recent activity.

use crate::support::{Client, PASSWORD, TestApp};
use chrono::Duration;
use reqwest::{Method, StatusCode};

async fn page(client: &Client<'_>) -> String {
    client.browser(Method::GET, "/profile?tab=profile").send().await.unwrap().text().await.unwrap()
}

async fn edit_profile(client: &Client<'_>, name: &str, username: &str, time_zone: &str) -> StatusCode {
    client.post_form("update_profile", &[("name", name), ("username", username), ("time_zone", time_zone)]).await.status()
}

/// Waits for both links of an email change. Returns their one-time tokens, that of the old address first.
async fn receive_links(app: &TestApp, new: &str) -> (String, String) {
    let old = loop {
        let mail = app.smtp.next_for("alice@example.com").await;
        if mail.subject.starts_with("Confirm the change") {
            break mail.link("/verify-email").1;
        }
    };
    (old, app.smtp.next_for(new).await.link("/verify-email").1)
}

both!(
    /// A user edits their profile. Usernames of others, and names that look like them, are refused.
    a_profile_can_be_edited, |app| {
        app.add_user("alice").await;
        app.add_user("bob").await;
        let alice = app.sign_in("alice").await;
        assert_eq!(edit_profile(&alice, " Alice <Lindqvist> ", "alice.l", "Europe/Stockholm").await, StatusCode::OK);
        let me = alice.json("/api/v1/me").await;
        assert_eq!((me["name"].as_str(), me["username"].as_str(), me["time_zone"].as_str()), (Some("Alice <Lindqvist>"), Some("alice.l"), Some("Europe/Stockholm")));
        let shown = page(&alice).await;
        assert!(shown.contains("GMT+02:00") && shown.contains("Profile changed") && !shown.contains("<Lindqvist>"), "{shown}");
        for (name, username, zone) in [("", "alice", "UTC"), ("a\nb", "alice", "UTC"), ("A", "b0b", "UTC"), ("A", "admin", "UTC"), ("A", "alice", "Mars/Base")] {
            assert_eq!(edit_profile(&alice, name, username, zone).await, StatusCode::UNPROCESSABLE_ENTITY, "{name:?} {username} {zone}");
        }
        assert_eq!(app.try_sign_in("alice.l", PASSWORD, "curl/8.5.0").await.status(), StatusCode::CREATED);
        assert_eq!(app.try_sign_in("alice", PASSWORD, "curl/8.5.0").await.status(), StatusCode::UNAUTHORIZED);
    }
);

both!(
    /// The email address changes once both addresses have confirmed, each with its own link, which works once. Both are notified (ALT-1,
    /// ALT-3).
    an_email_change_needs_both_confirmations, |app| {
        app.add_user("alice").await;
        app.add_user("bob").await;
        let (alice, bob) = (app.sign_in("alice").await, app.sign_in("bob").await);
        assert_eq!(alice.post_form("change_email", &[("email", "new@example.com")]).await.status(), StatusCode::OK);
        assert!(page(&alice).await.contains("new@example.com"));
        let (old, new) = receive_links(&app, "new@example.com").await;
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
            assert_eq!(app.smtp.next_for(address).await.subject, "Your email address was changed");
        }
        assert_eq!(app.count_events("email.changed", "success").await, 1);
    }
);

both!(
    /// One confirmation alone changes nothing, and a change that is canceled, replaced or a day old has no effect.
    an_unconfirmed_email_change_has_no_effect, |app| {
        app.add_user("alice").await;
        let alice = app.sign_in("alice").await;
        let confirm = async |link: &str| app.post_form("confirm_email_change", "", &[("token", link)]).await.status();
        alice.post_form("change_email", &[("email", "one@example.com")]).await;
        let (first, _) = receive_links(&app, "one@example.com").await;
        alice.post_form("change_email", &[("email", "two@example.com")]).await;
        let (old, new) = receive_links(&app, "two@example.com").await;
        assert_eq!(confirm(&first).await, StatusCode::GONE);
        assert_eq!(confirm(&old).await, StatusCode::OK);
        assert_eq!(alice.post_form("cancel_email_change", &[]).await.status(), StatusCode::OK);
        assert_eq!(confirm(&new).await, StatusCode::GONE);
        app.advance(Duration::hours(2));
        let confirmed = alice.post_form("confirm_password", &[("password", PASSWORD), ("next", "/")]).await;
        let token = confirmed.headers()["set-cookie"].to_str().unwrap().split(['=', ';']).nth(1).unwrap().to_owned();
        let alice = Client { token, ..alice };
        alice.post_form("change_email", &[("email", "three@example.com")]).await;
        let (old, _) = receive_links(&app, "three@example.com").await;
        app.advance(Duration::days(1));
        assert_eq!(confirm(&old).await, StatusCode::GONE);
        assert_eq!(alice.json("/api/v1/me").await["email"], "alice@example.com");
    }
);

both!(
    /// Actions that could take over the account require the password again after 10 minutes, and redirect to it.
    an_email_change_requires_recent_reauthentication, |app| {
        app.add_user("alice").await;
        let alice = app.sign_in("alice").await;
        app.advance(Duration::minutes(11));
        let answer = alice.post_form("change_email", &[("email", "new@example.com")]).await;
        assert_eq!(answer.json::<String>().await.unwrap(), "/confirm?next=%2Fprofile%3Ftab%3Dprofile");
        assert_eq!(app.count_events("email.change_requested", "success").await, 0);
    }
);

both!(
    /// ALT-1, LOG-1: changing the username requires recent reauthentication and is notified by email. Changing only name and time zone is
    /// not.
    a_username_change_requires_recent_reauthentication, |app| {
        app.add_user("alice").await;
        app.add_user("bob").await;
        let (alice, bob) = (app.sign_in("alice").await, app.sign_in("bob").await);
        assert_eq!(edit_profile(&bob, "Bob", "bobby", "UTC").await, StatusCode::OK);
        let mail = app.smtp.next().await;
        assert_eq!((mail.to.as_str(), mail.subject.as_str()), ("bob@example.com", "Your username was changed"));
        assert!(["bob\r\n", "bobby", "127.0.0.1"].iter().all(|words| mail.text.contains(words)), "{mail:?}");
        app.advance(Duration::minutes(11));
        assert_eq!(edit_profile(&alice, "Alice L", "alice", "Europe/Stockholm").await, StatusCode::OK);
        let answer = alice.post_form("update_profile", &[("name", "Mallory"), ("username", "mallory"), ("time_zone", "UTC")]).await;
        assert_eq!(answer.json::<String>().await.unwrap(), "/confirm?next=%2Fprofile%3Ftab%3Dprofile");
        let me = alice.json("/api/v1/me").await;
        assert_eq!((me["name"].as_str(), me["username"].as_str()), (Some("Alice L"), Some("alice")));
        assert_eq!(app.count_events("profile.changed", "success").await, 2);
        assert!(app.smtp.take_all().await.is_empty());
    }
);

both!(
    /// ENU-1: an address that another account has gets the same response as a free one. Only its owner is notified.
    the_address_of_another_account_reveals_nothing, |app| {
        app.add_user("alice").await;
        app.add_user("bob").await;
        let alice = app.sign_in("alice").await;
        let mut answers = Vec::new();
        for email in ["bob@example.com", "nobody@example.com"] {
            let answer = alice.post_form("change_email", &[("email", email)]).await;
            answers.push((answer.status(), answer.text().await.unwrap()));
        }
        assert_eq!(answers[0], answers[1]);
        let mail = app.smtp.next_for("bob@example.com").await;
        assert_eq!(mail.subject, "Someone tried to use your email address");
        assert!(!mail.text.contains("token="));
    }
);

both!(
    /// Shows the last twenty events of this account only, newest first.
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
