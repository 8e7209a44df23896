//! Runs the shell lines in README as they are.

use serde_json::json;
use tokio::process::Command;

/// Returns the first block of shell lines below this heading.
fn block(heading: &str) -> String {
    let readme = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md")).unwrap();
    let section = readme.split_once(&format!("\n## {heading}\n")).unwrap().1;
    section.split_once("```sh\n").unwrap().1.split_once("```").unwrap().0.to_owned()
}

both!(
    /// Each line of README's section on scripts does what README says. Bob is not affected.
    scripts_do_what_readme_says, |app| {
        app.add_user("alice").await;
        app.add_user("bob").await;
        let (alice, bob) = (app.sign_in("alice").await, app.sign_in("bob").await);
        let chosen = json!({ "current": crate::support::PASSWORD, "new": "a long password" });
        assert!(alice.request(reqwest::Method::PUT, "/api/v1/me/password").json(&chosen).send().await.unwrap().status().is_success());
        let lines = format!("set -euo pipefail\n{}", block("From a script"));
        let run = Command::new("bash").args(["-c", &lines]).env("WHEREABOUTS_URL", app.url("")).env("no_proxy", "*").output().await.unwrap();
        let stdout = String::from_utf8(run.stdout).unwrap();
        assert!(run.status.success(), "{stdout}{}", String::from_utf8_lossy(&run.stderr));
        // Two sessions, both of curl, and then none.
        assert_eq!(stdout, "curl\ncurl\n{\"revoked\":2}");
        assert!(bob.is_signed_in().await);
        assert_eq!(app.count_events("token.created", "success").await, 1);
    }
);
