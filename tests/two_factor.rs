//! The second factor over HTTP, with codes from `oathtool`, an independent implementation.

use crate::support::{
    PASSWORD, TestApp,
    totp::{between, code, enable_two_factor, page},
};
use chrono::Duration;
use reqwest::{Response, StatusCode};
use serde_json::{Value, json};

async fn sign_in(app: &TestApp, code: Option<&str>) -> Response {
    let body = json!({ "identifier": "alice", "password": PASSWORD, "code": code });
    app.http.post(app.url("/api/v1/sessions")).header("user-agent", "curl/8.5.0").json(&body).send().await.unwrap()
}

async fn problem_type(answer: Response) -> String {
    answer.json::<Value>().await.unwrap()["type"].as_str().unwrap().to_owned()
}

both!(
    /// MFA-1, MFA-4, MFA-6: the first correct code enables the second factor. From then on the password alone is not enough.
    the_first_correct_code_enables_the_second_factor, |app| {
        app.add_user("alice").await;
        app.add_user("bob").await;
        let alice = app.sign_in("alice").await;
        assert_eq!(alice.post_form("prepare_two_factor", &[]).await.status(), StatusCode::OK);
        assert_eq!(alice.post_form("enable_two_factor", &[("code", "000000")]).await.status(), StatusCode::UNAUTHORIZED);
        assert_eq!(sign_in(&app, None).await.status(), StatusCode::CREATED);
        let (seed, codes) = enable_two_factor(&alice).await;
        assert_eq!((seed.len(), codes.len()), (32, 10));
        let mail = app.smtp.next_for("alice@example.com").await;
        assert_eq!(mail.subject, "Two-factor authentication is on");
        let pending = sign_in(&app, None).await;
        assert_eq!(pending.status(), StatusCode::UNAUTHORIZED);
        assert_eq!(problem_type(pending).await, "second-factor-required");
        let whole = sign_in(&app, Some(&code(&seed, app.now()))).await;
        assert_eq!(whole.status(), StatusCode::CREATED);
        assert_eq!(whole.json::<Value>().await.unwrap()["session"]["sign_in_method"], "Password and code");
        assert_eq!(app.try_sign_in("bob", PASSWORD, "curl/8.5.0").await.status(), StatusCode::CREATED);
    }
);

both!(
    /// ENU-2: a wrong password gets the same response with and without a code, and a wrong code the same as a wrong password.
    nothing_is_revealed_before_the_password_is_correct, |app| {
        app.add_user("alice").await;
        let alice = app.sign_in("alice").await;
        let (seed, _) = enable_two_factor(&alice).await;
        let right = code(&seed, app.now());
        let wrong_password = json!({ "identifier": "alice", "password": "wrong password", "code": right });
        let first = app.http.post(app.url("/api/v1/sessions")).json(&wrong_password).send().await.unwrap();
        let second = sign_in(&app, Some("000000")).await;
        assert_eq!((first.status(), second.status()), (StatusCode::UNAUTHORIZED, StatusCode::UNAUTHORIZED));
        assert_eq!(first.text().await.unwrap(), second.text().await.unwrap());
        assert_eq!(sign_in(&app, Some(&right)).await.status(), StatusCode::CREATED);
    }
);

both!(
    /// MFA-1: codes of one step before and after are accepted. No code is accepted twice, even concurrently.
    a_code_is_accepted_once, |app| {
        app.add_user("alice").await;
        let alice = app.sign_in("alice").await;
        let (seed, _) = enable_two_factor(&alice).await;
        app.advance(Duration::minutes(5));
        for (ahead, expected) in [(-60, StatusCode::UNAUTHORIZED), (60, StatusCode::UNAUTHORIZED), (-30, StatusCode::CREATED), (30, StatusCode::CREATED)] {
            let answer = sign_in(&app, Some(&code(&seed, app.now() + Duration::seconds(ahead)))).await;
            assert_eq!(answer.status(), expected, "{ahead}");
        }
        app.advance(Duration::minutes(5));
        let now = code(&seed, app.now());
        let (one, two) = tokio::join!(sign_in(&app, Some(&now)), sign_in(&app, Some(&now)));
        let mut both = [one.status(), two.status()];
        both.sort();
        assert_eq!(both, [StatusCode::CREATED, StatusCode::UNAUTHORIZED]);
    }
);

both!(
    /// MFA-3, ALT-1: a recovery code replaces a code once, and its use is notified by email.
    a_recovery_code_works_once, |app| {
        app.add_user("alice").await;
        let alice = app.sign_in("alice").await;
        let (_, codes) = enable_two_factor(&alice).await;
        let whole = sign_in(&app, Some(&codes[3].to_lowercase())).await;
        assert_eq!(whole.status(), StatusCode::CREATED);
        assert_eq!(whole.json::<Value>().await.unwrap()["session"]["sign_in_method"], "Password and recovery code");
        assert_eq!(sign_in(&app, Some(&codes[3])).await.status(), StatusCode::UNAUTHORIZED);
        app.smtp.next_for("alice@example.com").await;
        let mail = app.smtp.next_for("alice@example.com").await;
        assert!(mail.subject == "A recovery code was used" && mail.text.contains("9"), "{mail:?}");
        assert!(page(&alice, "/profile?tab=security").await.contains("9 recovery codes left"));
    }
);

both!(
    /// LIM-2: after five wrong codes the account is slowed down. The owner has to wait no longer than that.
    wrong_codes_are_slowed_down, |app| {
        app.add_user("alice").await;
        let alice = app.sign_in("alice").await;
        let (seed, _) = enable_two_factor(&alice).await;
        for _ in 0..5 {
            assert_eq!(sign_in(&app, Some("000000")).await.status(), StatusCode::UNAUTHORIZED);
        }
        let refused = sign_in(&app, Some(&code(&seed, app.now()))).await;
        assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
        assert!(alice.is_signed_in().await);
        app.advance(Duration::seconds(30));
        assert_eq!(sign_in(&app, Some(&code(&seed, app.now()))).await.status(), StatusCode::CREATED);
    }
);

both!(
    /// MFA-5: there is no session between password and code. The intermediate cookie gives no access, is bound to one browser, and expires
    /// after ten minutes.
    no_session_exists_between_password_and_code, |app| {
        app.add_user("alice").await;
        let alice = app.sign_in("alice").await;
        let (seed, _) = enable_two_factor(&alice).await;
        let pending = async || {
            let answer = app.post_form("sign_in", "", &[("identifier", "alice"), ("password", PASSWORD), ("next", "/profile?tab=profile")]).await;
            assert_eq!(answer.status(), StatusCode::OK);
            let cookies: Vec<_> = answer.headers().get_all("set-cookie").iter().map(|cookie| cookie.to_str().unwrap().to_owned()).collect();
            assert!(cookies.iter().all(|cookie| !cookie.starts_with("whereabouts=")), "{cookies:?}");
            cookies.iter().find(|cookie| cookie.starts_with("whereabouts-pending-sign-in=")).unwrap().split(';').next().unwrap().to_owned()
        };
        let cookie = pending().await;
        let secret = cookie.split_once('=').unwrap().1;
        let as_session = app.http.get(app.url("/api/v1/me")).header("cookie", format!("whereabouts={secret}; {cookie}")).send().await.unwrap();
        assert_eq!(as_session.status(), StatusCode::UNAUTHORIZED);
        let enter_code = async |cookie: &str, code: &str| app.post_form("enter_code", cookie, &[("code", code), ("next", "/profile?tab=profile")]).await;
        assert_eq!(enter_code(&cookie, "000000").await.status(), StatusCode::UNAUTHORIZED);
        // Without the cookie, the password is asked for again.
        assert_eq!(enter_code("", &code(&seed, app.now())).await.json::<String>().await.unwrap(), "/login?next=%2Fprofile%3Ftab%3Dprofile");
        let right = enter_code(&cookie, &code(&seed, app.now())).await;
        assert!(right.headers().get_all("set-cookie").iter().any(|cookie| cookie.to_str().unwrap().starts_with("whereabouts=")));
        assert_eq!(right.json::<String>().await.unwrap(), "/profile?tab=profile");
        let late = pending().await;
        app.advance(Duration::minutes(10));
        assert_eq!(enter_code(&late, &code(&seed, app.now())).await.json::<String>().await.unwrap(), "/login?next=%2Fprofile%3Ftab%3Dprofile");
    }
);

both!(
    /// PWD-7: a reset asks for the second factor too.
    a_reset_asks_for_the_second_factor, |app| {
        app.add_user("alice").await;
        let alice = app.sign_in("alice").await;
        let (seed, _) = enable_two_factor(&alice).await;
        app.smtp.next_for("alice@example.com").await;
        app.post_form("request_password_reset", "", &[("email", "alice@example.com")]).await;
        let (path, token) = app.smtp.next_for("alice@example.com").await.link("/reset-password");
        assert!(app.get(&path).await.text().await.unwrap().contains("Authentication code"));
        let reset = async |code: &str| app.post_form("reset_password", "", &[("token", &token), ("password", "another staple here"), ("code", code)]).await;
        assert_eq!(reset("").await.status(), StatusCode::UNAUTHORIZED);
        assert!(alice.is_signed_in().await);
        assert_eq!(reset(&code(&seed, app.now())).await.status(), StatusCode::OK);
        assert!(!alice.is_signed_in().await);
    }
);

both!(
    /// MFA-4: disabling the factor and creating new recovery codes require password and code. Each is notified by email.
    disabling_asks_for_password_and_code, |app| {
        app.add_user("alice").await;
        let alice = app.sign_in("alice").await;
        let (seed, codes) = enable_two_factor(&alice).await;
        app.smtp.next_for("alice@example.com").await;
        let now = || code(&seed, app.now());
        assert_eq!(alice.post_form("disable_two_factor", &[("password", "wrong password"), ("code", &now())]).await.status(), StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(alice.post_form("disable_two_factor", &[("password", PASSWORD), ("code", "000000")]).await.status(), StatusCode::UNAUTHORIZED);
        assert_eq!(alice.post_form("renew_recovery_codes", &[("password", PASSWORD), ("code", &now())]).await.status(), StatusCode::OK);
        assert_eq!(app.smtp.next_for("alice@example.com").await.subject, "Your recovery codes were replaced");
        let shown = page(&alice, "/profile/two-factor").await;
        let new = between(&shown, "class=\"recovery-codes\">", "<").lines().next().unwrap().to_owned();
        assert_eq!(alice.post_form("confirm_recovery_codes", &[]).await.status(), StatusCode::OK);
        assert!(!page(&alice, "/profile/two-factor").await.contains("Recovery codes\""));
        assert_eq!(sign_in(&app, Some(&codes[0])).await.status(), StatusCode::UNAUTHORIZED);
        assert_eq!(sign_in(&app, Some(&new)).await.status(), StatusCode::CREATED);
        app.advance(Duration::seconds(30));
        assert_eq!(alice.post_form("disable_two_factor", &[("password", PASSWORD), ("code", &now())]).await.status(), StatusCode::OK);
        assert_eq!(sign_in(&app, None).await.status(), StatusCode::CREATED);
    }
);

both!(
    /// Actions that could take over the account require the password again, ten minutes after it was last entered.
    a_stale_session_must_reauthenticate, |app| {
        app.add_user("alice").await;
        let alice = app.sign_in("alice").await;
        app.advance(Duration::minutes(10) + Duration::seconds(1));
        let answer = alice.post_form("prepare_two_factor", &[]).await;
        assert_eq!(answer.json::<String>().await.unwrap(), "/confirm?next=%2Fprofile%2Ftwo-factor");
        let user = whereabouts::accounts::actions::find(&app.services.db, "alice").await.unwrap().account.id;
        assert!(whereabouts::authentication::two_factor::actions::status(&app.services, &user).await.unwrap().since.is_none());
    }
);

both!(
    /// MFA-2: the seed is encrypted in the database.
    the_seed_is_encrypted, |app| {
        app.add_user("alice").await;
        let alice = app.sign_in("alice").await;
        let (seed, codes) = enable_two_factor(&alice).await;
        let mut db = app.services.db.read().await.unwrap();
        let (encrypted_seed, encrypted_codes): (String, String) =
            whereabouts::fetch!(&mut db, fetch_one as (String, String), "SELECT encrypted_seed, encrypted_codes FROM second_factors").unwrap();
        assert!(!encrypted_seed.contains(&seed) && encrypted_codes.is_empty());
        let hashes: Vec<(String,)> = whereabouts::fetch!(&mut db, fetch_all as (String,), "SELECT code_hash FROM recovery_codes").unwrap();
        assert!(hashes.len() == 10 && hashes.iter().all(|(hash,)| !codes.contains(hash)));
    }
);
