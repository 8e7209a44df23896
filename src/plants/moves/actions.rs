//! Actions about moves: what they require, whose access they change, and who is told.

use std::collections::BTreeSet;

use crate::{
    access::Principal,
    accounts::model::Account,
    error::AppError,
    foundation::{
        db::Tx,
        ids::{PortfolioId, UserId},
        services::Services,
    },
    mail::Kind,
    permissions::{
        authorize,
        decide::Action as Permitted,
        model::{Person, Role, ScopeId},
        notify::Notices,
    },
    plants::{
        model::Plant,
        moves::{emails, store},
        portfolios::store as portfolios,
        requests::{parse_id, unknown_id_error},
    },
    reauthentication::actor::Actor,
};

/// A change of somebody's access by a move.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessChange {
    /// The person.
    pub person: Person,
    /// The role for the plants.
    pub role: Role,
    /// Whether the person gains the role. Otherwise the person loses it.
    pub gains: bool,
}

/// Returns whose access would change by a move of a plant, or of all plants of a portfolio, to another portfolio of the organization, by
/// name. Grants on single plants of a portfolio move with them, and are not counted.
///
/// Errors: those of [`authorize::require`]; [`AppError::Invalid`] for the other portfolio.
pub async fn preview(
    services: &Services,
    principal: &Principal,
    scope: &ScopeId,
    target: &PortfolioId,
) -> Result<Vec<AccessChange>, AppError> {
    let (mut db, now) = (services.db.read().await?, services.clock.now());
    let known = authorize::require(&mut db, services, principal, scope, Permitted::Administer).await?;
    let from = known.portfolio.ok_or(AppError::NotFound)?;
    if !portfolios::is_in(&mut db, target, &known.organization).await? {
        return Err(unknown_id_error("portfolio"));
    }
    let plant = if let ScopeId::Plant(id) = scope { Some(id) } else { None };
    let rows = store::roles_for_move(&mut db, plant, [&from, target], &known.organization, now).await?;
    let roles = |other: &PortfolioId| -> BTreeSet<(UserId, Role)> {
        let counted = rows.iter().filter(|row| row.portfolio_id.as_ref() != Some(other));
        counted.map(|row| (row.user_id.clone(), row.role)).collect()
    };
    let (before, after) = (roles(target), roles(&from));
    let mut seen = BTreeSet::new();
    let each_role = rows.iter().filter(|row| seen.insert((row.user_id.clone(), row.role)));
    Ok(each_role
        .filter_map(|row| {
            let role = (row.user_id.clone(), row.role);
            let (has, gets) = (before.contains(&role), after.contains(&role));
            (has != gets).then(|| AccessChange { person: row.person(), role: row.role, gains: gets })
        })
        .collect())
}

/// Returns the portfolio that a plant is moved to. `None` if it stays where it is.
pub(in crate::plants) async fn check_target(
    services: &Services,
    actor: Actor<'_>,
    tx: &mut Tx,
    plant: &Plant,
    requested: Option<&str>,
) -> Result<Option<PortfolioId>, AppError> {
    let Some(requested) = requested else { return Ok(None) };
    let target: PortfolioId = parse_id("portfolio", requested)?;
    if target == plant.portfolio {
        return Ok(None);
    }
    let scope = ScopeId::Plant(plant.id.clone());
    authorize::require_administration(tx, services, actor, &scope, Permitted::Administer).await?;
    if !portfolios::is_in(tx, &target, &plant.organization).await? {
        return Err(unknown_id_error("portfolio"));
    }
    require_move_into(services, actor, tx, &scope, &target).await?;
    Ok(Some(target))
}

/// Requires an owner if the actor has a grant on the portfolio that plants are moved to: the actor would gain its role for these plants,
/// and granting access to oneself is for owners.
pub(in crate::plants) async fn require_move_into(
    services: &Services,
    actor: Actor<'_>,
    tx: &mut Tx,
    scope: &ScopeId,
    target: &PortfolioId,
) -> Result<(), AppError> {
    let Actor::Principal(principal) = actor else { return Ok(()) };
    if store::has_grant_on_portfolio(tx, &principal.account.id, target, services.clock.now()).await? {
        authorize::require_administration(tx, services, actor, scope, Permitted::AdministerOwners).await?;
    }
    Ok(())
}

/// Adds to `notices` the mails to the owners, and to everybody with a grant on one of two portfolios, that plants were moved.
pub(in crate::plants) async fn notify(
    actor: Actor<'_>,
    tx: &mut Tx,
    services: &Services,
    what: &str,
    [from, to]: [&PortfolioId; 2],
    notices: &mut Notices,
) -> Result<(), AppError> {
    let find = async |tx: &mut Tx, id| portfolios::find(tx, id).await?.ok_or(AppError::NotFound);
    let (from, to) = (find(tx, from).await?, find(tx, to).await?);
    let people = store::people_of_portfolios(tx, [&from.id, &to.id], services.clock.now()).await?;
    let content = |_: &Account| emails::moved(what, &from.name, &to.name, actor.name());
    Ok(notices.add(tx, &from.organization, people, Kind::AccessChanged, content).await?)
}
