//! Server functions of the page that grants access, and of extending and ending grants.

use chrono::{DateTime, Utc};
use leptos::prelude::*;

use crate::{
    accounts::{
        model::{Account, check_username},
        store as accounts,
    },
    error::{AppError, problem::Problem},
    foundation::{
        ids::{GrantId, OrganizationId},
        services::Services,
    },
    permissions::{
        authorize,
        decide::Action,
        grants::{
            actions,
            form::{Entered, back_path},
            model::Extension,
            page::PreviewContent,
            preview::{Draft, Preview, ScopeChoice},
            store as grants,
        },
        model::{Grant, Person, Role, ScopeId},
        vendors::store as vendors,
    },
    reauthentication::{
        actions::require_recent,
        actor::Actor,
        api::{or_reauthenticate, reauthentication_path},
    },
    sessions::{
        caller::{CurrentSession, current_session},
        redirect::RedirectPath,
    },
    ui::form_response::{FormOutcome, respond, set_status, with_query},
};

/// Who gets access.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Picked {
    /// Somebody with an account.
    Account {
        /// The account.
        account: Box<Account>,
        /// The vendor that the person works for in this organization.
        vendor: Option<String>,
    },
    /// Somebody outside the organization, by the username that was entered.
    Stranger(String),
    /// An email address, by which somebody is invited who has no account.
    Invitation(String),
}

impl Picked {
    /// Returns the name in sentences: the first name, or what was entered.
    pub fn first_name(&self) -> &str {
        match self {
            Self::Account { account, .. } => account.name.split_whitespace().next().unwrap_or(&account.username),
            Self::Stranger(text) | Self::Invitation(text) => text,
        }
    }
}

/// Somebody whom a search found.
pub struct Found {
    /// The person.
    pub person: Person,
    /// What the form sends if the person is chosen: the id of people of the organization, because they may rename themselves, and the
    /// username of others, about whom an id tells the next page nothing.
    pub chosen_by: String,
}

/// The data of the page.
pub struct GrantPageData {
    /// What was entered so far.
    pub entered: Entered,
    /// The scopes to choose from, the widest first.
    pub scopes: Vec<ScopeChoice>,
    /// Who gets access. `None` while nobody is chosen.
    pub picked: Option<Picked>,
    /// People found by the search. `None` without a search.
    pub found: Option<Vec<Found>>,
    /// The email address that was searched for, if it has no account.
    pub unknown_email: Option<String>,
    /// What the grant would mean. `None` while it is incomplete.
    pub preview: Option<PreviewData>,
    /// The current time.
    pub now: DateTime<Utc>,
}

/// What a grant would mean, for whom and until when.
pub struct PreviewData {
    /// What it would mean.
    pub preview: Preview,
    /// The role.
    pub role: Role,
    /// Name of the person in sentences.
    pub name: String,
    /// When it ends.
    pub expires_at: Option<DateTime<Utc>>,
    /// The user's time zone.
    pub time_zone: String,
    /// The current time.
    pub now: DateTime<Utc>,
}

/// Loads the data of the page. Redirects to reauthentication unless it is recent.
///
/// Errors: [`AppError::NotFound`], [`AppError::NotInRole`].
pub async fn open_grant(entered: Entered) -> Result<GrantPageData, AppError> {
    let (services, caller) = current_session()?;
    let scopes = find_scopes(&services, &caller, &entered).await.inspect_err(AppError::set_response)?;
    if let Err(error) = require_recent(&services, &caller) {
        leptos_axum::redirect(&reauthentication_path(&RedirectPath::parse(&entered.address())));
        return Err(error); // before anybody is looked up
    }
    load_page(&services, &caller, entered, scopes).await.inspect_err(AppError::set_response)
}

/// Returns the scopes to choose from, the widest first.
async fn find_scopes(services: &Services, caller: &CurrentSession, entered: &Entered) -> Result<Vec<ScopeChoice>, AppError> {
    actions::scopes(services, caller, &entered.opened_for()?).await
}

async fn load_page(
    services: &Services,
    caller: &CurrentSession,
    entered: Entered,
    scopes: Vec<ScopeChoice>,
) -> Result<GrantPageData, AppError> {
    let opened_for = entered.opened_for()?;
    let organization = organization_of(services, caller, &opened_for).await?;
    let picked = pick(services, caller, &organization, &entered.user).await?;
    let (mut found, mut unknown_email) = (None, None);
    if picked.is_none() && !entered.person.trim().is_empty() {
        let people = search(services, caller, &organization, entered.person.trim()).await?;
        unknown_email = (people.is_empty() && entered.person.contains('@')).then(|| entered.person.trim().to_owned());
        found = Some(people);
    }
    let preview = preview(services, caller, &entered, picked.as_ref()).await?;
    Ok(GrantPageData { entered, scopes, picked, found, unknown_email, preview, now: services.clock.now() })
}

/// Returns the organization of a scope in which the caller may grant access.
async fn organization_of(services: &Services, caller: &CurrentSession, scope: &ScopeId) -> Result<OrganizationId, AppError> {
    let known = authorize::require(&mut services.db.read().await?, services, caller, scope, Action::Administer).await?;
    Ok(known.organization)
}

/// Returns whom the form chose: a person of the organization or the caller, by id, username or email address. About anybody else it shows
/// nothing but the username or address that was entered, whether or not there is such an account: who has one is looked up by the search,
/// and when the access is granted, at a limited rate and on record.
async fn pick(services: &Services, caller: &CurrentSession, organization: &OrganizationId, user: &str) -> Result<Option<Picked>, AppError> {
    let user = user.trim();
    let mut db = services.db.read().await?;
    if let Some(account) = accounts::find_enabled(&mut db, user).await? {
        let is_own = account.id == caller.account.id;
        if is_own || grants::is_known(&mut db, &account.id, organization, services.clock.now()).await? {
            let vendor = vendors::find_employer(&mut db, &account.id, organization).await?.map(|vendor| vendor.name);
            return Ok(Some(Picked::Account { account: Box::new(account), vendor }));
        }
    }
    Ok(if user.contains('@') {
        Some(Picked::Invitation(user.to_owned()))
    } else {
        check_username(user).ok().map(|()| Picked::Stranger(user.to_owned()))
    })
}

/// Finds people of the organization by part of their name, and anybody by exact username or email address.
async fn search(services: &Services, caller: &CurrentSession, organization: &OrganizationId, text: &str) -> Result<Vec<Found>, AppError> {
    let mut db = services.db.read().await?;
    let people = actions::search_people(&mut db, services, organization, text).await?;
    drop(db);
    let mut found: Vec<_> = people.into_iter().map(|person| Found { chosen_by: person.id.to_string(), person }).collect();
    if (found.is_empty() || text.contains('@'))
        && let Some(account) = actions::find_person(services, Actor::Principal(caller), organization, text).await?
    {
        let position = found.iter().position(|found| found.person.id == account.id);
        let exact = position.map(|position| found.remove(position));
        let person = Person { id: account.id, name: account.name, username: account.username };
        found.insert(0, exact.unwrap_or_else(|| Found { chosen_by: person.username.clone(), person }));
    }
    Ok(found)
}

/// Returns what the grant would mean. `None` while it is incomplete.
async fn preview(
    services: &Services,
    caller: &CurrentSession,
    entered: &Entered,
    picked: Option<&Picked>,
) -> Result<Option<PreviewData>, AppError> {
    let (Some(picked), Some(role), Ok(scope)) = (picked, entered.role(), entered.scope()) else { return Ok(None) };
    let time_zone = caller.account.time_zone.clone();
    let Ok(expires_at) = entered.expires_at(&time_zone, services.clock.now()) else { return Ok(None) };
    let user = if let Picked::Account { account, .. } = picked { Some(&**account) } else { None };
    let draft = Draft { user, role, scope: &scope, expires_at, vendor: entered.vendor().filter(|vendor| !vendor.is_empty()) };
    let preview = actions::preview(services, caller, draft).await?;
    Ok(Some(PreviewData { preview, role, name: picked.first_name().to_owned(), expires_at, time_zone, now: services.clock.now() }))
}

/// Returns what the form would grant, as HTML for the card beside it.
#[server(prefix = "/api/ui", endpoint = "preview_grant")]
#[allow(clippy::too_many_arguments, reason = "the fields of a form")]
pub async fn preview_grant(
    at: String,
    #[server(default)] user: String,
    #[server(default)] is_vendor: String,
    #[server(default)] vendor: String,
    #[server(default)] role: String,
    #[server(default)] scope: String,
    #[server(default)] until: String,
    #[server(default)] day: String,
) -> Result<String, Problem> {
    let entered = Entered { at, user, is_vendor, vendor, role, scope, until, day, ..Entered::default() };
    let load = async || {
        let (services, caller) = current_session()?;
        let organization = organization_of(&services, &caller, &entered.opened_for()?).await?;
        let picked = pick(&services, &caller, &organization, &entered.user).await?;
        preview(&services, &caller, &entered, picked.as_ref()).await
    };
    let preview = set_status(load().await)?;
    Ok(view! { <PreviewContent preview /> }.to_html())
}

/// The data of the page that changes the end of a grant.
pub struct ExtendPageData {
    /// The grant.
    pub grant: Grant,
    /// The user's time zone.
    pub time_zone: String,
    /// The current time.
    pub now: DateTime<Utc>,
}

/// Loads the data of the page that changes the end of a grant. Redirects to reauthentication unless it is recent.
///
/// Errors: [`AppError::NotFound`], [`AppError::NotInRole`] unless the caller administers the organization.
pub async fn open_extension(id: String) -> Result<ExtendPageData, AppError> {
    let load = async || {
        let (services, caller) = current_session()?;
        let grant = actions::get(&services, &caller, &parse_id(&id)?).await?;
        let mut db = services.db.read().await?;
        authorize::require_administrator(&mut db, &services, &caller, &grant.organization).await?;
        if require_recent(&services, &caller).is_err() {
            leptos_axum::redirect(&reauthentication_path(&RedirectPath::parse(&grant_path(grant.id.as_str()))));
        }
        Ok(ExtendPageData { grant, time_zone: caller.account.time_zone.clone(), now: services.clock.now() })
    };
    load().await.inspect_err(AppError::set_response)
}

/// Changes the end of a grant.
#[server(prefix = "/api/ui", endpoint = "extend_grant")]
pub async fn extend_grant(
    id: String,
    #[server(default)] until: String,
    #[server(default)] day: String,
    #[server(default)] reason: String,
) -> Result<String, Problem> {
    let entered = Entered { until: until.clone(), day: day.clone(), ..Entered::default() };
    let extend = async || {
        let (services, caller) = current_session()?;
        let expires_at = entered.expires_at(&caller.account.time_zone, services.clock.now())?;
        let extension = Extension { expires_at, reason: reason.clone() };
        let grant = actions::extend(&services, Actor::Principal(&caller), &parse_id(&id)?, &extension).await?;
        let back = grant.scope_id().map(|scope| back_path(&scope)).unwrap_or_default(); // a stored grant has a scope
        Ok(FormOutcome::redirect_to(back).with_notice(format!("The access of {} has a new end.", grant.user.name)))
    };
    let typed = [("until", until.as_str()), ("day", &day), ("reason", &reason)];
    let extended = extend().await.map_err(|error| entered.in_form(error));
    respond(or_reauthenticate(extended, &with_query(&grant_path(&id), &typed)), &grant_path(&id), &typed)
}

/// Ends a grant, and redirects to `next`.
#[server(prefix = "/api/ui", endpoint = "end_grant")]
pub async fn end_grant(id: String, next: String) -> Result<String, Problem> {
    let next = RedirectPath::parse(&next);
    let end = async || {
        let (services, caller) = current_session()?;
        let notice = match actions::end(&services, Actor::Principal(&caller), &parse_id(&id)?).await {
            Ok(grant) => format!("{} is no longer {} by {}.", grant.user.name, grant.role.name().to_lowercase(), grant.scope.name),
            Err(AppError::NotFound) => "This access had ended already.".to_owned(),
            Err(error) => return Err(error),
        };
        Ok(FormOutcome::redirect_to(next.path()).with_notice(notice))
    };
    let form = with_query(next.path(), &[("end", &id)]);
    respond(or_reauthenticate(end().await, &form), &form, &[])
}

/// Returns the path of the page that changes the end of a grant.
pub fn grant_path(id: &str) -> String {
    format!("/grants/{id}")
}

fn parse_id(id: &str) -> Result<GrantId, AppError> {
    GrantId::parse(id).ok_or(AppError::NotFound)
}
