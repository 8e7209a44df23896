//! What is done with accounts.

use secrecy::SecretString;
use serde_json::json;

use crate::{
    accounts::{
        model::{Account, check_email, check_username},
        store::{self, Credentials, Listed},
    },
    audit::{self, Action, Event, Outcome},
    error::AppError,
    foundation::{
        clock::Clock,
        db::{Db, Tx},
        ids::UserId,
    },
};

/// A new account, as somebody asks for it.
pub struct NewAccount {
    /// The name to sign in by.
    pub username: String,
    /// The address to sign in by.
    pub email: String,
    /// The password, not hashed yet.
    pub password: SecretString,
    /// Whether this person administers the service.
    pub is_admin: bool,
}

impl NewAccount {
    /// Whether name and address can be taken. What may be a password, `password::rules` says.
    pub fn check(&self) -> Result<(), AppError> {
        check_username(&self.username)?;
        check_email(&self.email)
    }

    /// Makes the account, its password hashed before the transaction was opened, and puts it on record.
    pub async fn create(self, tx: &mut Tx, clock: &Clock, password_hash: &str) -> Result<Account, AppError> {
        let Self { username, email, is_admin, .. } = self;
        let account =
            Account { id: UserId::new(clock.now()), name: username.clone(), time_zone: "UTC".to_owned(), username, email, is_admin };
        store::insert(tx, &account, password_hash, clock.now()).await.map_err(taken)?;
        audit::record(tx, clock, about(&account.id, Action::AccountCreated, json!({ "administrator": is_admin }))).await?;
        Ok(account)
    }
}

/// A name or an address that somebody else has, in words.
pub fn taken(error: sqlx::Error) -> AppError {
    match error.as_database_error() {
        // Both databases name the index, or its column.
        Some(cause) if cause.is_unique_violation() && cause.message().contains("email") => {
            AppError::invalid("email", "An account has this email address already.")
        }
        Some(cause) if cause.is_unique_violation() => {
            AppError::invalid("username", "This username is taken, or looks like one that is. Choose another.")
        }
        _ => error.into(),
    }
}

/// The account that a username or e-mail address names.
pub async fn find(db: &Db, identifier: &str) -> Result<Credentials, AppError> {
    store::find(&mut db.read().await?, identifier).await?.ok_or(AppError::NotFound)
}

/// All accounts.
pub async fn list(db: &Db) -> Result<Vec<Listed>, AppError> {
    Ok(store::list(&mut db.read().await?).await?)
}

/// An event of administration.
pub fn about(subject: &UserId, action: Action, detail: serde_json::Value) -> Event<'_> {
    Event { action, outcome: Outcome::Success, actor: None, session: None, token: None, subject: Some(subject), ip: None, detail }
}
