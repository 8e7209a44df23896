//! Sessions that ended: the list of the API, and the section of the Security tab.

use crate::support::{Client, FIREFOX, PASSWORD, TestApp, totp::page};
use chrono::Duration;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use whereabouts::{
    foundation::ids::SessionId,
    sessions::{cleanup, epoch},
};

const CURL: &str = "curl/8.5.0";
const SECURITY: &str = "/profile?tab=security";

async fn list(client: &Client<'_>) -> Vec<Value> {
    client.json("/api/v1/sessions/ended").await["sessions"].as_array().unwrap().clone()
}

/// Returns the id, the reason and who ended it, of each ended session.
async fn summaries(client: &Client<'_>) -> Vec<(String, String, Value)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    list(client).await.into_iter().map(|row| (text(&row["id"]), text(&row["end_reason"]), row["ended_by"].clone())).collect()
}

/// Returns the section of a page; empty if there is none.
async fn section(client: &Client<'_>, path: &str) -> String {
    let page = page(client, path).await.replace("<!>", "");
    page.split_once("class=\"card section ended\"").map_or(String::new(), |(_, rest)| rest.split("</section>").next().unwrap().to_owned())
}

async fn add_alice_and_bob(app: &TestApp) {
    app.add_user("alice").await;
    app.add_user("bob").await;
}

both!(
    /// Its owner sees who ended a session, and from which device or with which API token, before and after it is archived. Others see nothing.
    ends_say_who_and_from_where, |app| {
        add_alice_and_bob(&app).await;
        let (here, bob) = (app.sign_in_as("alice", FIREFOX).await, app.sign_in("bob").await);
        let token = here.create_token("Night watch", "sessions", CURL).await;
        let lost = [app.sign_in("alice").await, app.sign_in("alice").await, app.sign_in_as("alice", "Wget/1.21.3").await];
        assert_eq!((list(&here).await.len(), section(&here, SECURITY).await), (0, String::new()));
        for (ender, lost) in [(&here, &lost[0]), (&token, &lost[1]), (&lost[2], &lost[2])] {
            app.advance(Duration::minutes(1));
            let id = if ender.id == lost.id { "current" } else { &lost.id };
            assert_eq!(ender.delete(&format!("/api/v1/sessions/{id}")).await.status(), StatusCode::NO_CONTENT);
        }
        assert!(bob.is_signed_in().await);
        let expected = [
            (lost[2].id.clone(), "signed_out".to_owned(), json!({ "kind": "session", "id": lost[2].id, "name": "Wget" })),
            (lost[1].id.clone(), "revoked".to_owned(), json!({ "kind": "api_token", "id": token.id, "name": "Night watch" })),
            (lost[0].id.clone(), "revoked".to_owned(), json!({ "kind": "session", "id": here.id, "name": "Firefox on Windows" })),
        ];
        for _ in 0..2 {
            assert_eq!(summaries(&here).await, expected);
            let section = section(&here, SECURITY).await;
            for words in ["Signed out</span><small>on the device itself", "Revoked by you</span><small>with the API token Night watch", "from Firefox on Windows", "today at 12:03"] {
                assert!(section.contains(words), "{words}: {section}");
            }
            assert!(section.contains(&format!("/audit?q=session:{}", lost[0].id)), "{section}");
            assert_eq!((list(&bob).await.len(), self::section(&bob, SECURITY).await), (0, String::new()));
            cleanup::clean_up(&app.services).await.unwrap();
        }
        let row = &list(&here).await[0];
        assert_eq!((&row["device"]["label"], &row["ip"], &row["ended_at"]), (&json!("Wget"), &json!("127.0.0.1"), &json!("2026-06-01T12:03:00Z")));
        assert_eq!(app.count("SELECT COUNT(*) FROM sessions WHERE ended_at IS NOT NULL").await, 0);
    }
);

both!(
    /// Revoke All and a new password say from which device, too. What had expired before nobody ended.
    all_others_end_from_one_device, |app| {
        add_alice_and_bob(&app).await;
        let (expired, here, bob) = (app.sign_in("alice").await, app.sign_in_as("alice", FIREFOX).await, app.sign_in("bob").await);
        app.advance(Duration::days(10));
        assert!(here.is_signed_in().await && bob.is_signed_in().await);
        app.advance(Duration::days(5));
        let revoked = app.sign_in("alice").await;
        assert_eq!(here.delete("/api/v1/sessions").await.json::<Value>().await.unwrap()["revoked"], 1);
        app.advance(Duration::minutes(1));
        let changed = app.sign_in("alice").await;
        let passwords = json!({ "current": PASSWORD, "new": "a longer staple of horses" });
        let answer: Value = here.request(Method::PUT, "/api/v1/me/password").json(&passwords).send().await.unwrap().json().await.unwrap();
        let here = Client { token: answer["token"].as_str().unwrap().to_owned(), ..here };
        let firefox = json!({ "kind": "session", "id": here.id, "name": "Firefox on Windows" });
        let mut found = summaries(&here).await;
        found[1..].sort_by_key(|(_, reason, _)| reason.clone());
        let end = |client: &Client<'_>, reason: &str, by: &Value| (client.id.clone(), reason.to_owned(), by.clone());
        assert_eq!(found, [end(&changed, "password_changed", &firefox), end(&expired, "idle_timeout", &Value::Null), end(&revoked, "revoked", &firefox)]);
        let section = section(&here, SECURITY).await;
        for words in ["Expired</span><small>14 days without use", "Password changed</span><small>from Firefox on Windows"] {
            assert!(section.contains(words), "{words}: {section}");
        }
        assert!(list(&bob).await.is_empty() && bob.is_signed_in().await);
    }
);

both!(
    /// Administrators are not named, and signing everybody out counts before the rows are ended.
    administrators_are_not_named, |app| {
        app.add_admin("root").await;
        add_alice_and_bob(&app).await;
        let (root, bob) = (app.sign_in_as("root", FIREFOX).await, app.sign_in("bob").await);
        let id = async |name: &str| whereabouts::accounts::actions::find(&app.services.db, name).await.unwrap().account.id.to_string();
        let manage = async |operation: &str, user: &str| {
            let done = root.post_form("manage_user", &[("user", &id(user).await), ("operation", operation)]).await;
            assert_eq!(done.status(), StatusCode::OK);
        };
        let one = app.sign_in("alice").await;
        manage("sign_out", "alice").await;
        let two = app.sign_in("alice").await;
        app.advance(Duration::minutes(1));
        manage("disable", "alice").await;
        manage("enable", "alice").await;
        let three = app.sign_in("alice").await;
        app.advance(Duration::minutes(1));
        assert!(list(&bob).await.is_empty() && bob.is_signed_in().await);
        assert_eq!(root.post_form("sign_everybody_out", &[("confirmed", "yes")]).await.status(), StatusCode::OK);
        let here = app.sign_in("alice").await;
        let by = json!({ "kind": "administrator", "id": null, "name": null });
        let end = |client: &Client<'_>, reason: &str| (client.id.clone(), reason.to_owned(), by.clone());
        let expected = [end(&three, "everybody_signed_out"), end(&two, "account_disabled"), end(&one, "revoked_by_administrator")];
        assert_eq!(summaries(&here).await, expected);
        let before = section(&here, SECURITY).await;
        for words in ["Everybody was signed out</span><small>by an administrator", "Account disabled", "Ended by an administrator</span></span>"] {
            assert!(before.contains(words) && !before.contains("Firefox"), "{words}: {before}");
        }
        while epoch::end_batch(&app.services).await.unwrap() {}
        cleanup::clean_up(&app.services).await.unwrap();
        assert_eq!((summaries(&here).await, section(&here, SECURITY).await), (expected.to_vec(), before));
        assert_eq!(app.count("SELECT COUNT(*) FROM ended_sessions WHERE ended_by_user_id IS NOT NULL").await, 4, "bob's too");
        assert!(list(&root).await.is_empty() && list(&app.sign_in("bob").await).await.len() == 1);
    }
);

both!(
    /// A disowned sign-in is marked. The emailed link ends it, so nobody is named.
    a_disowned_session_is_marked, |app| {
        add_alice_and_bob(&app).await;
        let (here, bob) = (app.sign_in_as("alice", FIREFOX).await, app.sign_in("bob").await);
        let strange = app.sign_in("alice").await;
        let (_, token) = app.smtp.next_for("alice@example.com").await.link("/sign-in-alert");
        assert_eq!(app.post_form("disown_sign_in", "", &[("token", &token)]).await.status(), StatusCode::OK);
        assert_eq!(summaries(&here).await, [(strange.id.clone(), "disowned".to_owned(), Value::Null)]);
        assert!(section(&here, SECURITY).await.contains("<span class=\"not-you\">You said it was not you</span>"));
        assert!(list(&bob).await.is_empty() && bob.is_signed_in().await);
    }
);

both!(
    /// Pages of the list neither repeat nor skip a session, whether or not it is archived. It holds 30 days. Invalid parameters are refused.
    the_list_of_ended_sessions_is_paginated, |app| {
        add_alice_and_bob(&app).await;
        let mut expected = Vec::new();
        for number in 0..7 {
            let (one, bob) = (app.sign_in("alice").await, app.sign_in("bob").await);
            one.delete("/api/v1/sessions/current").await;
            bob.delete("/api/v1/sessions/current").await;
            expected.insert(0, one.id);
            if number == 3 {
                cleanup::clean_up(&app.services).await.unwrap();
                app.advance(Duration::days(1));
            }
        }
        expected[..3].sort_by(|a, b| b.cmp(a));
        expected[3..].sort_by(|a, b| b.cmp(a));
        let alice = app.sign_in("alice").await;
        let (mut seen, mut path) = (Vec::new(), "/api/v1/sessions/ended?limit=2".to_owned());
        loop {
            let page = alice.json(&path).await;
            seen.extend(page["sessions"].as_array().unwrap().iter().map(|row| row["id"].as_str().unwrap().to_owned()));
            let Some(cursor) = page["next_cursor"].as_str() else { break };
            path = format!("/api/v1/sessions/ended?limit=2&cursor={cursor}");
        }
        assert_eq!(seen, expected);
        for bad in ["limit=0", "limit=1001", "limit=x", "cursor=x", "cursor=", "nonsense=1", "limit=1&limit=2", "cursor=WyJub3ciLCJ4Il0"] {
            let answer = alice.get(&format!("/api/v1/sessions/ended?{bad}")).await;
            assert_eq!(answer.status(), StatusCode::UNPROCESSABLE_ENTITY, "{bad}");
        }
        app.advance(Duration::days(29));
        let later = app.sign_in("alice").await;
        assert!(list(&later).await.iter().all(|row| expected[..3].contains(&row["id"].as_str().unwrap().to_owned())));
    }
);

both!(
    /// API-2: API tokens read the list with the same permission as that of live sessions.
    api_tokens_list_ended_sessions, |app| {
        add_alice_and_bob(&app).await;
        let (alice, bob) = (app.sign_in("alice").await, app.sign_in("bob").await);
        app.sign_in("alice").await.delete("/api/v1/sessions/current").await;
        for (group, status) in [("full", 200), ("read", 200), ("sessions", 200), ("audit", 403), ("devices", 403)] {
            let token = alice.create_token(group, group, CURL).await;
            assert_eq!(token.get("/api/v1/sessions/ended").await.status().as_u16(), status, "{group}");
            assert_eq!(token.get("/live/ended?show=10").await.status(), StatusCode::FORBIDDEN, "{group}");
        }
        assert_eq!(app.get("/api/v1/sessions/ended").await.status(), StatusCode::UNAUTHORIZED);
        assert_eq!((list(&alice).await.len(), list(&bob).await.len()), (1, 0));
    }
);

both!(
    /// The page shows ten, and more on request without a script. What it fetches when a session ends is the same section.
    the_section_shows_more_on_request, |app| {
        add_alice_and_bob(&app).await;
        let (alice, bob) = (app.sign_in("alice").await, app.sign_in("bob").await);
        for _ in 0..11 {
            app.sign_in_as("alice", "Wget/1.21.3").await.delete("/api/v1/sessions/current").await;
        }
        let count = |section: &str| section.matches("What it did: Wget, Private network").count();
        let first = section(&alice, SECURITY).await;
        assert_eq!((count(&first), first.contains("href=\"/profile?tab=security&amp;ended=20#recently-ended\"")), (10, true), "{first}");
        let all = section(&alice, "/profile?tab=security&ended=20").await;
        assert_eq!((count(&all), all.contains("Show more")), (11, false));
        let whole = page(&alice, SECURITY).await;
        let refreshed = alice.browser(Method::GET, "/live/ended?show=10").send().await.unwrap().text().await.unwrap();
        assert!(whole.contains("data-refresh=\"/live/ended?show=10\"") && refreshed.starts_with("<section"));
        assert!(whole.contains(&refreshed), "{refreshed}\n\n{whole}");
        assert!(!page(&bob, SECURITY).await.contains("Recently ended"));
        let bobs = bob.browser(Method::GET, "/live/ended?show=10").send().await.unwrap().text().await.unwrap();
        assert!(!bobs.contains("Wget") && page(&bob, SECURITY).await.contains(&format!("data-refresh=\"/live/ended?show=10\">{bobs}</div>")), "{bobs}");
        for bad in ["", "?show=x", "?show=1&more=1"] {
            let answer = alice.browser(Method::GET, &format!("/live/ended{bad}")).send().await.unwrap();
            assert_eq!(answer.status(), StatusCode::UNPROCESSABLE_ENTITY, "{bad}");
        }
    }
);

both!(
    /// SES-12: a page that fetches the section by itself does not use its session. SES-5: one whose session has ended gets nothing.
    refreshing_the_section_is_no_use_of_the_session, |app| {
        add_alice_and_bob(&app).await;
        let (alice, bob) = (app.sign_in("alice").await, app.sign_in("bob").await);
        app.advance(Duration::minutes(10));
        let refresh = async || alice.browser(Method::GET, "/live/ended?show=10").send().await.unwrap().status();
        assert_eq!((refresh().await, app.services.activity.last_use(&SessionId::parse(&alice.id).unwrap())), (StatusCode::OK, None));
        alice.delete("/api/v1/sessions/current").await;
        assert_eq!(refresh().await, StatusCode::UNAUTHORIZED);
        assert!(bob.is_signed_in().await);
    }
);
