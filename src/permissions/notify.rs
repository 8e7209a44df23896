//! Who gets mails about changes in an organization.

use crate::{
    accounts::model::Account,
    foundation::{db::Tx, ids::OrganizationId, services::Services},
    mail::{self, Content, Kind},
    permissions::store,
};

/// The mails of a transaction about its changes. It enqueues all of them at once, in the order of the recipients' ids, so that concurrent
/// transactions lock digests in one order (RACE-2).
#[derive(Default)]
pub struct Notices(Vec<(Account, Kind, Content)>);

impl Notices {
    /// Adds a mail to the people that a change concerns and to all enabled owners of the organization, each once. `people` must be enabled.
    pub async fn add(
        &mut self,
        tx: &mut Tx,
        organization: &OrganizationId,
        people: impl IntoIterator<Item = Account>,
        kind: Kind,
        content: impl Fn(&Account) -> Content,
    ) -> sqlx::Result<()> {
        let mut recipients = store::owners(tx, organization).await?;
        recipients.extend(people);
        recipients.sort_by(|one, other| one.id.cmp(&other.id));
        recipients.dedup_by(|one, other| one.id == other.id);
        self.0.extend(recipients.into_iter().map(|recipient| (content(&recipient), recipient)).map(|(content, to)| (to, kind, content)));
        Ok(())
    }

    /// Enqueues all.
    pub async fn enqueue(mut self, tx: &mut Tx, services: &Services) -> sqlx::Result<()> {
        self.0.sort_by(|(one, ..), (other, ..)| one.id.cmp(&other.id));
        for (recipient, kind, content) in self.0 {
            mail::enqueue(tx, services, &recipient, kind, content).await?;
        }
        Ok(())
    }
}

/// Mails the people that a change concerns and all enabled owners of the organization, for a transaction with one such change: see
/// [`Notices`].
pub async fn notify(
    tx: &mut Tx,
    services: &Services,
    organization: &OrganizationId,
    people: impl IntoIterator<Item = Account>,
    kind: Kind,
    content: impl Fn(&Account) -> Content,
) -> sqlx::Result<()> {
    let mut notices = Notices::default();
    notices.add(tx, organization, people, kind, content).await?;
    notices.enqueue(tx, services).await
}
