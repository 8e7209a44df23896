//! Organizations with plants and people, written to the database.

use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};
use whereabouts::{
    accounts::actions as accounts,
    execute,
    foundation::ids::{DeviceId, OrganizationId, PlantId, PortfolioId, UserId},
};

use super::{Client, TestApp};

pub struct World {
    pub id: String,
    pub portfolio: String,
    /// Two plants of the portfolio, the first with two devices.
    pub plants: [String; 2],
    /// A plant of another portfolio of the organization.
    pub other_plant: String,
}

impl World {
    /// Adds an organization with two portfolios, three plants and two devices.
    pub async fn create(app: &TestApp, name: &str) -> Self {
        let now = app.now();
        let (id, portfolio, other) = (OrganizationId::new(now), PortfolioId::new(now), PortfolioId::new(now));
        let plants = [PlantId::new(now), PlantId::new(now), PlantId::new(now)];
        let mut tx = app.services.db.write().await.unwrap();
        let sql = "INSERT INTO organizations (id, name, normalized_name, created_at) VALUES ($1, $2, $3, $4)";
        execute!(&mut tx, sql, &id, name, name.to_lowercase(), now).unwrap();
        for (portfolio, name) in [(&portfolio, "North"), (&other, "South")] {
            let sql = "INSERT INTO portfolios (id, organization_id, name, normalized_name, created_at) VALUES ($1, $2, $3, $4, $5)";
            execute!(&mut tx, sql, portfolio, &id, name, name.to_lowercase(), now).unwrap();
        }
        for (plant, portfolio, name) in [(&plants[0], &portfolio, "Alpha"), (&plants[1], &portfolio, "Beta"), (&plants[2], &other, "Gamma")]
        {
            let sql = "INSERT INTO plants (id, portfolio_id, organization_id, name, normalized_name, kind, version, created_at)
                       VALUES ($1, $2, $3, $4, $5, 'solar', 1, $6)";
            execute!(&mut tx, sql, plant, portfolio, &id, name, name.to_lowercase(), now).unwrap();
        }
        for device in ["inverter", "logger"] {
            let sql =
                "INSERT INTO devices (id, plant_id, portfolio_id, organization_id, name, normalized_name, kind, host, upgrades, version,
                           created_at) VALUES ($1, $2, $3, $4, $5, $5, 'inverter', $6, FALSE, 1, $7)";
            let host = format!("{device}.{}.example", name.to_lowercase());
            execute!(&mut tx, sql, DeviceId::new(now), &plants[0], &portfolio, &id, device, host, now).unwrap();
        }
        tx.commit().await.unwrap();
        let [first, second, third] = plants.map(|plant| plant.to_string());
        Self { id: id.to_string(), portfolio: portfolio.to_string(), plants: [first, second], other_plant: third }
    }

    /// Gives a person a role in the organization.
    pub async fn set_member(&self, app: &TestApp, name: &str, role: &str) {
        let mut tx = app.services.db.write().await.unwrap();
        let sql = "INSERT INTO memberships (user_id, organization_id, role, created_at) VALUES ($1, $2, $3, $4)
                   ON CONFLICT (user_id, organization_id) DO UPDATE SET role = excluded.role";
        execute!(&mut tx, sql, id_of(app, name).await, &self.id, role, app.now()).unwrap();
        tx.commit().await.unwrap();
    }

    /// Adds users who are members with these roles.
    pub async fn add_members(&self, app: &TestApp, members: &[(&str, &str)]) {
        for (name, role) in members {
            app.add_user(name).await;
            self.set_member(app, name, role).await;
        }
    }

    pub fn members(&self, user: &str) -> String {
        format!("/api/v1/organizations/{}/members/{user}", self.id)
    }
}

pub async fn id_of(app: &TestApp, name: &str) -> UserId {
    accounts::find(&app.services.db, name).await.unwrap().account.id
}

/// Posts a grant with a reason, and these fields in place of others.
pub async fn post_grant(client: &Client<'_>, fields: Value) -> Response {
    let mut body = json!({ "role": "technician", "reason": "Maintenance" });
    for (name, value) in fields.as_object().unwrap() {
        body[name] = value.clone();
    }
    client.request(Method::POST, "/api/v1/grants").json(&body).send().await.unwrap()
}

/// Posts a grant, which must be created. Returns it.
pub async fn grant(client: &Client<'_>, fields: Value) -> Value {
    let answer = post_grant(client, fields).await;
    let (status, body) = (answer.status(), answer.text().await.unwrap());
    assert_eq!(status, StatusCode::CREATED, "{body}");
    serde_json::from_str(&body).unwrap()
}

pub async fn patch_grant(client: &Client<'_>, id: &str, body: Value) -> Response {
    client.request(Method::PATCH, &format!("/api/v1/grants/{id}")).json(&body).send().await.unwrap()
}

pub async fn put_member(client: &Client<'_>, world: &World, user: &str, role: &str) -> Response {
    client.request(Method::PUT, &world.members(user)).json(&json!({ "role": role })).send().await.unwrap()
}

/// Returns the status of a refusal, its type and, if one field is invalid, that field.
pub async fn problem(answer: Response) -> (StatusCode, String, Option<String>) {
    let status = answer.status();
    let body: Value = answer.json().await.unwrap();
    let text = |value: &Value| value.as_str().map(str::to_owned);
    (status, text(&body["type"]).unwrap_or_default(), text(&body["field"]))
}

/// Asserts that a request is refused because of this field.
pub async fn assert_invalid(answer: Response, field: &str) {
    let found = problem(answer).await;
    assert_eq!((found.0, found.1.as_str(), found.2.as_deref()), (StatusCode::UNPROCESSABLE_ENTITY, "invalid", Some(field)));
}

/// Asserts that a request is refused with this status and type.
pub async fn assert_refused(answer: Response, status: StatusCode, name: &str) {
    let found = problem(answer).await;
    assert_eq!((found.0, found.1.as_str()), (status, name));
}
