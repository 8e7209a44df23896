//! Members, vendors and grants.

use chrono::{DateTime, SubsecRound as _, TimeDelta, Utc};

use super::{
    at_work,
    data::access::{self as data, GRANTS, MEMBERS, Scope, VENDORS},
    people::People,
    plants::Sites,
};
use crate::{
    accounts::model::confusable_skeleton,
    cli::bulk::{self, Grant},
    execute,
    foundation::{
        db::Tx,
        ids::{GrantId, OrganizationId, PlantId, PortfolioId, VendorId},
    },
    permissions::store,
};

/// Inserts everything. Returns the grants.
pub async fn fill(tx: &mut Tx, people: &People, sites: &Sites, now: DateTime<Utc>) -> anyhow::Result<Vec<Grant>> {
    for (username, organization, role) in MEMBERS {
        store::set_membership(tx, people.id(username), &sites.organizations[organization], *role, now).await?;
    }
    for (organization, name, of_vendor) in VENDORS {
        let (organization, id) = (&sites.organizations[organization], VendorId::new(now));
        let sql = "INSERT INTO vendors (id, organization_id, name, name_skeleton, created_at) VALUES ($1, $2, $3, $4, $5)";
        execute!(tx, sql, &id, organization, *name, confusable_skeleton(name), now)?;
        for username in *of_vendor {
            let sql = "INSERT INTO vendor_people (user_id, organization_id, vendor_id) VALUES ($1, $2, $3)";
            execute!(tx, sql, people.id(username), organization, &id)?;
        }
    }
    let grants: Vec<Grant> = GRANTS.iter().enumerate().map(|(number, planned)| grant(people, sites, number, planned, now)).collect();
    bulk::insert_grants(tx, &grants).await?;
    Ok(grants)
}

fn grant(people: &People, sites: &Sites, number: usize, planned: &data::Grant, now: DateTime<Utc>) -> Grant {
    let (username, role, scope, by, days_ago, ends_in, used, reason) = planned;
    let granted_at = at_work(now, *days_ago, 9 + number as u32 % 8, number as u32 * 17 % 60, people.get(by).zone);
    let (organization, portfolio, plant) = place(sites, scope);
    Grant {
        id: GrantId::new(granted_at),
        user: people.id(username).clone(),
        role: *role,
        organization,
        portfolio,
        plant,
        granted_by: Some(people.id(by).clone()),
        granted_at,
        expires_at: ends_in.map(|days| (now + TimeDelta::days(days)).trunc_subsecs(0)),
        last_used_at: used.map(|minutes| now - TimeDelta::minutes(minutes)),
        reason: (*reason).to_owned(),
    }
}

fn place(sites: &Sites, scope: &Scope) -> (OrganizationId, Option<PortfolioId>, Option<PlantId>) {
    match scope {
        Scope::Organization(key) => (sites.organizations[key].clone(), None, None),
        Scope::Portfolio(name) => {
            let (organization, portfolio) = &sites.portfolios[name];
            (organization.clone(), Some(portfolio.clone()), None)
        }
        Scope::Plant(key) => {
            let site = &sites.plants[key];
            (site.organization.clone(), None, Some(site.id.clone()))
        }
    }
}
