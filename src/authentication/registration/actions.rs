//! Creates the first administrator, and accounts from the command line.

use secrecy::ExposeSecret;

use crate::{
    accounts::{actions::NewAccount, model::Account, store as accounts},
    authentication::{password, registration::notices},
    error::AppError,
    foundation::{
        crypto::{
            one_time_tokens::{self, Purpose},
            secret::Secret,
        },
        db::{Db, Tx},
        services::Services,
    },
    reauthentication::actor::COMMAND_LINE,
    record::Recorder,
};

/// Creates a one-time token for the page that creates the first administrator. Returns `None` if there is an account already.
pub async fn create_setup_token(services: &Services) -> Result<Option<Secret>, AppError> {
    let mut tx = services.db.write().await?;
    if accounts::any_exists(&mut tx).await? {
        return Ok(None);
    }
    let secret = one_time_tokens::create(&mut tx, Purpose::Setup, None, &(), services.clock.now()).await?;
    tx.commit().await?;
    Ok(Some(secret))
}

/// Returns whether this token can still create the first administrator.
pub async fn is_setup_token_valid(services: &Services, token: &str) -> Result<bool, AppError> {
    Ok(one_time_tokens::peek(&mut services.db.read().await?, Purpose::Setup, token, services.clock.now()).await?.is_some())
}

/// Creates the first administrator, consumes the token and cancels all other setup tokens.
///
/// Errors: [`AppError::NotFound`] if the token is invalid or an account exists; [`AppError::Invalid`] if a field breaks a rule;
/// [`AppError::Busy`].
pub async fn create_first_administrator(services: &Services, token: &str, account: NewAccount) -> Result<Account, AppError> {
    if !is_setup_token_valid(services, token).await? {
        return Err(AppError::NotFound);
    }
    account.check()?;
    password::rules::check("password", account.password.expose_secret(), &[&account.username, &account.email])?;
    let password_hash = services.hasher.reserve()?.hash(account.password.clone()).await;
    let mut tx = services.db.write().await?;
    let consumed = one_time_tokens::consume(&mut tx, Purpose::Setup, token, services.clock.now()).await?;
    if consumed.is_none() || accounts::any_exists(&mut tx).await? {
        return Err(AppError::NotFound);
    }
    let account = create_account(&mut tx, &services.recorder, NewAccount { is_admin: true, ..account }, &password_hash).await?;
    tx.commit().await?;
    Ok(account)
}

/// Creates an account from the command line. Notifies nobody: see [`add_administrator`].
pub async fn add_account(db: &Db, recorder: &Recorder, account: NewAccount, password_hash: &str) -> Result<Account, AppError> {
    let mut tx = db.write().await?;
    let account = create_account(&mut tx, recorder, account, password_hash).await?;
    tx.commit().await?;
    Ok(account)
}

/// Creates an administrator from the command line and notifies the others.
pub async fn add_administrator(services: &Services, account: NewAccount, password_hash: &str) -> Result<Account, AppError> {
    let mut tx = services.db.write().await?;
    let account = create_account(&mut tx, &services.recorder, NewAccount { is_admin: true, ..account }, password_hash).await?;
    notices::notify_of_new_administrator(&mut tx, services, &account, COMMAND_LINE).await?;
    tx.commit().await?;
    Ok(account)
}

/// Creates an account and cancels the setup tokens: once an account exists, none may create the first administrator.
async fn create_account(tx: &mut Tx, recorder: &Recorder, account: NewAccount, password_hash: &str) -> Result<Account, AppError> {
    let account = account.create(tx, recorder, password_hash).await?;
    one_time_tokens::cancel(tx, Purpose::Setup, None).await?;
    Ok(account)
}
