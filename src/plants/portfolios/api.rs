//! Server functions that create, rename and delete portfolios, on the page of their organization.

use leptos::prelude::*;

use crate::{
    error::{AppError, problem::Problem},
    foundation::ids::PortfolioId,
    plants::{
        deletion::check_confirmed,
        organizations::api::organization_path,
        portfolios::{
            actions,
            model::{NewPortfolio, PortfolioChanges},
        },
        requests::not_in_form,
    },
    reauthentication::{actor::Actor, api::or_reauthenticate},
    sessions::caller::current_session,
    ui::form_response::{FormOutcome, respond, with_query},
};

/// Creates a portfolio.
#[server(prefix = "/api/ui", endpoint = "create_portfolio")]
pub async fn create_portfolio(organization: String, portfolio_name: String) -> Result<String, Problem> {
    let create = async || {
        let (services, caller) = current_session()?;
        let request = NewPortfolio { organization: organization.clone(), name: portfolio_name.clone() };
        let created =
            actions::create(&services, Actor::Principal(&caller), &request).await.map_err(in_form).map_err(not_in_form("organization"))?;
        Ok(FormOutcome::redirect_to(organization_path(&organization)).with_notice(format!("{} was added.", created.name)))
    };
    respond(create().await, &organization_path(&organization), &[("portfolio_name", &portfolio_name)])
}

/// Names the field of the form in an error about the name.
fn in_form(error: AppError) -> AppError {
    match error {
        AppError::Invalid { field, message } if field == "name" => AppError::invalid("portfolio_name", message),
        error => error,
    }
}

/// Renames a portfolio.
#[server(prefix = "/api/ui", endpoint = "rename_portfolio")]
pub async fn rename_portfolio(id: String, organization: String, name: String) -> Result<String, Problem> {
    let form = portfolio_path(&organization, "rename", &id);
    let rename = async || {
        let (services, caller) = current_session()?;
        let changes = PortfolioChanges { name: Some(name.clone()) };
        let renamed = actions::update(&services, Actor::Principal(&caller), &parse_id(&id)?, &changes).await?;
        let notice = format!("The portfolio is now called {}.", renamed.name);
        Ok(FormOutcome::redirect_to(organization_path(&organization)).with_notice(notice))
    };
    respond(rename().await, &form, &[("name", &name)])
}

/// Deletes a portfolio with its plants, if its name was entered.
#[server(prefix = "/api/ui", endpoint = "delete_portfolio")]
pub async fn delete_portfolio(id: String, organization: String, confirmed: String) -> Result<String, Problem> {
    let form = portfolio_path(&organization, "delete", &id);
    let delete = async || {
        let (services, caller) = current_session()?;
        let portfolio = actions::get(&services, &caller, &parse_id(&id)?).await?;
        check_confirmed(&confirmed, &portfolio.name)?;
        actions::delete(&services, Actor::Principal(&caller), &portfolio.id, None).await?;
        Ok(FormOutcome::redirect_to(organization_path(&organization)).with_notice(format!("{} was deleted.", portfolio.name)))
    };
    respond(or_reauthenticate(delete().await, &form), &form, &[])
}

/// Returns the path of an organization's page with a dialog about one of its portfolios: `rename` or `delete`.
pub fn portfolio_path(organization: &str, dialog: &str, id: &str) -> String {
    with_query(&organization_path(organization), &[(dialog, id)])
}

fn parse_id(id: &str) -> Result<PortfolioId, AppError> {
    PortfolioId::parse(id).ok_or(AppError::NotFound)
}
