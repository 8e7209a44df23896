//! Lists ended sessions.

use chrono::{DateTime, Duration, Utc};

use crate::{
    access::Principal,
    error::AppError,
    foundation::{
        config::Lifetimes,
        http::page::{PageRequest, encode_position, invalid_cursor},
        services::Services,
    },
    sessions::{
        caller::CurrentSession,
        cleanup::RETENTION,
        ended::{model::EndedSession, store},
    },
};

/// Lists the sessions of the client that ended in the last 30 days, newest first. Returns the cursor of the next page, too.
///
/// Errors: the cursor is invalid.
pub async fn list(services: &Services, client: &Principal, page: &PageRequest) -> Result<(Vec<EndedSession>, Option<String>), AppError> {
    let now = services.clock.now();
    let (before, id) = position(page, now)?;
    let mut db = services.db.read().await?;
    let mut rows = store::list(&mut db, &client.account.id, now - RETENTION, (before, &id), page.limit + 1).await?;
    drop(db);
    let limit = page.limit.unsigned_abs() as usize;
    let is_cut = rows.len() > limit;
    rows.truncate(limit);
    let last = rows.last().filter(|_| is_cut);
    let next = last.map(|row| encode_position([&row.ended_at.to_rfc3339(), row.session.id.as_str()]));
    Ok((rows.into_iter().map(EndedSession::from).collect(), next))
}

/// Returns the time and id before which a page begins.
fn position(page: &PageRequest, now: DateTime<Utc>) -> Result<(DateTime<Utc>, String), AppError> {
    let [time, id] = page.position()?;
    if time.is_empty() {
        return Ok((now + Duration::days(1), id)); // the clock of another node may be ahead
    }
    let time = DateTime::parse_from_rfc3339(&time).map_err(|_| invalid_cursor())?;
    Ok((time.to_utc(), id))
}

/// The data of the section "Recently ended".
pub struct RecentlyEnded {
    /// The sessions that ended last.
    pub sessions: Vec<EndedSession>,
    /// Maximum number of sessions that the page asks for.
    pub show: i64,
    /// Whether there are more.
    pub has_more: bool,
    /// The current time.
    pub now: DateTime<Utc>,
    /// The user's time zone.
    pub time_zone: String,
    /// When sessions expire.
    pub lifetimes: Lifetimes,
}

/// Loads the data of the section. Shows between 1 and 1,000 sessions.
pub async fn load(services: &Services, caller: &CurrentSession, show: i64) -> Result<RecentlyEnded, AppError> {
    let show = show.clamp(1, 1_000);
    let (sessions, next) = list(services, caller, &PageRequest::first(show)).await?;
    let (now, time_zone, lifetimes) = (services.clock.now(), caller.account.time_zone.clone(), services.config.lifetimes);
    Ok(RecentlyEnded { sessions, show, has_more: next.is_some(), now, time_zone, lifetimes })
}
