//! The data of the Security tab.

use chrono::{DateTime, TimeDelta, Utc};

use crate::{
    api_tokens::{actions::summarize_usage, model::RECENT_USE_PERIOD},
    authentication::two_factor::actions as two_factor,
    error::AppError,
    foundation::{services::Services, utc_offsets::UtcOffsets},
    reauthentication::store::find_password_hash,
    sessions::{
        actions as sessions,
        caller::CurrentSession,
        card::CardData,
        ended::actions::{self as ended, RecentlyEnded},
        model::Query,
    },
    ui::{date::date, time::ago},
};

/// Data of the Security tab.
pub struct SecurityData {
    /// Protection of the account.
    pub status: SecurityStatus,
    /// The Active Sessions card.
    pub card: CardData,
    /// The section of ended sessions.
    pub ended: RecentlyEnded,
}

/// Protection of the account, in the words of the Security tab.
pub struct SecurityStatus {
    /// When the password was last changed.
    pub password: String,
    /// Since when the second factor has been on, and the number of recovery codes left.
    pub second_factor: String,
    /// Whether the second factor is on.
    pub is_on: bool,
}

/// What the URL of the tab asks for.
pub struct SecurityQuery {
    /// The part of the list of sessions.
    pub sessions: Query,
    /// Whether to confirm Revoke All.
    pub is_confirming: bool,
    /// Number of ended sessions.
    pub ended: i64,
}

/// Loads the data of the tab.
///
/// Errors: [`AppError::NotSignedIn`] if the account has no password, because it was removed meanwhile.
pub async fn load(services: &Services, caller: &CurrentSession, query: SecurityQuery) -> Result<SecurityData, AppError> {
    let SecurityQuery { sessions: query, is_confirming, ended } = query;
    let card = CardData {
        list: sessions::list(services, caller, &query).await?,
        query,
        tokens_used: describe_token_usage(services, caller).await?,
        utc_offsets: utc_offsets(services, &caller.account.time_zone),
        is_confirming,
    };
    let ended = ended::load(services, caller, ended).await?;
    Ok(SecurityData { status: load_status(services, caller).await?, card, ended })
}

/// Returns the offsets of a time zone at all times that a card can show before its own session ends.
fn utc_offsets(services: &Services, zone: &str) -> UtcOffsets {
    let (now, lifetime) = (services.clock.now(), services.config.lifetimes.absolute_timeout);
    let lifetime = TimeDelta::from_std(lifetime).expect("timeouts are at most ten years");
    UtcOffsets::of_zone(zone, now - lifetime, now + lifetime * 2)
}

async fn load_status(services: &Services, caller: &CurrentSession) -> Result<SecurityStatus, AppError> {
    let changed = find_password_hash(&mut services.db.read().await?, &caller.account.id).await?;
    let (_, changed_at) = changed.ok_or(AppError::NotSignedIn)?;
    let second_factor = two_factor::status(services, &caller.account.id).await?;
    Ok(SecurityStatus::new(services.clock.now(), changed_at, &second_factor))
}

impl SecurityStatus {
    fn new(now: DateTime<Utc>, changed_at: DateTime<Utc>, status: &two_factor::Status) -> Self {
        let left =
            if status.codes_left == 1 { "1 recovery code left".to_owned() } else { format!("{} recovery codes left", status.codes_left) };
        let second_factor = match status.since {
            Some(since) => format!("Enabled since {}. {left}.", date(since)),
            None => "Off. A stolen password is enough to sign in.".to_owned(),
        };
        Self { password: format!("Changed {}.", ago(now, changed_at)), second_factor, is_on: status.since.is_some() }
    }
}

/// Describes recent API token use, or returns an empty string if there was none.
async fn describe_token_usage(services: &Services, caller: &CurrentSession) -> Result<String, AppError> {
    let now = services.clock.now();
    Ok(match summarize_usage(services, &caller.account.id, now - RECENT_USE_PERIOD).await? {
        Some((1, last)) => format!("1 API token was used in the last 7 days: {}.", ago(now, last)),
        Some((count, last)) => format!("{count} API tokens were used in the last 7 days, the last one {}.", ago(now, last)),
        None => String::new(),
    })
}
