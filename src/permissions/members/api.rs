//! Server functions that give people a role in an organization and remove them.

use leptos::prelude::*;

use crate::{
    error::{AppError, problem::Problem},
    foundation::ids::OrganizationId,
    permissions::{members::actions, model::OrganizationRole},
    reauthentication::{actor::Actor, api::or_reauthenticate},
    sessions::caller::current_session,
    ui::{
        form_response::{FormOutcome, respond, with_query},
        number::count_of,
    },
};

/// Returns the path of the page of an organization, which shows its members.
fn page(organization: &str) -> String {
    format!("/organizations/{organization}")
}

/// Returns the path of an organization's page with a dialog about a member: `role` or `remove`.
pub fn member_path(organization: &str, dialog: &str, user: &str) -> String {
    with_query(&page(organization), &[(dialog, user)])
}

/// Gives a person a role in an organization, in place of any other.
#[server(prefix = "/api/ui", endpoint = "set_member")]
pub async fn set_member(organization: String, user: String, #[server(default)] role: String) -> Result<String, Problem> {
    let set = async || {
        let (services, caller) = current_session()?;
        let role = OrganizationRole::parse(&role).ok_or_else(|| AppError::invalid("role", "Choose a role."))?;
        let member = actions::set(&services, Actor::Principal(&caller), &parse_id(&organization)?, &user, role).await?;
        let notice = format!("{} is now {} of the organization.", member.user.name, with_article(role));
        Ok(FormOutcome::redirect_to(page(&organization)).with_notice(notice))
    };
    // The address has a parameter `role` of its own: it opens the dialog about a member.
    let typed = [("user", user.as_str()), ("member_role", role.as_str())];
    respond(or_reauthenticate(set().await, &with_query(&page(&organization), &typed)), &page(&organization), &typed)
}

/// Returns a role in a sentence: "an owner".
pub fn with_article(role: OrganizationRole) -> &'static str {
    match role {
        OrganizationRole::Member => "a member",
        OrganizationRole::Administrator => "an administrator",
        OrganizationRole::Owner => "an owner",
    }
}

/// Removes a person from an organization, with all their grants there. Whoever removes themselves leaves for the plants.
#[server(prefix = "/api/ui", endpoint = "remove_member")]
pub async fn remove_member(organization: String, user: String) -> Result<String, Problem> {
    let form = member_path(&organization, "remove", &user);
    let remove = async || {
        let (services, caller) = current_session()?;
        let removed = actions::remove(&services, Actor::Principal(&caller), &parse_id(&organization)?, &user).await?;
        let back = if caller.account.id.as_str() == user { "/plants".to_owned() } else { page(&organization) };
        let notice = format!("The person was removed, and {} ended.", count_of(removed.grants_ended as i64, "grant"));
        Ok(FormOutcome::redirect_to(back).with_notice(notice))
    };
    respond(or_reauthenticate(remove().await, &form), &form, &[])
}

fn parse_id(id: &str) -> Result<OrganizationId, AppError> {
    OrganizationId::parse(id).ok_or(AppError::NotFound)
}
