//! The terms of a query.

use std::fmt;

use super::{
    error::QueryError,
    qualifier::Qualifier,
    tokens::{Token, needs_quotes, word_needs_quotes},
    value::Value,
};

/// One term. [`Display`](fmt::Display) writes it as in the canonical text of the query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Term {
    /// A qualifier with a value.
    Filter(Filter),
    /// A free word, or several in quotes: part of the name of a person, plant or device.
    Word(String),
}

/// A qualifier with a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filter {
    /// What the value is compared with.
    pub qualifier: Qualifier,
    /// Whether events with the value are excluded.
    pub is_negated: bool,
    /// The value, of the kind that belongs to the qualifier.
    pub value: Value,
}

impl Term {
    /// Returns the qualifier with its value. `None` for a word.
    pub fn filter(&self) -> Option<&Filter> {
        match self {
            Self::Filter(filter) => Some(filter),
            Self::Word(_) => None,
        }
    }

    /// Interprets a token.
    pub(super) fn parse(token: Token) -> Result<Self, QueryError> {
        match token.qualifier {
            Some(qualifier) => Filter::parse(qualifier, token.is_negated, &token.value).map(Self::Filter),
            None if token.is_negated => Err(QueryError::NegatedWord { token: token.text.to_owned() }),
            None if token.value.trim().is_empty() => Err(QueryError::EmptyWord),
            None => Ok(Self::Word(token.value.trim().to_owned())),
        }
    }
}

impl Filter {
    /// Interprets a value.
    pub(super) fn parse(qualifier: Qualifier, is_negated: bool, value: &str) -> Result<Self, QueryError> {
        if is_negated && qualifier == Qualifier::Created {
            return Err(QueryError::NegatedCreated);
        }
        Ok(Self { qualifier, is_negated, value: Value::parse(qualifier, value.trim())? })
    }
}

impl fmt::Display for Term {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Filter(filter) => filter.fmt(f),
            Self::Word(word) => write_value(f, word, word_needs_quotes(word)),
        }
    }
}

impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.is_negated { "-" } else { "" };
        write!(f, "{sign}{}:", self.qualifier.key())?;
        let value = self.value.to_string();
        write_value(f, &value, needs_quotes(&value))
    }
}

/// Writes a value, in quotes if it needs them.
fn write_value(f: &mut fmt::Formatter<'_>, value: &str, is_quoted: bool) -> fmt::Result {
    if is_quoted { write!(f, "\"{}\"", value.replace('\\', r"\\").replace('"', "\\\"")) } else { f.write_str(value) }
}
