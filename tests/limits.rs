//! Rate limits over HTTP: whom they slow down, and whom they never lock out.

use crate::support::{
    Backend, Client, PASSWORD, TestApp,
    totp::{code, enable_two_factor, page},
};
use futures::future::join_all;
use reqwest::{Method, Response, StatusCode};
use serde_json::json;
use whereabouts::foundation::crypto::hasher::Cost;

const CHEAP: Cost = Cost { memory_kib: 8, passes: 1, lanes: 1 };
const CURL: &str = "curl/8.5.0";
const WRONG: &str = "wrong password";
const OFFICE: &str = "192.0.2.1";
const HOME: &str = "198.51.100.7";
const BEHIND_A_PROXY: [&str; 2] = ["--trusted-proxies", "127.0.0.0/8"];

async fn start(backend: Backend) -> TestApp {
    let app = TestApp::start_with_hash_cost(backend, CHEAP, &BEHIND_A_PROXY).await;
    app.add_user("alice").await;
    app.add_user("bob").await;
    app
}

/// Signs in from this address as a script does.
async fn attempt(app: &TestApp, address: &str, name: &str, password: &str) -> Response {
    let body = json!({ "identifier": name, "password": password });
    let request = app.http.post(app.url("/api/v1/sessions")).header("user-agent", CURL).header("x-forwarded-for", address);
    request.json(&body).send().await.unwrap()
}

/// Fails to sign in from this machine's own address.
async fn guess(node: &TestApp, number: usize) -> StatusCode {
    node.try_sign_in(&format!("nobody{number}"), WRONG, CURL).await.status()
}

/// Submits a form from this address as a browser does.
async fn post_form_from(app: &TestApp, address: &str, cookies: &str, function: &str, fields: &[(&str, &str)]) -> Response {
    let request = app.http.post(app.url(&format!("/api/ui/{function}"))).header("origin", app.url("")).header("x-forwarded-for", address);
    request.header("accept", "application/json").header("cookie", cookies).form(fields).send().await.unwrap()
}

/// Enters this password in a browser.
async fn enter_password(app: &TestApp, address: &str, cookies: &str, name: &str, password: &str) -> Response {
    post_form_from(app, address, cookies, "sign_in", &[("identifier", name), ("password", password), ("next", "")]).await
}

fn cookie(answer: &Response, name: &str) -> Option<String> {
    let cookies = answer.headers().get_all("set-cookie").iter().map(|cookie| cookie.to_str().unwrap().split(';').next().unwrap());
    cookies.filter(|cookie| cookie.starts_with(&format!("{name}="))).map(str::to_owned).next()
}

/// Returns whether the response signed this browser in.
fn has_signed_in(answer: &Response) -> bool {
    answer.status() == StatusCode::OK && cookie(answer, "whereabouts").is_some()
}

/// Enters password and code in a browser. Returns its device cookie, or `None` if it was not signed in.
async fn sign_in_with_code(app: &TestApp, address: &str, device: &str, code: &str) -> Option<String> {
    let pending = cookie(&enter_password(app, address, device, "alice", PASSWORD).await, "whereabouts-pending-sign-in")?;
    let answer = post_form_from(app, address, &format!("{pending}; {device}"), "enter_code", &[("code", code), ("next", "")]).await;
    if has_signed_in(&answer) { cookie(&answer, "whereabouts-device") } else { None }
}

async fn events(client: &Client<'_>) -> String {
    page(client, "/profile?tab=profile").await
}

both!(
    /// LIM-1: after sixty failures with different names from one address, strangers there are refused for a while. A browser that the
    /// account knows still signs in there, and strangers elsewhere do too.
    a_guessing_address_is_slowed_down_but_not_its_known_browsers, start, |app| {
        let known = cookie(&enter_password(&app, OFFICE, "", "alice", PASSWORD).await, "whereabouts-device").unwrap();
        let mut statuses = Vec::new();
        for number in 0..60 {
            statuses.push(attempt(&app, OFFICE, &format!("nobody{number}"), WRONG).await.status());
        }
        let (checked, refused) = statuses.split_at(50);
        assert!(checked.iter().all(|status| *status == StatusCode::UNAUTHORIZED), "{statuses:?}");
        assert!(refused.iter().all(|status| *status == StatusCode::TOO_MANY_REQUESTS), "{statuses:?}");
        let bob = attempt(&app, OFFICE, "bob", PASSWORD).await;
        assert_eq!((bob.status(), &bob.headers()["retry-after"]), (StatusCode::TOO_MANY_REQUESTS, &"60".parse().unwrap()));
        assert!(has_signed_in(&enter_password(&app, OFFICE, &known, "alice", PASSWORD).await));
        // Alice's known browser does not count for another account.
        assert_eq!(enter_password(&app, OFFICE, &known, "bob", PASSWORD).await.status(), StatusCode::TOO_MANY_REQUESTS);
        assert_eq!(attempt(&app, HOME, "bob", PASSWORD).await.status(), StatusCode::CREATED);
        app.advance(chrono::Duration::minutes(3));
        assert_eq!(attempt(&app, OFFICE, "bob", PASSWORD).await.status(), StatusCode::CREATED);
    }
);

both!(
    /// LIM-1: 58 typos over two weeks from one address, each followed by a correct password, lock nobody out.
    typos_over_weeks_lock_nobody_out, start, |app| {
        for number in 0..58 {
            let name = if number % 2 == 0 { "alice" } else { "bob" };
            assert_eq!(attempt(&app, OFFICE, name, WRONG).await.status(), StatusCode::UNAUTHORIZED, "{number}");
            assert_eq!(attempt(&app, OFFICE, name, PASSWORD).await.status(), StatusCode::CREATED, "{number}");
            app.advance(chrono::Duration::hours(6));
        }
    }
);

both!(
    /// LIM-1: successful sign-ins use up no attempts: the fifty free failures of the address are all still available.
    successful_sign_ins_use_up_no_attempts, start, |app| {
        for _ in 0..60 {
            assert_eq!(attempt(&app, OFFICE, "alice", PASSWORD).await.status(), StatusCode::CREATED);
        }
        for number in 0..50 {
            assert_eq!(attempt(&app, OFFICE, &format!("nobody{number}"), WRONG).await.status(), StatusCode::UNAUTHORIZED);
        }
        assert_eq!(attempt(&app, OFFICE, "bob", WRONG).await.status(), StatusCode::TOO_MANY_REQUESTS);
    }
);

/// Sends the due emails and takes the subjects of those to this user.
async fn take_subjects(app: &TestApp, name: &str) -> Vec<String> {
    app.send_due().await;
    let to = format!("{name}@example.com");
    app.smtp.take_all().await.into_iter().filter(|mail| mail.to == to).map(|mail| mail.subject).collect()
}

const PASSWORDS_FAILED: &str = "Several sign-ins to your account failed";
const CODES_FAILED: &str = "Wrong codes were entered for your account";

both!(
    /// LIM-1, ENU-1, ALT-1: refusals count failures by the name as typed, whether or not an account has it; notifications count them by
    /// account. If the username and the address of an account shared a limit, six wrong passwords for one and a 429 at the first attempt
    /// for the other would reveal that they belong together, and so that both exist. Bob is not slowed down.
    failures_are_limited_by_name_and_notified_by_account, start, |app| {
        for name in ["alice", "ALICE", "Alice ", "alice"] {
            assert_eq!(attempt(&app, OFFICE, name, WRONG).await.status(), StatusCode::UNAUTHORIZED);
        }
        assert_eq!(take_subjects(&app, "alice").await, Vec::<String>::new());
        assert_eq!(attempt(&app, OFFICE, "Alice@Example.com", WRONG).await.status(), StatusCode::UNAUTHORIZED);
        assert_eq!(take_subjects(&app, "alice").await, [PASSWORDS_FAILED]);
        for (name, other) in [("alice", "alice@example.com"), ("nobody", "nobody@example.com")] {
            let mut attempts = 0;
            while attempt(&app, OFFICE, name, WRONG).await.status() != StatusCode::TOO_MANY_REQUESTS {
                attempts += 1;
            }
            assert_eq!(attempts, if name == "alice" { 1 } else { 5 });
            assert_eq!(attempt(&app, HOME, &name.to_uppercase(), PASSWORD).await.status(), StatusCode::TOO_MANY_REQUESTS);
            assert_eq!(attempt(&app, OFFICE, other, WRONG).await.status(), StatusCode::UNAUTHORIZED, "{other}");
        }
        assert_eq!(attempt(&app, HOME, "alice@example.com", PASSWORD).await.status(), StatusCode::CREATED);
        assert_eq!(attempt(&app, HOME, "alice", PASSWORD).await.status(), StatusCode::TOO_MANY_REQUESTS);
        assert_eq!(attempt(&app, HOME, "bob", PASSWORD).await.status(), StatusCode::CREATED);
    }
);

both!(
    /// ALT-1: password guesses every quarter of an hour, below every backoff, are notified at the fifth. Failures in a known browser count
    /// too. A correct password, or a day without a failure, starts a new count.
    slow_password_guesses_are_notified, start, |app| {
        let device = cookie(&enter_password(&app, HOME, "", "alice", PASSWORD).await, "whereabouts-device").unwrap();
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
        assert_eq!(take_subjects(&app, "alice").await, Vec::<String>::new());
        slowly(1).await;
        assert_eq!(take_subjects(&app, "alice").await, [PASSWORDS_FAILED]);

        assert!(has_signed_in(&enter_password(&app, HOME, &device, "alice", PASSWORD).await));
        slowly(4).await;
        assert_eq!(take_subjects(&app, "alice").await, Vec::<String>::new());
        assert_eq!(enter_password(&app, HOME, &device, "alice", WRONG).await.status(), StatusCode::UNAUTHORIZED);
        assert_eq!(take_subjects(&app, "alice").await, [PASSWORDS_FAILED]);

        app.advance(chrono::Duration::hours(24));
        slowly(4).await;
        app.advance(chrono::Duration::hours(24));
        slowly(4).await;
        assert_eq!(take_subjects(&app, "alice").await, Vec::<String>::new());
        assert_eq!(take_subjects(&app, "bob").await, Vec::<String>::new());
    }
);

both!(
    /// ALT-1: the same for codes, when somebody who has the password guesses them.
    slow_code_guesses_are_notified, start, |app| {
        let alice = app.sign_in("alice").await;
        let (seed, _) = enable_two_factor(&alice).await;
        let device = sign_in_with_code(&app, HOME, "", &code(&seed, app.now())).await.unwrap();
        take_subjects(&app, "alice").await;
        let guess = async |cookies: &str| {
            let pending = cookie(&enter_password(&app, OFFICE, cookies, "alice", PASSWORD).await, "whereabouts-pending-sign-in").unwrap();
            let answer = post_form_from(&app, OFFICE, &format!("{pending}; {cookies}"), "enter_code", &[("code", "000000"), ("next", "")]).await;
            assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
        };
        for _ in 0..4 {
            guess("").await;
        }
        app.advance(chrono::Duration::minutes(15));
        assert_eq!(take_subjects(&app, "alice").await, Vec::<String>::new());
        guess("").await;
        assert_eq!(take_subjects(&app, "alice").await, [CODES_FAILED]);

        assert!(sign_in_with_code(&app, HOME, &device, &code(&seed, app.now())).await.is_some());
        for _ in 0..4 {
            app.advance(chrono::Duration::minutes(15));
            guess("").await;
        }
        assert_eq!(take_subjects(&app, "alice").await, Vec::<String>::new());
        guess(&device).await;
        assert_eq!(take_subjects(&app, "alice").await, [CODES_FAILED]);
    }
);

both!(
    /// LIM-6: every node refuses the address, and concurrent attempts on both nodes are all counted.
    address_limits_hold_on_every_node, start, |app| {
        // The second node trusts no proxy: to it, and to the first without the header, all requests come from this machine.
        let other = app.start_second_node().await;
        let guesses = (0..60).map(|number| guess(if number % 2 == 0 { &app } else { &other }, number));
        let statuses = join_all(guesses).await;
        assert_eq!(statuses.iter().filter(|status| **status == StatusCode::UNAUTHORIZED).count(), 50);
        assert_eq!(statuses.iter().filter(|status| **status == StatusCode::TOO_MANY_REQUESTS).count(), 10);
        assert_eq!(attempt(&app, HOME, "bob", PASSWORD).await.status(), StatusCode::CREATED);
    }
);

both!(
    /// LIM-1, LIM-2: somebody who has the password and enters wrong codes until refused locks out neither the owner's known browser nor the
    /// owner's reset link.
    wrong_codes_of_strangers_do_not_lock_the_owner_out, start, |app| {
        let (alice, bob) = (app.sign_in("alice").await, app.sign_in("bob").await);
        let (seed, _) = enable_two_factor(&alice).await;
        let device = sign_in_with_code(&app, HOME, "", &code(&seed, app.now())).await.unwrap();
        app.advance(chrono::Duration::seconds(30));
        let pending = cookie(&enter_password(&app, OFFICE, "", "alice", PASSWORD).await, "whereabouts-pending-sign-in").unwrap();
        let guess = async |code: &str| post_form_from(&app, OFFICE, &pending, "enter_code", &[("code", code), ("next", "")]).await.status();
        for _ in 0..5 {
            assert_eq!(guess("000000").await, StatusCode::UNAUTHORIZED);
        }
        assert_eq!(guess(&code(&seed, app.now())).await, StatusCode::TOO_MANY_REQUESTS);
        assert!(sign_in_with_code(&app, OFFICE, "", &code(&seed, app.now())).await.is_none());
        assert!(sign_in_with_code(&app, HOME, &device, &code(&seed, app.now())).await.is_some());
        app.advance(chrono::Duration::seconds(30));
        for _ in 0..5 {
            guess("000000").await; // the wait is over for one of these attempts
        }
        app.post_form("request_password_reset", "", &[("email", "alice@example.com")]).await;
        app.wait_for_background_jobs().await;
        app.send_due().await;
        let (_, link) = app.wait_for_mail("alice@example.com", "Choose a new password").await.link("/reset-password");
        let fields = [("token", link.as_str()), ("password", "another staple here"), ("code", &code(&seed, app.now()))];
        assert_eq!(post_form_from(&app, HOME, "", "reset_password", &fields).await.status(), StatusCode::OK);
        assert!(!alice.is_signed_in().await && bob.is_signed_in().await);
    }
);

both!(
    /// LIM-2: wrong codes slow down a known browser, a reset link and a session separately, as they do strangers.
    every_code_prompt_is_rate_limited, start, |app| {
        let (alice, older) = (app.sign_in("alice").await, app.sign_in("alice").await);
        let (seed, _) = enable_two_factor(&alice).await;
        let device = sign_in_with_code(&app, HOME, "", &code(&seed, app.now())).await.unwrap();
        app.advance(chrono::Duration::seconds(30));
        let pending = cookie(&enter_password(&app, HOME, &device, "alice", PASSWORD).await, "whereabouts-pending-sign-in").unwrap();
        app.post_form("request_password_reset", "", &[("email", "alice@example.com")]).await;
        app.wait_for_background_jobs().await;
        app.send_due().await;
        let (_, link) = app.wait_for_mail("alice@example.com", "Choose a new password").await.link("/reset-password");
        let in_browser = async |code: &str| post_form_from(&app, HOME, &format!("{pending}; {device}"), "enter_code", &[("code", code), ("next", "")]).await.status();
        let by_link = async |code: &str| {
            let fields = [("token", link.as_str()), ("password", "another staple here"), ("code", code)];
            post_form_from(&app, HOME, "", "reset_password", &fields).await.status()
        };
        let in_session = async |code: &str| alice.post_form("disable_two_factor", &[("password", PASSWORD), ("code", code)]).await.status();
        for _ in 0..5 {
            let statuses = [in_browser("000000").await, by_link("000000").await, in_session("000000").await];
            assert_eq!(statuses, [StatusCode::UNAUTHORIZED; 3]);
        }
        let right = code(&seed, app.now());
        assert_eq!([in_browser(&right).await, by_link(&right).await, in_session(&right).await], [StatusCode::TOO_MANY_REQUESTS; 3]);
        // Sessions older than the factor share a limit: they may have been created with the password alone, in any number.
        let fields = [("password", PASSWORD), ("code", right.as_str())];
        assert_eq!(older.post_form("disable_two_factor", &fields).await.status(), StatusCode::TOO_MANY_REQUESTS);
        app.advance(chrono::Duration::minutes(1));
        assert_eq!(in_session(&code(&seed, app.now())).await, StatusCode::OK);
    }
);

both!(
    /// LIM-1: a sign-in in two steps refunds the attempt of its address once: one more failure is free, not two.
    a_two_step_sign_in_refunds_the_address_once, start, |app| {
        let alice = app.sign_in("alice").await;
        let (seed, _) = enable_two_factor(&alice).await;
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
    /// ALT-1, LOG-1: wrong codes on the form are recorded, and a burst of them is notified to the owner, who learns that the password is
    /// known. An earlier burst of wrong passwords does not suppress this.
    a_burst_of_wrong_codes_is_notified, start, |app| {
        let alice = app.sign_in("alice").await;
        enable_two_factor(&alice).await;
        for _ in 0..5 {
            attempt(&app, OFFICE, "alice", WRONG).await;
        }
        app.advance(chrono::Duration::minutes(1));
        let pending = cookie(&enter_password(&app, OFFICE, "", "alice", PASSWORD).await, "whereabouts-pending-sign-in").unwrap();
        for _ in 0..5 {
            let answer = post_form_from(&app, OFFICE, &pending, "enter_code", &[("code", "000000"), ("next", "")]).await;
            assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
        }
        assert_eq!(app.count_events("account.signed_in", "refused").await, 10);
        app.send_due().await;
        let mail = app.wait_for_mail("alice@example.com", CODES_FAILED).await;
        assert!(mail.text.contains("someone knows your password") && mail.text.contains(OFFICE), "{mail:?}");
    }
);

both!(
    /// LOG-1: wrong passwords of a signed-in user are recorded, and so are wrong codes at enrollment, in a session and with a reset link.
    /// Each is shown only to the owner of the account.
    wrong_passwords_and_codes_are_recorded, start, |app| {
        let (alice, bob) = (app.sign_in("alice").await, app.sign_in("bob").await);
        alice.post_form("confirm_password", &[("password", WRONG), ("next", "/")]).await;
        let change = json!({ "current": WRONG, "new": "another staple here" });
        alice.request(Method::PUT, "/api/v1/me/password").json(&change).send().await.unwrap();
        assert_eq!(app.count_events("password.rejected", "refused").await, 2);
        alice.post_form("prepare_two_factor", &[]).await;
        alice.post_form("enable_two_factor", &[("code", "000000")]).await;
        assert_eq!(app.count_events("code.rejected", "refused").await, 1);
        enable_two_factor(&alice).await;
        alice.post_form("disable_two_factor", &[("password", WRONG), ("code", "000000")]).await;
        assert_eq!(app.count_events("password.rejected", "refused").await, 3);
        alice.post_form("disable_two_factor", &[("password", PASSWORD), ("code", "000000")]).await;
        assert_eq!(app.count_events("code.rejected", "refused").await, 2);
        app.post_form("request_password_reset", "", &[("email", "alice@example.com")]).await;
        app.wait_for_background_jobs().await;
        app.send_due().await;
        let (_, link) = app.wait_for_mail("alice@example.com", "Choose a new password").await.link("/reset-password");
        app.post_form("reset_password", "", &[("token", &link), ("password", "another staple here"), ("code", "000000")]).await;
        assert_eq!(app.count_events("code.rejected", "refused").await, 3);
        let shown = events(&alice).await;
        assert!(shown.contains("Wrong code entered") && shown.contains("Wrong password entered while signed in"), "{shown}");
        assert!(!events(&bob).await.contains("Wrong "));
    }
);
