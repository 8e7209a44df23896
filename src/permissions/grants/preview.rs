//! What a grant would mean, before it is created.

use chrono::{DateTime, Utc};

use crate::{
    access::Principal,
    accounts::model::Account,
    error::AppError,
    foundation::{
        db::Connection,
        ids::{GrantId, OrganizationId, PlantId},
        services::Services,
    },
    permissions::{
        authorize,
        decide::{Action, Facts, GrantedRole, decide},
        grants::{
            emails::place,
            model::check_end,
            store::{self, Which},
        },
        model::{Role, Scope, ScopeId},
        reach::store::{self as reach, Count, ScopeRow},
        store as permissions,
        vendors::{
            actions::{self as vendors, Employer},
            model::check_vendor_name,
        },
    },
};

/// Plants that a preview names.
const MAX_NAMED_PLANTS: i64 = 5;

/// A grant to preview. Everything but role and scope may still be missing.
#[derive(Debug, Clone, Copy)]
pub struct Draft<'a> {
    /// The person.
    pub user: Option<&'a Account>,
    /// The role.
    pub role: Role,
    /// Where it applies.
    pub scope: &'a ScopeId,
    /// When it ends.
    pub expires_at: Option<DateTime<Utc>>,
    /// Name of the person's vendor.
    pub vendor: Option<&'a str>,
}

/// What a grant would mean.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Preview {
    /// The scope with its name.
    pub scope: Scope,
    /// Name of the organization.
    pub organization: String,
    /// Number of plants and devices in the scope.
    pub count: Count,
    /// The first plants of the scope by name, at most five, with the number of their devices.
    pub first_plants: Vec<(PlantId, String, i64)>,
    /// Plants of the organization that are outside the scope.
    pub other_plants: i64,
    /// What the grant allows. Of [`Action::See`], [`Action::Open`], [`Action::Edit`], [`Action::Close`] and [`Action::ReadAuditLog`].
    pub included: Vec<Action>,
    /// What of these it does not allow.
    pub not_included: Vec<Action>,
    /// Number of owners who get a mail, besides the person.
    pub owners: usize,
    /// Where the person could edit and close so far, but no longer as a vendor's person: places of other grants.
    pub narrowed: Vec<String>,
    /// Why the grant cannot be created like this.
    pub problem: Option<AppError>,
}

/// Returns what a grant would mean. Looks nobody up: `draft.user` comes from [`find_person`](super::actions::find_person).
///
/// Errors: [`AppError::NotFound`], [`AppError::NotInRole`] unless the principal may grant access in the scope.
pub async fn preview(services: &Services, principal: &Principal, draft: Draft<'_>) -> Result<Preview, AppError> {
    let mut db = services.db.read().await?;
    let known = authorize::require(&mut db, services, principal, draft.scope, Action::Administer).await?;
    let (name, organization) = store::scope_names(&mut db, draft.scope).await?.ok_or(AppError::NotFound)?;
    let count = reach::count(&mut db, draft.scope).await?;
    let all = reach::count(&mut db, &ScopeId::Organization(known.organization.clone())).await?;
    let checked = check(&mut db, services, &known.organization, draft).await;
    let is_vendor = checked.as_ref().map_or(draft.vendor.is_some(), Employer::is_vendor);
    let narrowed = match (draft.user, &checked) {
        (Some(user), Ok(employer)) if employer.is_new() => narrowed(&mut db, services, &known.organization, user).await?,
        _ => Vec::new(),
    };
    let scope = Scope { kind: draft.scope.kind(), id: draft.scope.to_string(), name };
    let (included, not_included) = split_actions(draft.role, is_vendor, services.clock.now());
    Ok(Preview {
        first_plants: reach::first_plants(&mut db, draft.scope, MAX_NAMED_PLANTS).await?,
        other_plants: all.plants - count.plants,
        owners: permissions::owners(&mut db, &known.organization).await?.len(),
        narrowed,
        problem: checked.err(),
        scope,
        organization,
        count,
        included,
        not_included,
    })
}

/// Checks the vendor and the end as the creation does. Returns for whom the person works then.
async fn check(
    db: &mut impl Connection,
    services: &Services,
    organization: &OrganizationId,
    draft: Draft<'_>,
) -> Result<Employer, AppError> {
    let vendor = draft.vendor.map(check_vendor_name).transpose()?;
    let employer = match draft.user {
        Some(user) => vendors::check_employer(db, organization, &user.id, vendor.as_deref()).await?,
        None => vendor.map_or(Employer::None, Employer::Creates), // to be invited
    };
    check_end(draft.expires_at, employer.is_vendor(), services.clock.now())?;
    Ok(employer)
}

/// Returns the places of a person's grants that edit and close, unless the person works for a vendor.
async fn narrowed(
    db: &mut impl Connection,
    services: &Services,
    organization: &OrganizationId,
    user: &Account,
) -> Result<Vec<String>, AppError> {
    let now = services.clock.now();
    let grants = store::list_which(db, Which::OfPerson(&user.id, organization), now).await?;
    let edits = |role| split_actions(role, false, now).0.contains(&Action::Edit);
    Ok(grants.iter().filter(|grant| edits(grant.role)).map(place).collect())
}

/// Asks the one decision what a grant of this role allows, and what not.
pub fn split_actions(role: Role, is_vendor: bool, now: DateTime<Utc>) -> (Vec<Action>, Vec<Action>) {
    let grants = vec![GrantedRole { grant: GrantId::new(now), role, expires_at: None }];
    let facts = Facts { is_enabled: true, token_group: None, membership: None, is_vendor, grants, is_closed: false };
    let actions = [Action::See, Action::Open, Action::Edit, Action::Close, Action::ReadAuditLog];
    actions.into_iter().partition(|action| decide(&facts, *action, now).is_allowed())
}

/// A scope to choose for a grant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScopeChoice {
    /// The scope.
    pub scope: Scope,
    /// Number of its plants and devices.
    pub count: Count,
}

/// Returns the scopes to choose from, the widest first: the organization of a plant, its portfolio and the plant; or the organization of a
/// portfolio and the portfolio; or an organization and its portfolios by name.
///
/// Errors: [`AppError::NotFound`], [`AppError::NotInRole`] unless the principal may grant access there.
pub async fn scopes(services: &Services, principal: &Principal, scope: &ScopeId) -> Result<Vec<ScopeChoice>, AppError> {
    let mut db = services.db.read().await?;
    let known = authorize::require(&mut db, services, principal, scope, Action::Administer).await?;
    let plant = if let ScopeId::Plant(plant) = scope { Some(plant) } else { None };
    let found = reach::scopes(&mut db, &known.organization, known.portfolio.as_ref(), plant).await?;
    let choice = |ScopeRow { kind, id, name, count }| ScopeChoice { scope: Scope { kind, id, name }, count };
    Ok(found.into_iter().map(choice).collect())
}
