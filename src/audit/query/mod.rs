//! The search box of the audit log: the text of `?q=` as a list of terms, and back.
//!
//! Terms are separated by spaces. A term is a qualifier with a value (`plant:"Solarpark Süd"`), which `-` excludes, or a word. Values with
//! spaces are quoted; inside quotes `\"` is a quote and `\\` a backslash. Values of one qualifier are alternatives; qualifiers, words and
//! exclusions must all hold.

mod created;
mod error;
mod moment;
mod qualifier;
mod term;
#[cfg(test)]
mod tests;
mod tokens;
mod value;

use std::fmt;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use self::tokens::Tokens;
pub use self::{
    created::{Created, DEFAULT_PERIOD, Unit},
    error::QueryError,
    moment::{Moment, first_instant},
    qualifier::Qualifier,
    term::{Filter, Term},
    value::{ActionPattern, IpNetwork, Outcome, Value},
};

/// Maximum length of the text, in characters.
pub const MAX_CHARACTERS: usize = 1_000;
/// Maximum number of terms.
pub const MAX_TERMS: usize = 20;

/// A parsed search. [`Display`](fmt::Display) writes its canonical text, which parses to the same query.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Query {
    /// The terms in the order of the text.
    pub terms: Vec<Term>,
}

impl Query {
    /// Parses the text of the search box. An empty text is a query without terms.
    ///
    /// Errors: the first mistake in the text, as a sentence that says what to write instead.
    pub fn parse(text: &str) -> Result<Self, QueryError> {
        check_text(text)?;
        Self::checked(Tokens::new(text).map(|token| Term::parse(token?)).collect::<Result<_, _>>()?)
    }

    /// Returns the query without one term. An index beyond the last term changes nothing.
    pub fn without(&self, index: usize) -> Self {
        let others = self.terms.iter().enumerate().filter(|(position, _)| *position != index);
        Self { terms: others.map(|(_, term)| term.clone()).collect() }
    }

    /// Returns the query with a single value of a qualifier: it replaces the values that the query has. Exclusions remain, except that of
    /// the same value.
    ///
    /// Errors: the value is invalid, or the query becomes too long.
    pub fn with(&self, qualifier: Qualifier, value: &str) -> Result<Self, QueryError> {
        let new = Filter::parse(qualifier, false, value)?;
        let is_replaced = |filter: &Filter| filter.qualifier == qualifier && (!filter.is_negated || filter.value == new.value);
        let mut terms = self.terms.clone();
        let position = terms.iter().position(|term| term.filter().is_some_and(is_replaced)).unwrap_or(terms.len());
        terms.retain(|term| !term.filter().is_some_and(is_replaced));
        terms.insert(position, Term::Filter(new));
        Self::checked(terms)
    }

    /// Returns the period of the query: its start, and its end, which is excluded. `None` means no limit. Without `created:` it is
    /// [`DEFAULT_PERIOD`]. Days and times without an offset are in the time zone of the reader.
    pub fn range(&self, now: DateTime<Utc>, tz: Tz) -> (Option<DateTime<Utc>>, Option<DateTime<Utc>>) {
        let entered: Vec<_> = self.created().collect();
        let periods = if entered.is_empty() { vec![&DEFAULT_PERIOD] } else { entered };
        let start = periods.iter().find_map(|period| period.start()?.instant(now, tz));
        let end = periods.iter().find_map(|period| period.end()?.instant(now, tz));
        (start, end.map(|end| start.map_or(end, |start| end.max(start))))
    }

    /// Checks the limits that concern the whole query.
    fn checked(terms: Vec<Term>) -> Result<Self, QueryError> {
        if terms.len() > MAX_TERMS {
            return Err(QueryError::TooManyTerms { terms: terms.len() });
        }
        let query = Self { terms };
        check_text(&query.to_string())?; // the canonical text has more escapes than what was entered
        created::check(&query.created().collect::<Vec<_>>())?;
        Ok(query)
    }

    /// Returns the values of `created:`.
    fn created(&self) -> impl Iterator<Item = &Created> {
        self.terms.iter().filter_map(Term::filter).filter_map(|filter| match &filter.value {
            Value::Created(created) => Some(created),
            _ => None,
        })
    }
}

impl fmt::Display for Query {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, term) in self.terms.iter().enumerate() {
            let separator = if index == 0 { "" } else { " " };
            write!(f, "{separator}{term}")?;
        }
        Ok(())
    }
}

/// Checks the length, and that no character is one that databases refuse (PostgreSQL has no NUL in texts).
fn check_text(text: &str) -> Result<(), QueryError> {
    let characters = text.chars().count();
    if characters > MAX_CHARACTERS {
        return Err(QueryError::TooLong { characters });
    }
    if text.chars().any(|c| c.is_control() && !c.is_whitespace()) {
        return Err(QueryError::ControlCharacter);
    }
    Ok(())
}
