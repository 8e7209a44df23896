//! The audit log: sealing, verification, receipts and tiles.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use chrono::Duration;
use reqwest::StatusCode;
use serde_json::json;
use tokio::sync::Barrier;
use whereabouts::{
    audit::{
        receipt::{
            actions::{self as receipts, Found},
            model::Receipt,
        },
        seal::{actions::Sealer, outside::CheckpointFiles, store},
        tree::{Checkpoint, CompactRange, Hash, Note, SigningKey, VerifierKey},
        verify::{
            actions::{Increment, Trusted, Verifier, verify},
            model::Report,
            store::find_result,
            worker::verify_increment,
        },
    },
    foundation::{
        client::{headers::UserAgentHeaders, info::ClientInfo},
        ids::{EventId, UserId},
    },
    record::{Action, Event},
};

use crate::support::TestApp;

pub async fn seal(app: &TestApp) {
    Sealer::default().seal_all(&app.services).await.unwrap();
}

pub fn files(app: &TestApp) -> CheckpointFiles {
    CheckpointFiles::new(&app.services.config.storage.data_dir)
}

pub async fn report(app: &TestApp) -> Report {
    let trusted = Trusted { keyring: app.services.keyring.clone(), files: &files(app) };
    verify(&app.services.db, &trusted, |_, _| {}).await.unwrap()
}

/// Writes events of two people.
pub async fn write(app: &TestApp, count: usize) {
    let people = [UserId::new(app.services.clock.now()), UserId::new(app.services.clock.now())];
    let client = ClientInfo::new("192.0.2.7".parse().unwrap(), UserAgentHeaders::default());
    for chunk in (0..count).collect::<Vec<_>>().chunks(100) {
        let mut tx = app.services.db.write().await.unwrap();
        let events = chunk.iter().map(|number| {
            app.services.clock.advance(Duration::milliseconds(1));
            let event = Event::new(Action::PlantChanged, json!({ "name": "Solarpark Süd", "number": number }));
            (
                app.services.clock.now(),
                Event { actor: people.get(number % 2), subject: people.get(number % 2), client: Some(&client), ..event },
            )
        });
        app.services.recorder.write_past(&mut tx, events).await.unwrap();
        tx.commit().await.unwrap();
    }
}

pub async fn id_at(app: &TestApp, seq: i64) -> String {
    let mut db = app.services.db.read().await.unwrap();
    let sql = "SELECT event_id FROM audit_leaves WHERE seq = $1";
    let (id,): (String,) = whereabouts::fetch!(&mut db, fetch_one as (String,), sql, seq).unwrap();
    id
}

both!(
    /// AUD-1, AUD-2, AUD-4: events that were written are in a signed tree, also outside the database, and hold.
    events_are_sealed_in_their_order, |app| {
        app.add_user("alice").await;
        app.add_user("bob").await;
        app.sign_in("alice").await;
        let before = report(&app).await;
        assert!(before.ok && before.sealed == 0 && before.events == 3, "{before:?}");
        seal(&app).await;
        write(&app, 600).await;
        seal(&app).await;
        let after = report(&app).await;
        assert!(after.ok, "{after:?}");
        assert_eq!((after.events, after.sealed, after.checkpoint.unwrap().size), (603, 603, 603));
        assert_eq!(app.count("SELECT COUNT(*) FROM audit_queue").await, 0);
        assert_eq!(app.count("SELECT COUNT(*) FROM audit_tiles").await, 2);
        assert_eq!(app.count("SELECT COUNT(*) FROM audit_checkpoints").await, 1);
        let ids = "SELECT COUNT(*) FROM audit_leaves one JOIN audit_leaves next ON next.seq = one.seq + 1 WHERE one.event_id >= next.event_id";
        assert_eq!(app.count(ids).await, 0);
        let key = SigningKey::from_seed("127.0.0.1/audit", app.services.keyring.audit_signing_seed()).unwrap();
        let note: Note = files(&app).read().unwrap().unwrap().parse().unwrap();
        assert_eq!(Checkpoint::open(&note, key.verifier()).unwrap().head.size, 603);
        assert_eq!(files(&app).read_all().unwrap().len(), 2);
    }
);

both!(
    /// AUD-1: an event whose transaction is rolled back is in no tree.
    an_event_stands_with_its_change_alone, |app| {
        let mut tx = app.services.db.write().await.unwrap();
        app.services.recorder.write(&mut tx, Event::new(Action::PlantChanged, json!({}))).await.unwrap();
        drop(tx);
        write(&app, 1).await;
        seal(&app).await;
        let report = report(&app).await;
        assert!(report.ok && report.events == 1 && report.sealed == 1, "{report:?}");
    }
);

both!(
    /// RACE-2: several nodes seal at once while events are written: one tree, no event in it twice, none lost.
    sealers_side_by_side_make_one_tree, |app| {
        const ROUNDS: usize = 30;
        let barrier = Barrier::new(3);
        let seal = async || {
            let mut sealer = Sealer::default();
            for _ in 0..ROUNDS {
                barrier.wait().await;
                sealer.seal(&app.services).await.unwrap();
            }
        };
        let writes = async {
            for _ in 0..ROUNDS {
                barrier.wait().await;
                write(&app, 20).await;
            }
        };
        futures::join!(seal(), seal(), writes);
        crate::audit::seal(&app).await;
        let report = report(&app).await;
        assert!(report.ok && report.sealed == 20 * ROUNDS as i64, "{report:?}");
    }
);

both!(
    /// The tree is by index, not by time: a clock that steps back changes nothing.
    a_clock_that_steps_back_leaves_the_tree_whole, |app| {
        write(&app, 10).await;
        seal(&app).await;
        app.services.clock.advance(-Duration::hours(3));
        write(&app, 10).await;
        seal(&app).await;
        let report = report(&app).await;
        assert!(report.ok && report.sealed == 20, "{report:?}");
    }
);

async fn receipt(app: &TestApp, seq: i64) -> Receipt {
    let id = EventId::parse(&id_at(app, seq).await).unwrap();
    match receipts::find(&mut app.services.db.read().await.unwrap(), &id).await.unwrap() {
        Found::Receipt(receipt) => *receipt,
        other => panic!("{other:?}"),
    }
}

async fn verifier_key(app: &TestApp) -> VerifierKey {
    store::find_head(&mut app.services.db.read().await.unwrap()).await.unwrap().unwrap().verifier_key.parse().unwrap()
}

both!(
    /// AUD-3: a receipt verifies with the key alone, also after the tree has grown, and not after a change.
    receipts_verify_offline, |app| {
        write(&app, 300).await;
        let id = EventId::parse(&format!("{}", EventId::new(app.services.clock.now()))).unwrap();
        assert!(matches!(receipts::find(&mut app.services.db.read().await.unwrap(), &id).await.unwrap(), Found::Nothing));
        seal(&app).await;
        let key = verifier_key(&app).await;
        let early = receipt(&app, 7).await;
        write(&app, 300).await;
        seal(&app).await;
        for (receipt, size) in [(early, 300), (receipt(&app, 7).await, 600)] {
            let verified = receipt.verify(&key).unwrap();
            assert_eq!((verified.seq, verified.checkpoint.head.size, verified.entry.action.as_str()), (7, size, "plant.changed"));
            assert_eq!(verified.personal[0].ip.as_deref(), Some("192.0.2.7"));
            assert_eq!(verified.personal[0].detail["name"], "Solarpark Süd");
            let other = SigningKey::from_seed("127.0.0.1/audit", &[7; 32]).unwrap();
            assert!(receipt.verify(other.verifier()).is_err());
            let entry = BASE64_STANDARD.encode(String::from_utf8(BASE64_STANDARD.decode(&receipt.entry).unwrap()).unwrap().replace("success", "refused"));
            assert!(Receipt { entry, ..receipt.clone() }.verify(&key).is_err());
            let mut forged = receipt.clone();
            forged.personal[0].bytes = BASE64_STANDARD.encode("{\"ip\":\"192.0.2.8\"}");
            assert!(forged.verify(&key).is_err());
        }
    }
);

both!(
    /// Whoever is signed in can read the tree; a stranger cannot.
    the_tree_is_served_as_tiles, |app| {
        app.add_user("alice").await;
        let alice = app.sign_in("alice").await;
        assert!(alice.get("/audit/checkpoint").await.text().await.unwrap().starts_with("127.0.0.1/audit\n0\n"));
        write(&app, 600).await;
        seal(&app).await;
        let size = report(&app).await.sealed as u64;
        for path in ["/audit/checkpoint", "/audit/key", "/audit/tile/0/000"] {
            assert_eq!(app.get(path).await.status(), StatusCode::UNAUTHORIZED, "{path}");
        }
        let key: VerifierKey = alice.get("/audit/key").await.text().await.unwrap().trim().parse().unwrap();
        let note: Note = alice.get("/audit/checkpoint").await.text().await.unwrap().parse().unwrap();
        let head = Checkpoint::open(&note, &key).unwrap().head;
        assert_eq!(head.size, size);
        let mut tree = CompactRange::default();
        for path in ["tile/0/000".to_owned(), "tile/0/001".to_owned(), format!("tile/0/002.p/{}", size % 256)] {
            let answer = alice.get(&format!("/audit/{path}")).await;
            assert_eq!(answer.headers()["content-type"], "application/octet-stream");
            Hash::split_tile(&answer.bytes().await.unwrap()).unwrap().into_iter().for_each(|hash| tree.append(hash));
        }
        assert_eq!(tree.head(), head);
        for path in ["tile/0/003", "tile/0/002", "tile/0/0", "tile/1/000", "tile/x", "tile/0/000.p/0", "tile/entries/000"] {
            assert_eq!(alice.get(&format!("/audit/{path}")).await.status(), StatusCode::NOT_FOUND, "{path}");
        }
    }
);

both!(
    /// AUD-3: the program in the documentation, as it stands there, verifies a real receipt, and refuses a changed one.
    the_documented_program_verifies_a_receipt, |app| {
        write(&app, 300).await;
        seal(&app).await;
        let document = include_str!("../docs/verify-a-receipt.md");
        let program = document.split_once("```python\n").unwrap().1.split_once("```").unwrap().0;
        let (folder, key) = (app.folder(), verifier_key(&app).await.to_string());
        let (script, file) = (folder.path().join("verify.py"), folder.path().join("receipt.json"));
        std::fs::write(&script, program).unwrap();
        let good = receipt(&app, 299).await;
        let entry = BASE64_STANDARD.encode(String::from_utf8(BASE64_STANDARD.decode(&good.entry).unwrap()).unwrap().replace("success", "refused"));
        for (receipt, holds) in [(good.clone(), true), (Receipt { entry, ..good }, false)] {
            std::fs::write(&file, serde_json::to_string(&receipt).unwrap()).unwrap();
            let run = tokio::process::Command::new("python3").arg(&script).arg(&file).arg(&key).output().await.unwrap();
            assert_eq!(run.status.success(), holds, "{}", String::from_utf8_lossy(&run.stderr));
            assert!(!holds || String::from_utf8(run.stdout).unwrap().starts_with("The receipt holds: event 299 of 300 in 127.0.0.1/audit\n"));
        }
    }
);

both!(
    /// The running server verifies by increments, and keeps what it found for the pages.
    the_server_verifies_by_increments, |app| {
        write(&app, 600).await;
        seal(&app).await;
        let trusted = Trusted { keyring: app.services.keyring.clone(), files: &files(&app) };
        let mut verifier = Verifier::default();
        for verified in [250, 500] {
            let part = verifier.advance(&app.services.db, &trusted, 250).await.unwrap();
            assert!(matches!(part, Increment::Part { verified: found, size: 600 } if found == verified), "{part:?}");
        }
        let Increment::Whole(report) = verifier.advance(&app.services.db, &trusted, 250).await.unwrap() else { panic!("it is the end") };
        assert!(report.ok && report.sealed == 600, "{report:?}");
        verify_increment(&app.services, &mut verifier).await.unwrap();
        let kept = find_result(&mut app.services.db.read().await.unwrap()).await.unwrap().unwrap();
        assert_eq!((kept.size, kept.bad_seq, kept.why, kept.verified_at), (600, None, None, app.now()));
    }
);

both!(
    /// The command line verifies the log and receipts, as JSON too; its exit code says whether all holds, something does not, or it could
    /// not look.
    the_command_line_verifies, |app| {
        write(&app, 300).await;
        let run = |arguments: &[&str]| {
            let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_whereabouts"));
            command.arg("audit").args(arguments).env("WHEREABOUTS_DATA_DIR", app.folder().path());
            let output = command.env("WHEREABOUTS_DATABASE_URL", &app.database_url).output().unwrap();
            let text = |bytes| String::from_utf8(bytes).unwrap();
            (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
        };
        seal(&app).await;
        let (code, stdout, _) = run(&["verify", "--json"]);
        let report: serde_json::Value = serde_json::from_str(&stdout).unwrap();
        assert_eq!((code, &report["ok"], &report["sealed"], &report["first_bad"]), (0, &json!(true), &json!(300), &json!(null)));
        assert_eq!((&report["checkpoint"]["size"], &report["checkpoint"]["origin"]), (&json!(300), &json!("127.0.0.1/audit")));
        assert_eq!(run(&["verify"]).1, "The audit log is intact: 300 events in the tree, 0 waiting for it.\n");
        let key = run(&["key"]).1;
        let file = app.folder().path().join("receipt.json");
        std::fs::write(&file, serde_json::to_string(&receipt(&app, 9).await).unwrap()).unwrap();
        let file = file.to_str().unwrap();
        let (code, stdout, _) = run(&["verify-receipt", file, "--key", &key]);
        assert!(code == 0 && stdout.starts_with("The receipt holds: event 9 of 127.0.0.1/audit is in the tree of 300 events.\n"), "{stdout}");
        let (code, stdout, _) = run(&["verify-receipt", file, "--key", &key, "--json"]);
        assert_eq!((code, &serde_json::from_str::<serde_json::Value>(&stdout).unwrap()["event"]["seq"]), (0, &json!(9)));
        std::fs::write(file, serde_json::to_string(&Receipt { entry: BASE64_STANDARD.encode("{}"), ..receipt(&app, 9).await }).unwrap()).unwrap();
        assert_eq!(run(&["verify-receipt", file, "--key", &key]).0, 1);
        assert_eq!(run(&["verify-receipt", "missing.json", "--key", &key]).0, 2);
        let id = id_at(&app, 9).await;
        crate::tampering::tamper(&app, &[&format!("UPDATE audit_events SET outcome = 'refused' WHERE id = '{id}'")]).await;
        let (code, _, stderr) = run(&["verify"]);
        assert_eq!((code, stderr), (1, format!("whereabouts: event 9 ({id}): a column was changed\n")));
        let (code, stdout, _) = run(&["verify", "--json"]);
        let bad = serde_json::from_str::<serde_json::Value>(&stdout).unwrap()["first_bad"].clone();
        assert_eq!((code, bad), (1, json!({ "seq": 9, "id": id, "why": "a column was changed" })));
        std::fs::remove_file(app.folder().path().join("keys")).unwrap();
        assert_eq!(run(&["verify"]).0, 2);
    }
);
