//! Finding the person of a grant. Those who administer an organization search its people; anybody else is found by exact username or
//! email address only, at a limited rate and on record, so that nobody lists who has an account.

use serde_json::json;

use crate::{
    accounts::{
        model::Account,
        store::{self as accounts, normalize_identifier},
    },
    error::AppError,
    foundation::{crypto::secret::hash_hex, db::Connection, ids::OrganizationId, services::Services},
    permissions::{grants::store, model::Person},
    rate_limit::{self, Limit},
    reauthentication::actor::Actor,
    record::Action,
};

/// People found at once.
const MAX_FOUND: i64 = 20;

/// Finds an enabled account by exact id, username or email address. `None` if there is none. Call it after the actor's right to
/// administer the organization was checked.
///
/// Errors: [`AppError::TooManyAttempts`] if the actor has looked up too many people who do not belong to the organization.
pub async fn find_person(
    services: &Services,
    actor: Actor<'_>,
    organization: &OrganizationId,
    text: &str,
) -> Result<Option<Account>, AppError> {
    let (found, is_known) = {
        let mut db = services.db.read().await?;
        let found = accounts::find_enabled(&mut db, text).await?;
        let is_known = match &found {
            Some(found) => store::is_known(&mut db, &found.id, organization, services.clock.now()).await?,
            None => false,
        };
        (found, is_known)
    };
    let Actor::Principal(principal) = actor else { return Ok(found) };
    let is_self = found.as_ref().is_some_and(|found| found.id == principal.account.id);
    if !is_known && !is_self {
        rate_limit::attempt(services, vec![Limit::PeopleLookedUpBy(principal.account.id.clone())]).await?;
        record_look_up(services, actor, organization, text, found.as_ref()).await?;
    }
    Ok(found)
}

/// Records a look-up, with a hash of what was entered (LOG-3).
async fn record_look_up(
    services: &Services,
    actor: Actor<'_>,
    organization: &OrganizationId,
    text: &str,
    found: Option<&Account>,
) -> Result<(), AppError> {
    let hash = hash_hex(normalize_identifier(text).as_bytes());
    let detail = json!({ "organization": organization, "identifier_sha256": hash, "found": found.is_some() });
    let mut tx = services.db.write().await?;
    let event = actor.event(found.map(|found| &found.id), Action::PersonLookedUp, detail);
    services.recorder.write(&mut tx, event).await?;
    Ok(tx.commit().await?)
}

/// Returns the first 20 enabled members, grantees and vendors' people of an organization whose name, username or email address contains
/// `text`, by username. Returns nothing for an empty text.
pub async fn search_people(
    db: &mut impl Connection,
    services: &Services,
    organization: &OrganizationId,
    text: &str,
) -> Result<Vec<Person>, AppError> {
    Ok(store::search_known(db, organization, text, MAX_FOUND, services.clock.now()).await?)
}
