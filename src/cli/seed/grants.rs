//! Grants: who gets which is described by `--help`, because benchmarks rely on it.

use chrono::{DateTime, TimeDelta, Utc};

use super::{Filling, Seed, plants::Tree};
use crate::{
    cli::bulk::{self, Grant},
    foundation::ids::{GrantId, OrganizationId, PlantId, PortfolioId, UserId},
    permissions::model::Role,
};

/// Plants of user 1.
const PLANTS_OF_USER_1: usize = 3_000;
/// People who reach the last plant.
const PEOPLE_OF_LAST_PLANT: usize = 1_000;
const ROWS_PER_STEP: usize = 2_500;

/// A grant before it has an id: the number of its user, the role, and where it applies.
struct Planned<'a> {
    user: usize,
    role: Role,
    organization: &'a OrganizationId,
    portfolio: Option<&'a PortfolioId>,
    plant: Option<&'a PlantId>,
}

/// Adds the grants.
///
/// Errors: there are too few users and plants for them.
pub async fn fill(filling: &mut Filling<'_>, seed: &Seed, users: &[UserId], tree: &Tree, now: DateTime<Utc>) -> anyhow::Result<()> {
    if seed.grants == 0 {
        return Ok(());
    }
    filling.begin("grants", seed.grants);
    let mut grants = plan(users.len(), tree).take(seed.grants).enumerate().map(|(number, planned)| Grant {
        id: GrantId::new(now - TimeDelta::milliseconds((seed.grants - number) as i64)),
        user: users[planned.user].clone(),
        role: planned.role,
        organization: planned.organization.clone(),
        portfolio: planned.portfolio.cloned(),
        plant: planned.plant.cloned(),
        granted_by: users.last().cloned(),
        granted_at: now,
        expires_at: None,
        last_used_at: None,
        reason: "Operations".to_owned(),
    });
    loop {
        let step: Vec<Grant> = grants.by_ref().take(ROWS_PER_STEP).collect();
        if step.is_empty() {
            break;
        }
        bulk::insert_grants(filling.tx(), &step).await?;
        filling.wrote(step.len()).await?;
    }
    anyhow::ensure!(
        filling.written == seed.grants,
        "{} users and {} plants have at most {} grants",
        users.len(),
        seed.plants,
        filling.written
    );
    Ok(())
}

/// Returns all possible grants, in order.
fn plan(users: usize, tree: &Tree) -> impl Iterator<Item = Planned<'_>> {
    let (owner, plants) = (users - 1, tree.plants.len());
    let of_user_1 = (0..PLANTS_OF_USER_1.min(plants)).filter(move |_| owner > 1).map(|plant| on_plant(tree, 1, Role::Technician, plant));
    let last = &tree.organizations[tree.organizations.len() - 1];
    let on_last = move |user| Planned { user, role: Role::Viewer, organization: last, portfolio: None, plant: None };
    let of_last_plant = (2..owner).take(PEOPLE_OF_LAST_PLANT).map(on_last);
    // Each user's plants begin where the previous user's end, if there are as many rounds.
    let stride = plants.div_ceil(owner.saturating_sub(2).max(1));
    let round = move |number: usize| (2..owner).map(move |user| (user, ((user - 2) * stride + number) % plants));
    let rest = (0..plants).flat_map(round).map(|(user, plant)| on_plant(tree, user, Role::Technician, plant));
    of_user_0(tree).into_iter().chain(of_user_1).chain(of_last_plant).chain(rest)
}

fn of_user_0(tree: &Tree) -> [Planned<'_>; 3] {
    let organization = |number: usize| number.min(tree.organizations.len() - 1);
    let planned = |number: usize, role, portfolio, plant| Planned {
        user: 0,
        role,
        organization: &tree.organizations[organization(number)],
        portfolio,
        plant,
    };
    [
        planned(0, Role::Operator, None, None),
        planned(1, Role::Technician, Some(tree.first_portfolio(organization(1))), None),
        planned(2, Role::Viewer, None, Some(tree.first_plant(organization(2)))),
    ]
}

fn on_plant(tree: &Tree, user: usize, role: Role, plant: usize) -> Planned<'_> {
    Planned { user, role, organization: tree.organization_of(plant), portfolio: None, plant: Some(&tree.plants[plant]) }
}
