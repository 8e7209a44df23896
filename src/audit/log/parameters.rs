//! The parameters of the list in the API: a query, and single qualifiers.

use serde::Deserialize;
use utoipa::IntoParams;

use crate::{
    audit::query::{Qualifier, Query},
    error::AppError,
};

/// Query parameters of the list.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct EventQuery {
    /// Maximum number of events. Defaults to 50. Ignored in exports.
    #[param(value_type = usize, minimum = 1, maximum = 1000)]
    pub limit: Option<String>,
    /// `next_cursor` of the previous page.
    pub cursor: Option<String>,
    /// `csv`, `jsonl` or `ocsf`: exports all events that match.
    pub format: Option<String>,
    /// A search as in the search box, such as `actor:alice -action:session.* "Solarpark Süd"`. Without a period it is about the last three
    /// months.
    q: Option<String>,
    /// Only events at this time or later: a day, or a time in RFC 3339.
    from: Option<String>,
    /// Only events before this time.
    to: Option<String>,
    /// Who did it: name, username, email address or id of a person.
    actor: Option<String>,
    /// Whose account it concerns.
    subject: Option<String>,
    /// What was done, such as `session.revoked` or `session.*`.
    action: Option<String>,
    /// Name or id of the organization.
    organization: Option<String>,
    /// Name or id of the portfolio.
    portfolio: Option<String>,
    /// Name or id of the plant.
    plant: Option<String>,
    /// Name or id of the device.
    device: Option<String>,
    /// `success` or `refused`.
    outcome: Option<String>,
    /// IP address or network of the client.
    ip: Option<String>,
    /// Country of the client: ISO 3166-1 alpha-2.
    country: Option<String>,
    /// Id of the session, or the name of one of yours.
    session: Option<String>,
    /// Id of the API token, or the name of one of yours.
    token: Option<String>,
}

impl EventQuery {
    /// Returns the query with all parameters. A single parameter takes the place of the same qualifier in `q`.
    ///
    /// Errors: [`AppError::Invalid`] about the parameter.
    pub fn query(&self) -> Result<Query, AppError> {
        let singles = [
            (Qualifier::Actor, &self.actor),
            (Qualifier::Subject, &self.subject),
            (Qualifier::Action, &self.action),
            (Qualifier::Organization, &self.organization),
            (Qualifier::Portfolio, &self.portfolio),
            (Qualifier::Plant, &self.plant),
            (Qualifier::Device, &self.device),
            (Qualifier::Outcome, &self.outcome),
            (Qualifier::Ip, &self.ip),
            (Qualifier::Country, &self.country),
            (Qualifier::Session, &self.session),
            (Qualifier::Token, &self.token),
        ];
        let mut query = self.period()?;
        for (qualifier, value) in singles.into_iter().filter_map(|(qualifier, value)| Some((qualifier, value.as_ref()?))) {
            query = query.with(qualifier, value).map_err(|error| AppError::invalid(qualifier.key(), error.to_string()))?;
        }
        Ok(query)
    }

    /// Returns the query of `q` with the period of `from` and `to`.
    fn period(&self) -> Result<Query, AppError> {
        let mut text = self.q.clone().unwrap_or_default();
        let mut query = parse("q", &text)?;
        for (field, operator, value) in [("from", ">=", &self.from), ("to", "<", &self.to)] {
            if let Some(value) = value {
                text.push_str(&format!(" created:\"{operator}{}\"", value.replace(['"', '\\'], "?")));
                query = parse(field, &text)?;
            }
        }
        Ok(query)
    }
}

fn parse(field: &str, text: &str) -> Result<Query, AppError> {
    Query::parse(text).map_err(|error| AppError::invalid(field, error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(query: &EventQuery) -> Result<String, String> {
        match query.query() {
            Ok(query) => Ok(query.to_string()),
            Err(AppError::Invalid { field, .. }) => Err(field),
            Err(other) => panic!("{other}"),
        }
    }

    #[test]
    fn parameters_are_qualifiers() {
        let some = |text: &str| Some(text.to_owned());
        let query = EventQuery {
            q: some("actor:alice Alpha"),
            actor: some("carla \"x\""),
            from: some("2026-05-01"),
            to: some("2026-05-03T10:00:00Z"),
            ..EventQuery::default()
        };
        assert_eq!(text(&query).unwrap(), r#"actor:"carla \"x\"" Alpha created:>=2026-05-01 created:<2026-05-03T10:00:00Z"#);
        for (bad, field) in [
            (EventQuery { q: some("nothing:x"), ..EventQuery::default() }, "q"),
            (EventQuery { from: some("yesterday"), ..EventQuery::default() }, "from"),
            (EventQuery { q: some("created:all"), to: some("2026-05-01"), ..EventQuery::default() }, "to"),
            (EventQuery { country: some("Germany"), ..EventQuery::default() }, "country"),
            (EventQuery { actor: some(""), ..EventQuery::default() }, "actor"),
        ] {
            assert_eq!(text(&bad).unwrap_err(), field);
        }
    }
}
