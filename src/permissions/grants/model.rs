//! What a grant is created and extended with, and the rules for its end.

use chrono::{DateTime, Duration, Months, SubsecRound, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    error::AppError,
    permissions::{
        model::{Role, ScopeId, check_reason},
        vendors::model::check_vendor_name,
    },
};

/// Longest time until a grant ends, if it ends: 5 years.
pub const MAX_LIFETIME_MONTHS: Months = Months::new(60);
/// How long before a grant ends its person and granter are reminded.
pub const EXPIRY_REMINDER: Duration = Duration::days(3);
/// How long expired grants are kept.
pub const RETENTION: Duration = Duration::days(90);

/// A request to grant access. Exactly one of `organization`, `portfolio` and `plant` is given.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct GrantRequest {
    /// Id, username or email address of the person. An address without an account is invited.
    pub user: String,
    /// The role.
    pub role: Role,
    /// Id of the organization, for access to all its plants.
    #[serde(default)]
    pub organization: Option<String>,
    /// Id of the portfolio, for access to its plants.
    #[serde(default)]
    pub portfolio: Option<String>,
    /// Id of the plant.
    #[serde(default)]
    pub plant: Option<String>,
    /// Why: 1 to 500 characters.
    #[schema(min_length = 1, max_length = 500)]
    pub reason: String,
    /// When it ends, at most 5 years from now. Rounded down to a second. Defaults to no end, which is not possible for a vendor's person.
    #[serde(default)]
    pub expires_at: Option<DateTime<Utc>>,
    /// Name of the vendor that the person works for in this organization. It is created if it is unknown. From then on, none of the person's
    /// access in the organization edits plants or closes remote access, of whatever role. Refused while the person has access without end.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 80)]
    pub vendor: Option<String>,
}

impl GrantRequest {
    /// Returns the terms.
    ///
    /// Errors: there is not exactly one scope, or a field breaks its rule.
    pub fn terms(self, now: DateTime<Utc>) -> Result<GrantTerms, AppError> {
        let scope = parse_scope(self.organization.as_deref(), self.portfolio.as_deref(), self.plant.as_deref())?;
        GrantTerms::new(scope, self.role, &self.reason, self.expires_at, self.vendor.as_deref(), now)
    }
}

/// Returns the scope of a request.
///
/// Errors: there is not exactly one, or it is not an id.
pub fn parse_scope(organization: Option<&str>, portfolio: Option<&str>, plant: Option<&str>) -> Result<ScopeId, AppError> {
    let scope = match (organization, portfolio, plant) {
        (Some(id), None, None) => id.parse().map(ScopeId::Organization).map_err(|_| "organization"),
        (None, Some(id), None) => id.parse().map(ScopeId::Portfolio).map_err(|_| "portfolio"),
        (None, None, Some(id)) => id.parse().map(ScopeId::Plant).map_err(|_| "plant"),
        _ => return Err(AppError::invalid("scope", "Name one organization, one portfolio or one plant.")),
    };
    scope.map_err(unknown_scope)
}

/// Returns the error about a scope that does not exist, or that the caller may not know of. Does not reveal which.
pub fn unknown_scope(field: &str) -> AppError {
    AppError::invalid(field, format!("There is no {field} with this id. Check the id."))
}

/// What a grant is created with. An invitation carries it until the person has an account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GrantTerms {
    /// Where the role applies.
    pub scope: ScopeId,
    /// The role.
    pub role: Role,
    /// Why.
    pub reason: String,
    /// When it ends. `None`: no end.
    pub expires_at: Option<DateTime<Utc>>,
    /// Name of the person's vendor.
    pub vendor: Option<String>,
    /// When somebody decided to grant this.
    pub decided_at: DateTime<Utc>,
}

impl GrantTerms {
    /// Returns checked terms.
    ///
    /// Errors: a field breaks its rule, or there is a vendor but no end.
    pub fn new(
        scope: ScopeId,
        role: Role,
        reason: &str,
        expires_at: Option<DateTime<Utc>>,
        vendor: Option<&str>,
        now: DateTime<Utc>,
    ) -> Result<Self, AppError> {
        let reason = check_reason(reason)?;
        let vendor = vendor.map(check_vendor_name).transpose()?;
        let expires_at = check_end(expires_at, vendor.is_some(), now)?;
        Ok(Self { scope, role, reason, expires_at, vendor, decided_at: now })
    }
}

/// A change of the end of a grant.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Extension {
    /// The new end, at most 5 years from now. Null: no end, which is not possible for a vendor's person.
    #[serde(deserialize_with = "Option::deserialize")] // must be there, so that no end is removed by mistake
    #[schema(required = true)]
    pub expires_at: Option<DateTime<Utc>>,
    /// Why: 1 to 500 characters. Replaces the reason of the grant.
    #[schema(min_length = 1, max_length = 500)]
    pub reason: String,
}

/// Returns the end of a grant in whole seconds.
///
/// Errors: it is not after `now` and within [`MAX_LIFETIME_MONTHS`], or it is missing for a vendor's person.
pub fn check_end(requested: Option<DateTime<Utc>>, is_vendor: bool, now: DateTime<Utc>) -> Result<Option<DateTime<Utc>>, AppError> {
    let Some(end) = requested.map(|end| end.trunc_subsecs(0)) else {
        let message = "Access of a vendor's person must end. Enter a time within 5 years.";
        return if is_vendor { Err(AppError::invalid("expires_at", message)) } else { Ok(None) };
    };
    let fits = end > now && end <= now + MAX_LIFETIME_MONTHS;
    if fits { Ok(Some(end)) } else { Err(AppError::invalid("expires_at", "The end must be in the future and within 5 years.")) }
}

/// Returns when the reminder counts as sent: `now`, so that none is sent, for an end inside the reminder period. Else `None`.
pub fn initial_reminded_at(expires_at: Option<DateTime<Utc>>, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    expires_at.is_some_and(|end| end <= now + EXPIRY_REMINDER).then_some(now)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_grant_ends_at_a_second_within_five_years() {
        let at = |text: &str| DateTime::parse_from_rfc3339(text).unwrap().to_utc();
        let now = at("2026-06-01T12:00:00Z");
        assert_eq!(check_end(Some(at("2026-06-01T12:00:01.999Z")), true, now), Ok(Some(at("2026-06-01T12:00:01Z"))));
        assert_eq!(check_end(Some(at("2031-06-01T12:00:00Z")), false, now), Ok(Some(at("2031-06-01T12:00:00Z"))));
        for bad in ["2026-06-01T12:00:00.999Z", "2026-05-31T12:00:00Z", "2031-06-01T12:00:01Z"] {
            assert!(check_end(Some(at(bad)), false, now).is_err(), "{bad}");
        }
        assert!(check_end(None, false, now).is_ok() && check_end(None, true, now).is_err());
    }

    #[test]
    fn a_request_has_exactly_one_scope() {
        let id = Some("0197a2f0-0000-7000-8000-000000000000");
        assert!(parse_scope(id, None, None).is_ok() && parse_scope(None, None, id).is_ok());
        for scope in [parse_scope(None, None, None), parse_scope(id, id, None), parse_scope(id, id, id), parse_scope(Some("x"), None, None)]
        {
            assert!(scope.is_err(), "{scope:?}");
        }
    }
}
