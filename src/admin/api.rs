//! Server functions of the administrators' page. Each checks its caller; all but the page itself require recent authentication.

use std::sync::Arc;

use leptos::prelude::*;

use crate::{
    admin::actions::{self, AccountAction, Overview},
    authentication::registration::invitations::Invitation,
    error::{AppError, problem::Problem},
    foundation::{
        ids::{OneTimeTokenId, RequestId},
        services::Services,
    },
    reauthentication::{actor::Actor, api::or_reauthenticate},
    sessions::caller::{CurrentSession, current_session},
    ui::form_response::{FormOutcome, respond},
};

/// Path of the page.
pub const PAGE: &str = "/admin";

async fn require_administrator() -> Result<(Arc<Services>, CurrentSession), AppError> {
    let (services, caller) = current_session()?;
    actions::require_administrator(&services, &caller).await?;
    Ok((services, caller))
}

/// Loads what the page shows.
pub async fn open_admin(search: String) -> Result<Overview, AppError> {
    let (services, caller) = require_administrator().await.inspect_err(AppError::set_response)?;
    actions::overview(&services, &caller, &search).await
}

/// Invites a person by mail.
#[server(prefix = "/api/ui", endpoint = "invite")]
pub async fn invite(email: String, #[server(default)] is_admin: Option<String>) -> Result<String, Problem> {
    let invite = async || {
        let (services, caller) = require_administrator().await?;
        let invitation = Invitation::new(email.clone(), is_admin.is_some());
        actions::invite(&services, &invitation, Actor::Principal(&caller)).await?;
        Ok(FormOutcome::redirect_to(PAGE).with_notice(format!("An invitation is on its way to {email}.")))
    };
    respond(or_reauthenticate(invite().await, PAGE), PAGE, &[("email", &email)])
}

/// Decides a request for access. `decision`: `invite` or `decline`.
#[server(prefix = "/api/ui", endpoint = "decide_access_request")]
pub async fn decide_access_request(id: String, decision: String) -> Result<String, Problem> {
    let decide = async || {
        let (services, caller) = require_administrator().await?;
        let id = RequestId::parse(&id).ok_or(AppError::NotFound)?;
        let is_accepted = match decision.as_str() {
            "invite" => true,
            "decline" => false,
            _ => return Err(AppError::NotFound),
        };
        let request = actions::decide_request(&services, &id, is_accepted, Actor::Principal(&caller)).await?;
        let email = request.email;
        let notice = if is_accepted {
            format!("An invitation is on its way to {email}.")
        } else {
            format!("The request from {email} was declined.")
        };
        Ok(FormOutcome::redirect_to(PAGE).with_notice(notice))
    };
    respond(or_reauthenticate(decide().await, PAGE), PAGE, &[])
}

/// Cancels an invitation.
#[server(prefix = "/api/ui", endpoint = "cancel_invitation")]
pub async fn cancel_invitation(id: String) -> Result<String, Problem> {
    let cancel = async || {
        let (services, caller) = require_administrator().await?;
        let id = OneTimeTokenId::parse(&id).ok_or(AppError::NotFound)?;
        let invitation = actions::cancel_invitation(&services, &id, Actor::Principal(&caller)).await?;
        Ok(FormOutcome::redirect_to(PAGE).with_notice(format!("The invitation for {} was canceled.", invitation.email)))
    };
    respond(or_reauthenticate(cancel().await, PAGE), PAGE, &[])
}

/// Ends all sessions but the caller's own. `sure` is the confirmation checkbox.
#[server(prefix = "/api/ui", endpoint = "sign_everybody_out")]
pub async fn sign_everybody_out(#[server(default)] confirmed: Option<String>) -> Result<String, Problem> {
    let revoke = async || {
        let (services, caller) = require_administrator().await?;
        if confirmed.is_none() {
            return Err(AppError::invalid("confirmed", "Select the checkbox to confirm: this signs everybody out."));
        }
        actions::sign_everybody_out(&services, &caller).await?;
        Ok(FormOutcome::redirect_to(PAGE).with_notice("Everybody else was signed out."))
    };
    respond(or_reauthenticate(revoke().await, PAGE), PAGE, &[])
}

/// Performs an action on an account. `operation`: `disable`, `enable`, `sign_out` or `reset`.
#[server(prefix = "/api/ui", endpoint = "manage_user")]
pub async fn manage_user(user: String, operation: String) -> Result<String, Problem> {
    let perform = async || {
        let (services, caller) = require_administrator().await?;
        let action = match operation.as_str() {
            "disable" => AccountAction::Disable,
            "enable" => AccountAction::Enable,
            "sign_out" => AccountAction::SignOut,
            "reset" => AccountAction::Reset,
            _ => return Err(AppError::NotFound),
        };
        let account = actions::find(&services, &user).await?;
        Ok(FormOutcome::redirect_to(PAGE).with_notice(actions::perform(&services, &caller, action, &account).await?))
    };
    respond(or_reauthenticate(perform().await, PAGE), PAGE, &[])
}
