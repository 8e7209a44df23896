//! Reminds of grants before they end, and removes those that ended long ago.

use std::{collections::BTreeMap, sync::Arc};

use chrono::Duration;

use crate::{
    accounts::{model::Account, store as accounts},
    error::AppError,
    foundation::{
        db::Tx,
        ids::{OrganizationId, UserId},
        services::Services,
        supervisor::{run_every, run_until_done},
    },
    mail::{self, Kind},
    permissions::{
        grants::{
            emails,
            model::{EXPIRY_REMINDER, RETENTION},
            store,
        },
        model::{Grant, OrganizationRole},
        store as permissions,
    },
};

const INTERVAL: Duration = Duration::minutes(1);
const BATCH_SIZE: i64 = 100;

/// Runs until the server stops.
pub async fn run(services: Arc<Services>) {
    run_every(&services, INTERVAL, |services| async move {
        if let Err(error) = process(&services).await {
            tracing::warn!(%error, "ends of grants could not be processed; retrying in the next round");
        }
    })
    .await;
}

/// Reminds of grants that end within three days, each once, and removes those that ended 90 days ago.
pub async fn process(services: &Services) -> Result<(), AppError> {
    run_until_done(services, || remind_batch(services)).await?;
    run_until_done(services, || remove_batch(services)).await
}

async fn remind_batch(services: &Services) -> Result<bool, AppError> {
    let now = services.clock.now();
    let mut tx = services.db.write().await?;
    let ending = store::claim_expiring(&mut tx, now + EXPIRY_REMINDER, now, BATCH_SIZE).await?;
    // In the order of the recipients, so that two nodes lock digests in one order (RACE-2).
    let mut reminders: BTreeMap<UserId, (Account, Vec<&Grant>)> = BTreeMap::new();
    for grant in &ending {
        for recipient in recipients(&mut tx, grant).await? {
            reminders.entry(recipient.id.clone()).or_insert_with(|| (recipient, Vec::new())).1.push(grant);
        }
    }
    let mut names: BTreeMap<OrganizationId, String> = BTreeMap::new();
    for (recipient, grants) in reminders.values() {
        for grant in grants {
            if !names.contains_key(&grant.organization) {
                names.insert(grant.organization.clone(), permissions::organization_name(&mut tx, &grant.organization).await?);
            }
            let content = emails::ends_soon(grant, &names[&grant.organization], recipient);
            mail::enqueue(&mut tx, services, recipient, Kind::AccessExpires, content).await?;
        }
    }
    tx.commit().await?;
    Ok(!ending.is_empty())
}

/// Returns who is reminded: the person, and who granted the access if they still administer the organization; else all owners, because
/// somebody must be able to extend it. Disabled accounts get no reminder.
async fn recipients(tx: &mut Tx, grant: &Grant) -> sqlx::Result<Vec<Account>> {
    let mut recipients: Vec<Account> = accounts::find_by_id(tx, &grant.user.id).await?.into_iter().collect();
    let granter = match &grant.granted_by {
        Some(granter) => accounts::find_by_id(tx, &granter.id).await?,
        None => None,
    };
    let role = match &granter {
        Some(granter) => permissions::membership(tx, &granter.id, &grant.organization).await?,
        None => None,
    };
    match granter.filter(|_| role.is_some_and(OrganizationRole::administers)) {
        Some(granter) => recipients.push(granter),
        None => recipients.extend(permissions::owners(tx, &grant.organization).await?),
    }
    recipients.sort_by(|one, other| one.id.cmp(&other.id));
    recipients.dedup_by(|one, other| one.id == other.id);
    Ok(recipients)
}

async fn remove_batch(services: &Services) -> Result<bool, AppError> {
    let mut tx = services.db.write().await?;
    let removed = store::remove_old(&mut tx, services.clock.now() - RETENTION, BATCH_SIZE).await?;
    tx.commit().await?;
    Ok(removed > 0)
}
