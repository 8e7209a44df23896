//! What is done with API tokens, once: the page and the API both come through here.

use chrono::{DateTime, Utc};
use serde_json::json;

use crate::{
    access::Client,
    api_tokens::{
        letters,
        model::{ApiToken, LastUse, MOST_A_PERSON, Rotation, TOLD_BEFORE, USUAL_LIFE, Wanted, check_expiry},
        secret::TokenSecret,
        store::{self, Row},
    },
    audit::{self, Action},
    error::AppError,
    foundation::{
        activity::Use,
        db::{Connection, Tx},
        ids::{TokenId, UserId},
        services::Services,
    },
    mail::{self, Kind},
    proof::actions::require_fresh,
    sessions::{
        actions::{by, describe, locate, lock_account},
        caller::Caller,
    },
    tries,
};

/// A token with its secret, which is given out this once.
pub struct Made {
    /// The secret.
    pub secret: TokenSecret,
    /// The token.
    pub token: ApiToken,
}

/// The tokens of the client, the newest first.
pub async fn list(services: &Services, client: &Client) -> Result<Vec<ApiToken>, AppError> {
    of_user(services, &client.account.id).await
}

async fn of_user(services: &Services, user: &UserId) -> Result<Vec<ApiToken>, AppError> {
    let rows = store::of_user(&mut services.db.read().await?, user, services.clock.now()).await?;
    let mut tokens = Vec::with_capacity(rows.len());
    for row in rows {
        tokens.push(show_now(services, row).await?);
    }
    Ok(tokens)
}

/// Memory over database.
async fn show_now(services: &Services, row: Row) -> Result<ApiToken, AppError> {
    let last = services.token_activity.last_use(&row.id).filter(|last| row.last_used_at.is_none_or(|written| last.at > written));
    let mut token = row.show();
    if let Some(last) = last {
        token.last_use = Some(describe_use(services, &last).await?);
    }
    Ok(token)
}

/// A use in words: from where, and by what.
pub async fn describe_use(services: &Services, last: &Use) -> Result<LastUse, AppError> {
    let location = locate(services, last.ip).await;
    let device = describe(services, &last.agent.clone().unwrap_or_default()).await?; // silent: an unknown client
    let (ip, country_code) = (last.ip.to_string(), location.country_code);
    Ok(LastUse { at: last.at, ip, location: location.label, country_code, client: device.label })
}

/// One token of the caller.
pub async fn one(services: &Services, client: &Client, id: &TokenId) -> Result<ApiToken, AppError> {
    let row = store::find(&mut services.db.read().await?, &client.account.id, id, services.clock.now()).await?;
    show_now(services, row.ok_or(AppError::NotFound)?).await
}

/// How many live tokens a person has.
pub async fn count(db: &mut impl Connection, services: &Services, user: &UserId) -> Result<i64, AppError> {
    Ok(store::count(db, user, services.clock.now()).await?)
}

/// How many tokens of a person were used since then, and when one last was.
pub async fn used_since(services: &Services, user: &UserId, since: DateTime<Utc>) -> Result<Option<(usize, DateTime<Utc>)>, AppError> {
    let tokens = of_user(services, user).await?;
    let uses: Vec<_> = tokens.iter().filter_map(|token| token.last_use.as_ref()).map(|last| last.at).filter(|at| *at > since).collect();
    Ok(uses.iter().max().map(|last| (uses.len(), *last)))
}

/// Makes a token. Only a session whose password was proven just now does (API-3).
pub async fn create(services: &Services, caller: &Caller, wanted: &Wanted) -> Result<Made, AppError> {
    require_fresh(services, caller)?;
    let (now, user) = (services.clock.now(), &caller.account.id);
    let row = new_row(wanted, now)?;
    let secret = TokenSecret::generate();
    let mut tx = begin(services, caller).await?;
    if store::count(&mut tx, user, now).await? >= MOST_A_PERSON {
        return Err(AppError::TooManyTokens);
    }
    store::insert(&mut tx, user, &row, told_already(row.expires_at, now)).await?;
    store::insert_secret(&mut tx, &row.id, &secret.hash()).await?;
    let token = row.show();
    let detail = json!({ "token": token.id, "name": token.name, "group": token.group, "expires_at": token.expires_at });
    audit::record(&mut tx, &services.clock, by(caller, Action::TokenCreated, detail)).await?;
    mail::tell(&mut tx, services, &caller.account, Kind::TokenChanged, letters::made(caller, &token)).await?;
    tx.commit().await?;
    Ok(Made { secret, token })
}

/// Begins to create a secret: two at once are counted one after the other, and a reset that came first has ended this session.
async fn begin(services: &Services, caller: &Caller) -> Result<Tx, AppError> {
    let mut tx = services.db.write().await?;
    lock_account(&mut tx, caller).await?;
    tries::count_secret(&mut tx, services, &caller.account.id).await?;
    Ok(tx)
}

fn new_row(wanted: &Wanted, now: DateTime<Utc>) -> Result<Row, AppError> {
    let name = wanted.check_name()?.to_owned();
    let expires_at = check_expiry(wanted.expires_at.unwrap_or(now + USUAL_LIFE), now)?;
    Ok(Row {
        id: TokenId::new(now),
        name,
        permission_group: wanted.group,
        created_at: now,
        expires_at,
        last_used_at: None,
        last_ip: None,
        last_location: None,
        last_country_code: None,
        last_client: None,
    })
}

/// Nobody is told of a token's end who chose one so near just now.
fn told_already(expires_at: DateTime<Utc>, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    (expires_at <= now + TOLD_BEFORE).then_some(now)
}

/// Gives a token a new secret; those before end at once, or after a grace. Only a session whose password was proven just now
/// does (API-3).
pub async fn rotate(services: &Services, caller: &Caller, id: &TokenId, rotation: Rotation) -> Result<Made, AppError> {
    require_fresh(services, caller)?;
    let (now, secret) = (services.clock.now(), TokenSecret::generate());
    let old_ends = now + rotation.grace()?;
    let mut tx = begin(services, caller).await?;
    let mut row = store::find(&mut tx, &caller.account.id, id, now).await?.ok_or(AppError::NotFound)?;
    if let Some(asked) = rotation.expires_at {
        row.expires_at = check_expiry(asked, now)?;
        store::set_expiry(&mut tx, id, row.expires_at, told_already(row.expires_at, now)).await?;
    }
    store::end_secrets(&mut tx, id, old_ends, now).await?;
    store::insert_secret(&mut tx, id, &secret.hash()).await?;
    let token = row.show();
    let detail = json!({ "token": id, "name": token.name, "grace_seconds": rotation.grace_seconds, "expires_at": token.expires_at });
    audit::record(&mut tx, &services.clock, by(caller, Action::TokenRotated, detail)).await?;
    mail::tell(&mut tx, services, &caller.account, Kind::TokenChanged, letters::rotated(caller, &token, old_ends, now)).await?;
    tx.commit().await?;
    Ok(Made { secret, token })
}

/// Revokes a token, before it returns: its next request is refused. What it was.
pub async fn revoke(services: &Services, client: &Client, id: &TokenId) -> Result<ApiToken, AppError> {
    let mut tx = services.db.write().await?;
    lock_account(&mut tx, client).await?;
    let row = store::remove(&mut tx, &client.account.id, id, services.clock.now()).await?.ok_or(AppError::NotFound)?;
    let detail = json!({ "token": id, "name": row.name });
    audit::record(&mut tx, &services.clock, by(client, Action::TokenRevoked, detail)).await?;
    let names = [row.name.clone()];
    mail::tell(&mut tx, services, &client.account, Kind::TokenChanged, letters::revoked(client, &names)).await?;
    tx.commit().await?;
    Ok(row.show())
}

/// Revokes all tokens of the client; how many.
pub async fn revoke_all(services: &Services, client: &Client) -> Result<usize, AppError> {
    let user = &client.account.id;
    let mut tx = services.db.write().await?;
    lock_account(&mut tx, client).await?;
    let names: Vec<_> = store::of_user(&mut tx, user, services.clock.now()).await?.into_iter().map(|row| row.name).collect();
    if names.is_empty() {
        return Ok(0);
    }
    end_all(&mut tx, user).await?;
    audit::record(&mut tx, &services.clock, by(client, Action::TokensRevoked, json!({ "revoked": names.len() }))).await?;
    mail::tell(&mut tx, services, &client.account, Kind::TokenChanged, letters::revoked(client, &names)).await?;
    tx.commit().await?;
    Ok(names.len())
}

/// Revokes all tokens of a person in the transaction of its cause; how many.
pub async fn end_all(tx: &mut Tx, user: &UserId) -> sqlx::Result<u64> {
    store::remove_all(tx, user).await
}
