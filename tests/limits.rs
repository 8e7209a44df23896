//! Rate limits over HTTP: whom they slow down, and whom they never keep out.
#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

mod support;

use futures::future::join_all;
use reqwest::{Method, Response, StatusCode};
use serde_json::json;
use support::{
    Backend, Client, PASSWORD, TestApp,
    totp::{code, page, turn_on},
};
use whereabouts::foundation::hasher::Cost;

const CHEAP: Cost = Cost { memory_kib: 8, passes: 1, lanes: 1 };
const CURL: &str = "curl/8.5.0";
const WRONG: &str = "wrong password";
const OFFICE: &str = "192.0.2.1";
const HOME: &str = "198.51.100.7";
const BEHIND_A_PROXY: [&str; 2] = ["--trusted-proxies", "127.0.0.0/8"];

async fn start(backend: Backend) -> TestApp {
    let app = TestApp::start_hashing_at(backend, CHEAP, &BEHIND_A_PROXY).await;
    app.add_user("alice").await;
    app.add_user("bob").await;
    app
}

/// A script that signs in from this address.
async fn attempt(app: &TestApp, address: &str, name: &str, password: &str) -> Response {
    let body = json!({ "identifier": name, "password": password });
    let request = app.http.post(app.url("/api/v1/sessions")).header("user-agent", CURL).header("x-forwarded-for", address);
    request.json(&body).send().await.unwrap()
}

/// A sign-in that fails, from this machine's own address.
async fn guess(node: &TestApp, number: usize) -> StatusCode {
    node.try_sign_in(&format!("nobody{number}"), WRONG, CURL).await.status()
}

/// A browser that posts a form from this address.
async fn browse(app: &TestApp, address: &str, cookies: &str, door: &str, fields: &[(&str, &str)]) -> Response {
    let request = app.http.post(app.url(&format!("/api/ui/{door}"))).header("origin", app.url("")).header("x-forwarded-for", address);
    request.header("accept", "application/json").header("cookie", cookies).form(fields).send().await.unwrap()
}

/// A browser that gives this password.
async fn give_password(app: &TestApp, address: &str, cookies: &str, name: &str, password: &str) -> Response {
    browse(app, address, cookies, "sign_in", &[("identifier", name), ("password", password), ("next", "")]).await
}

fn cookie(answer: &Response, name: &str) -> Option<String> {
    let cookies = answer.headers().get_all("set-cookie").iter().map(|cookie| cookie.to_str().unwrap().split(';').next().unwrap());
    cookies.filter(|cookie| cookie.starts_with(&format!("{name}="))).map(str::to_owned).next()
}

/// Whether a form signed this browser in.
fn has_signed_in(answer: &Response) -> bool {
    answer.status() == StatusCode::OK && cookie(answer, "whereabouts").is_some()
}

/// A browser that gives password and code. Returns its cookie as a device.
async fn sign_in_with_code(app: &TestApp, address: &str, device: &str, code: &str) -> Option<String> {
    let half = cookie(&give_password(app, address, device, "alice", PASSWORD).await, "whereabouts-half-way")?;
    let answer = browse(app, address, &format!("{half}; {device}"), "give_code", &[("code", code), ("next", "")]).await;
    if has_signed_in(&answer) { cookie(&answer, "whereabouts-device") } else { None }
}

async fn events(client: &Client<'_>) -> String {
    page(client, "/profile?tab=profile").await
}

both!(
    /// LIM-1: sixty failures from one address, over as many names, refuse strangers there for a while; a browser that the account
    /// knows signs in there all the same, and strangers elsewhere too.
    an_address_that_guesses_is_slowed_down_and_a_known_browser_there_is_not, start, |app| {
        let known = cookie(&give_password(&app, OFFICE, "", "alice", PASSWORD).await, "whereabouts-device").unwrap();
        let mut statuses = Vec::new();
        for number in 0..60 {
            statuses.push(attempt(&app, OFFICE, &format!("nobody{number}"), WRONG).await.status());
        }
        let (checked, refused) = statuses.split_at(50);
        assert!(checked.iter().all(|status| *status == StatusCode::UNAUTHORIZED), "{statuses:?}");
        assert!(refused.iter().all(|status| *status == StatusCode::TOO_MANY_REQUESTS), "{statuses:?}");
        let bob = attempt(&app, OFFICE, "bob", PASSWORD).await;
        assert_eq!((bob.status(), &bob.headers()["retry-after"]), (StatusCode::TOO_MANY_REQUESTS, &"60".parse().unwrap()));
        assert!(has_signed_in(&give_password(&app, OFFICE, &known, "alice", PASSWORD).await));
        // What alice's account knows opens nobody else's.
        assert_eq!(give_password(&app, OFFICE, &known, "bob", PASSWORD).await.status(), StatusCode::TOO_MANY_REQUESTS);
        assert_eq!(attempt(&app, HOME, "bob", PASSWORD).await.status(), StatusCode::CREATED);
        app.advance(chrono::Duration::minutes(3));
        assert_eq!(attempt(&app, OFFICE, "bob", PASSWORD).await.status(), StatusCode::CREATED);
    }
);

both!(
    /// LIM-1: 58 mistypes over two weeks behind one address, each made good at once, refuse nobody.
    mistypes_over_weeks_refuse_nobody, start, |app| {
        for number in 0..58 {
            let name = if number % 2 == 0 { "alice" } else { "bob" };
            assert_eq!(attempt(&app, OFFICE, name, WRONG).await.status(), StatusCode::UNAUTHORIZED, "{number}");
            assert_eq!(attempt(&app, OFFICE, name, PASSWORD).await.status(), StatusCode::CREATED, "{number}");
            app.advance(chrono::Duration::hours(6));
        }
    }
);

both!(
    /// LIM-1: right sign-ins use nothing up, however many: the fifty free failures of the address are all still there.
    right_sign_ins_use_nothing_up, start, |app| {
        for _ in 0..60 {
            assert_eq!(attempt(&app, OFFICE, "alice", PASSWORD).await.status(), StatusCode::CREATED);
        }
        for number in 0..50 {
            assert_eq!(attempt(&app, OFFICE, &format!("nobody{number}"), WRONG).await.status(), StatusCode::UNAUTHORIZED);
        }
        assert_eq!(attempt(&app, OFFICE, "bob", WRONG).await.status(), StatusCode::TOO_MANY_REQUESTS);
    }
);

/// The subjects of the mails that somebody got since this was last asked, without what asks for them.
async fn told(app: &TestApp, name: &str) -> Vec<String> {
    app.send_due().await;
    let to = format!("{name}@example.com");
    app.smtp.all().await.into_iter().filter(|mail| mail.to == to).map(|mail| mail.subject).collect()
}

const PASSWORDS_FAILED: &str = "Several sign-ins to your account failed";
const CODES_FAILED: &str = "Wrong codes were entered for your account";

both!(
    /// LIM-1, ENU-1, ALT-1: what refuses is counted by the name as it was typed, whether or not an account has it, and what is told to
    /// the owner by the account. If the username and the address of an account shared a limit, six wrong passwords for the one and a 429
    /// at the first for the other would tell a stranger that they belong together, and so that both exist. Bob is not slowed down.
    failures_are_refused_by_name_and_told_by_account, start, |app| {
        for name in ["alice", "ALICE", "Alice ", "alice"] {
            assert_eq!(attempt(&app, OFFICE, name, WRONG).await.status(), StatusCode::UNAUTHORIZED);
        }
        assert_eq!(told(&app, "alice").await, Vec::<String>::new());
        assert_eq!(attempt(&app, OFFICE, "Alice@Example.com", WRONG).await.status(), StatusCode::UNAUTHORIZED);
        assert_eq!(told(&app, "alice").await, [PASSWORDS_FAILED]);
        for (name, other) in [("alice", "alice@example.com"), ("nobody", "nobody@example.com")] {
            let mut tries = 0;
            while attempt(&app, OFFICE, name, WRONG).await.status() != StatusCode::TOO_MANY_REQUESTS {
                tries += 1;
            }
            assert_eq!(tries, if name == "alice" { 1 } else { 5 });
            assert_eq!(attempt(&app, HOME, &name.to_uppercase(), PASSWORD).await.status(), StatusCode::TOO_MANY_REQUESTS);
            assert_eq!(attempt(&app, OFFICE, other, WRONG).await.status(), StatusCode::UNAUTHORIZED, "{other}");
        }
        assert_eq!(attempt(&app, HOME, "alice@example.com", PASSWORD).await.status(), StatusCode::CREATED);
        assert_eq!(attempt(&app, HOME, "alice", PASSWORD).await.status(), StatusCode::TOO_MANY_REQUESTS);
        assert_eq!(attempt(&app, HOME, "bob", PASSWORD).await.status(), StatusCode::CREATED);
    }
);

both!(
    /// ALT-1: who guesses a password every quarter of an hour, below every backoff, is told of at the fifth guess, and so are failures
    /// in a browser that the account knows. A right password, or a day without a failure, begins a new count.
    slow_guesses_of_a_password_are_told, start, |app| {
        let device = cookie(&give_password(&app, HOME, "", "alice", PASSWORD).await, "whereabouts-device").unwrap();
        let slowly = async |count: usize| {
            for _ in 0..count {
                assert_eq!(attempt(&app, OFFICE, "alice", WRONG).await.status(), StatusCode::UNAUTHORIZED);
                app.advance(chrono::Duration::minutes(15));
            }
        };
        for _ in 0..4 {
            assert_eq!(attempt(&app, OFFICE, "alice", WRONG).await.status(), StatusCode::UNAUTHORIZED);
        }
        app.advance(chrono::Duration::minutes(15));
        assert_eq!(told(&app, "alice").await, Vec::<String>::new());
        slowly(1).await;
        assert_eq!(told(&app, "alice").await, [PASSWORDS_FAILED]);

        assert!(has_signed_in(&give_password(&app, HOME, &device, "alice", PASSWORD).await));
        slowly(4).await;
        assert_eq!(told(&app, "alice").await, Vec::<String>::new());
        assert_eq!(give_password(&app, HOME, &device, "alice", WRONG).await.status(), StatusCode::UNAUTHORIZED);
        assert_eq!(told(&app, "alice").await, [PASSWORDS_FAILED]);

        app.advance(chrono::Duration::hours(24));
        slowly(4).await;
        app.advance(chrono::Duration::hours(24));
        slowly(4).await;
        assert_eq!(told(&app, "alice").await, Vec::<String>::new());
        assert_eq!(told(&app, "bob").await, Vec::<String>::new());
    }
);

both!(
    /// ALT-1: the same of codes that somebody guesses who has the password.
    slow_guesses_of_a_code_are_told, start, |app| {
        let alice = app.sign_in("alice").await;
        let (seed, _) = turn_on(&alice).await;
        let device = sign_in_with_code(&app, HOME, "", &code(&seed, app.now())).await.unwrap();
        told(&app, "alice").await;
        let guess = async |cookies: &str| {
            let half = cookie(&give_password(&app, OFFICE, cookies, "alice", PASSWORD).await, "whereabouts-half-way").unwrap();
            let answer = browse(&app, OFFICE, &format!("{half}; {cookies}"), "give_code", &[("code", "000000"), ("next", "")]).await;
            assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
        };
        for _ in 0..4 {
            guess("").await;
        }
        app.advance(chrono::Duration::minutes(15));
        assert_eq!(told(&app, "alice").await, Vec::<String>::new());
        guess("").await;
        assert_eq!(told(&app, "alice").await, [CODES_FAILED]);

        assert!(sign_in_with_code(&app, HOME, &device, &code(&seed, app.now())).await.is_some());
        for _ in 0..4 {
            app.advance(chrono::Duration::minutes(15));
            guess("").await;
        }
        assert_eq!(told(&app, "alice").await, Vec::<String>::new());
        guess(&device).await;
        assert_eq!(told(&app, "alice").await, [CODES_FAILED]);
    }
);

both!(
    /// LIM-6: an address is refused by every node, and attempts that are counted at once on both are counted each.
    an_address_is_refused_on_every_node, start, |app| {
        // The second node trusts no proxy: to it, and to the first without the header, all come from this machine.
        let other = app.another_node().await;
        let guesses = (0..60).map(|number| guess(if number % 2 == 0 { &app } else { &other }, number));
        let statuses = join_all(guesses).await;
        assert_eq!(statuses.iter().filter(|status| **status == StatusCode::UNAUTHORIZED).count(), 50);
        assert_eq!(statuses.iter().filter(|status| **status == StatusCode::TOO_MANY_REQUESTS).count(), 10);
        assert_eq!(attempt(&app, HOME, "bob", PASSWORD).await.status(), StatusCode::CREATED);
    }
);

both!(
    /// LIM-1, LIM-2: who holds the password and enters wrong codes until refused keeps neither the owner's known browser out,
    /// nor the owner's reset link.
    wrong_codes_of_strangers_do_not_keep_the_owner_out, start, |app| {
        let (alice, bob) = (app.sign_in("alice").await, app.sign_in("bob").await);
        let (seed, _) = turn_on(&alice).await;
        let device = sign_in_with_code(&app, HOME, "", &code(&seed, app.now())).await.unwrap();
        app.advance(chrono::Duration::seconds(30));
        let half = cookie(&give_password(&app, OFFICE, "", "alice", PASSWORD).await, "whereabouts-half-way").unwrap();
        let guess = async |code: &str| browse(&app, OFFICE, &half, "give_code", &[("code", code), ("next", "")]).await.status();
        for _ in 0..5 {
            assert_eq!(guess("000000").await, StatusCode::UNAUTHORIZED);
        }
        assert_eq!(guess(&code(&seed, app.now())).await, StatusCode::TOO_MANY_REQUESTS);
        assert!(sign_in_with_code(&app, OFFICE, "", &code(&seed, app.now())).await.is_none());
        assert!(sign_in_with_code(&app, HOME, &device, &code(&seed, app.now())).await.is_some());
        app.advance(chrono::Duration::seconds(30));
        for _ in 0..5 {
            guess("000000").await; // the wait is over for one of these
        }
        app.post_form("ask_for_reset", "", &[("email", "alice@example.com")]).await;
        app.is_done_with_what_was_left().await;
        app.send_due().await;
        let (_, link) = app.mail("alice@example.com", "Choose a new password").await.link("/reset-password");
        let fields = [("token", link.as_str()), ("password", "another staple here"), ("code", &code(&seed, app.now()))];
        assert_eq!(browse(&app, HOME, "", "reset_password", &fields).await.status(), StatusCode::OK);
        assert!(!alice.is_signed_in().await && bob.is_signed_in().await);
    }
);

both!(
    /// LIM-2: wrong codes slow down a known browser, a reset link and a session each by itself, as they do strangers.
    every_way_to_a_code_is_slowed_down, start, |app| {
        let (alice, older) = (app.sign_in("alice").await, app.sign_in("alice").await);
        let (seed, _) = turn_on(&alice).await;
        let device = sign_in_with_code(&app, HOME, "", &code(&seed, app.now())).await.unwrap();
        app.advance(chrono::Duration::seconds(30));
        let half = cookie(&give_password(&app, HOME, &device, "alice", PASSWORD).await, "whereabouts-half-way").unwrap();
        app.post_form("ask_for_reset", "", &[("email", "alice@example.com")]).await;
        app.is_done_with_what_was_left().await;
        app.send_due().await;
        let (_, link) = app.mail("alice@example.com", "Choose a new password").await.link("/reset-password");
        let in_browser = async |code: &str| browse(&app, HOME, &format!("{half}; {device}"), "give_code", &[("code", code), ("next", "")]).await.status();
        let by_link = async |code: &str| {
            let fields = [("token", link.as_str()), ("password", "another staple here"), ("code", code)];
            browse(&app, HOME, "", "reset_password", &fields).await.status()
        };
        let in_session = async |code: &str| alice.post_form("disable_two_factor", &[("password", PASSWORD), ("code", code)]).await.status();
        for _ in 0..5 {
            let statuses = [in_browser("000000").await, by_link("000000").await, in_session("000000").await];
            assert_eq!(statuses, [StatusCode::UNAUTHORIZED; 3]);
        }
        let right = code(&seed, app.now());
        assert_eq!([in_browser(&right).await, by_link(&right).await, in_session(&right).await], [StatusCode::TOO_MANY_REQUESTS; 3]);
        // Sessions that are older than the factor may have been begun by the password alone, as many as one likes.
        let fields = [("password", PASSWORD), ("code", right.as_str())];
        assert_eq!(older.post_form("disable_two_factor", &fields).await.status(), StatusCode::TOO_MANY_REQUESTS);
        app.advance(chrono::Duration::minutes(1));
        assert_eq!(in_session(&code(&seed, app.now())).await, StatusCode::OK);
    }
);

both!(
    /// LIM-1: a sign-in in two steps gives the count of its address back once: one failure more is free, not two.
    two_steps_give_the_address_back_once, start, |app| {
        let alice = app.sign_in("alice").await;
        let (seed, _) = turn_on(&alice).await;
        for number in 0..48 {
            assert_eq!(attempt(&app, OFFICE, &format!("nobody{number}"), WRONG).await.status(), StatusCode::UNAUTHORIZED);
        }
        assert!(sign_in_with_code(&app, OFFICE, "", &code(&seed, app.now())).await.is_some());
        let left = [attempt(&app, OFFICE, "one", WRONG).await, attempt(&app, OFFICE, "two", WRONG).await, attempt(&app, OFFICE, "three", WRONG).await];
        let statuses = left.map(|answer| answer.status());
        assert_eq!(statuses, [StatusCode::UNAUTHORIZED, StatusCode::UNAUTHORIZED, StatusCode::TOO_MANY_REQUESTS]);
        assert_eq!(attempt(&app, HOME, "bob", PASSWORD).await.status(), StatusCode::CREATED);
    }
);

both!(
    /// ALT-1, LOG-1: wrong codes on the form are on record, and a burst of them is told to the owner, who learns that the password
    /// is known; a burst of wrong passwords before does not hide it.
    a_burst_of_wrong_codes_is_told, start, |app| {
        let alice = app.sign_in("alice").await;
        turn_on(&alice).await;
        for _ in 0..5 {
            attempt(&app, OFFICE, "alice", WRONG).await;
        }
        app.advance(chrono::Duration::minutes(1));
        let half = cookie(&give_password(&app, OFFICE, "", "alice", PASSWORD).await, "whereabouts-half-way").unwrap();
        for _ in 0..5 {
            let answer = browse(&app, OFFICE, &half, "give_code", &[("code", "000000"), ("next", "")]).await;
            assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
        }
        assert_eq!(app.on_record("sign_in", "refused").await, 10);
        app.send_due().await;
        let mail = app.mail("alice@example.com", CODES_FAILED).await;
        assert!(mail.text.contains("somebody knows your password") && mail.text.contains(OFFICE), "{mail:?}");
    }
);

both!(
    /// LOG-1: wrong passwords of a signed-in person are on record, and so are wrong codes at enrollment, in a session and with a
    /// reset link; each is shown to the person whose account it is, and to nobody else.
    wrong_passwords_and_codes_are_on_record, start, |app| {
        let (alice, bob) = (app.sign_in("alice").await, app.sign_in("bob").await);
        alice.post_form("confirm_password", &[("password", WRONG), ("next", "/")]).await;
        let change = json!({ "current": WRONG, "new": "another staple here" });
        alice.request(Method::PUT, "/api/v1/me/password").json(&change).send().await.unwrap();
        assert_eq!(app.on_record("password_rejected", "refused").await, 2);
        alice.post_form("prepare_two_factor", &[]).await;
        alice.post_form("enable_two_factor", &[("code", "000000")]).await;
        assert_eq!(app.on_record("code_rejected", "refused").await, 1);
        turn_on(&alice).await;
        alice.post_form("disable_two_factor", &[("password", WRONG), ("code", "000000")]).await;
        assert_eq!(app.on_record("password_rejected", "refused").await, 3);
        alice.post_form("disable_two_factor", &[("password", PASSWORD), ("code", "000000")]).await;
        assert_eq!(app.on_record("code_rejected", "refused").await, 2);
        app.post_form("ask_for_reset", "", &[("email", "alice@example.com")]).await;
        app.is_done_with_what_was_left().await;
        app.send_due().await;
        let (_, link) = app.mail("alice@example.com", "Choose a new password").await.link("/reset-password");
        app.post_form("reset_password", "", &[("token", &link), ("password", "another staple here"), ("code", "000000")]).await;
        assert_eq!(app.on_record("code_rejected", "refused").await, 3);
        let shown = events(&alice).await;
        assert!(shown.contains("Wrong code entered") && shown.contains("Wrong password entered while signed in"), "{shown}");
        assert!(!events(&bob).await.contains("Wrong "));
    }
);
