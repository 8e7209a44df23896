//! Members, vendors, and who can reach a plant, over HTTP.

use std::{collections::BTreeMap, process::Command};

use crate::support::{
    Backend, Client, FIREFOX, MailDelivery, TestApp,
    postgres::{hold, release, wait_until_blocked},
    smtp::Mail,
    world::{World, assert_invalid, assert_refused, grant, id_of, post_grant, problem, put_member},
};
use chrono::Duration;
use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};
use whereabouts::{
    accounts::{actions as accounts, store as accounts_store},
    admin::actions as admin,
    execute,
    permissions::grants::actions::search_people,
    reauthentication::actor::Actor,
};

/// Adds Acme with the owner Alice, the administrators Adam and Anna, and the member Mia.
async fn acme(app: &TestApp) -> World {
    let world = World::create(app, "Acme").await;
    world.add_members(app, &[("alice", "owner"), ("adam", "administrator"), ("anna", "administrator"), ("mia", "member")]).await;
    world
}

async fn start_with_manual_mails(backend: Backend) -> TestApp {
    TestApp::start_with_mail_delivery(backend, MailDelivery::Manual).await
}

async fn disable(app: &TestApp, name: &str) {
    let (services, user) = (&app.services, id_of(app, name).await);
    admin::disable(&services.db, &services.recorder, &user, Actor::CommandLine).await.unwrap();
}

async fn members(client: &Client<'_>, world: &World) -> Vec<(String, String)> {
    let listed = client.json(&format!("/api/v1/organizations/{}/members", world.id)).await;
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    listed["members"].as_array().unwrap().iter().map(|member| (text(&member["user"]["username"]), text(&member["role"]))).collect()
}

fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    expected.iter().map(|(name, role)| ((*name).to_owned(), (*role).to_owned())).collect()
}

async fn grants_ended(answer: Response) -> i64 {
    let (status, body) = (answer.status(), answer.text().await.unwrap());
    assert_eq!(status, StatusCode::OK, "{body}");
    serde_json::from_str::<Value>(&body).unwrap()["grants_ended"].as_i64().unwrap()
}

async fn people(client: &Client<'_>, plant: &str, query: &str) -> Value {
    client.json(&format!("/api/v1/plants/{plant}/access{query}")).await
}

async fn vendors(client: &Client<'_>, world: &World) -> Vec<Value> {
    client.json(&format!("/api/v1/organizations/{}/vendors", world.id)).await["vendors"].as_array().unwrap().clone()
}

both!(
    /// AUT-3, AUT-7: owners manage everybody, administrators others who are not owners, nobody else anybody; never API tokens.
    members_are_managed, |app| {
        let world = acme(&app).await;
        let foreign = World::create(&app, "Other").await;
        foreign.add_members(&app, &[("oscar", "owner")]).await;
        app.add_user("bob").await;
        app.add_admin("root").await;
        let (alice, adam, mia) = (app.sign_in("alice").await, app.sign_in("adam").await, app.sign_in("mia").await);
        let (oscar, bob, root) = (app.sign_in("oscar").await, app.sign_in("bob").await, app.sign_in("root").await);
        let everybody = pairs(&[("adam", "administrator"), ("alice", "owner"), ("anna", "administrator"), ("mia", "member")]);
        let path = format!("/api/v1/organizations/{}/members", world.id);
        for client in [&alice, &adam, &root, &adam.create_token("reader", "read", FIREFOX).await] {
            assert_eq!(members(client, &world).await, everybody);
        }
        assert_refused(mia.get(&path).await, StatusCode::FORBIDDEN, "not-in-role").await;
        assert_refused(oscar.get(&path).await, StatusCode::NOT_FOUND, "not-found").await;
        // Who may not, and what: the actor, the person, the role or removal.
        let not_in_role = (StatusCode::FORBIDDEN, "not-in-role");
        let not_found = (StatusCode::NOT_FOUND, "not-found");
        for (client, user, role, (status, name)) in [
            (&adam, "bob", Some("owner"), not_in_role),
            (&adam, "adam", Some("owner"), not_in_role),
            (&adam, "adam", Some("member"), not_in_role),
            (&adam, "alice", Some("administrator"), not_in_role),
            (&adam, "alice", None, not_in_role),
            (&mia, "bob", Some("member"), not_in_role),
            (&mia, "mia", Some("administrator"), not_in_role),
            (&mia, "adam", None, not_in_role),
            (&mia, "nobody", None, not_in_role),
            (&root, "bob", Some("owner"), not_in_role),
            (&root, "root", Some("owner"), not_in_role),
            (&root, "mia", None, not_in_role),
            (&oscar, "bob", Some("member"), not_found),
            (&oscar, "mia", None, not_found),
            (&bob, "bob", Some("owner"), not_found),
            (&alice, "bob", None, not_found),
        ] {
            let answer = match role {
                Some(role) => put_member(client, &world, user, role).await,
                None => client.delete(&world.members(user)).await,
            };
            let found = problem(answer).await;
            assert_eq!((found.0, found.1.as_str()), (status, name), "{user} {role:?}");
        }
        let token = alice.create_token("all", "full", FIREFOX).await;
        assert_refused(put_member(&token, &world, "bob", "member").await, StatusCode::FORBIDDEN, "session-required").await;
        assert_refused(token.delete(&world.members("mia")).await, StatusCode::FORBIDDEN, "session-required").await;
        assert_invalid(put_member(&alice, &world, "nobody", "member").await, "user").await;
        assert_invalid(put_member(&alice, &world, "bob", "king").await, "body").await;
        assert_eq!(members(&alice, &world).await, everybody, "nothing was changed");
        assert_eq!(app.count_events("member.changed", "success").await, 0);
        let set: Value = put_member(&adam, &world, "BOB@example.com", "administrator").await.json().await.unwrap();
        assert_eq!((&set["user"]["username"], &set["role"], &set["since"]), (&json!("bob"), &json!("administrator"), &json!("2026-06-01T12:00:00Z")));
        put_member(&adam, &world, "bob", "administrator").await;
        assert_eq!(app.count_events("member.changed", "success").await, 1, "no change, no event");
        assert_eq!(put_member(&adam, &world, &id_of(&app, "anna").await.to_string(), "member").await.status(), StatusCode::OK);
        assert_eq!(put_member(&alice, &world, "mia", "owner").await.status(), StatusCode::OK);
        assert_eq!(put_member(&alice, &world, "alice", "administrator").await.status(), StatusCode::OK, "another owner remains");
        assert_eq!(grants_ended(adam.delete(&world.members("bob")).await).await, 0);
        assert_eq!(grants_ended(adam.delete(&world.members("adam")).await).await, 0, "everybody may leave");
        assert_eq!(members(&mia, &world).await, pairs(&[("alice", "administrator"), ("anna", "member"), ("mia", "owner")]));
        assert_refused(adam.get(&path).await, StatusCode::NOT_FOUND, "not-found").await;
        assert_eq!((app.count_events("member.changed", "success").await, app.count_events("member.removed", "success").await), (4, 2));
        app.advance(Duration::minutes(10) + Duration::seconds(1));
        assert_refused(put_member(&mia, &world, "anna", "owner").await, StatusCode::FORBIDDEN, "reauthentication-required").await;
        assert_refused(mia.delete(&world.members("anna")).await, StatusCode::FORBIDDEN, "reauthentication-required").await;
    }
);

both!(
    /// AUT-6: the last owner stays; a disabled one does not count as another. Then a platform administrator names an owner.
    the_last_owner_stays, |app| {
        let world = acme(&app).await;
        world.add_members(&app, &[("olga", "owner")]).await;
        app.add_admin("root").await;
        app.add_user("bob").await;
        let (alice, root) = (app.sign_in("alice").await, app.sign_in("root").await);
        disable(&app, "olga").await;
        for answer in [
            alice.delete(&world.members("alice")).await,
            put_member(&alice, &world, "alice", "administrator").await,
            put_member(&alice, &world, "alice", "member").await,
        ] {
            assert_refused(answer, StatusCode::CONFLICT, "last-owner").await;
        }
        assert_refused(put_member(&root, &world, "bob", "owner").await, StatusCode::FORBIDDEN, "not-in-role").await;
        assert_eq!(put_member(&alice, &world, "olga", "member").await.status(), StatusCode::OK, "a disabled owner is removed by another");
        disable(&app, "alice").await;
        assert_refused(put_member(&root, &world, "bob", "administrator").await, StatusCode::FORBIDDEN, "not-in-role").await;
        assert_refused(root.delete(&world.members("alice")).await, StatusCode::FORBIDDEN, "not-in-role").await;
        let adam = app.sign_in("adam").await;
        assert_refused(put_member(&adam, &world, "adam", "owner").await, StatusCode::FORBIDDEN, "not-in-role").await;
        assert_eq!(put_member(&root, &world, "bob", "owner").await.status(), StatusCode::OK);
        assert_refused(put_member(&root, &world, "mia", "owner").await, StatusCode::FORBIDDEN, "not-in-role").await;
        let bob = app.sign_in("bob").await;
        assert_eq!(grants_ended(bob.delete(&world.members("alice")).await).await, 0);
        assert!(root.get(&format!("/api/v1/plants/{}/access", world.plants[0])).await.status() == StatusCode::NOT_FOUND, "sees no plant by that");
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
    /// LOG-1: who owns an organization, its name and its host suffixes do not change silently. Without an owner who could be told, the
    /// administrators are; disabled accounts get no mail.
    changes_of_an_organization_are_announced, start_with_manual_mails, |app| {
        let world = acme(&app).await;
        world.add_members(&app, &[("olga", "owner")]).await;
        app.add_admin("root").await;
        app.add_user("bob").await;
        let (alice, root) = (app.sign_in("alice").await, app.sign_in("root").await);
        let to = |mails: Vec<Mail>| mails.into_iter().map(|mail| mail.to.split('@').next().unwrap().to_owned()).collect::<Vec<_>>();
        let created = root.request(Method::POST, "/api/v1/organizations").json(&json!({ "name": "New", "owner": "bob" })).send().await.unwrap();
        assert_eq!(created.status(), StatusCode::CREATED);
        assert_eq!(to(mails_about(&app, "New: bob is now an owner").await), ["bob"]);
        let path = format!("/api/v1/organizations/{}", world.id);
        let change = async |client: &Client<'_>, body: Value| client.request(Method::PATCH, &path).json(&body).send().await.unwrap().status();
        assert_eq!(change(&alice, json!({ "name": "Acme Power" })).await, StatusCode::OK);
        let mails = mails_about(&app, "Acme was changed").await;
        assert!(mails[0].text.contains("Acme Power") && mails[0].text.contains("alice"), "{:?}", mails[0]);
        assert_eq!(to(mails), ["alice", "olga"]);
        assert_eq!(change(&alice, json!({ "name": "Acme Power" })).await, StatusCode::OK);
        assert_eq!(to(mails_about(&app, "Acme Power was changed").await), Vec::<String>::new(), "nothing changed");
        assert_eq!(change(&root, json!({ "host_suffixes": ["acme.example", "power.example"] })).await, StatusCode::OK);
        let mails = mails_about(&app, "Acme Power was changed").await;
        assert!(mails[1].text.contains("power.example") && mails[1].text.contains("root"), "{:?}", mails[1]);
        assert_eq!(to(mails), ["alice", "olga"]);
        disable(&app, "alice").await;
        disable(&app, "olga").await;
        assert_eq!(put_member(&root, &world, "root", "owner").await.status(), StatusCode::OK);
        assert_eq!(to(mails_about(&app, "Acme Power: root is now an owner").await), ["adam", "anna", "root"]);
        assert_eq!(put_member(&root, &world, "bob", "owner").await.status(), StatusCode::OK);
        assert_eq!(to(mails_about(&app, "Acme Power: bob is now an owner").await), ["bob", "root"], "an owner is told");
        // Nobody is left to be told: it is on record anyway.
        let left = World::create(&app, "Left").await;
        left.add_members(&app, &[("oscar", "owner")]).await;
        disable(&app, "oscar").await;
        let recorded = app.count_events("member.changed", "success").await;
        assert_eq!(put_member(&root, &left, "root", "owner").await.status(), StatusCode::OK);
        assert_eq!(to(mails_about(&app, "Left: root is now an owner").await), ["root"]);
        assert_eq!(app.count_events("member.changed", "success").await, recorded + 1);
    }
);

both!(
    /// AUT-3: the grants of a removed member end with the membership: all of them, and nobody else's.
    grants_end_with_the_membership, start_with_manual_mails, |app| {
        let world = acme(&app).await;
        let other = World::create(&app, "Other").await;
        other.set_member(&app, "alice", "owner").await;
        let alice = app.sign_in("alice").await;
        for (user, place) in [("mia", json!({ "plant": world.plants[0] })), ("mia", json!({ "organization": world.id })), ("mia", json!({ "plant": other.plants[0] })), ("anna", json!({ "plant": world.plants[0] }))] {
            let mut fields = place;
            fields["user"] = json!(user);
            grant(&alice, fields).await;
        }
        let mia = app.sign_in("mia").await;
        assert_eq!(grants_ended(alice.delete(&world.members("mia@example.com")).await).await, 2);
        let left = mia.json("/api/v1/grants").await;
        assert_eq!((left["grants"].as_array().unwrap().len(), &left["grants"][0]["organization"]), (1, &json!(other.id)));
        assert_eq!(app.count("SELECT COUNT(*) FROM grants").await, 2);
        assert_eq!((app.count_events("grant.ended", "success").await, app.count_events("member.removed", "success").await), (2, 1));
        assert_eq!(app.count("SELECT COUNT(*) FROM outbox WHERE kind = 'member_changed'").await, 2, "one to her, one to the owner");
        app.send_due().await;
        let mail = app.wait_for_mail("mia@example.com", "Acme: mia is no longer a member").await;
        for words in ["Technician, Plant Alpha", "Technician, All plants of Acme", "alice"] {
            assert!(mail.text.contains(words), "{words}: {}", mail.text);
        }
    }
);

both!(
    /// Members are searched and listed in pages.
    members_are_listed_in_pages, |app| {
        let world = acme(&app).await;
        let alice = app.sign_in("alice").await;
        let (mut listed, mut path) = (Vec::new(), format!("/api/v1/organizations/{}/members?limit=3", world.id));
        let first = path.clone();
        loop {
            let page = alice.json(&path).await;
            listed.extend(page["members"].as_array().unwrap().iter().map(|member| member["user"]["username"].as_str().unwrap().to_owned()));
            let Some(cursor) = page["next_cursor"].as_str() else { break };
            path = format!("{first}&cursor={cursor}");
        }
        assert_eq!(listed, ["adam", "alice", "anna", "mia"]);
        let found = alice.json(&format!("/api/v1/organizations/{}/members?search=AN", world.id)).await;
        assert_eq!(found["members"].as_array().unwrap().len(), 1);
        assert_eq!(alice.delete(&world.members("%00")).await.status(), StatusCode::NOT_FOUND);
        assert_eq!(alice.delete(&world.members("%FF")).await.status(), StatusCode::NOT_FOUND);
        for query in ["limit=0", "cursor=x", "page=1"] {
            let answer = alice.get(&format!("/api/v1/organizations/{}/members?{query}", world.id)).await;
            assert_eq!(answer.status(), StatusCode::UNPROCESSABLE_ENTITY, "{query}");
        }
    }
);

/// Gives a user this display name.
async fn rename(app: &TestApp, username: &str, name: &str) {
    let id = id_of(app, username).await;
    let mut tx = app.services.db.write().await.unwrap();
    accounts_store::update_profile(&mut tx, &id, username, name, "UTC").await.unwrap();
    tx.commit().await.unwrap();
}

both!(
    /// People are found by part of a name in any case, beyond ASCII too; those of an earlier schema as well.
    people_are_found_by_name_in_any_case, |app| {
        let world = acme(&app).await;
        let alice = app.sign_in("alice").await;
        for (user, name) in [("mia", "Élodie ÖZIL"), ("anna", "Ödön Smith")] {
            rename(&app, user, name).await;
            grant(&alice, json!({ "user": user, "plant": world.plants[0] })).await;
        }
        let organization = world.id.parse().unwrap();
        let check = async || {
            for (search, user) in [("élodie", "mia"), ("ÉLODIE", "mia"), ("özil", "mia"), ("ÖDÖN", "anna"), ("ödön s", "anna")] {
                let username = |person: &Value| person["user"]["username"].as_str().unwrap().to_owned();
                let names = |list: &Value| list.as_array().unwrap().iter().map(username).collect::<Vec<_>>();
                let members = alice.json(&format!("/api/v1/organizations/{}/members?search={search}", world.id)).await;
                let grants = alice.json(&format!("/api/v1/grants?search={search}")).await;
                let people = people(&alice, &world.plants[0], &format!("?search={search}")).await;
                for list in [&members["members"], &grants["grants"], &people["people"]] {
                    assert_eq!(names(list), [user], "{search}");
                }
                let mut db = app.services.db.read().await.unwrap();
                let found = search_people(&mut db, &app.services, &organization, search).await.unwrap();
                assert_eq!(found.into_iter().map(|person| person.username).collect::<Vec<_>>(), [user], "{search}");
            }
        };
        check().await;
        let mut tx = app.services.db.write().await.unwrap();
        execute!(&mut tx, "UPDATE users SET normalized_name = ''").unwrap();
        tx.commit().await.unwrap();
        accounts::normalize_names(&app.services.db).await.unwrap();
        check().await;
    }
);

/// Adds 210 members with usernames from "m1001" on.
async fn add_many_members(app: &TestApp, world: &World) {
    let mut tx = app.services.db.write().await.unwrap();
    let users = "WITH RECURSIVE numbers (n) AS (SELECT 1001 UNION ALL SELECT n + 1 FROM numbers WHERE n < 1210)
        INSERT INTO users (id, username, normalized_username, username_skeleton, email, normalized_email, name, normalized_name, password_hash,
            is_admin, created_at)
        SELECT 'm' || n, 'm' || n, 'm' || n, 'm' || n, 'm' || n, 'm' || n, 'Number ' || n, 'number ' || n, '', FALSE, $1 FROM numbers";
    execute!(&mut tx, users, app.now()).unwrap();
    let members =
        "INSERT INTO memberships (user_id, organization_id, role, created_at) SELECT id, $1, 'member', $2 FROM users WHERE id LIKE 'm%'";
    execute!(&mut tx, members, &world.id, app.now()).unwrap();
    tx.commit().await.unwrap();
}

async fn page(client: &Client<'_>, path: &str) -> String {
    let answer = client.browser(Method::GET, path).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK, "{path}");
    answer.text().await.unwrap()
}

both!(
    /// The page of an organization leads to each of many members, and finds its owner among all of them.
    each_of_many_members_is_reached_on_the_page, |app| {
        let world = World::create(&app, "Acme").await;
        add_many_members(&app, &world).await;
        world.add_members(&app, &[("olga", "administrator"), ("zoe", "owner")]).await;
        app.add_admin("root").await;
        let (zoe, root, organization) = (app.sign_in("zoe").await, app.sign_in("root").await, format!("/organizations/{}", world.id));
        let link = |page: &str, words: &str| {
            let (before, _) = page.split_once(&format!(">{words}</a>"))?;
            Some(before.rsplit_once("href=\"")?.1.split_once('"')?.0.replace("&amp;", "&"))
        };
        let first = page(&zoe, &organization).await;
        assert!(first.contains("Number 1001") && first.contains("Number 1100") && !first.contains("Number 1101"));
        let second = page(&zoe, &link(&first, "Next members").unwrap()).await;
        assert!(second.contains("Number 1101") && second.contains("Number 1200") && !second.contains("Number 1100"));
        let third = page(&zoe, &link(&second, "Next members").unwrap()).await;
        assert!(third.contains("Number 1210") && third.contains(">zoe<") && !third.contains("Next members"));
        assert_eq!(link(&third, "First members").as_deref(), Some(organization.as_str()));
        for dialog in ["role", "remove"] {
            assert!(page(&zoe, &format!("{organization}?{dialog}=m1210")).await.contains("Number 1210"), "{dialog}");
        }
        let found = page(&zoe, &format!("{organization}?members=NUMBER+121")).await;
        assert!(found.contains("Number 1210") && !found.contains("Number 1209") && found.contains("All members"));
        assert!(page(&zoe, &format!("{organization}?members=nobody")).await.contains("No member matches this search."));
        let malformed = zoe.browser(Method::GET, &format!("{organization}?members_after=%00")).send().await.unwrap();
        assert_eq!(malformed.status(), StatusCode::UNPROCESSABLE_ENTITY);

        let shown = page(&root, &organization).await;
        assert!(!shown.contains("No owner") && !shown.contains("value=\"owner\""), "{shown}");
        disable(&app, "zoe").await;
        let shown = page(&root, &organization).await;
        assert!(shown.contains("No owner") && shown.contains("value=\"owner\""), "{shown}");
    }
);

both!(
    /// Vendors are shown with their people, and all access of one is ended at once: in this organization, and nobody else's.
    all_access_of_a_vendor_ends, start_with_manual_mails, |app| {
        let world = acme(&app).await;
        let other = World::create(&app, "Other").await;
        other.set_member(&app, "alice", "owner").await;
        for name in ["vera", "victor", "walter"] {
            app.add_user(name).await;
        }
        let (alice, adam, mia, vera) = (app.sign_in("alice").await, app.sign_in("adam").await, app.sign_in("mia").await, app.sign_in("vera").await);
        let end = |days| app.now() + Duration::days(days);
        let by = |user: &str, vendor: &str, days, scope: &str, id: &str| json!({ "user": user, "vendor": vendor, "expires_at": end(days), scope: id });
        grant(&adam, by("vera", "Inverters Ltd", 9, "plant", &world.plants[0])).await;
        grant(&adam, by("vera", "Inverters Ltd", 5, "portfolio", &world.portfolio)).await;
        grant(&adam, by("victor", "Inverters Ltd", 7, "plant", &world.other_plant)).await;
        grant(&adam, by("walter", "Meters GmbH", 3, "organization", &world.id)).await;
        grant(&alice, by("vera", "Inverters Ltd", 9, "plant", &other.plants[0])).await;
        grant(&adam, json!({ "user": "mia", "plant": world.plants[0] })).await;
        let listed = vendors(&adam, &world).await;
        assert_eq!(listed.iter().map(|vendor| (&vendor["name"], &vendor["plants"])).collect::<Vec<_>>(), [(&json!("Inverters Ltd"), &json!(3)), (&json!("Meters GmbH"), &json!(3))]);
        let people: Vec<_> = listed[0]["people"].as_array().unwrap().iter().map(|person| (&person["user"]["username"], &person["plants"], &person["expires_at"])).collect();
        assert_eq!(people, [(&json!("vera"), &json!(2), &json!("2026-06-10T12:00:00Z")), (&json!("victor"), &json!(1), &json!("2026-06-08T12:00:00Z"))]);
        assert_eq!((&listed[0]["expires_at"], &listed[0]["last_used_at"]), (&json!("2026-06-10T12:00:00Z"), &Value::Null));
        let path = format!("/api/v1/organizations/{}/vendors/{}", world.id, listed[0]["id"].as_str().unwrap());
        let access = format!("{path}/access");
        assert_refused(mia.delete(&access).await, StatusCode::FORBIDDEN, "not-in-role").await;
        assert_refused(vera.delete(&access).await, StatusCode::FORBIDDEN, "not-in-role").await;
        assert_refused(vera.get(&format!("/api/v1/organizations/{}/vendors", world.id)).await, StatusCode::FORBIDDEN, "not-in-role").await;
        assert_refused(adam.create_token("all", "full", FIREFOX).await.delete(&access).await, StatusCode::FORBIDDEN, "session-required").await;
        let elsewhere = format!("/api/v1/organizations/{}/vendors/{}/access", other.id, listed[0]["id"].as_str().unwrap());
        assert_refused(alice.delete(&elsewhere).await, StatusCode::NOT_FOUND, "not-found").await;
        assert_refused(adam.delete(&elsewhere).await, StatusCode::NOT_FOUND, "not-found").await;
        let person = format!("{path}/people/{}", id_of(&app, "vera").await);
        assert_invalid(adam.delete(&person).await, "user").await;
        app.send_due().await;
        app.advance(Duration::minutes(61)); // so that the mails so far do not make a digest of the next
        let adam = app.sign_in("adam").await;
        assert_eq!(grants_ended(adam.delete(&access).await).await, 3);
        assert_eq!(grants_ended(adam.delete(&access).await).await, 0);
        assert_eq!(app.count("SELECT COUNT(*) FROM grants").await, 3, "walter's, mia's, and vera's elsewhere");
        let left = vera.json("/api/v1/grants").await;
        assert_eq!((left["grants"].as_array().unwrap().len(), &left["grants"][0]["organization"]), (1, &json!(other.id)));
        assert_eq!((app.count_events("grant.ended", "success").await, app.count_events("vendor.access_ended", "success").await), (3, 1));
        app.send_due().await;
        let mut mails = BTreeMap::new();
        while mails.len() < 3 {
            let mail = app.smtp.next().await;
            if mail.subject == "Access of Inverters Ltd ended: Acme" {
                mails.insert(mail.to.split('@').next().unwrap().to_owned(), mail);
            }
        }
        for (name, mail) in mails {
            assert!(mail.text.contains("adam") && mail.text.contains("victor") == (name != "vera"), "{mail:?}");
            assert_eq!(mail.text.contains("Portfolio North"), name != "victor", "people see their own: {mail:?}");
        }
        assert_eq!(adam.delete(&person).await.status(), StatusCode::NO_CONTENT);
        let told = mails_about(&app, "Acme: vera no longer works for Inverters Ltd").await;
        assert_eq!(told.iter().map(|mail| mail.to.as_str()).collect::<Vec<_>>(), ["alice@example.com", "vera@example.com"]);
        assert_eq!(adam.delete(&person).await.status(), StatusCode::NOT_FOUND);
        assert_eq!(put_member(&adam, &world, "vera", "member").await.status(), StatusCode::OK, "no longer a vendor's");
        assert_eq!(app.count_events("vendor.person_removed", "success").await, 1);
        assert!(vera.is_signed_in().await, "accounts are not affected");
    }
);

both!(
    /// AUT-5: everybody who can reach a plant is listed with all reasons, and with what they may do, as the one decision says.
    who_can_reach_a_plant_is_explained, |app| {
        let world = acme(&app).await;
        for name in ["bob", "vera", "dora", "stan"] {
            app.add_user(name).await;
        }
        let alice = app.sign_in("alice").await;
        let end = app.now() + Duration::days(9);
        let plant = &world.plants[0];
        let first = grant(&alice, json!({ "user": "bob", "role": "auditor", "organization": world.id })).await;
        app.advance(Duration::seconds(1));
        let second = grant(&alice, json!({ "user": "bob", "role": "technician", "portfolio": world.portfolio })).await;
        grant(&alice, json!({ "user": "vera", "role": "operator", "plant": plant, "vendor": "Inverters Ltd", "expires_at": end })).await;
        grant(&alice, json!({ "user": "adam", "role": "viewer", "plant": plant })).await;
        grant(&alice, json!({ "user": "dora", "role": "operator", "plant": plant })).await;
        grant(&alice, json!({ "user": "mia", "role": "viewer", "plant": plant, "expires_at": app.now() + Duration::seconds(1) })).await;
        grant(&alice, json!({ "user": "stan", "role": "operator", "plant": world.plants[1] })).await;
        app.advance(Duration::seconds(1));
        disable(&app, "dora").await;
        let bob = app.sign_in("bob").await;
        for (name, group) in [("fetch", "devices"), ("all", "full"), ("look", "read")] {
            bob.create_token(name, group, FIREFOX).await;
        }
        app.sign_in("adam").await.create_token("all", "full", FIREFOX).await;
        let listed = people(&bob, plant, "").await;
        let people_of = |listed: &Value| listed["people"].as_array().unwrap().clone();
        let described: Vec<_> = people_of(&listed).iter().map(|person| (person["user"]["username"].clone(), person["roles"].clone(), person["may"].clone())).collect();
        assert_eq!(described, [
            (json!("adam"), json!(["viewer"]), json!(["see", "manage"])),
            (json!("bob"), json!(["technician", "auditor"]), json!(["see", "reach", "audit"])),
            (json!("vera"), json!(["operator"]), json!(["see", "reach", "audit"])),
        ]);
        let person = &listed["people"][1];
        assert_eq!((&person["reasons"], &person["vendor"]), (&json!([first, second]), &Value::Null));
        assert_eq!(person["api_tokens"], json!([{ "name": "all", "group": "full" }, { "name": "fetch", "group": "devices" }]));
        assert_eq!((&listed["people"][2]["vendor"], &listed["people"][0]["api_tokens"]), (&json!("Inverters Ltd"), &json!([])), "adam opens nothing");
        assert_eq!(people(&alice, plant, "?search=VERA").await["people"].as_array().unwrap().len(), 1);
        let (mut names, mut query) = (Vec::new(), "?limit=2".to_owned());
        loop {
            let page = people(&alice, plant, &query).await;
            names.extend(people_of(&page).iter().map(|person| person["user"]["username"].clone()));
            let Some(cursor) = page["next_cursor"].as_str() else { break };
            query = format!("?limit=2&cursor={cursor}");
        }
        assert_eq!(names, ["adam", "bob", "vera"]);
        let path = format!("/api/v1/plants/{plant}/access");
        let tokens = (bob.create_token("reader", "read", FIREFOX).await, bob.create_token("devices", "devices", FIREFOX).await);
        assert_eq!((tokens.0.get(&path).await.status(), tokens.1.get(&path).await.status()), (StatusCode::OK, StatusCode::FORBIDDEN));
        grant(&alice, json!({ "user": "mia", "role": "technician", "plant": plant })).await;
        assert_refused(app.sign_in("mia").await.get(&path).await, StatusCode::FORBIDDEN, "not-in-role").await;
        assert_refused(app.sign_in("stan").await.get(&path).await, StatusCode::NOT_FOUND, "not-found").await;
    }
);

both!(
    /// AUT-5: those who administer see what one person reaches.
    what_a_person_reaches_is_counted, |app| {
        let world = acme(&app).await;
        let other = World::create(&app, "Other").await;
        other.set_member(&app, "alice", "owner").await;
        app.add_user("bob").await;
        app.add_user("stan").await;
        let (alice, adam, mia) = (app.sign_in("alice").await, app.sign_in("adam").await, app.sign_in("mia").await);
        let on_plant = grant(&adam, json!({ "user": "bob", "plant": world.plants[1] })).await;
        app.advance(Duration::seconds(1));
        let on_portfolio = grant(&adam, json!({ "user": "bob", "role": "viewer", "portfolio": world.portfolio })).await;
        grant(&alice, json!({ "user": "bob", "organization": other.id })).await;
        let path = |user: &str| format!("/api/v1/organizations/{}/people/{user}/access", world.id);
        let reached = adam.json(&path("bob@example.com")).await;
        assert_eq!(reached["grants"], json!([{ "grant": on_plant, "plants": 1, "devices": 0 }, { "grant": on_portfolio, "plants": 2, "devices": 2 }]));
        assert_eq!((&reached["role"], &reached["user"]["username"]), (&Value::Null, &json!("bob")));
        let bob = app.sign_in("bob").await;
        bob.create_token("fetch", "devices", FIREFOX).await;
        bob.create_token("reader", "read", FIREFOX).await;
        adam.create_token("all", "full", FIREFOX).await;
        let reached = adam.json(&path("bob")).await;
        assert_eq!(reached["api_tokens"], json!([{ "name": "fetch", "group": "devices" }]), "the other one opens nothing");
        let shown = adam.browser(Method::GET, &format!("/organizations/{}/people/bob", world.id)).send().await.unwrap().text().await.unwrap();
        assert!(shown.contains("1 API token") && shown.contains(" that opens devices") && shown.contains("fetch (Devices: reach)") && !shown.contains("reader"), "{shown}");
        assert_eq!(adam.json(&path("adam")).await["api_tokens"], json!([]), "adam opens nothing");
        let member = adam.json(&path("mia")).await;
        assert_eq!((&member["role"], &member["grants"]), (&json!("member"), &json!([])));
        for user in ["stan", "nobody", "stan@example.com"] {
            assert_eq!(adam.get(&path(user)).await.status(), StatusCode::NOT_FOUND, "{user}");
        }
        assert_refused(mia.get(&path("bob")).await, StatusCode::FORBIDDEN, "not-in-role").await;
        assert_refused(app.sign_in("stan").await.get(&path("bob")).await, StatusCode::NOT_FOUND, "not-found").await;
    }
);

fn run(app: &TestApp, arguments: &[&str]) -> std::process::Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_whereabouts"));
    command.args(arguments).env("WHEREABOUTS_DATA_DIR", &app.services.config.storage.data_dir);
    command.env("WHEREABOUTS_DATABASE_URL", &app.database_url).output().unwrap()
}

both!(
    /// The command line manages members, even owners, but not the last one.
    the_command_line_manages_members, |app| {
        let world = acme(&app).await;
        app.add_user("bob").await;
        let printed = |arguments: &[&str]| {
            let output = run(&app, arguments);
            assert!(output.status.success(), "{arguments:?}: {output:?}");
            String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
        };
        let at = ["--organization", &world.id];
        let bob = id_of(&app, "bob").await.to_string();
        let last = run(&app, &[&["member", "remove", "--user", "alice"][..], &at].concat());
        assert!(!last.status.success() && String::from_utf8(last.stderr).unwrap().contains("last owner"));
        assert_eq!(printed(&[&["member", "set", "--user", "bob", "--role", "owner"][..], &at].concat()), bob);
        printed(&[&["grant", "add", "--user", "alice", "--role", "viewer", "--reason", "x"][..], &at].concat());
        let removed: Value = serde_json::from_str(&printed(&[&["member", "remove", "--user", "alice", "--json"][..], &at].concat())).unwrap();
        assert_eq!(removed, json!({ "grants_ended": 1 }));
        let listed: Value = serde_json::from_str(&printed(&[&["member", "list", "--json"][..], &at].concat())).unwrap();
        let names: Vec<_> = listed.as_array().unwrap().iter().map(|member| (&member["user"]["username"], &member["role"])).collect();
        assert_eq!(names, [(&json!("adam"), &json!("administrator")), (&json!("anna"), &json!("administrator")), (&json!("bob"), &json!("owner")), (&json!("mia"), &json!("member"))]);
        assert!(printed(&[&["member", "list"][..], &at].concat()).contains(&bob));
        assert!(!run(&app, &["member", "list", "--organization", &world.plants[0]]).status.success());
    }
);

/// RACE-1, AUT-6: two owners who remove each other: one stays, whatever the order.
#[tokio::test(flavor = "multi_thread")]
async fn of_two_owners_who_remove_each_other_one_stays() {
    let app = TestApp::start(Backend::Postgres).await;
    let world = acme(&app).await;
    world.add_members(&app, &[("olga", "owner")]).await;
    let (alice, olga) = (app.sign_in("alice").await, app.sign_in("olga").await);
    let holder = hold(&app, "SELECT id FROM organizations FOR UPDATE").await;
    let release = async {
        wait_until_blocked(&app, 2).await;
        release(holder).await;
    };
    let paths = [world.members("olga"), world.members("alice")];
    let (one, other, ()) = tokio::join!(alice.delete(&paths[0]), olga.delete(&paths[1]), release);
    let mut statuses = [one.status(), other.status()];
    statuses.sort();
    assert_eq!(statuses, [StatusCode::OK, StatusCode::NOT_FOUND], "who was removed may not know of it any more");
    assert_eq!(app.count("SELECT COUNT(*) FROM memberships WHERE role = 'owner'").await, 1);
    // The same for two who leave, and at full speed.
    for _ in 0..50 {
        for name in ["alice", "olga"] {
            world.set_member(&app, name, "owner").await;
        }
        let paths = [world.members("alice"), world.members("olga")];
        let (one, other) = tokio::join!(alice.delete(&paths[0]), olga.delete(&paths[1]));
        let mut statuses = [one.status(), other.status()];
        statuses.sort();
        assert_eq!(statuses, [StatusCode::OK, StatusCode::CONFLICT]);
        assert_eq!(app.count("SELECT COUNT(*) FROM memberships WHERE role = 'owner'").await, 1);
    }
}

/// RACE-1: a grant to a vendor's person that runs while all access of the vendor is ended comes before, and ends too, or after it.
#[tokio::test(flavor = "multi_thread")]
async fn ending_all_access_and_a_new_grant_come_one_after_the_other() {
    let app = TestApp::start(Backend::Postgres).await;
    let world = acme(&app).await;
    app.add_user("vera").await;
    let (alice, adam) = (app.sign_in("alice").await, app.sign_in("adam").await);
    let end = app.now() + Duration::days(9);
    let fields = |plant: &str| json!({ "user": "vera", "vendor": "Inverters Ltd", "expires_at": end, "plant": plant });
    grant(&alice, fields(&world.plants[0])).await;
    let vendor = vendors(&alice, &world).await[0]["id"].as_str().unwrap().to_owned();
    let access = format!("/api/v1/organizations/{}/vendors/{vendor}/access", world.id);
    // The grant is inserted but not committed when the end begins.
    let holder = hold(&app, "LOCK TABLE audit_events IN ACCESS EXCLUSIVE MODE").await;
    let ending = async {
        wait_until_blocked(&app, 1).await;
        alice.delete(&access).await
    };
    let released = async {
        wait_until_blocked(&app, 2).await;
        release(holder).await;
    };
    let (granted, ended, ()) = tokio::join!(post_grant(&adam, fields(&world.plants[1])), ending, released);
    assert_eq!((granted.status(), grants_ended(ended).await), (StatusCode::CREATED, 2));
    assert_eq!(app.count("SELECT COUNT(*) FROM grants").await, 0);
    for _ in 0..50 {
        let (granted, ended) = tokio::join!(post_grant(&adam, fields(&world.plants[1])), alice.delete(&access));
        assert_eq!(granted.status(), StatusCode::CREATED);
        let ended = grants_ended(ended).await;
        assert_eq!(app.count("SELECT COUNT(*) FROM grants").await, 1 - ended);
        alice.delete(&access).await;
    }
}
