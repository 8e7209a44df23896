//! Reading the audit log.

use std::collections::BTreeSet;

use chrono::TimeDelta;
use chrono_tz::Tz;
use serde_json::{Value, json};

use crate::{
    access::Principal,
    accounts::store as accounts,
    audit::{
        log::{
            events,
            model::{AuditEvent, TargetKind},
            reader::{load_reader, view},
            resolve::resolve,
            search::first_id,
            store::{events as store, reader::list_readable, readings},
            visibility::may_see,
            walk::{MAX_EXAMINED, PageOptions, choose, collect},
        },
        query::Query,
    },
    error::AppError,
    foundation::{
        db::{Connection, Tx},
        http::page::{PageRequest, encode_position},
        ids::EventId,
        services::Services,
    },
    record::Action,
    sessions::actions::audit_event,
};

/// How long further readings with the same filter are not recorded.
const READING: TimeDelta = TimeDelta::minutes(5);
/// How long events are new.
const NEW: TimeDelta = TimeDelta::days(1);
/// New events are counted up to this number.
pub const MAX_NEW: usize = 100;
/// Most entries that are examined for new events: open pages ask often.
const MAX_EXAMINED_FOR_NEW: usize = 2_000;

/// A page of events.
#[derive(Debug)]
pub struct EventPage {
    /// Newest first. There may be fewer than asked for, even none, although there are more.
    pub events: Vec<AuditEvent>,
    /// Cursor of the next page. `None` on the last page.
    pub next_cursor: Option<String>,
    /// Says which word or value of the query means nothing here. Then there are no events.
    pub nothing: Option<String>,
}

/// Lists the events that a query finds among those that the principal sees, newest first. Reading events of others is recorded.
///
/// Errors: [`AppError::Invalid`] for a cursor, or for a name that means too much.
pub async fn list(services: &Services, principal: &Principal, query: &Query, page: &PageRequest) -> Result<EventPage, AppError> {
    let found = list_within(&mut services.db.read().await?, services, principal, query, page, MAX_EXAMINED).await?;
    record_reading(services, principal, query, &found.events).await?;
    Ok(found)
}

/// Same as [`list`], without a record, for a page that examines at most so many entries.
pub async fn list_within(
    db: &mut impl Connection,
    services: &Services,
    principal: &Principal,
    query: &Query,
    page: &PageRequest,
    examined: usize,
) -> Result<EventPage, AppError> {
    let view = view(services, principal);
    let limit = usize::try_from(page.limit).unwrap_or_default();
    let options = PageOptions { before: position(page)?, limit, examined };
    let search = match resolve(db, view, query, time_zone(principal)).await? {
        Ok(search) => search,
        Err(nothing) => return Ok(EventPage { events: Vec::new(), next_cursor: None, nothing: Some(nothing) }),
    };
    let walks = choose(db, &search, view).await?;
    let page = collect(db, &walks, &search, view, &options).await?;
    let events = events::load(db, services, &page.ids).await?;
    Ok(EventPage { events, next_cursor: page.next.map(|next| encode_position([next.as_str()])), nothing: None })
}

/// Counts the events that a query finds after an id, up to [`MAX_NEW`]. What this session or API token read does not count: looking at the
/// list is recorded, and would be new on the list each time. `None` for an id older than a day: the count is not recorded, and must not answer
/// questions about the past.
///
/// Errors: [`AppError::Invalid`] for a name that means too much.
pub async fn count_new(services: &Services, principal: &Principal, query: &Query, after: &EventId) -> Result<Option<usize>, AppError> {
    if after.as_str() < first_id(services.clock.now() - NEW).as_str() {
        return Ok(None);
    }
    let view = view(services, principal);
    let mut db = services.db.read().await?;
    let Ok(mut search) = resolve(&mut db, view, query, time_zone(principal)).await? else { return Ok(Some(0)) };
    search.from = search.from.max(after.to_string());
    let walks = choose(&mut db, &search, view).await?;
    // One more, because the event with this id is found too.
    let options = PageOptions { before: None, limit: MAX_NEW + 1, examined: MAX_EXAMINED_FOR_NEW };
    let mut found = collect(&mut db, &walks, &search, view, &options).await?.ids;
    found.retain(|id| id != after.as_str());
    found.truncate(MAX_NEW);
    Ok(Some(readings::count_others(&mut db, &found, credential(principal)).await?))
}

/// Returns the time zone in which a person writes days.
pub fn time_zone(principal: &Principal) -> Tz {
    principal.account.time_zone.parse().unwrap_or(Tz::UTC)
}

/// Returns the id below which a page begins. `None` for the first page.
pub fn position(page: &PageRequest) -> Result<Option<String>, AppError> {
    let [id] = page.position()?;
    let is_valid = id.is_empty() || EventId::parse(&id).is_some();
    let invalid = || AppError::invalid("cursor", "This cursor is invalid. Start without one.");
    if is_valid { Ok(Some(id).filter(|id| !id.is_empty())) } else { Err(invalid()) }
}

/// Returns an event. Reading one of others is recorded.
///
/// Errors: [`AppError::NotFound`] if it does not exist or the principal does not see it.
pub async fn get(services: &Services, principal: &Principal, id: &EventId) -> Result<AuditEvent, AppError> {
    let mut db = services.db.read().await?;
    let row = find_visible(&mut db, services, principal, id).await?;
    let events = events::complete(&mut db, services, vec![row]).await?;
    drop(db);
    record_reading_of(services, principal, &format!("id:{id}"), &events).await?;
    events.into_iter().next().ok_or(AppError::NotFound)
}

/// Returns the number of an event. `None` if it is not sealed or does not exist.
pub async fn find_number(services: &Services, id: &EventId) -> Result<Option<i64>, AppError> {
    let row = store::find(&mut services.db.read().await?, id).await?;
    Ok(row.and_then(|row| row.seq))
}

async fn find_visible(
    db: &mut impl Connection,
    services: &Services,
    principal: &Principal,
    id: &EventId,
) -> Result<store::EventRow, AppError> {
    let row = store::find(db, id).await?.ok_or(AppError::NotFound)?;
    let reader = load_reader(db, principal, &row.ids).await?;
    if may_see(&reader, &row.action, &row.ids, services.clock.now()) { Ok(row) } else { Err(AppError::NotFound) }
}

/// Records that events of others were read with a query.
async fn record_reading(services: &Services, principal: &Principal, query: &Query, events: &[AuditEvent]) -> Result<(), AppError> {
    record_reading_of(services, principal, &query.to_string(), events).await
}

/// Records that events of others were read: once per session or API token, filter, organization and five minutes (AUD-1). Each event names
/// one organization, so that its owners see who reads.
async fn record_reading_of(services: &Services, principal: &Principal, filter: &str, events: &[AuditEvent]) -> Result<(), AppError> {
    let of = |event: &AuditEvent| event.target(TargetKind::Organization).map(|target| target.id.clone());
    let read: BTreeSet<Option<String>> = events.iter().filter(|event| !is_own(principal, event)).map(of).collect();
    let since = first_id(services.clock.now() - READING);
    if read.is_empty() || unrecorded(&mut services.db.read().await?, principal, filter, &since, &read).await?.is_empty() {
        return Ok(());
    }
    let mut tx = services.db.write().await?;
    // Of concurrent readings, one is recorded.
    accounts::lock(&mut tx, &principal.account.id).await?;
    for organization in unrecorded(&mut tx, principal, filter, &since, &read).await? {
        let detail = detail(json!({ "filter": filter }), organization);
        services.recorder.write(&mut tx, audit_event(principal, Action::AuditRead, detail)).await?;
    }
    Ok(tx.commit().await?)
}

/// Returns those organizations for which no reading with this filter is on record since an id.
async fn unrecorded<'a>(
    db: &mut impl Connection,
    principal: &Principal,
    filter: &str,
    since: &str,
    read: &'a BTreeSet<Option<String>>,
) -> sqlx::Result<Vec<&'a Option<String>>> {
    let recorded = readings::list(db, credential(principal), since).await?;
    let is_recorded = |organization: &Option<String>| recorded.iter().any(|reading| reading.is(filter, organization.as_deref()));
    Ok(read.iter().filter(|organization| !is_recorded(organization)).collect())
}

fn detail(mut detail: Value, organization: &Option<String>) -> Value {
    if let Some(organization) = organization {
        detail["organization"] = json!(organization);
    }
    detail
}

/// Returns the id of the session or API token that reads.
fn credential(principal: &Principal) -> &str {
    principal.session().map(|id| id.as_str()).or(principal.token().map(|id| id.as_str())).unwrap_or_default()
}

/// Returns whether a principal did something, or it concerns their account.
pub fn is_own(principal: &Principal, event: &AuditEvent) -> bool {
    let user = principal.account.id.as_str();
    let is_actor = event.actor.id.as_deref() == Some(user) || event.actor.owner.as_ref().is_some_and(|owner| owner.id == user);
    is_actor || event.target(TargetKind::Person).is_some_and(|person| person.id == user)
}

/// Records an export, before the first event of it is sent: an export that is interrupted is on record too. An event for each organization
/// where the principal may read, so that its owners see it.
pub async fn record_export(services: &Services, principal: &Principal, query: &Query, format: &str) -> Result<(), AppError> {
    let mut tx: Tx = services.db.write().await?;
    let readable = list_readable(&mut tx, &principal.account.id, services.clock.now()).await?;
    let mut organizations: BTreeSet<Option<String>> = readable.into_iter().map(|scope| Some(scope.organization_id)).collect();
    if organizations.is_empty() {
        organizations.insert(None);
    }
    for organization in &organizations {
        let detail = detail(json!({ "format": format, "filter": query.to_string() }), organization);
        services.recorder.write(&mut tx, audit_event(principal, Action::AuditExported, detail)).await?;
    }
    Ok(tx.commit().await?)
}
