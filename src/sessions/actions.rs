//! Session operations, shared by pages, server functions, the API and the command line.

use std::{collections::HashMap, net::IpAddr};

use chrono::{DateTime, Duration, Utc};
use serde_json::json;

use crate::{
    access::{self, Credential, Principal},
    accounts::{
        known,
        model::Account,
        store::{self as accounts, Credentials},
    },
    error::AppError,
    foundation::{
        client::{
            device::Device,
            headers::UserAgentHeaders,
            info::ClientInfo,
            location::{Location, Place},
        },
        crypto::secret::Secret,
        db::Tx,
        hub::{SessionEvent, SessionUse},
        ids::{SessionId, UserId},
        services::Services,
    },
    mail::{self, Content, Kind},
    record::{Action, Event},
    sessions::{
        caller::CurrentSession,
        ended::Ending,
        expiry::Expiry,
        model::{EndReason, Query, Session, Sessions},
        store::{self, NewSession, SessionRow},
    },
};

/// Maximum number of live sessions per user (SES-9, ASVS 7.1.2).
pub const MAX_SESSIONS_PER_USER: i64 = 1_000;

/// Device and location of a client. Resolve it before the transaction starts.
pub struct ClientContext {
    device: Device,
    location: Location,
    client_info: ClientInfo,
}

/// Resolves the device and location of a client.
pub async fn resolve_client(services: &Services, client_info: ClientInfo) -> Result<ClientContext, AppError> {
    let device = detect_device(services, &client_info.agent).await?;
    let location = locate(services, client_info.ip).await;
    Ok(ClientContext { device, location, client_info })
}

/// Detects the device from the user agent headers.
///
/// Errors: [`AppError::Unavailable`] if the user agent database is not available.
pub async fn detect_device(services: &Services, agent: &UserAgentHeaders) -> Result<Device, AppError> {
    let user_agents = services.user_agents.get().await.ok_or(AppError::Unavailable)?;
    if let Some(device) = user_agents.cached(agent) {
        return Ok(device);
    }
    let agent = agent.clone();
    let device = tokio::task::spawn_blocking(move || user_agents.describe(&agent)).await;
    device.map_err(|error| AppError::internal(&error))
}

/// Looks up the location of an IP address. Returns an unknown location if GeoIP is not available, so that nobody is locked out (LOG-6).
pub async fn locate(services: &Services, ip: IpAddr) -> Location {
    match services.geoip.get().await {
        Some(geoip) => geoip.locate(ip),
        None => Location::from_place(Place::Unknown),
    }
}

/// Creates a session in the transaction of its sign-in. The token is returned only here; the database stores its hash.
pub async fn create(
    tx: &mut Tx,
    services: &Services,
    account: &Account,
    context: ClientContext,
    method: &str,
) -> Result<CreatedSession, AppError> {
    let ClientContext { device, location, client_info } = context;
    let (now, token) = (services.clock.now(), Secret::generate());
    let visit = known::record_location(tx, &account.id, &location, now).await?;
    let row = SessionRow {
        id: SessionId::new(now),
        sign_in_method: method.to_owned(),
        created_at: now,
        last_active_at: now,
        user_agent: client_info.agent.user_agent,
        device,
        first_ip: client_info.ip.to_string(),
        ip: client_info.ip.to_string(),
        location,
        is_new_location: visit.is_new_country,
    };
    store::insert(tx, &[NewSession { user: &account.id, token_hash: token.hash(), row: row.clone() }]).await?;
    let evicted = evict(tx, services, account, &row.id).await?;
    Ok(CreatedSession { user: account.id.clone(), token, row, is_first: visit.is_first, evicted })
}

/// A created session. Call [`CreatedSession::publish`] after the transaction has committed.
pub struct CreatedSession {
    user: UserId,
    /// The token, for the response only.
    pub token: Secret,
    row: SessionRow,
    is_first: bool,
    evicted: Vec<SessionId>,
}

impl CreatedSession {
    /// Returns the id of the session.
    pub fn id(&self) -> &SessionId {
        &self.row.id
    }

    /// Returns the inserted row.
    pub fn row(&self) -> &SessionRow {
        &self.row
    }

    /// Returns whether this is the first sign-in of the account.
    pub fn is_first(&self) -> bool {
        self.is_first
    }

    /// Publishes the new session and the evicted ones to the user's open pages.
    pub fn publish(&self, services: &Services) {
        services.hub.publish(&self.user, SessionEvent::Began(self.row.id.clone()));
        publish_ended(services, &self.user, self.evicted.clone());
    }

    /// Returns the session as its owner sees it, marked as the current one.
    pub fn session(&self, services: &Services) -> Session {
        View::new(services, Some(&self.row.id)).show(self.row.clone(), None)
    }
}

/// Ends the least recently used sessions above [`MAX_SESSIONS_PER_USER`]. Returns their ids.
async fn evict(tx: &mut Tx, services: &Services, account: &Account, new_session: &SessionId) -> Result<Vec<SessionId>, AppError> {
    let evicted = store::end_least_recently_used(tx, &account.id, MAX_SESSIONS_PER_USER, services.clock.now()).await?;
    if !evicted.is_empty() {
        let detail = json!({ "sessions": evicted, "most": MAX_SESSIONS_PER_USER });
        let (actor, actor_name) = (Some(&account.id), Some(account.name.as_str()));
        let event = Event { actor, actor_name, session: Some(new_session), subject: actor, ..Event::new(Action::SessionDisplaced, detail) };
        services.recorder.write(tx, event).await?;
        notify_of_eviction(tx, services, account).await?;
    }
    Ok(evicted)
}

/// Notifies the owner by mail, at most once a day, because a script that never signs out can cause an eviction every minute (SES-9).
async fn notify_of_eviction(tx: &mut Tx, services: &Services, account: &Account) -> sqlx::Result<()> {
    if mail::was_notified(tx, &account.id, Kind::SessionEvicted, services.clock.now() - Duration::days(1)).await? {
        return Ok(());
    }
    let content = Content::new(
        "A session was ended because of a newer one",
        "You get this email when your account reaches its maximum number of sessions, at most once a day.",
    )
    .paragraph(format!(
        "Your Whereabouts account has reached the maximum of {MAX_SESSIONS_PER_USER} sessions. Each new session ends \
         the least recently used one."
    ))
    .button("Review your sessions", "/profile?tab=security")
    .note("This is usually a script that signs in but never signs out.");
    mail::enqueue(tx, services, account, Kind::SessionEvicted, content).await
}

/// Converts rows to sessions as their owner sees them: with expiry, and with last uses from memory where newer than the database.
struct View<'a> {
    services: &'a Services,
    /// The requesting session. `None` for API tokens.
    current: Option<&'a SessionId>,
    /// Uses received from other nodes.
    remote_uses: Option<&'a HashMap<SessionId, SessionUse>>,
    now: DateTime<Utc>,
}

impl<'a> View<'a> {
    fn new(services: &'a Services, current: Option<&'a SessionId>) -> Self {
        Self { services, current, remote_uses: None, now: services.clock.now() }
    }

    async fn show_now(&self, mut row: SessionRow) -> Session {
        let last_use = self.last_use(&row);
        if let Some((_, ip)) = last_use
            && ip.to_string() != row.ip
        {
            row.location = locate(self.services, ip).await;
        }
        self.show(row, last_use)
    }

    /// Returns the last use that is newer than the row: recorded on this node or received from another one.
    fn last_use(&self, row: &SessionRow) -> Option<(DateTime<Utc>, IpAddr)> {
        let local = self.services.activity.last_use(&row.id).map(|last| (last.at, last.ip));
        let remote = self.remote_uses.and_then(|uses| uses.get(&row.id)).map(|last| (last.at, last.ip));
        local.max(remote).filter(|(at, _)| *at > row.last_active_at)
    }

    fn show(&self, row: SessionRow, last_use: Option<(DateTime<Utc>, IpAddr)>) -> Session {
        let lifetimes = &self.services.config.lifetimes;
        let last_active_at = last_use.map_or(row.last_active_at, |(at, _)| at);
        let expiry = Expiry::new(lifetimes, row.created_at, last_active_at);
        let inactive_for = (self.now - last_active_at).to_std().unwrap_or_default(); // negative if another thread has just recorded a use
        Session {
            current: self.current == Some(&row.id),
            online: inactive_for < lifetimes.online_window,
            id: row.id,
            device: row.device,
            location: row.location,
            ip: last_use.map_or(row.ip, |(_, ip)| ip.to_string()),
            first_ip: row.first_ip,
            user_agent: row.user_agent,
            created_at: row.created_at.into(),
            last_active_at: last_active_at.into(),
            idle_expires_at: expiry.idle.into(),
            absolute_expires_at: expiry.absolute.into(),
            expires_at: expiry.at().into(),
            sign_in_method: row.sign_in_method,
            new_location: row.is_new_location,
        }
    }

    /// Converts all rows, drops expired sessions, and sorts the most recently active first.
    async fn show_all(&self, rows: Vec<SessionRow>) -> Vec<Session> {
        let mut sessions = Vec::with_capacity(rows.len());
        for row in rows {
            sessions.push(self.show_now(row).await);
        }
        sessions.retain(|session| !session.is_expired(self.now));
        sessions.sort_by(|a, b| a.sort_key().cmp(&b.sort_key()));
        sessions
    }
}

/// Lists all sessions of the client, most recently active first.
pub async fn list_all(services: &Services, client: &Principal) -> Result<Vec<Session>, AppError> {
    let rows = store::list_by_user(&mut services.db.read().await?, &client.account.id).await?;
    Ok(View::new(services, client.session()).show_all(rows).await)
}

/// Lists the user's sessions, or those with the given ids, for all of their open pages: none is marked as the current one. Runs one
/// query. `remote_uses` holds uses on other nodes that may not be in the database yet.
pub async fn list_for_pages(
    services: &Services,
    user: &UserId,
    ids: Option<&[SessionId]>,
    remote_uses: &HashMap<SessionId, SessionUse>,
) -> Result<Vec<Session>, AppError> {
    let mut db = services.db.read().await?;
    let rows = match ids {
        Some(ids) => store::find_many(&mut db, user, ids).await?,
        None => store::list_by_user(&mut db, user).await?,
    };
    drop(db);
    Ok(View { remote_uses: Some(remote_uses), ..View::new(services, None) }.show_all(rows).await)
}

/// Lists the sessions that the page shows.
pub async fn list(services: &Services, client: &Principal, query: &Query) -> Result<Sessions, AppError> {
    let mut list = whole_list(services, list_all(services, client).await?);
    list.narrow(query);
    Ok(list)
}

/// Builds the unfiltered list of all sessions of a user.
pub fn whole_list(services: &Services, rows: Vec<Session>) -> Sessions {
    let (matching, total) = (rows.len(), rows.len());
    let online_window = services.config.lifetimes.online_window.as_secs().cast_signed();
    let is_by_dbip = services.config.geoip.is_none();
    Sessions { rows, matching, total, now: services.clock.now().into(), online_window, is_by_dbip }
}

/// Returns one session of the client.
///
/// Errors: [`AppError::NotFound`] if it does not exist, has ended or expired, or belongs to another user.
pub async fn get(services: &Services, client: &Principal, id: &SessionId) -> Result<Session, AppError> {
    let row = store::find(&mut services.db.read().await?, &client.account.id, id).await?.ok_or(AppError::NotFound)?;
    let view = View::new(services, client.session());
    let session = view.show_now(row).await;
    if session.is_expired(view.now) { Err(AppError::NotFound) } else { Ok(session) }
}

/// Revokes another session of the client. Returns it as its owner last saw it.
///
/// Errors: [`AppError::CurrentSession`] for the requesting session itself; [`AppError::NotFound`] if it does not exist, has ended or
/// expired, or belongs to another user; see also [`lock_account`].
pub async fn revoke(services: &Services, client: &Principal, id: &SessionId) -> Result<Session, AppError> {
    if client.session() == Some(id) {
        return Err(AppError::CurrentSession);
    }
    let user = &client.account.id;
    let mut tx = services.db.write().await?;
    lock_account(&mut tx, client).await?;
    let Some(row) = end_one(&mut tx, services, user, id, Ending::by(client, EndReason::Revoked)).await? else {
        tx.commit().await?; // an expired session is marked as ended nevertheless
        return Err(AppError::NotFound);
    };
    let event = audit_event(client, Action::SessionRevoked, json!({ "session": id, "device": row.device.label }));
    services.recorder.write(&mut tx, event).await?;
    tx.commit().await?;
    publish_ended(services, user, vec![id.clone()]);
    Ok(View::new(services, client.session()).show(row, None))
}

/// Revokes all other sessions of the client, or all of them if the client is an API token. Returns how many were revoked.
///
/// Errors: see [`lock_account`].
pub async fn revoke_others(services: &Services, client: &Principal) -> Result<usize, AppError> {
    let user = &client.account.id;
    let mut tx = services.db.write().await?;
    lock_account(&mut tx, client).await?;
    let sessions = end_all_but(&mut tx, services, user, client.session(), Ending::by(client, EndReason::Revoked)).await?;
    let event = audit_event(client, Action::OtherSessionsRevoked, json!({ "revoked": sessions.len() }));
    services.recorder.write(&mut tx, event).await?;
    tx.commit().await?;
    let revoked = sessions.len();
    publish_ended(services, user, sessions);
    Ok(revoked)
}

/// Ends the caller's own session.
pub async fn sign_out(services: &Services, caller: &CurrentSession) -> Result<(), AppError> {
    let mut tx = services.db.write().await?;
    accounts::lock(&mut tx, &caller.account.id).await?;
    end_one(&mut tx, services, &caller.account.id, &caller.session, Ending::by(caller, EndReason::SignedOut)).await?;
    services.recorder.write(&mut tx, audit_event(caller, Action::SignOut, json!({}))).await?;
    tx.commit().await?;
    publish_ended(services, &caller.account.id, vec![caller.session.clone()]);
    Ok(())
}

/// Rotates the token of the caller's session after reauthentication; the previous token stops working (SES-3).
///
/// Errors: [`AppError::NotSignedIn`] if the session has ended.
pub async fn rotate_token(tx: &mut Tx, services: &Services, caller: &CurrentSession) -> Result<Secret, AppError> {
    let token = Secret::generate();
    let is_live = store::rotate_token(tx, &caller.account.id, &caller.session, &token.hash(), services.clock.now()).await?;
    if is_live { Ok(token) } else { Err(AppError::NotSignedIn) }
}

/// Returns the principal as it is now, for work that goes on after its request was let in.
///
/// Errors: [`AppError::NotSignedIn`] if the session or API token has ended or expired, or the account was disabled.
pub async fn renew(services: &Services, principal: &Principal) -> Result<Principal, AppError> {
    let account = accounts::find_by_id(&mut services.db.read().await?, &principal.account.id).await?.ok_or(AppError::NotSignedIn)?;
    match &principal.credential {
        Credential::Session(id) => match get(services, principal, id).await {
            Ok(_) => {}
            Err(AppError::NotFound) => return Err(AppError::NotSignedIn),
            Err(error) => return Err(error),
        },
        Credential::Token(id, _) => {
            let is_valid = access::store::is_token_valid(&mut services.db.read().await?, id, services.clock.now()).await?;
            is_valid.then_some(()).ok_or(AppError::NotSignedIn)?;
        }
    }
    Ok(Principal { account, ..principal.clone() })
}

/// Locks the client's account (see [`accounts::lock`]) before its session or API token creates, changes or ends something.
///
/// Errors: [`AppError::NotSignedIn`] if the session or token ended, or the account was disabled, during the request: otherwise the
/// effects of the request would outlive its authorization.
pub async fn lock_account(tx: &mut Tx, client: &Principal) -> Result<Credentials, AppError> {
    let user = &client.account.id;
    let locked = accounts::lock(tx, user).await?.filter(|locked| locked.is_enabled);
    let exists = match &client.credential {
        Credential::Session(id) => store::find(tx, user, id).await?.is_some(),
        Credential::Token(id, _) => access::store::token_exists(tx, id).await?,
    };
    locked.filter(|_| exists).ok_or(AppError::NotSignedIn)
}

/// Ends one session in the transaction of the operation that causes it. Returns its row; `None` if it had already ended or expired.
pub async fn end_one(
    tx: &mut Tx,
    services: &Services,
    user: &UserId,
    id: &SessionId,
    ending: Ending<'_>,
) -> Result<Option<SessionRow>, AppError> {
    let Some(row) = store::end(tx, user, id, services.clock.now(), ending).await? else { return Ok(None) };
    let was_live = was_live(tx, services, id, (row.created_at, row.last_active_at)).await?;
    Ok(was_live.then_some(row))
}

/// Ends all sessions of a user except `kept`, in the transaction of the operation that causes it. Returns those that had not expired yet.
pub async fn end_all_but(
    tx: &mut Tx,
    services: &Services,
    user: &UserId,
    kept: Option<&SessionId>,
    ending: Ending<'_>,
) -> Result<Vec<SessionId>, AppError> {
    let mut live = Vec::new();
    for session in store::end_others(tx, user, kept, services.clock.now(), ending).await? {
        if was_live(tx, services, &session.id, (session.created_at, session.last_active_at)).await? {
            live.push(session.id);
        }
    }
    Ok(live)
}

/// Returns whether a session that this transaction ended had not expired yet, considering uses in memory. For an expired session it
/// stores the expiry as the reason, which the sign-in page shows.
async fn was_live(
    tx: &mut Tx,
    services: &Services,
    id: &SessionId,
    (created_at, last_active_at): (DateTime<Utc>, DateTime<Utc>),
) -> Result<bool, AppError> {
    let last_active_at = services.activity.last_use(id).map_or(last_active_at, |last| last.at.max(last_active_at));
    let expiry = Expiry::new(&services.config.lifetimes, created_at, last_active_at);
    let Some(reason) = expiry.reason(services.clock.now()) else { return Ok(true) };
    store::set_expired(tx, id, reason).await?;
    Ok(false)
}

/// Publishes to open pages that these sessions ended. Call it after the transaction has committed.
pub fn publish_ended(services: &Services, user: &UserId, sessions: Vec<SessionId>) {
    if !sessions.is_empty() {
        services.hub.publish(user, SessionEvent::Ended(sessions));
    }
}

/// Builds a successful audit event that the client caused on their own account.
pub fn audit_event(client: &Principal, action: Action, detail: serde_json::Value) -> Event<'_> {
    let Principal { account, client_info, .. } = client;
    let (actor, actor_name) = (Some(&account.id), Some(account.name.as_str()));
    let (session, token, client) = (client.session(), client.token(), Some(client_info));
    Event { actor, actor_name, session, token, subject: actor, client, ..Event::new(action, detail) }
}
