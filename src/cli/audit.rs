//! `whereabouts audit`.

use std::{
    fs::File,
    io::{IsTerminal as _, Read as _},
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
};

use anyhow::Context as _;
use clap::{Args, Subcommand};
use serde_json::json;

use crate::{
    audit::{
        receipt::model::Receipt,
        seal::{outside::CheckpointFiles, store},
        tree::VerifierKey,
        verify::{
            actions::{Trusted, verify},
            model::{Bad, Report},
        },
    },
    cli::read_only,
    foundation::{config::Storage, crypto::keyring::Keyring, db::Db},
};

/// A receipt is below this size, in bytes: an event has 64 KiB at most.
const MAX_RECEIPT_BYTES: u64 = 1 << 20;
const EXIT_CODES: &str = "Exit codes: 0 all holds; 1 something does not; 2 it could not look.";

#[derive(Subcommand)]
pub enum Audit {
    /// Verify the whole audit log: events, tree, checkpoints. Names the first event that was changed, removed, moved or added.
    #[command(after_help = EXIT_CODES)]
    Verify(Verify),
    /// Verify a receipt, offline.
    #[command(after_help = EXIT_CODES)]
    VerifyReceipt(VerifyReceipt),
    /// Print the key that verifies checkpoints and receipts.
    Key {
        #[command(flatten)]
        storage: Storage,
    },
}

#[derive(Args)]
pub struct Verify {
    /// Print JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    storage: Storage,
}

#[derive(Args)]
pub struct VerifyReceipt {
    /// The receipt.
    file: PathBuf,
    /// The verifier key of the log: NAME+HASH+BASE64.
    #[arg(long)]
    key: String,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// Why a command did not confirm that all holds.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// Exit code 1.
    #[error("{0}")]
    Bad(String),
    /// Exit code 2.
    #[error("could not look: {0:#}")]
    CouldNotLook(anyhow::Error),
}

impl Failure {
    /// Returns the exit code of the process.
    pub fn exit_code(&self) -> ExitCode {
        ExitCode::from(match self {
            Self::Bad(_) => 1,
            Self::CouldNotLook(_) => 2,
        })
    }
}

pub async fn run(audit: Audit) -> anyhow::Result<()> {
    match audit {
        Audit::Verify(Verify { json, storage }) => {
            let report = verify_log(&storage).await.map_err(Failure::CouldNotLook)?;
            print_report(&report, json)
        }
        Audit::VerifyReceipt(arguments) => verify_receipt(&arguments),
        Audit::Key { storage } => print_key(&storage).await,
    }
}

async fn verify_log(storage: &Storage) -> anyhow::Result<Report> {
    let keyring = Arc::new(Keyring::open_existing(&storage.data_dir)?);
    let files = CheckpointFiles::new(&storage.data_dir);
    let report = read_only(storage, async |db: &Db| verify(db, &Trusted { keyring, files: &files }, show_progress).await).await;
    if std::io::stderr().is_terminal() {
        eprint!("\r\x1b[K");
    }
    report
}

fn show_progress(done: i64, all: i64) {
    if std::io::stderr().is_terminal() {
        eprint!("\r\x1b[K{done} of {all} events");
    }
}

fn print_report(report: &Report, is_json: bool) -> anyhow::Result<()> {
    if is_json {
        println!("{}", serde_json::to_string_pretty(report)?);
    } else if report.ok {
        let waiting = report.events - report.sealed;
        println!("The audit log is intact: {} events in the tree, {waiting} waiting for it.", report.sealed);
    }
    match &report.first_bad {
        None => Ok(()),
        Some(bad) => Err(Failure::Bad(describe(bad)).into()),
    }
}

fn describe(Bad { seq, id, why }: &Bad) -> String {
    match (seq, id) {
        (Some(seq), Some(id)) => format!("event {seq} ({id}): {why}"),
        (Some(seq), None) => format!("event {seq}: {why}"),
        (None, Some(id)) => format!("event {id}: {why}"),
        (None, None) => why.clone(),
    }
}

fn verify_receipt(VerifyReceipt { file, key, json }: &VerifyReceipt) -> anyhow::Result<()> {
    let (receipt, key) = read_receipt(file, key).map_err(Failure::CouldNotLook)?;
    let verified = receipt.verify(&key).map_err(|error| Failure::Bad(format!("{}: {error}", file.display())))?;
    let checkpoint = &verified.checkpoint;
    if *json {
        let checkpoint = json!({ "size": checkpoint.head.size, "root": checkpoint.head.root.to_base64(), "origin": checkpoint.origin });
        let event = json!({ "seq": verified.seq, "entry": verified.entry, "personal": verified.personal });
        println!("{}", serde_json::to_string_pretty(&json!({ "ok": true, "event": event, "checkpoint": checkpoint }))?);
    } else {
        println!("The receipt holds: event {} of {} is in the tree of {} events.", verified.seq, checkpoint.origin, checkpoint.head.size);
        println!("{}", serde_json::to_string_pretty(&verified.entry)?);
        for part in &verified.personal {
            println!("{}", serde_json::to_string_pretty(part)?);
        }
    }
    Ok(())
}

fn read_receipt(file: &Path, key: &str) -> anyhow::Result<(Receipt, VerifierKey)> {
    let key = key.trim().parse().context("the key is not a verifier key: NAME+HASH+BASE64")?;
    let mut text = String::new();
    let opened = File::open(file).with_context(|| format!("{} cannot be read", file.display()))?;
    opened.take(MAX_RECEIPT_BYTES).read_to_string(&mut text).with_context(|| format!("{} cannot be read", file.display()))?;
    Ok((serde_json::from_str(&text).with_context(|| format!("{} is not a receipt", file.display()))?, key))
}

async fn print_key(storage: &Storage) -> anyhow::Result<()> {
    let head = read_only(storage, async |db: &Db| Ok(store::find_head(&mut db.read().await?).await?)).await?;
    println!("{}", head.context("the audit log has no key yet: the server makes it when it seals the first event")?.verifier_key);
    Ok(())
}
