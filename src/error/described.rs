//! Failures as the description of the API tells them: status, `type` and words are those that are answered.

use std::collections::BTreeMap;

use utoipa::{
    IntoResponses, ToSchema,
    openapi::{ContentBuilder, Ref, RefOr, Response, ResponseBuilder},
};

use crate::error::AppError;

/// A failure, as RFC 9457 has it.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it describes what `problem.rs` writes")]
pub struct Problem {
    /// Its stable name: scripts tell failures by it.
    #[schema(example = "not-signed-in")]
    r#type: String,
    /// What happened, and what to do, for a person.
    title: String,
    /// The HTTP status.
    #[schema(minimum = 400, maximum = 599)]
    status: u16,
    /// The field that it is about, where it is about one.
    field: Option<String>,
}

macro_rules! failures {
    ($($(#[$doc:meta])* $name:ident: $($error:expr),+;)*) => {$(
        $(#[$doc])*
        pub struct $name;

        impl IntoResponses for $name {
            fn responses() -> BTreeMap<String, RefOr<Response>> {
                described(&[$($error),+])
            }
        }
    )*};
}

failures! {
    /// What may come of every request.
    Everywhere: AppError::TooSlow, AppError::ForeignHost, AppError::TooManyAttempts { seconds: 30 },
        AppError::Internal { id: "…".to_owned() }, AppError::Unavailable, AppError::Unconfirmed, AppError::Busy;
    /// What may come of whoever asks.
    Refused: AppError::NotSignedIn, AppError::NotInGroup, AppError::SessionNeeded, AppError::ForeignOrigin;
    /// The same, where a password must have been given just now.
    RefusedWithoutProof: AppError::NotSignedIn, AppError::ProofNeeded, AppError::SessionNeeded, AppError::ForeignOrigin;
    /// What may come of a sign-in.
    RefusedSignIn: AppError::WrongCredentials, AppError::SecondFactorRequired, AppError::WrongCode, AppError::ForeignOrigin;
    /// There is nothing of this id.
    NotThere: AppError::NotFound;
    /// A question that is not understood.
    BadQuery: AppError::invalid("limit", "What is wrong with a field, and what would be right.");
    /// A body that cannot be taken.
    BadBody: AppError::Malformed, AppError::TooLarge, AppError::UnsupportedMedia,
        AppError::invalid("name", "What is wrong with a field, and what would be right.");
    /// The session that asks.
    IsCurrent: AppError::CurrentSession;
    /// There are 64 tokens.
    IsFull: AppError::TooManyTokens;
}

fn described(failures: &[AppError]) -> BTreeMap<String, RefOr<Response>> {
    let mut words: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for failure in failures {
        words.entry(failure.status().to_string()).or_default().push(format!("`{}`: {failure}", failure.name()));
    }
    let problem = || ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).build();
    let response =
        |words: Vec<String>| ResponseBuilder::new().description(words.join("\n")).content("application/problem+json", problem()).build();
    words.into_iter().map(|(status, words)| (status, response(words).into())).collect()
}
