//! The doors of the administrators' page. Each asks who its caller is; all but the page itself ask for recent authentication.

use std::sync::Arc;

use leptos::prelude::*;

use crate::{
    admin::actions::{self, By, Deed, Overview},
    error::AppError,
    foundation::{
        ids::{OneTimeTokenId, RequestId},
        services::Services,
    },
    proof::api::proven,
    registration::invitations::Invitation,
    sessions::caller::{Caller, caller},
    ui::plain_form::{Led, lead},
};

/// The page.
pub const PAGE: &str = "/admin";

async fn administrator() -> Result<(Arc<Services>, Caller), AppError> {
    let (services, caller) = caller()?;
    actions::require_administrator(&services, &caller).await?;
    Ok((services, caller))
}

/// What the page shows.
pub async fn open_admin(search: String) -> Result<Overview, AppError> {
    let (services, caller) = administrator().await.inspect_err(AppError::set_response)?;
    actions::overview(&services, &caller, &search).await
}

/// Invites somebody by mail.
#[server(prefix = "/api/ui", endpoint = "invite")]
pub async fn invite(email: String, #[server(default)] is_admin: Option<String>) -> Result<String, AppError> {
    let invite = async || {
        let (services, caller) = administrator().await?;
        let invitation = Invitation { email: email.clone(), is_admin: is_admin.is_some() };
        actions::invite(&services, &invitation, By::Administrator(&caller)).await?;
        Ok(Led::to(PAGE).saying(format!("An invitation is on its way to {email}.")))
    };
    lead(proven(invite().await, PAGE), PAGE, &[("email", &email)])
}

/// Settles a request for access. `answer`: `invite` or `decline`.
#[server(prefix = "/api/ui", endpoint = "settle_request")]
pub async fn settle_request(id: String, answer: String) -> Result<String, AppError> {
    let settle = async || {
        let (services, caller) = administrator().await?;
        let id = RequestId::parse(&id).ok_or(AppError::NotFound)?;
        let is_welcome = match answer.as_str() {
            "invite" => true,
            "decline" => false,
            _ => return Err(AppError::NotFound),
        };
        let request = actions::settle(&services, &id, is_welcome, By::Administrator(&caller)).await?;
        let email = request.email;
        let words =
            if is_welcome { format!("An invitation is on its way to {email}.") } else { format!("The request of {email} was declined.") };
        Ok(Led::to(PAGE).saying(words))
    };
    lead(proven(settle().await, PAGE), PAGE, &[])
}

/// Cancels an invitation.
#[server(prefix = "/api/ui", endpoint = "cancel_invitation")]
pub async fn cancel_invitation(id: String) -> Result<String, AppError> {
    let cancel = async || {
        let (services, caller) = administrator().await?;
        let id = OneTimeTokenId::parse(&id).ok_or(AppError::NotFound)?;
        let invitation = actions::cancel_invitation(&services, &id, By::Administrator(&caller)).await?;
        Ok(Led::to(PAGE).saying(format!("The invitation of {} was canceled.", invitation.email)))
    };
    lead(proven(cancel().await, PAGE), PAGE, &[])
}

/// Ends everybody's sessions but the caller's own. `sure` is the box that says so.
#[server(prefix = "/api/ui", endpoint = "revoke_everybody")]
pub async fn revoke_everybody(#[server(default)] sure: Option<String>) -> Result<String, AppError> {
    let revoke = async || {
        let (services, caller) = administrator().await?;
        if sure.is_none() {
            return Err(AppError::invalid("sure", "Tick the box first: this signs everybody out."));
        }
        actions::revoke_everybody(&services, &caller).await?;
        Ok(Led::to(PAGE).saying("Everybody else was signed out."))
    };
    lead(proven(revoke().await, PAGE), PAGE, &[])
}

/// Does one thing to somebody's account. `deed`: `disable`, `enable`, `sign_out` or `reset`.
#[server(prefix = "/api/ui", endpoint = "administer")]
pub async fn administer(user: String, deed: String) -> Result<String, AppError> {
    let act = async || {
        let (services, caller) = administrator().await?;
        let deed = match deed.as_str() {
            "disable" => Deed::Disable,
            "enable" => Deed::Enable,
            "sign_out" => Deed::SignOut,
            "reset" => Deed::Reset,
            _ => return Err(AppError::NotFound),
        };
        let account = actions::find(&services, &user).await?;
        Ok(Led::to(PAGE).saying(actions::act(&services, &caller, deed, &account).await?))
    };
    lead(proven(act().await, PAGE), PAGE, &[])
}
