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
        let account = Account { id: UserId::new(clock.now()), name: username.clone(), username, email, is_admin };
        store::insert(tx, &account, password_hash, clock.now()).await.map_err(taken)?;
        audit::record(tx, clock, about(&account.id, Action::AccountCreated, json!({ "administrator": is_admin }))).await?;
        Ok(account)
    }
}

fn taken(error: sqlx::Error) -> AppError {
    match error.as_database_error() {
        Some(cause) if cause.is_unique_violation() => {
            AppError::invalid("username", "This username or email address is taken. Choose another.")
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

/// Lets an account sign in again. Whether it could not before.
pub async fn enable(db: &Db, clock: &Clock, id: &UserId) -> Result<bool, AppError> {
    let mut tx = db.write().await?;
    let changed = store::set_disabled(&mut tx, id, None).await?;
    if changed {
        audit::record(&mut tx, clock, about(id, Action::AccountEnabled, json!({}))).await?;
    }
    tx.commit().await?;
    Ok(changed)
}

/// An event of administration.
pub fn about(subject: &UserId, action: Action, detail: serde_json::Value) -> Event<'_> {
    Event { action, outcome: Outcome::Success, actor: None, session: None, subject: Some(subject), ip: None, detail }
}
