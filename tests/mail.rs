//! The outbox: each email is sent once, by SMTP or as a file, retried on failure, and finally given up on record.

use std::{os::unix::fs::PermissionsExt, path::Path};

use crate::support::{Backend, MailDelivery, TestApp};
use chrono::Duration;
use reqwest::StatusCode;

async fn request_reset(app: &TestApp, name: &str) {
    let answer = app.post_form("request_password_reset", "", &[("email", &format!("{name}@example.com"))]).await;
    assert_eq!(answer.status(), StatusCode::OK);
    app.wait_for_background_jobs().await;
}

/// Returns how many emails wait, and the highest number of attempts among them.
async fn count_waiting(app: &TestApp) -> (i64, i64) {
    let mut db = app.services.db.read().await.unwrap();
    let sql = "SELECT COUNT(*), COALESCE(MAX(attempts), 0) FROM outbox WHERE next_attempt_at IS NOT NULL";
    whereabouts::fetch!(&mut db, fetch_one as (i64, i64), sql).unwrap()
}

/// Like `both!`, with emails sent by the test.
macro_rules! both_with_manual_mail {
    ($(#[$doc:meta])* $name:ident, |$app:ident| $body:block) => {
        mod $name {
            use super::*;

            async fn body($app: TestApp) $body

            $(#[$doc])*
            #[tokio::test(flavor = "multi_thread")]
            async fn on_sqlite() {
                body(TestApp::start_with_mail_delivery(Backend::Sqlite, MailDelivery::Manual).await).await;
            }

            $(#[$doc])*
            #[tokio::test(flavor = "multi_thread")]
            async fn on_postgres() {
                body(TestApp::start_with_mail_delivery(Backend::Postgres, MailDelivery::Manual).await).await;
            }
        }
    };
}

both_with_manual_mail!(
    /// ALT-2: two nodes that share an outbox send each email once.
    each_mail_is_sent_once, |app| {
        for name in ["alice", "bob", "carol"] {
            app.add_user(name).await;
            request_reset(&app, name).await;
        }
        let other = app.start_second_node().await;
        tokio::join!(app.send_due(), other.send_due());
        // Each node sends to its own mail server: each email must arrive at exactly one of them.
        let mut to: Vec<_> = app.smtp.take_all().await.into_iter().chain(other.smtp.take_all().await).map(|mail| mail.to).collect();
        to.sort();
        assert_eq!(to, ["alice@example.com", "bob@example.com", "carol@example.com"]);
        app.advance(Duration::days(1));
        app.send_due().await;
        assert!(app.smtp.take_all().await.is_empty());
    }
);

both_with_manual_mail!(
    /// If the mail server fails, an email is retried at growing intervals. After two days it is given up and recorded.
    failed_mails_are_retried_and_given_up, |app| {
        app.add_user("alice").await;
        app.sign_in("alice").await;
        let alert = async |user_agent: &str| drop(app.sign_in_as("alice", user_agent).await);
        app.smtp.set_refusing(true);
        alert("Wget/1.21.3").await;
        for (pause, attempts) in [(0, 1), (9, 1), (1, 2), (19, 2), (1, 3)] {
            app.advance(Duration::seconds(pause));
            app.send_due().await;
            assert_eq!(count_waiting(&app).await, (1, attempts), "after {pause} s more");
        }
        app.smtp.set_refusing(false);
        app.advance(Duration::hours(1));
        app.send_due().await;
        assert_eq!(app.smtp.take_all().await.len(), 1);
        app.smtp.set_refusing(true);
        alert("python-requests/2.32.3").await;
        app.send_due().await;
        assert_eq!((count_waiting(&app).await.0, app.count_events("mail.given_up", "refused").await), (1, 0));
        app.advance(Duration::days(2));
        app.send_due().await;
        assert_eq!((count_waiting(&app).await.0, app.count_events("mail.given_up", "refused").await), (0, 1));
    }
);

both_with_manual_mail!(
    /// An email whose link has expired is given up and recorded, not sent. Another user's notice is still retried.
    a_mail_is_not_sent_after_its_link_expired, |app| {
        for name in ["alice", "bob"] {
            app.add_user(name).await;
            app.sign_in(name).await;
        }
        app.smtp.set_refusing(true);
        request_reset(&app, "alice").await;
        app.sign_in_as("bob", "Wget/1.21.3").await;
        app.send_due().await;
        assert_eq!(count_waiting(&app).await, (2, 1));
        app.advance(Duration::minutes(30) - Duration::microseconds(1));
        app.send_due().await;
        assert_eq!((count_waiting(&app).await, app.count_events("mail.given_up", "refused").await), ((2, 2), 0));
        app.smtp.set_refusing(false);
        app.advance(Duration::hours(1));
        app.send_due().await;
        let sent: Vec<_> = app.smtp.take_all().await.into_iter().map(|mail| mail.to).collect();
        assert_eq!((sent, app.count_events("mail.given_up", "refused").await), (vec!["bob@example.com".to_owned()], 1));
    }
);

both_with_manual_mail!(
    /// LIM-3, ALT-2: beyond five an hour, notices of one kind are collected into one digest with their number, sent at the end of the hour.
    /// Other kinds, other users and requested emails are not delayed.
    excess_notices_are_collected_into_a_digest, |app| {
        app.add_user("alice").await;
        app.add_user("bob").await;
        let (alice, bob) = (app.sign_in("alice").await, app.sign_in("bob").await);
        let subjects = async || {
            app.send_due().await;
            app.smtp.take_all().await.into_iter().map(|mail| (mail.to, mail.subject)).collect::<Vec<_>>()
        };
        for number in 0..9 {
            alice.create_token(&format!("job {number}"), "read", "curl/8.5.0").await;
            app.advance(Duration::minutes(1));
        }
        let at_once = subjects().await;
        let expected: Vec<_> = (0..5).map(|number| ("alice@example.com".to_owned(), format!("An API token was created: job {number}"))).collect();
        assert_eq!(at_once, expected);
        bob.create_token("his", "read", "curl/8.5.0").await;
        app.sign_in_as("alice", "Wget/1.21.3").await;
        request_reset(&app, "alice").await;
        assert_eq!(subjects().await.len(), 3);
        app.advance(Duration::minutes(51) - Duration::microseconds(1));
        assert_eq!(subjects().await, []);
        app.advance(Duration::microseconds(1));
        app.send_due().await;
        let mails = app.smtp.take_all().await;
        assert_eq!(mails.len(), 1);
        let (mail, words) = (&mails[0], "This is the latest of 4 similar emails.");
        assert_eq!((mail.to.as_str(), mail.subject.as_str()), ("alice@example.com", "An API token was created: job 8"));
        assert!(mail.text.contains(words) && mail.html.contains(words), "{mail:?}");
        // A digest that was sent collects no more: the next notice is a new email.
        app.advance(Duration::hours(1));
        app.sign_in("alice").await.create_token("another", "read", "curl/8.5.0").await;
        assert_eq!(subjects().await.len(), 1);
    }
);

both_with_manual_mail!(
    /// ALT-2: an email is in the outbox together with its cause. Its content is encrypted, and erased once it is sent.
    mails_are_encrypted_and_erased_once_sent, |app| {
        app.add_user("alice").await;
        request_reset(&app, "alice").await;
        let read = async || {
            let mut db = app.services.db.read().await.unwrap();
            let sql = "SELECT encrypted_content, user_id FROM outbox";
            let row: (String, Option<String>) = whereabouts::fetch!(&mut db, fetch_one as (String, Option<String>), sql).unwrap();
            row
        };
        let (encrypted, user) = read().await;
        assert!(encrypted.len() > 100 && !encrypted.contains("alice") && user.is_some());
        app.send_due().await;
        assert_eq!(read().await.0, "");
    }
);

/// OPS-2: without a mail server, emails are files that only their owner can read, like the key.
#[tokio::test(flavor = "multi_thread")]
async fn mails_are_written_to_files_without_a_mail_server() {
    let app = TestApp::start_with_mail_delivery(Backend::Sqlite, MailDelivery::ManualToFiles).await;
    app.add_user("alice").await;
    request_reset(&app, "alice").await;
    app.send_due().await;
    let folder = &app.services.config.storage.data_dir;
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let files: Vec<_> = std::fs::read_dir(folder.join("outbox")).unwrap().map(|file| file.unwrap().path()).collect();
    assert_eq!((files.len(), mode(&files[0]), mode(&folder.join("outbox")), mode(&folder.join("keys"))), (1, 0o600, 0o700, 0o600));
    let text = std::fs::read_to_string(&files[0]).unwrap();
    assert!(files[0].extension().is_some_and(|extension| extension == "eml") && text.contains("To: alice@example.com"), "{text}");
}
