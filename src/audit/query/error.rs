//! What can be wrong in a query, in sentences for the person who wrote it.

use super::{MAX_CHARACTERS, MAX_TERMS, qualifier::Qualifier};

/// Maximum number of characters that a sentence repeats of the query.
const MAX_EXCERPT: usize = 40;

/// A mistake in a query. The text is a complete message for the person who wrote the query.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum QueryError {
    /// The text is longer than [`MAX_CHARACTERS`].
    #[error("The search has {characters} characters. At most {MAX_CHARACTERS} are possible: remove some terms.")]
    TooLong { characters: usize },
    /// There are more terms than [`MAX_TERMS`].
    #[error("The search has {terms} terms. At most {MAX_TERMS} are possible: remove some.")]
    TooManyTerms { terms: usize },
    /// The text has a control character, such as NUL.
    #[error("The search has an invisible control character. Write the text again instead of pasting it.")]
    ControlCharacter,
    /// A quote is opened and not closed.
    #[error("The quote in “{}” is not closed. Write \" at the end of the value.", excerpt(.token))]
    UnclosedQuote { token: String },
    /// A quote stands inside of a value, or text follows the closing one.
    #[error(
        "The quote in “{}” is in the middle of a value. Quotes go around a whole value; a quote inside it is written \\\".",
        excerpt(.token)
    )]
    MisplacedQuote { token: String },
    /// `-` stands before a word.
    #[error(
        "“{}” excludes a word, but only values of a qualifier can be excluded, such as -actor:alice. To search for the text itself, put \
         it in quotes.",
        excerpt(.token)
    )]
    NegatedWord { token: String },
    /// Nothing stands between two quotes.
    #[error("There is nothing between the quotes. Write a word there, or remove them.")]
    EmptyWord,
    /// There is no such qualifier.
    #[error(
        "There is no qualifier “{}:”. Possible are {}. To search for the text itself, put it in quotes.",
        excerpt(.name), possible_qualifiers()
    )]
    UnknownQualifier { name: String },
    /// Nothing follows the colon.
    #[error("Nothing follows “{}:”, where a value is expected without a space. {}", .qualifier.key(), .qualifier.hint())]
    EmptyValue { qualifier: Qualifier },
    /// The qualifier does not have this value.
    #[error("“{}” is not possible after “{}:”. {}", excerpt(.value), .qualifier.key(), .qualifier.hint())]
    InvalidValue { qualifier: Qualifier, value: String },
    /// A period is excluded.
    #[error("“-created:” is not possible, because one period is searched. Write created:<2026-05-01 or created:>2026-05-01 instead.")]
    NegatedCreated,
    /// Two values of `created:` limit the same side.
    #[error(
        "The search has several periods. Write one, such as created:2026-05-01..2026-05-03, or a start and an end, such as \
         created:>=2026-05-01 created:<2026-05-03."
    )]
    SeveralPeriods,
    /// The end of the period is before its start.
    #[error("The period ends ({end}) before it starts ({start}). Write the earlier time as the start.")]
    ReversedPeriod { start: String, end: String },
}

/// Shortens what is repeated from the query.
fn excerpt(text: &str) -> String {
    match text.char_indices().nth(MAX_EXCERPT) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

fn possible_qualifiers() -> String {
    Qualifier::ALL.map(|qualifier| format!("{}:", qualifier.key())).join(", ")
}
