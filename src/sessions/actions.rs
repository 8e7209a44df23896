//! What is done with sessions, once: pages, server functions, the API and the command line all come through here.

use std::{collections::HashMap, net::IpAddr};

use chrono::{DateTime, Duration, Utc};
use serde_json::json;

use crate::{
    access::{self, Client, Credential},
    accounts::{
        known,
        model::Account,
        store::{self as accounts, Credentials},
    },
    audit::{self, Action, Event, Outcome},
    error::AppError,
    foundation::{
        agent::Agent,
        db::Tx,
        device::Device,
        hub::{Change, SessionUse},
        ids::{SessionId, UserId},
        location::{Location, Place},
        origin::Origin,
        secret::Secret,
        services::Services,
    },
    mail::{self, Kind, Letter},
    sessions::{
        caller::Caller,
        expiry::Expiry,
        model::{EndReason, Query, Session, Sessions},
        store::{self, New, Row},
    },
};

/// More than this many live sessions an account does not have (SES-9, ASVS 7.1.2).
pub const MOST_A_PERSON: i64 = 1_000;

/// Where a client stands and what it is: found out before a transaction is opened.
pub struct Arrival {
    device: Device,
    location: Location,
    origin: Origin,
}

/// Finds out device and place of a client.
pub async fn arrive(services: &Services, origin: Origin) -> Result<Arrival, AppError> {
    let device = describe(services, &origin.agent).await?;
    let location = locate(services, origin.ip).await;
    Ok(Arrival { device, location, origin })
}

/// What a client is, by what it says of itself.
pub async fn describe(services: &Services, agent: &Agent) -> Result<Device, AppError> {
    let user_agents = services.user_agents.get().await.ok_or(AppError::Unavailable)?;
    if let Some(device) = user_agents.cached(agent) {
        return Ok(device);
    }
    let agent = agent.clone();
    let described = tokio::task::spawn_blocking(move || user_agents.describe(&agent)).await;
    described.map_err(|error| AppError::internal(&error))
}

/// A place that cannot be looked up is unknown: nobody is kept out for want of it (LOG-6).
pub async fn locate(services: &Services, ip: IpAddr) -> Location {
    match services.geoip.get().await {
        Some(geoip) => geoip.locate(ip),
        None => Location::of(Place::Unknown),
    }
}

/// Begins a session in the transaction of its sign-in. The token is given out once; only its hash is kept.
pub async fn begin(tx: &mut Tx, services: &Services, account: &Account, arrival: Arrival, method: &str) -> Result<Begun, AppError> {
    let Arrival { device, location, origin } = arrival;
    let (now, token) = (services.clock.now(), Secret::generate());
    let visit = known::record_location(tx, &account.id, &location, now).await?;
    let row = Row {
        id: SessionId::new(now),
        sign_in_method: method.to_owned(),
        created_at: now,
        last_active_at: now,
        user_agent: origin.agent.user_agent,
        device,
        first_ip: origin.ip.to_string(),
        ip: origin.ip.to_string(),
        location,
        new_location: visit.is_new_country,
    };
    store::insert(tx, &[New { user: &account.id, token_hash: token.hash(), row: row.clone() }]).await?;
    let displaced = displace(tx, services, account, &row.id).await?;
    Ok(Begun { user: account.id.clone(), token, row, is_first: visit.is_first, displaced })
}

/// A session that began; [`Begun::announce`] it once its transaction is committed.
pub struct Begun {
    user: UserId,
    /// The token, for the answer alone.
    pub token: Secret,
    row: Row,
    is_first: bool,
    displaced: Vec<SessionId>,
}

impl Begun {
    /// Its id.
    pub fn id(&self) -> &SessionId {
        &self.row.id
    }

    /// What it is, and from where.
    pub fn row(&self) -> &Row {
        &self.row
    }

    /// Whether the account had never signed in before.
    pub fn is_first(&self) -> bool {
        self.is_first
    }

    /// Tells the open pages.
    pub fn announce(&self, services: &Services) {
        services.hub.publish(&self.user, Change::Began(self.row.id.clone()));
        ended(services, &self.user, self.displaced.clone());
    }

    /// As its owner sees it.
    pub fn session(&self, services: &Services) -> Session {
        View::of(services, Some(&self.row.id)).show(self.row.clone(), None)
    }
}

async fn displace(tx: &mut Tx, services: &Services, account: &Account, by: &SessionId) -> Result<Vec<SessionId>, AppError> {
    let displaced = store::end_longest_unused(tx, &account.id, MOST_A_PERSON, services.clock.now()).await?;
    if !displaced.is_empty() {
        let detail = json!({ "sessions": displaced, "most": MOST_A_PERSON });
        let event = Event {
            action: Action::SessionDisplaced,
            outcome: Outcome::Success,
            actor: Some(&account.id),
            session: Some(by),
            token: None,
            subject: Some(&account.id),
            ip: None,
            detail,
        };
        audit::record(tx, &services.clock, event).await?;
        tell_of_displaced(tx, services, account).await?;
    }
    Ok(displaced)
}

/// Tells the owner by mail, once a day at most: a script that signs in and never out does so every minute (SES-9).
async fn tell_of_displaced(tx: &mut Tx, services: &Services, account: &Account) -> sqlx::Result<()> {
    if mail::was_told(tx, &account.id, Kind::SessionDisplaced, services.clock.now() - Duration::days(1)).await? {
        return Ok(());
    }
    let letter = Letter::new(
        "A session gave way to a new one",
        "You are told when your account has more sessions than it may, once a day at most.",
    )
    .say(format!(
        "Your Whereabouts account has {MOST_A_PERSON} sessions, and may have no more: for each new one, the one longest unused ends."
    ))
    .lead("Review your sessions", "/profile?tab=security")
    .advise("Usually this is a script that signs in and never signs out.");
    mail::tell(tx, services, account, Kind::SessionDisplaced, letter).await
}

/// Turns rows into what their owner sees: both clocks of expiry, and memory over database.
struct View<'a> {
    services: &'a Services,
    /// The session that asks, if it is one.
    current: Option<&'a SessionId>,
    /// Uses on other nodes that this one received.
    remote_uses: Option<&'a HashMap<SessionId, SessionUse>>,
    now: DateTime<Utc>,
}

impl<'a> View<'a> {
    fn of(services: &'a Services, current: Option<&'a SessionId>) -> Self {
        Self { services, current, remote_uses: None, now: services.clock.now() }
    }

    async fn show_now(&self, mut row: Row) -> Session {
        let last_use = self.last_use(&row);
        if let Some((_, ip)) = last_use
            && ip.to_string() != row.ip
        {
            row.location = locate(self.services, ip).await;
        }
        self.show(row, last_use)
    }

    /// The last use that is not written yet, noted here or received from another node.
    fn last_use(&self, row: &Row) -> Option<(DateTime<Utc>, IpAddr)> {
        let noted = self.services.activity.last_use(&row.id).map(|last| (last.at, last.ip));
        let remote = self.remote_uses.and_then(|uses| uses.get(&row.id)).map(|last| (last.at, last.ip));
        noted.max(remote).filter(|(at, _)| *at > row.last_active_at)
    }

    fn show(&self, row: Row, last_use: Option<(DateTime<Utc>, IpAddr)>) -> Session {
        let lifetimes = &self.services.config.lifetimes;
        let last_active_at = last_use.map_or(row.last_active_at, |(at, _)| at);
        let expiry = Expiry::of(lifetimes, row.created_at, last_active_at);
        let since = (self.now - last_active_at).to_std().unwrap_or_default(); // used this instant on another thread
        Session {
            current: self.current == Some(&row.id),
            online: since < lifetimes.online_window,
            id: row.id,
            device: row.device,
            location: row.location,
            ip: last_use.map_or(row.ip, |(_, ip)| ip.to_string()),
            first_ip: row.first_ip,
            user_agent: row.user_agent,
            created_at: row.created_at,
            last_active_at,
            idle_expires_at: expiry.idle,
            absolute_expires_at: expiry.absolute,
            expires_at: expiry.at(),
            sign_in_method: row.sign_in_method,
            new_location: row.new_location,
        }
    }

    async fn all(&self, rows: Vec<Row>) -> Vec<Session> {
        let mut sessions = Vec::with_capacity(rows.len());
        for row in rows {
            sessions.push(self.show_now(row).await);
        }
        sessions.retain(|session| !session.is_expired(self.now));
        sessions.sort_by(|a, b| a.rank().cmp(&b.rank()));
        sessions
    }
}

/// All sessions of the client, most recently active first.
pub async fn all(services: &Services, client: &Client) -> Result<Vec<Session>, AppError> {
    let rows = store::of_user(&mut services.db.read().await?, &client.account.id).await?;
    Ok(View::of(services, client.session()).all(rows).await)
}

/// Sessions of a person as every page of theirs may see them, so none is the current one: all of them, or those of these ids. One
/// query. `remote_uses` holds uses on other nodes, which the database may not know yet.
pub async fn for_pages(
    services: &Services,
    user: &UserId,
    ids: Option<&[SessionId]>,
    remote_uses: &HashMap<SessionId, SessionUse>,
) -> Result<Vec<Session>, AppError> {
    let mut db = services.db.read().await?;
    let rows = match ids {
        Some(ids) => store::find_many(&mut db, user, ids).await?,
        None => store::of_user(&mut db, user).await?,
    };
    drop(db);
    Ok(View { remote_uses: Some(remote_uses), ..View::of(services, None) }.all(rows).await)
}

/// The rows that the page shows.
pub async fn list(services: &Services, client: &Client, query: &Query) -> Result<Sessions, AppError> {
    let mut list = whole_list(services, all(services, client).await?);
    list.narrow(query);
    Ok(list)
}

/// A list of all of a person's sessions.
pub fn whole_list(services: &Services, rows: Vec<Session>) -> Sessions {
    let (matching, total) = (rows.len(), rows.len());
    let online_window = services.config.lifetimes.online_window.as_secs().cast_signed();
    let is_by_dbip = services.config.geoip.is_none();
    Sessions { rows, matching, total, now: services.clock.now(), online_window, is_by_dbip }
}

/// One session of the client.
pub async fn one(services: &Services, client: &Client, id: &SessionId) -> Result<Session, AppError> {
    let row = store::find(&mut services.db.read().await?, &client.account.id, id).await?.ok_or(AppError::NotFound)?;
    let view = View::of(services, client.session());
    let session = view.show_now(row).await;
    if session.is_expired(view.now) { Err(AppError::NotFound) } else { Ok(session) }
}

/// Ends another session of the client, before it returns. What it was, as its owner knew it.
pub async fn revoke(services: &Services, client: &Client, id: &SessionId) -> Result<Session, AppError> {
    if client.session() == Some(id) {
        return Err(AppError::CurrentSession);
    }
    let user = &client.account.id;
    let mut tx = services.db.write().await?;
    lock_account(&mut tx, client).await?;
    let Some(row) = end_one(&mut tx, services, user, id, EndReason::Revoked).await? else {
        tx.commit().await?; // one that had expired is ended all the same
        return Err(AppError::NotFound);
    };
    let event = by(client, Action::SessionRevoked, json!({ "session": id, "device": row.device.label }));
    audit::record(&mut tx, &services.clock, event).await?;
    tx.commit().await?;
    ended(services, user, vec![id.clone()]);
    Ok(View::of(services, client.session()).show(row, None))
}

/// Ends all other sessions of the client; how many. A token is no session: then all end.
pub async fn revoke_others(services: &Services, client: &Client) -> Result<usize, AppError> {
    let user = &client.account.id;
    let mut tx = services.db.write().await?;
    lock_account(&mut tx, client).await?;
    let sessions = end_all_but(&mut tx, services, user, client.session(), EndReason::Revoked).await?;
    let event = by(client, Action::OtherSessionsRevoked, json!({ "revoked": sessions.len() }));
    audit::record(&mut tx, &services.clock, event).await?;
    tx.commit().await?;
    let revoked = sessions.len();
    ended(services, user, sessions);
    Ok(revoked)
}

/// Ends the caller's own session.
pub async fn sign_out(services: &Services, caller: &Caller) -> Result<(), AppError> {
    let mut tx = services.db.write().await?;
    accounts::lock(&mut tx, &caller.account.id).await?;
    end_one(&mut tx, services, &caller.account.id, &caller.session, EndReason::SignedOut).await?;
    audit::record(&mut tx, &services.clock, by(caller, Action::SignOut, json!({}))).await?;
    tx.commit().await?;
    ended(services, &caller.account.id, vec![caller.session.clone()]);
    Ok(())
}

/// Gives the caller's session a new token, on a fresh proof of who they are: the one before ends (SES-3).
pub async fn renew(tx: &mut Tx, services: &Services, caller: &Caller) -> Result<Secret, AppError> {
    let token = Secret::generate();
    let is_live = store::renew(tx, &caller.account.id, &caller.session, &token.hash(), services.clock.now()).await?;
    if is_live { Ok(token) } else { Err(AppError::NotSignedIn) }
}

/// Locks the client's account (see [`accounts::lock`]) for what its session or API token is about to create, change or end.
///
/// Errors: [`AppError::NotSignedIn`] if the session or token ended, or the account was disabled, while the request was under way: what
/// it did would outlive it.
pub async fn lock_account(tx: &mut Tx, client: &Client) -> Result<Credentials, AppError> {
    let user = &client.account.id;
    let locked = accounts::lock(tx, user).await?.filter(|locked| locked.is_enabled);
    let is_there = match &client.credential {
        Credential::Session(id) => store::find(tx, user, id).await?.is_some(),
        Credential::Token(id) => access::store::is_token_there(tx, id).await?,
    };
    locked.filter(|_| is_there).ok_or(AppError::NotSignedIn)
}

/// Ends one session in the transaction of its cause. Returns what it was; `None` if it had ended or expired before.
pub async fn end_one(tx: &mut Tx, services: &Services, user: &UserId, id: &SessionId, reason: EndReason) -> Result<Option<Row>, AppError> {
    let Some(row) = store::end(tx, user, id, services.clock.now(), reason).await? else { return Ok(None) };
    let was_live = was_live(tx, services, id, (row.created_at, row.last_active_at)).await?;
    Ok(was_live.then_some(row))
}

/// Ends all sessions of a person but one in the transaction of its cause. Returns those that had not expired before.
pub async fn end_all_but(
    tx: &mut Tx,
    services: &Services,
    user: &UserId,
    kept: Option<&SessionId>,
    reason: EndReason,
) -> Result<Vec<SessionId>, AppError> {
    let mut live = Vec::new();
    for session in store::end_others(tx, user, kept, services.clock.now(), reason).await? {
        if was_live(tx, services, &session.id, (session.created_at, session.last_active_at)).await? {
            live.push(session.id);
        }
    }
    Ok(live)
}

/// Whether a session that this transaction ended had not expired before, by memory over database. One that had keeps its own
/// reason, which its login page says.
async fn was_live(
    tx: &mut Tx,
    services: &Services,
    id: &SessionId,
    (created_at, last_active_at): (DateTime<Utc>, DateTime<Utc>),
) -> Result<bool, AppError> {
    let last_active_at = services.activity.last_use(id).map_or(last_active_at, |last| last.at.max(last_active_at));
    let expiry = Expiry::of(&services.config.lifetimes, created_at, last_active_at);
    let Some(reason) = expiry.reason(services.clock.now()) else { return Ok(true) };
    store::set_end_reason(tx, id, reason).await?;
    Ok(false)
}

/// Tells the open pages that these ended, once that is committed.
pub fn ended(services: &Services, user: &UserId, sessions: Vec<SessionId>) {
    if !sessions.is_empty() {
        services.hub.publish(user, Change::Ended(sessions));
    }
}

/// An event that this client caused, on their own account.
pub fn by(client: &Client, action: Action, detail: serde_json::Value) -> Event<'_> {
    let Client { account, origin, .. } = client;
    let (actor, session, token, ip) = (Some(&account.id), client.session(), client.token(), Some(origin.ip));
    Event { action, outcome: Outcome::Success, actor, session, token, subject: actor, ip, detail }
}
