//! Administration over HTTP: recent reauthentication, invitations and their end, and signing everybody out.

use std::process::Command;

use crate::support::{
    Backend, Client, FIREFOX, MailDelivery, PASSWORD, TestApp,
    live::Page,
    postgres::{hold, release, wait_until_blocked, wait_until_blocked_or},
    totp::{between, page},
};
use chrono::Duration;
use reqwest::{Method, StatusCode};
use serde_json::Value;
use whereabouts::{
    admin::actions as admin,
    api_tokens::worker as tokens,
    authentication::registration::invitations::Invitation,
    execute,
    foundation::ids::UserId,
    reauthentication::actor::Actor,
    sessions::{cleanup, epoch},
};

const NEW: &str = "a longer staple of horses";

async fn id_of(app: &TestApp, name: &str) -> UserId {
    whereabouts::accounts::actions::find(&app.services.db, name).await.unwrap().account.id
}

async fn disable(app: &TestApp, name: &str) {
    let (services, user) = (&app.services, id_of(app, name).await);
    admin::disable(&services.db, &services.recorder, &user, Actor::CommandLine).await.unwrap();
}

async fn invite_by_command_line(app: &TestApp, email: &str) -> String {
    let invitation = Invitation::new(email.to_owned(), false);
    admin::invite(&app.services, &invitation, Actor::CommandLine).await.unwrap();
    app.smtp.next_for(email).await.link("/register").1
}

/// Invites somebody. Returns the one-time token of the emailed link.
async fn invite(client: &Client<'_>, email: &str) -> String {
    assert_eq!(client.post_form("invite", &[("email", email)]).await.status(), StatusCode::OK);
    client.app.smtp.next_for(email).await.link("/register").1
}

async fn accept_invitation(app: &TestApp, token: &str, username: &str) -> StatusCode {
    app.post_form("accept_invitation", "", &[("token", token), ("username", username), ("password", NEW)]).await.status()
}

/// Enters the password again. Returns the same session with its new token.
async fn confirm<'a>(client: Client<'a>) -> Client<'a> {
    let answer = client.post_form("confirm_password", &[("password", PASSWORD), ("next", "/admin")]).await;
    assert_eq!(answer.status(), StatusCode::OK);
    let token = answer.headers()["set-cookie"].to_str().unwrap().split(['=', ';']).nth(1).unwrap().to_owned();
    Client { token, ..client }
}

both!(
    /// AUT-7: every administrative action requires recent reauthentication and redirects to it. Viewing does not.
    administration_requires_recent_reauthentication, |app| {
        app.add_admin("root").await;
        app.add_user("alice").await;
        app.add_user("bob").await;
        let (root, alice, bob) = (app.sign_in("root").await, app.sign_in("alice").await, app.sign_in("bob").await);
        app.post_form("request_access", "", &[("email", "carol@example.com"), ("message", "Let me in")]).await;
        app.wait_for_background_jobs().await;
        root.post_form("invite", &[("email", "dave@example.com")]).await;
        app.advance(Duration::minutes(10) + Duration::microseconds(1));
        let shown = root.browser(Method::GET, "/admin").send().await.unwrap();
        assert_eq!(shown.status(), StatusCode::OK);
        let shown = shown.text().await.unwrap();
        let field = |after: &str| between(&shown[shown.find(after).unwrap()..], "name=\"id\" value=\"", "\"").to_owned();
        let (request, invitation) = (field("carol@example.com"), field("dave@example.com"));
        let user = id_of(&app, "alice").await.to_string();
        let acts = [
            ("invite", vec![("email", "erin@example.com")]),
            ("cancel_invitation", vec![("id", invitation.as_str())]),
            ("decide_access_request", vec![("id", request.as_str()), ("decision", "decline")]),
            ("manage_user", vec![("user", user.as_str()), ("operation", "sign_out")]),
            ("manage_user", vec![("user", user.as_str()), ("operation", "disable")]),
            ("manage_user", vec![("user", user.as_str()), ("operation", "enable")]),
            ("manage_user", vec![("user", user.as_str()), ("operation", "reset")]),
            ("sign_everybody_out", vec![("confirmed", "yes")]),
        ];
        for (function, fields) in &acts {
            let answer = root.post_form(function, fields).await;
            assert_eq!((answer.status(), answer.json::<String>().await.unwrap().as_str()), (StatusCode::OK, "/confirm?next=%2Fadmin"), "{function}");
        }
        assert!(alice.is_signed_in().await && bob.is_signed_in().await);
        let shown = page(&root, "/admin").await;
        assert!(shown.contains("Let me in") && shown.contains("dave@example.com") && !shown.contains("erin@example.com"));
        let root = confirm(root).await;
        for (function, fields) in &acts {
            assert_eq!(root.post_form(function, fields).await.json::<String>().await.unwrap(), "/admin", "{function}");
        }
        assert!(!alice.is_signed_in().await && !bob.is_signed_in().await && root.is_signed_in().await);
    }
);

both!(
    /// LOG-1: invitations are listed with their sender and expiry. Any administrator can cancel them, which is recorded.
    invitations_are_listed_and_canceled, |app| {
        app.add_admin("root").await;
        app.add_admin("ruth").await;
        app.add_user("alice").await;
        let (root, ruth, alice) = (app.sign_in("root").await, app.sign_in("ruth").await, app.sign_in("alice").await);
        let carol = invite(&root, "carol@example.com").await;
        root.post_form("invite", &[("email", "dave@example.com"), ("is_admin", "yes")]).await;
        let dave = app.smtp.next_for("dave@example.com").await.link("/register").1;
        let erin = invite_by_command_line(&app, "erin@example.com").await;
        let shown = page(&ruth, "/admin").await;
        let row = |email: &str| {
            let section = &shown[shown.find("id=\"invitations\"").unwrap()..];
            let start = section.find(&format!("<strong>{email}")).unwrap();
            section[start..].split("</li>").next().unwrap().to_owned()
        };
        assert!(row("carol@example.com").contains("Sent by root on 1 June 2026, expires on 8 June 2026"), "{}", row("carol@example.com"));
        assert!(row("dave@example.com").contains("Administrator") && !row("carol@example.com").contains("Administrator"));
        assert!(row("erin@example.com").contains("Not sent from this page"));
        assert!(shown.contains("aria-label=\"Cancel the invitation for carol@example.com\""));
        let id = between(&row("carol@example.com"), "name=\"id\" value=\"", "\"").to_owned();
        assert!(!shown.contains(&carol) && !shown.contains(&whereabouts::foundation::crypto::secret::hash_hex(carol.as_bytes())));
        assert_eq!(alice.post_form("cancel_invitation", &[("id", &id)]).await.status(), StatusCode::FORBIDDEN);
        assert_eq!(ruth.post_form("cancel_invitation", &[("id", &id)]).await.status(), StatusCode::OK);
        for bad in [id.as_str(), "x", "00000000-0000-7000-8000-000000000000"] {
            assert_eq!(ruth.post_form("cancel_invitation", &[("id", bad)]).await.status(), StatusCode::NOT_FOUND, "{bad}");
        }
        assert_eq!(accept_invitation(&app, &carol, "carol").await, StatusCode::GONE);
        assert_eq!((accept_invitation(&app, &dave, "dave").await, accept_invitation(&app, &erin, "erin").await), (StatusCode::OK, StatusCode::OK));
        assert!(!page(&ruth, "/admin").await.contains("id=\"invitations\""));
        assert_eq!(app.count_events("invitation.canceled", "success").await, 1);
    }
);

both!(
    /// AUT-7: invitations are canceled when their sender's account is disabled or its password is reset. Those of other administrators and
    /// of the command line stay.
    invitations_end_with_their_sender, |app| {
        for name in ["root", "ruth", "rita"] {
            app.add_admin(name).await;
        }
        let (root, ruth, rita) = (app.sign_in("root").await, app.sign_in("ruth").await, app.sign_in("rita").await);
        let of_root = invite(&root, "one@example.com").await;
        let of_ruth = invite(&ruth, "two@example.com").await;
        let of_rita = invite(&rita, "three@example.com").await;
        let of_nobody = invite_by_command_line(&app, "four@example.com").await;
        disable(&app, "root").await;
        assert_eq!(app.post_form("request_password_reset", "", &[("email", "ruth@example.com")]).await.status(), StatusCode::OK);
        let reset = app.wait_for_mail("ruth@example.com", "Choose a new password").await.link("/reset-password").1;
        assert_eq!(app.post_form("reset_password", "", &[("token", &reset), ("password", NEW)]).await.status(), StatusCode::OK);
        assert_eq!((accept_invitation(&app, &of_root, "one").await, accept_invitation(&app, &of_ruth, "two").await), (StatusCode::GONE, StatusCode::GONE));
        assert_eq!((accept_invitation(&app, &of_rita, "three").await, accept_invitation(&app, &of_nobody, "four").await), (StatusCode::OK, StatusCode::OK));
        assert!(rita.is_signed_in().await);
    }
);

both!(
    /// RACE-1: a session that ended during its request cannot invite, cancel or sign anybody out.
    an_ended_session_cannot_administer, |app| {
        app.add_admin("root").await;
        app.add_user("alice").await;
        let (root, alice) = (app.sign_in("root").await, app.sign_in("alice").await);
        let caller = find_caller(&app, &root).await;
        let other = app.sign_in("root").await;
        other.delete(&format!("/api/v1/sessions/{}", root.id)).await;
        let invitation = Invitation::new("carol@example.com".to_owned(), true);
        let refused = Some(whereabouts::error::AppError::NotSignedIn);
        assert_eq!(admin::invite(&app.services, &invitation, Actor::Principal(&caller)).await.err(), refused);
        assert_eq!(admin::sign_everybody_out(&app.services, &caller).await.err(), refused);
        assert!(other.is_signed_in().await && alice.is_signed_in().await);
        assert_eq!((app.count("SELECT COUNT(*) FROM one_time_tokens").await, app.count_events("invitation.created", "success").await), (0, 0));
    }
);

/// Returns the caller that the look-up of a request of this session finds.
async fn find_caller(app: &TestApp, client: &Client<'_>) -> whereabouts::sessions::caller::CurrentSession {
    use whereabouts::{
        access::{Credential, Principal},
        foundation::{
            client::{headers::UserAgentHeaders, info::ClientInfo},
            ids::SessionId,
        },
        sessions::caller::CurrentSession,
    };
    let account = whereabouts::accounts::actions::find(&app.services.db, "root").await.unwrap().account;
    let session = SessionId::parse(&client.id).unwrap();
    let client_info = ClientInfo::new("127.0.0.1".parse().unwrap(), UserAgentHeaders::default());
    let principal =
        Principal { account, credential: Credential::Session(session.clone()), reauthenticated_at: Some(app.now()), client_info };
    CurrentSession { client: principal, session, expires_at: app.now() + Duration::days(1) }
}

/// RACE-1: an invitation that is being sent while its sender is disabled is refused, or canceled with the account.
#[tokio::test(flavor = "multi_thread")]
async fn an_invitation_does_not_outlive_disabling_its_sender() {
    let app = TestApp::start(Backend::Postgres).await;
    app.add_admin("root").await;
    app.add_user("alice").await;
    let (root, alice) = (app.sign_in("root").await, app.sign_in("alice").await);
    let holder = hold(&app, "LOCK TABLE outbox IN ACCESS EXCLUSIVE MODE").await;
    let invited = app.spawn_post_form(&root, "invite", &[("email", "mallory@example.com"), ("is_admin", "yes")]);
    wait_until_blocked(&app, 1).await;
    let (services, user) = (app.services.clone(), id_of(&app, "root").await);
    let disabled = tokio::spawn(async move {
        admin::disable(&services.db, &services.recorder, &user, Actor::CommandLine).await.unwrap();
    });
    wait_until_blocked_or(&app, 2, || disabled.is_finished()).await;
    release(holder).await;
    invited.await.unwrap();
    disabled.await.unwrap();
    assert_eq!(app.count("SELECT COUNT(*) FROM one_time_tokens WHERE purpose = 'invitation'").await, 0);
    assert!(!root.is_signed_in().await && alice.is_signed_in().await);
}

both!(
    /// ALT-1: all enabled administrators are notified when an administrator is invited and when a new one joins. Other users are not.
    administrators_are_notified_of_new_ones, |app| {
        {
            let app = TestApp::start_with_mail_delivery(app.backend(), MailDelivery::Manual).await;
            let add = async |name: &str| {
                let settings = [("WHEREABOUTS_DATA_DIR", app.services.config.storage.data_dir.to_str().unwrap()), ("WHEREABOUTS_DATABASE_URL", &app.database_url)];
                let email = format!("{name}@example.com");
                let arguments = ["user", "add", "--username", name, "--email", &email, "--admin", "--password-stdin"];
                run(&settings, &arguments, NEW)
            };
            let notified = async |subject: &str| {
                app.send_due().await;
                let mut to: Vec<_> = app.smtp.take_all().await.into_iter().filter(|mail| mail.subject == subject).map(|mail| mail.to).collect();
                to.sort();
                to
            };
            app.advance(Duration::days(3_650)); // the command line uses the clock of the machine
            add("root").await;
            assert_eq!(app.count("SELECT COUNT(*) FROM outbox").await, 0, "the first has nobody to notify");
            add("ruth").await;
            assert_eq!(notified("New administrator: ruth").await, ["root@example.com"]);
            add("gone").await;
            disable(&app, "gone").await;
            app.add_user("alice").await;
            let root = sign_in_with_new_password(&app, "root").await;
            root.post_form("invite", &[("email", "member@example.com")]).await;
            assert_eq!(notified("Someone was invited as an administrator").await, Vec::<String>::new());
            root.post_form("invite", &[("email", "carol@example.com"), ("is_admin", "yes")]).await;
            app.send_due().await;
            let mails = app.smtp.take_all().await;
            let (carol, notices): (Vec<_>, Vec<_>) = mails.into_iter().partition(|mail| mail.to == "carol@example.com");
            let mut to: Vec<_> = notices.iter().map(|mail| mail.to.as_str()).collect();
            to.sort_unstable();
            assert_eq!(to, ["root@example.com", "ruth@example.com"]);
            assert!(notices.iter().all(|mail| mail.subject == "Someone was invited as an administrator"), "{notices:?}");
            for words in ["carol@example.com", "root", "127.0.0.1"] {
                assert!(notices[0].text.contains(words), "{words}: {notices:?}");
            }
            assert_eq!(accept_invitation(&app, &carol[0].link("/register").1, "carol").await, StatusCode::OK);
            assert_eq!(notified("New administrator: carol").await, ["root@example.com", "ruth@example.com"]);
        }
    }
);

/// Runs the program with this line on its standard input. Returns its standard output.
fn run(settings: &[(&str, &str)], arguments: &[&str], line: &str) -> String {
    use std::io::Write as _;
    let mut command = Command::new(env!("CARGO_BIN_EXE_whereabouts"));
    command.args(arguments).envs(settings.iter().copied());
    command.stdin(std::process::Stdio::piped()).stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(format!("{line}\n").as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// Signs in a user whose password is [`NEW`].
async fn sign_in_with_new_password<'a>(app: &'a TestApp, name: &str) -> Client<'a> {
    let answer: Value = app.try_sign_in(name, NEW, FIREFOX).await.json().await.unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    Client { app, token: text(&answer["token"]), id: text(&answer["session"]["id"]), user_agent: FIREFOX.to_owned() }
}

/// Inserts this many copies of the session.
async fn insert_session_copies(app: &TestApp, id: &str, copies: usize) {
    let copy =
        "INSERT INTO sessions (id, user_id, token_hash, sign_in_method, created_at, last_active_at, user_agent, device_label, device_kind,
            form_factor, first_ip, ip, location_label, is_new_location)
        SELECT $1, user_id, $1, sign_in_method, created_at, last_active_at, user_agent, device_label, device_kind,
            form_factor, first_ip, ip, location_label, is_new_location FROM sessions WHERE id = $2";
    let mut tx = app.services.db.write().await.unwrap();
    for number in 0..copies {
        execute!(&mut tx, copy, format!("copy-{number}"), id).unwrap();
    }
    tx.commit().await.unwrap();
}

both!(
    /// SES-10, SES-5: all sessions stop working at once, including open pages, before any row is ended. The session of the acting
    /// administrator and new sign-ins keep working.
    signing_everybody_out_takes_effect_at_once, |app| {
        app.add_admin("root").await;
        app.add_user("alice").await;
        app.add_user("bob").await;
        let (root, alice, bob) = (app.sign_in("root").await, app.sign_in("alice").await, app.sign_in("bob").await);
        let (mut pages, mut office) = (Page::open(&alice).await, Page::open(&root).await);
        assert_eq!(root.post_form("sign_everybody_out", &[("confirmed", "yes")]).await.status(), StatusCode::OK);
        assert_eq!(app.count("SELECT COUNT(*) FROM sessions WHERE ended_at IS NULL").await, 3, "the rows are ended later");
        assert!(!alice.is_signed_in().await && !bob.is_signed_in().await && root.is_signed_in().await);
        assert!(pages.is_signed_out().await);
        assert!(office.next_message().await.get("List").is_some());
        assert_eq!(bob.post_form("confirm_password", &[("password", PASSWORD), ("next", "/")]).await.status(), StatusCode::UNAUTHORIZED);
        let login = alice.browser(Method::GET, "/login").send().await.unwrap().text().await.unwrap();
        assert!(login.contains("An administrator signed you out."), "{login}");
        let again = app.sign_in("alice").await;
        assert_eq!((again.sessions().await.len(), again.delete(&format!("/api/v1/sessions/{}", alice.id)).await.status()), (1, StatusCode::NOT_FOUND));
        assert_eq!(again.json("/api/v1/sessions?limit=1").await["sessions"][0]["id"], again.id.as_str());
        let revoked: Value = again.delete("/api/v1/sessions").await.json().await.unwrap();
        assert_eq!(revoked["revoked"], 0);
        let shown = page(&root, "/admin?search=alice").await.replace("<!>", "");
        assert!(shown.contains("alice@example.com · 1 session"), "{shown}");
        let settings = [("WHEREABOUTS_DATA_DIR", app.services.config.storage.data_dir.to_str().unwrap()), ("WHEREABOUTS_DATABASE_URL", &app.database_url)];
        let listed: Value = serde_json::from_str(&run(&settings, &["session", "list", "--user", "bob", "--json"], "")).unwrap();
        assert_eq!(listed, serde_json::json!([]));
    }
);

both!(
    /// SES-10, LOG-1: a job ends the rows in batches, continues where another node stopped, and shows its progress on /admin.
    everybodys_sessions_are_ended_in_batches, |app| {
        app.add_admin("root").await;
        app.add_user("alice").await;
        let (root, alice) = (app.sign_in("root").await, app.sign_in("alice").await);
        insert_session_copies(&app, &alice.id, 1_199).await;
        assert!(!page(&root, "/admin").await.contains("sessions ended"));
        assert!(!epoch::end_batch(&app.services).await.unwrap(), "nothing to do");
        root.post_form("sign_everybody_out", &[("confirmed", "yes")]).await;
        let again = app.sign_in("alice").await;
        assert!(page(&root, "/admin").await.contains("Signing everybody out: older sessions no longer work."));
        assert!(epoch::end_batch(&app.services).await.unwrap());
        assert!(page(&root, "/admin").await.contains("Signing everybody out: 500 of 1,200 sessions ended."));
        // A cleanup in between: ended rows are archived, and the remaining ones are ended all the same.
        cleanup::clean_up(&app.services).await.unwrap();
        let other = app.start_second_node().await;
        while epoch::end_batch(&other.services).await.unwrap() {}
        assert!(page(&root, "/admin").await.contains("Everybody was signed out on 1 June 2026: 1,200 sessions ended."));
        assert_eq!(app.count("SELECT COUNT(*) FROM sessions WHERE ended_at IS NULL").await, 2);
        assert!(root.is_signed_in().await && again.is_signed_in().await && !alice.is_signed_in().await);
        let recorded = (app.count_events("session.revoked_by_administrator", "success").await, app.count_events("session.everybody_ended", "success").await);
        assert_eq!(recorded, (1, 1));
        assert!(!epoch::end_batch(&app.services).await.unwrap());
        cleanup::clean_up(&app.services).await.unwrap();
        let login = alice.browser(Method::GET, "/login").send().await.unwrap().text().await.unwrap();
        assert!(login.contains("An administrator signed you out."), "what was moved still says why");
        // A second time: the session that is kept is now that of the latest administrator.
        let ruth = { app.add_admin("ruth").await; app.sign_in("ruth").await };
        ruth.post_form("sign_everybody_out", &[("confirmed", "yes")]).await;
        assert!(ruth.is_signed_in().await && !root.is_signed_in().await && !again.is_signed_in().await);
        while epoch::end_batch(&app.services).await.unwrap() {}
        assert!(page(&ruth, "/admin").await.contains("2 sessions ended."));
    }
);

/// SES-10, RACE-1: a sign-in that began before everybody was signed out and commits afterwards is ended too.
#[tokio::test(flavor = "multi_thread")]
async fn a_concurrent_sign_in_is_ended_too() {
    let app = TestApp::start(Backend::Postgres).await;
    app.add_admin("root").await;
    app.add_user("alice").await;
    let root = app.sign_in("root").await;
    // The session is inserted but not committed by then: the query of the account's known devices waits.
    let holder = hold(&app, "LOCK TABLE known_devices IN ACCESS EXCLUSIVE MODE").await;
    let (http, url) = (app.http.clone(), app.url("/api/v1/sessions"));
    let body = serde_json::json!({ "identifier": "alice", "password": PASSWORD });
    let signing_in = tokio::spawn(async move { http.post(url).json(&body).send().await.unwrap() });
    wait_until_blocked(&app, 1).await;
    assert_eq!(root.post_form("sign_everybody_out", &[("confirmed", "yes")]).await.status(), StatusCode::OK);
    while epoch::end_batch(&app.services).await.unwrap() {}
    release(holder).await;
    let answer = signing_in.await.unwrap();
    assert_eq!(answer.status(), StatusCode::CREATED);
    let answer: Value = answer.json().await.unwrap();
    let late = Client { app: &app, token: answer["token"].as_str().unwrap().to_owned(), id: String::new(), user_agent: String::new() };
    assert!(!late.is_signed_in().await && root.is_signed_in().await);
    while epoch::end_batch(&app.services).await.unwrap() {}
    assert_eq!(app.count("SELECT COUNT(*) FROM sessions WHERE ended_at IS NULL").await, 1, "its row is ended too");
    assert_eq!(app.count_events("session.everybody_ended", "success").await, 1);
}

/// SES-10, RACE-1: if two administrators sign everybody out concurrently, one stays signed in, and the other has to sign in again.
#[tokio::test(flavor = "multi_thread")]
async fn one_of_two_concurrent_sign_outs_of_everybody_wins() {
    let app = TestApp::start(Backend::Postgres).await;
    app.add_admin("root").await;
    app.add_admin("ruth").await;
    let (root, ruth) = (app.sign_in("root").await, app.sign_in("ruth").await);
    let holder = hold(&app, "UPDATE session_epochs SET ended_count = ended_count").await;
    let both = [&root, &ruth].map(|client| app.spawn_post_form(client, "sign_everybody_out", &[("confirmed", "yes")]));
    wait_until_blocked(&app, 2).await;
    release(holder).await;
    let mut answers = Vec::new();
    for answer in both {
        answers.push(answer.await.unwrap().status());
    }
    answers.sort();
    assert_eq!(answers, [StatusCode::OK, StatusCode::UNAUTHORIZED]);
    assert_ne!(root.is_signed_in().await, ruth.is_signed_in().await);
}

/// RACE-2: background jobs skip sessions that another transaction has locked, wait for nobody, and end them later.
#[tokio::test(flavor = "multi_thread")]
async fn background_jobs_skip_locked_sessions() {
    let app = TestApp::start(Backend::Postgres).await;
    app.add_admin("root").await;
    app.add_user("alice").await;
    let alice = app.sign_in("alice").await;
    app.sign_in("alice").await;
    app.advance(Duration::days(15));
    let root = app.sign_in("root").await;
    root.post_form("sign_everybody_out", &[("confirmed", "yes")]).await;
    let holder = hold(&app, "SELECT id FROM sessions ORDER BY id LIMIT 1 FOR UPDATE").await;
    while epoch::end_batch(&app.services).await.unwrap() {}
    cleanup::clean_up(&app.services).await.unwrap();
    assert_eq!(app.count("SELECT COUNT(*) FROM sessions").await, 2, "alice's first is held, root's lives");
    assert_eq!(app.count_events("session.everybody_ended", "success").await, 0);
    release(holder).await;
    while epoch::end_batch(&app.services).await.unwrap() {}
    cleanup::clean_up(&app.services).await.unwrap();
    assert_eq!(app.count("SELECT COUNT(*) FROM sessions").await, 1);
    assert_eq!(app.count_events("session.everybody_ended", "success").await, 1);
    assert!(root.is_signed_in().await && !alice.is_signed_in().await);
}

/// RACE-2: so do the jobs that remove links and devices and that remind of and remove tokens, because an action that ends all of these for
/// an account locks several rows.
#[tokio::test(flavor = "multi_thread")]
async fn cleanup_skips_locked_links_devices_and_tokens() {
    let app = TestApp::start(Backend::Postgres).await;
    for name in ["alice", "bob"] {
        app.add_user(name).await;
        let form = [("identifier", name), ("password", PASSWORD), ("next", "")];
        app.post_form("sign_in", "", &form).await;
        app.post_form("request_password_reset", "", &[("email", &format!("{name}@example.com"))]).await;
        app.sign_in(name).await.create_token("job", "full", "curl/8.5.0").await;
    }
    app.wait_for_background_jobs().await;
    let left = async || {
        let mut left = [0; 3];
        for (count_of, sql) in left.iter_mut().zip([
            "SELECT COUNT(*) FROM one_time_tokens WHERE purpose = 'reset'",
            "SELECT COUNT(*) FROM known_devices WHERE label NOT LIKE 'curl%'",
            "SELECT COUNT(*) FROM api_tokens",
        ]) {
            *count_of = app.count(sql).await;
        }
        left
    };
    assert_eq!(left().await, [2, 2, 2]);
    let held = "SELECT 1 FROM users JOIN one_time_tokens t ON t.user_id = users.id JOIN known_devices d ON d.user_id = users.id
                JOIN api_tokens a ON a.user_id = users.id WHERE username = 'alice' FOR UPDATE OF t, d, a";
    let reminders = "SELECT COUNT(*) FROM outbox WHERE kind = 'token_expires'";
    app.advance(Duration::days(360));
    let holder = hold(&app, held).await;
    tokens::remind_of_expiry(&app.services).await.unwrap();
    assert_eq!(app.count(reminders).await, 1, "alice's token is held");
    release(holder).await;
    tokens::remind_of_expiry(&app.services).await.unwrap();
    assert_eq!(app.count(reminders).await, 2);
    app.advance(Duration::days(60));
    let holder = hold(&app, held).await;
    cleanup::clean_up(&app.services).await.unwrap();
    tokens::remind_of_expiry(&app.services).await.unwrap();
    assert_eq!(left().await, [1, 1, 1], "alice's are held");
    release(holder).await;
    cleanup::clean_up(&app.services).await.unwrap();
    tokens::remind_of_expiry(&app.services).await.unwrap();
    assert_eq!(left().await, [0, 0, 0]);
}
