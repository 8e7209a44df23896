//! Actions on API tokens, shared by the page and the API.

use chrono::{DateTime, Utc};
use serde_json::json;

use crate::{
    access::Principal,
    api_tokens::{
        emails,
        model::{ApiToken, DEFAULT_LIFETIME_MONTHS, EXPIRY_REMINDER, LastUse, MAX_TOKENS_PER_USER, Rotation, TokenRequest, check_expiry},
        secret::TokenSecret,
        store::{self, TokenRow},
    },
    error::AppError,
    foundation::{
        activity::Use,
        db::{Connection, Tx},
        ids::{TokenId, UserId},
        services::Services,
    },
    mail::{self, Kind},
    rate_limit,
    reauthentication::actions::require_recent,
    record::Action,
    sessions::{
        actions::{audit_event, detect_device, locate, lock_account},
        caller::CurrentSession,
    },
};

/// A token with its secret, which is shown only once.
pub struct CreatedToken {
    /// The secret.
    pub secret: TokenSecret,
    /// The token.
    pub token: ApiToken,
}

/// Returns the tokens of the principal's user, the newest first.
pub async fn list(services: &Services, principal: &Principal) -> Result<Vec<ApiToken>, AppError> {
    list_for_user(services, &principal.account.id).await
}

async fn list_for_user(services: &Services, user: &UserId) -> Result<Vec<ApiToken>, AppError> {
    let rows = store::list_for_user(&mut services.db.read().await?, user, services.clock.now()).await?;
    let mut tokens = Vec::with_capacity(rows.len());
    for row in rows {
        tokens.push(describe_token(services, row).await?);
    }
    Ok(tokens)
}

/// Converts a row. A later use that is still in memory replaces the stored one.
async fn describe_token(services: &Services, row: TokenRow) -> Result<ApiToken, AppError> {
    let last = services.token_activity.last_use(&row.id).filter(|last| row.last_used_at.is_none_or(|written| last.at > written));
    let mut token = row.into_api_token();
    if let Some(last) = last {
        token.last_use = Some(describe_use(services, &last).await?);
    }
    Ok(token)
}

/// Describes a use: its location and its client.
pub async fn describe_use(services: &Services, last: &Use) -> Result<LastUse, AppError> {
    let location = locate(services, last.ip).await;
    let device = detect_device(services, &last.agent.clone().unwrap_or_default()).await?; // no user agent: an unknown client
    let (ip, country_code) = (last.ip.to_string(), location.country_code);
    Ok(LastUse { at: last.at, ip, location: location.label, country_code, client: device.label })
}

/// Returns one token of the principal's user.
///
/// Errors: [`AppError::NotFound`].
pub async fn get(services: &Services, principal: &Principal, id: &TokenId) -> Result<ApiToken, AppError> {
    let row = store::find(&mut services.db.read().await?, &principal.account.id, id, services.clock.now()).await?;
    describe_token(services, row.ok_or(AppError::NotFound)?).await
}

/// Returns the number of unexpired tokens of a user.
pub async fn count(db: &mut impl Connection, services: &Services, user: &UserId) -> Result<i64, AppError> {
    Ok(store::count(db, user, services.clock.now()).await?)
}

/// Returns how many tokens of a user were used after `since`, and the time of the latest use. `None` if none was.
pub async fn summarize_usage(services: &Services, user: &UserId, since: DateTime<Utc>) -> Result<Option<(usize, DateTime<Utc>)>, AppError> {
    let tokens = list_for_user(services, user).await?;
    let uses: Vec<_> = tokens.iter().filter_map(|token| token.last_use.as_ref()).map(|last| last.at).filter(|at| *at > since).collect();
    Ok(uses.iter().max().map(|last| (uses.len(), *last)))
}

/// Creates a token. Requires a session with recent authentication (API-3).
///
/// Errors: [`AppError::TooManyTokens`] at [`MAX_TOKENS_PER_USER`].
pub async fn create(services: &Services, caller: &CurrentSession, request: &TokenRequest) -> Result<CreatedToken, AppError> {
    require_recent(services, caller)?;
    let (now, user) = (services.clock.now(), &caller.account.id);
    let row = new_row(request, now)?;
    let secret = TokenSecret::generate();
    let mut tx = begin_secret_creation(services, caller).await?;
    if store::count(&mut tx, user, now).await? >= MAX_TOKENS_PER_USER {
        return Err(AppError::TooManyTokens);
    }
    store::insert(&mut tx, user, &row, initial_reminded_at(row.expires_at, now)).await?;
    store::insert_secret(&mut tx, &row.id, &secret.hash()).await?;
    let token = row.into_api_token();
    let detail = json!({ "token": token.id, "name": token.name, "group": token.group, "expires_at": token.expires_at });
    services.recorder.write(&mut tx, audit_event(caller, Action::TokenCreated, detail)).await?;
    mail::enqueue(&mut tx, services, &caller.account, Kind::TokenChanged, emails::created(caller, &token)).await?;
    tx.commit().await?;
    Ok(CreatedToken { secret, token })
}

/// Begins the transaction that creates a secret. The lock makes concurrent ones count one after the other, and fails if a reset has ended
/// this session.
async fn begin_secret_creation(services: &Services, caller: &CurrentSession) -> Result<Tx, AppError> {
    let mut tx = services.db.write().await?;
    lock_account(&mut tx, caller).await?;
    rate_limit::count_secret(&mut tx, services, &caller.account.id).await?;
    Ok(tx)
}

fn new_row(request: &TokenRequest, now: DateTime<Utc>) -> Result<TokenRow, AppError> {
    let name = request.check_name()?.to_owned();
    let expires_at = check_expiry(request.expires_at.unwrap_or(now + DEFAULT_LIFETIME_MONTHS), now)?;
    Ok(TokenRow {
        id: TokenId::new(now),
        name,
        permission_group: request.group,
        created_at: now,
        expires_at,
        last_used_at: None,
        last_ip: None,
        last_location: None,
        last_country_code: None,
        last_client: None,
    })
}

/// Returns when the reminder counts as sent: `now`, so that none is sent, for an expiry inside the reminder period. Else `None`.
fn initial_reminded_at(expires_at: DateTime<Utc>, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    (expires_at <= now + EXPIRY_REMINDER).then_some(now)
}

/// Gives a token a new secret. Previous secrets expire at once, or after a grace period. Requires a session with recent authentication
/// (API-3).
pub async fn rotate(services: &Services, caller: &CurrentSession, id: &TokenId, rotation: Rotation) -> Result<CreatedToken, AppError> {
    require_recent(services, caller)?;
    let (now, secret) = (services.clock.now(), TokenSecret::generate());
    let previous_expires_at = now + rotation.grace_period()?;
    let mut tx = begin_secret_creation(services, caller).await?;
    let mut row = store::find(&mut tx, &caller.account.id, id, now).await?.ok_or(AppError::NotFound)?;
    if let Some(requested) = rotation.expires_at {
        row.expires_at = check_expiry(requested, now)?;
        store::set_expiry(&mut tx, id, row.expires_at, initial_reminded_at(row.expires_at, now)).await?;
    }
    store::expire_secrets(&mut tx, id, previous_expires_at, now).await?;
    store::insert_secret(&mut tx, id, &secret.hash()).await?;
    let token = row.into_api_token();
    let detail = json!({ "token": id, "name": token.name, "grace_seconds": rotation.grace_seconds, "expires_at": token.expires_at });
    services.recorder.write(&mut tx, audit_event(caller, Action::TokenRotated, detail)).await?;
    mail::enqueue(&mut tx, services, &caller.account, Kind::TokenChanged, emails::rotated(caller, &token, previous_expires_at, now))
        .await?;
    tx.commit().await?;
    Ok(CreatedToken { secret, token })
}

/// Revokes a token: its next request is refused. Returns the token.
///
/// Errors: [`AppError::NotFound`].
pub async fn revoke(services: &Services, principal: &Principal, id: &TokenId) -> Result<ApiToken, AppError> {
    let mut tx = services.db.write().await?;
    lock_account(&mut tx, principal).await?;
    let row = store::remove(&mut tx, &principal.account.id, id, services.clock.now()).await?.ok_or(AppError::NotFound)?;
    let detail = json!({ "token": id, "name": row.name });
    services.recorder.write(&mut tx, audit_event(principal, Action::TokenRevoked, detail)).await?;
    let names = [row.name.clone()];
    mail::enqueue(&mut tx, services, &principal.account, Kind::TokenChanged, emails::revoked(principal, &names)).await?;
    tx.commit().await?;
    Ok(row.into_api_token())
}

/// Revokes all tokens of the principal's user. Returns how many.
pub async fn revoke_all(services: &Services, principal: &Principal) -> Result<usize, AppError> {
    let user = &principal.account.id;
    let mut tx = services.db.write().await?;
    lock_account(&mut tx, principal).await?;
    let names: Vec<_> = store::list_for_user(&mut tx, user, services.clock.now()).await?.into_iter().map(|row| row.name).collect();
    if names.is_empty() {
        return Ok(0);
    }
    revoke_all_of_user(&mut tx, user).await?;
    services.recorder.write(&mut tx, audit_event(principal, Action::TokensRevoked, json!({ "revoked": names.len() }))).await?;
    mail::enqueue(&mut tx, services, &principal.account, Kind::TokenChanged, emails::revoked(principal, &names)).await?;
    tx.commit().await?;
    Ok(names.len())
}

/// Revokes all tokens of a user in the transaction of the cause. Returns how many.
pub async fn revoke_all_of_user(tx: &mut Tx, user: &UserId) -> sqlx::Result<u64> {
    store::remove_all(tx, user).await
}
