//! The chart above the list: what happened at the plants whose audit log a person may read, by day or by hour.

use chrono::{DateTime, Days, NaiveDate, TimeDelta, Utc};
use chrono_tz::Tz;

use crate::{
    access::Principal,
    audit::{
        log::actions::time_zone,
        query::first_instant,
        rollup::store::{self, HourRow, ReadableScope},
    },
    error::AppError,
    foundation::services::Services,
};

/// Most scopes that a chart sums up. Whoever may read more of them than whole organizations or portfolios sees none.
const MAX_SCOPES: usize = 500;
const DAYS: u64 = 30;
const HOURS: i32 = 48;

/// What a bar of the chart stands for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Span {
    /// A day, of the last 30.
    #[default]
    Days,
    /// An hour, of the last 48.
    Hours,
}

/// The chart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chart {
    /// What a bar stands for.
    pub span: Span,
    /// Oldest first.
    pub bars: Vec<Bar>,
}

/// A bar of the chart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bar {
    /// When it begins.
    pub start: DateTime<Utc>,
    /// How many events were done.
    pub done: i64,
    /// How many were refused.
    pub refused: i64,
}

/// Loads the chart. `None` for somebody who may not read the audit log of any plant.
pub async fn load(services: &Services, principal: &Principal, span: Span) -> Result<Option<Chart>, AppError> {
    let now = services.clock.now();
    let mut db = services.db.read().await?;
    let limit = MAX_SCOPES as i64 + 1;
    let readable = store::list_readable(&mut db, &principal.account.id, now, limit).await?;
    let scopes = disjoint(&readable);
    if scopes.is_empty() || readable.len() > MAX_SCOPES {
        return Ok(None);
    }
    let starts = starts(span, now, time_zone(principal));
    let hours = store::list(&mut db, &scopes, starts[0]).await?;
    Ok(Some(Chart { span, bars: bars(&starts, &hours) }))
}

/// Returns the ids of scopes that do not contain each other, so that no event is counted twice.
fn disjoint(readable: &[ReadableScope]) -> Vec<String> {
    let is_whole = |scope: &ReadableScope| readable.iter().any(|other| contains(other, scope));
    let id = |scope: &ReadableScope| scope.plant_id.as_ref().or(scope.portfolio_id.as_ref()).unwrap_or(&scope.organization_id).clone();
    readable.iter().filter(|scope| !is_whole(scope)).map(id).collect()
}

/// Returns whether a scope is larger than another one, and contains it.
fn contains(large: &ReadableScope, small: &ReadableScope) -> bool {
    let is_organization = |scope: &ReadableScope| scope.portfolio_id.is_none() && scope.plant_id.is_none();
    match large {
        _ if large.plant_id.is_some() || large.organization_id != small.organization_id => false,
        large if is_organization(large) => !is_organization(small),
        large => small.plant_id.is_some() && small.portfolio_id == large.portfolio_id,
    }
}

/// Returns when each bar begins, oldest first. Hours begin as in UTC, because that is how events are counted; days at midnight of the reader.
fn starts(span: Span, now: DateTime<Utc>, tz: Tz) -> Vec<DateTime<Utc>> {
    match span {
        Span::Days => {
            let today = now.with_timezone(&tz).date_naive();
            let start = |days| today.checked_sub_days(Days::new(days)).unwrap_or(NaiveDate::MIN);
            (0..DAYS).rev().map(|days| first_instant(start(days).into(), tz)).collect()
        }
        Span::Hours => {
            let hour = now - TimeDelta::nanoseconds(now.timestamp_nanos_opt().unwrap_or_default().rem_euclid(3_600_000_000_000));
            (0..HOURS).rev().map(|hours| hour - TimeDelta::hours(hours.into())).collect()
        }
    }
}

fn bars(starts: &[DateTime<Utc>], hours: &[HourRow]) -> Vec<Bar> {
    let mut bars: Vec<Bar> = starts.iter().map(|start| Bar { start: *start, done: 0, refused: 0 }).collect();
    for hour in hours {
        // In zones that are not whole hours from UTC, an hour counts for the day in which it begins.
        let after = bars.partition_point(|bar| bar.start <= hour.hour);
        if let Some(bar) = after.checked_sub(1).and_then(|at| bars.get_mut(at)) {
            bar.done += hour.done;
            bar.refused += hour.refused;
        }
    }
    bars
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn scope(organization: &str, portfolio: Option<&str>, plant: Option<&str>) -> ReadableScope {
        let owned = |text: Option<&str>| text.map(str::to_owned);
        ReadableScope { organization_id: organization.to_owned(), portfolio_id: owned(portfolio), plant_id: owned(plant) }
    }

    #[test]
    fn what_a_larger_scope_contains_is_not_counted_again() {
        let scopes = [
            scope("a", None, None),
            scope("a", Some("a north"), None),
            scope("a", Some("a north"), Some("a 1")),
            scope("b", Some("b north"), None),
            scope("b", Some("b north"), Some("b 1")),
            scope("b", Some("b south"), Some("b 2")),
            scope("b", None, Some("deleted")),
        ];
        assert_eq!(disjoint(&scopes), ["a", "b north", "b 2", "deleted"]);
    }

    #[test]
    fn days_begin_at_midnight_of_the_reader() {
        let days = starts(Span::Days, at("2026-04-01T22:30:00Z"), Tz::Europe__Berlin);
        let ends = (days.len(), days[0], days[29]);
        assert_eq!(ends, (30, at("2026-03-03T23:00:00Z"), at("2026-04-01T22:00:00Z")));
        let change = days.windows(2).filter(|pair| pair[1] - pair[0] == TimeDelta::hours(23)).count();
        assert_eq!(change, 1);
        let hours = starts(Span::Hours, at("2026-04-01T22:30:00Z"), Tz::Asia__Kolkata);
        assert_eq!((hours.len(), hours[0], hours[47]), (48, at("2026-03-30T23:00:00Z"), at("2026-04-01T22:00:00Z")));
    }

    #[test]
    fn an_hour_counts_for_the_bar_in_which_it_begins() {
        let starts = [at("2026-04-01T18:30:00Z"), at("2026-04-02T18:30:00Z")];
        let hour = |text, done, refused| HourRow { hour: at(text), done, refused };
        let hours = [
            hour("2026-04-01T18:00:00Z", 7, 7),
            hour("2026-04-01T19:00:00Z", 1, 0),
            hour("2026-04-02T18:00:00Z", 2, 1),
            hour("2026-04-02T19:00:00Z", 0, 5),
        ];
        let bars = bars(&starts, &hours);
        assert_eq!((bars[0].done, bars[0].refused, bars[1].done, bars[1].refused), (3, 1, 0, 5));
    }
}
