//! What the form that grants access contains: as entered, and as parsed.

use chrono::{DateTime, Days, Duration, NaiveDate, NaiveTime, TimeZone as _, Utc};
use chrono_tz::Tz;

use crate::{
    error::AppError,
    permissions::{
        grants::model::{GrantRequest, parse_scope, unknown_scope},
        model::{Role, ScopeId, ScopeKind},
    },
    ui::form_response::with_query,
};

/// Path of the page.
pub const PAGE: &str = "/grants/new";

/// Key and text of the ends that the form offers. [`Entered::expires_at`] says what they mean.
pub const ENDS: [(&str, &str); 5] =
    [("1d", "1 day"), ("7d", "1 week"), ("30d", "30 days"), ("day", "A day of my choice"), ("none", "No end")];
/// The end that is chosen at first.
const DEFAULT_END: &str = "30d";

/// The fields of the form as they were entered, in the address of the page or in a submission. Empty: not entered yet.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Entered {
    /// The scope that the form was opened for: `plant:ID`, `portfolio:ID` or `organization:ID`.
    pub at: String,
    /// Not empty in the dialog of a plant's page, in place of a page of its own.
    pub dialog: String,
    /// Text to find a person by.
    pub person: String,
    /// Username or id of the person, or the email address to invite.
    pub user: String,
    /// Not empty if the person works for a vendor.
    pub is_vendor: String,
    /// Name of the vendor.
    pub vendor: String,
    /// Key of the role.
    pub role: String,
    /// The scope of the grant, like `at`.
    pub scope: String,
    /// Key of the end.
    pub until: String,
    /// The day of the end, if one is chosen.
    pub day: String,
    /// Why.
    pub reason: String,
}

impl Entered {
    /// Names of the fields in addresses and submissions.
    pub const FIELDS: [&str; 11] = ["at", "dialog", "person", "user", "is_vendor", "vendor", "role", "scope", "until", "day", "reason"];

    /// Returns the fields with their values.
    pub fn fields(&self) -> [(&'static str, &str); 11] {
        let Self { at, dialog, person, user, is_vendor, vendor, role, scope, until, day, reason } = self;
        let values = [at, dialog, person, user, is_vendor, vendor, role, scope, until, day, reason].map(String::as_str);
        std::array::from_fn(|index| (Self::FIELDS[index], values[index]))
    }

    /// Reads the fields with `read`.
    pub fn read(read: impl FnMut(&str) -> String) -> Self {
        let [at, dialog, person, user, is_vendor, vendor, role, scope, until, day, reason] = Self::FIELDS.map(read);
        Self { at, dialog, person, user, is_vendor, vendor, role, scope, until, day, reason }
    }

    /// Returns the path of the page with the form: its own or, for the dialog, that of the plant.
    pub fn path(&self) -> String {
        match self.opened_for() {
            Ok(scope @ ScopeId::Plant(_)) if !self.dialog.is_empty() => back_path(&scope),
            _ => PAGE.to_owned(),
        }
    }

    /// Returns the address of the page with what was entered.
    pub fn address(&self) -> String {
        let opens_dialog = (self.path() != PAGE).then_some(("grant", "new"));
        let entered = self.fields().into_iter().filter(|(_, value)| !value.is_empty());
        with_query(&self.path(), &opens_dialog.into_iter().chain(entered).collect::<Vec<_>>())
    }

    /// Returns the scope that the form was opened for.
    ///
    /// Errors: [`AppError::NotFound`].
    pub fn opened_for(&self) -> Result<ScopeId, AppError> {
        parse_key(&self.at).ok_or(AppError::NotFound)
    }

    /// Returns the scope of the grant: unless another one is chosen, the one that the form was opened for.
    ///
    /// Errors: it is malformed.
    pub fn scope(&self) -> Result<ScopeId, AppError> {
        let scope = if self.scope.is_empty() { &self.at } else { &self.scope };
        parse_key(scope).ok_or_else(|| AppError::invalid("scope", "Choose where the role applies."))
    }

    /// Returns the role. `None` if none is chosen.
    pub fn role(&self) -> Option<Role> {
        Role::parse(&self.role)
    }

    /// Returns the key of the chosen end. A vendor's person always has one.
    pub fn end(&self) -> &str {
        match self.until.as_str() {
            "" => DEFAULT_END,
            "none" if self.vendor().is_some() => DEFAULT_END,
            other => other,
        }
    }

    /// Returns the name of the vendor, if the person works for one.
    pub fn vendor(&self) -> Option<&str> {
        (!self.is_vendor.is_empty()).then_some(self.vendor.trim())
    }

    /// Returns when the grant ends: a chosen day ends at midnight in the user's time zone. `None`: never.
    ///
    /// Errors: no day is chosen, or it is not in the calendar.
    pub fn expires_at(&self, time_zone: &str, now: DateTime<Utc>) -> Result<Option<DateTime<Utc>>, AppError> {
        match self.end() {
            "none" => Ok(None),
            "day" => end_of_day(&self.day, time_zone).map(Some),
            days => {
                let days = days.strip_suffix('d').and_then(|days| days.parse().ok()).and_then(Duration::try_days);
                let end = days.and_then(|days| now.checked_add_signed(days));
                end.map(Some).ok_or_else(|| AppError::invalid("until", "Choose when the access ends."))
            }
        }
    }

    /// Names the field of the form in an error about one of the request. The scope that the form was opened for is no field: without it
    /// there is no form.
    pub fn in_form(&self, error: AppError) -> AppError {
        let is_about_scope = self.scope().is_ok_and(|scope| error == unknown_scope(scope.kind().key()));
        match error {
            _ if is_about_scope && self.scope() == self.opened_for() => AppError::NotFound,
            AppError::Invalid { message, .. } if is_about_scope => AppError::invalid("scope", message),
            AppError::Invalid { field, message } if field == "expires_at" => {
                AppError::invalid(if self.end() == "day" { "day" } else { "until" }, message)
            }
            error => error,
        }
    }

    /// Returns the request to create the grant.
    ///
    /// Errors: a field is missing or malformed.
    pub fn request(&self, time_zone: &str, now: DateTime<Utc>) -> Result<GrantRequest, AppError> {
        if self.user.is_empty() {
            return Err(AppError::invalid("person", "Choose who gets access."));
        }
        let role = self.role().ok_or_else(|| AppError::invalid("role", "Choose a role."))?;
        let scope = self.scope()?;
        let only = |kind| (scope.kind() == kind).then(|| scope.to_string());
        Ok(GrantRequest {
            user: self.user.clone(),
            role,
            organization: only(ScopeKind::Organization),
            portfolio: only(ScopeKind::Portfolio),
            plant: only(ScopeKind::Plant),
            reason: self.reason.clone(),
            expires_at: self.expires_at(time_zone, now)?,
            vendor: self.vendor().map(str::to_owned),
        })
    }
}

/// Returns the path of the page that shows a scope.
pub fn back_path(scope: &ScopeId) -> String {
    match scope {
        ScopeId::Organization(id) => format!("/organizations/{id}"),
        ScopeId::Portfolio(id) => with_query("/plants", &[("portfolio", id.as_str())]),
        ScopeId::Plant(id) => format!("/plants/{id}"),
    }
}

/// Returns the key of a scope in the form.
pub fn key(kind: ScopeKind, id: &str) -> String {
    format!("{}:{id}", kind.key())
}

fn parse_key(key: &str) -> Option<ScopeId> {
    match key.split_once(':')? {
        ("organization", id) => parse_scope(Some(id), None, None).ok(),
        ("portfolio", id) => parse_scope(None, Some(id), None).ok(),
        ("plant", id) => parse_scope(None, None, Some(id)).ok(),
        _ => None,
    }
}

/// Returns the end of a day in a time zone.
///
/// Errors: it is not a day.
pub fn end_of_day(day: &str, time_zone: &str) -> Result<DateTime<Utc>, AppError> {
    let invalid = || AppError::invalid("day", "Choose the last day of the access.");
    let day: NaiveDate = day.parse().map_err(|_| invalid())?;
    let midnight = day.checked_add_days(Days::new(1)).ok_or_else(invalid)?.and_time(NaiveTime::MIN);
    let zone: Tz = time_zone.parse().unwrap_or(Tz::UTC); // accounts have valid time zones
    // Where clocks are put forward at midnight, the day ends an hour later.
    let end =
        zone.from_local_datetime(&midnight).earliest().or_else(|| zone.from_local_datetime(&(midnight + Duration::hours(1))).earliest());
    end.map(|end| end.to_utc()).ok_or_else(invalid)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        DateTime::parse_from_rfc3339(text).unwrap().to_utc()
    }

    #[test]
    fn ends_are_counted_from_now_or_at_midnight() {
        let now = at("2026-05-20T10:00:00Z");
        let entered = |until: &str, day: &str| Entered { until: until.to_owned(), day: day.to_owned(), ..Entered::default() };
        assert_eq!(entered("", "").expires_at("UTC", now), Ok(Some(at("2026-06-19T10:00:00Z"))));
        assert_eq!(entered("1d", "").expires_at("UTC", now), Ok(Some(at("2026-05-21T10:00:00Z"))));
        assert_eq!(entered("none", "").expires_at("UTC", now), Ok(None));
        assert_eq!(entered("day", "2026-06-01").expires_at("Europe/Berlin", now), Ok(Some(at("2026-06-01T22:00:00Z"))));
        // Clocks in Beirut are put forward at midnight.
        assert_eq!(entered("day", "2026-03-28").expires_at("Asia/Beirut", now), Ok(Some(at("2026-03-28T22:00:00Z"))));
        for (until, day) in [("day", ""), ("day", "tomorrow"), ("xd", ""), ("99999999999d", "")] {
            assert!(entered(until, day).expires_at("UTC", now).is_err(), "{until} {day}");
        }
    }

    #[test]
    fn a_vendors_person_cannot_have_access_without_an_end() {
        let entered =
            Entered { until: "none".to_owned(), is_vendor: "yes".to_owned(), vendor: " Helioserv ".to_owned(), ..Entered::default() };
        assert_eq!((entered.end(), entered.vendor()), ("30d", Some("Helioserv")));
    }

    #[test]
    fn scopes_have_keys() {
        let id = "0197a2f0-0000-7000-8000-000000000000";
        let scope = parse_key(&key(ScopeKind::Portfolio, id)).unwrap();
        assert_eq!((scope.kind(), scope.to_string().as_str()), (ScopeKind::Portfolio, id));
        for bad in ["", "portfolio", "portfolio:x", "device:0197a2f0-0000-7000-8000-000000000000"] {
            assert_eq!(parse_key(bad), None, "{bad}");
        }
    }
}
