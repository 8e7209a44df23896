//! Access for people who have no account yet: an invitation carries the grant, which is created with the account. It lives here and not in
//! `permissions::grants`, which knows nothing of invitations.

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use crate::{
    access::Principal,
    accounts::{
        model::{Account, check_email},
        store::{self as accounts, normalize_identifier},
    },
    authentication::registration::invitations::{self, Invitation},
    error::AppError,
    foundation::{
        crypto::one_time_tokens::{self, OneTimeToken, OneTimeTokenSummary, Purpose},
        db::{Connection, Tx},
        http::page::{PageRequest, cut},
        ids::{OneTimeTokenId, OrganizationId, UserId},
        services::Services,
    },
    permissions::{
        authorize::{begin_administration, require_administrator},
        decide::{self, decide},
        grants::{
            actions::{self as grants, By},
            model::{GrantTerms, check_end},
            store as grants_store,
        },
        model::{Grant, Role, Scope, ScopeId},
        notify::Notices,
        store as permissions,
        vendors::store as vendors,
    },
    reauthentication::actor::{Actor, COMMAND_LINE},
    record::{Action, Event, Outcome},
};

/// What became of a request to grant access.
#[derive(Debug)]
pub enum Granted {
    /// The grant was created.
    Created(Box<Grant>),
    /// Nobody has an account with this address, so it was invited. The grant is created with the account.
    Invited {
        /// The address.
        email: String,
        /// When the invitation expires.
        expires_at: DateTime<Utc>,
    },
}

/// Grants access to the person with this id, username or email address. An address without an account is invited.
///
/// Errors: those of [`grants::create`] and [`grants::find_person`]; [`AppError::Invalid`] about `user` if there is no such person, or if
/// the address cannot be invited.
pub async fn grant_or_invite(services: &Services, actor: Actor<'_>, user: &str, terms: &GrantTerms) -> Result<Granted, AppError> {
    let organization = grants::require_granting(services, actor, &terms.scope).await?;
    match grants::find_person(services, actor, &organization, user).await? {
        Some(person) => grants::create(services, actor, &person, terms).await.map(Box::new).map(Granted::Created),
        None if user.contains('@') => invite(services, actor, user.trim(), terms).await.map_err(about_user),
        None => Err(AppError::invalid("user", "There is no user with this username. To invite somebody, enter their email address.")),
    }
}

/// Names the field of the request in errors about the email address.
fn about_user(error: AppError) -> AppError {
    match error {
        AppError::Invalid { field, message } if field == "email" => AppError::invalid("user", message),
        other => other,
    }
}

async fn invite(services: &Services, actor: Actor<'_>, email: &str, terms: &GrantTerms) -> Result<Granted, AppError> {
    check_email(email)?;
    let change = begin_administration(services, actor, &terms.scope, decide::Action::Administer).await?;
    let (mut tx, organization) = (change.tx, Some(change.organization));
    let invitation = Invitation { email: email.to_owned(), is_admin: false, organization, grant: Some(terms.clone()) };
    invitations::invite(&mut tx, services, &invitation, actor.event(None, Action::Invited, json!({}))).await?;
    tx.commit().await?;
    Ok(Granted::Invited { email: invitation.email, expires_at: services.clock.now() + Purpose::Invitation.lifetime() })
}

/// A pending invitation with access to something in an organization.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct AccessInvitation {
    /// Unique id.
    pub id: OneTimeTokenId,
    /// The invited email address.
    pub email: String,
    /// The role that comes with the account.
    pub role: Role,
    /// Where the role applies.
    pub scope: Scope,
    /// Name of the vendor that the person works for. Null for others.
    pub vendor: Option<String>,
    /// When the access ends. Null: no end.
    pub access_expires_at: Option<DateTime<Utc>>,
    /// Username of the inviter. Null: the command line.
    pub invited_by: Option<String>,
    /// When the invitation was sent.
    pub invited_at: DateTime<Utc>,
    /// When the invitation expires.
    pub expires_at: DateTime<Utc>,
}

/// Lists pending invitations with access to something in an organization, newest first. Returns the cursor of the next page too.
///
/// Errors: [`AppError::NotFound`], [`AppError::NotInRole`] unless the principal administers the organization; the cursor is invalid.
pub async fn list_invitations(
    services: &Services,
    principal: &Principal,
    organization: &OrganizationId,
    page: &PageRequest,
) -> Result<(Vec<AccessInvitation>, Option<String>), AppError> {
    let (mut db, now, [before]) = (services.db.read().await?, services.clock.now(), page.position()?);
    require_administrator(&mut db, services, principal, organization).await?;
    let (purpose, pattern) = (Purpose::Invitation, pattern_of(organization));
    let listed = one_time_tokens::list_by_detail(&mut db, purpose, &pattern, &before, page.limit + 1, now).await?;
    let (listed, next) = cut(listed, page.limit, |token| [token.id.as_str()]);
    let mut invitations = Vec::new();
    for OneTimeTokenSummary { id, creator, created_at, expires_at, detail } in listed {
        let Some(Invitation { email, grant: Some(terms), .. }) = one_time_tokens::parse_detail(&detail) else { continue };
        let Some((name, _)) = grants_store::scope_names(&mut db, &terms.scope).await? else { continue }; // deleted: it grants nothing
        let scope = Scope { kind: terms.scope.kind(), id: terms.scope.to_string(), name };
        let (role, vendor, access_expires_at) = (terms.role, terms.vendor, terms.expires_at);
        let (invited_by, invited_at) = (creator, created_at);
        invitations.push(AccessInvitation { id, email, role, scope, vendor, access_expires_at, invited_by, invited_at, expires_at });
    }
    Ok((invitations, next))
}

/// How an [`Invitation`] with access to something in an organization serializes its id. What people enter has its quotes escaped.
fn pattern_of(organization: &OrganizationId) -> String {
    format!("%\"organization\":\"{organization}\",\"grant\":{{%")
}

/// Cancels a pending invitation with access to something in an organization, for those who administer it. Returns it.
///
/// Errors: [`AppError::NotFound`], those of [`begin_administration`].
pub async fn cancel_invitation(
    services: &Services,
    actor: Actor<'_>,
    organization: &OrganizationId,
    id: &OneTimeTokenId,
) -> Result<Invitation, AppError> {
    let scope = ScopeId::Organization(organization.clone());
    let mut tx = begin_administration(services, actor, &scope, decide::Action::Administer).await?.tx;
    let pending = one_time_tokens::find_by_detail(&mut tx, Purpose::Invitation, &pattern_of(organization), services.clock.now()).await?;
    if !pending.iter().any(|(pending, _)| pending == id) {
        return Err(AppError::NotFound);
    }
    let event = actor.event(None, Action::InvitationCanceled, json!({}));
    let invitation = invitations::cancel(&mut tx, services, id, event).await?;
    tx.commit().await?;
    Ok(invitation)
}

/// A grant that an invitation carries.
struct Carried {
    granter: Option<UserId>,
    terms: GrantTerms,
}

/// A pending invitation that carries a grant.
pub struct CarryingInvitation {
    id: OneTimeTokenId,
    carried: Carried,
}

/// Returns the pending invitations of an address that carry a grant, after locking what their grants need: first the granters' accounts,
/// then the organizations, each in the order of their ids. Call it before any one-time token is consumed: disabling an account locks it
/// before its tokens too (RACE-2).
pub async fn lock_carrying(tx: &mut Tx, services: &Services, email: &str) -> Result<Vec<CarryingInvitation>, AppError> {
    let carrying = find_carrying(tx, services, email).await?;
    let mut granters: Vec<_> = carrying.iter().filter_map(|invitation| invitation.carried.granter.clone()).collect();
    granters.sort();
    granters.dedup();
    for granter in &granters {
        accounts::lock(tx, granter).await?;
    }
    let mut organizations: Vec<OrganizationId> = Vec::new();
    for invitation in &carrying {
        organizations.extend(permissions::locate_scope(tx, &invitation.carried.terms.scope).await?.map(|(organization, _)| organization));
    }
    organizations.sort();
    organizations.dedup();
    for organization in &organizations {
        permissions::lock_organization(tx, organization).await?;
    }
    Ok(carrying)
}

async fn find_carrying(db: &mut impl Connection, services: &Services, email: &str) -> Result<Vec<CarryingInvitation>, AppError> {
    // How `Invitation` serializes a grant: only few invitations have one.
    let found = one_time_tokens::find_by_detail(db, Purpose::Invitation, "%\"grant\":{%", services.clock.now()).await?;
    let email = normalize_identifier(email);
    let carrying = found.into_iter().filter_map(|(id, token)| {
        let invitation: Invitation = token.detail()?;
        let terms = invitation.grant.filter(|_| normalize_identifier(&invitation.email) == email)?;
        Some(CarryingInvitation { id, carried: Carried { granter: token.created_by, terms } })
    });
    Ok(carrying.collect())
}

/// Creates the grants of the accepted invitation and of all others of the same address, which are used up too: each person has one account.
/// What the granter may do, and the end of the grant, are checked again. What does not hold any more is not granted, which is recorded.
pub async fn create_carried(
    tx: &mut Tx,
    services: &Services,
    account: &Account,
    accepted: &OneTimeToken,
    others: Vec<CarryingInvitation>,
) -> Result<(), AppError> {
    let mut notices = Notices::default();
    let invitation: Option<Invitation> = accepted.detail();
    if let Some(terms) = invitation.and_then(|invitation| invitation.grant) {
        create_one(tx, services, account, Carried { granter: accepted.created_by.clone(), terms }, &mut notices).await?;
    }
    for other in others {
        // `None` for the accepted one, and for one that was canceled in the meantime.
        if one_time_tokens::cancel_by_id(tx, Purpose::Invitation, &other.id, services.clock.now()).await?.is_some() {
            create_one(tx, services, account, other.carried, &mut notices).await?;
        }
    }
    // All at once: grants of several organizations have owners in any order.
    Ok(notices.enqueue(tx, services).await?)
}

async fn create_one(tx: &mut Tx, services: &Services, account: &Account, carried: Carried, notices: &mut Notices) -> Result<(), AppError> {
    let Carried { granter, terms } = carried;
    let granting = find_granter(tx, services, granter.as_ref(), &terms).await?;
    let has_vendor_ended = match (&granting, &terms.vendor) {
        (Some((organization, _)), Some(vendor)) => vendors::was_access_ended_since(tx, organization, vendor, terms.decided_at).await?,
        _ => false,
    };
    let created = match granting.filter(|_| !has_vendor_ended) {
        Some((organization, name)) => {
            let by = By { name: &name, event: event(granter.as_ref(), account, json!({})) };
            grants::create_in(tx, services, &organization, account, &terms, by, notices).await.map(drop)
        }
        None => Err(AppError::NotInRole),
    };
    match created {
        Err(AppError::NotInRole | AppError::Invalid { .. }) => {
            let mut detail = json!({ "terms": terms });
            // Its owners see it. `None` if the scope was deleted.
            if let Some((organization, _)) = permissions::locate_scope(tx, &terms.scope).await? {
                detail["organization"] = json!(organization);
            }
            let refused = Event { outcome: Outcome::Refused, ..event(granter.as_ref(), account, detail) };
            Ok(services.recorder.write(tx, refused).await?)
        }
        other => other,
    }
}

fn event<'a>(granter: Option<&'a UserId>, account: &'a Account, detail: Value) -> Event<'a> {
    Event { actor: granter, subject: Some(&account.id), ..Event::new(Action::GrantCreated, detail) }
}

/// Returns the organization and the granter's name, if the granter may still grant this and it has not ended.
async fn find_granter(
    tx: &mut Tx,
    services: &Services,
    granter: Option<&UserId>,
    terms: &GrantTerms,
) -> Result<Option<(OrganizationId, String)>, AppError> {
    let now = services.clock.now();
    if check_end(terms.expires_at, false, now).is_err() {
        return Ok(None);
    }
    let Some(granter) = granter else {
        let located = permissions::locate_scope(tx, &terms.scope).await?;
        return Ok(located.map(|(organization, _)| (organization, COMMAND_LINE.to_owned())));
    };
    let Some(known) = permissions::find_facts(tx, granter, None, &terms.scope, now).await? else { return Ok(None) };
    let is_allowed = decide(&known.facts, decide::Action::Administer, now).is_allowed();
    let name = accounts::find_by_id(tx, granter).await?.map(|granter| granter.username);
    Ok(name.filter(|_| is_allowed).map(|name| (known.organization, name)))
}
