//! Active Sessions over HTTP: what the guide promises, and what is refused.

use crate::support::{Backend, FIREFOX, TestApp, pending::PendingPost};
use chrono::Duration;
use reqwest::{Method, StatusCode};
use serde_json::Value;

both!(
    /// Each sign-in is listed, most recently active first, with device, location, address and both expiry times.
    each_sign_in_is_listed, |app| {
        app.add_user("alice").await;
        let older = app.sign_in_as("alice", FIREFOX).await;
        app.advance(Duration::minutes(10));
        let newer = app.sign_in_as("alice", "python-requests/2.32.3").await;
        let rows = newer.sessions().await;
        assert_eq!(rows.iter().map(|row| row["id"].as_str().unwrap()).collect::<Vec<_>>(), [&newer.id, &older.id]);
        assert_eq!((rows[0]["device"]["label"].as_str(), rows[0]["device"]["kind"].as_str()), (Some("python-requests"), Some("api_client")));
        assert_eq!(rows[1]["device"]["label"], "Firefox on Windows");
        assert_eq!((rows[0]["current"].as_bool(), rows[1]["current"].as_bool()), (Some(true), Some(false)));
        assert_eq!((rows[0]["online"].as_bool(), rows[1]["online"].as_bool()), (Some(true), Some(false)));
        assert_eq!((rows[0]["ip"].as_str(), rows[0]["location"]["label"].as_str()), (Some("127.0.0.1"), Some("Private network")));
        assert_eq!(rows[1]["expires_at"], "2026-06-15T12:00:00Z");
        assert_eq!(rows[1]["absolute_expires_at"], "2026-08-30T12:00:00Z");
    }
);

both!(
    /// SES-2, SES-5: every kind of request of a revoked session is refused at once. Another user's session is not affected.
    a_revoked_session_is_refused_at_once, |app| {
        app.add_user("alice").await;
        app.add_user("bob").await;
        let (here, lost, bob) = (app.sign_in("alice").await, app.sign_in("alice").await, app.sign_in("bob").await);
        assert_eq!(here.delete(&format!("/api/v1/sessions/{}", lost.id)).await.status(), StatusCode::NO_CONTENT);
        for path in ["/api/v1/me", "/api/v1/sessions", "/api/v1/sessions/current", "/live"] {
            assert_eq!(lost.get(path).await.status(), StatusCode::UNAUTHORIZED, "{path}");
        }
        let page = lost.browser(Method::GET, "/profile?tab=security").send().await.unwrap();
        assert_eq!((page.status(), page.headers()["location"].to_str().unwrap()), (StatusCode::SEE_OTHER, "/login?next=%2Fprofile%3Ftab%3Dsecurity"));
        let login = lost.browser(Method::GET, "/login").send().await.unwrap().text().await.unwrap();
        assert!(login.contains("You were signed out from another device."), "{login}");
        assert!(here.is_signed_in().await && bob.is_signed_in().await);
        assert_eq!((here.sessions().await.len(), app.count_events("session.revoked", "success").await), (1, 1));
    }
);

both!(
    /// SES-5, RACE-1: a request whose session is revoked while its body still arrives has no effect, whatever it asked for.
    a_request_whose_session_is_revoked_meanwhile_is_refused, |app| {
        app.add_admin("alice").await;
        app.add_user("bob").await;
        let (here, bob) = (app.sign_in("alice").await, app.sign_in("bob").await);
        let user = whereabouts::accounts::actions::find(&app.services.db, "bob").await.unwrap().account.id;
        let disable = format!("user={user}&operation=disable");
        let acts = [("revoke_other_sessions", ""), ("manage_user", &disable), ("invite", "email=mallory%40example.com"), ("sign_everybody_out", "confirmed=yes")];
        for (function, form) in acts {
            let thief = app.sign_in("alice").await;
            let form = format!("{form}&pad=x"); // the body must not be empty: its last byte is held back
            let pending = PendingPost::start_as(&app, &thief.token, &format!("/api/ui/{function}"), "application/x-www-form-urlencoded", &form).await;
            assert_eq!(here.delete(&format!("/api/v1/sessions/{}", thief.id)).await.status(), StatusCode::NO_CONTENT);
            assert_eq!(pending.finish().await, 401, "{function}");
            assert!(here.is_signed_in().await && bob.is_signed_in().await, "{function}");
        }
        assert_eq!(app.count_events("invitation.created", "success").await, 0);
    }
);

both!(
    /// SES-6: another user's session, an ended one and an unknown one get the same response.
    only_own_sessions_can_be_listed_and_revoked, |app| {
        app.add_user("alice").await;
        app.add_user("bob").await;
        let (alice, gone, bob) = (app.sign_in("alice").await, app.sign_in("alice").await, app.sign_in("bob").await);
        gone.delete("/api/v1/sessions/current").await;
        let mut answers = Vec::new();
        for id in [bob.id.as_str(), &gone.id, "00000000-0000-7000-8000-000000000000", "no-id", "%00", "..%2f..", &"x".repeat(2000)] {
            let answer = alice.delete(&format!("/api/v1/sessions/{id}")).await;
            answers.push((answer.status(), answer.text().await.unwrap()));
        }
        assert_eq!(answers[0].0, StatusCode::NOT_FOUND);
        assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
        assert!(bob.is_signed_in().await);
        assert!(alice.sessions().await.iter().all(|row| row["id"] != bob.id.as_str()));
    }
);

both!(
    /// SES-7: no endpoint revokes the current session.
    the_current_session_cannot_be_revoked, |app| {
        app.add_user("alice").await;
        let alice = app.sign_in("alice").await;
        let answer = alice.delete(&format!("/api/v1/sessions/{}", alice.id)).await;
        assert_eq!(answer.status(), StatusCode::CONFLICT);
        assert_eq!(answer.headers()["content-type"], "application/problem+json");
        let form = alice.browser(Method::POST, "/api/ui/revoke_session").header("accept", "application/json").form(&[("id", &alice.id)]);
        assert_eq!(form.send().await.unwrap().status(), StatusCode::FOUND);
        let script = alice.request(Method::POST, "/api/ui/revoke_session").form(&[("id", &alice.id)]);
        assert_eq!(script.send().await.unwrap().status(), StatusCode::CONFLICT);
        assert!(alice.is_signed_in().await);
    }
);

both!(
    /// Revoke All ends all other sessions of the user and returns how many. It keeps the current one and those of other users.
    revoke_all_keeps_the_current_session, |app| {
        app.add_user("alice").await;
        app.add_user("bob").await;
        let (here, bob) = (app.sign_in("alice").await, app.sign_in("bob").await);
        let others = [app.sign_in("alice").await, app.sign_in("alice").await, app.sign_in("alice").await];
        let answer: Value = here.delete("/api/v1/sessions").await.json().await.unwrap();
        assert_eq!(answer["revoked"], 3);
        for other in &others {
            assert!(!other.is_signed_in().await);
        }
        assert!(here.is_signed_in().await && bob.is_signed_in().await);
        let again: Value = here.delete("/api/v1/sessions").await.json().await.unwrap();
        assert_eq!(again["revoked"], 0);
    }
);

both!(
    /// SES-4: idle and absolute timeouts are exact to the microsecond, and expired sessions are not listed.
    idle_and_absolute_timeouts_are_exact, |app| {
        app.add_user("alice").await;
        let (idle, used) = (app.sign_in("alice").await, app.sign_in("alice").await);
        app.advance(Duration::days(13));
        assert!(used.is_signed_in().await);
        app.advance(Duration::days(1) - Duration::microseconds(1));
        assert_eq!(used.sessions().await.len(), 2);
        app.advance(Duration::microseconds(1));
        assert!(!idle.is_signed_in().await && used.is_signed_in().await);
        assert_eq!(used.sessions().await.len(), 1);
        for _ in 0..6 {
            app.advance(Duration::days(12));
            used.is_signed_in().await;
        }
        let left = app.services.config.lifetimes.absolute_timeout.as_secs() as i64 - Duration::days(14 + 72).num_seconds();
        app.advance(Duration::seconds(left) - Duration::microseconds(1));
        assert!(used.is_signed_in().await);
        app.advance(Duration::microseconds(1));
        assert!(!used.is_signed_in().await);
    }
);

both!(
    /// The login page says why the session expired.
    the_login_page_says_why_a_session_expired, |app| {
        app.add_user("alice").await;
        let alice = app.sign_in("alice").await;
        app.advance(Duration::days(14));
        let login = alice.browser(Method::GET, "/login").send().await.unwrap().text().await.unwrap();
        assert!(login.contains("Your session ended after 14 days without use. Sign in to go on."), "{login}");
    }
);

both!(
    /// The cleanup ends expired sessions, archives ended ones and removes them after 30 days. Live sessions stay.
    ended_sessions_are_archived_and_removed, |app| {
        app.add_user("alice").await;
        let (lost, here) = (app.sign_in("alice").await, app.sign_in("alice").await);
        let idle = app.sign_in("alice").await;
        here.delete(&format!("/api/v1/sessions/{}", lost.id)).await;
        app.advance(Duration::days(10));
        here.is_signed_in().await;
        app.advance(Duration::days(5));
        whereabouts::sessions::cleanup::clean_up(&app.services).await.unwrap();
        let count = async |sql: &'static str| {
            let mut db = app.services.db.read().await.unwrap();
            whereabouts::fetch!(&mut db, fetch_one as (i64,), sql).unwrap().0
        };
        assert_eq!((count("SELECT COUNT(*) FROM sessions").await, count("SELECT COUNT(*) FROM ended_sessions").await), (1, 2));
        let login = lost.browser(Method::GET, "/login").send().await.unwrap().text().await.unwrap();
        assert!(login.contains("You were signed out from another device."), "what was moved still says why");
        assert!(here.is_signed_in().await && !idle.is_signed_in().await);
        for _ in 0..3 {
            app.advance(Duration::days(11));
            here.is_signed_in().await;
        }
        whereabouts::sessions::cleanup::clean_up(&app.services).await.unwrap();
        assert_eq!((count("SELECT COUNT(*) FROM sessions").await, count("SELECT COUNT(*) FROM ended_sessions").await), (1, 0));
    }
);

both!(
    /// SES-11: the list shows the address last used, both while it is in memory and once it is written.
    the_last_used_address_is_shown, |app| {
        {
            let app = TestApp::start_with(app.backend(), &["--trusted-proxies", "127.0.0.0/8"]).await;
            app.add_user("alice").await;
            let alice = app.sign_in("alice").await;
            let from = async |ip: &str| {
                // Less than three seconds in all: otherwise the worker writes too, and this test's own write skips the locked row.
                app.advance(Duration::milliseconds(500));
                alice.request(Method::GET, "/api/v1/sessions").header("x-forwarded-for", ip).send().await.unwrap().json::<Value>().await.unwrap()
            };
            for ip in ["81.2.69.142", "2a00:1450:4001:831::200e", "81.2.69.142"] {
                let row = from(ip).await["sessions"][0].clone();
                assert_eq!((row["ip"].as_str(), row["first_ip"].as_str()), (Some(ip), Some("127.0.0.1")));
                assert_eq!(row["last_active_at"], serde_json::to_value(app.now()).unwrap());
            }
            whereabouts::sessions::presence::write(&app.services).await.unwrap();
            assert!(app.services.activity.unwritten().is_empty());
            let row = from("81.2.69.142").await["sessions"][0].clone();
            assert_eq!(row["location"]["country_code"], "GB");
        }
    }
);

both!(
    /// NET-1: forwarding headers from peers that are not trusted proxies are ignored.
    forwarding_headers_from_untrusted_peers_are_ignored, |app| {
        app.add_user("alice").await;
        let alice = app.sign_in("alice").await;
        let headers = ["x-forwarded-for", "forwarded", "x-real-ip", "cf-connecting-ip", "true-client-ip", "x-client-ip"];
        let request = headers.iter().fold(alice.request(Method::GET, "/api/v1/sessions"), |request, name| request.header(*name, "81.2.69.142"));
        let answer: Value = request.send().await.unwrap().json().await.unwrap();
        assert_eq!(answer["sessions"][0]["ip"], "127.0.0.1");
    }
);

both!(
    /// Pages of the list neither repeat nor skip a session, and invalid page parameters are refused.
    the_list_is_paginated, |app| {
        app.add_user("alice").await;
        for _ in 0..6 {
            app.sign_in("alice").await;
            app.advance(Duration::seconds(1));
        }
        let alice = app.sign_in("alice").await;
        let (mut seen, mut path) = (Vec::new(), "/api/v1/sessions?limit=3".to_owned());
        loop {
            let page = alice.json(&path).await;
            seen.extend(page["sessions"].as_array().unwrap().iter().map(|row| row["id"].as_str().unwrap().to_owned()));
            let Some(cursor) = page["next_cursor"].as_str() else { break };
            path = format!("/api/v1/sessions?limit=3&cursor={cursor}");
        }
        let whole: Vec<_> = alice.sessions().await.iter().map(|row| row["id"].as_str().unwrap().to_owned()).collect();
        assert_eq!((seen.len(), seen), (7, whole));
        for bad in ["limit=0", "limit=1001", "limit=x", "limit=-1", "cursor=x", "cursor=%00", "nonsense=1", "limit=1&limit=2"] {
            let answer = alice.get(&format!("/api/v1/sessions?{bad}")).await;
            assert_eq!(answer.status(), StatusCode::UNPROCESSABLE_ENTITY, "{bad}");
        }
    }
);

both!(
    /// SES-9: a user has at most 1,000 sessions. The next one evicts the least recently used, which is recorded and notified by email.
    the_least_recently_used_session_is_evicted_beyond_the_limit, |app| {
        app.add_user("alice").await;
        let first = app.sign_in("alice").await;
        app.advance(Duration::seconds(1));
        let mut tx = app.services.db.write().await.unwrap();
        let copy = "INSERT INTO sessions (id, user_id, token_hash, sign_in_method, created_at, last_active_at, user_agent, device_label,
                device_kind, form_factor, first_ip, ip, location_label, is_new_location)
            SELECT $1, user_id, $1, sign_in_method, created_at, $2, user_agent, device_label, device_kind, form_factor,
                first_ip, ip, location_label, is_new_location FROM sessions WHERE id = $3";
        for number in 0..999 {
            whereabouts::execute!(&mut tx, copy, format!("copy-{number}"), app.now(), &first.id).unwrap();
        }
        tx.commit().await.unwrap();
        let last = app.sign_in("alice").await;
        assert_eq!(last.json("/api/v1/sessions?limit=1000").await["sessions"].as_array().unwrap().len(), 1000);
        assert!(!first.is_signed_in().await);
        assert_eq!(app.count_events("session.evicted", "success").await, 1);
        assert!(app.smtp.next_for("alice@example.com").await.subject.contains("A session was ended"));
    }
);

both!(
    /// Signing out ends the session in the database, so its token is refused wherever it was copied to.
    sign_out_ends_the_session, |app| {
        app.add_user("alice").await;
        let (here, other) = (app.sign_in("alice").await, app.sign_in("alice").await);
        let answer = here.browser(Method::POST, "/api/ui/sign_out").send().await.unwrap();
        assert_eq!((answer.status(), &answer.headers()["location"]), (StatusCode::FOUND, &"/login".parse().unwrap()));
        assert!(answer.headers()["set-cookie"].to_str().unwrap().starts_with("whereabouts=; Path=/; Max-Age=0"));
        assert!(answer.headers()["clear-site-data"].to_str().unwrap().contains("\"cache\""));
        assert!(!here.is_signed_in().await && other.is_signed_in().await);
        assert_eq!(other.delete("/api/v1/sessions/current").await.status(), StatusCode::NO_CONTENT);
        assert!(!other.is_signed_in().await);
        assert_eq!(app.count_events("account.signed_out", "success").await, 2);
    }
);

both!(
    /// SES-10, SES-5: an administrator revokes one or all sessions of a user. Other users' sessions stay.
    an_administrator_revokes_sessions_of_one_user, |app| {
        app.add_user("alice").await;
        app.add_user("bob").await;
        let (one, two, bob) = (app.sign_in("alice").await, app.sign_in("alice").await, app.sign_in("bob").await);
        let user = whereabouts::accounts::actions::find(&app.services.db, "alice").await.unwrap().account.id;
        let (db, recorder) = (&app.services.db, &app.services.recorder);
        let first = whereabouts::foundation::ids::SessionId::parse(&one.id).unwrap();
        assert_eq!(whereabouts::admin::actions::revoke(db, recorder, &user, Some(&first), whereabouts::reauthentication::actor::Actor::CommandLine).await.unwrap().len(), 1);
        assert!(!one.is_signed_in().await && two.is_signed_in().await);
        assert_eq!(whereabouts::admin::actions::disable(db, recorder, &user, whereabouts::reauthentication::actor::Actor::CommandLine).await.unwrap().len(), 1);
        assert!(!two.is_signed_in().await && bob.is_signed_in().await);
        assert_eq!(app.try_sign_in("alice", crate::support::PASSWORD, "curl/8.5.0").await.status(), StatusCode::UNAUTHORIZED);
        whereabouts::admin::actions::enable(db, recorder, &user, whereabouts::reauthentication::actor::Actor::CommandLine).await.unwrap();
        assert!(app.sign_in("alice").await.is_signed_in().await);
    }
);

/// A revocation on one node takes effect at the next request on another.
#[tokio::test(flavor = "multi_thread")]
async fn a_revocation_holds_on_every_node() {
    let app = TestApp::start(Backend::Postgres).await;
    let other = app.start_second_node().await;
    app.add_user("alice").await;
    let (here, lost) = (app.sign_in("alice").await, app.sign_in("alice").await);
    let there = crate::support::Client { app: &other, token: lost.token.clone(), id: lost.id.clone(), user_agent: String::new() };
    assert!(there.is_signed_in().await);
    here.delete(&format!("/api/v1/sessions/{}", lost.id)).await;
    assert!(!there.is_signed_in().await);
}
