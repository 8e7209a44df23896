//! Lists vendors, and ends their access.

use std::collections::HashMap;

use serde_json::json;

use crate::{
    access::Principal,
    accounts::{model::Account, store as accounts},
    error::AppError,
    foundation::{
        db::{Connection, Tx},
        ids::{OrganizationId, UserId, VendorId},
        services::Services,
    },
    mail::Kind,
    permissions::{
        authorize::{begin_administration, require_administrator},
        decide::Action as Permitted,
        grants::{
            actions as grants,
            store::{self as grants_store, Which},
        },
        model::{Person, ScopeId},
        notify::notify,
        store as permissions,
        vendors::{
            emails,
            model::{Vendor, VendorPerson, name_skeleton},
            store::{self, PersonRow, VendorRow},
        },
    },
    reauthentication::actor::Actor,
    record::Action,
};

/// For whom a person works in an organization once a grant is created.
#[derive(Debug, PartialEq, Eq)]
pub enum Employer {
    /// For no vendor.
    None,
    /// For a vendor, as before.
    Unchanged,
    /// For a vendor that exists, from now on.
    Joins(VendorId),
    /// For a vendor that is created with this name.
    Creates(String),
}

impl Employer {
    /// Returns whether the person begins to work for a vendor.
    pub fn is_new(&self) -> bool {
        matches!(self, Self::Joins(_) | Self::Creates(_))
    }

    /// Returns whether the person works for a vendor.
    pub fn is_vendor(&self) -> bool {
        *self != Self::None
    }
}

/// Determines for whom a person works once a grant is created that names this vendor, or none.
///
/// Errors: [`AppError::Invalid`] if the person works for another vendor, is a member of the organization, or has grants without end.
pub async fn check_employer(
    db: &mut impl Connection,
    organization: &OrganizationId,
    user: &UserId,
    vendor: Option<&str>,
) -> Result<Employer, AppError> {
    let refuse = |message: String| Err(AppError::invalid("vendor", message));
    let current = store::find_employer(db, user, organization).await?;
    let Some(vendor) = vendor else { return Ok(current.map_or(Employer::None, |_| Employer::Unchanged)) };
    match current {
        Some(current) if current.name_skeleton == name_skeleton(vendor) => return Ok(Employer::Unchanged),
        Some(current) => return refuse(format!("This person works for {} here. Remove them from that vendor first.", current.name)),
        None => {}
    }
    if permissions::membership(db, user, organization).await?.is_some() {
        return refuse("This person is a member of the organization, and so cannot work for a vendor here.".to_owned());
    }
    if grants_store::has_endless(db, user, organization).await? {
        return refuse("This person has access without end here. Set its end first: access of a vendor's people must end.".to_owned());
    }
    let known = store::find_by_name(db, organization, vendor).await?;
    Ok(known.map_or_else(|| Employer::Creates(vendor.to_owned()), |known| Employer::Joins(known.id)))
}

/// Writes what [`check_employer`] determined.
pub async fn employ(
    tx: &mut Tx,
    services: &Services,
    organization: &OrganizationId,
    user: &UserId,
    employer: Employer,
) -> Result<(), AppError> {
    let vendor = match employer {
        Employer::None | Employer::Unchanged => return Ok(()),
        Employer::Joins(vendor) => vendor,
        Employer::Creates(name) => {
            let id = VendorId::new(services.clock.now());
            store::insert(tx, &id, organization, &name, services.clock.now()).await?;
            id
        }
    };
    Ok(store::add_person(tx, &vendor, organization, user).await?)
}

/// Lists the vendors of an organization by name, each with its people by username.
///
/// Errors: [`AppError::NotFound`], [`AppError::NotInRole`] unless the principal administers the organization.
pub async fn list(services: &Services, principal: &Principal, organization: &OrganizationId) -> Result<Vec<Vendor>, AppError> {
    let (mut db, now) = (services.db.read().await?, services.clock.now());
    require_administrator(&mut db, services, principal, organization).await?;
    let vendors = store::list(&mut db, organization).await?;
    let plants: HashMap<_, _> = store::plants(&mut db, organization, now).await?.into_iter().collect();
    let mut people: HashMap<VendorId, Vec<VendorPerson>> = HashMap::new();
    for row in store::people(&mut db, organization, now).await? {
        let PersonRow { vendor_id, user_id: id, name, username, plants, expires_at, last_used_at } = row;
        let person = VendorPerson { user: Person { id, name, username }, plants, expires_at, last_used_at };
        people.entry(vendor_id).or_default().push(person);
    }
    let describe = |VendorRow { id, name, .. }: VendorRow| {
        let people = people.remove(&id).unwrap_or_default(); // nobody works for it any more
        Vendor {
            plants: plants.get(&id).copied().unwrap_or_default(),
            expires_at: people.iter().filter_map(|person| person.expires_at).max(),
            last_used_at: people.iter().filter_map(|person| person.last_used_at).max(),
            id,
            name,
            people,
        }
    };
    Ok(vendors.into_iter().map(describe).collect())
}

/// Ends all access of a vendor's people in an organization, and nothing else. Returns the number of ended grants.
///
/// Errors: [`AppError::NotFound`], those of [`begin_administration`].
pub async fn end_access(
    services: &Services,
    actor: Actor<'_>,
    organization: &OrganizationId,
    vendor: &VendorId,
) -> Result<usize, AppError> {
    let scope = ScopeId::Organization(organization.clone());
    let mut tx = begin_administration(services, actor, &scope, Permitted::Administer).await?.tx;
    let vendor = store::find(&mut tx, organization, vendor).await?.ok_or(AppError::NotFound)?;
    let ended = grants::end_in(&mut tx, services, actor, Which::OfVendor(&vendor.id)).await?;
    // Invitations that carry a grant for this vendor create none any more.
    store::set_access_ended(&mut tx, &vendor.id, services.clock.now()).await?;
    if ended.is_empty() {
        tx.commit().await?;
        return Ok(0);
    }
    let organization_name = permissions::organization_name(&mut tx, organization).await?;
    let ids: Vec<_> = ended.iter().map(|grant| &grant.id).collect();
    let detail = json!({ "organization": organization, "vendor": vendor.id, "name": vendor.name, "grants": ids });
    services.recorder.write(&mut tx, actor.event(None, Action::VendorAccessEnded, detail)).await?;
    let mut people: Vec<Account> = Vec::new();
    for grant in &ended {
        people.extend(accounts::find_by_id(&mut tx, &grant.user.id).await?);
    }
    let content = |recipient: &Account| emails::access_ended(&vendor.name, &organization_name, actor.name(), &ended, recipient);
    notify(&mut tx, services, organization, people, Kind::AccessChanged, content).await?;
    tx.commit().await?;
    Ok(ended.len())
}

/// Makes a person no longer one of a vendor's.
///
/// Errors: [`AppError::NotFound`], those of [`begin_administration`]; [`AppError::Invalid`] while the person has grants.
pub async fn remove_person(
    services: &Services,
    actor: Actor<'_>,
    organization: &OrganizationId,
    vendor: &VendorId,
    user: &UserId,
) -> Result<(), AppError> {
    let scope = ScopeId::Organization(organization.clone());
    let mut tx = begin_administration(services, actor, &scope, Permitted::Administer).await?.tx;
    let employer = store::find_employer(&mut tx, user, organization).await?;
    let vendor = employer.filter(|employer| employer.id == *vendor).ok_or(AppError::NotFound)?;
    let grants = grants_store::list_which(&mut tx, Which::OfPerson(user, organization), services.clock.now()).await?;
    if !grants.is_empty() {
        return Err(AppError::invalid("user", "This person has access here. End it first."));
    }
    store::remove_person(&mut tx, &vendor.id, user).await?;
    let detail = json!({ "organization": organization, "vendor": vendor.id, "name": vendor.name });
    services.recorder.write(&mut tx, actor.event(Some(user), Action::VendorPersonRemoved, detail)).await?;
    let organization_name = permissions::organization_name(&mut tx, organization).await?;
    let removed = accounts::find_credentials(&mut tx, user).await?.ok_or(AppError::NotFound)?;
    let content = emails::person_removed(&removed.account, &vendor.name, &organization_name, actor.name());
    let person = Some(removed).filter(|removed| removed.is_enabled).map(|removed| removed.account);
    notify(&mut tx, services, organization, person, Kind::AccessChanged, |_: &Account| content.clone()).await?;
    Ok(tx.commit().await?)
}
