//! Grants over HTTP: who creates, changes and ends them, what they need, when they end, and who is notified.

use std::process::Command;

use crate::support::{
    Backend, Client, FIREFOX, MailDelivery, TestApp,
    postgres::{hold, release, wait_until_blocked},
    world::{World, assert_invalid, assert_refused, grant, id_of, patch_grant, post_grant, problem, put_member},
};
use chrono::Duration;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use whereabouts::{
    access::{Credential, Principal},
    accounts::actions as accounts,
    admin::actions as admin,
    foundation::{client::info::ClientInfo, ids::SessionId},
    permissions::{
        decide::Action,
        grants::{
            actions::{preview, scopes, search_people},
            preview::Draft,
            worker,
        },
        model::{Role, ScopeId},
    },
    reauthentication::actor::Actor,
};

const PASSWORD_OF_CAROL: &str = "a longer staple of horses";

async fn grants(client: &Client<'_>, query: &str) -> Vec<Value> {
    client.json(&format!("/api/v1/grants{query}")).await["grants"].as_array().unwrap().clone()
}

async fn delete_grant(client: &Client<'_>, grant: &Value) -> reqwest::Response {
    client.delete(&format!("/api/v1/grants/{}", grant["id"].as_str().unwrap())).await
}

/// Adds Acme with the owner Alice, the administrator Adam and the member Mia, and the grantee Bob.
async fn acme(app: &TestApp) -> World {
    let world = World::create(app, "Acme").await;
    world.add_members(app, &[("alice", "owner"), ("adam", "administrator"), ("mia", "member")]).await;
    app.add_user("bob").await;
    world
}

async fn start_with_manual_mails(backend: Backend) -> TestApp {
    TestApp::start_with_mail_delivery(backend, MailDelivery::Manual).await
}

both!(
    /// AUT-3, LOG-1: a grant has a person, a role, a scope and a reason. It is shown to its person and to those who administer.
    a_grant_is_created_listed_and_ended, |app| {
        let world = acme(&app).await;
        let (alice, adam, bob, mia) = (app.sign_in("alice").await, app.sign_in("adam").await, app.sign_in("bob").await, app.sign_in("mia").await);
        let until = app.now() + Duration::days(30) + Duration::milliseconds(250);
        let created = grant(&adam, json!({ "user": "BOB@example.com", "plant": world.plants[0], "expires_at": until, "reason": " New inverter\r\nin May " })).await;
        assert_eq!(created["user"], json!({ "id": id_of(&app, "bob").await, "name": "bob", "username": "bob" }));
        assert_eq!(created["scope"], json!({ "kind": "plant", "id": world.plants[0], "name": "Alpha" }));
        assert_eq!((&created["role"], &created["reason"], &created["vendor"]), (&json!("technician"), &json!("New inverter\nin May"), &Value::Null));
        assert_eq!((&created["expires_at"], &created["organization"]), (&json!("2026-07-01T12:00:00Z"), &json!(world.id)), "whole seconds");
        assert_eq!((&created["granted_by"]["username"], &created["last_used_at"]), (&json!("adam"), &Value::Null));
        for client in [&alice, &adam, &bob] {
            assert_eq!(grants(client, "").await, std::slice::from_ref(&created));
            assert_eq!(client.json(&format!("/api/v1/grants/{}", created["id"].as_str().unwrap())).await, created);
        }
        assert!(grants(&mia, "").await.is_empty(), "a member alone sees none");
        assert_eq!(mia.get(&format!("/api/v1/grants/{}", created["id"].as_str().unwrap())).await.status(), StatusCode::NOT_FOUND);
        assert_refused(delete_grant(&mia, &created).await, StatusCode::NOT_FOUND, "not-found").await;
        app.advance(Duration::seconds(1));
        let other = grant(&adam, json!({ "user": id_of(&app, "bob").await, "role": "auditor", "portfolio": world.portfolio })).await;
        app.advance(Duration::seconds(1));
        let whole = grant(&adam, json!({ "user": "bob", "role": "viewer", "organization": world.id })).await;
        assert_eq!(grants(&bob, "").await, [whole.clone(), other.clone(), created.clone()], "newest first");
        assert_eq!(delete_grant(&alice, &created).await.status(), StatusCode::NO_CONTENT);
        assert_eq!(delete_grant(&alice, &created).await.status(), StatusCode::NOT_FOUND);
        assert_eq!(delete_grant(&bob, &other).await.status(), StatusCode::NO_CONTENT, "one's own");
        assert_eq!(grants(&bob, "").await, [whole]);
        assert_eq!((app.count_events("grant.created", "success").await, app.count_events("grant.ended", "success").await), (3, 2));
        let sql = "SELECT COUNT(*) FROM audit_events e JOIN users u ON u.id = e.subject_id WHERE action LIKE 'grant.%' AND u.username = 'bob'";
        assert_eq!(app.count(sql).await, 5);
    }
);

both!(
    /// AUT-3, AUT-7: those who administer the organization grant access, by a session with recent authentication; to themselves only owners.
    who_may_grant, |app| {
        let world = acme(&app).await;
        let foreign = World::create(&app, "Other").await;
        foreign.add_members(&app, &[("oscar", "owner")]).await;
        app.add_admin("root").await;
        for name in ["vera", "olga", "stan"] {
            app.add_user(name).await;
        }
        let alice = app.sign_in("alice").await;
        let until = app.now() + Duration::days(1);
        grant(&alice, json!({ "user": "olga", "role": "operator", "plant": world.plants[0] })).await;
        grant(&alice, json!({ "user": "vera", "role": "operator", "plant": world.plants[0], "vendor": "Inverters Ltd", "expires_at": until })).await;
        let before = app.count("SELECT COUNT(*) FROM grants").await;
        let fields = json!({ "user": "bob", "plant": world.plants[0] });
        for name in ["olga", "vera"] {
            let client = app.sign_in(name).await;
            assert_refused(post_grant(&client, fields.clone()).await, StatusCode::FORBIDDEN, "not-in-role").await;
        }
        for name in ["mia", "olga", "vera"] {
            let organization = json!({ "user": "bob", "organization": world.id });
            assert_refused(post_grant(&app.sign_in(name).await, organization).await, StatusCode::FORBIDDEN, "not-in-role").await;
        }
        for name in ["mia", "stan", "oscar", "root"] {
            assert_invalid(post_grant(&app.sign_in(name).await, fields.clone()).await, "plant").await;
        }
        let token = alice.create_token("all", "full", FIREFOX).await;
        let anonymous = app.http.post(app.url("/api/v1/grants")).json(&fields).send().await.unwrap();
        assert_eq!(anonymous.status(), StatusCode::UNAUTHORIZED);
        let id = grants(&token, "").await[0]["id"].as_str().unwrap().to_owned();
        let extension = json!({ "expires_at": null, "reason": "more" });
        assert_refused(post_grant(&token, fields.clone()).await, StatusCode::FORBIDDEN, "session-required").await;
        assert_refused(patch_grant(&token, &id, extension.clone()).await, StatusCode::FORBIDDEN, "session-required").await;
        assert_refused(token.delete(&format!("/api/v1/grants/{id}")).await, StatusCode::FORBIDDEN, "session-required").await;
        let adam = app.sign_in("adam").await;
        assert_refused(post_grant(&adam, json!({ "user": "adam", "plant": world.plants[0] })).await, StatusCode::FORBIDDEN, "not-in-role").await;
        app.advance(Duration::minutes(10) + Duration::seconds(1));
        assert_refused(post_grant(&adam, fields.clone()).await, StatusCode::FORBIDDEN, "reauthentication-required").await;
        assert_refused(patch_grant(&alice, &id, extension).await, StatusCode::FORBIDDEN, "reauthentication-required").await;
        assert_refused(alice.delete(&format!("/api/v1/grants/{id}")).await, StatusCode::FORBIDDEN, "reauthentication-required").await;
        assert_eq!(app.count("SELECT COUNT(*) FROM grants").await, before, "nothing was written");
        let alice = app.sign_in("alice").await;
        grant(&alice, json!({ "user": "alice", "plant": world.plants[0] })).await;
        grant(&app.sign_in("adam").await, fields).await;
    }
);

both!(
    /// AUT-3: to oneself: on record, and mailed to all owners. Everybody else gets one mail too.
    owners_and_the_person_are_mailed_once, start_with_manual_mails, |app| {
        let world = acme(&app).await;
        world.add_members(&app, &[("olivia", "owner"), ("otto", "owner")]).await;
        admin::disable(&app.services.db, &app.services.recorder, &id_of(&app, "otto").await, Actor::CommandLine).await.unwrap();
        let (alice, adam) = (app.sign_in("alice").await, app.sign_in("adam").await);
        let end = app.now() + Duration::days(30);
        let own = grant(&alice, json!({ "user": "alice", "plant": world.plants[0] })).await;
        let bobs = grant(&adam, json!({ "user": "bob", "portfolio": world.portfolio, "expires_at": end, "vendor": "Inverters Ltd" })).await;
        let extension = json!({ "expires_at": end + Duration::days(30), "reason": "Takes longer" });
        assert_eq!(patch_grant(&adam, bobs["id"].as_str().unwrap(), extension).await.status(), StatusCode::OK);
        assert_eq!(delete_grant(&adam, &bobs).await.status(), StatusCode::NO_CONTENT);
        delete_grant(&alice, &own).await;
        app.send_due().await;
        let mut mails = Vec::new();
        for _ in 0..13 {
            let mail = app.smtp.next().await;
            mails.push((mail.subject.clone(), mail.to.split('@').next().unwrap().to_owned(), mail.text));
        }
        let to = |subject: &str| {
            let mut to: Vec<_> = mails.iter().filter(|mail| mail.0 == subject).map(|mail| mail.1.as_str()).collect();
            to.sort_unstable();
            to
        };
        assert_eq!(to("Access granted to alice: Plant Alpha"), ["alice", "olivia"]);
        assert_eq!(to("Access granted to bob: Portfolio North"), ["alice", "bob", "olivia"]);
        assert_eq!(to("Access of bob changed: Portfolio North"), ["alice", "bob", "olivia"]);
        assert_eq!(to("Access of bob ended: Portfolio North"), ["alice", "bob", "olivia"]);
        assert_eq!(to("Access of alice ended: Plant Alpha"), ["alice", "olivia"]);
        let text = |subject: &str| &mails.iter().find(|mail| mail.0 == subject).unwrap().2;
        for words in ["bob", "Technician", "Portfolio North", "Acme", "2026-07-01 12:00:00 UTC", "Maintenance", "Inverters Ltd", "adam"] {
            assert!(text("Access granted to bob: Portfolio North").contains(words), "{words}: {mails:?}");
        }
        assert!(text("Access of bob changed: Portfolio North").contains("Takes longer"));
        assert!(text("Access granted to alice: Plant Alpha").contains("No end"));
    }
);

both!(
    /// Input that breaks a rule gets one refusal that names the field, and writes nothing.
    bad_input_is_refused, |app| {
        let world = acme(&app).await;
        let foreign = World::create(&app, "Other").await;
        let alice = app.sign_in("alice").await;
        let (plant, now) = (world.plants[0].clone(), app.now());
        let day = now + Duration::days(1);
        let cases = [
            ("scope", json!({ "user": "bob" })),
            ("scope", json!({ "user": "bob", "plant": plant, "portfolio": world.portfolio })),
            ("scope", json!({ "user": "bob", "plant": plant, "organization": world.id })),
            ("plant", json!({ "user": "bob", "plant": foreign.plants[0] })),
            ("plant", json!({ "user": "bob", "plant": world.portfolio })),
            ("plant", json!({ "user": "bob", "plant": "'; DROP TABLE grants" })),
            ("portfolio", json!({ "user": "bob", "portfolio": foreign.portfolio })),
            ("organization", json!({ "user": "bob", "organization": foreign.id })),
            ("expires_at", json!({ "user": "bob", "plant": plant, "expires_at": now })),
            ("expires_at", json!({ "user": "bob", "plant": plant, "expires_at": now + Duration::milliseconds(900) })),
            ("expires_at", json!({ "user": "bob", "plant": plant, "expires_at": "2031-06-01T12:00:01Z" })),
            ("expires_at", json!({ "user": "bob", "plant": plant, "vendor": "Inverters Ltd" })),
            ("vendor", json!({ "user": "bob", "plant": plant, "vendor": " ", "expires_at": day })),
            ("vendor", json!({ "user": "bob", "plant": plant, "vendor": "x".repeat(81), "expires_at": day })),
            ("vendor", json!({ "user": "mia", "plant": plant, "vendor": "Inverters Ltd", "expires_at": day })),
            ("reason", json!({ "user": "bob", "plant": plant, "reason": "  " })),
            ("reason", json!({ "user": "bob", "plant": plant, "reason": "x".repeat(501) })),
            ("user", json!({ "user": "nobody-here", "plant": plant })),
            ("user", json!({ "user": "", "plant": plant })),
            ("user", json!({ "user": "bo\u{0}b", "plant": plant })),
            ("user", json!({ "user": "a@b\r\nBcc: c@d", "plant": plant })),
            ("body", json!({ "user": "bob", "plant": plant, "role": "owner" })),
            ("body", json!({ "user": "bob", "plant": plant, "reason": null })),
            ("body", json!({ "user": "bob", "plant": plant, "admin": true })),
            ("body", json!({ "user": ["bob"], "plant": plant })),
            ("body", json!({ "user": "bob", "plant": plant, "expires_at": "tomorrow" })),
        ];
        for (field, fields) in cases {
            let found = problem(post_grant(&alice, fields.clone()).await).await;
            assert_eq!((found.0, found.2.as_deref()), (StatusCode::UNPROCESSABLE_ENTITY, Some(field)), "{fields}");
        }
        assert_eq!(app.count("SELECT COUNT(*) FROM grants").await + app.count("SELECT COUNT(*) FROM vendors").await, 0);
        assert_eq!(app.count("SELECT COUNT(*) FROM outbox").await, 0);
        let known = grant(&alice, json!({ "user": "bob", "plant": plant, "expires_at": day })).await;
        assert_invalid(post_grant(&alice, json!({ "user": "bob", "plant": plant })).await, "role").await;
        let id = known["id"].as_str().unwrap();
        for (field, body) in [
            ("expires_at", json!({ "expires_at": now, "reason": "x" })),
            ("reason", json!({ "expires_at": day, "reason": "" })),
            ("body", json!({ "expires_at": day })),
            ("body", json!({ "reason": "an end that is not named is not removed" })),
        ] {
            assert_invalid(patch_grant(&alice, id, body).await, field).await;
        }
        assert_eq!(grants(&alice, "").await, [known]);
        let long = format!("search={}", "x".repeat(256));
        // The last cursor holds a NUL.
        for query in ["limit=0", "limit=1001", "cursor=x", "cursor=WyJcdTAwMDAiXQ", "search=%00", "plant=x", "organization=x", "portfolio=x", "page=2", &long] {
            let answer = alice.get(&format!("/api/v1/grants?{query}")).await;
            assert_eq!(answer.status(), StatusCode::UNPROCESSABLE_ENTITY, "{query}");
        }
        for query in ["user=%00", "vendor=%00"] {
            assert!(grants(&alice, &format!("?{query}")).await.is_empty(), "{query}");
        }
        assert_eq!(alice.get("/api/v1/grants/x").await.status(), StatusCode::NOT_FOUND);
    }
);

both!(
    /// AUT-2: a grant ends by itself, at the very second. Then the same role can be granted again.
    a_grant_ends_at_its_second, |app| {
        let world = acme(&app).await;
        let (alice, bob) = (app.sign_in("alice").await, app.sign_in("bob").await);
        let end = app.now() + Duration::minutes(5);
        let ending = grant(&alice, json!({ "user": "bob", "plant": world.plants[0], "role": "operator", "expires_at": end })).await;
        app.advance(Duration::seconds(1));
        let kept = grant(&alice, json!({ "user": "bob", "plant": world.plants[1], "expires_at": end + Duration::seconds(1) })).await;
        let access = format!("/api/v1/plants/{}/access", world.plants[0]);
        app.advance(Duration::seconds(299) - Duration::microseconds(1));
        assert_eq!(grants(&bob, "").await, [kept.clone(), ending.clone()]);
        assert_eq!(bob.get(&access).await.status(), StatusCode::OK);
        app.advance(Duration::microseconds(1));
        assert_eq!(grants(&bob, "").await, std::slice::from_ref(&kept));
        assert_eq!(grants(&alice, "").await, [kept]);
        assert_eq!(bob.get(&access).await.status(), StatusCode::NOT_FOUND);
        let id = ending["id"].as_str().unwrap();
        assert_eq!(bob.get(&format!("/api/v1/grants/{id}")).await.status(), StatusCode::NOT_FOUND);
        assert_eq!(patch_grant(&alice, id, json!({ "expires_at": null, "reason": "x" })).await.status(), StatusCode::NOT_FOUND);
        assert_eq!(delete_grant(&alice, &ending).await.status(), StatusCode::NOT_FOUND);
        grant(&alice, json!({ "user": "bob", "plant": world.plants[0], "role": "operator" })).await;
        assert_eq!(app.count("SELECT COUNT(*) FROM grants").await, 2, "the expired one was replaced");
    }
);

both!(
    /// A new end needs a reason, and is on record with the previous one. Only owners change their own.
    a_grant_is_extended, |app| {
        let world = acme(&app).await;
        world.add_members(&app, &[("anna", "administrator")]).await;
        let (alice, adam, bob) = (app.sign_in("alice").await, app.sign_in("adam").await, app.sign_in("bob").await);
        let end = app.now() + Duration::days(1);
        let bobs = grant(&adam, json!({ "user": "bob", "plant": world.plants[0], "expires_at": end })).await;
        let adams = grant(&alice, json!({ "user": "adam", "plant": world.plants[0], "expires_at": end })).await;
        let own = grant(&alice, json!({ "user": "alice", "plant": world.plants[0], "expires_at": end })).await;
        let id = |grant: &Value| grant["id"].as_str().unwrap().to_owned();
        let later = json!({ "expires_at": end + Duration::days(30), "reason": "Takes longer" });
        for (client, grant) in [(&bob, &bobs), (&adam, &adams)] {
            assert_refused(patch_grant(client, &id(grant), later.clone()).await, StatusCode::FORBIDDEN, "not-in-role").await;
        }
        assert_refused(patch_grant(&bob, &id(&own), later.clone()).await, StatusCode::NOT_FOUND, "not-found").await;
        let extended: Value = patch_grant(&app.sign_in("anna").await, &id(&bobs), later.clone()).await.json().await.unwrap();
        assert_eq!((&extended["expires_at"], &extended["reason"]), (&json!("2026-07-02T12:00:00Z"), &json!("Takes longer")));
        assert_eq!((&extended["granted_by"]["username"], &extended["id"]), (&json!("adam"), &bobs["id"]));
        assert_eq!(bob.json(&format!("/api/v1/grants/{}", id(&bobs))).await, extended);
        let endless: Value = patch_grant(&alice, &id(&own), json!({ "expires_at": null, "reason": "Always" })).await.json().await.unwrap();
        assert_eq!(endless["expires_at"], Value::Null);
        assert_eq!(app.count_events("grant.extended", "success").await, 2);
        let sql = "SELECT COUNT(*) FROM audit_events WHERE action = 'grant.extended' AND entry LIKE '%2026-06-02T12:00:00Z%' AND entry LIKE '%2026-07-02T12:00:00Z%'";
        assert_eq!(app.count(sql).await, 1);
    }
);

both!(
    /// Access of a vendor's person ends. A person works for one vendor in an organization, and is no member of it.
    vendors_people_have_ends_and_one_vendor, |app| {
        let world = acme(&app).await;
        let other = World::create(&app, "Other").await;
        other.set_member(&app, "alice", "owner").await;
        app.add_user("vera").await;
        let alice = app.sign_in("alice").await;
        let (end, plants) = (app.now() + Duration::days(9), &world.plants);
        let first = grant(&alice, json!({ "user": "vera", "plant": plants[0], "vendor": "Inverters  Ltd", "expires_at": end })).await;
        assert_eq!(first["vendor"], "Inverters Ltd");
        assert_invalid(post_grant(&alice, json!({ "user": "vera", "plant": plants[1] })).await, "expires_at").await;
        let again = grant(&alice, json!({ "user": "vera", "plant": plants[1], "vendor": "lNVERTERS LTD", "expires_at": end })).await;
        assert_eq!(again["vendor"], "Inverters Ltd", "names that look alike are the same");
        let second = json!({ "user": "vera", "plant": world.other_plant, "vendor": "Meters GmbH", "expires_at": end });
        assert_invalid(post_grant(&alice, second).await, "vendor").await;
        assert_invalid(patch_grant(&alice, first["id"].as_str().unwrap(), json!({ "expires_at": null, "reason": "x" })).await, "expires_at").await;
        grant(&alice, json!({ "user": "bob", "plant": plants[0] })).await;
        let endless = json!({ "user": "bob", "plant": plants[1], "vendor": "Inverters Ltd", "expires_at": end });
        assert_invalid(post_grant(&alice, endless).await, "vendor").await;
        assert_invalid(put_member(&alice, &world, "vera", "member").await, "user").await;
        let elsewhere = grant(&alice, json!({ "user": "vera", "plant": other.plants[0] })).await;
        assert_eq!((&elsewhere["vendor"], &elsewhere["expires_at"]), (&Value::Null, &Value::Null), "only in that organization");
        assert_eq!(app.count("SELECT COUNT(*) FROM vendors").await, 1);
        assert_eq!(grants(&alice, "?vendor=inverters%20ltd").await.len(), 2);
    }
);

both!(
    /// Lists are filtered and continued by cursors; nobody finds by a filter what they may not see.
    grants_are_filtered, |app| {
        let world = acme(&app).await;
        let other = World::create(&app, "Other").await;
        other.add_members(&app, &[("oscar", "owner")]).await;
        let (alice, bob, oscar) = (app.sign_in("alice").await, app.sign_in("bob").await, app.sign_in("oscar").await);
        let mut created = Vec::new();
        for (user, scope, id) in [("bob", "plant", &world.plants[0]), ("bob", "portfolio", &world.portfolio), ("mia", "organization", &world.id), ("mia", "plant", &world.other_plant)] {
            app.advance(Duration::seconds(1));
            created.insert(0, grant(&alice, json!({ "user": user, scope: id })).await);
        }
        app.advance(Duration::seconds(1));
        let foreign = grant(&oscar, json!({ "user": "bob", "plant": other.plants[0] })).await;
        for (query, expected) in [
            (String::new(), vec![0, 1, 2, 3]),
            (format!("?organization={}", world.id), vec![0, 1, 2, 3]),
            (format!("?organization={}", other.id), vec![]),
            (format!("?portfolio={}", world.portfolio), vec![2, 3]),
            (format!("?plant={}", world.plants[0]), vec![3]),
            ("?user=mia".to_owned(), vec![0, 1]),
            (format!("?user={}&plant={}", id_of(&app, "mia").await, world.plants[0]), vec![]),
            ("?user=oscar".to_owned(), vec![]),
            ("?user=nobody".to_owned(), vec![]),
            ("?search=MIA%40".to_owned(), vec![0, 1]),
            ("?search=%25".to_owned(), vec![]),
        ] {
            let expected: Vec<_> = expected.into_iter().map(|index: usize| created[index].clone()).collect();
            assert_eq!(grants(&alice, &query).await, expected, "{query}");
        }
        assert_eq!(grants(&bob, "").await, [foreign.clone(), created[2].clone(), created[3].clone()]);
        assert_eq!(grants(&oscar, "").await, std::slice::from_ref(&foreign));
        let all_pages = async |query: &str| {
            let (mut listed, mut cursor) = (Vec::new(), String::new());
            loop {
                let page = alice.json(&format!("/api/v1/grants?limit=3{query}{cursor}")).await;
                listed.extend(page["grants"].as_array().unwrap().clone());
                let Some(next) = page["next_cursor"].as_str() else { break listed };
                cursor = format!("&cursor={next}");
            }
        };
        assert_eq!(all_pages("").await, created);
        let reader = alice.create_token("reader", "read", FIREFOX).await;
        assert_eq!(grants(&reader, "").await, created);
        // Her own elsewhere too, and then all of two organizations, one with fewer than a page.
        app.advance(Duration::seconds(1));
        created.insert(0, grant(&oscar, json!({ "user": "alice", "plant": other.plants[0] })).await);
        assert_eq!(all_pages("").await, created);
        other.set_member(&app, "alice", "administrator").await;
        created.insert(1, foreign.clone());
        assert_eq!(all_pages("").await, created);
        assert_eq!(all_pages(&format!("&organization={}", other.id)).await, created[..2]);
        assert_eq!(all_pages("&search=bob").await, [foreign, created[4].clone(), created[5].clone()]);
        let sessions = alice.create_token("sessions", "sessions", FIREFOX).await;
        assert_refused(sessions.get("/api/v1/grants").await, StatusCode::FORBIDDEN, "not-in-group").await;
    }
);

both!(
    /// LIM-3, LOG-1: people outside the organization are looked up by exact name only, on record and at a limited rate. Others do not count.
    looking_up_strangers_is_limited_and_on_record, |app| {
        let world = acme(&app).await;
        app.add_user("stan").await;
        let (alice, adam) = (app.sign_in("alice").await, app.sign_in("adam").await);
        let try_name = async |client: &Client<'_>, name: &str| post_grant(client, json!({ "user": name, "plant": world.plants[0] })).await;
        for number in 0..28 {
            assert_invalid(try_name(&alice, &format!("guess{number}")).await, "user").await;
        }
        assert_invalid(try_name(&alice, "sta").await, "user").await;
        assert_eq!(try_name(&alice, "STAN").await.status(), StatusCode::CREATED);
        assert_eq!((app.count_events("person.looked_up", "success").await, try_name(&alice, "guess").await.status()), (30, StatusCode::TOO_MANY_REQUESTS));
        assert_eq!(post_grant(&alice, json!({ "user": "stan", "plant": world.plants[1] })).await.status(), StatusCode::CREATED, "belongs to it now");
        assert_eq!(try_name(&alice, "mia").await.status(), StatusCode::CREATED);
        assert_eq!(try_name(&adam, "bob").await.status(), StatusCode::CREATED, "others have their own limit");
        assert_eq!(put_member(&alice, &world, "nobody", "member").await.status(), StatusCode::TOO_MANY_REQUESTS);
        assert_eq!(app.count("SELECT COUNT(*) FROM audit_personal WHERE content LIKE '%guess%'").await, 0);
        assert_eq!(app.count("SELECT COUNT(*) FROM audit_events WHERE action = 'person.looked_up' AND subject_id IS NOT NULL").await, 2);
        app.advance(Duration::minutes(1));
        assert_invalid(try_name(&alice, "guess").await, "user").await;
        let mut db = app.services.db.read().await.unwrap();
        let organization = world.id.parse().unwrap();
        let mut found = async |text: &str| {
            let people = search_people(&mut db, &app.services, &organization, text).await.unwrap();
            people.into_iter().map(|person| person.username).collect::<Vec<_>>()
        };
        assert_eq!(found("@Example").await, ["adam", "alice", "bob", "mia", "stan"]);
        assert_eq!((found("STAN@").await, found("guess").await, found(" ").await), (vec!["stan".to_owned()], vec![], vec![]));
    }
);

async fn invite(client: &Client<'_>, fields: Value) -> Value {
    let answer = post_grant(client, fields).await;
    assert_eq!(answer.status(), StatusCode::ACCEPTED);
    answer.json().await.unwrap()
}

async fn accept(app: &TestApp, token: &str, username: &str) {
    let fields = [("token", token), ("username", username), ("password", PASSWORD_OF_CAROL)];
    assert_eq!(app.post_form("accept_invitation", "", &fields).await.status(), StatusCode::OK);
}

async fn sign_in_invited<'a>(app: &'a TestApp, name: &str) -> Client<'a> {
    let answer: Value = app.try_sign_in(name, PASSWORD_OF_CAROL, FIREFOX).await.json().await.unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    Client { app, token: text(&answer["token"]), id: text(&answer["session"]["id"]), user_agent: FIREFOX.to_owned() }
}

both!(
    /// An address without an account is invited. The account comes with the grants of all its invitations.
    an_invitation_carries_a_grant, |app| {
        let world = acme(&app).await;
        let (alice, adam) = (app.sign_in("alice").await, app.sign_in("adam").await);
        let end = app.now() + Duration::days(30);
        let invited = invite(&adam, json!({ "user": "carol@example.com", "plant": world.plants[0], "vendor": "Inverters Ltd", "expires_at": end })).await;
        assert_eq!(invited, json!({ "invitation": { "email": "carol@example.com", "expires_at": "2026-06-08T12:00:00Z" } }));
        let mail = app.smtp.next_for("carol@example.com").await;
        for words in ["Technician", "Plant Alpha", "Acme", "2026-07-01 12:00:00 UTC"] {
            assert!(mail.text.contains(words), "{words}: {}", mail.text);
        }
        invite(&alice, json!({ "user": "Carol@Example.com", "role": "viewer", "portfolio": world.portfolio, "expires_at": end })).await;
        invite(&alice, json!({ "user": "dave@example.com", "plant": world.plants[0] })).await;
        assert_invalid(post_grant(&alice, json!({ "user": "erin@example.com", "plant": world.plants[0], "vendor": "Inverters Ltd" })).await, "expires_at").await;
        assert_eq!((app.count("SELECT COUNT(*) FROM grants").await, app.count_events("invitation.created", "success").await), (0, 3));
        accept(&app, &mail.link("/register").1, "carol").await;
        let carol = sign_in_invited(&app, "carol").await;
        let own = grants(&carol, "").await;
        let roles: Vec<_> = own.iter().map(|grant| (grant["role"].as_str().unwrap(), grant["granted_by"]["username"].as_str().unwrap())).collect();
        assert_eq!((roles.len(), roles.contains(&("technician", "adam")), roles.contains(&("viewer", "alice"))), (2, true, true), "{own:?}");
        assert!(own.iter().all(|grant| grant["vendor"] == "Inverters Ltd"));
        assert_eq!(app.wait_for_mail("carol@example.com", "Access granted to carol: Plant Alpha").await.to, "carol@example.com");
        assert_eq!(app.count("SELECT COUNT(*) FROM one_time_tokens WHERE purpose = 'invitation'").await, 1, "dave's");
        assert_eq!((app.count_events("grant.created", "success").await, app.count_events("grant.created", "refused").await), (2, 0));
    }
);

both!(
    /// AUT-3: when an invitation is accepted, the granter's right and the end are checked again. Without them the account has no access.
    an_invitation_grants_only_what_still_may_be_granted, |app| {
        let world = acme(&app).await;
        let (alice, adam) = (app.sign_in("alice").await, app.sign_in("adam").await);
        let (plant, now) = (&world.plants[0], app.now());
        let mut links = Vec::new();
        for (granter, email, end) in [(&adam, "carol@example.com", 30), (&alice, "dave@example.com", 1), (&alice, "erin@example.com", 30), (&alice, "fred@example.com", 30)] {
            invite(granter, json!({ "user": email, "plant": plant, "expires_at": now + Duration::days(end) })).await;
            links.push(app.smtp.next_for(email).await.link("/register").1);
        }
        assert_eq!(alice.delete(&world.members("adam")).await.status(), StatusCode::OK);
        accept(&app, &links[0], "carol").await;
        app.advance(Duration::days(1));
        accept(&app, &links[1], "dave").await;
        for name in ["carol", "dave"] {
            assert!(grants(&sign_in_invited(&app, name).await, "").await.is_empty(), "{name}");
        }
        assert_eq!((app.count_events("grant.created", "success").await, app.count_events("grant.created", "refused").await), (0, 2));
        accept(&app, &links[2], "erin").await;
        assert_eq!(grants(&sign_in_invited(&app, "erin").await, "").await.len(), 1);
        // The invitations of a disabled account are canceled.
        admin::disable(&app.services.db, &app.services.recorder, &id_of(&app, "alice").await, Actor::CommandLine).await.unwrap();
        let fields = [("token", links[3].as_str()), ("username", "fred"), ("password", PASSWORD_OF_CAROL)];
        assert_eq!(app.post_form("accept_invitation", "", &fields).await.status(), StatusCode::GONE);
    }
);

both!(
    /// AUT-9: an invitation for a vendor's person grants nothing after all access of the vendor was ended. A later one does.
    an_invitation_ends_with_the_access_of_its_vendor, |app| {
        let world = acme(&app).await;
        let alice = app.sign_in("alice").await;
        let (plant, end) = (&world.plants[0], app.now() + Duration::days(30));
        let for_vendor = |user: &str| json!({ "user": user, "plant": plant, "vendor": "Inverters Ltd", "expires_at": end });
        grant(&alice, for_vendor("bob")).await;
        invite(&alice, for_vendor("carol@example.com")).await;
        let early = app.smtp.next_for("carol@example.com").await.link("/register").1;
        let vendors = alice.json(&format!("/api/v1/organizations/{}/vendors", world.id)).await;
        let vendor = vendors["vendors"][0]["id"].as_str().unwrap();
        let ended = alice.delete(&format!("/api/v1/organizations/{}/vendors/{vendor}/access", world.id)).await;
        assert_eq!(ended.json::<Value>().await.unwrap(), json!({ "grants_ended": 1 }));
        app.advance(Duration::seconds(1));
        invite(&alice, for_vendor("dave@example.com")).await;
        let late = app.smtp.next_for("dave@example.com").await.link("/register").1;
        accept(&app, &early, "carol").await;
        accept(&app, &late, "dave").await;
        assert!(grants(&sign_in_invited(&app, "carol").await, "").await.is_empty());
        assert_eq!(grants(&sign_in_invited(&app, "dave").await, "").await.len(), 1);
    }
);

both!(
    /// ENU-1: an account that is disabled gets no grant, and whoever grants access does not learn that there is one.
    a_disabled_account_gets_no_grant, |app| {
        let world = acme(&app).await;
        let alice = app.sign_in("alice").await;
        admin::disable(&app.services.db, &app.services.recorder, &id_of(&app, "bob").await, Actor::CommandLine).await.unwrap();
        for user in ["bob".to_owned(), id_of(&app, "bob").await.to_string(), "nobody".to_owned()] {
            assert_invalid(post_grant(&alice, json!({ "user": user, "plant": world.plants[0] })).await, "user").await;
        }
        for email in ["bob@example.com", "nobody@example.com"] {
            let invited = invite(&alice, json!({ "user": email, "plant": world.plants[0] })).await;
            assert_eq!(invited, json!({ "invitation": { "email": email, "expires_at": "2026-06-08T12:00:00Z" } }));
        }
        assert_eq!(invitations(&alice, &world).await.len(), 2);
        let link = app.smtp.next_for("bob@example.com").await.link("/register").1;
        let fields = [("token", link.as_str()), ("username", "robert"), ("password", PASSWORD_OF_CAROL)];
        assert_eq!(app.post_form("accept_invitation", "", &fields).await.status(), StatusCode::UNPROCESSABLE_ENTITY, "the address has an account");
        assert_eq!(app.count("SELECT COUNT(*) FROM grants").await, 0);
    }
);

async fn invitations(client: &Client<'_>, world: &World) -> Vec<Value> {
    client.json(&format!("/api/v1/organizations/{}/invitations", world.id)).await["invitations"].as_array().unwrap().clone()
}

both!(
    /// AUT-3: those who administer an organization see the pending invitations with access to something in it, and cancel them. Others stay.
    invitations_are_canceled, |app| {
        let world = acme(&app).await;
        let other = World::create(&app, "Other").await;
        other.add_members(&app, &[("oscar", "owner")]).await;
        let (alice, adam, mia, oscar) = (app.sign_in("alice").await, app.sign_in("adam").await, app.sign_in("mia").await, app.sign_in("oscar").await);
        let end = app.now() + Duration::days(30);
        let mut links = Vec::new();
        for (granter, email, plant) in [(&alice, "carol@example.com", &world.plants[0]), (&adam, "dave@example.com", &world.plants[1]), (&oscar, "erin@example.com", &other.plants[0])] {
            invite(granter, json!({ "user": email, "plant": plant, "expires_at": end })).await;
            links.push(app.smtp.next_for(email).await.link("/register").1);
        }
        let listed = invitations(&adam, &world).await;
        let carols = listed.iter().find(|invitation| invitation["email"] == "carol@example.com").unwrap();
        assert_eq!((listed.len(), &carols["role"], &carols["invited_by"], &carols["scope"]["name"]), (2, &json!("technician"), &json!("alice"), &json!("Alpha")));
        assert_eq!((&carols["access_expires_at"], &carols["expires_at"]), (&json!("2026-07-01T12:00:00Z"), &json!("2026-06-08T12:00:00Z")));
        let path = |world: &World, invitation: &Value| format!("/api/v1/organizations/{}/invitations/{}", world.id, invitation["id"].as_str().unwrap());
        assert_refused(mia.get(&format!("/api/v1/organizations/{}/invitations", world.id)).await, StatusCode::FORBIDDEN, "not-in-role").await;
        assert_refused(mia.delete(&path(&world, carols)).await, StatusCode::FORBIDDEN, "not-in-role").await;
        assert_refused(oscar.delete(&path(&world, carols)).await, StatusCode::NOT_FOUND, "not-found").await;
        assert_refused(oscar.delete(&path(&other, carols)).await, StatusCode::NOT_FOUND, "not-found").await;
        let token = adam.create_token("all", "full", FIREFOX).await;
        assert_refused(token.delete(&path(&world, carols)).await, StatusCode::FORBIDDEN, "session-required").await;
        let page = async |client: &Client<'_>| {
            client.browser(Method::GET, &format!("/organizations/{}", world.id)).send().await.unwrap().text().await.unwrap()
        };
        let shown = page(&adam).await;
        assert!(shown.contains("Cancel invitation for carol@example.com") && shown.contains("Technician, Plant Alpha"), "{shown}");
        assert!(!shown.contains("erin@example.com") && !page(&mia).await.contains("carol@example.com"));
        assert_eq!(adam.delete(&path(&world, carols)).await.status(), StatusCode::NO_CONTENT);
        assert_refused(adam.delete(&path(&world, carols)).await, StatusCode::NOT_FOUND, "not-found").await;
        assert_eq!(app.count_events("invitation.canceled", "success").await, 1);
        let fields = [("token", links[0].as_str()), ("username", "carol"), ("password", PASSWORD_OF_CAROL)];
        assert_eq!(app.post_form("accept_invitation", "", &fields).await.status(), StatusCode::GONE);
        assert!(page(&adam).await.contains("Cancel invitation for dave@example.com"), "dave's is still there");
        app.advance(Duration::minutes(11));
        let daves = invitations(&alice, &world).await[0].clone();
        assert_refused(alice.delete(&path(&world, &daves)).await, StatusCode::FORBIDDEN, "reauthentication-required").await;
        let form = [("organization", world.id.as_str()), ("id", daves["id"].as_str().unwrap())];
        let next: String = alice.post_form("cancel_access_invitation", &form).await.json().await.unwrap();
        assert!(next.starts_with("/confirm?next=%2Forganizations%2F"), "{next}");
        accept(&app, &links[1], "dave").await;
        accept(&app, &links[2], "erin").await;
        for name in ["dave", "erin"] {
            assert_eq!(grants(&sign_in_invited(&app, name).await, "").await.len(), 1, "{name}");
        }
    }
);

both!(
    /// AUT-9: whoever becomes a vendor's person loses the right to edit and close by other grants too. The preview says so before, and the mail after.
    becoming_a_vendors_person_is_announced, start_with_manual_mails, |app| {
        let world = acme(&app).await;
        let (alice, bob) = (app.sign_in("alice").await, app.sign_in("bob").await);
        let end = app.now() + Duration::days(30);
        let operator = grant(&alice, json!({ "user": "bob", "role": "operator", "plant": world.plants[1] })).await;
        let for_vendor = json!({ "user": "bob", "plant": world.plants[0], "vendor": "Inverters Ltd", "expires_at": end });
        assert_invalid(post_grant(&alice, for_vendor.clone()).await, "vendor").await;
        let with_end = json!({ "expires_at": end, "reason": "Will work for a vendor" });
        assert_eq!(patch_grant(&alice, operator["id"].as_str().unwrap(), with_end).await.status(), StatusCode::OK);
        grant(&alice, json!({ "user": "bob", "role": "viewer", "plant": world.other_plant, "expires_at": end })).await;
        let (adam, scope) = (principal(&app, "adam").await, ScopeId::Plant(world.plants[0].parse().unwrap()));
        let bobs = accounts::find(&app.services.db, "bob").await.unwrap().account;
        let draft = Draft { user: Some(&bobs), role: Role::Technician, scope: &scope, expires_at: Some(end), vendor: Some("Inverters Ltd") };
        assert_eq!(preview(&app.services, &adam, draft).await.unwrap().narrowed, ["Plant Beta"]);
        assert_eq!(preview(&app.services, &adam, Draft { vendor: None, ..draft }).await.unwrap().narrowed, Vec::<String>::new());
        let form = [("at", format!("plant:{}", world.plants[0])), ("user", "bob".to_owned()), ("is_vendor", "yes".to_owned()), ("vendor", "Inverters Ltd".to_owned()), ("role", "technician".to_owned())];
        let form: Vec<_> = form.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let shown: String = alice.post_form("preview_grant", &form).await.json().await.unwrap();
        assert!(shown.contains("will no longer edit plants or close remote access by other access here: Plant Beta."), "{shown}");
        let edit = async || bob.request(Method::PATCH, &format!("/api/v1/plants/{}", world.plants[1])).json(&json!({ "place": "Kiel" })).send().await.unwrap();
        assert_eq!(edit().await.status(), StatusCode::OK);
        grant(&alice, for_vendor).await;
        app.send_due().await;
        let mails: Vec<_> = app.smtp.take_all().await.into_iter().filter(|mail| mail.subject == "Access granted to bob: Plant Alpha").collect();
        assert_eq!(mails.len(), 2, "to him and to the owner");
        for mail in mails {
            let text = mail.text.split_whitespace().collect::<Vec<_>>().join(" ");
            assert!(text.contains("bob works for Inverters Ltd in Acme. Access of a vendor's people neither edits plants nor closes remote access"), "{text}");
        }
        assert_eq!(edit().await.status(), StatusCode::FORBIDDEN);
        assert_eq!(preview(&app.services, &adam, draft).await.unwrap().narrowed, Vec::<String>::new(), "it is so already");
    }
);

both!(
    /// One reminder three days before the end: to the person, and to who granted the access, or to the owners if that one cannot extend it.
    /// Grants that ended 90 days ago are removed.
    ends_are_announced_and_old_grants_removed, start_with_manual_mails, |app| {
        let world = acme(&app).await;
        world.add_members(&app, &[("anna", "administrator")]).await;
        let (adam, anna) = (app.sign_in("adam").await, app.sign_in("anna").await);
        let now = app.now();
        let reminded = grant(&adam, json!({ "user": "bob", "plant": world.plants[0], "expires_at": now + Duration::days(30) })).await;
        grant(&anna, json!({ "user": "mia", "plant": world.plants[0], "expires_at": now + Duration::days(30) })).await;
        grant(&adam, json!({ "user": "bob", "plant": world.plants[1], "expires_at": now + Duration::days(3) })).await;
        grant(&adam, json!({ "user": "mia", "plant": world.plants[1] })).await;
        let reminders = "SELECT COUNT(*) FROM outbox WHERE kind = 'access_expires'";
        app.advance(Duration::days(27) - Duration::seconds(1));
        worker::process(&app.services).await.unwrap();
        assert_eq!(app.count(reminders).await, 0, "created within three days of the end, or not due yet");
        let alice = app.sign_in("alice").await;
        assert_eq!(put_member(&alice, &world, "anna", "member").await.status(), StatusCode::OK);
        app.advance(Duration::seconds(1));
        let node = app.start_second_node().await;
        let (one, other) = tokio::join!(worker::process(&app.services), worker::process(&node.services));
        one.unwrap();
        other.unwrap();
        assert_eq!(app.count(reminders).await, 4);
        app.send_due().await;
        let mut to = Vec::new();
        while to.len() < 4 {
            let mail = app.smtp.next().await;
            if mail.subject.contains("ends soon") {
                assert!(mail.text.contains("2026-07-01 12:00:00 UTC") && mail.text.contains("Plant Alpha"), "{mail:?}");
                to.push((mail.to.split('@').next().unwrap().to_owned(), mail.subject.contains("bob")));
            }
        }
        to.sort();
        let expected = [("adam", true), ("alice", false), ("bob", true), ("mia", false)];
        assert_eq!(to, expected.map(|(name, is_bobs)| (name.to_owned(), is_bobs)), "anna does not administer any more");
        let adam = app.sign_in("adam").await;
        let later = json!({ "expires_at": app.now() + Duration::days(30), "reason": "Takes longer" });
        assert_eq!(patch_grant(&adam, reminded["id"].as_str().unwrap(), later).await.status(), StatusCode::OK);
        app.advance(Duration::days(27));
        worker::process(&app.services).await.unwrap();
        assert_eq!(app.count(reminders).await, 6, "an extended grant is announced again");
        app.advance(Duration::days(66));
        worker::process(&app.services).await.unwrap();
        assert_eq!(app.count("SELECT COUNT(*) FROM grants").await, 2, "the extended one, and the one without end");
        app.advance(Duration::days(27));
        worker::process(&app.services).await.unwrap();
        assert_eq!(app.count("SELECT COUNT(*) FROM grants").await, 1, "the one without end");
    }
);

/// Returns a user as an action sees them who is signed in.
async fn principal(app: &TestApp, name: &str) -> Principal {
    let account = accounts::find(&app.services.db, name).await.unwrap().account;
    let client_info = ClientInfo::new("127.0.0.1".parse().unwrap(), Default::default());
    Principal { account, credential: Credential::Session(SessionId::new(app.now())), reauthenticated_at: Some(app.now()), client_info }
}

both!(
    /// The choices of "Where" say how many plants and devices each has.
    scopes_are_counted, |app| {
        let world = acme(&app).await;
        let counts = async |name: &str, scope: ScopeId| {
            let principal = principal(&app, name).await;
            scopes(&app.services, &principal, &scope).await.map(|choices| {
                choices.into_iter().map(|choice| (choice.scope.name, choice.count.plants, choice.count.devices)).collect::<Vec<_>>()
            })
        };
        let named = |choices: &[(&str, i64, i64)]| choices.iter().map(|(name, plants, devices)| ((*name).to_owned(), *plants, *devices)).collect::<Vec<_>>();
        let plant = ScopeId::Plant(world.plants[0].parse().unwrap());
        assert_eq!(counts("adam", plant.clone()).await.unwrap(), named(&[("Acme", 3, 2), ("North", 2, 2), ("Alpha", 1, 2)]));
        let whole = ScopeId::Organization(world.id.parse().unwrap());
        assert_eq!(counts("adam", whole).await.unwrap(), named(&[("Acme", 3, 2), ("North", 2, 2), ("South", 1, 0)]));
        assert!(counts("bob", plant).await.is_err());
    }
);

both!(
    /// A preview says what a grant would reach and allow, and why it could not be created.
    a_preview_says_what_a_grant_means, |app| {
        let world = acme(&app).await;
        let alice = app.sign_in("alice").await;
        let end = app.now() + Duration::days(1);
        app.add_user("vera").await;
        grant(&alice, json!({ "user": "vera", "plant": world.plants[0], "vendor": "Inverters Ltd", "expires_at": end })).await;
        let (adam, scope) = (principal(&app, "adam").await, ScopeId::Portfolio(world.portfolio.parse().unwrap()));
        let draft = Draft { user: None, role: Role::Operator, scope: &scope, expires_at: None, vendor: None };
        let shown = preview(&app.services, &adam, draft).await.unwrap();
        assert_eq!((shown.count.plants, shown.count.devices, shown.other_plants, shown.owners), (2, 2, 1, 1));
        assert_eq!((shown.scope.name.as_str(), shown.organization.as_str(), &shown.problem), ("North", "Acme", &None));
        let plants: Vec<_> = shown.first_plants.iter().map(|(_, name, devices)| (name.as_str(), *devices)).collect();
        assert_eq!((plants, shown.not_included), (vec![("Alpha", 2), ("Beta", 0)], vec![]));
        let vera = accounts::find(&app.services.db, "vera").await.unwrap().account;
        let shown = preview(&app.services, &adam, Draft { user: Some(&vera), ..draft }).await.unwrap();
        assert!(shown.problem.unwrap().to_string().contains("must end"));
        let shown = preview(&app.services, &adam, Draft { user: Some(&vera), expires_at: Some(end), ..draft }).await.unwrap();
        assert_eq!((shown.problem, shown.not_included), (None, vec![Action::Edit, Action::Close]), "a vendor's person edits nothing");
        let mia = principal(&app, "mia").await;
        assert!(preview(&app.services, &mia, draft).await.is_err());
        assert_eq!(app.count("SELECT COUNT(*) FROM grants").await, 1);
    }
);

fn run(app: &TestApp, arguments: &[&str]) -> std::process::Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_whereabouts"));
    command.args(arguments).env("WHEREABOUTS_DATA_DIR", &app.services.config.storage.data_dir);
    command.env("WHEREABOUTS_DATABASE_URL", &app.database_url).output().unwrap()
}

fn printed(app: &TestApp, arguments: &[&str]) -> String {
    let output = run(app, arguments);
    assert!(output.status.success(), "{arguments:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
}

both!(
    /// The command line grants, lists and ends, and prints the id alone or JSON.
    the_command_line_manages_grants, |app| {
        let world = acme(&app).await;
        let bob = app.sign_in("bob").await;
        let add = ["grant", "add", "--user", "bob@example.com", "--role", "technician", "--reason", "Maintenance"];
        let plant = ["--plant", &world.plants[0]];
        let id = printed(&app, &[&add[..], &plant, &["--until", "2031-01-01T00:00:00Z", "--vendor", "Inverters Ltd"]].concat());
        let granted = bob.json(&format!("/api/v1/grants/{id}")).await;
        assert_eq!((&granted["granted_by"], &granted["vendor"], &granted["expires_at"]), (&Value::Null, &json!("Inverters Ltd"), &json!("2031-01-01T00:00:00Z")));
        for (arguments, words) in [
            ([&add[..], &plant].concat(), "must end"),
            ([&add[..], &plant, &["--organization", &world.id]].concat(), "cannot be used with"),
            (add.to_vec(), "required"),
            ([&["grant", "add", "--user", "nobody", "--role", "viewer", "--reason", "x"][..], &plant].concat(), "there is no user"),
            ([&["grant", "add", "--user", "bob", "--role", "owner", "--reason", "x"][..], &plant].concat(), "a role is one of"),
            (vec!["grant", "remove", &world.id], "could not be ended"),
        ] {
            let output = run(&app, &arguments);
            let error = String::from_utf8(output.stderr).unwrap();
            assert!(!output.status.success() && error.contains(words), "{arguments:?}: {error}");
        }
        let other: Value = serde_json::from_str(&printed(&app, &["grant", "add", "--user", "mia", "--role", "viewer", "--organization", &world.id, "--reason", "x", "--json"])).unwrap();
        let listed: Value = serde_json::from_str(&printed(&app, &["grant", "list", "--json"])).unwrap();
        assert_eq!(listed, json!([other, granted]));
        assert!(printed(&app, &["grant", "list", "--user", "bob"]).contains("Plant Alpha"));
        assert_eq!(printed(&app, &["grant", "remove", &id]), id);
        assert!(grants(&bob, "").await.is_empty());
        assert_eq!((app.count_events("grant.created", "success").await, app.count_events("grant.ended", "success").await), (2, 1));
    }
);

/// RACE-1: an administrator who is removed meanwhile creates no grant afterwards. If the grant was first, it stays, as any other.
#[tokio::test(flavor = "multi_thread")]
async fn a_removed_granter_grants_nothing() {
    let app = TestApp::start(Backend::Postgres).await;
    let world = acme(&app).await;
    world.add_members(&app, &[("anna", "administrator")]).await;
    let (alice, adam, anna) = (app.sign_in("alice").await, app.sign_in("adam").await, app.sign_in("anna").await);
    let (members, fields) = ([world.members("adam"), world.members("anna")], json!({ "user": "bob", "plant": world.plants[0] }));
    let holder = hold(&app, "LOCK TABLE audit_events IN ACCESS EXCLUSIVE MODE").await;
    let second = async {
        wait_until_blocked(&app, 1).await;
        post_grant(&adam, json!({ "user": "mia", "plant": world.plants[0] })).await
    };
    let release = async {
        wait_until_blocked(&app, 2).await;
        release(holder).await;
    };
    let (removed, refused, ()) = tokio::join!(alice.delete(&members[0]), second, release);
    assert_eq!(removed.status(), StatusCode::OK);
    assert_invalid(refused, "plant").await;
    assert_eq!(app.count("SELECT COUNT(*) FROM grants").await, 0);
    // Bob belongs to the organization already, so that nothing but the grant itself is recorded.
    grant(&alice, json!({ "user": "bob", "plant": world.plants[1] })).await;
    let holder = hold(&app, "LOCK TABLE audit_events IN ACCESS EXCLUSIVE MODE").await;
    let second = async {
        wait_until_blocked(&app, 1).await;
        alice.delete(&members[1]).await
    };
    let release = async {
        wait_until_blocked(&app, 2).await;
        crate::support::postgres::release(holder).await;
    };
    let (granted, removed, ()) = tokio::join!(post_grant(&anna, fields), second, release);
    assert_eq!((granted.status(), removed.status()), (StatusCode::CREATED, StatusCode::OK));
    assert_eq!(grants(&app.sign_in("bob").await, "").await.len(), 2);
}

/// RACE-1, RACE-2: an invitation that is accepted while its granter is disabled grants nothing, and neither waits for the other forever.
#[tokio::test(flavor = "multi_thread")]
async fn an_invitation_does_not_outlive_its_granter() {
    let app = TestApp::start(Backend::Postgres).await;
    let world = acme(&app).await;
    let (adam, id) = (app.sign_in("adam").await, id_of(&app, "adam").await);
    invite(&adam, json!({ "user": "carol@example.com", "plant": world.plants[0] })).await;
    let link = app.smtp.next_for("carol@example.com").await.link("/register").1;
    let holder = hold(&app, "LOCK TABLE audit_events IN ACCESS EXCLUSIVE MODE").await;
    let fields = [("token", link.as_str()), ("username", "carol"), ("password", PASSWORD_OF_CAROL)];
    let accepting = async {
        wait_until_blocked(&app, 1).await;
        app.post_form("accept_invitation", "", &fields).await
    };
    let release = async {
        wait_until_blocked(&app, 2).await;
        release(holder).await;
    };
    let disabling = admin::disable(&app.services.db, &app.services.recorder, &id, Actor::CommandLine);
    let (disabled, accepted, ()) = tokio::join!(disabling, accepting, release);
    disabled.unwrap();
    assert_eq!(accepted.status(), StatusCode::GONE);
    assert_eq!(app.count("SELECT COUNT(*) FROM grants").await, 0);
}

/// RACE-2: an acceptance with grants in several organizations enqueues its mails in the order of the recipients, as everything else does.
#[tokio::test(flavor = "multi_thread")]
async fn mails_of_an_acceptance_do_not_deadlock() {
    let app = start_with_manual_mails(Backend::Postgres).await;
    let [acme, other, third] = [World::create(&app, "Acme").await, World::create(&app, "Other").await, World::create(&app, "Third").await];
    other.add_members(&app, &[("xena", "owner")]).await;
    app.advance(Duration::seconds(1)); // so that Yara's id comes after Xena's
    acme.add_members(&app, &[("yara", "owner")]).await;
    third.add_members(&app, &[("tom", "administrator")]).await;
    third.set_member(&app, "xena", "owner").await;
    third.set_member(&app, "yara", "owner").await;
    app.add_user("bob").await;
    let (xena, yara, tom) = (app.sign_in("xena").await, app.sign_in("yara").await, app.sign_in("tom").await);
    // Both owners have got so many mails that the next ones are collected in a digest.
    for role in ["viewer", "technician", "operator"] {
        for plant in &third.plants {
            grant(&tom, json!({ "user": "bob", "role": role, "plant": plant })).await;
        }
    }
    invite(&yara, json!({ "user": "carol@example.com", "plant": acme.plants[0] })).await;
    app.send_due().await;
    let link = app.smtp.next_for("carol@example.com").await.link("/register").1;
    invite(&xena, json!({ "user": "carol@example.com", "plant": other.plants[0] })).await;
    let digest =
        "SELECT id FROM outbox WHERE digest_count IS NOT NULL AND user_id = (SELECT id FROM users WHERE username = 'yara') FOR UPDATE";
    let holder = hold(&app, digest).await;
    let granting = async {
        wait_until_blocked(&app, 1).await;
        post_grant(&tom, json!({ "user": "bob", "role": "auditor", "plant": third.plants[0] })).await
    };
    let release = async {
        wait_until_blocked(&app, 2).await;
        release(holder).await;
    };
    let ((), granted, ()) = tokio::join!(accept(&app, &link, "carol"), granting, release);
    assert_eq!(granted.status(), StatusCode::CREATED);
    assert_eq!(grants(&sign_in_invited(&app, "carol").await, "").await.len(), 2);
}
