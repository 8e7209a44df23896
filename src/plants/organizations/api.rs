//! Server functions of the pages of organizations.

use chrono::{DateTime, Utc};
use leptos::prelude::*;

use crate::{
    authentication::registration::granted::{self, AccessInvitation},
    error::{AppError, problem::Problem},
    foundation::{
        http::page::{MAX_SEARCH_CHARS, PageRequest},
        ids::{OrganizationId, UserId},
        services::Services,
    },
    permissions::{
        members::{
            self,
            model::Member,
            view::{MemberList, MemberRights},
        },
        model::{OrganizationRole, ScopeId},
        store as permissions,
        vendors::{self, model::Vendor},
    },
    plants::{
        actions::{self as plants, Contents},
        deletion::check_confirmed,
        organizations::{
            actions,
            model::{NewOrganization, OrganizationChanges, OrganizationDetails},
        },
        portfolios::{self, actions::PortfolioSummary},
    },
    reauthentication::{actor::Actor, api::or_reauthenticate},
    sessions::caller::{CurrentSession, current_session},
    ui::form_response::{FormOutcome, respond, with_query},
};

/// Path of the page that creates an organization.
pub const NEW_PAGE: &str = "/organizations/new";
/// Members of a page of their list.
const MEMBERS_PER_PAGE: i64 = 100;
/// Invitations of a page of their list.
const INVITATIONS_PER_PAGE: i64 = 50;

/// Returns the path of an organization's page.
pub fn organization_path(id: impl std::fmt::Display) -> String {
    format!("/organizations/{id}")
}

/// The data of an organization's page.
pub struct OrganizationPageData {
    /// The organization.
    pub details: OrganizationDetails,
    /// Its portfolios by name. Empty for those who do not administer it.
    pub portfolios: Vec<PortfolioSummary>,
    /// Its members. `None` for those who may not know them.
    pub members: Option<MemberList>,
    /// The member that a dialog is about.
    pub chosen_member: Option<Member>,
    /// Its vendors. `None` for those who do not administer it.
    pub vendors: Option<Vec<Vendor>>,
    /// Pending invitations with access to something in it. Empty for those who do not administer it.
    pub invitations: Vec<AccessInvitation>,
    /// Path of the next page of invitations. `None` on the last page.
    pub next_invitations: Option<String>,
    /// What would be deleted with it. `None` if the caller may not delete it.
    pub contents: Option<Contents>,
    /// What the caller may do with members.
    pub rights: MemberRights,
    /// Whether the caller is a platform administrator.
    pub is_platform_administrator: bool,
    /// The caller.
    pub own_id: UserId,
    /// The caller's time zone.
    pub time_zone: String,
    /// The current time.
    pub now: DateTime<Utc>,
}

/// Which parts of its lists the page shows.
#[derive(Debug, Clone, Default)]
pub struct OrganizationQuery {
    /// Part of the names, usernames or email addresses of members. Empty for all.
    pub search: String,
    /// The cursor of the page of members. Empty for the first page.
    pub members_after: String,
    /// Id of the member that a dialog is about, or empty.
    pub chosen: String,
    /// The cursor of the page of invitations. Empty for the first page.
    pub invitations_after: String,
}

/// Loads the data of an organization's page.
///
/// Errors: [`AppError::NotFound`].
pub async fn open_organization(id: String, query: OrganizationQuery) -> Result<OrganizationPageData, AppError> {
    let load = async || {
        let (services, caller) = current_session()?;
        load_page(&services, &caller, &parse_id(&id)?, &query).await
    };
    load().await.inspect_err(AppError::set_response)
}

async fn load_page(
    services: &Services,
    caller: &CurrentSession,
    id: &OrganizationId,
    query: &OrganizationQuery,
) -> Result<OrganizationPageData, AppError> {
    let details = actions::get(services, caller, id).await?;
    let (role, is_platform_administrator) = (details.organization.your_role, caller.account.is_admin);
    let administers = role.is_some_and(OrganizationRole::administers);
    let members = match administers || is_platform_administrator {
        true => Some(load_members(services, caller, id, query).await?),
        false => None,
    };
    let chosen_member = match members.is_some() && !query.chosen.is_empty() {
        true => members::store::find(&mut services.db.read().await?, id, &query.chosen).await?,
        false => None,
    };
    let rights = MemberRights {
        administers,
        manages_owners: role == Some(OrganizationRole::Owner),
        names_owner: is_platform_administrator && members.as_ref().is_some_and(|members| !members.has_owner),
    };
    let (invitations, next) = match administers {
        true => granted::list_invitations(services, caller, id, &page_after(&query.invitations_after, INVITATIONS_PER_PAGE)).await?,
        false => (Vec::new(), None),
    };
    Ok(OrganizationPageData {
        portfolios: if administers { portfolios::actions::summaries(services, caller, id).await? } else { Vec::new() },
        members,
        chosen_member,
        vendors: if administers { Some(vendors::actions::list(services, caller, id).await?) } else { None },
        invitations,
        next_invitations: next.map(|next| with_query(&organization_path(id), &[("invitations_after", &next)])),
        contents: match is_platform_administrator {
            true => Some(plants::preview_deletion(services, caller, &ScopeId::Organization(id.clone())).await?),
            false => None,
        },
        details,
        rights,
        is_platform_administrator,
        own_id: caller.account.id.clone(),
        time_zone: caller.account.time_zone.clone(),
        now: services.clock.now(),
    })
}

async fn load_members(
    services: &Services,
    caller: &CurrentSession,
    id: &OrganizationId,
    query: &OrganizationQuery,
) -> Result<MemberList, AppError> {
    let search: String = query.search.chars().take(MAX_SEARCH_CHARS).collect();
    let page = page_after(&query.members_after, MEMBERS_PER_PAGE).with_search(search.clone());
    let (rows, next) = members::actions::list(services, caller, id, &page).await?;
    let has_owner = !permissions::owners(&mut services.db.read().await?, id).await?.is_empty();
    Ok(MemberList { rows, has_owner, search, is_continued: !query.members_after.is_empty(), next })
}

/// Returns the page of a list after a cursor, or the first one.
fn page_after(cursor: &str, limit: i64) -> PageRequest {
    let first = PageRequest::first(limit);
    if cursor.is_empty() { first } else { first.after(cursor.to_owned()) }
}

/// Checks that the caller may create an organization.
///
/// Errors: [`AppError::NotPermitted`].
pub async fn open_new() -> Result<(), AppError> {
    let load = async || {
        let (services, caller) = current_session()?;
        Actor::Principal(&caller).require_platform_administrator(&services).await
    };
    load().await.inspect_err(AppError::set_response)
}

/// Creates an organization.
#[server(prefix = "/api/ui", endpoint = "create_organization")]
pub async fn create_organization(
    name: String,
    #[server(default)] owner: String,
    #[server(default)] host_suffixes: String,
) -> Result<String, Problem> {
    let typed = [("name", name.as_str()), ("owner", &owner), ("host_suffixes", &host_suffixes)];
    let create = async || {
        let (services, caller) = current_session()?;
        let owner = Some(owner.trim()).filter(|owner| !owner.is_empty()).map(str::to_owned);
        let request = NewOrganization { name: name.clone(), owner, host_suffixes: parse_suffixes(&host_suffixes) };
        let created = actions::create(&services, Actor::Principal(&caller), &request).await?.organization;
        Ok(FormOutcome::redirect_to(organization_path(&created.id)).with_notice(format!("{} was added.", created.name)))
    };
    respond(or_reauthenticate(create().await, &with_query(NEW_PAGE, &typed)), NEW_PAGE, &typed)
}

/// Renames an organization.
#[server(prefix = "/api/ui", endpoint = "rename_organization")]
pub async fn rename_organization(id: String, name: String) -> Result<String, Problem> {
    let changes = OrganizationChanges { name: Some(name.clone()), host_suffixes: None };
    change(&id, &changes, &[("name", &name)]).await
}

/// Assigns the host suffixes of an organization: one in each line.
#[server(prefix = "/api/ui", endpoint = "assign_host_suffixes")]
pub async fn assign_host_suffixes(id: String, #[server(default)] host_suffixes: String) -> Result<String, Problem> {
    let changes = OrganizationChanges { name: None, host_suffixes: Some(parse_suffixes(&host_suffixes)) };
    change(&id, &changes, &[("host_suffixes", &host_suffixes)]).await
}

async fn change(id: &str, changes: &OrganizationChanges, typed: &[(&str, &str)]) -> Result<String, Problem> {
    let page = organization_path(id);
    let update = async || {
        let (services, caller) = current_session()?;
        actions::update(&services, Actor::Principal(&caller), &parse_id(id)?, changes).await?;
        Ok(FormOutcome::redirect_to(page.as_str()).with_notice("The organization was saved."))
    };
    respond(or_reauthenticate(update().await, &with_query(&page, typed)), &page, typed)
}

/// Deletes an organization, if its name was entered.
#[server(prefix = "/api/ui", endpoint = "delete_organization")]
pub async fn delete_organization(id: String, confirmed: String) -> Result<String, Problem> {
    let form = with_query(&organization_path(&id), &[("confirm", "delete")]);
    let delete = async || {
        let (services, caller) = current_session()?;
        let organization = actions::get(&services, &caller, &parse_id(&id)?).await?.organization;
        check_confirmed(&confirmed, &organization.name)?;
        actions::delete(&services, Actor::Principal(&caller), &organization.id).await?;
        Ok(FormOutcome::redirect_to("/plants").with_notice(format!("{} was deleted.", organization.name)))
    };
    respond(or_reauthenticate(delete().await, &form), &form, &[])
}

fn parse_id(id: &str) -> Result<OrganizationId, AppError> {
    OrganizationId::parse(id).ok_or(AppError::NotFound)
}

/// Returns the suffixes of a field: separated by spaces, commas or lines.
fn parse_suffixes(text: &str) -> Vec<String> {
    text.split([' ', ',', '\n', '\r', '\t']).filter(|suffix| !suffix.is_empty()).map(str::to_owned).collect()
}
