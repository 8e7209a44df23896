//! The command line as a client of a server, as users and scripts run it.

use std::{os::unix::fs::PermissionsExt, path::Path, process::Output};

use crate::support::{PASSWORD, TestApp};
use serde_json::Value;
use tokio::{io::AsyncWriteExt, process::Command};

/// One user's command line, with its own configuration folder.
struct Shell<'a> {
    app: &'a TestApp,
    folder: tempfile::TempDir,
}

impl<'a> Shell<'a> {
    fn new(app: &'a TestApp) -> Self {
        Self { app, folder: tempfile::tempdir().unwrap() }
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.env_clear().env("HOME", self.folder.path()).env("PATH", std::env::var("PATH").unwrap()).env("no_proxy", "*");
        command
    }

    async fn run(&self, arguments: &[&str]) -> Output {
        self.command(env!("CARGO_BIN_EXE_whereabouts")).args(arguments).output().await.unwrap()
    }

    async fn login(&self, name: &str, password: &str) -> Output {
        let mut command = self.command(env!("CARGO_BIN_EXE_whereabouts"));
        command.args(["login", "--url", &self.app.url(""), "--username", name, "--password-stdin"]);
        command.stdin(std::process::Stdio::piped()).stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
        let mut child = command.spawn().unwrap();
        child.stdin.take().unwrap().write_all(format!("{password}\n").as_bytes()).await.unwrap();
        child.wait_with_output().await.unwrap()
    }

    fn login_file(&self) -> std::path::PathBuf {
        self.folder.path().join(".config/whereabouts/login.json")
    }
}

fn code(output: &Output) -> i32 {
    output.status.code().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{output:?}"))
}

fn mode(path: &Path) -> u32 {
    path.metadata().unwrap().permissions().mode() & 0o777
}

both!(
    /// Login, sessions, revoke, logout: the command line has a session like any other, labeled as such, and only its user can read the
    /// token (OPS-2).
    the_command_line_has_a_session, |app| {
        app.add_user("alice").await;
        app.add_user("bob").await;
        let (alice, bob) = (app.sign_in("alice").await, app.sign_in("bob").await);
        let shell = Shell::new(&app);
        let login = shell.login("alice", PASSWORD).await;
        assert_eq!((code(&login), text(&login.stdout)), (0, format!("Signed in to {}.\n", app.url(""))), "{login:?}");
        assert_eq!((mode(&shell.login_file()), mode(shell.login_file().parent().unwrap())), (0o600, 0o700));
        let listed = json(&shell.run(&["sessions"]).await);
        let own = listed.as_array().unwrap().iter().find(|session| session["current"] == true).unwrap();
        assert_eq!(own["device"]["label"], "Whereabouts CLI on Linux");
        assert_eq!(listed.as_array().unwrap().len(), 2);
        let revoked = shell.run(&["revoke", &alice.id]).await;
        assert_eq!((code(&revoked), json(&revoked)["revoked"].as_i64()), (0, Some(1)));
        assert!(!alice.is_signed_in().await && bob.is_signed_in().await);
        app.sign_in("alice").await;
        assert_eq!(json(&shell.run(&["revoke", "--others"]).await)["revoked"], 1);
        assert_eq!(code(&shell.run(&["logout"]).await), 0);
        assert!(!shell.login_file().exists());
        assert_eq!(app.count_events("account.signed_out", "success").await, 1);
        assert_eq!(code(&shell.run(&["logout"]).await), 0);
    }
);

both!(
    /// Exit codes distinguish failures for scripts. A failure prints one line on standard error and nothing on standard output.
    exit_codes_say_what_failed, |app| {
        app.add_user("alice").await;
        app.add_user("bob").await;
        let bob = app.sign_in("bob").await;
        let shell = Shell::new(&app);
        let check = |output: Output, expected: i32, message: &str| {
            let error = text(&output.stderr);
            assert_eq!((code(&output), text(&output.stdout).as_str()), (expected, ""), "{error}");
            assert!(error.contains(message) && (expected == 2 || error.lines().count() == 1), "{error}");
        };
        check(shell.run(&["sessions"]).await, 3, "not signed in");
        check(shell.login("alice", "not this one").await, 1, "The username, email address or password is incorrect.");
        check(shell.run(&["revoke"]).await, 2, "required");
        assert_eq!(code(&shell.login("alice", PASSWORD).await), 0);
        check(shell.run(&["revoke", &bob.id]).await, 4, "session not found");
        check(shell.run(&["revoke", "../tokens"]).await, 4, "session not found");
        let own = json(&shell.run(&["sessions"]).await)[0]["id"].as_str().unwrap().to_owned();
        check(shell.run(&["revoke", &own]).await, 1, "To end it, sign out.");
        // The session was revoked elsewhere: the next command reports it, and logging out still succeeds.
        let alice = app.sign_in("alice").await;
        alice.delete("/api/v1/sessions").await;
        check(shell.run(&["sessions"]).await, 3, "run: whereabouts login");
        assert_eq!(code(&shell.run(&["logout"]).await), 0);
        check(shell.run(&["login", "--url", "sessions.example", "--username", "alice", "--password-stdin"]).await, 1, "must start with http:// or https://");
        let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        check(shell.run(&["login", "--url", &format!("http://{nobody}"), "--username", "alice", "--password-stdin"]).await, 5, "does not respond");
        assert!(bob.is_signed_in().await);
    }
);

both!(
    /// A new login replaces the previous one. An API token in the environment takes precedence over both.
    a_login_replaces_the_previous_one, |app| {
        app.add_user("alice").await;
        app.add_user("bob").await;
        let (alice, shell) = (app.sign_in("alice").await, Shell::new(&app));
        for name in ["alice", "bob"] {
            assert_eq!(code(&shell.login(name, PASSWORD).await), 0);
        }
        assert_eq!(alice.sessions().await.len(), 1);
        let token = alice.create_token("script", "read", "curl/8.5.0").await;
        let ask = async |arguments: &[&str]| {
            let mut command = shell.command(env!("CARGO_BIN_EXE_whereabouts"));
            command.args(arguments).env("WHEREABOUTS_TOKEN", &token.token).env("WHEREABOUTS_URL", app.url("")).output().await.unwrap()
        };
        assert_eq!(json(&ask(&["sessions"]).await)[0]["id"], alice.id.as_str());
        let refused = ask(&["revoke", "--others"]).await;
        assert_eq!(code(&refused), 1);
        assert!(text(&refused.stderr).contains("permission group"), "{refused:?}");
    }
);

both!(
    /// Prints a table on a terminal, and JSON otherwise or on request.
    a_terminal_gets_a_table, |app| {
        app.add_user("alice").await;
        let shell = Shell::new(&app);
        shell.login("alice", PASSWORD).await;
        let on_terminal = async |arguments: &str| {
            let line = format!("{} {arguments}", env!("CARGO_BIN_EXE_whereabouts"));
            text(&shell.command("script").args(["--quiet", "--return", "--command", &line, "/dev/null"]).output().await.unwrap().stdout)
        };
        let table = on_terminal("sessions").await;
        assert!(table.starts_with("ID ") && table.contains("Whereabouts CLI on Linux (this one)") && table.contains("LAST ACTIVE"), "{table}");
        let listed: Value = serde_json::from_str(&on_terminal("sessions --json").await).unwrap();
        assert_eq!(listed[0]["current"], true);
        assert!(on_terminal("revoke --others").await.contains("Sessions ended: 0."));
    }
);

both!(
    /// MFA-6: the command line asks for the second factor like every other way to sign in.
    the_command_line_asks_for_the_second_factor, |app| {
        app.add_user("alice").await;
        let alice = app.sign_in("alice").await;
        let (_, codes) = crate::support::totp::enable_two_factor(&alice).await;
        let shell = Shell::new(&app);
        let login = shell.login("alice", PASSWORD).await;
        assert_eq!(code(&login), 1);
        assert!(text(&login.stderr).contains("authenticator app"), "{login:?}");
        let mut command = shell.command(env!("CARGO_BIN_EXE_whereabouts"));
        command.args(["login", "--url", &app.url(""), "--username", "alice", "--password-stdin", "--code", &codes[0]]);
        command.stdin(std::process::Stdio::piped());
        let mut child = command.spawn().unwrap();
        child.stdin.take().unwrap().write_all(format!("{PASSWORD}\n").as_bytes()).await.unwrap();
        assert_eq!(code(&child.wait_with_output().await.unwrap()), 0);
    }
);
