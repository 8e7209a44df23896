//! `whereabouts migrate`.

use crate::{cli::open, foundation::config::Storage};

/// Migrates the database to this version.
pub async fn run(storage: &Storage) -> anyhow::Result<()> {
    let (db, _) = open(storage).await?;
    db.close().await;
    println!("The database schema is up to date.");
    Ok(())
}
