//! The outbox: what is queued is sent once, by SMTP or as a file, tried again where it fails, and given up on record.
#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

mod support;

use std::{os::unix::fs::PermissionsExt, path::Path};

use chrono::Duration;
use reqwest::StatusCode;
use support::{Backend, Mailing, TestApp};

async fn ask(app: &TestApp, name: &str) {
    let answer = app.post_form("ask_for_reset", "", &[("email", &format!("{name}@example.com"))]).await;
    assert_eq!(answer.status(), StatusCode::OK);
    app.is_done_with_what_was_left().await;
}

/// How many mails wait, and how often the one was tried that was tried most.
async fn waiting(app: &TestApp) -> (i64, i64) {
    let mut db = app.services.db.read().await.unwrap();
    let sql = "SELECT COUNT(*), COALESCE(MAX(tries), 0) FROM outbox WHERE next_try_at IS NOT NULL";
    whereabouts::fetch!(&mut db, fetch_one as (i64, i64), sql).unwrap()
}

/// `both!`, with mails sent by the test.
macro_rules! by_hand {
    ($(#[$doc:meta])* $name:ident, |$app:ident| $body:block) => {
        mod $name {
            use super::*;

            async fn body($app: TestApp) $body

            $(#[$doc])*
            #[tokio::test(flavor = "multi_thread")]
            async fn on_sqlite() {
                body(TestApp::start_mailing(Backend::Sqlite, Mailing::ByHand).await).await;
            }

            $(#[$doc])*
            #[tokio::test(flavor = "multi_thread")]
            async fn on_postgres() {
                body(TestApp::start_mailing(Backend::Postgres, Mailing::ByHand).await).await;
            }
        }
    };
}

by_hand!(
    /// ALT-2: two nodes with one outbox send each mail once.
    each_mail_is_sent_once, |app| {
        for name in ["alice", "bob", "carol"] {
            app.add_user(name).await;
            ask(&app, name).await;
        }
        let other = app.another_node().await;
        tokio::join!(app.send_due(), other.send_due());
        // Each node sends to its own server: whichever took a mail, it arrives at one of them.
        let mut to: Vec<_> = app.smtp.all().await.into_iter().chain(other.smtp.all().await).map(|mail| mail.to).collect();
        to.sort();
        assert_eq!(to, ["alice@example.com", "bob@example.com", "carol@example.com"]);
        app.advance(Duration::days(1));
        app.send_due().await;
        assert!(app.smtp.all().await.is_empty());
    }
);

by_hand!(
    /// Where the mail server fails, a mail is tried again, with growing pauses; after two days it is given up, on record.
    a_mail_is_tried_again_and_given_up, |app| {
        app.add_user("alice").await;
        app.sign_in("alice").await;
        let alert = async |user_agent: &str| drop(app.sign_in_as("alice", user_agent).await);
        app.smtp.refuse(true);
        alert("Wget/1.21.3").await;
        for (pause, tries) in [(0, 1), (9, 1), (1, 2), (19, 2), (1, 3)] {
            app.advance(Duration::seconds(pause));
            app.send_due().await;
            assert_eq!(waiting(&app).await, (1, tries), "after {pause} s more");
        }
        app.smtp.refuse(false);
        app.advance(Duration::hours(1));
        app.send_due().await;
        assert_eq!(app.smtp.all().await.len(), 1);
        app.smtp.refuse(true);
        alert("python-requests/2.32.3").await;
        app.send_due().await;
        assert_eq!((waiting(&app).await.0, app.on_record("mail_given_up", "refused").await), (1, 0));
        app.advance(Duration::days(2));
        app.send_due().await;
        assert_eq!((waiting(&app).await.0, app.on_record("mail_given_up", "refused").await), (0, 1));
    }
);

by_hand!(
    /// A mail whose link has expired is given up on record, not sent; another person's notice goes on being tried.
    a_mail_is_not_sent_after_its_link_has_died, |app| {
        for name in ["alice", "bob"] {
            app.add_user(name).await;
            app.sign_in(name).await;
        }
        app.smtp.refuse(true);
        ask(&app, "alice").await;
        app.sign_in_as("bob", "Wget/1.21.3").await;
        app.send_due().await;
        assert_eq!(waiting(&app).await, (2, 1));
        app.advance(Duration::minutes(30) - Duration::microseconds(1));
        app.send_due().await;
        assert_eq!((waiting(&app).await, app.on_record("mail_given_up", "refused").await), ((2, 2), 0));
        app.smtp.refuse(false);
        app.advance(Duration::hours(1));
        app.send_due().await;
        let sent: Vec<_> = app.smtp.all().await.into_iter().map(|mail| mail.to).collect();
        assert_eq!((sent, app.on_record("mail_given_up", "refused").await), (vec!["bob@example.com".to_owned()], 1));
    }
);

by_hand!(
    /// LIM-3, ALT-2: beyond five an hour, notices of one kind are collected into one mail that says how many there are, at the end of
    /// the hour; other kinds, other people, and what somebody asked for are not held up.
    notices_are_collected, |app| {
        app.add_user("alice").await;
        app.add_user("bob").await;
        let (alice, bob) = (app.sign_in("alice").await, app.sign_in("bob").await);
        let subjects = async || {
            app.send_due().await;
            app.smtp.all().await.into_iter().map(|mail| (mail.to, mail.subject)).collect::<Vec<_>>()
        };
        for number in 0..9 {
            alice.make_token(&format!("job {number}"), "read", "curl/8.5.0").await;
            app.advance(Duration::minutes(1));
        }
        let at_once = subjects().await;
        let expected: Vec<_> = (0..5).map(|number| ("alice@example.com".to_owned(), format!("An API token was made: job {number}"))).collect();
        assert_eq!(at_once, expected);
        bob.make_token("his", "read", "curl/8.5.0").await;
        app.sign_in_as("alice", "Wget/1.21.3").await;
        ask(&app, "alice").await;
        assert_eq!(subjects().await.len(), 3);
        app.advance(Duration::minutes(51) - Duration::microseconds(1));
        assert_eq!(subjects().await, []);
        app.advance(Duration::microseconds(1));
        app.send_due().await;
        let mails = app.smtp.all().await;
        assert_eq!(mails.len(), 1);
        let (mail, words) = (&mails[0], "This is the latest of 4 mails like this.");
        assert_eq!((mail.to.as_str(), mail.subject.as_str()), ("alice@example.com", "An API token was made: job 8"));
        assert!(mail.text.contains(words) && mail.html.contains(words), "{mail:?}");
        // A digest that was sent takes no more: the next one is another mail.
        app.advance(Duration::hours(1));
        app.sign_in("alice").await.make_token("another", "read", "curl/8.5.0").await;
        assert_eq!(subjects().await.len(), 1);
    }
);

by_hand!(
    /// ALT-2: a mail stands in the outbox with its cause; what it says is sealed, and forgotten once it is sent.
    a_mail_is_sealed, |app| {
        app.add_user("alice").await;
        ask(&app, "alice").await;
        let read = async || {
            let mut db = app.services.db.read().await.unwrap();
            let sql = "SELECT sealed, user_id FROM outbox";
            let row: (String, Option<String>) = whereabouts::fetch!(&mut db, fetch_one as (String, Option<String>), sql).unwrap();
            row
        };
        let (sealed, user) = read().await;
        assert!(sealed.len() > 100 && !sealed.contains("alice") && user.is_some());
        app.send_due().await;
        assert_eq!(read().await.0, "");
    }
);

/// OPS-2: without a mail server mails are files that their owner alone reads, as the key is.
#[tokio::test(flavor = "multi_thread")]
async fn mails_are_files_without_a_server() {
    let app = TestApp::start_mailing(Backend::Sqlite, Mailing::IntoFiles).await;
    app.add_user("alice").await;
    ask(&app, "alice").await;
    app.send_due().await;
    let folder = &app.services.config.storage.data_dir;
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let files: Vec<_> = std::fs::read_dir(folder.join("outbox")).unwrap().map(|file| file.unwrap().path()).collect();
    assert_eq!((files.len(), mode(&files[0]), mode(&folder.join("outbox")), mode(&folder.join("keys"))), (1, 0o600, 0o700, 0o600));
    let text = std::fs::read_to_string(&files[0]).unwrap();
    assert!(files[0].extension().is_some_and(|ending| ending == "eml") && text.contains("To: alice@example.com"), "{text}");
}
