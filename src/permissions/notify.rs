//! Who gets mails about changes in an organization.

use crate::{
    accounts::model::Account,
    foundation::{db::Tx, ids::OrganizationId, services::Services},
    mail::{self, Content, Kind},
    permissions::store,
};

/// Mails the people that a change concerns and all enabled owners of the organization, each once. `people` must be enabled. Recipients
/// are mailed in the order of their ids, so that concurrent changes of two organizations lock digests in one order (RACE-2).
pub async fn notify(
    tx: &mut Tx,
    services: &Services,
    organization: &OrganizationId,
    people: impl IntoIterator<Item = Account>,
    kind: Kind,
    content: impl Fn(&Account) -> Content,
) -> sqlx::Result<()> {
    let mut recipients = store::owners(tx, organization).await?;
    recipients.extend(people);
    recipients.sort_by(|one, other| one.id.cmp(&other.id));
    recipients.dedup_by(|one, other| one.id == other.id);
    for recipient in &recipients {
        mail::enqueue(tx, services, recipient, kind, content(recipient)).await?;
    }
    Ok(())
}
