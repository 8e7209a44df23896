//! The forms and pages about plants, devices, organizations, imports, grants, members and vendors over HTTP: what each does, seen
//! afterwards through the API; who may; and what a refused or outdated form leads to, with a script and without.

use chrono::{DateTime, Duration, SubsecRound as _};
use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};

use crate::support::{
    Client, TestApp,
    world::{World, grant, id_of},
};

/// Everybody who may or may not use a page or form. The grants are on the plant Alpha, except the operator's, which is on the organization.
const PEOPLE: [&str; 10] = ["owner", "admin", "operator", "technician", "viewer", "auditor", "vendor", "member", "stranger", "platform"];

/// An organization with a person for each role, and ids of what it contains.
struct Staffed {
    world: World,
    /// The portfolio of the plant Gamma.
    south: String,
    /// The devices of the plant Alpha: the inverter and the logger.
    devices: [String; 2],
    /// The grant of the viewer.
    grant: String,
    vendor: String,
}

impl Staffed {
    async fn create(app: &TestApp) -> Self {
        for name in ["operator", "technician", "viewer", "auditor", "vendor", "stranger"] {
            app.add_user(name).await;
        }
        app.add_admin("platform").await;
        let world = World::create(app, "Nordlicht").await;
        world.add_members(app, &[("owner", "owner"), ("admin", "administrator"), ("member", "member")]).await;
        let (owner, platform) = (app.sign_in("owner").await, app.sign_in("platform").await);
        let suffixes = json!({ "host_suffixes": ["nordlicht.example"] });
        let organization = format!("/api/v1/organizations/{}", world.id);
        let assigned = platform.request(Method::PATCH, &organization).json(&suffixes).send().await.unwrap();
        assert_eq!(assigned.status(), StatusCode::OK);
        grant(&owner, json!({ "user": "operator", "role": "operator", "organization": world.id })).await;
        for role in ["technician", "auditor"] {
            grant(&owner, json!({ "user": role, "role": role, "plant": world.plants[0] })).await;
        }
        let viewer = grant(&owner, json!({ "user": "viewer", "role": "viewer", "plant": world.plants[0] })).await;
        let end = app.now() + Duration::days(5);
        let vendor = json!({ "user": "vendor", "role": "operator", "plant": world.plants[0], "vendor": "Helioserv", "expires_at": end });
        grant(&owner, vendor).await;
        let south = text(&owner.json(&format!("/api/v1/plants/{}", world.other_plant)).await["portfolio"]);
        let devices = owner.json(&format!("/api/v1/devices?plant={}", world.plants[0])).await["devices"].clone();
        let vendors = owner.json(&format!("{organization}/vendors")).await["vendors"].clone();
        let device = |name: &str| text(&devices.as_array().unwrap().iter().find(|device| device["name"] == name).unwrap()["id"]);
        let devices = [device("inverter"), device("logger")];
        Self { south, devices, grant: text(&viewer["id"]), vendor: text(&vendors[0]["id"]), world }
    }

    fn alpha(&self) -> &str {
        &self.world.plants[0]
    }

    fn page(&self) -> String {
        format!("/organizations/{}", self.world.id)
    }

    /// Returns everything that forms change, as its owner sees it.
    async fn everything(&self, owner: &Client<'_>) -> Vec<Value> {
        let mut all = Vec::new();
        for path in ["plants", "devices", "portfolios", "grants"] {
            all.push(owner.json(&format!("/api/v1/{path}")).await);
        }
        for path in ["", "/members", "/vendors"] {
            all.push(owner.json(&format!("/api/v1/organizations/{}{path}", self.world.id)).await);
        }
        all
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("{value}")).to_owned()
}

async fn plant(client: &Client<'_>, id: &str) -> Value {
    client.json(&format!("/api/v1/plants/{id}")).await
}

/// Returns the status of a page and its text.
async fn open(client: &Client<'_>, path: &str) -> (StatusCode, String) {
    let answer = client.browser(Method::GET, path).send().await.unwrap();
    (answer.status(), answer.text().await.unwrap())
}

async fn page(client: &Client<'_>, path: &str) -> String {
    let (status, text) = open(client, path).await;
    assert_eq!(status, StatusCode::OK, "{path}: {text}");
    text
}

fn location(answer: &Response) -> String {
    answer.headers().get("location").map(|location| location.to_str().unwrap().to_owned()).unwrap_or_default()
}

/// Sends a form as a browser without a script does. Returns where it leads, and the page there.
async fn submit(client: &Client<'_>, function: &str, fields: &[(&str, &str)]) -> (String, String) {
    let answer = client.browser(Method::POST, &format!("/api/ui/{function}")).form(fields).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::FOUND, "{function}");
    let flash = answer.headers().get_all("set-cookie").iter().filter_map(|cookie| cookie.to_str().unwrap().split(';').next());
    let cookies = [format!("whereabouts={}", client.token)].into_iter().chain(flash.map(str::to_owned)).collect::<Vec<_>>().join("; ");
    let path = location(&answer);
    let next = client.app.http.get(client.app.url(&path)).header("cookie", cookies).header("accept", "text/html").send().await.unwrap();
    (path, next.text().await.unwrap())
}

/// Sends a form as a script, which must be accepted. Returns where it leads.
async fn accepted(client: &Client<'_>, function: &str, fields: &[(&str, &str)]) -> String {
    let answer = client.post_form(function, fields).await;
    let (status, body) = (answer.status(), answer.text().await.unwrap());
    assert_eq!(status, StatusCode::OK, "{function}: {body}");
    serde_json::from_str(&body).unwrap()
}

/// Sends a form as a script, which must be refused. Returns the status and the field that it is about.
async fn refused(client: &Client<'_>, function: &str, fields: &[(&str, &str)]) -> (StatusCode, String) {
    let answer = client.post_form(function, fields).await;
    let (status, body) = (answer.status(), answer.text().await.unwrap());
    let problem: Value = serde_json::from_str(&body).unwrap_or_default();
    (status, problem["field"].as_str().unwrap_or_default().to_owned())
}

/// Returns whether a page shows a form's failure with these words.
fn shows_failure(page: &str, words: &str) -> bool {
    page.split("role=\"alert\"").skip(1).any(|alert| alert[..alert.find("</div>").unwrap_or(alert.len())].contains(words))
}

/// Returns the value of an input on a page.
fn value_of(page: &str, field: &str) -> String {
    let start = page.find(&format!(" name=\"{field}\"")).unwrap_or_else(|| panic!("no {field} in {page}"));
    let start = page[..start].rfind('<').unwrap();
    let tag = &page[start..start + page[start..].find('>').unwrap()];
    tag.split(" value=\"").nth(1).map(|value| value[..value.find('"').unwrap()].to_owned()).unwrap_or_default()
}

/// Returns the visible text of a page's main part, with single spaces.
fn words(page: &str) -> String {
    let main = &page[page.find("<main").unwrap()..page.find("</main>").unwrap()];
    let text: String = main.split('<').map(|part| format!(" {}", part.split_once('>').map_or(part, |(_, text)| text))).collect();
    text.replace('\u{a0}', " ").split_whitespace().collect::<Vec<_>>().join(" ").replace(" ,", ",").replace(" .", ".").replace(" ?", "?")
}

/// A form with its fields, and the status that each person gets.
type Case<'a> = (&'a str, Vec<(&'a str, &'a str)>, [u16; 10]);

both!(
    /// AUT-2: each page is for those whose role allows what it is for, and does not exist for those who may not know of its plant.
    pages_are_for_those_who_may, |app| {
        let staffed = Staffed::create(&app).await;
        let (organization, alpha, member) = (staffed.page(), staffed.alpha(), id_of(&app, "member").await);
        let edits = [200, 200, 200, 403, 403, 403, 403, 404, 404, 404];
        let administers = [200, 200, 403, 403, 403, 403, 403, 404, 404, 404];
        let of_organization = [200, 200, 403, 403, 403, 403, 403, 403, 404, 404];
        let cases: [(String, [u16; 10]); 14] = [
            ("/plants/new".to_owned(), [200, 200, 200, 403, 403, 403, 403, 403, 403, 403]),
            (format!("/plants/{alpha}/edit"), edits),
            (format!("/plants/{alpha}/edit?confirm=delete"), edits),
            (format!("/plants/{alpha}/move"), administers),
            (format!("/devices/new?plant={alpha}"), edits),
            (format!("/devices/{}/edit", staffed.devices[0]), edits),
            ("/organizations/new".to_owned(), [403, 403, 403, 403, 403, 403, 403, 403, 403, 200]),
            (organization.clone(), [200, 200, 200, 200, 200, 200, 200, 200, 404, 200]),
            (format!("{organization}/import"), [200, 200, 200, 403, 403, 403, 403, 403, 404, 404]),
            (format!("{organization}/people/{member}"), of_organization),
            (format!("/grants/new?at=plant:{alpha}"), administers),
            (format!("/grants/new?at=organization:{}", staffed.world.id), of_organization),
            (format!("/grants/{}", staffed.grant), [200, 200, 404, 404, 403, 404, 404, 404, 404, 404]),
            ("/grants/new".to_owned(), [404; 10]),
        ];
        for (position, name) in PEOPLE.into_iter().enumerate() {
            let client = app.sign_in(name).await;
            for (path, expected) in &cases {
                let (status, shown) = open(&client, path).await;
                assert_eq!(status.as_u16(), expected[position], "{name} {path}");
                let reveals = status != StatusCode::OK && ["Alpha", "inverter", "Nordlicht"].iter().any(|known| shown.contains(known));
                assert!(!reveals, "{name} {path}: {shown}");
            }
            for unknown in ["/plants/x/edit", "/devices/x/edit", "/organizations/x", "/organizations/x/import", "/grants/x"] {
                assert_eq!(open(&client, unknown).await.0, StatusCode::NOT_FOUND, "{name} {unknown}");
            }
        }
    }
);

both!(
    /// AUT-2: a form is refused to those whose role does not allow it, and nothing is changed then.
    forms_are_for_those_who_may, |app| {
        let staffed = Staffed::create(&app).await;
        let (id, alpha, [device, _]) = (staffed.world.id.as_str(), staffed.alpha(), &staffed.devices);
        let (portfolio, south, vendor) = (staffed.world.portfolio.as_str(), staffed.south.as_str(), staffed.vendor.as_str());
        let (stranger, admin, vendors_person) =
            (id_of(&app, "stranger").await.to_string(), id_of(&app, "admin").await.to_string(), id_of(&app, "vendor").await.to_string());
        let at = format!("plant:{alpha}");
        // 0: allowed, which other tests show. A field about what the person may not know of is invalid: 422. Without such a field: 404.
        let edits = [0, 0, 0, 403, 403, 403, 403, 404, 404, 404];
        let creates = [0, 0, 0, 403, 403, 403, 403, 422, 422, 422];
        let administers = [0, 0, 403, 403, 403, 403, 403, 404, 404, 404];
        let of_organization = [0, 0, 403, 403, 403, 403, 403, 403, 404, 404];
        let platform = [403, 403, 403, 403, 403, 403, 403, 403, 404, 0];
        let new_device = [("name", "new"), ("kind", "camera"), ("host", "new.nordlicht.example")];
        let cases: [Case; 21] = [
            ("create_plant", vec![("portfolio", portfolio), ("name", "New"), ("kind", "solar")], creates),
            ("edit_plant", vec![("id", alpha), ("version", "1"), ("name", "New"), ("kind", "solar")], edits),
            ("move_plant", vec![("id", alpha), ("to", south)], administers),
            ("delete_plant", vec![("id", alpha), ("confirmed", "Alpha")], administers),
            ("create_device", [("plant", alpha)].into_iter().chain(new_device).collect(), edits),
            ("edit_device", [("id", device.as_str()), ("version", "1")].into_iter().chain(new_device).collect(), edits),
            ("delete_device", vec![("id", device), ("confirmed", "inverter")], edits),
            ("create_organization", vec![("name", "New")], [403, 403, 403, 403, 403, 403, 403, 403, 403, 0]),
            ("rename_organization", vec![("id", id), ("name", "New")], [0, 403, 403, 403, 403, 403, 403, 403, 404, 0]),
            ("assign_host_suffixes", vec![("id", id), ("host_suffixes", "nordlicht.example other.example")], platform),
            ("delete_organization", vec![("id", id), ("confirmed", "Nordlicht")], platform),
            ("create_portfolio", vec![("organization", id), ("portfolio_name", "New")], of_organization),
            ("rename_portfolio", vec![("id", south), ("organization", id), ("name", "New")], [0, 0, 403, 404, 404, 404, 404, 404, 404, 404]),
            ("delete_portfolio", vec![("id", portfolio), ("organization", id), ("confirmed", "North")], administers),
            ("merge_portfolio", vec![("id", portfolio), ("to", south)], administers),
            ("preview_import", vec![("organization", id), ("text", "portfolio,plant,kind")], [0, 0, 0, 403, 403, 403, 403, 403, 404, 404]),
            ("grant_access", vec![("at", &at), ("user", &stranger), ("role", "viewer"), ("reason", "New")], administers),
            ("preview_grant", vec![("at", &at), ("user", &stranger), ("role", "viewer")], administers),
            ("extend_grant", vec![("id", &staffed.grant), ("until", "7d"), ("reason", "New")], [0, 0, 404, 404, 403, 404, 404, 404, 404, 404]),
            ("set_member", vec![("organization", id), ("user", &stranger), ("role", "member")], [0, 0, 403, 403, 403, 403, 403, 403, 404, 403]),
            ("remove_member", vec![("organization", id), ("user", &admin)], [0, 0, 403, 403, 403, 403, 403, 403, 404, 403]),
        ];
        let of_vendors = [
            ("end_vendor_access", vec![("organization", id), ("vendor", vendor)], of_organization),
            ("remove_vendor_person", vec![("organization", id), ("vendor", vendor), ("user", &vendors_person)], of_organization),
        ];
        let owner = app.sign_in("owner").await;
        let before = staffed.everything(&owner).await;
        for (position, name) in PEOPLE.into_iter().enumerate() {
            let client = app.sign_in(name).await;
            for (function, fields, expected) in cases.iter().chain(&of_vendors).filter(|(_, _, expected)| expected[position] != 0) {
                let (status, _) = refused(&client, function, fields).await;
                assert_eq!(status.as_u16(), expected[position], "{name} {function}");
            }
            // Whoever may not end a grant does not learn whether it goes on.
            if !["owner", "admin", "viewer"].contains(&name) {
                assert_eq!(accepted(&client, "end_grant", &[("id", &staffed.grant), ("next", "/plants")]).await, "/plants");
            }
        }
        assert_eq!(staffed.everything(&owner).await, before);
    }
);

both!(
    /// A plant and a device are added and edited with the forms. A refused native form shows why, and what was typed.
    plants_and_devices_are_added_and_edited, |app| {
        let staffed = Staffed::create(&app).await;
        let operator = app.sign_in("operator").await;
        let new = |latitude| [
            ("portfolio", staffed.south.as_str()), ("name", "Solarpark <Süd>"), ("kind", "wind"), ("place", "Eggebek"), ("country_code", "DE"),
            ("latitude", latitude), ("longitude", "9,37"), ("capacity_kw", "12400"), ("time_zone", "Europe/Berlin"),
        ];
        assert_eq!(refused(&operator, "create_plant", &new("north")).await, (StatusCode::UNPROCESSABLE_ENTITY, "latitude".to_owned()));
        let (path, shown) = submit(&operator, "create_plant", &new("north")).await;
        assert_eq!(path, "/plants/new");
        assert!(shows_failure(&shown, "Enter a number, such as 54.63."), "{shown}");
        assert_eq!(["name", "place", "latitude", "longitude"].map(|field| value_of(&shown, field)), ["Solarpark &lt;Süd&gt;", "Eggebek", "north", "9,37"]);
        for chosen in [staffed.south.as_str(), "wind", "DE", "Europe/Berlin"] {
            assert!(shown.contains(&format!("value=\"{chosen}\" selected")), "{chosen}");
        }
        let (path, shown) = submit(&operator, "create_plant", &new("54,63")).await;
        assert!(words(&shown).contains("Solarpark &lt;Süd&gt; was added. Add its devices next."), "{shown}");
        let id = path.strip_prefix("/plants/").unwrap();
        let added = plant(&operator, id).await;
        let expected = json!({ "name": "Solarpark <Süd>", "kind": "wind", "place": "Eggebek", "latitude": 54.63, "longitude": 9.37, "capacity_kw": 12400.0, "portfolio": staffed.south });
        for (field, value) in expected.as_object().unwrap() {
            assert_eq!(added[field], *value, "{field}");
        }

        let (path, shown) = submit(&operator, "create_device", &[("plant", id), ("name", "Gate"), ("kind", "camera"), ("host", "gate.other.example"), ("upgrades", "yes")]).await;
        assert_eq!(path, format!("/devices/new?plant={id}"));
        assert!(shows_failure(&shown, "The host must lie under nordlicht.example.") && shown.contains("checked"), "{shown}");
        assert_eq!(["name", "kind", "host", "plant"].map(|field| value_of(&shown, field)), ["Gate", "camera", "gate.other.example", id]);
        let fields = [("plant", id), ("name", "Gate"), ("kind", "camera"), ("host", "gate.nordlicht.example"), ("upgrades", "yes")];
        assert_eq!(accepted(&operator, "create_device", &fields).await, format!("/plants/{id}"));
        let device = operator.json(&format!("/api/v1/devices?plant={id}")).await["devices"][0].clone();
        assert_eq!((&device["host"], &device["upgrades"]), (&json!("gate.nordlicht.example"), &json!(true)));
        let edit = [("id", device["id"].as_str().unwrap()), ("version", "1"), ("name", "Gate"), ("kind", "camera"), ("host", "door.nordlicht.example")];
        assert_eq!(accepted(&operator, "edit_device", &edit).await, format!("/plants/{id}"));
        let changed = operator.json(&format!("/api/v1/devices/{}", edit[0].1)).await;
        assert_eq!((&changed["host"], &changed["upgrades"]), (&json!("door.nordlicht.example"), &json!(false)));
        // The page links to the import of each organization that the person administers, and to no other.
        let import = format!("href=\"{}/import\"", staffed.page());
        assert!(!page(&operator, "/plants/new").await.contains("/import"));
        assert!(page(&app.sign_in("admin").await, "/plants/new").await.contains(&import));
    }
);

both!(
    /// Two people edit the same plant: the second one is told what the first one saved, loses nothing, and saves again.
    an_outdated_form_is_loaded_again, |app| {
        let staffed = Staffed::create(&app).await;
        let (alpha, path) = (staffed.alpha(), format!("/plants/{}/edit", staffed.alpha()));
        let (owner, admin) = (app.sign_in("owner").await, app.sign_in("admin").await);
        let fields = |version: &str, name: &str, place: &str| {
            [("id", alpha), ("version", version), ("name", name), ("kind", "solar"), ("place", place)].map(|(name, value)| (name, value.to_owned()))
        };
        let borrowed = |fields: &[(&'static str, String)]| fields.iter().map(|(name, value)| (*name, value.clone())).collect::<Vec<_>>();
        let first = fields("1", "Alpha One", "Eggebek");
        let first: Vec<_> = first.iter().map(|(name, value)| (*name, value.as_str())).collect();
        assert_eq!(accepted(&owner, "edit_plant", &first).await, format!("/plants/{alpha}"));
        let typed = borrowed(&fields("1", "Alpha Two", "Husum"));
        let typed: Vec<_> = typed.iter().map(|(name, value)| (*name, value.as_str())).collect();
        // With a script, the form is loaded again too, because its version is outdated.
        assert_eq!(accepted(&admin, "edit_plant", &typed).await, path);
        let (next, shown) = submit(&admin, "edit_plant", &typed).await;
        assert_eq!(next, path);
        assert_eq!((value_of(&shown, "name"), value_of(&shown, "place"), value_of(&shown, "version")), ("Alpha Two".into(), "Husum".into(), "2".into()));
        let told = words(&shown);
        assert!(told.contains("Name is saved as Alpha One") && told.contains("Town or region is saved as Eggebek"), "{told}");
        assert!(shows_failure(&shown, "Somebody else changed this in the meantime."), "{shown}");
        assert_eq!(plant(&owner, alpha).await["name"], "Alpha One");
        let again = fields("2", "Alpha Two", "Husum");
        let again: Vec<_> = again.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let (next, _) = submit(&admin, "edit_plant", &again).await;
        assert_eq!((next, plant(&owner, alpha).await["name"].clone()), (format!("/plants/{alpha}"), json!("Alpha Two")));

        let device = staffed.devices[0].as_str();
        let device_fields = |version, name, host| [("id", device), ("version", version), ("name", name), ("kind", "inverter"), ("host", host)];
        accepted(&owner, "edit_device", &device_fields("1", "First", "first.nordlicht.example")).await;
        let second = device_fields("1", "Second", "second.nordlicht.example");
        assert_eq!(accepted(&admin, "edit_device", &second).await, format!("/devices/{device}/edit"));
        let (_, shown) = submit(&admin, "edit_device", &second).await;
        assert_eq!((value_of(&shown, "name"), value_of(&shown, "version")), ("Second".into(), "2".into()));
        assert!(words(&shown).contains("Saved is: First, inverter, first.nordlicht.example."), "{shown}");
        accepted(&admin, "edit_device", &device_fields("2", "Second", "second.nordlicht.example")).await;
        assert_eq!(owner.json(&format!("/api/v1/devices/{device}")).await["name"], "Second");
    }
);

both!(
    /// Moving a plant shows whose access changes first, and takes recent authentication.
    moving_shows_whose_access_changes, |app| {
        let staffed = Staffed::create(&app).await;
        let (alpha, south) = (staffed.alpha(), staffed.south.as_str());
        let owner = app.sign_in("owner").await;
        for name in ["nora", "sven"] {
            app.add_user(name).await;
        }
        grant(&owner, json!({ "user": "nora", "role": "viewer", "portfolio": staffed.world.portfolio })).await;
        grant(&owner, json!({ "user": "sven", "role": "technician", "portfolio": south })).await;
        let path = format!("/plants/{alpha}/move");
        assert!(words(&page(&owner, &path).await).contains("South"));
        let shown = words(&page(&owner, &format!("{path}?to={south}")).await);
        assert!(shown.contains("To South") && shown.contains("nora is no longer viewer here") && shown.contains("sven becomes technician here"), "{shown}");
        assert!(!shown.contains("operator"), "a grant on the organization stays: {shown}");
        let all = words(&page(&owner, &format!("/portfolios/{}/move?to={south}", staffed.world.portfolio)).await);
        assert!(all.contains("nora is no longer viewer of these plants") && all.contains("sven becomes technician of these plants"), "{all}");
        let nora = app.sign_in("nora").await;
        assert_eq!(plant(&nora, alpha).await["name"], "Alpha");
        app.advance(Duration::minutes(11));
        let fields = [("id", alpha), ("to", south)];
        let expected = format!("/confirm?next=%2Fplants%2F{alpha}%2Fmove%3Fto%3D{south}");
        assert_eq!(accepted(&owner, "move_plant", &fields).await, expected);
        assert_eq!(location(&owner.browser(Method::POST, "/api/ui/move_plant").form(&fields).send().await.unwrap()), expected);
        let owner = app.sign_in("owner").await;
        let (next, shown) = submit(&owner, "move_plant", &fields).await;
        assert_eq!(next, format!("/plants/{alpha}"));
        assert!(words(&shown).contains("Alpha was moved."));
        assert_eq!(plant(&owner, alpha).await["portfolio"], south);
        assert_eq!(nora.get(&format!("/api/v1/plants/{alpha}")).await.status(), StatusCode::NOT_FOUND);
        assert_eq!(plant(&app.sign_in("sven").await, alpha).await["your_roles"], json!(["technician"]));
        let (status, field) = refused(&owner, "move_plant", &[("id", alpha), ("to", &staffed.grant)]).await;
        assert_eq!((status, field.as_str()), (StatusCode::UNPROCESSABLE_ENTITY, "portfolio"));
    }
);

both!(
    /// A deletion says what goes with it, and asks for the name. Another name deletes nothing.
    deletions_ask_for_the_name, |app| {
        let staffed = Staffed::create(&app).await;
        let (owner, platform) = (app.sign_in("owner").await, app.sign_in("platform").await);
        let (id, organization) = (staffed.world.id.as_str(), staffed.page());
        let (alpha, beta, device) = (staffed.alpha(), staffed.world.plants[1].as_str(), staffed.devices[0].as_str());
        let portfolio = staffed.world.portfolio.as_str();
        let of_portfolio = format!("{organization}?delete={portfolio}");
        let before = staffed.everything(&owner).await;
        let cases = [
            (&owner, "delete_device", format!("/devices/{device}/edit?confirm=delete"), vec![("id", device)], "It can no longer be opened here."),
            (&owner, "delete_plant", format!("/plants/{alpha}/edit?confirm=delete"), vec![("id", alpha)], "2 devices and 4 grants go with it."),
            (&owner, "delete_portfolio", of_portfolio.clone(), vec![("id", portfolio), ("organization", id)], "2 plants, 2 devices and 4 grants go with it."),
            (&platform, "delete_organization", format!("{organization}?confirm=delete"), vec![("id", id)], "2 portfolios, 3 plants, 2 devices and 5 grants go with it."),
        ];
        for (client, function, dialog, fields, sentence) in &cases {
            let shown = page(client, dialog).await;
            assert!(shown.contains("<dialog") && words(&shown).contains(sentence), "{function}: {}", words(&shown));
            for wrong in ["", "Alph", "Alpha x", "inverter 1"] {
                let fields: Vec<_> = fields.iter().copied().chain([("confirmed", wrong)]).collect();
                assert_eq!(refused(client, function, &fields).await, (StatusCode::UNPROCESSABLE_ENTITY, "confirmed".to_owned()), "{function} {wrong}");
            }
            let fields: Vec<_> = fields.iter().copied().chain([("confirmed", "another")]).collect();
            let (path, shown) = submit(client, function, &fields).await;
            assert_eq!(path, *dialog);
            assert!(shown.contains("<dialog") && shows_failure(&shown, "This is not the name."), "{function}: {shown}");
        }
        assert_eq!(staffed.everything(&owner).await, before);
        // Whoever sees no dialog still reads why the form was refused.
        let (_, shown) = submit(&app.sign_in("operator").await, "delete_plant", &[("id", alpha), ("confirmed", "Alpha")]).await;
        assert!(!shown.contains("<dialog") && shows_failure(&shown, "Your role does not allow this."), "{shown}");

        assert_eq!(accepted(&owner, "delete_device", &[("id", device), ("confirmed", " INVERTER")]).await, format!("/plants/{alpha}"));
        assert_eq!(owner.get(&format!("/api/v1/devices/{device}")).await.status(), StatusCode::NOT_FOUND);
        assert_eq!(accepted(&owner, "delete_plant", &[("id", alpha), ("confirmed", "Alpha")]).await, "/plants");
        assert_eq!(owner.get(&format!("/api/v1/plants/{alpha}")).await.status(), StatusCode::NOT_FOUND);
        assert_eq!(plant(&owner, beta).await["name"], "Beta");
        let merge = format!("/portfolios/{portfolio}/move");
        let dialog = page(&owner, &of_portfolio).await;
        assert!(dialog.contains(&merge), "the dialog leads to the page that keeps the plants: {dialog}");
        let shown = words(&page(&owner, &format!("{merge}?to={}", staffed.south)).await);
        assert!(shown.contains("To South") && shown.contains("Nobody's access changes."), "{shown}");
        assert_eq!(accepted(&owner, "merge_portfolio", &[("id", portfolio), ("to", &staffed.south)]).await, organization);
        assert_eq!(plant(&owner, beta).await["portfolio"], staffed.south);
        assert_eq!(owner.get(&format!("/api/v1/portfolios/{portfolio}")).await.status(), StatusCode::NOT_FOUND);
        assert_eq!(accepted(&platform, "delete_organization", &[("id", id), ("confirmed", "Nordlicht")]).await, "/plants");
        assert_eq!(owner.get(&format!("/api/v1/plants/{beta}")).await.status(), StatusCode::NOT_FOUND);
    }
);

both!(
    /// A platform administrator adds an organization and assigns its host suffixes; its owner names it and its portfolios.
    organizations_and_portfolios_are_managed, |app| {
        let staffed = Staffed::create(&app).await;
        let (owner, platform) = (app.sign_in("owner").await, app.sign_in("platform").await);
        let new = [("name", "Meseta"), ("owner", "nobody"), ("host_suffixes", "meseta.example\r\nmeseta.test")];
        let (path, shown) = submit(&platform, "create_organization", &new).await;
        assert_eq!((path.as_str(), value_of(&shown, "name"), value_of(&shown, "owner")), ("/organizations/new", "Meseta".into(), "nobody".into()));
        assert!(shows_failure(&shown, "There is no enabled account") && shown.contains("meseta.example\r\nmeseta.test</textarea>"), "{shown}");
        let path = accepted(&platform, "create_organization", &[("name", "Meseta"), ("owner", "stranger"), ("host_suffixes", "meseta.example, meseta.test")]).await;
        let added = app.sign_in("stranger").await.json(&format!("/api/v1{path}")).await;
        assert_eq!((&added["your_role"], &added["host_suffixes"]), (&json!("owner"), &json!(["meseta.example", "meseta.test"])));

        let (id, organization) = (staffed.world.id.as_str(), staffed.page());
        let settings = ("id", id);
        let (_, shown) = submit(&platform, "assign_host_suffixes", &[settings, ("host_suffixes", "meseta.example")]).await;
        assert!(shows_failure(&shown, "overlaps with meseta.example") && shown.contains("meseta.example</textarea>"), "{shown}");
        accepted(&platform, "assign_host_suffixes", &[settings, ("host_suffixes", "nordlicht.example new.example")]).await;
        assert_eq!(accepted(&owner, "rename_organization", &[settings, ("name", "Südlicht")]).await, organization);
        let renamed = owner.json(&format!("/api/v1{organization}")).await;
        assert_eq!((&renamed["name"], &renamed["host_suffixes"]), (&json!("Südlicht"), &json!(["new.example", "nordlicht.example"])));

        let (path, shown) = submit(&owner, "create_portfolio", &[("organization", id), ("portfolio_name", "NORTH")]).await;
        assert_eq!((path, value_of(&shown, "portfolio_name")), (organization.clone(), "NORTH".into()));
        assert!(shows_failure(&shown, "There is a portfolio with this name"), "{shown}");
        accepted(&owner, "create_portfolio", &[("organization", id), ("portfolio_name", "East")]).await;
        let rename = |name| [("id", staffed.south.as_str()), ("organization", id), ("name", name)];
        let (path, shown) = submit(&owner, "rename_portfolio", &rename("East")).await;
        assert_eq!(path, format!("{organization}?rename={}", staffed.south));
        let dialog = &shown[shown.find("<dialog").unwrap()..];
        assert!(shows_failure(dialog, "There is a portfolio with this name") && value_of(dialog, "name") == "East", "{dialog}");
        let (path, shown) = submit(&owner, "rename_portfolio", &rename("West")).await;
        assert!(path == organization && words(&shown).contains("The portfolio is now called West."), "{shown}");
        let portfolios = owner.json(&format!("/api/v1/portfolios?organization={id}")).await;
        let names: Vec<_> = portfolios["portfolios"].as_array().unwrap().iter().map(|portfolio| text(&portfolio["name"])).collect();
        assert_eq!(names, ["East", "North", "West"]);
    }
);

both!(
    /// AUT-7: after a while, a form asks for the password first and leads back with what was typed. Nothing is done until then.
    stale_authentication_leads_back_with_what_was_typed, |app| {
        let staffed = Staffed::create(&app).await;
        let (owner, platform) = (app.sign_in("owner").await, app.sign_in("platform").await);
        let (before, looked_up) = (staffed.everything(&owner).await, app.count_events("person.looked_up", "success").await);
        app.advance(Duration::minutes(11));
        let (id, organization, at) = (staffed.world.id.as_str(), staffed.page(), format!("plant:{}", staffed.alpha()));
        let (stranger, vendor) = (id_of(&app, "stranger").await.to_string(), staffed.vendor.as_str());
        let reason = format!("{}{}", "Because of a reason that says a lot & needs 500 characters. ".repeat(4), "☀".repeat(500 - 240));
        let longest = "🌞".repeat(500);
        let grant = [("at", at.as_str()), ("user", "stranger"), ("role", "technician"), ("until", "7d"), ("reason", reason.as_str())];
        // The form, its fields, the page it leads back to, and what is on that page again.
        let cases = [
            (&owner, "grant_access", grant.to_vec(), "/grants/new?", vec![reason.replace('&', "&amp;"), "value=\"technician\" required checked".to_owned()]),
            (&owner, "extend_grant", vec![("id", &staffed.grant), ("until", "1d"), ("reason", &longest)], "/grants/", vec![format!("{longest}</textarea>"), "value=\"1d\" required checked".to_owned()]),
            (&owner, "set_member", vec![("organization", id), ("user", "stranger"), ("role", "administrator")], &organization, vec!["value=\"stranger\"".to_owned(), "value=\"administrator\" selected".to_owned()]),
            (&owner, "remove_member", vec![("organization", id), ("user", &stranger)], &organization, vec![]),
            (&owner, "end_vendor_access", vec![("organization", id), ("vendor", vendor)], &organization, vec!["<h2 id=\"end-vendor\">".to_owned()]),
            (&owner, "end_grant", vec![("id", &staffed.grant), ("next", "/plants")], "/plants?end=", vec![]),
            (&owner, "rename_organization", vec![("id", id), ("name", "Typed name")], &organization, vec!["value=\"Typed name\"".to_owned()]),
            (&platform, "assign_host_suffixes", vec![("id", id), ("host_suffixes", "typed.example")], &organization, vec!["typed.example</textarea>".to_owned()]),
            (&platform, "create_organization", vec![("name", "Typed name"), ("owner", "stranger")], "/organizations/new?", vec!["value=\"Typed name\"".to_owned(), "value=\"stranger\"".to_owned()]),
        ];
        for (client, function, fields, page_path, shows) in &cases {
            let next = accepted(client, function, fields).await;
            assert_eq!(location(&client.browser(Method::POST, &format!("/api/ui/{function}")).form(fields).send().await.unwrap()), next, "{function}");
            assert!(value_of(&page(client, &next).await, "next").starts_with('/'), "{function}: an address of this length is accepted");
            let query = next.strip_prefix("/confirm?").unwrap_or_else(|| panic!("{function}: {next}"));
            let back = serde_urlencoded::from_str::<Vec<(String, String)>>(query).unwrap().remove(0).1;
            assert!(back.starts_with(page_path), "{function}: {back}");
            let recent = app.sign_in(if *function == "assign_host_suffixes" || *function == "create_organization" { "platform" } else { "owner" }).await;
            let shown = page(&recent, &back).await;
            for expected in shows {
                assert!(shown.contains(expected.as_str()), "{function}: {expected} in {shown}");
            }
        }
        assert_eq!(staffed.everything(&owner).await, before);
        // The pages that show people ask first too, and look nobody up.
        for path in [format!("/grants/new?at={at}&person=platform"), format!("/plants/{}?grant=new&person=platform", staffed.alpha()), format!("/grants/{}", staffed.grant)] {
            let answer = owner.browser(Method::GET, &path).send().await.unwrap();
            assert!(location(&answer).starts_with("/confirm?next="), "{path}");
            assert_eq!(answer.status(), StatusCode::FOUND, "{path}");
        }
        assert_eq!(app.count_events("person.looked_up", "success").await, looked_up);
    }
);

both!(
    /// People of the organization are found by part of a name; others by exact username, on record; an unknown address is invited.
    the_person_of_a_grant_is_found, |app| {
        let staffed = Staffed::create(&app).await;
        let owner = app.sign_in("owner").await;
        let at = format!("plant:{}", staffed.alpha());
        let looked_up = async || app.count_events("person.looked_up", "success").await;
        let before = looked_up().await;
        for page_path in [format!("/grants/new?at={at}"), format!("/plants/{}?grant=new", staffed.alpha())] {
            let find = async |text: &str| page(&owner, &format!("{page_path}&person={text}")).await;
            let found = words(&find("chni").await);
            assert!(found.contains("technician") && !found.contains("Nobody was found"), "{found}");
            assert!(words(&find("trange").await).contains("Nobody was found"), "part of a stranger's name finds nobody");
            assert!(find("stranger@example.com").await.contains("user=stranger"), "the exact address does");
            let unknown = find("new@elsewhere.example").await;
            assert!(words(&unknown).contains("Nobody has an account with this address. Invite new@elsewhere.example"), "{unknown}");
        }
        let looked = looked_up().await;
        assert!(looked > before, "looking a stranger up is on record");
        // Without a search, the form shows nothing about strangers, whoever they are.
        accepted(&app.sign_in("stranger").await, "update_profile", &[("name", "Sigrid Stranger"), ("username", "stranger"), ("time_zone", "UTC")]).await;
        accepted(&app.sign_in("viewer").await, "update_profile", &[("name", "Vera Viewer"), ("username", "viewer"), ("time_zone", "UTC")]).await;
        let (stranger, viewer) = (id_of(&app, "stranger").await.to_string(), id_of(&app, "viewer").await.to_string());
        for (user, picks, name) in [(&*stranger, false, None), ("stranger", true, None), ("nobody", true, None), (&viewer, true, Some("Vera Viewer"))] {
            let shown = page(&owner, &format!("/grants/new?at={at}&user={user}")).await;
            assert_eq!((shown.contains("name=\"reason\""), shown.contains("Sigrid"), shown.contains("Vera")), (picks, false, name.is_some()), "{user}");
            let preview: String = owner.post_form("preview_grant", &[("at", &at), ("user", user), ("role", "viewer")]).await.json().await.unwrap();
            assert_eq!((preview.contains("Sigrid"), preview.contains("Vera")), (false, name.is_some()), "{user}");
        }
        assert_eq!(looked_up().await, looked);
        let invite = [("at", at.as_str()), ("user", "new@elsewhere.example"), ("role", "viewer"), ("until", "7d"), ("reason", "Inspection")];
        let shown = page(&owner, &format!("/grants/new?at={at}&user=new@elsewhere.example")).await;
        assert!(words(&shown).contains("Will be invited if there is no account with this address"));
        let (path, shown) = submit(&owner, "grant_access", &invite).await;
        assert_eq!(path, format!("/plants/{}", staffed.alpha()));
        assert!(words(&shown).contains("An invitation is on its way to new@elsewhere.example."), "{shown}");
        assert!(app.smtp.next_for("new@elsewhere.example").await.text.contains("/register?token="));
    }
);

both!(
    /// The form grants what it says, in the dialog of a plant and on a page of its own. Names are text, never markup.
    access_is_granted_with_the_form, |app| {
        let staffed = Staffed::create(&app).await;
        let owner = app.sign_in("owner").await;
        let user = id_of(&app, "stranger").await.to_string();
        let stranger = app.sign_in("stranger").await;
        grant(&owner, json!({ "user": "stranger", "role": "viewer", "plant": staffed.world.other_plant })).await;
        accepted(&stranger, "update_profile", &[("name", "<img src=x> Ärger"), ("username", "stranger"), ("time_zone", "UTC")]).await;
        let at = format!("plant:{}", staffed.alpha());
        let preview = async |fields: &[(&str, &str)]| -> String {
            let fields: Vec<_> = [("at", at.as_str()), ("user", &user)].iter().chain(fields).copied().collect();
            let answer = owner.post_form("preview_grant", &fields).await;
            assert_eq!(answer.status(), StatusCode::OK);
            answer.json().await.unwrap()
        };
        assert!(preview(&[]).await.contains("Choose a role to see what it means."));
        let shown = preview(&[("role", "technician"), ("until", "7d")]).await;
        assert!(shown.contains("&lt;img") && !shown.contains("<img"), "{shown}");
        let shown = words(&format!("<main>{shown}</main>"));
        assert!(shown.contains("2 devices of 1 plant as technician, until 8 June") && shown.contains("Not included: to manage plants and to read their log."), "{shown}");
        let wide = preview(&[("role", "viewer"), ("scope", &format!("organization:{}", staffed.world.id)), ("until", "none")]).await;
        assert!(words(&format!("<main>{wide}</main>")).contains("3 plants as viewer, with no end"), "{wide}");
        let query = format!("user={user}&role=technician&until=7d");
        for path in [format!("/grants/new?at={at}&{query}"), format!("/plants/{}?grant=new&{query}&review=yes", staffed.alpha())] {
            let shown = page(&owner, &path).await;
            assert!(!shown.contains("<img src=x>") && words(&shown).contains("2 devices of 1 plant as technician, until 8 June"), "{path}");
        }

        let terms = |role, until, reason| [("at", at.as_str()), ("dialog", "yes"), ("user", user.as_str()), ("role", role), ("until", until), ("reason", reason)];
        for (fields, field) in [(terms("", "7d", "Work"), "role"), (terms("viewer", "day", "Work"), "day"), (terms("viewer", "7d", " "), "reason"), (terms("viewer", "9999d", "Work"), "until")] {
            assert_eq!(refused(&owner, "grant_access", &fields).await, (StatusCode::UNPROCESSABLE_ENTITY, field.to_owned()));
        }
        let past: Vec<_> = terms("viewer", "day", "Work").into_iter().chain([("day", "2020-01-01")]).collect();
        assert_eq!(refused(&owner, "grant_access", &past).await, (StatusCode::UNPROCESSABLE_ENTITY, "day".to_owned()));
        let unknown = format!("plant:{}", staffed.world.id);
        let elsewhere: Vec<_> = terms("viewer", "7d", "Work").into_iter().chain([("scope", unknown.as_str())]).collect();
        assert_eq!(refused(&owner, "grant_access", &elsewhere).await, (StatusCode::UNPROCESSABLE_ENTITY, "scope".to_owned()));
        let (path, shown) = submit(&owner, "grant_access", &terms("technician", "day", "Repairs & <more>")).await;
        assert!(path.starts_with(&format!("/plants/{}?grant=new&", staffed.alpha())), "{path}");
        assert!(shows_failure(&shown, "Choose the last day of the access.") && shown.contains("Repairs &amp; &lt;more&gt;</textarea>"), "{shown}");
        assert!(shown.contains("value=\"technician\" required checked") && shown.contains("<dialog"), "{shown}");
        let (path, shown) = submit(&owner, "grant_access", &terms("technician", "7d", "Repairs")).await;
        assert_eq!(path, format!("/plants/{}", staffed.alpha()));
        assert!(words(&shown).contains("&lt;img src=x&gt; Ärger is now technician by Alpha.") && !shown.contains("<img src=x>"), "{shown}");
        assert_eq!(plant(&stranger, staffed.alpha()).await["your_roles"], json!(["technician"]));
        let (status, field) = refused(&owner, "grant_access", &terms("technician", "7d", "Again")).await;
        assert_eq!((status, field.as_str()), (StatusCode::UNPROCESSABLE_ENTITY, "role"));
    }
);

both!(
    /// A vendor's access must end. All of it is ended at once, and nobody else's.
    vendors_have_an_end, |app| {
        let staffed = Staffed::create(&app).await;
        let (owner, vendor) = (app.sign_in("owner").await, app.sign_in("vendor").await);
        app.add_user("mechanic").await;
        let user = id_of(&app, "mechanic").await.to_string();
        let at = format!("organization:{}", staffed.world.id);
        let fields = |name, until| [("at", at.as_str()), ("user", user.as_str()), ("is_vendor", "yes"), ("vendor", name), ("role", "technician"), ("until", until), ("reason", "Work")];
        assert_eq!(refused(&owner, "grant_access", &fields("", "7d")).await, (StatusCode::UNPROCESSABLE_ENTITY, "vendor".to_owned()));
        // "No end" stands for the usual end, because it cannot be chosen for a vendor.
        accepted(&owner, "grant_access", &fields("Windserv", "none")).await;
        let grants = owner.json("/api/v1/grants").await["grants"].clone();
        let granted = grants.as_array().unwrap().iter().find(|grant| grant["user"]["username"] == "mechanic").unwrap().clone();
        assert_eq!((text(&granted["vendor"]), end_of(&granted)), ("Windserv".to_owned(), (app.now() + Duration::days(30)).trunc_subsecs(0)));
        let extend = [("id", granted["id"].as_str().unwrap()), ("until", "none"), ("reason", "No end")];
        let extended = refused(&owner, "extend_grant", &extend).await;
        assert_eq!(extended, (StatusCode::UNPROCESSABLE_ENTITY, "until".to_owned()));

        let organization = staffed.page();
        let dialog = format!("{organization}?end={}", staffed.vendor);
        let shown = words(&page(&owner, &dialog).await);
        assert!(shown.contains("End all access of Helioserv?") && shown.contains("vendor loses access to 1 plant"), "{shown}");
        let end = [("organization", staffed.world.id.as_str()), ("vendor", &staffed.vendor)];
        let (path, shown) = submit(&owner, "end_vendor_access", &end).await;
        assert_eq!(path, organization);
        assert!(words(&shown).contains("1 grant ended. The vendor reaches nothing here any longer."), "{shown}");
        assert_eq!(vendor.get(&format!("/api/v1/plants/{}", staffed.alpha())).await.status(), StatusCode::NOT_FOUND);
        assert_eq!(plant(&app.sign_in("mechanic").await, staffed.alpha()).await["name"], "Alpha");
        let person = id_of(&app, "vendor").await.to_string();
        let remove: Vec<_> = end.into_iter().chain([("user", person.as_str())]).collect();
        assert_eq!(accepted(&owner, "remove_vendor_person", &remove).await, organization);
        let (_, shown) = submit(&owner, "remove_vendor_person", &remove).await;
        assert!(shows_failure(&shown, "Not found."), "{shown}");
        let shown = words(&page(&owner, &organization).await);
        assert!(shown.contains("Windserv Reaches 3 plants") && !shown.contains("Helioserv Reaches 1"), "{shown}");
    }
);

fn end_of(grant: &Value) -> DateTime<chrono::Utc> {
    text(&grant["expires_at"]).parse().unwrap()
}

both!(
    /// A grant is extended with a reason, and ended in a dialog. One that has ended already is no failure.
    grants_are_extended_and_ended, |app| {
        let staffed = Staffed::create(&app).await;
        let (owner, viewer, technician) = (app.sign_in("owner").await, app.sign_in("viewer").await, app.sign_in("technician").await);
        let (alpha, id) = (format!("/plants/{}", staffed.alpha()), staffed.grant.as_str());
        let path = format!("/grants/{id}");
        assert!(words(&page(&owner, &path).await).contains("Viewer by Alpha: has no end."));
        let extend = |until, day, reason| [("id", id), ("until", until), ("day", day), ("reason", reason)];
        let (next, shown) = submit(&owner, "extend_grant", &extend("day", "yesterday", "Season <1>")).await;
        assert_eq!((next, value_of(&shown, "day")), (path.clone(), "yesterday".into()));
        assert!(shows_failure(&shown, "Choose the last day") && shown.contains("Season &lt;1&gt;</textarea>"), "{shown}");
        let (next, shown) = submit(&owner, "extend_grant", &extend("day", "2026-08-31", "Season")).await;
        assert_eq!(next, alpha);
        assert!(words(&shown).contains("The access of viewer has a new end."), "{shown}");
        let extended = owner.json(&format!("/api/v1/grants/{id}")).await;
        assert_eq!((end_of(&extended).to_rfc3339(), text(&extended["reason"])), ("2026-09-01T00:00:00+00:00".to_owned(), "Season".to_owned()));

        let shown = words(&page(&owner, &format!("{alpha}?end={id}")).await);
        assert!(shown.contains("End the access of viewer?") && shown.contains("Extend instead"), "{shown}");
        assert!(!page(&technician, &format!("{alpha}?end={id}")).await.contains("<dialog"));
        let end = [("id", id), ("next", alpha.as_str())];
        let (next, shown) = submit(&owner, "end_grant", &end).await;
        assert_eq!(next, alpha);
        assert!(words(&shown).contains("viewer is no longer viewer by Alpha."), "{shown}");
        assert_eq!(viewer.get(&format!("/api/v1{alpha}")).await.status(), StatusCode::NOT_FOUND);
        assert_eq!(plant(&technician, staffed.alpha()).await["your_roles"], json!(["technician"]));
        let (_, shown) = submit(&owner, "end_grant", &end).await;
        assert!(words(&shown).contains("This access had ended already."), "{shown}");
        assert_eq!(accepted(&owner, "end_grant", &[("id", id), ("next", "//elsewhere.example")]).await, "/profile?tab=security");
        assert_eq!(refused(&owner, "extend_grant", &extend("7d", "", "Late")).await.0, StatusCode::NOT_FOUND);
    }
);

both!(
    /// AUT-3, AUT-6: roles are given and taken with the forms. Whoever is removed loses their grants too.
    members_are_managed, |app| {
        let staffed = Staffed::create(&app).await;
        let (owner, admin, member) = (app.sign_in("owner").await, app.sign_in("admin").await, app.sign_in("member").await);
        let (id, organization) = (staffed.world.id.as_str(), staffed.page());
        let [own, admins, members] = [id_of(&app, "owner").await, id_of(&app, "admin").await, id_of(&app, "member").await].map(|id| id.to_string());
        let set = |user, role| [("organization", id), ("user", user), ("role", role)];
        let (path, shown) = submit(&owner, "set_member", &set("nobody", "administrator")).await;
        assert_eq!((path, value_of(&shown, "user")), (organization.clone(), "nobody".into()));
        assert!(shows_failure(&shown, "There is no user") && shown.contains("value=\"administrator\" selected"), "{shown}");
        let (_, shown) = submit(&owner, "set_member", &set("stranger", "administrator")).await;
        assert!(words(&shown).contains("stranger is now an administrator of the organization."), "{shown}");
        assert_eq!(app.sign_in("stranger").await.json(&format!("/api/v1{organization}")).await["your_role"], "administrator");
        for (client, fields, status) in [
            (&admin, set(&admins, "owner"), StatusCode::FORBIDDEN),
            (&admin, set(&own, "member"), StatusCode::FORBIDDEN),
            (&owner, set(&own, "member"), StatusCode::CONFLICT),
            (&owner, set("vendor", "member"), StatusCode::UNPROCESSABLE_ENTITY),
            (&owner, set("stranger", "king"), StatusCode::UNPROCESSABLE_ENTITY),
        ] {
            assert_eq!(refused(client, "set_member", &fields).await.0, status, "{fields:?}");
        }
        let shown = page(&owner, &format!("{organization}?role={members}")).await;
        assert!(words(&shown).contains("Change the role of member") && shown.contains("value=\"member\" selected"), "{shown}");

        grant(&owner, json!({ "user": "member", "role": "viewer", "organization": id })).await;
        assert!(words(&page(&owner, &format!("{organization}/people/{members}")).await).contains("Viewer by Nordlicht 3 plants, 2 devices"));
        let dialog = format!("{organization}?remove={members}");
        assert!(words(&page(&owner, &dialog).await).contains("Remove member from this organization?"));
        assert!(words(&page(&admin, &format!("{organization}?remove={admins}")).await).contains("Leave this organization?"));
        let remove = [("organization", id), ("user", members.as_str())];
        let (path, shown) = submit(&owner, "remove_member", &remove).await;
        assert_eq!(path, organization);
        assert!(words(&shown).contains("The person was removed, and 1 grant ended."), "{shown}");
        assert_eq!(member.get(&format!("/api/v1{organization}")).await.status(), StatusCode::NOT_FOUND);
        // There is no dialog about somebody who is gone, but the page says so.
        let (path, shown) = submit(&owner, "remove_member", &remove).await;
        assert_eq!(path, dialog);
        assert!(!shown.contains("<dialog") && shows_failure(&shown, "Not found."), "{shown}");
        assert_eq!(accepted(&admin, "remove_member", &[("organization", id), ("user", &admins)]).await, "/plants");
        let (_, shown) = submit(&owner, "remove_member", &[("organization", id), ("user", &own)]).await;
        assert!(shown.contains("<dialog") && shows_failure(&shown, "This is the last owner"), "{shown}");
    }
);

both!(
    /// An import shows each faulty line and writes nothing; then what it adds; then adds it. A draft is its author's alone.
    plants_are_imported, |app| {
        let staffed = Staffed::create(&app).await;
        let (owner, admin) = (app.sign_in("owner").await, app.sign_in("admin").await);
        let (id, path) = (staffed.world.id.as_str(), format!("{}/import", staffed.page()));
        let preview = async |client: &Client<'_>, text: &str| submit(client, "preview_import", &[("organization", id), ("text", text)]).await;
        let (next, shown) = preview(&owner, " ").await;
        assert!(next == path && shows_failure(&shown, "Paste the content of the file."), "{shown}");
        let before = staffed.everything(&owner).await;
        let header = "portfolio,plant,kind,device,device_kind,host";
        let (next, shown) = preview(&owner, &format!("{header}\nNorth,Delta,nuclear,,,\nNorth,Epsilon,solar,Gate,camera,gate.<b>.example")).await;
        assert!(next.starts_with(&format!("{path}?draft=")), "{next}");
        let told = words(&shown);
        assert!(told.contains("Nothing was imported: 2 things to correct.") && told.contains("Line 2, kind") && told.contains("Line 3, host"), "{told}");
        assert!(shown.contains("gate.&lt;b&gt;.example") && !shown.contains("<b>"), "the text is there again to be corrected");
        let draft = next.split_once("draft=").unwrap().1.to_owned();
        let import = |draft| [("organization", id), ("draft", draft)];
        assert_eq!(refused(&owner, "import_plants", &import(draft.as_str())).await, (StatusCode::UNPROCESSABLE_ENTITY, "draft".to_owned()));
        assert_eq!(staffed.everything(&owner).await, before);

        let (next, shown) = preview(&owner, &format!("{header}\nEast,Delta,wind,Gate,camera,gate.nordlicht.example\nNorth,Epsilon,solar,,,")).await;
        assert!(words(&shown).contains("The file adds 1 portfolio, 2 plants, 1 device. Every line is right. Delta East"), "{}", words(&shown));
        assert_eq!(refused(&owner, "import_plants", &import(draft.as_str())).await.0, StatusCode::GONE, "only the newest draft is kept");
        let draft = next.split_once("draft=").unwrap().1.to_owned();
        assert_eq!(refused(&admin, "import_plants", &import(draft.as_str())).await.0, StatusCode::GONE);
        let shown = page(&admin, &next).await;
        assert!(!shown.contains("Delta") && shows_failure(&shown, "What you pasted is no longer here"), "the draft of another person is not shown");
        assert!(!page(&admin, &path).await.contains("What you pasted"));
        assert_eq!(staffed.everything(&owner).await, before);
        let (next, shown) = submit(&owner, "import_plants", &import(draft.as_str())).await;
        assert!(next == staffed.page() && words(&shown).contains("2 plants and 1 device were added."), "{next}");
        let plants = owner.json("/api/v1/plants").await;
        let names: Vec<_> = plants["plants"].as_array().unwrap().iter().map(|plant| text(&plant["name"])).collect();
        assert!(names.contains(&"Delta".to_owned()) && names.contains(&"Epsilon".to_owned()) && names.len() == 5, "{names:?}");
        assert_eq!(refused(&owner, "import_plants", &import(draft.as_str())).await.0, StatusCode::GONE, "it works once");
    }
);
