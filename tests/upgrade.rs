//! Upgrades: a database and key file of an earlier version keep what they hold. `tests/fixtures/schema_9/README.md` describes them.

use crate::support::{Backend, Client, PASSWORD, TestApp, totp::code};
use chrono::{DateTime, Duration, Utc};
use reqwest::{Method, StatusCode};
use serde::Deserialize;
use serde_json::json;

/// What the database holds only hashed or encrypted.
#[derive(Deserialize)]
struct Secrets {
    made_at: DateTime<Utc>,
    session_token: String,
    browser_session_id: String,
    browser_session_token: String,
    revoked_session_token: String,
    idle_session_token: String,
    api_token: String,
    totp_seed: String,
    recovery_code: String,
}

fn secrets(backend: Backend) -> Secrets {
    let json = match backend {
        Backend::Sqlite => include_str!("fixtures/schema_9/sqlite.json"),
        Backend::Postgres => include_str!("fixtures/schema_9/postgres.json"),
    };
    serde_json::from_str(json).unwrap()
}

/// Starts the server two minutes after the fixture was made.
async fn start(backend: Backend) -> TestApp {
    let (dump, keys) = match backend {
        Backend::Sqlite => (include_str!("fixtures/schema_9/sqlite.sql"), include_str!("fixtures/schema_9/sqlite.keys")),
        Backend::Postgres => (include_str!("fixtures/schema_9/postgres.sql"), include_str!("fixtures/schema_9/postgres.keys")),
    };
    TestApp::start_on_dump(backend, dump, keys, secrets(backend).made_at + Duration::minutes(2)).await
}

fn client<'a>(app: &'a TestApp, token: &str) -> Client<'a> {
    Client { app, token: token.to_owned(), id: String::new(), user_agent: "curl/8.5.0".to_owned() }
}

both!(sessions_and_api_tokens_still_work_after_an_upgrade, start, |app| {
    let secrets = secrets(app.backend());
    let (alice, browser) = (client(&app, &secrets.session_token), client(&app, &secrets.browser_session_token));
    assert_eq!(alice.json("/api/v1/me").await["username"], "alice");
    let sessions = alice.sessions().await;
    assert_eq!(sessions.len(), 2, "{sessions:?}");
    let row = sessions.iter().find(|row| row["id"] == secrets.browser_session_id).unwrap();
    assert_eq!((&row["device"]["label"], &row["device"]["form"]), (&json!("Firefox on Linux"), &json!("desktop")));
    assert_eq!((&row["location"]["country_code"], &row["first_ip"]), (&json!("DE"), &json!("85.214.132.117")));

    let script = client(&app, &secrets.api_token);
    assert_eq!(script.sessions().await.len(), 2);
    assert!(browser.is_signed_in().await);
    assert_eq!(script.delete(&format!("/api/v1/sessions/{}", secrets.browser_session_id)).await.status(), StatusCode::NO_CONTENT);
    assert!(!browser.is_signed_in().await && alice.is_signed_in().await);
});

both!(
    /// Both a session that is not archived yet and one that is keep the reason why they ended.
    ended_sessions_keep_their_reason_after_an_upgrade, start, |app| {
        let secrets = secrets(app.backend());
        assert_eq!(app.count("SELECT COUNT(*) FROM sessions WHERE ended_at IS NOT NULL").await, 1);
        assert_eq!(app.count("SELECT COUNT(*) FROM ended_sessions").await, 1);
        let reasons = [(&secrets.revoked_session_token, "signed out from another device"), (&secrets.idle_session_token, "without use")];
        for (token, reason) in reasons {
            let login = client(&app, token).browser(Method::GET, "/login").send().await.unwrap().text().await.unwrap();
            assert!(login.contains(reason), "{login}");
        }
    }
);

both!(second_factors_still_work_after_an_upgrade, start, |app| {
    let secrets = secrets(app.backend());
    let sign_in = async |code: Option<&str>| {
        let body = json!({ "identifier": "bob", "password": PASSWORD, "code": code });
        app.http.post(app.url("/api/v1/sessions")).json(&body).send().await.unwrap().status()
    };
    assert_eq!(sign_in(None).await, StatusCode::UNAUTHORIZED);
    assert_eq!(sign_in(Some(&code(&secrets.totp_seed, app.now()))).await, StatusCode::CREATED);
    assert_eq!(sign_in(Some(&secrets.recovery_code)).await, StatusCode::CREATED);
});

both!(names_are_searched_after_an_upgrade, start, |app| {
    assert_eq!(
        app.count("SELECT COUNT(*) FROM users WHERE normalized_name = LOWER(name)").await,
        app.count("SELECT COUNT(*) FROM users").await
    );
});

both!(
    /// The links in them work too.
    pending_emails_are_sent_after_an_upgrade, start, |app| {
        app.send_due().await;
        let (_, token) = app.smtp.next_for("carol@example.com").await.link("/register");
        let fields = [("token", token.as_str()), ("username", "carol"), ("password", "a horse of another color")];
        assert_eq!(app.post_form("accept_invitation", "", &fields).await.status(), StatusCode::OK);
        assert_eq!(app.count("SELECT COUNT(*) FROM outbox WHERE next_attempt_at IS NOT NULL").await, 0);
    }
);

both!(administrators_still_see_access_requests_after_an_upgrade, start, |app| {
    let alice = client(&app, &secrets(app.backend()).session_token);
    let page = alice.browser(Method::GET, "/admin").send().await.unwrap().text().await.unwrap();
    assert!(page.contains("dave@example.com") && page.contains("I look after the plant in Leipzig."), "{page}");
});

both!(
    /// LOG-4: the triggers of the earlier version are replaced.
    audit_events_are_append_only_after_an_upgrade, start, |app| {
        assert_eq!(app.count_events("second_factor.enabled", "success").await, 1);
        for change in ["UPDATE audit_events SET outcome = 'refused'", "DELETE FROM audit_events"] {
            let mut tx = app.services.db.write().await.unwrap();
            let refused = whereabouts::execute!(&mut tx, change).unwrap_err();
            assert!(refused.to_string().contains("audit_events is append-only"), "{refused}");
        }
    }
);

both!(
    /// Events from before are carried over, sealed in their order, and lose nothing but fractions of milliseconds.
    events_are_carried_over_after_an_upgrade, start, |app| {
        assert_eq!(app.count("SELECT COUNT(*) FROM audit_events_before_tree").await, 0);
        let events = app.count("SELECT COUNT(*) FROM audit_events").await;
        assert_eq!((events, app.count("SELECT COUNT(*) FROM audit_queue").await), (14, 14));
        crate::audit::seal(&app).await;
        let report = crate::audit::report(&app).await;
        assert!(report.ok && report.sealed == 14, "{report:?}");
        let ids = "SELECT COUNT(*) FROM audit_leaves one JOIN audit_leaves next ON next.seq = one.seq + 1 WHERE one.event_id >= next.event_id";
        assert_eq!(app.count(ids).await, 0);
        let first = "SELECT COUNT(*) FROM audit_events WHERE action = 'account.created' AND entry LIKE '%\"administrator\":true%'";
        assert_eq!(app.count(first).await, 1);
        // Two parts: who acted from where, and the device whose session was revoked, which stand together for one person.
        let device = "SELECT COUNT(*) FROM audit_personal WHERE content LIKE '%\"device\":\"python-requests\"%' AND ip = '85.214.132.117'";
        assert_eq!(app.count(device).await, 1);
    }
);
