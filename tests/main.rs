//! The tests that may run side by side, in one program: each program of tests contains the whole server, and takes its time and disk to link.
//! What measures times or reads what its whole process does has a program of its own, named in Cargo.toml.
#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

#[macro_use]
mod support;

mod admin;
mod alerts;
mod api;
mod api_tokens;
mod audit;
mod audit_log;
mod client;
mod commands;
mod ended;
mod grants;
mod joining;
mod limits;
mod live;
mod mail;
mod members;
mod password;
mod permissions;
mod plants;
mod plants_forms;
mod plants_pages;
mod presence;
mod profile;
mod proxies;
mod quota;
mod races;
mod readme;
mod sessions;
mod sign_in;
mod tampering;
mod two_factor;
mod upgrade;
mod web;
mod workers;

/// Regression test for a file of tests that nobody runs: Cargo does not look for them by itself.
#[test]
fn each_file_of_tests_is_run() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests");
    let (modules, programs) = (include_str!("main.rs"), include_str!("../Cargo.toml"));
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let Some(name) = path.file_name().unwrap().to_str().unwrap().strip_suffix(".rs") else { continue };
        let is_run = modules.contains(&format!("\nmod {name};\n")) || programs.contains(&format!("path = \"tests/{name}.rs\""));
        assert!(is_run, "tests/{name}.rs is neither a module of tests/main.rs nor a program in Cargo.toml");
    }
}
