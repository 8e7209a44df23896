//! Divides the text of a query into tokens.

use std::{borrow::Cow, net::IpAddr};

use super::{error::QueryError, qualifier::Qualifier};

/// Quotes that can open a value. Phones and word processors write typographic ones.
const OPENING_QUOTES: [char; 4] = ['"', '“', '”', '„'];
const CLOSING_TYPOGRAPHIC_QUOTES: [char; 2] = ['”', '“'];

/// One token: a value with what stands before it.
pub struct Token<'a> {
    /// The token as written.
    pub text: &'a str,
    /// Whether `-` precedes it.
    pub is_negated: bool,
    /// The qualifier before the value. `None` for a word.
    pub qualifier: Option<Qualifier>,
    /// The value without quotes and escapes.
    pub value: Cow<'a, str>,
}

/// Iterator over the tokens of a text. It ends after the first error.
pub struct Tokens<'a> {
    rest: &'a str,
}

impl<'a> Tokens<'a> {
    pub fn new(text: &'a str) -> Self {
        Self { rest: text }
    }
}

impl<'a> Iterator for Tokens<'a> {
    type Item = Result<Token<'a>, QueryError>;

    fn next(&mut self) -> Option<Self::Item> {
        let text = std::mem::take(&mut self.rest).trim();
        if text.is_empty() {
            return None;
        }
        Some(read_token(text).map(|(token, rest)| {
            self.rest = rest;
            token
        }))
    }
}

/// Returns whether a value must be quoted to be read back as it is.
pub fn needs_quotes(value: &str) -> bool {
    value.is_empty() || value.starts_with(OPENING_QUOTES) || value.contains(|c: char| c == '"' || c.is_whitespace())
}

/// Returns whether a word must be quoted to be read back as it is.
pub fn word_needs_quotes(word: &str) -> bool {
    needs_quotes(word) || word.starts_with('-') || split_name(word).is_some()
}

/// Reads the token at the start of a text, and returns it with the rest.
fn read_token(text: &str) -> Result<(Token<'_>, &str), QueryError> {
    let (is_negated, body) = text.strip_prefix('-').map_or((false, text), |body| (true, body));
    let (qualifier, value) = match split_name(body) {
        Some((name, value)) => (Some(find_qualifier(name)?), value),
        None => (None, body),
    };
    let (value, rest) = if value.starts_with(OPENING_QUOTES) { read_quoted(value, text)? } else { read_bare(value, text)? };
    let token = &text[..text.len() - rest.len()];
    Ok((Token { text: token, is_negated, qualifier, value }, rest))
}

fn find_qualifier(name: &str) -> Result<Qualifier, QueryError> {
    Qualifier::parse(name).ok_or_else(|| QueryError::UnknownQualifier { name: name.to_owned() })
}

/// Divides `name:value`. Returns `None` for a word: without a colon, where no name precedes it (`10:30`), or an IPv6 address.
fn split_name(text: &str) -> Option<(&str, &str)> {
    let word = until_space(text);
    let (name, _) = word.split_once(':')?;
    let is_name = name.starts_with(char::is_alphabetic) && name.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '-');
    let is_address = || word.split('/').next().is_some_and(|address| address.parse::<IpAddr>().is_ok());
    (is_name && !is_address()).then(|| (name, &text[name.len() + 1..]))
}

/// Reads a value up to the next space.
fn read_bare<'a>(value: &'a str, token: &'a str) -> Result<(Cow<'a, str>, &'a str), QueryError> {
    let word = until_space(value);
    if word.contains('"') {
        return Err(QueryError::MisplacedQuote { token: until_space(token).to_owned() });
    }
    Ok((Cow::Borrowed(word), &value[word.len()..]))
}

/// Reads a value that begins with a quote, up to the closing one.
fn read_quoted<'a>(value: &'a str, token: &'a str) -> Result<(Cow<'a, str>, &'a str), QueryError> {
    let is_plain = value.starts_with('"');
    let closes = |c: char| if is_plain { c == '"' } else { CLOSING_TYPOGRAPHIC_QUOTES.contains(&c) };
    let mut content = String::new();
    let mut characters = value.char_indices().skip(1).peekable();
    while let Some((index, c)) = characters.next() {
        if closes(c) {
            return after_quote(&value[index + c.len_utf8()..], token).map(|rest| (Cow::Owned(content), rest));
        }
        let escaped = characters.next_if(|(_, next)| c == '\\' && matches!(next, '"' | '\\'));
        content.push(escaped.map_or(c, |(_, escaped)| escaped));
    }
    Err(QueryError::UnclosedQuote { token: token.to_owned() })
}

/// Checks that the value ends with its closing quote.
fn after_quote<'a>(rest: &'a str, token: &str) -> Result<&'a str, QueryError> {
    let extra = until_space(rest).len();
    if extra > 0 {
        return Err(QueryError::MisplacedQuote { token: token[..token.len() - rest.len() + extra].to_owned() });
    }
    Ok(rest)
}

fn until_space(text: &str) -> &str {
    text.split(char::is_whitespace).next().unwrap_or(text)
}
