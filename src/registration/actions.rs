//! What joining does.

use secrecy::ExposeSecret;

use crate::{
    accounts::{actions::NewAccount, model::Account, store as accounts},
    error::AppError,
    foundation::{
        clock::Clock,
        db::{Db, Tx},
        links::{self, Purpose},
        secret::Secret,
        services::Services,
    },
    password,
    registration::notices,
};

/// Who acted, in mails, where no account did.
pub const COMMAND_LINE: &str = "the command line";

/// A one-time link's secret for the page that makes the first administrator, where there is no account yet.
pub async fn invite_first_administrator(services: &Services) -> Result<Option<Secret>, AppError> {
    let mut tx = services.db.write().await?;
    if accounts::is_any(&mut tx).await? {
        return Ok(None);
    }
    let secret = links::make(&mut tx, Purpose::Setup, None, &(), services.clock.now()).await?;
    tx.commit().await?;
    Ok(Some(secret))
}

/// Whether this link still makes the first administrator.
pub async fn is_link_good(services: &Services, link: &str) -> Result<bool, AppError> {
    Ok(links::look(&mut services.db.read().await?, Purpose::Setup, link, services.clock.now()).await?.is_some())
}

/// Makes the first administrator and spends the link, with every other that was printed.
pub async fn make_first_administrator(services: &Services, link: &str, account: NewAccount) -> Result<Account, AppError> {
    if !is_link_good(services, link).await? {
        return Err(AppError::NotFound);
    }
    account.check()?;
    password::rules::check("password", account.password.expose_secret(), &[&account.username, &account.email])?;
    let password_hash = services.hasher.reserve()?.hash(account.password.clone()).await;
    let mut tx = services.db.write().await?;
    let spent = links::spend(&mut tx, Purpose::Setup, link, services.clock.now()).await?;
    if spent.is_none() || accounts::is_any(&mut tx).await? {
        return Err(AppError::NotFound);
    }
    let account = create(&mut tx, &services.clock, NewAccount { is_admin: true, ..account }, &password_hash).await?;
    tx.commit().await?;
    Ok(account)
}

/// Makes an account from the command line. Notifies nobody: see [`add_administrator`].
pub async fn add_account(db: &Db, clock: &Clock, account: NewAccount, password_hash: &str) -> Result<Account, AppError> {
    let mut tx = db.write().await?;
    let account = create(&mut tx, clock, account, password_hash).await?;
    tx.commit().await?;
    Ok(account)
}

/// Makes an administrator from the command line, and notifies the others.
pub async fn add_administrator(services: &Services, account: NewAccount, password_hash: &str) -> Result<Account, AppError> {
    let mut tx = services.db.write().await?;
    let account = create(&mut tx, &services.clock, NewAccount { is_admin: true, ..account }, password_hash).await?;
    notices::administrator_added(&mut tx, services, &account, COMMAND_LINE).await?;
    tx.commit().await?;
    Ok(account)
}

/// Where there is an account, no link makes a first administrator any more.
async fn create(tx: &mut Tx, clock: &Clock, account: NewAccount, password_hash: &str) -> Result<Account, AppError> {
    let account = account.create(tx, clock, password_hash).await?;
    links::cancel(tx, Purpose::Setup, None).await?;
    Ok(account)
}
