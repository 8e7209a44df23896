//! Reading the audit log: who sees what, the search, pages, exports, and what is recorded of it.

use std::{collections::BTreeSet, net::Ipv4Addr};

use chrono::Duration;
use futures::StreamExt;
use proptest::{collection::vec, prelude::*};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;
use whereabouts::{
    access::{Credential, Principal},
    accounts::{actions as accounts, model::Account},
    admin::actions as admin,
    audit::{
        log::{
            actions::list_within,
            export::{self, Format},
            visibility::{Reader, ScopedGrant, may_see},
        },
        query::Query,
        receipt::model::Receipt,
        seal::worker::publish_size,
        tree::SigningKey,
        verify::{actions::Verifier, worker::verify_increment},
    },
    foundation::{
        client::{headers::UserAgentHeaders, info::ClientInfo},
        db::Tx,
        http::page::PageRequest,
        ids::{SessionId, UserId},
    },
    permissions::decide::GrantedRole,
    reauthentication::actor::Actor,
    record::{Action, Event, Outcome, entry::Ids},
    sessions::live::protocol::{AUDIT, SIGNED_IN},
};

use crate::{
    audit::seal,
    permissions::{
        for_random,
        world::{self as model, PEOPLE, Place, organization_id, plant_id, portfolio_id},
    },
    support::{
        Client, FIREFOX, TestApp,
        live::Page,
        world::{World, assert_invalid, assert_refused, grant, id_of},
    },
    tampering::tamper,
};

/// Lets a millisecond pass: the order of events within one is that of their random ids.
fn tick(app: &TestApp) {
    app.advance(Duration::milliseconds(1));
}

/// Returns the events of a list.
async fn events(client: &Client<'_>, query: &str) -> Vec<Value> {
    tick(client.app);
    client.json(&format!("/api/v1/audit{query}")).await["events"].as_array().unwrap().clone()
}

/// Returns the actions of a list, without sign-ins, look-ups of people, and what reading itself writes.
async fn actions(client: &Client<'_>, query: &str) -> Vec<String> {
    let events = events(client, query).await;
    let actions = events.iter().map(|event| event["action"].as_str().unwrap().to_owned());
    let is_beside = |action: &String| ["account.", "audit.", "person."].iter().any(|noun| action.starts_with(noun));
    actions.filter(|action| !is_beside(action)).collect()
}

async fn search(client: &Client<'_>, q: &str) -> Vec<String> {
    let q: String = q.bytes().map(|byte| format!("%{byte:02X}")).collect();
    actions(client, &format!("?q={q}")).await
}

async fn patch(client: &Client<'_>, path: &str, body: Value) {
    let answer = client.request(Method::PATCH, path).json(&body).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK, "{path}");
    tick(client.app);
}

/// An organization whose owner changed each of its three plants, in their order, granted access, and closed the first plant.
async fn solar(app: &TestApp) -> World {
    let world = World::create(app, "Solar").await;
    world.add_members(app, &[("owner", "owner"), ("admin", "administrator")]).await;
    for name in ["auditor", "operator", "technician", "stranger"] {
        app.add_user(name).await;
    }
    let mut tx = app.services.db.write().await.unwrap();
    let sql = "INSERT INTO host_suffixes (suffix, organization_id) VALUES ('solar.example', $1)";
    whereabouts::execute!(&mut tx, sql, &world.id).unwrap();
    tx.commit().await.unwrap();
    let owner = app.sign_in("owner").await;
    for plant in world.plants.iter().chain([&world.other_plant]) {
        patch(&owner, &format!("/api/v1/plants/{plant}"), json!({ "place": "Husum" })).await;
    }
    for terms in [
        json!({ "user": "auditor", "role": "auditor", "plant": world.plants[0] }),
        json!({ "user": "operator", "role": "operator", "portfolio": world.portfolio }),
        json!({ "user": "technician", "role": "technician", "organization": world.id }),
    ] {
        grant(&owner, terms).await;
        tick(app);
    }
    let path = format!("/api/v1/plants/{}/closure", world.plants[0]);
    let answer = owner.request(Method::PUT, &path).json(&json!({ "reason": "New firmware" })).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    app.advance(Duration::seconds(1));
    world
}

both!(
    /// AUT-1: everybody sees what they did and what concerns them; owners, operators and auditors what happened in their scope.
    each_person_sees_their_own_and_what_they_may_read, |app| {
        solar(&app).await;
        app.add_admin("platform").await;
        let (plant, closed) = ("plant.changed", "remote_access.closed");
        let granted = "grant.created";
        let cases = [
            ("owner", vec![closed, granted, granted, granted, plant, plant, plant]),
            ("auditor", vec![closed, granted, plant]),
            // Also who has a grant on a plant of the portfolio.
            ("operator", vec![closed, granted, granted, plant, plant]),
            ("technician", vec![granted]),
            ("admin", vec![]),
            ("stranger", vec![]),
            ("platform", vec![]),
        ];
        for (name, expected) in cases {
            let client = app.sign_in(name).await;
            assert_eq!(actions(&client, "").await, expected, "{name}");
            let signed_in = events(&client, "?action=account.signed_in").await;
            let actors: BTreeSet<_> = signed_in.iter().map(|event| event["actor"]["name"].as_str().unwrap()).collect();
            let expected = if name == "platform" { 7 } else { 1 };
            assert_eq!(actors.len(), expected, "{name} sees sign-ins of {actors:?}");
        }
        let platform = app.sign_in("platform").await;
        let created = platform.request(Method::POST, "/api/v1/organizations").json(&json!({ "name": "Wind", "owner": "stranger" }));
        assert_eq!(created.send().await.unwrap().status(), StatusCode::CREATED);
        let both: BTreeSet<String> = actions(&platform, "").await.into_iter().collect(); // of one millisecond
        assert_eq!(both, BTreeSet::from(["member.changed".to_owned(), "organization.created".to_owned()]));
        let second = { app.add_admin("second").await; app.sign_in("second").await };
        assert_eq!(actions(&second, "").await, ["organization.created"], "not the members of organizations");
    }
);

both!(
    /// An event says who, what, whom, from where, and when.
    an_event_has_the_shape_of_the_contract, |app| {
        let world = solar(&app).await;
        let owner = app.sign_in_as("owner", FIREFOX).await;
        let event = &events(&owner, "?action=remote_access.closed").await[0];
        let id = event["id"].as_str().unwrap();
        assert_eq!(&owner.json(&format!("/api/v1/audit/{id}")).await, event);
        assert_eq!((&event["seq"], &event["outcome"], &event["occurred_at"]), (&Value::Null, &json!("success"), &json!("2026-06-01T12:00:00.006Z")));
        assert_eq!(event["actor"], json!({ "kind": "person", "id": id_of(&app, "owner").await, "name": "owner", "owner": null }));
        let target = |kind: &str, id: &str, name: &str| json!({ "kind": kind, "id": id, "name": name });
        assert_eq!(event["targets"], json!([
            target("organization", &world.id, "Solar"), target("portfolio", &world.portfolio, "North"), target("plant", &world.plants[0], "Alpha"),
        ]));
        let context = &event["context"];
        assert_eq!((&context["ip"], &context["location"]["label"], &context["device"]), (&json!("127.0.0.1"), &json!("Private network"), &json!("curl")));
        assert_eq!(context["request_id"].as_str().unwrap().len(), 32);
        assert_eq!(event["detail"], json!({ "name": "Alpha", "reason": "New firmware", "was_closed": false }));
        let granted = &events(&owner, "?action=grant.created&subject=auditor").await[0];
        assert_eq!(granted["targets"][0], target("person", id_of(&app, "auditor").await.as_str(), "auditor"));
        assert_eq!((&granted["detail"]["role"], &granted["detail"]["scope"]["name"]), (&json!("auditor"), &json!("Alpha")));
        let token = owner.create_token("Nightly backup", "full", "restic/0.16").await;
        patch(&token, &format!("/api/v1/plants/{}", world.plants[1]), json!({ "place": "Kiel" })).await;
        let by_token = &events(&owner, &format!("?token={}", token.id)).await[0];
        let person = target("person", id_of(&app, "owner").await.as_str(), "owner");
        assert_eq!(by_token["actor"], json!({ "kind": "token", "id": token.id, "name": "Nightly backup", "owner": person }));
        assert_eq!(by_token["session"], Value::Null);
        app.try_sign_in("owner", "wrong password", "curl/8.5.0").await;
        let refused = &events(&owner, "?outcome=refused").await[0];
        assert_eq!((&refused["actor"]["kind"], &refused["targets"][0]), (&json!("anonymous"), &person));
    }
);

both!(
    /// AUD-3, SES-6: an event of others is not found, nor its receipt; one's own has a receipt once it is sealed.
    receipts_are_for_those_who_see_the_event, |app| {
        solar(&app).await;
        let (owner, stranger) = (app.sign_in("owner").await, app.sign_in("stranger").await);
        let id = events(&owner, "?action=remote_access.closed").await[0]["id"].as_str().unwrap().to_owned();
        let (event, receipt) = (format!("/api/v1/audit/{id}"), format!("/api/v1/audit/{id}/receipt"));
        for path in [&event, &receipt] {
            assert_refused(stranger.get(path).await, StatusCode::NOT_FOUND, "not-found").await;
        }
        for unknown in [SessionId::new(app.now()).to_string(), "x".to_owned()] {
            assert_refused(owner.get(&format!("/api/v1/audit/{unknown}")).await, StatusCode::NOT_FOUND, "not-found").await;
        }
        let early = owner.get(&receipt).await;
        assert_eq!((early.status(), early.headers()["retry-after"].to_str().unwrap()), (StatusCode::CONFLICT, "1"));
        assert_refused(early, StatusCode::CONFLICT, "not-sealed").await;
        seal(&app).await;
        let sealed = owner.json(&event).await;
        let receipt: Receipt = serde_json::from_value(owner.json(&receipt).await).unwrap();
        let origin = format!("{}/audit", app.services.config.public_url().host());
        let key = SigningKey::from_seed(&origin, app.services.keyring.audit_signing_seed()).unwrap();
        let verified = receipt.verify(key.verifier()).unwrap();
        assert_eq!((verified.entry.id, json!(verified.seq)), (id, sealed["seq"].clone()));
    }
);

both!(
    /// API-2: the permission groups Full, Read and Audit read the log as their owner does, others do not.
    api_tokens_read_by_their_group, |app| {
        solar(&app).await;
        let owner = app.sign_in("owner").await;
        let all = actions(&owner, "").await;
        for group in ["full", "read", "audit"] {
            let token = owner.create_token(group, group, "curl/8.5.0").await;
            assert_eq!(actions(&token, "?action=remote_access.*").await, all[..1], "{group}");
        }
        for group in ["sessions", "devices"] {
            let token = owner.create_token(group, group, "curl/8.5.0").await;
            assert_refused(token.get("/api/v1/audit").await, StatusCode::FORBIDDEN, "not-in-group").await;
        }
        assert_refused(app.get("/api/v1/audit").await, StatusCode::UNAUTHORIZED, "not-signed-in").await;
    }
);

both!(
    /// Each qualifier finds what it says, and excludes it with a minus. Values of one are alternatives; different ones must all hold.
    qualifiers_narrow_the_list, |app| {
        let world = solar(&app).await;
        let owner = app.sign_in("owner").await;
        let (all, id) = (7, |name: &'static str| async { id_of(&app, name).await.to_string() });
        let inverter = owner.json("/api/v1/devices?search=inverter").await["devices"][0]["id"].as_str().unwrap().to_owned();
        patch(&owner, &format!("/api/v1/devices/{inverter}"), json!({ "name": "Inverter 3" })).await;
        let (north, alpha, session) = (&world.portfolio, &world.plants[0], &owner.id);
        let (owner_id, auditor_id) = (id("owner").await, id("auditor").await);
        let cases = [
            (format!("actor:{owner_id}"), all + 1),
            ("actor:owner".to_owned(), all + 1),
            ("actor:owner@example.com -action:grant.*".to_owned(), 5),
            (format!("subject:{auditor_id}"), 1),
            ("subject:auditor subject:operator".to_owned(), 2),
            ("subject:auditor outcome:refused".to_owned(), 0),
            ("action:plant.changed".to_owned(), 3),
            ("action:plant.changed action:grant.*".to_owned(), 6),
            ("-action:plant.changed".to_owned(), 5),
            (format!("organization:{}", world.id), all + 1),
            ("organization:solar".to_owned(), all + 1),
            (format!("portfolio:{north}"), 6),
            ("portfolio:North".to_owned(), 6),
            ("-portfolio:North".to_owned(), 2),
            (format!("plant:{alpha}"), 4),
            ("plant:alph".to_owned(), 4),
            ("plant:alpha plant:gamma".to_owned(), 5),
            ("-plant:alpha".to_owned(), 4),
            (format!("device:{inverter}"), 1),
            ("device:\"Inverter 3\"".to_owned(), 1),
            ("ip:127.0.0.1".to_owned(), all + 1),
            ("ip:127.0.0.0/8".to_owned(), all + 1),
            ("ip:192.0.2.0/24 ip:127.0.0.1".to_owned(), all + 1),
            ("-ip:127.0.0.1".to_owned(), 0),
            ("-ip:127.0.0.0/8".to_owned(), 0),
            ("ip:192.0.2.7".to_owned(), 0),
            ("country:DE".to_owned(), 0),
            ("-country:DE".to_owned(), all + 1),
            ("outcome:success".to_owned(), all + 1),
            ("-outcome:success".to_owned(), 0),
            (format!("session:{session}"), 1),
            (format!("-session:{session}"), all),
            ("created:2026-06-01".to_owned(), all + 1),
            ("created:>=2026-06-01T12:00:01Z".to_owned(), 1),
            ("created:<2026-06-01T12:00:01Z".to_owned(), all),
            ("created:<2026-06-01".to_owned(), 0),
            ("alpha".to_owned(), 4),
            ("inverter".to_owned(), 1),
            ("auditor alpha".to_owned(), 1),
        ];
        for (q, expected) in cases {
            assert_eq!(search(&owner, &q).await.len(), expected, "{q}");
        }
        let from = actions(&owner, "?from=2026-06-01T12:00:00.001Z&to=2026-06-01T12:00:00.003Z&action=plant.changed").await;
        assert_eq!(from.len(), 2);
        for (query, field) in [("?q=nothing:x", "q"), ("?from=x", "from"), ("?ip=x", "ip"), ("?format=xml", "format"), ("?cursor=x", "cursor"), ("?limit=0", "limit"), ("?x=1", "query")] {
            assert_invalid(owner.get(&format!("/api/v1/audit{query}")).await, field).await;
        }
    }
);

both!(
    /// ENU-1: a name means what the reader may know. What means nothing finds nothing, and excludes nothing.
    names_mean_what_the_reader_knows, |app| {
        let world = solar(&app).await;
        let (owner, technician, stranger) =
            (app.sign_in("owner").await, app.sign_in("technician").await, app.sign_in("stranger").await);
        for q in ["actor:nobody", "plant:nothing", "nothing", "token:nothing", "actor:stranger"] {
            assert_eq!(search(&owner, q).await, Vec::<String>::new(), "{q}");
        }
        assert_eq!(search(&owner, "-plant:nothing").await.len(), 7);
        assert_eq!(search(&technician, "plant:alpha").await, Vec::<String>::new(), "the grant is on the organization");
        assert_eq!(search(&technician, "organization:solar").await, ["grant.created"]);
        assert_eq!(search(&stranger, "organization:solar").await, Vec::<String>::new());
        let ended = owner.delete(&world.members("admin")).await;
        assert_eq!(ended.status(), StatusCode::OK);
        assert_eq!(search(&owner, "subject:admin").await, ["member.removed"], "people who left are found by their exact name");
    }
);

/// Collects all pages.
async fn pages(app: &TestApp, client: &Client<'_>, name: &str, q: &str, (limit, examined): (i64, usize)) -> (Vec<String>, usize) {
    let (query, principal) = (Query::parse(q).unwrap(), principal(&app_account(app, name).await, &client.id));
    let (mut ids, mut page, mut count) = (Vec::new(), PageRequest::first(limit), 0);
    loop {
        let mut db = app.services.db.read().await.unwrap();
        let found = list_within(&mut db, &app.services, &principal, &query, &page, examined).await.unwrap();
        assert!(found.events.len() <= limit as usize);
        ids.extend(found.events.into_iter().map(|event| event.id.to_string()));
        count += 1;
        match found.next_cursor {
            Some(next) => page = PageRequest::first(limit).after(next),
            None => return (ids, count),
        }
    }
}

async fn app_account(app: &TestApp, name: &str) -> Account {
    accounts::find(&app.services.db, name).await.unwrap().account
}

fn principal(account: &Account, session: &str) -> Principal {
    Principal {
        account: account.clone(),
        credential: Credential::Session(session.parse().unwrap()),
        reauthenticated_at: None,
        client_info: ClientInfo::new(Ipv4Addr::LOCALHOST.into(), UserAgentHeaders::default()),
    }
}

both!(
    /// Pages have every event once, newest first. One that examined its share ends early, even without an event.
    pages_end_where_they_examined_enough, |app| {
        solar(&app).await;
        let owner = app.sign_in("owner").await;
        let all: Vec<String> = events(&owner, "?limit=1000").await.iter().map(|event| event["id"].as_str().unwrap().to_owned()).collect();
        assert!(all.is_sorted_by(|newer, older| newer > older), "{all:?}");
        for limits in [(1, 20_000), (3, 20_000), (1_000, 1), (2, 4), (1_000, 20_000)] {
            assert_eq!(pages(&app, &owner, "owner", "", limits).await.0, all, "{limits:?}");
        }
        let (found, count) = pages(&app, &owner, "owner", "plant:alpha action:plant.changed", (50, 1)).await;
        assert!(found.len() == 1 && count > 1, "{found:?} on {count} pages");
        let first = owner.json("/api/v1/audit?limit=2").await;
        let cursor = first["next_cursor"].as_str().unwrap();
        let second = owner.json(&format!("/api/v1/audit?limit=2&cursor={cursor}")).await;
        assert_eq!((&first["events"][1]["id"], &second["events"][0]["id"]), (&json!(all[1]), &json!(all[2])));
    }
);

both!(
    /// AUD-1: reading events of others is on record, once per session, filter and five minutes. Reading one's own is not.
    reading_events_of_others_is_recorded, |app| {
        let world = solar(&app).await;
        let (auditor, technician) = (app.sign_in("auditor").await, app.sign_in("technician").await);
        let count = async || app.count_events("audit.read", "success").await;
        events(&technician, "").await;
        events(&auditor, "?action=account.*").await;
        assert_eq!(count().await, 0);
        for (query, minutes, expected) in [("", 0, 1), ("", 4, 1), ("?outcome=success", 0, 2), ("", 2, 3)] {
            app.advance(Duration::minutes(minutes));
            events(&auditor, query).await;
            assert_eq!(count().await, expected, "{query}");
        }
        let token = auditor.create_token("Audit", "audit", "curl/8.5.0").await;
        events(&token, "").await;
        assert_eq!(count().await, 4);
        let owner = app.sign_in("owner").await;
        let read = events(&owner, "?action=audit.read").await;
        let organization = read[0]["targets"].as_array().unwrap().iter().find(|target| target["kind"] == "organization").unwrap();
        assert_eq!((read.len(), &organization["id"], &read[0]["actor"]["kind"]), (4, &json!(world.id), &json!("token")));
        assert_eq!((&read[1]["detail"]["filter"], &read[2]["detail"]["filter"]), (&json!(""), &json!("outcome:success")));
        let id = read[1]["id"].as_str().unwrap();
        tick(&app);
        owner.json(&format!("/api/v1/audit/{id}")).await;
        assert_eq!(events(&owner, "?action=audit.read&actor=owner").await[0]["detail"]["filter"], json!(format!("id:{id}")));
        // A filter that looks like an id is on record once too, and so is the receipt of an event.
        seal(&app).await;
        for _ in 0..2 {
            events(&auditor, &format!("?q={}", world.plants[0])).await;
            auditor.json(&format!("/api/v1/audit/{}/receipt", events(&auditor, "?action=plant.changed").await[0]["id"].as_str().unwrap())).await;
        }
        let filters = events(&owner, "?action=audit.read&actor=auditor").await;
        let filters = filters.iter().map(|event| event["detail"]["filter"].as_str().unwrap());
        assert_eq!(filters.clone().filter(|filter| filter.starts_with("id:")).count(), 1);
        assert_eq!(filters.filter(|filter| *filter == world.plants[0]).count(), 1);
    }
);

/// Returns the body of an export with its media type.
async fn exported(client: &Client<'_>, query: &str, accept: &str) -> (String, String) {
    tick(client.app);
    let answer = client.request(Method::GET, &format!("/api/v1/audit{query}")).header("accept", accept).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    let media_type = answer.headers()["content-type"].to_str().unwrap().to_owned();
    assert!(answer.headers()["content-disposition"].to_str().unwrap().starts_with("attachment"));
    (media_type, answer.text().await.unwrap())
}

fn lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

both!(
    /// Exports have what the list has, in each format, and each is on record with its filter.
    exports_have_what_the_list_has, |app| {
        let world = solar(&app).await;
        let owner = app.sign_in("owner").await;
        patch(&owner, &format!("/api/v1/plants/{}", world.plants[1]), json!({ "name": "=Beta, 2" })).await;
        let expected = events(&owner, "?action=plant.changed").await;
        let (media_type, body) = exported(&owner, "?action=plant.changed&format=jsonl", "*/*").await;
        assert_eq!((media_type.as_str(), lines(&body)), ("application/jsonl", expected.clone()));
        assert_eq!(exported(&owner, "?action=plant.changed", "application/jsonl").await.1, body);
        let (media_type, body) = exported(&owner, "?action=plant.changed", "text/csv").await;
        assert!(media_type.starts_with("text/csv"), "{media_type}");
        let rows: Vec<&str> = body.split_terminator("\r\n").collect();
        assert_eq!((rows.len(), rows[0].starts_with("id,seq,occurred_at,action,outcome,actor_kind")), (5, true), "{body}");
        assert!(rows[1].contains(r#","'=Beta, 2","#) && rows[1].starts_with(expected[0]["id"].as_str().unwrap()), "{body}");
        let (_, body) = exported(&owner, "?q=action:account.signed_in&format=ocsf", "*/*").await;
        for event in lines(&body) {
            assert_eq!((&event["class_uid"], &event["type_uid"], &event["metadata"]["version"]), (&json!(3002), &json!(300_201), &json!("1.8.0")));
            assert_eq!((&event["user"]["name"], &event["src_endpoint"]["ip"]), (&json!("owner"), &json!("127.0.0.1")));
        }
        let (_, body) = exported(&owner, "?action=plant.changed&format=ocsf", "*/*").await;
        assert!(lines(&body).iter().all(|event| event["class_uid"] == 0 && event["type_uid"] == 99), "{body}");
        assert_eq!(exported(&owner, "?plant=nothing&format=jsonl", "*/*").await.1, "");
        let recorded = events(&owner, "?action=audit.exported").await;
        let details: Vec<_> = recorded.iter().map(|event| (&event["detail"]["format"], &event["detail"]["filter"])).collect();
        assert_eq!(details.len(), 6);
        assert_eq!(details[5], (&json!("jsonl"), &json!("action:plant.changed")));
        assert_refused(app.get("/api/v1/audit?format=csv").await, StatusCode::UNAUTHORIZED, "not-signed-in").await;
    }
);

both!(
    /// AUT-1: an export breaks off when its session ends or its account is disabled. That of somebody else goes on.
    an_export_ends_with_its_session, |app| {
        let (alice, bob) = two(&app).await;
        let second = app.sign_in("bob").await;
        let mut exports = Vec::new();
        for (name, session) in [("alice", &alice.id), ("bob", &bob.id), ("bob", &second.id)] {
            let account = app_account(&app, name).await;
            let events = (0..1_500).map(|_| (app.now(), Event { actor: Some(&account.id), ..Event::new(Action::ProfileChanged, json!({})) }));
            let mut tx = app.services.db.write().await.unwrap();
            app.services.recorder.write_past(&mut tx, events).await.unwrap();
            tx.commit().await.unwrap();
            let query = Query::parse("action:profile.changed").unwrap();
            let export = export::start(&app.services, &principal(&account, session), &query, None, Format::JsonLines).await.unwrap();
            let mut parts = export.into_body().into_data_stream();
            assert!(parts.next().await.unwrap().unwrap().is_empty()); // the head
            assert!(parts.next().await.unwrap().is_ok());
            exports.push(parts);
        }
        assert_eq!(second.delete(&format!("/api/v1/sessions/{}", bob.id)).await.status(), StatusCode::NO_CONTENT);
        assert!(exports[1].next().await.unwrap().is_err());
        assert!(exports[2].next().await.unwrap().is_ok());
        admin::disable(&app.services.db, &app.services.recorder, &id_of(&app, "alice").await, Actor::CommandLine).await.unwrap();
        assert!(exports[0].next().await.unwrap().is_err());
        assert!(exports[2].next().await.unwrap().is_ok());
    }
);

both!(
    /// An export goes on beyond a batch, and has every event once.
    a_long_export_is_complete, |app| {
        app.add_user("alice").await;
        let alice = app.sign_in("alice").await;
        let person = id_of(&app, "alice").await;
        for _ in 0..21 {
            let mut tx = app.services.db.write().await.unwrap();
            let events = (0..100).map(|_| (app.now(), Event { actor: Some(&person), ..Event::new(Action::ProfileChanged, json!({})) }));
            app.services.recorder.write_past(&mut tx, events).await.unwrap();
            tx.commit().await.unwrap();
        }
        let (_, body) = exported(&alice, "?format=jsonl&action=profile.changed", "*/*").await;
        let ids: BTreeSet<String> = lines(&body).iter().map(|event| event["id"].as_str().unwrap().to_owned()).collect();
        assert_eq!((ids.len(), body.lines().count()), (2_100, 2_100));
    }
);

/// An event before its ids are known: numbers of actor and subject, the place, and whether it changes an organization.
type AnyEvent = (Option<usize>, Option<usize>, usize, usize, bool);

prop_compose! {
    /// Returns a world with events.
    fn worlds_with_events()(
        world in model::worlds(),
        events in vec((prop::option::of(0..PEOPLE), prop::option::of(0..PEOPLE), 0..4_usize, 0..64_usize, any::<bool>()), 0..25),
    ) -> (model::World, Vec<AnyEvent>) {
        (world, events)
    }
}

/// Returns the action and the ids of an event.
fn ids(world: &model::World, people: &[UserId; PEOPLE], (actor, subject, level, number, changes): AnyEvent) -> (Action, Ids) {
    let place = match level {
        0 => None,
        1 => Some(Place::Organization(number % model::ORGANIZATIONS)),
        3 if !world.plants.is_empty() => Some(Place::Plant(number % world.plants.len())),
        _ => Some(Place::Portfolio(number % world.portfolios.len())),
    };
    let portfolio = match place {
        Some(Place::Portfolio(portfolio)) => Some(portfolio),
        Some(Place::Plant(plant)) => Some(world.plants[plant].portfolio),
        _ => None,
    };
    let plant = if let Some(Place::Plant(plant)) = place { Some(plant) } else { None };
    let person = |number: Option<usize>| number.map(|number| people[number].to_string());
    let ids = Ids {
        actor_id: person(actor),
        subject_id: person(subject),
        organization_id: place.map(|place| organization_id(world.organization_of(place)).to_string()),
        portfolio_id: portfolio.map(|portfolio| portfolio_id(portfolio).to_string()),
        plant_id: plant.map(|plant| plant_id(plant).to_string()),
        ..Ids::default()
    };
    (if changes { Action::OrganizationChanged } else { Action::PlantChanged }, ids)
}

/// Returns what the rule must know about a person and the organization of an event.
fn reader(world: &model::World, people: &[UserId; PEOPLE], person: usize, is_admin: bool, event: &Ids, app: &TestApp) -> Reader {
    let organization = (0..model::ORGANIZATIONS).find(|number| event.organization_id == Some(organization_id(*number).to_string()));
    let numbered = world.grants.iter().enumerate();
    let own = numbered.filter(|(_, grant)| grant.person == person && Some(world.organization_of(grant.place)) == organization);
    let scoped = |(number, grant): (usize, &model::Grant)| ScopedGrant {
        portfolio: if let Place::Portfolio(portfolio) = grant.place { Some(portfolio_id(portfolio).to_string()) } else { None },
        plant: if let Place::Plant(plant) = grant.place { Some(plant_id(plant).to_string()) } else { None },
        granted: GrantedRole {
            grant: model::grant_id(number),
            role: grant.role,
            expires_at: grant.ends_in.map(|seconds| app.now() + Duration::seconds(seconds)),
        },
    };
    Reader {
        user: people[person].clone(),
        is_platform_administrator: is_admin,
        token_group: None,
        membership: organization.and_then(|organization| world.members.get(&(person, organization)).copied()),
        grants: own.map(scoped).collect(),
    }
}

/// Writes events, and returns each with its ids.
async fn write(app: &TestApp, tx: &mut Tx, events: &[(Action, Ids)]) {
    let parse = |id: &Option<String>| id.as_deref().and_then(UserId::parse);
    for (action, ids) in events {
        let detail = json!({ "organization": ids.organization_id, "portfolio": ids.portfolio_id, "plant": ids.plant_id });
        let (actor, subject) = (parse(&ids.actor_id), parse(&ids.subject_id));
        let event = Event { actor: actor.as_ref(), subject: subject.as_ref(), outcome: Outcome::Success, ..Event::new(*action, detail) };
        app.services.recorder.write(tx, event).await.unwrap();
    }
}

/// Returns how many events a person sees, by pages that examine `examined` entries.
async fn seen(app: &TestApp, tx: &mut Tx, account: &Account, examined: usize) -> BTreeSet<String> {
    let session = SessionId::new(app.now());
    let principal = principal(account, session.as_str());
    let query = Query::parse("action:plant.changed action:organization.changed -actor:nobody").unwrap();
    let (mut found, mut page) = (BTreeSet::new(), PageRequest::first(7));
    loop {
        let list = list_within(tx, &app.services, &principal, &query, &page, examined).await.unwrap();
        for event in list.events {
            assert!(found.insert(event.id.to_string()), "twice");
        }
        match list.next_cursor {
            Some(next) => page = PageRequest::first(7).after(next),
            None => return found,
        }
    }
}

async fn check_world(app: &TestApp, people: &[UserId; PEOPLE], (world, events): (model::World, Vec<AnyEvent>)) {
    let mut tx = app.services.db.write().await.unwrap();
    world.insert(&mut tx, people, app.now()).await;
    let events: Vec<_> = events.into_iter().map(|event| ids(&world, people, event)).collect();
    write(app, &mut tx, &events).await;
    let sql = "SELECT id, action, actor_id, subject_id, organization_id, portfolio_id, plant_id FROM audit_events
               WHERE action IN ('plant.changed', 'organization.changed')";
    type Row = (String, String, Option<String>, Option<String>, Option<String>, Option<String>, Option<String>);
    let rows: Vec<Row> = whereabouts::fetch!(&mut tx, fetch_all as Row, sql).unwrap();
    assert_eq!(rows.len(), events.len());
    for (person, is_admin) in (0..PEOPLE).flat_map(|person| [(person, false), (person, true)]) {
        let expected = rows.iter().filter_map(|(id, action, actor_id, subject_id, organization_id, portfolio_id, plant_id)| {
            let (actor_id, subject_id) = (actor_id.clone(), subject_id.clone());
            let (organization_id, portfolio_id, plant_id) = (organization_id.clone(), portfolio_id.clone(), plant_id.clone());
            let event = Ids { actor_id, subject_id, organization_id, portfolio_id, plant_id, ..Ids::default() };
            may_see(&reader(&world, people, person, is_admin, &event, app), action, &event, app.now()).then(|| id.clone())
        });
        let expected: BTreeSet<String> = expected.collect();
        let account = Account {
            id: people[person].clone(),
            username: "x".to_owned(),
            email: "x@example.com".to_owned(),
            name: "x".to_owned(),
            time_zone: "UTC".to_owned(),
            is_admin,
        };
        for examined in [20_000, 5] {
            assert_eq!(seen(app, &mut tx, &account, examined).await, expected, "person {person}, {is_admin}: {world:?} {events:?}");
        }
    }
}

both!(
    /// AUT-1: the list and the rule agree about random worlds and events.
    the_list_and_the_rule_agree, |app| {
        for_random(&app, worlds_with_events(), async |app, people, world| check_world(app, people, world).await).await;
    }
);

/// Returns the text of a page, without tags.
async fn page(client: &Client<'_>, path: &str) -> String {
    let answer = client.browser(Method::GET, path).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK, "{path}");
    let html = answer.text().await.unwrap();
    let main = &html[html.find("<main").unwrap()..html.find("</main>").unwrap()];
    let text: String = main.split('<').filter_map(|part| part.split_once('>')).map(|(_, text)| text).collect();
    text.replace("&quot;", "\"").replace("&#x27;", "'").replace("&amp;", "&")
}

/// Returns the addresses of the links of a page whose address contains a text.
async fn links(client: &Client<'_>, path: &str, text: &str) -> Vec<String> {
    let html = client.browser(Method::GET, path).send().await.unwrap().text().await.unwrap();
    let links = html.split("href=\"").skip(1).filter_map(|part| part.split('"').next()).map(|link| link.replace("&amp;", "&"));
    links.filter(|link| link.contains(text)).collect()
}

both!(
    /// The page tells in sentences who did what, and leads on without a script.
    the_page_tells_what_happened, |app| {
        solar(&app).await;
        seal(&app).await;
        let (owner, stranger) = (app.sign_in("owner").await, app.sign_in("stranger").await);
        let text = page(&owner, "/audit").await;
        for expected in [
            "Audit Log", "created:last 3 months", "Today, Monday 1 June", "Closed remote access to Alpha: “New firmware”", "Changed Gamma: place",
            "Granted operator as operator of North", "You", "Private network", "Done", "Download receipt", "What else this session did",
            "Around this time", "remote_access.closed", "Not sealed yet, account.signed_in",
        ] {
            assert!(text.contains(expected), "{expected:?} is missing: {text}");
        }
        let text = page(&stranger, "/audit").await;
        assert!(text.contains("Signed in with password") && !text.contains("Alpha") && !text.contains("owner"), "{text}");
        let text = page(&owner, "/audit?q=plant:alpha&q=-action:grant.*").await;
        assert!(text.contains("plant:alpha") && text.contains("-action:grant.*") && !text.contains("Granted") && !text.contains("Gamma"), "{text}");
        let without = links(&owner, "/audit?q=plant:alpha&q=-action:grant.*", "grant.").await;
        assert!(without.contains(&"/audit?q=-action%3Agrant.*".to_owned()), "{without:?}");
        let exports = links(&owner, "/audit?q=plant:alpha", "/api/v1/audit").await;
        assert_eq!(exports.len(), 3);
        let (media_type, _) = exported(&owner, exports[0].strip_prefix("/api/v1/audit").unwrap(), "*/*").await;
        assert!(media_type.starts_with("text/csv"), "{media_type}");
        for (path, expected) in [
            ("/audit?q=action:password.changed", "Nothing like that in the last 3 months."),
            ("/audit?q=created:all+action:password.changed", "Nothing like that in this period."),
            ("/audit?q=actor:nobody", "Nobody that you know here is called “nobody”."),
            ("/audit?q=nothing:x", "There is no qualifier “nothing:”"),
            ("/audit?cursor=x", "This cursor is invalid."),
        ] {
            let text = page(&owner, path).await;
            assert!(text.contains(expected), "{path}: {text}");
        }
        assert_eq!(app.get("/audit").await.status(), StatusCode::SEE_OTHER);
    }
);

both!(
    /// A long list is divided into pages by links. An event has a page of its own, which strangers do not find.
    pages_and_events_have_addresses, |app| {
        solar(&app).await;
        seal(&app).await;
        let (owner, stranger) = (app.sign_in("owner").await, app.sign_in("stranger").await);
        let person = id_of(&app, "owner").await;
        let mut tx = app.services.db.write().await.unwrap();
        let events = (0..60).map(|_| (app.now(), Event { actor: Some(&person), ..Event::new(Action::ProfileChanged, json!({})) }));
        app.services.recorder.write_past(&mut tx, events).await.unwrap();
        tx.commit().await.unwrap();
        let next = links(&owner, "/audit?q=actor:owner", "cursor=").await;
        assert_eq!(next.len(), 1);
        let text = page(&owner, &next[0]).await;
        assert!(text.contains("Changed the profile") && text.contains("Closed remote access"), "{text}");
        let closed = self::events(&owner, "?action=remote_access.closed").await;
        let address = format!("/audit/{}", closed[0]["id"].as_str().unwrap());
        assert!(page(&owner, &address).await.contains("Closed remote access to Alpha"));
        let receipt = owner.browser(Method::GET, &format!("{address}/receipt")).send().await.unwrap();
        let disposition = receipt.headers()["content-disposition"].to_str().unwrap().to_owned();
        assert_eq!(disposition, format!("attachment; filename=\"receipt-{}.json\"", closed[0]["seq"]));
        assert!(receipt.json::<Receipt>().await.is_ok());
        for path in [address.clone(), format!("{address}/receipt"), "/audit/x".to_owned()] {
            assert_eq!(stranger.browser(Method::GET, &path).send().await.unwrap().status(), StatusCode::NOT_FOUND, "{path}");
        }
        let latest = self::events(&owner, "?action=profile.changed&limit=1").await;
        let early = owner.browser(Method::GET, &format!("/audit/{}/receipt", latest[0]["id"].as_str().unwrap())).send().await.unwrap();
        assert_eq!(early.status(), StatusCode::CONFLICT);
    }
);

both!(
    /// The chart counts what happened at the plants whose audit log a person may read, by day of their time zone, and nothing twice.
    the_chart_shows_the_plants_of_the_reader, |app| {
        let world = solar(&app).await;
        let owner = app.sign_in("owner").await;
        grant(&owner, json!({ "user": "auditor", "role": "auditor", "portfolio": world.portfolio })).await;
        let refused = Event { outcome: Outcome::Refused, ..Event::new(Action::PlantChanged, json!({
            "organization": world.id, "portfolio": world.portfolio, "plant": world.plants[0],
        })) };
        let mut tx = app.services.db.write().await.unwrap();
        app.services.recorder.write(&mut tx, refused).await.unwrap();
        tx.commit().await.unwrap();
        seal(&app).await;
        app.advance(Duration::days(1));
        let (owner, auditor) = (app.sign_in("owner").await, app.sign_in("auditor").await);
        let mut counts = Vec::new();
        // The auditor has a grant on a plant and one on its portfolio: each event counts once, and none of the other portfolio.
        for client in [&owner, &auditor] {
            let events = self::events(client, "?limit=100").await;
            let at_plants = |event: &&Value| event["targets"].as_array().unwrap().iter().any(|target| target["kind"] == "plant");
            let count = events.iter().filter(at_plants).count();
            let text = page(client, "/audit").await;
            let expected = format!("Activity by day{count} events at plants in the last 30 days, 1 of them refused");
            assert!(text.contains(&expected), "{expected}: {text}");
            assert!(text.contains("31 May") && text.contains("1 June"), "{text}");
            counts.push(count);
        }
        assert!(counts[0] > counts[1] && counts[1] >= 3, "{counts:?}");
        let mut bars = links(&auditor, "/audit", "created%3A2026-").await;
        bars.retain(|link| !link.contains(".."));
        // Each bar and each row of the table.
        assert!(bars.len() == 60 && bars[28] == "/audit?q=created%3A2026-06-01" && bars[31] == bars[28], "{bars:?}");
        assert_eq!(links(&auditor, "/audit?chart=hours", "%3A59Z").await.len(), 96);
        for (name, path) in [("technician", "/audit"), ("stranger", "/audit"), ("owner", "/audit?q=plant:alpha")] {
            let text = page(&app.sign_in(name).await, path).await;
            assert!(!text.contains("Activity by"), "{name}: {text}");
        }
    }
);

/// Signs two people in.
async fn two(app: &TestApp) -> (Client<'_>, Client<'_>) {
    app.add_user("alice").await;
    app.add_user("bob").await;
    (app.sign_in("alice").await, app.sign_in("bob").await)
}

both!(
    /// The badge says what the last verification found.
    the_badge_shows_the_last_verification, |app| {
        let (alice, _) = two(&app).await;
        assert!(page(&alice, "/audit").await.contains("Not verified yet"));
        seal(&app).await;
        let mut verifier = Verifier::default();
        verify_increment(&app.services, &mut verifier).await.unwrap();
        app.advance(Duration::minutes(12));
        let text = page(&alice, "/audit").await;
        assert!(text.contains("Verified 12 minutes ago · checkpoint 4"), "{text}");
        tamper(&app, &["UPDATE audit_personal SET content = '{}'"]).await;
        verify_increment(&app.services, &mut verifier).await.unwrap();
        let text = page(&alice, "/audit").await;
        // Which event of this millisecond comes first, and whether it has a personal part, is a matter of random ids.
        assert!(text.contains(" was changed") && text.contains("its personal part 0 was changed") && !text.contains("Verified"), "{text}");
    }
);

both!(
    /// Open pages of the log hear that events were sealed, and ask how many of them their search finds. Looking is no use of the session.
    open_pages_hear_of_new_events, |app| {
        let (alice, bob) = two(&app).await;
        let html = alice.browser(Method::GET, "/audit?q=action:account.signed_in").send().await.unwrap().text().await.unwrap();
        let address = html.split("data-refresh=\"").nth(1).unwrap().split('"').next().unwrap().replace("&amp;", "&");
        let mut open = Page::try_open(&alice, &app.url(""), "?notices=true&audit=true").await.unwrap();
        let mut other = Page::try_open(&bob, &app.url(""), "?notices=true").await.unwrap();
        assert_eq!(open.next_frame_besides_heartbeats().await, Some(Message::text(AUDIT)));
        let ask = async || alice.browser(Method::GET, &address).send().await.unwrap().text().await.unwrap();
        assert!(!ask().await.contains("new event"));
        tick(&app);
        app.sign_in("alice").await;
        app.sign_in("bob").await;
        seal(&app).await;
        publish_size(&app.services).await.unwrap();
        loop {
            match open.next_frame_besides_heartbeats().await {
                Some(Message::Text(text)) if text == AUDIT => break,
                Some(Message::Text(text)) => assert!(text.starts_with(SIGNED_IN), "{text}"),
                frame => panic!("{frame:?}"),
            }
        }
        assert!(ask().await.contains("1 new event") && !ask().await.contains("events"), "{}", ask().await);
        // Bob's page, which is not the log, hears of his own sign-in alone.
        let frame = other.next_frame_besides_heartbeats().await;
        assert!(matches!(&frame, Some(Message::Text(text)) if text.starts_with(SIGNED_IN)), "{frame:?}");
        assert_eq!(app.get("/live/audit?q=&after=x").await.status(), StatusCode::UNAUTHORIZED);
        for (path, status) in [("/live/audit?q=nothing:x&after=x", 422), ("/live/audit?q=&after=x", 422)] {
            assert_eq!(alice.browser(Method::GET, path).send().await.unwrap().status(), status, "{path}");
        }
    }
);
