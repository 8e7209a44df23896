//! Server functions of the Profile tab.

use leptos::prelude::*;

use crate::{
    accounts::model::Account,
    authentication::email_change::actions as email_change,
    error::{AppError, problem::Problem},
    profile::actions,
    reauthentication::api::or_reauthenticate,
    record::RecordedEvent,
    sessions::caller::current_session,
    ui::form_response::{FormOutcome, respond},
};

const PAGE: &str = "/profile?tab=profile";

/// Data of the page.
pub struct ProfilePageData {
    /// The user's account.
    pub account: Account,
    /// The new email address that is not confirmed yet.
    pub new_email: Option<String>,
    /// The most recent events of the account.
    pub recent: Vec<RecordedEvent>,
}

/// Loads the data of the page.
pub async fn load_profile() -> Result<ProfilePageData, AppError> {
    let (services, caller) = current_session()?;
    let new_email = email_change::pending(&services, &caller.account.id).await?;
    let recent = actions::recent_events(&services, &caller).await?;
    Ok(ProfilePageData { account: caller.client.account, new_email, recent })
}

/// Updates the user's name, username and time zone.
#[server(prefix = "/api/ui", endpoint = "update_profile")]
pub async fn update_profile(name: String, username: String, time_zone: String) -> Result<String, Problem> {
    let describe = async || {
        let (services, caller) = current_session()?;
        actions::update(&services, &caller, &name, &username, &time_zone).await?;
        Ok(FormOutcome::redirect_to(PAGE).with_notice("Saved."))
    };
    respond(or_reauthenticate(describe().await, PAGE), PAGE, &[("name", &name), ("username", &username), ("time_zone", &time_zone)])
}
