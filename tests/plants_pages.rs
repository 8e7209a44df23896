//! The pages about plants over HTTP: the list with its groups, search and pages; a plant with its devices and the people who can reach it;
//! and who sees which names and buttons.

use std::collections::BTreeSet;

use crate::support::{Client, TestApp};
use chrono::{DateTime, Duration, Utc};
use reqwest::{Method, StatusCode};
use whereabouts::{
    execute,
    foundation::ids::{DeviceId, GrantId, OrganizationId, PlantId, PortfolioId, UserId, VendorId},
    permissions::model::{OrganizationRole, Role},
    plants::{
        model::normalize_name,
        visible::{Filter, Position, list_plants},
    },
};

/// Adds things to the database of an app.
struct Setup<'a>(&'a TestApp);

/// A portfolio and its organization.
#[derive(Clone)]
struct Place {
    organization: OrganizationId,
    portfolio: PortfolioId,
}

/// Where a grant applies.
enum At<'a> {
    Organization(&'a Place),
    Portfolio(&'a Place),
    Plant(&'a Place, &'a PlantId),
}

impl Setup<'_> {
    async fn user(&self, name: &str) -> UserId {
        whereabouts::accounts::actions::find(&self.0.services.db, name).await.unwrap().account.id
    }

    async fn organization(&self, name: &str) -> OrganizationId {
        let id = OrganizationId::new(self.0.now());
        let mut tx = self.0.services.db.write().await.unwrap();
        let sql = "INSERT INTO organizations (id, name, normalized_name, created_at) VALUES ($1, $2, $3, $4)";
        execute!(&mut tx, sql, &id, name, normalize_name(name), self.0.now()).unwrap();
        tx.commit().await.unwrap();
        id
    }

    async fn portfolio(&self, organization: &OrganizationId, name: &str) -> Place {
        let id = PortfolioId::new(self.0.now());
        let mut tx = self.0.services.db.write().await.unwrap();
        let sql = "INSERT INTO portfolios (id, organization_id, name, normalized_name, created_at) VALUES ($1, $2, $3, $4, $5)";
        execute!(&mut tx, sql, &id, organization, name, normalize_name(name), self.0.now()).unwrap();
        tx.commit().await.unwrap();
        Place { organization: organization.clone(), portfolio: id }
    }

    /// Adds an organization with one portfolio.
    async fn place(&self, organization: &str, portfolio: &str) -> Place {
        self.portfolio(&self.organization(organization).await, portfolio).await
    }

    /// Adds a plant of 1.5 MW.
    async fn plant(&self, at: &Place, name: &str, kind: &str, town: &str) -> PlantId {
        let id = PlantId::new(self.0.now());
        let mut tx = self.0.services.db.write().await.unwrap();
        let sql =
            "INSERT INTO plants (id, portfolio_id, organization_id, name, normalized_name, kind, place, normalized_place, country_code,
                       latitude, longitude, capacity_kw, time_zone, version, created_at)
                   VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 'DE', 54.63, 9.37, 1500.0, 'Asia/Kolkata', 1, $9)";
        let (portfolio, organization, town) = (&at.portfolio, &at.organization, Some(town).filter(|town| !town.is_empty()));
        execute!(
            &mut tx,
            sql,
            &id,
            portfolio,
            organization,
            name,
            normalize_name(name),
            kind,
            town,
            town.map(normalize_name),
            self.0.now()
        )
        .unwrap();
        tx.commit().await.unwrap();
        id
    }

    async fn device(&self, at: &Place, plant: &PlantId, name: &str, host: &str) {
        let mut tx = self.0.services.db.write().await.unwrap();
        let sql =
            "INSERT INTO devices (id, plant_id, portfolio_id, organization_id, name, normalized_name, kind, host, upgrades, version, created_at)
             VALUES ($1, $2, $3, $4, $5, $6, 'inverter', $7, FALSE, 1, $8)";
        let id = DeviceId::new(self.0.now());
        execute!(&mut tx, sql, &id, plant, &at.portfolio, &at.organization, name, normalize_name(name), host, self.0.now()).unwrap();
        tx.commit().await.unwrap();
    }

    async fn member(&self, name: &str, organization: &OrganizationId, role: OrganizationRole) {
        let user = self.user(name).await;
        let mut tx = self.0.services.db.write().await.unwrap();
        whereabouts::permissions::store::set_membership(&mut tx, &user, organization, role, self.0.now()).await.unwrap();
        tx.commit().await.unwrap();
    }

    async fn vendor(&self, name: &str, organization: &OrganizationId, person: &str) {
        let (id, user) = (VendorId::new(self.0.now()), self.user(person).await);
        let mut tx = self.0.services.db.write().await.unwrap();
        let sql = "INSERT INTO vendors (id, organization_id, name, name_skeleton, created_at) VALUES ($1, $2, $3, $4, $5)";
        execute!(&mut tx, sql, &id, organization, name, name, self.0.now()).unwrap();
        let sql = "INSERT INTO vendor_people (user_id, organization_id, vendor_id) VALUES ($1, $2, $3)";
        execute!(&mut tx, sql, &user, organization, &id).unwrap();
        tx.commit().await.unwrap();
    }

    /// Grants a role from now on. `by`: the granter, or the command line.
    async fn grant(&self, name: &str, role: Role, at: At<'_>, by: Option<&str>, expires_at: Option<DateTime<Utc>>) {
        let (organization, portfolio, plant) = match at {
            At::Organization(place) => (&place.organization, None, None),
            At::Portfolio(place) => (&place.organization, Some(&place.portfolio), None),
            At::Plant(place, plant) => (&place.organization, None, Some(plant)),
        };
        let granted_by = match by {
            Some(by) => Some(self.user(by).await),
            None => None,
        };
        let (id, user) = (GrantId::new(self.0.now()), self.user(name).await);
        let mut tx = self.0.services.db.write().await.unwrap();
        let sql =
            "INSERT INTO grants (id, user_id, role, organization_id, portfolio_id, plant_id, granted_by, granted_at, expires_at, reason)
                   VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 'Maintenance')";
        execute!(&mut tx, sql, &id, &user, role, organization, portfolio, plant, &granted_by, self.0.now(), expires_at).unwrap();
        tx.commit().await.unwrap();
    }
}

/// Returns the text of a page, with its status.
async fn open(client: &Client<'_>, path: &str) -> (StatusCode, String) {
    let answer = client.browser(Method::GET, path).send().await.unwrap();
    (answer.status(), answer.text().await.unwrap())
}

async fn page(client: &Client<'_>, path: &str) -> String {
    let (status, text) = open(client, path).await;
    assert_eq!(status, StatusCode::OK, "{path}");
    text
}

/// Returns the visible text of a page's main part: without tags, and with single spaces.
fn words(page: &str) -> String {
    let main = &page[page.find("<main").unwrap()..page.find("</main>").unwrap()];
    let mut text = String::new();
    let mut is_tag = false;
    for letter in main.chars() {
        match letter {
            '<' => is_tag = true,
            '>' => {
                is_tag = false;
                text.push(' ');
            }
            letter if !is_tag => text.push(letter),
            _ => {}
        }
    }
    text.replace('\u{a0}', " ").split_whitespace().collect::<Vec<_>>().join(" ").replace(" ,", ",").replace(" .", ".")
}

/// Returns the names of the plants that a page lists, in its order.
fn listed(page: &str) -> Vec<String> {
    let rows = page.split("class=\"plant-name\"").skip(1);
    rows.map(|row| words(&format!("<main{}</main>", &row[..row.find("</a>").unwrap()]))).collect()
}

/// Returns the address of the link with these words.
fn link(page: &str, words: &str) -> String {
    let end = page.find(&format!(">{words}</a>")).unwrap_or_else(|| panic!("{words} in {page}"));
    let start = page[..end].rfind("href=\"").unwrap() + 6;
    page[start..start + page[start..].find('"').unwrap()].replace("&amp;", "&")
}

both!(
    /// AUT-1: the list counts, sums and shows the plants that the person sees, and no other, by organization and portfolio.
    plants_are_grouped_by_organization_and_portfolio, |app| {
        for name in ["alice", "bob", "carol"] {
            app.add_user(name).await;
        }
        let setup = Setup(&app);
        let north = setup.place("Nordlicht", "North").await;
        let south = setup.portfolio(&north.organization, "South").await;
        let other = setup.place("Another", "Only").await;
        for number in 1..=6 {
            setup.plant(&north, &format!("Park {number}"), "solar", "Eggebek").await;
        }
        let single = setup.plant(&south, "Single", "wind", "").await;
        setup.plant(&south, "Sibling", "storage", "").await;
        let foreign = setup.plant(&other, "Foreign", "solar", "").await;
        setup.device(&south, &single, "Inverter", "inverter.example").await;
        setup.member("alice", &north.organization, OrganizationRole::Owner).await;
        setup.grant("alice", Role::Auditor, At::Plant(&other, &foreign), None, None).await;
        setup.grant("bob", Role::Technician, At::Plant(&south, &single), None, None).await;

        let alice = page(&app.sign_in("alice").await, "/plants").await;
        let text = words(&alice);
        assert!(text.starts_with("Plants 9 plants in 2 organizations. Add plant"), "{text}");
        assert_eq!(listed(&alice), ["Foreign", "Park 1", "Park 2", "Park 3", "Sibling", "Single"]);
        assert!(text.contains("Another 1 plant, 1 portfolio."), "{text}");
        assert!(text.contains("Nordlicht 8 plants, 2 portfolios. You are an owner. Manage North 6 plants 9 MW"), "{text}");
        assert!(text.contains("Show all 6 plants of North") && text.contains("South 2 plants 3 MW"), "{text}");
        assert!(text.contains("Single Wind, Germany 1.5 MW 1 device Owner"), "{text}");
        assert!(text.contains("Foreign Solar, Germany 1.5 MW 0 devices Auditor"), "{text}");
        let all = page(&app.sign_in("alice").await, &link(&alice, "Show all 6 plants of North")).await;
        assert_eq!(listed(&all), ["Park 1", "Park 2", "Park 3", "Park 4", "Park 5", "Park 6"]);
        assert!(!all.contains(">Next</a>") && !all.contains(">Previous</a>"));

        let bob = page(&app.sign_in("bob").await, "/plants").await;
        assert_eq!(listed(&bob), ["Single"]);
        let text = words(&bob);
        assert!(text.starts_with("Plants 1 plant. Nordlicht South, 1.5 MW Single"), "{text}");
        assert!(text.ends_with("1 device Technician") && !bob.contains("Search plants") && !bob.contains("Sibling"), "{text}");
        let carol = words(&page(&app.sign_in("carol").await, "/plants").await);
        assert_eq!(carol, "Plants No plant is shared with you yet Ask the owner of a plant for access: they can grant it to you by your email, carol@example.com.");
    }
);

both!(
    /// AUT-1: the page lists what `list_plants` lists, whatever grants a person has.
    the_page_and_the_list_agree, |app| {
        app.add_admin("alice").await;
        app.add_user("bob").await;
        let setup = Setup(&app);
        let (mut places, mut plants) = (Vec::new(), Vec::new());
        for number in 0..6 {
            let first = setup.place(&format!("Organization {number}"), "First").await;
            let second = setup.portfolio(&first.organization, "Second").await;
            for place in [&first, &second] {
                for plant in ["Able", "Baker"] {
                    let name = format!("{plant} {number} {}", plants.len());
                    plants.push(setup.plant(place, &name, "solar", "").await);
                }
            }
            places.extend([first, second]);
        }
        let ended = Some(app.now());
        setup.grant("alice", Role::Viewer, At::Organization(&places[0]), None, None).await;
        setup.grant("alice", Role::Operator, At::Portfolio(&places[0]), None, None).await;
        setup.grant("alice", Role::Viewer, At::Plant(&places[0], &plants[0]), None, None).await;
        setup.grant("alice", Role::Viewer, At::Portfolio(&places[2]), None, None).await;
        setup.grant("alice", Role::Viewer, At::Plant(&places[2], &plants[5]), None, None).await;
        setup.grant("alice", Role::Viewer, At::Plant(&places[3], &plants[7]), None, None).await;
        setup.grant("alice", Role::Viewer, At::Organization(&places[4]), None, ended).await;
        setup.grant("bob", Role::Viewer, At::Organization(&places[4]), None, None).await;
        setup.member("alice", &places[6].organization, OrganizationRole::Administrator).await;
        setup.member("alice", &places[8].organization, OrganizationRole::Member).await;
        for (name, count) in [("alice", 11), ("bob", 4)] {
            let (client, user) = (app.sign_in(name).await, setup.user(name).await);
            let mut db = app.services.db.read().await.unwrap();
            let seen = list_plants(&mut db, &user, &Filter::default(), Position::default(), 100, app.now()).await.unwrap();
            let seen: BTreeSet<String> = seen.rows.into_iter().map(|plant| plant.name).collect();
            assert_eq!(seen.len(), count, "{name}");
            for path in ["/plants", "/plants?search=e", "/plants?kind=solar"] {
                let shown = listed(&page(&client, path).await);
                assert_eq!(shown.len(), count, "{name} {path}: {shown:?}");
                assert_eq!(shown.into_iter().collect::<BTreeSet<_>>(), seen, "{name} {path}");
            }
        }
    }
);

both!(
    /// Search finds names, places, devices and hosts, and wildcards stand for themselves. Filters add to each other.
    plants_are_searched_and_filtered, |app| {
        app.add_user("alice").await;
        app.add_user("bob").await;
        let setup = Setup(&app);
        let north = setup.place("Nordlicht", "North").await;
        let other = setup.place("Meseta", "Castilla").await;
        let sued = setup.plant(&north, "Solarpark Süd", "solar", "Eggebek").await;
        setup.device(&north, &sued, "Gate camera", "camera.sued.example").await;
        setup.plant(&north, "Windpark", "wind", "Reußenköge").await;
        setup.plant(&other, "Ampudia 100%", "wind", "Ampudia").await;
        setup.plant(&other, "Bonete", "solar", "Bonete").await;
        for place in [&north, &other] {
            setup.grant("alice", Role::Viewer, At::Organization(place), None, None).await;
        }
        let (alice, bob) = (app.sign_in("alice").await, app.sign_in("bob").await);
        let organization = format!("/plants?organization={}", other.organization);
        let cases: [(&str, &[&str]); 14] = [
            ("/plants?search=SOLARPARK+s%C3%BCd", &["Solarpark Süd"]),
            ("/plants?search=%20eggebek%20", &["Solarpark Süd"]),
            ("/plants?search=gate+cam", &["Solarpark Süd"]),
            ("/plants?search=camera.sued", &["Solarpark Süd"]),
            ("/plants?search=park", &["Solarpark Süd", "Windpark"]),
            ("/plants?search=%25", &["Ampudia 100%"]),
            ("/plants?search=_", &[]),
            ("/plants?search=!", &[]),
            ("/plants?kind=wind", &["Ampudia 100%", "Windpark"]),
            ("/plants?kind=nuclear", &["Ampudia 100%", "Bonete", "Solarpark Süd", "Windpark"]),
            ("/plants?kind=wind&search=park", &["Windpark"]),
            (&organization, &["Ampudia 100%", "Bonete"]),
            (&format!("{organization}&kind=solar"), &["Bonete"]),
            ("/plants?organization=00000000-0000-7000-8000-000000000000", &[]),
        ];
        for (path, expected) in cases {
            let shown = page(&alice, path).await;
            assert_eq!(listed(&shown), expected, "{path}");
            assert_eq!(shown.contains("No plant, place or device has that name."), expected.is_empty() && path.contains("search"), "{path}");
            assert_eq!(listed(&page(&bob, path).await), Vec::<String>::new());
        }
        let shown = page(&alice, "/plants?search=nothing&kind=wind").await;
        assert_eq!(link(&shown, "Clear the search"), "/plants?kind=wind");
        let answer = alice.browser(Method::GET, "/plants?search=park").header("accept-encoding", "br").send().await.unwrap();
        assert!(answer.headers().get("content-encoding").is_none(), "the size of a page that repeats a search must reveal nothing");
    }
);

both!(
    /// The page of a plant leads to each of many devices.
    many_devices_have_pages, |app| {
        app.add_user("alice").await;
        let setup = Setup(&app);
        let place = setup.place("Large", "All").await;
        let (some, many) = (setup.plant(&place, "Some", "solar", "").await, setup.plant(&place, "Many", "solar", "").await);
        setup.grant("alice", Role::Viewer, At::Organization(&place), None, None).await;
        let mut tx = app.services.db.write().await.unwrap();
        for (plant, name, count) in [(&some, "Some", 101), (&many, "Many", 1150)] {
            let sql = "WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < $1)
                INSERT INTO devices (id, plant_id, portfolio_id, organization_id, name, normalized_name, kind, host, upgrades, version, created_at)
                SELECT $5 || n, $2, $3, $4, $5 || (1000 + n), LOWER($5) || (1000 + n), 'x', LOWER($5) || n || '.example', FALSE, 1, $6 FROM numbers";
            execute!(&mut tx, sql, count, plant, &place.portfolio, &place.organization, name, app.now()).unwrap();
        }
        tx.commit().await.unwrap();
        let alice = app.sign_in("alice").await;
        let devices = |page: &str, name: &str| page.matches(&format!("<strong>{name}")).count();
        let first = page(&alice, &format!("/plants/{some}")).await;
        assert_eq!(devices(&first, "Some"), 100);
        assert_eq!(devices(&page(&alice, &link(&first, "Show all 101 devices")).await, "Some"), 101);

        let path = format!("/plants/{many}");
        let first = page(&alice, &path).await;
        assert!(devices(&first, "Many") == 100 && first.contains("Many1100") && !first.contains("First devices"), "{first}");
        let second = page(&alice, &link(&first, "Next devices")).await;
        assert!(devices(&second, "Many") == 1000 && second.contains("Many1101") && !second.contains("Many1100"));
        let third = page(&alice, &link(&second, "Next devices")).await;
        assert!(devices(&third, "Many") == 50 && third.contains("Many2150") && !third.contains("Next devices"));
        assert_eq!(link(&third, "First devices"), path);
        assert_eq!(open(&alice, &format!("{path}?devices_after=x")).await.0, StatusCode::UNPROCESSABLE_ENTITY);
    }
);

both!(
    /// A large portfolio has pages that lead on and back, and many portfolios have pages too.
    large_lists_have_pages, |app| {
        app.add_user("alice").await;
        app.add_user("bob").await;
        let setup = Setup(&app);
        let large = setup.place("Large", "All").await;
        for number in 0..120 {
            setup.plant(&large, &format!("Plant {number:03}"), "solar", "").await;
        }
        for number in 0..29 {
            let small = setup.portfolio(&large.organization, &format!("Small {number:02}")).await;
            setup.plant(&small, &format!("Single {number:02}"), "solar", "").await;
        }
        setup.grant("alice", Role::Viewer, At::Organization(&large), None, None).await;
        setup.grant("bob", Role::Viewer, At::Portfolio(&large), None, None).await;
        let alice = app.sign_in("alice").await;
        let numbers = |range: std::ops::Range<i32>| range.map(|number| format!("Plant {number:03}")).collect::<Vec<_>>();
        let first = page(&alice, &format!("/plants?portfolio={}", large.portfolio)).await;
        let second = page(&alice, &link(&first, "Next")).await;
        let third = page(&alice, &link(&second, "Next")).await;
        assert_eq!([listed(&first), listed(&second), listed(&third)], [numbers(0..50), numbers(50..100), numbers(100..120)]);
        assert!(!first.contains(">Previous</a>") && !third.contains(">Next</a>"));
        let back = page(&alice, &link(&third, "Previous")).await;
        assert_eq!(listed(&back), numbers(50..100));
        let start = page(&alice, &link(&back, "Previous")).await;
        assert_eq!(listed(&start), numbers(0..50));
        assert!(!start.contains(">Previous</a>"));

        let overview = page(&alice, "/plants").await;
        let rest = page(&alice, &link(&overview, "Next")).await;
        assert_eq!((listed(&overview).len(), listed(&rest).len()), (3 + 24, 5));
        assert_eq!(listed(&page(&alice, &link(&rest, "Previous")).await), listed(&overview));
        // A position that the person does not see says nothing about where it is.
        let bob = app.sign_in("bob").await;
        let hidden = link(&rest, "Single 28");
        let id = hidden.rsplit('/').next().unwrap();
        assert_eq!(listed(&page(&bob, &format!("/plants?search=plant&after={id}")).await), numbers(0..50));
    }
);

/// Adds an organization with a plant of two devices, and people with every role there. Returns the place and the plant.
async fn staffed(app: &TestApp) -> (Place, PlantId) {
    for name in ["owner", "admin", "member", "operator", "technician", "viewer", "auditor", "vendor", "outsider", "former", "disabled"] {
        app.add_user(name).await;
    }
    app.add_admin("platform").await;
    let setup = Setup(app);
    let place = setup.place("Nordlicht", "North").await;
    let plant = setup.plant(&place, "Solarpark", "solar", "Eggebek").await;
    let sibling = setup.plant(&place, "Sibling", "solar", "").await;
    for (name, host) in [("Inverter 10", "ten.example"), ("Inverter 2", "two.example")] {
        setup.device(&place, &plant, name, host).await;
    }
    let members = [("owner", OrganizationRole::Owner), ("admin", OrganizationRole::Administrator), ("member", OrganizationRole::Member)];
    for (name, role) in members {
        setup.member(name, &place.organization, role).await;
    }
    setup.vendor("Helioserv", &place.organization, "vendor").await;
    let (soon, ended) = (Some(app.now() + Duration::days(3)), Some(app.now()));
    setup.grant("operator", Role::Operator, At::Organization(&place), Some("owner"), None).await;
    setup.grant("operator", Role::Technician, At::Plant(&place, &plant), Some("admin"), Some(app.now() + Duration::days(30))).await;
    setup.grant("technician", Role::Technician, At::Portfolio(&place), None, None).await;
    setup.grant("viewer", Role::Viewer, At::Plant(&place, &plant), Some("owner"), soon).await;
    setup.grant("auditor", Role::Auditor, At::Organization(&place), Some("owner"), None).await;
    setup.grant("vendor", Role::Operator, At::Plant(&place, &plant), Some("owner"), soon).await;
    setup.grant("former", Role::Operator, At::Plant(&place, &plant), Some("owner"), ended).await;
    setup.grant("disabled", Role::Operator, At::Plant(&place, &plant), Some("owner"), None).await;
    setup.grant("outsider", Role::Operator, At::Plant(&place, &sibling), Some("owner"), None).await;
    whereabouts::admin::actions::disable(
        &app.services.db,
        &app.services.recorder,
        &setup.user("disabled").await,
        whereabouts::reauthentication::actor::Actor::CommandLine,
    )
    .await
    .unwrap();
    (place, plant)
}

both!(
    /// AUT-2, AUT-3: who sees the page, and which buttons and names are on it.
    buttons_and_names_follow_the_role, |app| {
        let (_, plant) = staffed(&app).await;
        let path = format!("/plants/{plant}");
        // Person, badge, opens devices, closes remote access, grants access, sees people.
        let cases = [
            ("owner", "Owner", false, true, true, true),
            ("admin", "Administrator", false, true, true, true),
            ("operator", "Operator", true, true, false, true),
            ("technician", "Technician", true, false, false, false),
            ("viewer", "Viewer", false, false, false, false),
            ("auditor", "Auditor", false, false, false, true),
            ("vendor", "Operator", true, false, false, true),
        ];
        for (name, badge, opens, closes, grants, sees_people) in cases {
            let client = app.sign_in(name).await;
            let shown = page(&client, &path).await;
            let text = words(&shown);
            let edit = if ["owner", "admin", "operator"].contains(&name) { " Edit" } else { "" };
            assert!(text.contains(&format!("Solarpark {badge} Eggebek, Germany{edit} Kind Solar Capacity 1.5 MW Local time 17:30 Devices 2")), "{name}: {text}");
            assert_eq!(shown.contains("aria-label=\"Open Inverter 2\""), opens, "{name}");
            assert_eq!(shown.contains("href=\"https://two.example/\""), opens, "{name}");
            assert_eq!(text.contains("Close remote access"), closes, "{name}");
            assert_eq!(text.contains("Grant access"), grants, "{name}");
            assert!(text.contains("Who can reach this 5 people, 1 from a vendor"), "{name}: {text}");
            let end = if grants { " End" } else { "" };
            let others = format!("auditor Auditor by Nordlicht{end} granted by");
            assert_eq!(text.contains(&others), sees_people && name != "auditor", "{name}: {text}");
            assert_eq!(text.contains("End all access"), grants, "{name}: {text}");
            assert_eq!(text.contains("Your access"), !sees_people, "{name}");
            let dialog = page(&client, &format!("{path}?confirm=close")).await;
            assert_eq!(dialog.contains("<dialog"), closes, "{name}");
        }
        for name in ["member", "outsider", "former", "platform"] {
            let client = app.sign_in(name).await;
            let (status, shown) = open(&client, &path).await;
            assert_eq!(status, StatusCode::NOT_FOUND, "{name}");
            assert!(words(&shown).starts_with("Plant not found") && !shown.contains("Solarpark"), "{name}: {shown}");
        }
        let owner = app.sign_in("owner").await;
        for unknown in ["/plants/00000000-0000-7000-8000-000000000000", "/plants/x"] {
            assert_eq!(open(&owner, unknown).await.0, StatusCode::NOT_FOUND);
        }
        let (status, _) = open(&Client { token: String::new(), ..owner }, &path).await;
        assert_eq!(status, StatusCode::SEE_OTHER, "an anonymous visitor signs in first");
    }
);

both!(
    /// AUT-5: everybody who can reach the plant is listed with all reasons: who granted them, when, and when they end.
    all_reasons_are_shown, |app| {
        let (_, plant) = staffed(&app).await;
        let path = format!("/plants/{plant}");
        app.advance(Duration::days(1));
        let shown = words(&page(&app.sign_in("operator").await, &path).await);
        let people = &shown[shown.find("Who can reach this").unwrap()..];
        let expected = "Who can reach this 5 people, 1 from a vendor \
            au auditor Auditor by Nordlicht granted by owner on 1 June \
            op operator You Operator by Nordlicht granted by owner on 1 June \
            Technician by Solarpark granted by admin on 1 June, until 1 July \
            te technician Technician by North granted by the command line on 1 June \
            ve vendor Helioserv Operator by Solarpark granted by owner on 1 June, ends in 2 days \
            vi viewer Viewer by Solarpark granted by owner on 1 June, ends in 2 days \
            Owners and administrators of Nordlicht manage this plant too. They open no device without a grant.";
        let initials = |text: &str| {
            let all = ["au", "op", "te", "ve", "vi", "a", "o", "t", "v"];
            text.split(' ').filter(|word| !all.contains(word)).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(initials(people), initials(expected));
        let shown = words(&page(&app.sign_in("technician").await, &path).await);
        assert!(shown.ends_with("Your access Technician by North granted by the command line on 1 June"), "{shown}");
        let devices = &shown[shown.find("Devices 2 devices.").unwrap()..];
        assert!(devices.find("Inverter 2").unwrap() < devices.find("Inverter 10").unwrap(), "{devices}");
        app.advance(Duration::days(90));
        let shown = words(&page(&app.sign_in("owner").await, &path).await);
        assert!(shown.contains("3 people Grant access"), "the grants of viewer and vendor have ended: {shown}");
        assert_eq!(shown.matches("Not used for 90 days").count(), 2, "operator and technician, not auditor: {shown}");
    }
);

both!(
    /// AUT-2, AUT-7: an operator closes remote access with a reason, and an owner reopens it after recent authentication. Nobody else does.
    remote_access_is_closed_and_reopened, |app| {
        let (_, plant) = staffed(&app).await;
        let (path, id) = (format!("/plants/{plant}"), plant.to_string());
        let (operator, owner) = (app.sign_in("operator").await, app.sign_in("owner").await);
        let fields = |reason: &'static str| [("plant", id.clone()), ("reason", reason.to_owned())];
        let close = async |client: &Client<'_>, reason| {
            let fields = fields(reason);
            let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
            client.post_form("close_remote_access", &fields).await.status()
        };
        for (name, status) in [("technician", StatusCode::FORBIDDEN), ("vendor", StatusCode::FORBIDDEN), ("auditor", StatusCode::FORBIDDEN), ("outsider", StatusCode::NOT_FOUND)] {
            assert_eq!(close(&app.sign_in(name).await, "Mine").await, status, "{name}");
        }
        assert_eq!(close(&operator, " ").await, StatusCode::UNPROCESSABLE_ENTITY);
        let native = operator.browser(Method::POST, "/api/ui/close_remote_access").form(&fields("")).send().await.unwrap();
        assert_eq!((native.status(), native.headers()["location"].to_str().unwrap()), (StatusCode::FOUND, format!("{path}?confirm=close").as_str()));
        assert!(words(&page(&owner, &path).await).contains("Remote access is open"));

        assert_eq!(close(&operator, "A laptop was stolen.").await, StatusCode::OK);
        let shown = page(&owner, &path).await;
        let text = words(&shown);
        assert!(text.contains("Remote access is closed Closed by operator at 12:00: “A laptop was stolen.” Reopen remote access"), "{text}");
        let shown = page(&operator, &path).await;
        assert!(!shown.contains("Reopen remote access") && !shown.contains("Open Inverter") && words(&shown).contains("two.example Inverter Closed"));
        assert!(!words(&page(&app.sign_in("viewer").await, &path).await).contains("two.example Inverter Closed"));
        assert!(words(&page(&operator, "/plants").await).contains("Remote access closed"));

        let reopen = [("plant", id.as_str())];
        assert_eq!(operator.post_form("reopen_remote_access", &reopen).await.status(), StatusCode::FORBIDDEN);
        app.advance(Duration::minutes(11));
        let answer = owner.post_form("reopen_remote_access", &reopen).await;
        assert!(answer.json::<String>().await.unwrap().starts_with("/confirm?next=%2Fplants%2F"));
        let owner = app.sign_in("owner").await;
        assert_eq!(owner.post_form("reopen_remote_access", &reopen).await.status(), StatusCode::OK);
        assert!(words(&page(&operator, &path).await).contains("Remote access is open"));
    }
);

both!(
    /// The bar has the places that a person may go to, and marks the one that is open.
    the_bar_marks_the_open_place, |app| {
        app.add_user("alice").await;
        app.add_admin("root").await;
        let (alice, root) = (app.sign_in("alice").await, app.sign_in("root").await);
        let bar = async |client: &Client<'_>, path: &str| {
            let page = page(client, path).await;
            page[page.find("<nav aria-label=\"Places\"").unwrap()..page.find("</nav>").unwrap()].to_owned()
        };
        assert!(!bar(&alice, "/plants").await.contains("Admin"));
        for (path, current) in [("/plants", "href=\"/plants\" aria-current=\"page\""), ("/admin", "href=\"/admin\" aria-current=\"page\"")] {
            assert!(bar(&root, path).await.contains(current), "{path}");
        }
        assert!(!bar(&root, "/profile?tab=profile").await.contains("aria-current"));
    }
);
