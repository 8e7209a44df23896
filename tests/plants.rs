//! Organizations, portfolios, plants and devices over HTTP and on the command line: who may do what, and what is refused.

use std::{
    collections::BTreeSet,
    process::{Command, Output},
};

use chrono::Duration;
use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};
use whereabouts::{
    access::{Credential, Principal},
    accounts::store as accounts,
    execute,
    foundation::{
        client::info::ClientInfo,
        ids::{GrantId, OrganizationId, PlantId, PortfolioId, SessionId, UserId, VendorId},
    },
    permissions::model::ScopeId,
    plants::{
        actions as plants,
        fields::NewPlant,
        import::actions as import,
        moves::actions::{self as moves, AccessChange},
        organizations::{actions as organizations, model::NewOrganization},
        portfolios::{actions as portfolios, model::NewPortfolio},
    },
    reauthentication::actor::Actor,
};

use crate::support::{Backend, Client, FIREFOX, MailDelivery, TestApp, smtp::Mail};

/// The people of [`World`], in the order of the tables below.
const PEOPLE: [&str; 10] = ["olga", "adam", "oscar", "tina", "vera", "victor", "mia", "sam", "fred", "root"];

/// An organization with two portfolios, "North" with the plant "Meadow" and its device, and "South" with the plant "Hill".
struct World<'a> {
    app: &'a TestApp,
    organization: String,
    north: String,
    south: String,
    meadow: String,
    hill: String,
    device: String,
    foreign_portfolio: String,
    foreign_plant: String,
    clients: Vec<Client<'a>>,
}

impl<'a> World<'a> {
    /// - olga owns the organization, adam administers it, mia is a member.
    /// - oscar operates North; tina is a technician and vera a viewer of Meadow; victor works for a vendor and operates everything.
    /// - sam has nothing. fred owns another organization, with a plant. root is a platform administrator.
    async fn new(app: &'a TestApp) -> Self {
        for name in PEOPLE {
            if name == "root" { app.add_admin(name).await } else { app.add_user(name).await }
        }
        let mut clients = Vec::new();
        for name in PEOPLE {
            clients.push(app.sign_in(name).await);
        }
        let (olga, fred, root) = (&clients[0], &clients[8], &clients[9]);
        let request = json!({ "name": "Sun", "owner": "olga", "host_suffixes": ["sun.example"] });
        let organization = create(root, "organizations", request).await;
        let request = json!({ "name": "Foreign", "owner": "fred@example.com", "host_suffixes": ["foreign.example"] });
        let foreign = create(root, "organizations", request).await;
        let north = create(olga, "portfolios", json!({ "organization": organization, "name": "North" })).await;
        let south = create(olga, "portfolios", json!({ "organization": organization, "name": "South" })).await;
        let meadow = create(olga, "plants", json!({ "portfolio": north, "name": "Meadow", "kind": "solar", "place": "Kiel" })).await;
        let hill = create(olga, "plants", json!({ "portfolio": south, "name": "Hill", "kind": "wind" })).await;
        let request = json!({ "plant": meadow, "name": "Inverter", "kind": "inverter", "host": "inverter.sun.example" });
        let device = create(olga, "devices", request).await;
        let foreign_portfolio = create(fred, "portfolios", json!({ "organization": foreign, "name": "Abroad" })).await;
        let foreign_plant = create(fred, "plants", json!({ "portfolio": foreign_portfolio, "name": "Elsewhere", "kind": "wind" })).await;
        add_member(app, "adam", &organization, "administrator").await;
        add_member(app, "mia", &organization, "member").await;
        add_grant(app, "oscar", "operator", &organization, Some(&north), None).await;
        add_grant(app, "tina", "technician", &organization, None, Some(&meadow)).await;
        add_grant(app, "vera", "viewer", &organization, None, Some(&meadow)).await;
        add_grant(app, "victor", "operator", &organization, None, None).await;
        add_vendor_person(app, "victor", &organization).await;
        Self { app, organization, north, south, meadow, hill, device, foreign_portfolio, foreign_plant, clients }
    }

    fn client(&self, name: &str) -> &Client<'a> {
        &self.clients[PEOPLE.iter().position(|person| *person == name).unwrap()]
    }

    /// Returns the number of rows of each table that requests could change.
    async fn rows(&self) -> [i64; 6] {
        let count = async |sql| self.app.count(sql).await;
        [
            count("SELECT COUNT(*) FROM organizations").await,
            count("SELECT COUNT(*) FROM portfolios").await,
            count("SELECT COUNT(*) FROM plants").await,
            count("SELECT COUNT(*) FROM devices").await,
            count("SELECT COUNT(*) FROM audit_events WHERE action LIKE '%created' OR action LIKE '%changed'").await,
            count("SELECT CAST(COALESCE(SUM(version), 0) AS BIGINT) FROM (SELECT version FROM plants UNION ALL SELECT version FROM devices) rows").await,
        ]
    }

    /// Sends a request as each of the people. `path` and `body` may contain `{who}`; a path with `{plant}` gets a new plant of North.
    async fn assert_statuses(&self, method: Method, path: &str, body: Value, expected: [u16; 10]) {
        let mut actual = [0; 10];
        for (index, name) in PEOPLE.into_iter().enumerate() {
            let mut path = path.to_owned();
            if path.contains("{plant}") {
                let plant = json!({ "portfolio": self.north, "name": format!("For {name}"), "kind": "wind" });
                path = path.replace("{plant}", &create(self.client("olga"), "plants", plant).await);
            }
            let body: Value = serde_json::from_str(&body.to_string().replace("{who}", name)).unwrap();
            actual[index] = send(self.client(name), method.clone(), &path, body).await.status().as_u16();
        }
        assert_eq!(actual, expected, "{method} {path}: {PEOPLE:?}");
    }
}

async fn send(client: &Client<'_>, method: Method, path: &str, body: Value) -> Response {
    let request = client.request(method, &format!("/api/v1/{path}"));
    let request = if body.is_null() { request } else { request.json(&body) };
    request.send().await.unwrap()
}

/// Creates something. Returns its id.
async fn create(client: &Client<'_>, kind: &str, body: Value) -> String {
    let answer = send(client, Method::POST, kind, body.clone()).await;
    assert_eq!(answer.status(), StatusCode::CREATED, "{kind} {body}");
    answer.json::<Value>().await.unwrap()["id"].as_str().unwrap().to_owned()
}

/// Returns the type of the problem of a refused request.
async fn refusal(client: &Client<'_>, method: Method, path: &str, body: Value) -> String {
    let answer = send(client, method, path, body).await;
    assert!(answer.status().is_client_error(), "{path}: {}", answer.status());
    answer.json::<Value>().await.unwrap()["type"].as_str().unwrap().to_owned()
}

async fn user_id(app: &TestApp, name: &str) -> UserId {
    let mut db = app.services.db.read().await.unwrap();
    let sql = "SELECT id FROM users WHERE username = $1";
    let (id,): (UserId,) = whereabouts::fetch!(&mut db, fetch_one as (UserId,), sql, name).unwrap();
    id
}

async fn add_member(app: &TestApp, name: &str, organization: &str, role: &str) {
    let user = user_id(app, name).await;
    let mut tx = app.services.db.write().await.unwrap();
    let sql = "INSERT INTO memberships (user_id, organization_id, role, created_at) VALUES ($1, $2, $3, $4)";
    execute!(&mut tx, sql, user, organization, role, app.now()).unwrap();
    tx.commit().await.unwrap();
}

async fn add_grant(app: &TestApp, name: &str, role: &str, organization: &str, portfolio: Option<&str>, plant: Option<&str>) {
    let user = user_id(app, name).await;
    let mut tx = app.services.db.write().await.unwrap();
    let sql = "INSERT INTO grants (id, user_id, role, organization_id, portfolio_id, plant_id, granted_at, expires_at, reason)
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 'test')";
    let expires_at = Some(app.now() + Duration::days(7));
    execute!(&mut tx, sql, GrantId::new(app.now()), user, role, organization, portfolio, plant, app.now(), expires_at).unwrap();
    tx.commit().await.unwrap();
}

async fn add_vendor_person(app: &TestApp, name: &str, organization: &str) {
    let (user, vendor) = (user_id(app, name).await, VendorId::new(app.now()));
    let mut tx = app.services.db.write().await.unwrap();
    let sql = "INSERT INTO vendors (id, organization_id, name, name_skeleton, created_at) VALUES ($1, $2, 'Acme', 'acme', $3)";
    execute!(&mut tx, sql, &vendor, organization, app.now()).unwrap();
    execute!(&mut tx, "INSERT INTO vendor_people (user_id, organization_id, vendor_id) VALUES ($1, $2, $3)", user, organization, &vendor)
        .unwrap();
    tx.commit().await.unwrap();
}

/// Returns the principal of requests with this session.
async fn principal(client: &Client<'_>) -> Principal {
    let session: SessionId = client.id.parse().unwrap();
    let mut db = client.app.services.db.read().await.unwrap();
    let sql = "SELECT user_id FROM sessions WHERE id = $1";
    let (user,): (UserId,) = whereabouts::fetch!(&mut db, fetch_one as (UserId,), sql, &session).unwrap();
    let account = accounts::find_by_id(&mut db, &user).await.unwrap().unwrap();
    let client_info = ClientInfo::new([127, 0, 0, 1].into(), Default::default());
    Principal { account, credential: Credential::Session(session), reauthenticated_at: Some(client.app.now()), client_info }
}

both!(
    /// AUT-2: what one may not know of is not found; what one sees but may not do is refused.
    each_person_reads_what_they_see, |app| {
        let world = World::new(&app).await;
        let get = async |path: String, expected| world.assert_statuses(Method::GET, &path, Value::Null, expected).await;
        get(format!("organizations/{}", world.organization), [200, 200, 200, 200, 200, 200, 200, 404, 404, 200]).await;
        get(format!("portfolios/{}", world.north), [200, 200, 200, 200, 200, 200, 404, 404, 404, 404]).await;
        get(format!("portfolios/{}", world.south), [200, 200, 404, 404, 404, 200, 404, 404, 404, 404]).await;
        get(format!("plants/{}", world.meadow), [200, 200, 200, 200, 200, 200, 404, 404, 404, 404]).await;
        get(format!("plants/{}", world.hill), [200, 200, 404, 404, 404, 200, 404, 404, 404, 404]).await;
        get(format!("devices/{}", world.device), [200, 200, 200, 200, 200, 200, 404, 404, 404, 404]).await;
        get("plants/not-an-id".to_owned(), [404; 10]).await;
        let names = async |name: &str, kind: &str| -> Vec<String> {
            let page = world.client(name).json(&format!("/api/v1/{kind}")).await;
            let mut names: Vec<_> = page[kind].as_array().unwrap().iter().map(|found| found["name"].as_str().unwrap().to_owned()).collect();
            names.sort();
            names
        };
        for (kind, expected) in [
            ("organizations", [vec!["Sun"], vec!["Sun"], vec!["Sun"], vec!["Sun"], vec!["Sun"], vec!["Sun"], vec!["Sun"], vec![], vec!["Foreign"], vec!["Foreign", "Sun"]]),
            ("portfolios", [vec!["North", "South"], vec!["North", "South"], vec!["North"], vec!["North"], vec!["North"], vec!["North", "South"], vec![], vec![], vec!["Abroad"], vec![]]),
            ("plants", [vec!["Hill", "Meadow"], vec!["Hill", "Meadow"], vec!["Meadow"], vec!["Meadow"], vec!["Meadow"], vec!["Hill", "Meadow"], vec![], vec![], vec!["Elsewhere"], vec![]]),
            ("devices", [vec!["Inverter"], vec!["Inverter"], vec!["Inverter"], vec!["Inverter"], vec!["Inverter"], vec!["Inverter"], vec![], vec![], vec![], vec![]]),
        ] {
            for (name, expected) in PEOPLE.into_iter().zip(expected) {
                assert_eq!(names(name, kind).await, expected, "{kind} of {name}");
            }
        }
        // Grants end by themselves.
        app.advance(Duration::days(7));
        get(format!("plants/{}", world.meadow), [200, 200, 404, 404, 404, 404, 404, 404, 404, 404]).await;
        assert_eq!((names("tina", "organizations").await, names("victor", "plants").await), (vec![], vec![]));
    }
);

both!(
    /// AUT-2, AUT-4: owners and administrators change everything, operators their plants, and nobody else anything.
    each_person_changes_what_they_may, |app| {
        let world = World::new(&app).await;
        let organization = format!("organizations/{}", world.organization);
        let (portfolio, plant, device) = (format!("portfolios/{}", world.north), format!("plants/{}", world.meadow), format!("devices/{}", world.device));
        world.assert_statuses(Method::POST, "organizations", json!({ "name": "By {who}" }), [403, 403, 403, 403, 403, 403, 403, 403, 403, 201]).await;
        world.assert_statuses(Method::PATCH, &organization, json!({ "name": "Sun of {who}" }), [200, 403, 403, 403, 403, 403, 403, 404, 404, 200]).await;
        let suffixes = json!({ "host_suffixes": ["sun.example", "sun.localhost"] });
        world.assert_statuses(Method::PATCH, &organization, suffixes, [403, 403, 403, 403, 403, 403, 403, 404, 404, 200]).await;
        world.assert_statuses(Method::POST, "portfolios", json!({ "organization": world.organization, "name": "By {who}" }), [201, 201, 403, 403, 403, 403, 403, 422, 422, 422]).await;
        world.assert_statuses(Method::PATCH, &portfolio, json!({ "name": "North of {who}" }), [200, 200, 403, 403, 403, 403, 404, 404, 404, 404]).await;
        world.assert_statuses(Method::POST, "plants", json!({ "portfolio": world.north, "name": "By {who}", "kind": "storage" }), [201, 201, 201, 403, 403, 403, 422, 422, 422, 422]).await;
        world.assert_statuses(Method::PATCH, &plant, json!({ "place": "Chosen by {who}" }), [200, 200, 200, 403, 403, 403, 404, 404, 404, 404]).await;
        world.assert_statuses(Method::DELETE, "plants/{plant}", Value::Null, [204, 204, 403, 404, 404, 403, 404, 404, 404, 404]).await;
        let new_device = json!({ "plant": world.meadow, "name": "By {who}", "kind": "logger", "host": "{who}.sun.example" });
        world.assert_statuses(Method::POST, "devices", new_device, [201, 201, 201, 403, 403, 403, 422, 422, 422, 422]).await;
        world.assert_statuses(Method::PATCH, &device, json!({ "kind": "by {who}" }), [200, 200, 200, 403, 403, 403, 404, 404, 404, 404]).await;
        world.assert_statuses(Method::PUT, &format!("{plant}/closure"), json!({ "reason": "By {who}" }), [200, 200, 200, 403, 403, 403, 404, 404, 404, 404]).await;
        world.assert_statuses(Method::DELETE, &format!("{plant}/closure"), Value::Null, [204, 204, 403, 403, 403, 403, 404, 404, 404, 404]).await;
        world.assert_statuses(Method::PATCH, &plant, json!({ "portfolio": world.south }), [200, 200, 404, 403, 403, 403, 404, 404, 404, 404]).await;
        world.assert_statuses(Method::PATCH, &plant, json!({ "portfolio": world.north }), [200, 200, 200, 403, 403, 403, 404, 404, 404, 404]).await;
        world.assert_statuses(Method::PATCH, &plant, json!({ "portfolio": world.south }), [200, 200, 404, 403, 403, 403, 404, 404, 404, 404]).await;
        world.assert_statuses(Method::DELETE, &device, Value::Null, [204, 404, 404, 404, 404, 404, 404, 404, 404, 404]).await;
        world.assert_statuses(Method::DELETE, &portfolio, Value::Null, [204, 404, 404, 404, 404, 404, 404, 404, 404, 404]).await;
        world.assert_statuses(Method::DELETE, &organization, Value::Null, [403, 403, 404, 403, 403, 403, 403, 404, 404, 204]).await;
        assert_eq!(app.count_events("administration.refused", "refused").await, 9 + 7 + 6);
    }
);

both!(
    /// Who operates a plant cannot move it, also not out of and into what they operate.
    operators_do_not_move_plants, |app| {
        let world = World::new(&app).await;
        add_grant(&app, "oscar", "operator", &world.organization, Some(&world.south), None).await;
        let plant = format!("plants/{}", world.meadow);
        assert_eq!(refusal(world.client("oscar"), Method::PATCH, &plant, json!({ "portfolio": world.south, "place": "Ulm" })).await, "not-in-role");
        let shown = world.client("oscar").json(&format!("/api/v1/{plant}")).await;
        assert_eq!((&shown["portfolio"], &shown["place"], &shown["your_roles"]), (&json!(world.north), &json!("Kiel"), &json!(["operator"])));
    }
);

both!(
    /// API-2: an API token does what its group allows, and never what takes recent authentication.
    api_tokens_do_what_their_group_allows, |app| {
        let world = World::new(&app).await;
        let olga = world.client("olga");
        let (plant, portfolio) = (format!("plants/{}", world.meadow), format!("portfolios/{}", world.north));
        for (group, read, edit) in [("full", 200, 200), ("read", 200, 403), ("sessions", 403, 403), ("audit", 403, 403), ("devices", 403, 403)] {
            let token = olga.create_token(group, group, "curl/8.5.0").await;
            for path in ["organizations", "portfolios", "plants", "devices", &plant, &portfolio] {
                assert_eq!(send(&token, Method::GET, path, Value::Null).await.status(), read, "{group} {path}");
            }
            for path in [&plant, &portfolio] {
                assert_eq!(send(&token, Method::PATCH, path, json!({ "name": format!("By {group}") })).await.status(), edit, "{group} {path}");
            }
            assert_eq!(send(&token, Method::PUT, &format!("{plant}/closure"), json!({ "reason": group })).await.status(), edit, "{group}");
        }
        let full = olga.create_token("full 2", "full", "curl/8.5.0").await;
        let organization = format!("organizations/{}", world.organization);
        for (method, path, body) in [
            (Method::POST, "organizations", json!({ "name": "X" })),
            (Method::PATCH, &organization, json!({ "name": "X" })),
            (Method::DELETE, &organization, Value::Null),
            (Method::DELETE, &format!("{plant}/closure"), Value::Null),
            (Method::PATCH, &plant, json!({ "portfolio": world.south })),
            (Method::DELETE, &format!("{portfolio}?move_to={}", world.south), Value::Null),
            (Method::DELETE, &plant, Value::Null),
            (Method::DELETE, &portfolio, Value::Null),
        ] {
            assert_eq!(refusal(&full, method, path, body).await, "session-required", "{path}");
        }
        let device = create(&full, "devices", json!({ "plant": world.hill, "name": "Logger", "kind": "logger", "host": "logger.sun.example" })).await;
        create(&full, "portfolios", json!({ "organization": world.organization, "name": "By token" })).await;
        assert_eq!(send(&full, Method::DELETE, &format!("devices/{device}"), Value::Null).await.status(), 204);
    }
);

both!(
    /// AUT-7: what changes organizations or whose access there is requires recent authentication. Closing does not: it must be quick.
    some_changes_require_recent_authentication, |app| {
        let world = World::new(&app).await;
        app.advance(Duration::minutes(11));
        let (olga, root) = (world.client("olga"), world.client("root"));
        let (plant, organization) = (format!("plants/{}", world.meadow), format!("organizations/{}", world.organization));
        let closed = send(olga, Method::PUT, &format!("{plant}/closure"), json!({ "reason": "Storm" })).await;
        assert_eq!(closed.status(), 200);
        for (client, method, path, body) in [
            (root, Method::POST, "organizations", json!({ "name": "X" })),
            (root, Method::PATCH, &organization, json!({ "host_suffixes": [] })),
            (root, Method::DELETE, &organization, Value::Null),
            (olga, Method::PATCH, &organization, json!({ "name": "X" })),
            (olga, Method::PATCH, &plant, json!({ "portfolio": world.south })),
            (olga, Method::DELETE, &format!("{plant}/closure"), Value::Null),
            (olga, Method::DELETE, &format!("portfolios/{}?move_to={}", world.north, world.south), Value::Null),
            (olga, Method::DELETE, &plant, Value::Null),
            (olga, Method::DELETE, &format!("portfolios/{}", world.north), Value::Null),
        ] {
            assert_eq!(refusal(client, method, path, body).await, "reauthentication-required", "{path}");
        }
        assert_eq!(send(olga, Method::PATCH, &plant, json!({ "place": "Ulm", "portfolio": world.north })).await.status(), 200);
    }
);

both!(
    /// Everything is shown as it was entered, in its normal form.
    what_is_created_is_shown, |app| {
        let world = World::new(&app).await;
        let (olga, root) = (world.client("olga"), world.client("root"));
        let plant = json!({
            "portfolio": world.north, "name": " Großer Park ", "kind": "solar", "place": "Ulm", "country_code": "de", "latitude": 48.4, "longitude": -10,
            "capacity_kw": 1500.5, "time_zone": "Europe/Berlin",
        });
        let answer = send(olga, Method::POST, "plants", plant).await;
        assert_eq!((answer.status(), answer.headers()["etag"].to_str().unwrap()), (StatusCode::CREATED, "\"1\""));
        let plant: Value = answer.json().await.unwrap();
        let expected = json!({
            "id": plant["id"], "name": "Großer Park", "kind": "solar", "portfolio": world.north, "organization": world.organization, "place": "Ulm",
            "country_code": "DE", "latitude": 48.4, "longitude": -10.0, "capacity_kw": 1500.5, "time_zone": "Europe/Berlin", "devices": 0,
            "remote_access": { "closed": false, "reason": null, "since": null, "by": null }, "your_roles": [],
        });
        assert_eq!(plant, expected);
        let path = format!("plants/{}", plant["id"].as_str().unwrap());
        assert_eq!(olga.json(&format!("/api/v1/{path}")).await, expected);
        let cleared = json!({ "place": null, "country_code": null, "latitude": null, "longitude": null, "capacity_kw": null, "time_zone": null });
        let cleared: Value = send(olga, Method::PATCH, &path, cleared).await.json().await.unwrap();
        for field in ["place", "country_code", "latitude", "longitude", "capacity_kw", "time_zone"] {
            assert_eq!(cleared[field], Value::Null, "{field}");
        }
        let device = json!({ "plant": plant["id"], "name": "Speicher", "kind": "battery", "host": " Speicher.SUN.example ", "upgrades": true });
        let device: Value = send(olga, Method::POST, "devices", device).await.json().await.unwrap();
        let expected = json!({
            "id": device["id"], "name": "Speicher", "kind": "battery", "plant": plant["id"], "portfolio": world.north, "organization": world.organization,
            "host": "speicher.sun.example", "upgrades": true,
        });
        assert_eq!(device, expected);
        let details = olga.json(&format!("/api/v1/organizations/{}", world.organization)).await;
        let counts = json!({ "portfolios": 2, "plants": 3, "devices": 2, "people": 7 });
        assert_eq!(details, json!({ "id": world.organization, "name": "Sun", "your_role": "owner", "host_suffixes": ["sun.example"], "counts": counts }));
        let seen = world.client("mia").json(&format!("/api/v1/organizations/{}", world.organization)).await;
        assert_eq!(seen, json!({ "id": world.organization, "name": "Sun", "your_role": "member" }));
        // Without a named owner, the platform administrator is the owner.
        let own: Value = send(root, Method::POST, "organizations", json!({ "name": "Own", "host_suffixes": ["B.example", "a.example"] })).await.json().await.unwrap();
        assert_eq!((&own["your_role"], &own["host_suffixes"]), (&json!("owner"), &json!(["a.example", "b.example"])));
        // A plant moves with its devices.
        assert_eq!(send(olga, Method::PATCH, &path, json!({ "portfolio": world.south })).await.status(), 200);
        let moved = olga.json(&format!("/api/v1/devices/{}", device["id"].as_str().unwrap())).await;
        assert_eq!(moved["portfolio"], json!(world.south));
        for (action, count) in [("organization.created", 3), ("member.changed", 3), ("portfolio.created", 3), ("plant.created", 4), ("device.created", 2), ("plant.changed", 1), ("plant.moved", 1)] {
            assert_eq!(app.count_events(action, "success").await, count, "{action}");
        }
    }
);

both!(
    /// Bad input gets one clear 4xx with the field, and writes nothing.
    bad_input_is_refused, |app| {
        let world = World::new(&app).await;
        let (olga, root) = (world.client("olga"), world.client("root"));
        let other = create(olga, "plants", json!({ "portfolio": world.south, "name": "Other", "kind": "wind" })).await;
        let long = "x".repeat(10_000);
        let device = |changes: Value| {
            let mut body = json!({ "plant": world.meadow, "name": "New", "kind": "logger", "host": "new.sun.example" });
            body.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
            body
        };
        let plant = |changes: Value| {
            let mut body = json!({ "portfolio": world.north, "name": "New", "kind": "solar" });
            body.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
            body
        };
        let organization = format!("organizations/{}", world.organization);
        let (meadow, inverter) = (format!("plants/{}", world.meadow), format!("devices/{}", world.device));
        let nowhere = PlantId::new(app.now()).to_string();
        let before = world.rows().await;
        for (client, method, path, body, field) in [
            (olga, Method::POST, "plants", plant(json!({ "portfolio": world.foreign_portfolio })), "portfolio"),
            (olga, Method::POST, "plants", plant(json!({ "portfolio": nowhere })), "portfolio"),
            (olga, Method::POST, "plants", plant(json!({ "portfolio": "x\0" })), "portfolio"),
            (olga, Method::POST, "plants", plant(json!({ "name": "meadow" })), "name"),
            (olga, Method::POST, "plants", plant(json!({ "name": "ＨＩＬＬ" })), "name"),
            (olga, Method::POST, "plants", plant(json!({ "name": long })), "name"),
            (olga, Method::POST, "plants", plant(json!({ "name": " " })), "name"),
            (olga, Method::POST, "plants", plant(json!({ "name": "a\0b" })), "name"),
            (olga, Method::POST, "plants", plant(json!({ "kind": "coal" })), "kind"),
            (olga, Method::POST, "plants", plant(json!({ "place": long })), "place"),
            (olga, Method::POST, "plants", plant(json!({ "country_code": "Germany" })), "country_code"),
            (olga, Method::POST, "plants", plant(json!({ "latitude": 90.1, "longitude": 0 })), "latitude"),
            (olga, Method::POST, "plants", plant(json!({ "latitude": 0, "longitude": -181 })), "longitude"),
            (olga, Method::POST, "plants", plant(json!({ "latitude": 0 })), "longitude"),
            (olga, Method::POST, "plants", plant(json!({ "latitude": "north", "longitude": 0 })), "body"),
            (olga, Method::POST, "plants", plant(json!({ "capacity_kw": -1 })), "capacity_kw"),
            (olga, Method::POST, "plants", plant(json!({ "time_zone": "Mars/Olympus" })), "time_zone"),
            (olga, Method::POST, "plants", plant(json!({ "color": "red" })), "body"),
            (olga, Method::POST, "plants", json!({}), "body"),
            (olga, Method::PATCH, &meadow, json!({ "portfolio": world.foreign_portfolio }), "portfolio"),
            (olga, Method::PATCH, &meadow, json!({ "portfolio": nowhere }), "portfolio"),
            (olga, Method::PATCH, &meadow, json!({ "name": "Hill" }), "name"),
            (olga, Method::PATCH, &meadow, json!({ "name": null }), "body"),
            (olga, Method::PATCH, &meadow, json!({ "longitude": 7 }), "latitude"),
            (olga, Method::PATCH, &meadow, json!({ "organization": world.organization }), "body"),
            (olga, Method::PUT, &format!("{meadow}/closure"), json!({ "reason": " " }), "reason"),
            (olga, Method::PUT, &format!("{meadow}/closure"), json!({ "reason": long }), "reason"),
            (olga, Method::PUT, &format!("{meadow}/closure"), json!({}), "body"),
            (olga, Method::POST, "devices", device(json!({ "plant": world.foreign_plant })), "plant"),
            (olga, Method::POST, "devices", device(json!({ "plant": nowhere })), "plant"),
            (olga, Method::POST, "devices", device(json!({ "plant": "" })), "plant"),
            (olga, Method::POST, "devices", device(json!({ "name": "INVERTER" })), "name"),
            (olga, Method::POST, "devices", device(json!({ "kind": long })), "kind"),
            (olga, Method::POST, "devices", device(json!({ "host": "Inverter.SUN.example" })), "host"),
            (olga, Method::POST, "devices", device(json!({ "host": "new.foreign.example" })), "host"),
            (olga, Method::POST, "devices", device(json!({ "host": "10.0.0.1" })), "host"),
            (olga, Method::POST, "devices", device(json!({ "host": "new.sun.example:8080" })), "host"),
            (olga, Method::POST, "devices", device(json!({ "host": "https://new.sun.example/" })), "host"),
            (olga, Method::POST, "devices", device(json!({ "host": long })), "host"),
            (olga, Method::POST, "devices", device(json!({ "plant": other, "host": "inverter.sun.example" })), "host"),
            (olga, Method::PATCH, &inverter, json!({ "host": "sun.example.evil" }), "host"),
            (olga, Method::PATCH, &inverter, json!({ "plant": other }), "body"),
            (olga, Method::POST, "portfolios", json!({ "organization": world.organization, "name": "north" }), "name"),
            (olga, Method::POST, "portfolios", json!({ "organization": nowhere, "name": "West" }), "organization"),
            (olga, Method::PATCH, &format!("portfolios/{}", world.north), json!({ "name": "SOUTH" }), "name"),
            (olga, Method::PATCH, &organization, json!({ "name": "foreign" }), "name"),
            (root, Method::POST, "organizations", json!({ "name": "SUN" }), "name"),
            (root, Method::POST, "organizations", json!({ "name": "New", "owner": "nobody" }), "owner"),
            (root, Method::POST, "organizations", json!({ "name": "New", "owner": "a\0b" }), "owner"),
            (root, Method::POST, "organizations", json!({ "name": "New", "host_suffixes": ["com"] }), "host_suffixes"),
            (root, Method::POST, "organizations", json!({ "name": "New", "host_suffixes": ["sun.example"] }), "host_suffixes"),
            (root, Method::POST, "organizations", json!({ "name": "New", "host_suffixes": ["a.SUN.example"] }), "host_suffixes"),
            (root, Method::POST, "organizations", json!({ "name": "New", "host_suffixes": ["10.0.0.1"] }), "host_suffixes"),
            (root, Method::PATCH, &organization, json!({ "host_suffixes": ["a.sun.example", "foreign.example"] }), "host_suffixes"),
            (root, Method::PATCH, &organization, json!({ "host_suffixes": ["a.sun.example"] }), "host_suffixes"),
            (root, Method::PATCH, &organization, json!({ "host_suffixes": null }), "body"),
        ] {
            let answer = send(client, method.clone(), path, body.clone()).await;
            let status = answer.status();
            let problem: Value = answer.json().await.unwrap();
            assert_eq!((status, &problem["field"]), (StatusCode::UNPROCESSABLE_ENTITY, &json!(field)), "{method} {path} {body}: {problem}");
        }
        assert_eq!(world.rows().await, before);
        assert_eq!(olga.json(&format!("/api/v1/{meadow}")).await["remote_access"]["closed"], json!(false));
    }
);

both!(
    /// RACE-2: two organizations that get the same domain at the same time: one does.
    a_domain_belongs_to_one_organization, |app| {
        let request = |name: &str, suffix: &str| NewOrganization { name: name.to_owned(), owner: None, host_suffixes: vec![suffix.to_owned()] };
        let (first, second) = (request("First", "sun.example"), request("Second", "a.sun.example"));
        let (services, actor) = (&app.services, Actor::CommandLine);
        let (first, second) = futures::join!(organizations::create(services, actor, &first), organizations::create(services, actor, &second));
        assert!(first.is_ok() != second.is_ok(), "{first:?} {second:?}");
        assert_eq!((app.count("SELECT COUNT(*) FROM organizations").await, app.count("SELECT COUNT(*) FROM host_suffixes").await), (1, 1));
    }
);

both!(
    /// If-Match refuses a change of a version that the client has not seen; without it the last one wins.
    an_outdated_change_is_refused, |app| {
        let world = World::new(&app).await;
        let (olga, adam) = (world.client("olga"), world.client("adam"));
        for (path, field) in [(format!("/api/v1/plants/{}", world.meadow), "name"), (format!("/api/v1/devices/{}", world.device), "kind")] {
            let tag = olga.get(&path).await.headers()["etag"].clone();
            let patch = async |client: &Client<'_>, text: &str, tag: Option<&str>| {
                let request = client.request(Method::PATCH, &path).json(&json!({ field: text }));
                let request = if let Some(tag) = tag { request.header("if-match", tag) } else { request };
                request.send().await.unwrap()
            };
            assert_eq!((tag.to_str().unwrap(), patch(adam, "a", Some("\"7\"")).await.status()), ("\"1\"", StatusCode::PRECONDITION_FAILED));
            let changed = patch(adam, "b", Some("\"1\"")).await;
            assert_eq!((changed.status(), changed.headers()["etag"].to_str().unwrap()), (StatusCode::OK, "\"2\""));
            let refused = patch(olga, "c", Some("\"1\"")).await;
            assert_eq!((refused.status(), refused.json::<Value>().await.unwrap()["type"].clone()), (StatusCode::PRECONDITION_FAILED, json!("outdated")));
            assert_eq!(patch(olga, "d", None).await.headers()["etag"].to_str().unwrap(), "\"3\"");
            assert_eq!(patch(olga, "e", Some("*")).await.status(), 200);
            let delete = async |tag: &str| olga.request(Method::DELETE, &path).header("if-match", tag).send().await.unwrap().status();
            assert_eq!((delete("\"3\"").await, delete("W/\"4\"").await), (StatusCode::PRECONDITION_FAILED, StatusCode::PRECONDITION_FAILED));
            if field == "kind" {
                assert_eq!((delete("\"4\"").await, delete("\"4\"").await), (StatusCode::NO_CONTENT, StatusCode::NOT_FOUND));
            }
        }
    }
);

async fn start_with_manual_mail(backend: Backend) -> TestApp {
    TestApp::start_with_mail_delivery(backend, MailDelivery::Manual).await
}

both!(
    /// All owners are notified of closed and reopened remote access. Whoever sees the plant sees who closed it, and why.
    owners_are_notified_of_closed_remote_access, start_with_manual_mail, |app| {
        let world = World::new(&app).await;
        add_member(&app, "sam", &world.organization, "owner").await;
        let path = format!("plants/{}/closure", world.meadow);
        let closed: Value = send(world.client("oscar"), Method::PUT, &path, json!({ "reason": " Storm " })).await.json().await.unwrap();
        let by = json!({ "id": user_id(&app, "oscar").await, "name": "oscar", "username": "oscar" });
        let expected = json!({ "closed": true, "reason": "Storm", "since": closed["remote_access"]["since"], "by": by });
        assert_eq!(closed["remote_access"], expected);
        assert_eq!(world.client("vera").json(&format!("/api/v1/plants/{}", world.meadow)).await["remote_access"], expected);
        // Again: nothing. Another reason: since the same time.
        app.advance(Duration::minutes(1));
        send(world.client("oscar"), Method::PUT, &path, json!({ "reason": "Storm" })).await;
        let again: Value = send(world.client("adam"), Method::PUT, &path, json!({ "reason": "Storm and hail" })).await.json().await.unwrap();
        assert_eq!((&again["remote_access"]["since"], &again["remote_access"]["by"]["name"]), (&expected["since"], &json!("adam")));
        for _ in 0..2 {
            assert_eq!(send(world.client("adam"), Method::DELETE, &path, Value::Null).await.status(), 204);
        }
        assert_eq!((app.count_events("remote_access.closed", "success").await, app.count_events("remote_access.reopened", "success").await), (2, 1));
        app.send_due().await;
        let mails: Vec<_> = app.smtp.take_all().await.into_iter().filter(|mail| mail.subject.starts_with("Remote access")).collect();
        assert_eq!(mails.len(), 6);
        for owner in ["olga@example.com", "sam@example.com"] {
            for (subject, by, reason) in [("closed", "oscar", "Storm\n"), ("closed", "adam", "Storm and hail"), ("reopened", "adam", "Sun")] {
                let is_it = |text: &str| text.contains(by) && text.contains(reason) && text.contains(&format!("/plants/{}", world.meadow));
                let subject = format!("Remote access was {subject}: Meadow");
                let found = mails.iter().filter(|mail| mail.to == owner && mail.subject == subject && is_it(&mail.text.replace('\r', "")));
                assert_eq!(found.count(), 1, "{owner} {subject} {by}");
            }
        }
    }
);

/// Creates organizations with two portfolios of two plants each. Returns the ids.
async fn create_many(app: &TestApp, count: usize) -> Vec<(String, [String; 2], [String; 4])> {
    let (services, actor) = (&app.services, Actor::CommandLine);
    let mut created = Vec::new();
    for number in 0..count {
        let request = NewOrganization { name: format!("Organization {number}"), ..Default::default() };
        let organization = organizations::create(services, actor, &request).await.unwrap().organization.id.to_string();
        let (mut own_portfolios, mut own_plants) = (Vec::new(), Vec::new());
        for name in ["East", "West"] {
            let request = NewPortfolio { organization: organization.clone(), name: name.to_owned() };
            let portfolio = portfolios::create(services, actor, &request).await.unwrap().id.to_string();
            for (number, kind) in ["wind", "solar"].into_iter().enumerate() {
                let request = NewPlant {
                    portfolio: portfolio.clone(),
                    name: format!("{name} 100%_{number}"),
                    kind: kind.to_owned(),
                    ..Default::default()
                };
                own_plants.push(plants::create(services, actor, &request).await.unwrap().id.to_string());
            }
            own_portfolios.push(portfolio);
        }
        created.push((organization, own_portfolios.try_into().unwrap(), own_plants.try_into().unwrap()));
    }
    created
}

/// Returns the ids of all pages of a list.
async fn list_pages(client: &Client<'_>, kind: &str, query: &str) -> Vec<String> {
    let (mut listed, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = client.json(&format!("/api/v1/{kind}?{query}{cursor}")).await;
        listed.extend(page[kind].as_array().unwrap().iter().map(|found| found["id"].as_str().unwrap().to_owned()));
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return listed,
        }
    }
}

both!(
    /// Pages neither repeat nor skip a row, over organizations in which the person has different roles and grants, and none.
    lists_are_paged_over_many_organizations, |app| {
        app.add_user("alice").await;
        let alice = app.sign_in("alice").await;
        let (mut expected_organizations, mut expected_portfolios, mut expected_plants) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
        let all = create_many(&app, 24).await;
        for (number, (organization, own_portfolios, own_plants)) in all.iter().enumerate() {
            let (portfolios, plants): (&[String], &[String]) = match number % 6 {
                0 => {
                    add_member(&app, "alice", organization, "administrator").await;
                    add_grant(&app, "alice", "viewer", organization, None, Some(&own_plants[0])).await;
                    (own_portfolios, own_plants)
                }
                1 => {
                    add_grant(&app, "alice", "operator", organization, None, None).await;
                    add_grant(&app, "alice", "viewer", organization, Some(&own_portfolios[1]), None).await;
                    (own_portfolios, own_plants)
                }
                2 => {
                    add_grant(&app, "alice", "auditor", organization, Some(&own_portfolios[1]), None).await;
                    (&own_portfolios[1..], &own_plants[2..])
                }
                3 => {
                    add_grant(&app, "alice", "technician", organization, None, Some(&own_plants[3])).await;
                    (&own_portfolios[1..], &own_plants[3..])
                }
                4 => {
                    add_member(&app, "alice", organization, "member").await;
                    (&[], &[])
                }
                _ => continue,
            };
            expected_organizations.insert(organization.clone());
            expected_portfolios.extend(portfolios.to_vec());
            expected_plants.extend(plants.to_vec());
        }
        for (kind, expected) in [("organizations", &expected_organizations), ("portfolios", &expected_portfolios), ("plants", &expected_plants)] {
            let whole = list_pages(&alice, kind, "limit=1000").await;
            assert_eq!((whole.len(), &whole.iter().cloned().collect::<BTreeSet<_>>()), (expected.len(), expected), "{kind}");
            for limit in ["limit=1", "limit=7", "limit=50"] {
                assert_eq!(list_pages(&alice, kind, limit).await, whole, "{kind} {limit}");
            }
        }
        let (organization, own_portfolios, own_plants) = &all[0];
        let as_set = |ids: &[String]| ids.iter().cloned().collect::<BTreeSet<_>>();
        let find = async |kind: &str, query: String| list_pages(&alice, kind, &query).await.into_iter().collect::<BTreeSet<_>>();
        assert_eq!(find("plants", format!("limit=3&organization={organization}")).await, as_set(own_plants));
        assert_eq!(find("plants", format!("portfolio={}&limit=1", own_portfolios[1])).await, as_set(&own_plants[2..]));
        assert_eq!(find("plants", format!("portfolio={}&kind=wind", own_portfolios[1])).await, as_set(&own_plants[2..3]));
        assert_eq!(find("plants", format!("organization={organization}&search=EAST%20100%25_1")).await, as_set(&own_plants[1..2]));
        assert_eq!(find("plants", format!("portfolio={}&organization={}", own_portfolios[0], all[1].0)).await, as_set(&[]));
        assert_eq!(find("plants", format!("portfolio={}", all[5].1[0])).await, as_set(&[]));
        assert_eq!(find("portfolios", format!("organization={organization}&search=wes")).await, as_set(&own_portfolios[1..]));
        assert_eq!(find("portfolios", format!("organization={}", all[5].0)).await, as_set(&[]));
        assert_eq!(find("organizations", "search=organization%2012".to_owned()).await, as_set(&[all[12].0.clone()]));
        assert_eq!(find("plants", "search=100%25%25".to_owned()).await, as_set(&[]));
        assert_eq!(find("plants", "search=".to_owned()).await, expected_plants);
    }
);

both!(
    /// A plant is found by its name, its place, and the name and host of a device.
    plants_and_devices_are_found, |app| {
        let world = World::new(&app).await;
        let olga = world.client("olga");
        for search in ["mead", "KIEL", "invert", "inverter.sun"] {
            assert_eq!(list_pages(olga, "plants", &format!("search={search}")).await, std::slice::from_ref(&world.meadow), "{search}");
        }
        for query in ["search=INVERT", "search=sun.ex", &format!("plant={}", world.meadow), &format!("portfolio={}", world.north), &format!("organization={}", world.organization)] {
            assert_eq!(list_pages(olga, "devices", query).await, std::slice::from_ref(&world.device), "{query}");
        }
        for query in ["search=meadow".to_owned(), format!("plant={}", world.hill), format!("plant={}", world.foreign_plant), format!("portfolio={}", world.south)] {
            assert_eq!(list_pages(olga, "devices", &query).await, Vec::<String>::new(), "{query}");
        }
    }
);

both!(
    /// An invalid query gets one clear 422 with the field.
    invalid_queries_are_refused, |app| {
        let world = World::new(&app).await;
        let olga = world.client("olga");
        let (long, foreign_cursor) = ("x".repeat(300), olga.json("/api/v1/portfolios?limit=1").await["next_cursor"].as_str().unwrap().to_owned());
        for kind in ["organizations", "portfolios", "plants", "devices"] {
            for (query, field) in [
                ("limit=0", "limit"), ("limit=1001", "limit"), ("limit=x", "limit"), ("cursor=x", "cursor"), ("cursor=", "cursor"), ("cursor=W10", "cursor"),
                ("search=%00", "search"), (&format!("search={long}"), "search"), ("page=2", "query"), ("limit=1&limit=2", "query"),
            ] {
                let answer = olga.get(&format!("/api/v1/{kind}?{query}")).await;
                assert_eq!((answer.status(), answer.json::<Value>().await.unwrap()["field"].clone()), (StatusCode::UNPROCESSABLE_ENTITY, json!(field)), "{kind} {query}");
            }
            if kind != "portfolios" {
                assert_eq!(olga.get(&format!("/api/v1/{kind}?cursor={foreign_cursor}")).await.status(), 422, "{kind}");
            }
        }
        for (path, field) in [("plants?organization=x", "organization"), ("plants?portfolio=%00", "portfolio"), ("plants?kind=coal", "kind"), ("devices?plant=x", "plant"), ("portfolios?organization=", "organization")] {
            let answer = olga.get(&format!("/api/v1/{path}")).await;
            assert_eq!((answer.status(), answer.json::<Value>().await.unwrap()["field"].clone()), (StatusCode::UNPROCESSABLE_ENTITY, json!(field)), "{path}");
        }
    }
);

both!(
    /// A large portfolio is emptied into another one, and another is deleted with all that it contains.
    a_portfolio_is_deleted_with_its_plants_or_after_they_are_moved, |app| {
        let world = World::new(&app).await;
        let olga = world.client("olga");
        let mut tx = app.services.db.write().await.unwrap();
        let plants = "WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 1000)
            INSERT INTO plants (id, portfolio_id, organization_id, name, normalized_name, kind, version, created_at)
            SELECT 'plant-' || n, $1, $2, 'Plant ' || n, 'plant ' || n, 'wind', 1, $3 FROM numbers";
        execute!(&mut tx, plants, &world.north, &world.organization, app.now()).unwrap();
        let devices = "WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 10)
            INSERT INTO devices (id, plant_id, portfolio_id, organization_id, name, normalized_name, kind, host, upgrades, version, created_at)
            SELECT id || '-' || n, id, portfolio_id, organization_id, 'Device ' || n, 'device ' || n, 'x', id || '-' || n || '.sun.example', FALSE, 1, $2
            FROM plants, numbers WHERE portfolio_id = $1";
        execute!(&mut tx, devices, &world.north, app.now()).unwrap();
        tx.commit().await.unwrap();
        for (target, field) in [(world.foreign_portfolio.as_str(), "move_to"), (&world.north, "move_to"), ("x", "move_to")] {
            let answer = send(olga, Method::DELETE, &format!("portfolios/{}?move_to={target}", world.north), Value::Null).await;
            assert_eq!((answer.status(), answer.json::<Value>().await.unwrap()["field"].clone()), (StatusCode::UNPROCESSABLE_ENTITY, json!(field)), "{target}");
        }
        assert_eq!(send(world.client("adam"), Method::DELETE, &format!("portfolios/{}?move_to={}", world.north, world.south), Value::Null).await.status(), 204);
        let count = async |sql| app.count(sql).await;
        assert_eq!((count("SELECT COUNT(*) FROM portfolios").await, count("SELECT COUNT(*) FROM plants").await), (2, 1003));
        // Devices follow; the grant on the portfolio ended, those on its plants stay.
        assert_eq!(count("SELECT COUNT(*) FROM devices d JOIN portfolios p ON p.id = d.portfolio_id WHERE p.name = 'South'").await, 10_011);
        assert_eq!((world.client("oscar").get(&format!("/api/v1/plants/{}", world.meadow)).await.status(), world.client("tina").get(&format!("/api/v1/plants/{}", world.meadow)).await.status()), (StatusCode::NOT_FOUND, StatusCode::OK));
        assert_eq!(send(olga, Method::DELETE, &format!("portfolios/{}", world.south), Value::Null).await.status(), 204);
        assert_eq!((count("SELECT COUNT(*) FROM plants").await, count("SELECT COUNT(*) FROM devices").await, count("SELECT COUNT(*) FROM grants").await), (1, 0, 1));
        assert_eq!(app.count_events("portfolio.deleted", "success").await, 2);
    }
);

both!(
    /// A move changes exactly the roles that come by the portfolios.
    a_move_is_previewed, |app| {
        let world = World::new(&app).await;
        add_grant(&app, "sam", "operator", &world.organization, Some(&world.south), None).await;
        add_grant(&app, "vera", "viewer", &world.organization, Some(&world.north), None).await; // has the plant itself too
        add_grant(&app, "tina", "auditor", &world.organization, Some(&world.north), None).await;
        add_grant(&app, "mia", "viewer", &world.organization, Some(&world.north), None).await;
        add_grant(&app, "mia", "viewer", &world.organization, Some(&world.south), None).await;
        let adam = principal(world.client("adam")).await;
        let (plant, south): (_, PortfolioId) = (ScopeId::Plant(world.meadow.parse().unwrap()), world.south.parse().unwrap());
        let changes = moves::preview(&app.services, &adam, &plant, &south).await.unwrap();
        let changes: Vec<_> = changes.into_iter().map(|AccessChange { person, role, gains }| (person.username, role.key(), gains)).collect();
        assert_eq!(changes, [("oscar".to_owned(), "operator", false), ("sam".to_owned(), "operator", true), ("tina".to_owned(), "auditor", false)]);
        for name in ["oscar", "victor", "sam"] {
            assert!(moves::preview(&app.services, &principal(world.client(name)).await, &plant, &south).await.is_err(), "{name}");
        }
        let editable = async |name: &str| -> Vec<String> {
            let found = portfolios::editable(&app.services, &principal(world.client(name)).await).await.unwrap();
            found.into_iter().map(|found| format!("{}: {}", found.organization_name, found.portfolio.name)).collect()
        };
        assert_eq!((editable("olga").await, editable("oscar").await), (vec!["Sun: North".to_owned(), "Sun: South".to_owned()], vec!["Sun: North".to_owned()]));
        assert_eq!((editable("victor").await, editable("vera").await, editable("root").await), (vec![], vec![], vec![]));
    }
);

fn run(app: &TestApp, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_whereabouts"));
    command.args(arguments).env("WHEREABOUTS_DATA_DIR", app.folder().path()).env("WHEREABOUTS_DATABASE_URL", &app.database_url);
    command.output().unwrap()
}

/// Runs a command that succeeds. Returns its output without the last line break.
fn run_ok(app: &TestApp, arguments: &[&str]) -> String {
    let output = run(app, arguments);
    assert!(output.status.success(), "{arguments:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
}

both!(
    /// Everything can be set up on the command line. Each command prints the id alone, or JSON.
    the_command_line_sets_everything_up, |app| {
        app.add_user("olga").await;
        let id = |arguments: &[&str]| run_ok(&app, arguments);
        let organization = id(&["organization", "add", "--name", "Sun", "--owner", "olga", "--host-suffix", "sun.example", "--host-suffix", "sun.localhost"]);
        let portfolio = id(&["portfolio", "add", "--organization", &organization, "--name", "North"]);
        let plant = id(&[
            "plant", "add", "--portfolio", &portfolio, "--name", "Meadow", "--kind", "solar", "--latitude", "-54.3", "--longitude", "10", "--capacity-kw", "750.5",
            "--time-zone", "Europe/Berlin", "--place", "Kiel", "--country", "DE",
        ]);
        let device = run_ok(&app, &["device", "add", "--plant", &plant, "--name", "Inverter", "--kind", "inverter", "--host", "I.sun.localhost", "--upgrades", "--json"]);
        let device: Value = serde_json::from_str(&device).unwrap();
        assert_eq!((&device["host"], &device["upgrades"], &device["plant"]), (&json!("i.sun.localhost"), &json!(true), &json!(plant)));
        let olga = app.sign_in("olga").await;
        let shown = olga.json(&format!("/api/v1/plants/{plant}")).await;
        assert_eq!((&shown["latitude"], &shown["country_code"], &shown["devices"]), (&json!(-54.3), &json!("DE"), &json!(1)));
        for (kind, found) in [("organization", &organization), ("portfolio", &portfolio), ("plant", &plant)] {
            let listed: Value = serde_json::from_str(&run_ok(&app, &[kind, "list", "--json"])).unwrap();
            assert_eq!(listed[0]["id"], json!(found), "{kind}");
            assert!(run_ok(&app, &[kind, "list"]).contains(found.as_str()), "{kind}");
        }
        assert!(run_ok(&app, &["device", "list", "--organization", &organization]).contains("i.sun.localhost"));
        assert!(!run_ok(&app, &["plant", "list", "--organization", &portfolio]).contains("Meadow"));
        run_ok(&app, &["plant", "close", &plant, "--reason", "Storm"]);
        let shown = olga.json(&format!("/api/v1/plants/{plant}")).await;
        assert_eq!((&shown["remote_access"]["reason"], &shown["remote_access"]["by"]), (&json!("Storm"), &Value::Null));
        assert!(run_ok(&app, &["plant", "list"]).contains("closed"));
        run_ok(&app, &["plant", "reopen", &plant]);
        assert_eq!(app.count("SELECT COUNT(*) FROM outbox WHERE kind = 'remote_access_changed'").await, 2);
        for (arguments, message) in [
            (&["device", "add", "--plant", &plant, "--name", "X", "--kind", "x", "--host", "10.0.0.1"][..], "IP address"),
            (&["plant", "add", "--portfolio", &plant, "--name", "X", "--kind", "wind"], "no portfolio"),
            (&["plant", "remove", "x"], "not an id"),
            (&["organization", "add", "--name", "Moon", "--owner", "nobody"], "no enabled account"),
        ] {
            let output = run(&app, arguments);
            let error = String::from_utf8(output.stderr).unwrap();
            assert!(!output.status.success() && output.stdout.is_empty() && error.contains(message) && error.lines().count() == 1, "{arguments:?}: {error}");
        }
        for (kind, id) in [("device", device["id"].as_str().unwrap()), ("plant", &plant), ("portfolio", &portfolio), ("organization", &organization)] {
            run_ok(&app, &[kind, "remove", id]);
            assert!(!run(&app, &[kind, "remove", id]).status.success(), "{kind}");
        }
        // An organization without an owner.
        let moon: Value = serde_json::from_str(&run_ok(&app, &["organization", "add", "--name", "Moon", "--json"])).unwrap();
        assert_eq!(moon["counts"]["people"], json!(0));
    }
);

both!(
    /// An import creates everything or nothing, and names each faulty line.
    an_import_is_all_or_nothing, |app| {
        let world = World::new(&app).await;
        let folder = app.folder();
        let file = folder.path().join("plants.csv");
        let import = |options: &[&str]| run(&app, &[&["plant", "import", file.to_str().unwrap(), "--organization", &world.organization][..], options].concat());
        let before = world.rows().await;
        std::fs::write(&file, "portfolio,plant,kind,device,device_kind,host\nEast,Brook,wind,Logger,logger,logger.sun.example\nEast,Lake,hydro,,,\nNorth,Meadow,,X,x,inverter.sun.example\nEast,Sea,wind,X,x,INVERTER.sun.example\n").unwrap();
        for options in [&[][..], &["--dry-run"], &["--json"]] {
            let output = import(options);
            let error = String::from_utf8(output.stderr).unwrap();
            assert!(!output.status.success() && error.contains("nothing was imported"), "{options:?}: {error}");
            if options != ["--json"] {
                assert!(error.contains("line 3, kind: ") && error.contains("line 4, host: ") && error.contains("line 5, host: "), "{error}");
            }
        }
        std::fs::write(&file, "portfolio,plant,kind,device,device_kind,host\nEast,Brook,wind,Logger,logger,logger.sun.example\nnorth,Meadow,,X,x,x.sun.example\n").unwrap();
        assert_eq!(String::from_utf8(import(&["--dry-run"]).stdout).unwrap(), "Would be created: 1 portfolios, 1 plants, 2 devices.\n");
        assert_eq!(world.rows().await, before);
        assert_eq!(String::from_utf8(import(&[]).stdout).unwrap(), "Created: 1 portfolios, 1 plants, 2 devices.\n");
        let olga = world.client("olga");
        let brook = olga.json("/api/v1/plants?search=logger.sun").await["plants"][0].clone();
        assert_eq!((&brook["name"], &brook["kind"], &brook["devices"]), (&json!("Brook"), &json!("wind"), &json!(1)));
        assert_eq!(app.count_events("plant.imported", "success").await, 1);
        assert!(!import(&[]).status.success());
        // The same, as people: those who edit all plants import, only those who administer create portfolios.
        let organization: OrganizationId = world.organization.parse().unwrap();
        let text = "portfolio,plant,kind\nFar,Pond,wind\n";
        add_grant(&app, "sam", "operator", &world.organization, None, None).await;
        for (name, is_allowed, creates) in [("adam", true, true), ("sam", true, false), ("oscar", false, false), ("victor", false, false), ("vera", false, false), ("fred", false, false), ("root", false, false)] {
            let principal = principal(world.client(name)).await;
            let preview = import::preview(&app.services, Actor::Principal(&principal), &organization, text).await;
            assert_eq!(preview.as_ref().is_ok_and(|plan| plan.errors.is_empty()), creates, "{name}: {preview:?}");
            assert_eq!(preview.is_ok(), is_allowed, "{name}");
        }
        let sam = principal(world.client("sam")).await;
        let imported = import::import(&app.services, Actor::Principal(&sam), &organization, "portfolio,plant,kind\nEast,Pond,wind\n").await.unwrap();
        assert_eq!((imported.errors.len(), imported.plants.len()), (0, 1));
    }
);

/// Sends all emails. Returns those with this subject, by address.
async fn mails_about(app: &TestApp, subject: &str) -> Vec<Mail> {
    app.send_due().await;
    let mut mails: Vec<_> = app.smtp.take_all().await.into_iter().filter(|mail| mail.subject == subject).collect();
    mails.sort_by(|one, other| one.to.cmp(&other.to));
    mails
}

both!(
    /// AUT-7: what is deleted ends the grants on it one by one: each is on record, and the person and the owners get a mail. Nobody else's end.
    deleting_ends_each_grant_on_record, start_with_manual_mails, |app| {
        let world = World::new(&app).await;
        let adam = world.client("adam");
        let before = app.count_events("grant.ended", "success").await;
        assert_eq!(send(adam, Method::DELETE, &format!("plants/{}", world.meadow), Value::Null).await.status(), 204);
        assert_eq!(app.count_events("grant.ended", "success").await - before, 2, "tina's and vera's");
        let mails = mails_about(&app, "Meadow was deleted").await;
        assert_eq!(mails.iter().map(|mail| mail.to.as_str()).collect::<Vec<_>>(), ["olga@example.com", "tina@example.com", "vera@example.com"]);
        assert!(mails[0].text.contains("vera") && mails[2].text.contains("vera") && !mails[1].text.contains("vera"));
        assert_eq!(send(adam, Method::DELETE, &format!("portfolios/{}", world.north), Value::Null).await.status(), 204);
        assert_eq!(app.count_events("grant.ended", "success").await - before, 3, "oscar's");
        let mails = mails_about(&app, "North was deleted").await;
        assert!(mails.iter().any(|mail| mail.to == "oscar@example.com"));
        let root = world.client("root");
        assert_eq!(send(root, Method::DELETE, &format!("organizations/{}", world.organization), Value::Null).await.status(), 204);
        assert_eq!((app.count_events("grant.ended", "success").await - before, app.count("SELECT COUNT(*) FROM grants").await), (4, 0), "victor's");
        let mails = mails_about(&app, "Sun was deleted").await;
        assert!(mails.iter().any(|mail| mail.to == "mia@example.com"));
        assert!(world.client("fred").is_signed_in().await && app.count("SELECT COUNT(*) FROM plants").await == 1);
    }
);

both!(
    /// AUT-7: administrators gain no role by moving plants to a portfolio on which they have a grant. Owners may, and everybody concerned is told.
    administrators_gain_no_role_by_a_move, start_with_manual_mails, |app| {
        let world = World::new(&app).await;
        add_grant(&app, "adam", "technician", &world.organization, Some(&world.south), None).await;
        let (adam, olga) = (world.client("adam"), world.client("olga"));
        let (meadow, into_south) = (format!("plants/{}", world.meadow), json!({ "portfolio": world.south }));
        assert_eq!(refusal(adam, Method::PATCH, &meadow, into_south.clone()).await, "not-in-role");
        let merge = format!("portfolios/{}?move_to={}", world.north, world.south);
        assert_eq!(refusal(adam, Method::DELETE, &merge, Value::Null).await, "not-in-role");
        assert_eq!(send(adam, Method::PATCH, &format!("plants/{}", world.hill), json!({ "portfolio": world.north })).await.status(), 200);
        assert_eq!(send(olga, Method::PATCH, &meadow, into_south).await.status(), 200);
        let mails = mails_about(&app, "Moved to another portfolio: Meadow").await;
        assert_eq!(mails.iter().map(|mail| mail.to.as_str()).collect::<Vec<_>>(), ["adam@example.com", "olga@example.com", "oscar@example.com"]);
    }
);

both!(
    /// WEB-7: names and reasons have no characters that nobody sees, except those that words need. Names that differ in these alone are the same.
    names_are_visible, |app| {
        let world = World::new(&app).await;
        let (adam, olga) = (world.client("adam"), world.client("olga"));
        let invalid = async |client: &Client<'_>, method: Method, path: &str, body: Value, field: &str| {
            let answer = send(client, method, path, body.clone()).await;
            let (status, problem) = (answer.status(), answer.json::<Value>().await.unwrap());
            assert_eq!((status, &problem["field"]), (StatusCode::UNPROCESSABLE_ENTITY, &json!(field)), "{body}");
        };
        let plant = |name: &str| json!({ "portfolio": world.north, "name": name, "kind": "wind" });
        for bad in ["Mea\u{200B}dow", "\u{202E}wodaeM", "Meadow\u{2069}", "Mea\u{AD}dow", "\u{200D}", "\u{3164}", "Mead\u{FEFF}ow", "M\u{E0041}"] {
            invalid(adam, Method::POST, "plants", plant(bad), "name").await;
            invalid(olga, Method::PATCH, &format!("organizations/{}", world.organization), json!({ "name": bad }), "name").await;
            let place = json!({ "portfolio": world.north, "name": "Good", "kind": "wind", "place": bad });
            invalid(adam, Method::POST, "plants", place, "place").await;
            invalid(adam, Method::PUT, &format!("plants/{}/closure", world.meadow), json!({ "reason": bad }), "reason").await;
            let grant = |reason: &str, vendor: &str| json!({ "user": "sam", "role": "viewer", "plant": world.hill, "reason": reason, "vendor": vendor, "expires_at": app.now() + Duration::days(1) });
            invalid(adam, Method::POST, "grants", grant(bad, "Inverters"), "reason").await;
            invalid(adam, Method::POST, "grants", grant("Work", bad), "vendor").await;
            let profile = adam.post_form("update_profile", &[("name", bad), ("username", "adam"), ("time_zone", "UTC")]).await;
            assert_eq!(profile.status(), StatusCode::UNPROCESSABLE_ENTITY, "{bad:?}");
        }
        create(adam, "plants", plant("نیروگاه\u{200C}ها")).await;
        invalid(adam, Method::POST, "plants", plant("نیروگاهها"), "name").await;
        create(adam, "plants", plant("Café")).await;
        create(adam, "plants", plant("葛\u{E0100}城")).await;
        for taken in ["Mea\u{200D}dow", "Meadow \u{200D}", "\u{FE0F} Meadow", "Cafe\u{200D}\u{301}", "葛城", "葛\u{E0101}城"] {
            invalid(adam, Method::POST, "plants", plant(taken), "name").await;
        }
        let profile = adam.post_form("update_profile", &[("name", "علی\u{200C}رضا ☀\u{FE0F}"), ("username", "adam"), ("time_zone", "UTC")]).await;
        assert_eq!(profile.status(), StatusCode::OK);
        for search in ["علی\u{200C}رضا", "علیرضا", "علیرضا \u{200D}☀"] {
            let found = olga.json(&format!("/api/v1/organizations/{}/members?search={search}", world.organization)).await;
            let usernames: Vec<_> = found["members"].as_array().unwrap().iter().map(|member| &member["user"]["username"]).collect();
            assert_eq!(usernames, [&json!("adam")], "{search:?}");
        }
    }
);

/// Asserts that a host is refused, and returns the message.
async fn refused_host(answer: Response) -> String {
    assert_eq!(answer.status(), StatusCode::UNPROCESSABLE_ENTITY);
    let problem: Value = answer.json().await.unwrap();
    assert_eq!(problem["field"], "host");
    problem["title"].as_str().unwrap().to_owned()
}

both!(
    /// AUT-8: nobody reaches a device of a plant without a grant by using its host at a plant where they have one. A closed plant, too, keeps
    /// its hosts: elsewhere they would answer again.
    a_host_stays_with_its_plant, |app| {
        let world = World::new(&app).await;
        for (name, plant) in [("adam", &world.hill), ("root", &world.hill)] {
            add_grant(&app, name, "technician", &world.organization, None, Some(plant)).await;
        }
        add_member(&app, "root", &world.organization, "administrator").await;
        let (adam, oscar, root) = (world.client("adam"), world.client("oscar"), world.client("root"));
        let brook = create(oscar, "plants", json!({ "portfolio": world.north, "name": "Brook", "kind": "wind" })).await;
        let device = |plant: &str, host: &str| json!({ "plant": plant, "name": "Moved", "kind": "inverter", "host": host });
        let taken = device(&world.hill, "inverter.sun.example");
        assert_eq!(send(oscar, Method::PUT, &format!("plants/{}/closure", world.meadow), json!({ "reason": "Theft" })).await.status(), 200);
        assert_eq!(send(oscar, Method::DELETE, &format!("devices/{}", world.device), Value::Null).await.status(), 204);
        // By a new device, by an edited one, and by an import.
        for client in [adam, root] {
            let message = refused_host(send(client, Method::POST, "devices", taken.clone()).await).await;
            assert!(message.starts_with("Meadow had this host. Only an owner, or an administrator without a grant"), "{message}");
        }
        let message = refused_host(send(oscar, Method::POST, "devices", device(&brook, "inverter.sun.example")).await).await;
        assert!(message.starts_with("Another plant had this host."), "{message}");
        let other = create(adam, "devices", device(&world.hill, "other.sun.example")).await;
        let path = format!("devices/{other}");
        refused_host(send(adam, Method::PATCH, &path, json!({ "host": "inverter.sun.example" })).await).await;
        let organization: OrganizationId = world.organization.parse().unwrap();
        let (adams, text) = (principal(adam).await, "portfolio,plant,kind,device,device_kind,host\nSouth,Hill,,X,x,inverter.sun.example\n");
        let actor = Actor::Principal(&adams);
        for plan in [
            import::preview(&app.services, actor, &organization, text).await.unwrap(),
            import::import(&app.services, actor, &organization, text).await.unwrap(),
        ] {
            let errors: Vec<_> = plan.errors.iter().map(|error| (error.line, error.field.as_str(), error.message.contains("Meadow"))).collect();
            assert_eq!(errors, [(2, "host", true)]);
        }
        // At its plant it is used again, and given up by an edit, by the plant and by the portfolio. Brook keeps what was its own.
        let again = create(adam, "devices", device(&world.meadow, "inverter.sun.example")).await;
        assert_eq!(send(adam, Method::PATCH, &format!("devices/{again}"), json!({ "host": "new.sun.example" })).await.status(), 200);
        refused_host(send(adam, Method::POST, "devices", taken.clone()).await).await;
        create(oscar, "devices", device(&brook, "brook.sun.example")).await;
        assert_eq!(send(adam, Method::DELETE, &format!("plants/{}", world.meadow), Value::Null).await.status(), 204);
        assert_eq!(send(adam, Method::DELETE, &format!("portfolios/{}", world.north), Value::Null).await.status(), 204);
        for host in ["inverter.sun.example", "new.sun.example", "brook.sun.example"] {
            refused_host(send(adam, Method::PATCH, &path, json!({ "host": host })).await).await;
        }
        assert_eq!(send(adam, Method::PATCH, &path, json!({ "host": "free.sun.example" })).await.status(), 200);
        assert_eq!(app.count("SELECT COUNT(*) FROM devices WHERE host = 'inverter.sun.example'").await, 0);
    }
);

both!(
    /// AUT-7, AUT-8: an owner may use a host at another plant, with recent authentication, on record, and all owners are told. So may the command line.
    owners_move_hosts, start_with_manual_mails, |app| {
        let world = World::new(&app).await;
        add_member(&app, "sam", &world.organization, "owner").await;
        assert_eq!(send(world.client("adam"), Method::DELETE, &format!("devices/{}", world.device), Value::Null).await.status(), 204);
        let taken = json!({ "plant": world.hill, "name": "Moved", "kind": "inverter", "host": "inverter.sun.example" });
        let token = world.client("olga").create_token("all", "full", FIREFOX).await;
        assert_eq!(refusal(&token, Method::POST, "devices", taken.clone()).await, "session-required");
        app.advance(Duration::minutes(11));
        let olga = world.client("olga");
        assert_eq!(refusal(olga, Method::POST, "devices", taken.clone()).await, "reauthentication-required");
        let fields = [("plant", world.hill.as_str()), ("name", "Moved"), ("kind", "inverter"), ("host", "inverter.sun.example")];
        let path: String = olga.post_form("create_device", &fields).await.json().await.unwrap();
        assert!(path.starts_with("/confirm?next=%2Fdevices%2Fnew"), "{path}");
        let olga = app.sign_in("olga").await;
        let moved = create(&olga, "devices", taken).await;
        let mails = mails_about(&app, "A host came to another plant: inverter.sun.example").await;
        assert_eq!(mails.iter().map(|mail| mail.to.as_str()).collect::<Vec<_>>(), ["olga@example.com", "sam@example.com"]);
        assert!(mails[0].text.contains("Meadow") && mails[0].text.contains("Hill") && mails[0].text.contains("olga"), "{}", mails[0].text);
        let recorded = "SELECT COUNT(*) FROM audit_events WHERE action = 'device.created' AND entry LIKE '%\"host_from\":\"%'";
        assert_eq!(app.count(recorded).await, 1);
        assert_eq!(send(&olga, Method::DELETE, &format!("devices/{moved}"), Value::Null).await.status(), 204);
        run_ok(&app, &["device", "add", "--plant", &world.meadow, "--name", "Back", "--kind", "x", "--host", "inverter.sun.example"]);
    }
);

both!(
    /// AUT-7, AUT-8: an administrator corrects a host that was used at the wrong plant, if they have no grant in the organization and gain
    /// nothing by it: with recent authentication, on record, and the owners are told. The plant has its current name.
    administrators_without_a_grant_move_hosts, start_with_manual_mails, |app| {
        let world = World::new(&app).await;
        add_grant(&app, "adam", "viewer", &world.organization, None, Some(&world.meadow)).await;
        let (adam, oscar) = (world.client("adam"), world.client("oscar"));
        let device = |plant: &str| json!({ "plant": plant, "name": "Logger", "kind": "logger", "host": "logger.sun.example" });
        let mistaken = create(oscar, "devices", device(&world.meadow)).await;
        assert_eq!(send(oscar, Method::DELETE, &format!("devices/{mistaken}"), Value::Null).await.status(), 204);
        assert_eq!(send(oscar, Method::PATCH, &format!("plants/{}", world.meadow), json!({ "name": "Field" })).await.status(), 200);
        let message = refused_host(send(adam, Method::POST, "devices", device(&world.hill)).await).await;
        assert!(message.starts_with("Field had this host."), "{message}");
        app.advance(Duration::days(8)); // the grant ends
        let adam = app.sign_in("adam").await;
        let token = adam.create_token("all", "full", FIREFOX).await;
        assert_eq!(refusal(&token, Method::POST, "devices", device(&world.hill)).await, "session-required");
        app.advance(Duration::minutes(11));
        assert_eq!(refusal(&adam, Method::POST, "devices", device(&world.hill)).await, "reauthentication-required");
        let adam = app.sign_in("adam").await;
        create(&adam, "devices", device(&world.hill)).await;
        let mails = mails_about(&app, "A host came to another plant: logger.sun.example").await;
        assert_eq!(mails.iter().map(|mail| mail.to.as_str()).collect::<Vec<_>>(), ["olga@example.com"]);
        assert!(["Field", "Hill", "adam"].iter().all(|name| mails[0].text.contains(name)), "{}", mails[0].text);
        let recorded = "SELECT COUNT(*) FROM audit_events WHERE action = 'device.created' AND entry LIKE '%\"host_from\":\"%'";
        assert_eq!(app.count(recorded).await, 1);
    }
);

both!(
    /// AUT-7, AUT-8: an import that moves hosts names their plants before. It requires recent authentication and keeps its draft until then.
    /// RACE-2: it enqueues the mails in the order of the recipients.
    an_import_moves_hosts, start_with_manual_mails, |app| {
        let world = World::new(&app).await;
        add_member(&app, "sam", &world.organization, "owner").await;
        let (adam, olga) = (world.client("adam"), world.client("olga"));
        let logger = json!({ "plant": world.meadow, "name": "Logger", "kind": "logger", "host": "logger.sun.example" });
        let logger = create(adam, "devices", logger).await;
        for device in [&world.device, &logger] {
            assert_eq!(send(adam, Method::DELETE, &format!("devices/{device}"), Value::Null).await.status(), 204);
        }
        let text = "portfolio,plant,kind,device,device_kind,host\nSouth,Hill,,A,a,inverter.sun.example\nSouth,Hill,,B,b,logger.sun.example\nSouth,Hill,,C,c,free.sun.example\n";
        let pasted = [("organization", world.organization.as_str()), ("text", text)];
        let preview: String = olga.post_form("preview_import", &pasted).await.json().await.unwrap();
        let form = [("organization", world.organization.as_str()), ("draft", preview.split_once("draft=").unwrap().1)];
        app.advance(Duration::minutes(11));
        let next: String = olga.post_form("import_plants", &form).await.json().await.unwrap();
        assert!(next.starts_with("/confirm?next=%2Forganizations%2F") && next.contains("draft"), "{next}");
        let count = "SELECT COUNT(*) FROM devices WHERE host IN ('inverter.sun.example', 'logger.sun.example', 'free.sun.example')";
        assert_eq!(app.count(count).await, 0);
        let olga = app.sign_in("olga").await;
        let shown = olga.browser(Method::GET, &preview).send().await.unwrap().text().await.unwrap();
        assert!(["Every line is right", "inverter.sun.example", "logger.sun.example", "Meadow"].iter().all(|part| shown.contains(part)), "{shown}");
        assert!(!shown.contains("free.sun.example"), "{shown}");
        let (organization, olgas): (OrganizationId, _) = (world.organization.parse().unwrap(), principal(&olga).await);
        let plan = import::preview(&app.services, Actor::Principal(&olgas), &organization, text).await.unwrap();
        let devices = serde_json::to_value(&plan).unwrap()["devices"].clone();
        let former: Vec<_> = devices.as_array().unwrap().iter().map(|device| &device["former_plant"]).collect();
        assert_eq!(former, [&json!("Meadow"), &json!("Meadow"), &Value::Null]);
        let next: String = olga.post_form("import_plants", &form).await.json().await.unwrap();
        assert_eq!((next, app.count(count).await), (format!("/organizations/{}", world.organization), 3));
        let recorded = "SELECT COUNT(*) FROM audit_events WHERE action = 'device.created' AND entry LIKE '%\"host_from\":\"%'";
        assert_eq!(app.count(recorded).await, 2);
        let inserted = match app.backend() {
            Backend::Sqlite => "SELECT user_id FROM outbox WHERE kind = 'access_changed' ORDER BY rowid",
            Backend::Postgres => "SELECT user_id FROM outbox WHERE kind = 'access_changed' ORDER BY ctid",
        };
        let recipients: Vec<(String,)> = {
            let mut db = app.services.db.read().await.unwrap();
            whereabouts::fetch!(&mut db, fetch_all as (String,), inserted).unwrap()
        };
        assert!(recipients.len() == 4 && recipients.is_sorted(), "{recipients:?}");
        let mails = mails_about(&app, "A host came to another plant: inverter.sun.example").await;
        assert_eq!(mails.iter().map(|mail| mail.to.as_str()).collect::<Vec<_>>(), ["olga@example.com", "sam@example.com"]);
    }
);

both!(
    /// AUT-8: an import uses a released host at its own plant again, whoever imports it, and nobody is told.
    an_import_returns_a_host_to_its_plant, start_with_manual_mails, |app| {
        let world = World::new(&app).await;
        add_grant(&app, "adam", "technician", &world.organization, None, Some(&world.hill)).await;
        let adam = world.client("adam");
        assert_eq!(send(adam, Method::DELETE, &format!("devices/{}", world.device), Value::Null).await.status(), 204);
        let organization: OrganizationId = world.organization.parse().unwrap();
        let adams = Principal { reauthenticated_at: None, ..principal(adam).await };
        let text = "portfolio,plant,kind,device,device_kind,host\nNorth,meadow,,Again,inverter,inverter.sun.example\n";
        let plan = import::import(&app.services, Actor::Principal(&adams), &organization, text).await.unwrap();
        assert_eq!((plan.errors.len(), plan.devices.len(), plan.devices[0].former_plant.as_deref()), (0, 1, None));
        let at_meadow = "SELECT COUNT(*) FROM devices d JOIN plants p ON p.id = d.plant_id WHERE d.host = 'inverter.sun.example' AND p.name = 'Meadow'";
        assert_eq!((app.count(at_meadow).await, app.count("SELECT COUNT(*) FROM released_hosts").await), (1, 0));
        assert_eq!(app.count("SELECT COUNT(*) FROM outbox WHERE kind = 'access_changed'").await, 0);
    }
);

async fn start_with_manual_mails(backend: Backend) -> TestApp {
    TestApp::start_with_mail_delivery(backend, MailDelivery::Manual).await
}
