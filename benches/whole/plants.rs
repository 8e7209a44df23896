//! Plants and permissions: what lists, decisions and moves cost among 100,000 plants with 1,000,000 devices and 100,000 grants.

use std::{net::Ipv4Addr, sync::Arc};

use anyhow::Context as _;
use serde_json::{Value, json};
use sqlx::Connection as _;
use tokio::task::JoinSet;
use whereabouts::{
    access::{Credential, Principal},
    execute, fetch,
    foundation::{
        client::{headers::UserAgentHeaders, info::ClientInfo},
        crypto::secret::Secret,
        ids::{OrganizationId, PlantId, PortfolioId},
        services::Services,
    },
    permissions::{
        authorize,
        decide::Action,
        model::{OrganizationRole, ScopeId},
        store::set_membership,
    },
    sessions::store,
};

use crate::{
    NO_LIMITS, ROUNDS,
    measure::{Report, cpu_seconds, median, seconds},
    node::{Node, PASSWORD, User},
};

const PREFIX: &str = "plants";
/// Users of the seed, of whom the last owns all organizations.
const USERS: usize = 1_003;
const PLANTS: usize = 100_000;
/// Requests that are decided at once, and one after another in each half of a round. Halves are short, so that what else the machine does
/// meets both alike.
const CONCURRENT_DECISIONS: usize = 64;
const DECISIONS_IN_TURN: usize = 10;
/// Plants in a portfolio that is moved, each with ten devices.
const MOVED_PLANTS: i64 = 1_000;

/// Measures everything about plants on one database.
pub async fn measure(server: Option<&str>) -> anyhow::Result<()> {
    let (small, large) = (Seeded::start(server, 100, 1_103).await?, Seeded::start(server, PLANTS, 100_000).await?);
    small.measure_list(&large).await?.print();
    large.measure_long_list().await?.print();
    large.measure_decision().await?.print();
    large.measure_reach().await?.print();
    large.measure_move().await?.print();
    Ok(())
}

/// Looks up a session some times and decides, if there is a scope, what its user may do there.
async fn decide_in_turn(services: Arc<Services>, hash: String, scope: Option<ScopeId>) -> anyhow::Result<()> {
    let client_info = ClientInfo::new(Ipv4Addr::LOCALHOST.into(), UserAgentHeaders::default());
    for _ in 0..DECISIONS_IN_TURN {
        let mut db = services.db.read().await?;
        let found = store::find_by_token(&mut db, &hash).await?.context("a session that was just added")?;
        if let Some(scope) = &scope {
            let credential = Credential::Session(found.id);
            let principal = Principal { account: found.account, credential, reauthenticated_at: None, client_info: client_info.clone() };
            authorize::require(&mut db, &services, &principal, scope, Action::See).await?;
        }
    }
    Ok(())
}

/// A server on a database with plants.
struct Seeded {
    node: Node,
    plants: usize,
    users: Vec<User>,
}

impl Seeded {
    async fn start(server: Option<&str>, plants: usize, grants: usize) -> anyhow::Result<Self> {
        let node = Node::start(server, 1, NO_LIMITS).await?;
        println!("  filling a database with {plants} plants");
        let (plants_text, grants) = (plants.to_string(), grants.to_string());
        let more = ["--plants", &plants_text, "--devices-per-plant", "10", "--grants", &grants];
        let users = node.seed(PREFIX, USERS, 1, &more).await?;
        if server.is_some() {
            // As autovacuum does within a minute.
            sqlx::query("ANALYZE").execute(&mut sqlx::PgConnection::connect(node.database_url()).await?).await?;
        }
        Ok(Self { node, plants, users })
    }

    /// Returns the user with this number. `seed --help` says what each may do.
    fn user(&self, number: usize) -> anyhow::Result<&User> {
        let name = format!("{PREFIX}{number}");
        self.users.iter().find(|user| user.name == name).with_context(|| format!("{name} was not seeded"))
    }

    async fn list(&self, number: usize) -> anyhow::Result<f64> {
        seconds(self.node.get("/api/v1/plants", self.user(number)?.token())).await
    }

    /// Measures how the number of plants affects the first page of a person with three grants.
    async fn measure_list(&self, large: &Self) -> anyhow::Result<Report> {
        let (mut among_many, mut among_few) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS * 20 {
            among_many.push(large.list(0).await?);
            among_few.push(self.list(0).await?);
        }
        Ok(Report {
            title: "GET /api/v1/plants with 3 grants, 100,000 plants against 100, seconds",
            measured: median(among_many),
            baseline: median(among_few),
            min_ratio: None,
            max_ratio: Some(1.3),
            bottleneck: "50 rows by an index, each with the number of its devices and the person's roles",
        })
    }

    async fn measure_long_list(&self) -> anyhow::Result<Report> {
        let mut times = Vec::new();
        for _ in 0..ROUNDS * 20 {
            times.push(self.list(1).await?);
        }
        Ok(Report {
            title: "the same with 3,000 grants among 100,000 plants, against 10 ms, seconds",
            measured: median(times),
            baseline: 0.010,
            min_ratio: None,
            max_ratio: Some(1.0),
            bottleneck: "looking up the plants of the next hundred grants and sorting them",
        })
    }

    /// Measures the CPU time that a decision takes beside the look-up of the session, which is all that `GET /api/v1/me` does. The
    /// database server's own time is not in it.
    async fn measure_decision(&self) -> anyhow::Result<Report> {
        let (scope, token) =
            (ScopeId::Plant(self.last_plant().await?), Secret::parse(self.user(2)?.token()).context("seeds write tokens")?);
        let (mut with, mut without) = (Vec::new(), Vec::new());
        for round in 0..ROUNDS * 40 {
            let decided = (round % 2 == 0).then(|| scope.clone());
            let mut requests = JoinSet::new();
            let before = cpu_seconds();
            for _ in 0..CONCURRENT_DECISIONS {
                requests.spawn(decide_in_turn(self.node.services.clone(), token.hash(), decided.clone()));
            }
            requests.join_all().await.into_iter().collect::<anyhow::Result<()>>()?;
            let times = if decided.is_some() { &mut with } else { &mut without };
            times.push((cpu_seconds() - before) / (CONCURRENT_DECISIONS * DECISIONS_IN_TURN) as f64);
        }
        Ok(Report {
            title: "a decision beside the look-up of its session, 64 at once, against 40 µs of CPU time, seconds",
            measured: median(with) - median(without),
            baseline: 0.000_040,
            min_ratio: None,
            max_ratio: Some(1.0),
            bottleneck: "one SELECT of the facts; on SQLite, on the thread of the request",
        })
    }

    /// Measures the list of who can reach a plant, of 1,000 people and the owner.
    async fn measure_reach(&self) -> anyhow::Result<Report> {
        let path = format!("/api/v1/plants/{}/access?limit=1000", self.last_plant().await?);
        let owner = self.user(USERS - 1)?;
        let found = self.node.get_json(&path, owner.token()).await?;
        anyhow::ensure!(found["people"].as_array().is_some_and(|people| people.len() == 1_000), "1,000 people reach the last plant");
        let mut times = Vec::new();
        for _ in 0..ROUNDS * 4 {
            times.push(seconds(self.node.get(&path, owner.token())).await?);
        }
        Ok(Report {
            title: "GET /api/v1/plants/{id}/access with 1,000 people, against 20 ms, seconds",
            measured: median(times),
            baseline: 0.020,
            min_ratio: None,
            max_ratio: Some(1.0),
            bottleneck: "reading 1,000 grants with the names in them, and writing JSON",
        })
    }

    async fn last_plant(&self) -> anyhow::Result<PlantId> {
        let (name, sql) = (format!("{PREFIX} plant {}", self.plants - 1), "SELECT id FROM plants WHERE normalized_name = $1");
        let (id,) = fetch!(&mut self.node.services.db.read().await?, fetch_one as (PlantId,), sql, name)?;
        Ok(id)
    }

    /// Measures moving all plants of a portfolio to another one, which deletes the portfolio.
    async fn measure_move(&self) -> anyhow::Result<Report> {
        let owner = &self.user(USERS - 1)?.name;
        let organization = OrganizationId::new(self.node.services.clock.now());
        let mut from = self.add_organization(&organization, owner).await?;
        // Recent authentication.
        let body = json!({ "identifier": owner, "password": PASSWORD });
        let answer: Value = self.node.post("/api/v1/sessions", &body).await?;
        let token = answer["token"].as_str().context("the owner signs in")?;
        let mut times = Vec::new();
        for round in 0..ROUNDS {
            let to = self.add_portfolio(&organization, round).await?;
            times.push(seconds(self.node.delete(&format!("/api/v1/portfolios/{from}?move_to={to}"), token)).await?);
            let sql = "SELECT COUNT(*) FROM devices WHERE portfolio_id = $1";
            let (moved,) = fetch!(&mut self.node.services.db.read().await?, fetch_one as (i64,), sql, to)?;
            anyhow::ensure!(moved == MOVED_PLANTS * 10, "{moved} devices were moved");
            from = to;
        }
        Ok(Report {
            title: "moving a portfolio of 1,000 plants with 10,000 devices, against 1 s, seconds",
            measured: median(times),
            baseline: 1.0,
            min_ratio: None,
            max_ratio: Some(1.0),
            bottleneck: "the foreign key that updates each device, with its entries in three indexes",
        })
    }

    /// Adds an organization with a portfolio of copies of the first plants. Returns the portfolio.
    async fn add_organization(&self, organization: &OrganizationId, owner: &str) -> anyhow::Result<PortfolioId> {
        let services = &self.node.services;
        let owner = whereabouts::accounts::actions::find(&services.db, owner).await?.account.id;
        let (mut tx, now) = (services.db.write().await?, services.clock.now());
        let sql = "INSERT INTO organizations (id, name, normalized_name, created_at) VALUES ($1, 'Moved', 'moved', $2)";
        execute!(&mut tx, sql, organization, now)?;
        set_membership(&mut tx, &owner, organization, OrganizationRole::Owner, now).await?;
        tx.commit().await?;
        let portfolio = self.add_portfolio(organization, ROUNDS).await?;
        let mut tx = services.db.write().await?;
        // Ids of version 7 begin with a zero.
        let sql = "INSERT INTO plants (id, portfolio_id, organization_id, name, normalized_name, kind, version, created_at)
                   SELECT 'f' || substr(id, 2), $1, $2, name, normalized_name, kind, 1, created_at FROM plants ORDER BY id LIMIT $3";
        execute!(&mut tx, sql, &portfolio, organization, MOVED_PLANTS)?;
        let sql = "INSERT INTO devices (id, plant_id, portfolio_id, organization_id, name, normalized_name, kind, host, upgrades, version,
                       created_at)
                   SELECT 'f' || substr(d.id, 2), 'f' || substr(d.plant_id, 2), $1, $2, d.name, d.normalized_name, d.kind,
                       'moved.' || d.host, d.upgrades, 1, d.created_at
                   FROM devices d JOIN plants p ON p.id = 'f' || substr(d.plant_id, 2) WHERE p.portfolio_id = $1";
        execute!(&mut tx, sql, &portfolio, organization)?;
        tx.commit().await?;
        Ok(portfolio)
    }

    async fn add_portfolio(&self, organization: &OrganizationId, number: usize) -> anyhow::Result<PortfolioId> {
        let services = &self.node.services;
        let (mut tx, now) = (services.db.write().await?, services.clock.now());
        let (id, name) = (PortfolioId::new(now), format!("portfolio {number}"));
        let sql = "INSERT INTO portfolios (id, organization_id, name, normalized_name, created_at) VALUES ($1, $2, $3, $3, $4)";
        execute!(&mut tx, sql, &id, organization, name, now)?;
        tx.commit().await?;
        Ok(id)
    }
}
