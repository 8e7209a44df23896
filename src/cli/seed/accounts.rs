//! Accounts with sessions.

use std::{
    fs::File,
    io::{BufWriter, Write},
    ops::Range,
};

use chrono::{DateTime, Duration, Utc};

use super::{Filling, Seed};
use crate::{
    accounts::{model::Account, store as accounts},
    foundation::{
        client::{
            device::{Device, DeviceKind, Form},
            location::{Location, Place},
        },
        crypto::secret::Secret,
        db::Tx,
        ids::{SessionId, UserId},
    },
    sessions::store::{self, NewSession, SessionRow},
};

/// Sessions per statement.
const SESSIONS_PER_STATEMENT: usize = 250;
/// Accounts that are added for grants if none were asked for: two with many grants, 1,000 with one, and an owner.
const USERS_FOR_GRANTS: usize = 1_003;

/// Adds the accounts with their sessions. Returns their ids.
pub async fn fill(filling: &mut Filling<'_>, seed: &Seed, hash: &str, now: DateTime<Utc>) -> anyhow::Result<Vec<UserId>> {
    let mut tokens = seed.tokens.as_ref().map(File::create).transpose()?.map(BufWriter::new);
    let count = if seed.users == 0 && seed.grants > 0 { USERS_FOR_GRANTS } else { seed.users };
    filling.begin("accounts and sessions", count * (1 + seed.sessions_per_user));
    let mut users = Vec::with_capacity(count);
    for number in 0..count {
        let account = insert_account(filling.tx(), &format!("{}{number}", seed.prefix), hash, now).await?;
        for first in (0..seed.sessions_per_user).step_by(SESSIONS_PER_STATEMENT) {
            let numbers = first..seed.sessions_per_user.min(first + SESSIONS_PER_STATEMENT);
            insert_sessions(filling.tx(), &account, numbers, now, tokens.as_mut()).await?;
        }
        filling.wrote(1 + seed.sessions_per_user).await?;
        users.push(account.id);
    }
    Ok(users)
}

async fn insert_account(tx: &mut Tx, username: &str, hash: &str, now: DateTime<Utc>) -> anyhow::Result<Account> {
    let (id, name) = (UserId::new(now), username.to_owned());
    let account = Account {
        id,
        username: name.clone(),
        email: format!("{username}@example.com"),
        name,
        time_zone: "UTC".to_owned(),
        is_admin: false,
    };
    accounts::insert(tx, &account, hash, now).await?;
    Ok(account)
}

async fn insert_sessions(
    tx: &mut Tx,
    account: &Account,
    numbers: Range<usize>,
    now: DateTime<Utc>,
    mut tokens: Option<&mut impl Write>,
) -> anyhow::Result<()> {
    let mut new = Vec::with_capacity(numbers.len());
    for number in numbers {
        let (row, token) = (new_row(number, now), Secret::generate());
        if let Some(tokens) = &mut tokens {
            writeln!(tokens, "{}\t{}\t{}", account.username, row.id, token.reveal())?;
        }
        new.push(NewSession { user: &account.id, token_hash: token.hash(), row });
    }
    Ok(store::insert(tx, &new).await?)
}

/// Returns a session that was created and last used `number + 1` seconds ago.
fn new_row(number: usize, now: DateTime<Utc>) -> SessionRow {
    let at = now - Duration::seconds(number as i64 + 1);
    SessionRow {
        id: SessionId::new(now),
        sign_in_method: "Password".to_owned(),
        created_at: at,
        last_active_at: at,
        user_agent: "curl/8.5.0".to_owned(),
        device: Device { label: "curl".to_owned(), browser: None, os: None, kind: DeviceKind::ApiClient, form: Form::Api },
        first_ip: "192.0.2.1".to_owned(),
        ip: "192.0.2.1".to_owned(),
        location: Location::from_place(Place::Unknown),
        is_new_location: false,
    }
}
