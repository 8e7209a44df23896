//! The doors of the Profile tab.

use leptos::prelude::*;

use crate::{
    accounts::model::Account,
    audit::Recorded,
    email_change::actions as email_change,
    error::AppError,
    person::actions,
    proof::api::proven,
    sessions::caller::caller,
    ui::plain_form::{Led, lead},
};

const PAGE: &str = "/profile?tab=profile";

/// What the page shows.
pub struct Person {
    /// Who.
    pub account: Account,
    /// The address that waits to be confirmed.
    pub new_email: Option<String>,
    /// What happened to the account last.
    pub recent: Vec<Recorded>,
}

/// What the page shows.
pub async fn open_person() -> Result<Person, AppError> {
    let (services, caller) = caller()?;
    let new_email = email_change::waiting(&services, &caller.account.id).await?;
    let recent = actions::recent(&services, &caller).await?;
    Ok(Person { account: caller.client.account, new_email, recent })
}

/// Takes what a person says of themselves.
#[server(prefix = "/api/ui", endpoint = "describe_person")]
pub async fn describe_person(name: String, username: String, time_zone: String) -> Result<String, AppError> {
    let describe = async || {
        let (services, caller) = caller()?;
        actions::describe(&services, &caller, &name, &username, &time_zone).await?;
        Ok(Led::to(PAGE).saying("Saved."))
    };
    lead(proven(describe().await, PAGE), PAGE, &[("name", &name), ("username", &username), ("time_zone", &time_zone)])
}
