//! Creates, finds and lists accounts.

use secrecy::SecretString;
use serde_json::json;

use crate::{
    accounts::{
        model::{Account, check_email, check_username},
        store::{self, AccountSummary, Credentials},
    },
    error::AppError,
    foundation::{
        db::{Db, Tx},
        ids::UserId,
    },
    record::{Action, Event, Recorder},
};

/// Normalized names that one transaction fills.
const NAMES_PER_TRANSACTION: i64 = 1_000;

/// An account to create.
pub struct NewAccount {
    /// The username to sign in with.
    pub username: String,
    /// The email address to sign in with.
    pub email: String,
    /// The password, not hashed yet.
    pub password: SecretString,
    /// Whether the user is an administrator.
    pub is_admin: bool,
}

impl NewAccount {
    /// Checks the username and the email address. The password is checked by `password::rules`.
    ///
    /// Errors: [`AppError::Invalid`].
    pub fn check(&self) -> Result<(), AppError> {
        check_username(&self.username)?;
        check_email(&self.email)
    }

    /// Creates the account and writes an audit event. The password must be hashed before the transaction is opened.
    ///
    /// Errors: [`AppError::Invalid`] if the username or the email address is in use.
    pub async fn create(self, tx: &mut Tx, recorder: &Recorder, password_hash: &str) -> Result<Account, AppError> {
        let Self { username, email, is_admin, .. } = self;
        let account = Account {
            id: UserId::new(recorder.clock().now()),
            name: username.clone(),
            time_zone: "UTC".to_owned(),
            username,
            email,
            is_admin,
        };
        store::insert(tx, &account, password_hash, recorder.clock().now()).await.map_err(map_unique_violation)?;
        let detail = json!({ "administrator": is_admin });
        recorder.write(tx, administration_event(&account.id, Action::AccountCreated, detail)).await?;
        Ok(account)
    }
}

/// Fills the normalized names that accounts of an earlier schema lack. Runs after each migration of the database, and does nothing the
/// next time.
pub async fn normalize_names(db: &Db) -> sqlx::Result<()> {
    let mut after = String::new();
    loop {
        let found = store::list_without_normalized_name(&mut db.read().await?, &after, NAMES_PER_TRANSACTION).await?;
        let Some((last, _)) = found.last() else { return Ok(()) };
        after = last.to_string();
        let mut tx = db.write().await?;
        for (id, name) in &found {
            store::set_normalized_name(&mut tx, id, name).await?;
        }
        tx.commit().await?;
    }
}

/// Maps a unique violation to an error about the username or the email address that is in use.
pub fn map_unique_violation(error: sqlx::Error) -> AppError {
    match error.as_database_error() {
        // Both databases name the index or its column.
        Some(cause) if cause.is_unique_violation() && cause.message().contains("email") => {
            AppError::invalid("email", "An account with this email address already exists.")
        }
        Some(cause) if cause.is_unique_violation() => {
            AppError::invalid("username", "This username is taken or too similar to a taken one. Choose another one.")
        }
        _ => error.into(),
    }
}

/// Finds an account by username or email address.
///
/// Errors: [`AppError::NotFound`].
pub async fn find(db: &Db, identifier: &str) -> Result<Credentials, AppError> {
    store::find(&mut db.read().await?, identifier).await?.ok_or(AppError::NotFound)
}

/// Lists all accounts.
pub async fn list(db: &Db) -> Result<Vec<AccountSummary>, AppError> {
    Ok(store::list(&mut db.read().await?).await?)
}

/// Creates an audit event about an account, without an actor.
pub fn administration_event(subject: &UserId, action: Action, detail: serde_json::Value) -> Event<'_> {
    Event { subject: Some(subject), ..Event::new(action, detail) }
}
