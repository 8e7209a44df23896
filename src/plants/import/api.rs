//! Server functions of the page that imports plants. What was pasted waits as a draft for its confirmation: it does not fit into an address.

use leptos::prelude::*;
use serde::{Deserialize, Serialize};

use crate::{
    error::{AppError, problem::Problem},
    foundation::{
        crypto::one_time_tokens::{self, Purpose},
        ids::OrganizationId,
        services::Services,
    },
    permissions::{authorize, decide::Action, model::ScopeId},
    plants::{
        import::{actions, plan::Plan},
        organizations::{self, api::organization_path},
    },
    reauthentication::{actor::Actor, api::or_reauthenticate},
    sessions::caller::{CurrentSession, current_session},
    ui::{
        form_response::{FormOutcome, respond, with_query},
        number::count_of,
    },
};

/// A file that waits for its confirmation.
#[derive(Serialize, Deserialize)]
struct Draft {
    organization: OrganizationId,
    text: String,
}

/// The data of the page.
pub struct ImportPageData {
    /// Id of the organization.
    pub organization: String,
    /// Its name.
    pub organization_name: String,
    /// The draft: its token, its text, and what it would create. `None` before the first step.
    pub draft: Option<(String, String, Plan)>,
    /// Whether the address names a draft that has expired, was imported or was replaced by a later one.
    pub is_draft_gone: bool,
}

/// Returns the path of the page.
pub fn import_path(organization: &str) -> String {
    format!("{}/import", organization_path(organization))
}

/// Loads the data of the page.
///
/// Errors: [`AppError::NotFound`], [`AppError::NotInRole`].
pub async fn open_import(organization: String, token: String) -> Result<ImportPageData, AppError> {
    let load = async || {
        let (services, caller) = current_session()?;
        let id = parse_id(&organization)?;
        authorize::require(&mut services.db.read().await?, &services, &caller, &ScopeId::Organization(id.clone()), Action::Edit).await?;
        let organization_name = organizations::actions::get(&services, &caller, &id).await?.organization.name;
        let draft = match find_draft(&services, &caller, &id, &token).await? {
            Some(text) => {
                let plan = actions::preview(&services, Actor::Principal(&caller), &id, &text).await?;
                Some((token.clone(), text, plan))
            }
            None => None,
        };
        let is_draft_gone = draft.is_none() && !token.is_empty();
        Ok(ImportPageData { organization: organization.clone(), organization_name, draft, is_draft_gone })
    };
    load().await.inspect_err(AppError::set_response)
}

/// Returns the error about a draft that is not there any more.
pub fn draft_gone() -> AppError {
    AppError::invalid(
        "text",
        "What you pasted is no longer here: it waits for an hour, and until you paste something else. Paste it again.",
    )
}

/// Returns the text of the caller's own draft.
async fn find_draft(
    services: &Services,
    caller: &CurrentSession,
    organization: &OrganizationId,
    token: &str,
) -> Result<Option<String>, AppError> {
    let found = one_time_tokens::peek(&mut services.db.read().await?, Purpose::Import, token, services.clock.now()).await?;
    let own = found.filter(|found| found.user_id.as_ref() == Some(&caller.account.id));
    let draft = own.and_then(|found| found.detail::<Draft>()).filter(|draft| draft.organization == *organization);
    Ok(draft.map(|draft| draft.text))
}

/// Keeps what was pasted as the caller's only draft, and redirects to its preview.
#[server(prefix = "/api/ui", endpoint = "preview_import")]
pub async fn preview_import(organization: String, text: String) -> Result<String, Problem> {
    let keep = async || {
        let (services, caller) = current_session()?;
        let id = parse_id(&organization)?;
        if text.trim().is_empty() {
            return Err(AppError::invalid("text", "Paste the content of the file."));
        }
        authorize::require(&mut services.db.read().await?, &services, &caller, &ScopeId::Organization(id.clone()), Action::Edit).await?;
        let mut tx = services.db.write().await?;
        Actor::Principal(&caller).lock(&mut tx).await?;
        one_time_tokens::cancel(&mut tx, Purpose::Import, Some(&caller.account.id)).await?;
        let draft = Draft { organization: id, text: text.clone() };
        let token = one_time_tokens::create(&mut tx, Purpose::Import, Some(&caller.account.id), &draft, services.clock.now()).await?;
        tx.commit().await?;
        Ok(FormOutcome::redirect_to(with_query(&import_path(&organization), &[("draft", token.reveal())])))
    };
    respond(keep().await, &import_path(&organization), &[("text", &text)])
}

/// Imports a draft, if every line is still right.
#[server(prefix = "/api/ui", endpoint = "import_plants")]
pub async fn import_plants(organization: String, draft: String) -> Result<String, Problem> {
    let form = with_query(&import_path(&organization), &[("draft", &draft)]);
    let import = async || {
        let (services, caller) = current_session()?;
        let id = parse_id(&organization)?;
        let text = find_draft(&services, &caller, &id, &draft).await?.ok_or(AppError::LinkExpired)?;
        let plan = actions::import(&services, Actor::Principal(&caller), &id, &text).await?;
        if !plan.errors.is_empty() {
            return Err(AppError::invalid("draft", "Some lines are no longer right, so nothing was imported."));
        }
        let mut tx = services.db.write().await?;
        one_time_tokens::consume(&mut tx, Purpose::Import, &draft, services.clock.now()).await?;
        tx.commit().await?;
        let (plants, devices) = (count_of(plan.plants.len() as i64, "plant"), count_of(plan.devices.len() as i64, "device"));
        Ok(FormOutcome::redirect_to(organization_path(&organization)).with_notice(format!("{plants} and {devices} were added.")))
    };
    respond(or_reauthenticate(import().await, &form), &form, &[])
}

fn parse_id(id: &str) -> Result<OrganizationId, AppError> {
    OrganizationId::parse(id).ok_or(AppError::NotFound)
}
