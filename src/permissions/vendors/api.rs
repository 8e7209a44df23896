//! Server functions about vendors.

use leptos::prelude::*;

use crate::{
    error::{AppError, problem::Problem},
    foundation::ids::{OrganizationId, UserId, VendorId},
    permissions::vendors::actions,
    reauthentication::{actor::Actor, api::or_reauthenticate},
    sessions::caller::current_session,
    ui::{
        form_response::{FormOutcome, respond, with_query},
        number::count_of,
    },
};

fn page(organization: &str) -> String {
    format!("/organizations/{organization}")
}

/// Returns the path of an organization's page with the dialog that ends all access of a vendor.
pub fn end_path(organization: &str, vendor: &str) -> String {
    with_query(&page(organization), &[("end", vendor)])
}

/// Ends all access of a vendor in an organization.
#[server(prefix = "/api/ui", endpoint = "end_vendor_access")]
pub async fn end_vendor_access(organization: String, vendor: String) -> Result<String, Problem> {
    let form = end_path(&organization, &vendor);
    let end = async || {
        let (services, caller) = current_session()?;
        let ended = actions::end_access(&services, Actor::Principal(&caller), &parse_id(&organization)?, &parse_vendor(&vendor)?).await?;
        let notice = format!("{} ended. The vendor reaches nothing here any longer.", count_of(ended as i64, "grant"));
        Ok(FormOutcome::redirect_to(page(&organization)).with_notice(notice))
    };
    respond(or_reauthenticate(end().await, &form), &form, &[])
}

/// Makes a person no longer one of a vendor's.
#[server(prefix = "/api/ui", endpoint = "remove_vendor_person")]
pub async fn remove_vendor_person(organization: String, vendor: String, user: String) -> Result<String, Problem> {
    let remove = async || {
        let (services, caller) = current_session()?;
        let (actor, user) = (Actor::Principal(&caller), UserId::parse(&user).ok_or(AppError::NotFound)?);
        actions::remove_person(&services, actor, &parse_id(&organization)?, &parse_vendor(&vendor)?, &user).await?;
        Ok(FormOutcome::redirect_to(page(&organization)).with_notice("The person no longer works for the vendor here."))
    };
    respond(or_reauthenticate(remove().await, &page(&organization)), &page(&organization), &[])
}

fn parse_id(id: &str) -> Result<OrganizationId, AppError> {
    OrganizationId::parse(id).ok_or(AppError::NotFound)
}

fn parse_vendor(id: &str) -> Result<VendorId, AppError> {
    VendorId::parse(id).ok_or(AppError::NotFound)
}
