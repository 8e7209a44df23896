//! Errors in the OpenAPI description: with the status, `type` and sentence of the actual responses.

use std::collections::BTreeMap;

use utoipa::{
    IntoResponses,
    openapi::{ContentBuilder, Ref, RefOr, Response, ResponseBuilder},
};

use crate::error::AppError;

macro_rules! error_responses {
    ($($(#[$doc:meta])* $name:ident: $($error:expr),+;)*) => {$(
        $(#[$doc])*
        pub struct $name;

        impl IntoResponses for $name {
            fn responses() -> BTreeMap<String, RefOr<Response>> {
                describe(&[$($error),+])
            }
        }
    )*};
}

error_responses! {
    /// Errors of every request.
    CommonErrors: AppError::TooSlow, AppError::ForeignHost, AppError::TooManyAttempts { seconds: 30 },
        AppError::Internal { id: "…".to_owned() }, AppError::Unavailable, AppError::Unconfirmed, AppError::Busy;
    /// Errors of authentication and authorization.
    AuthErrors: AppError::NotSignedIn, AppError::NotInGroup, AppError::SessionRequired, AppError::ForeignOrigin;
    /// The same, where a recent reauthentication is required.
    ReauthenticationErrors: AppError::NotSignedIn, AppError::ReauthenticationRequired, AppError::SessionRequired, AppError::ForeignOrigin;
    /// Errors of changes of plants, some of which require a recent reauthentication.
    EditErrors: AppError::NotSignedIn, AppError::NotInRole, AppError::NotInGroup, AppError::ReauthenticationRequired,
        AppError::SessionRequired, AppError::ForeignOrigin;
    /// Errors of changes by platform administrators, and by owners of an organization.
    PlatformErrors: AppError::NotSignedIn, AppError::NotPermitted, AppError::NotInRole, AppError::ReauthenticationRequired,
        AppError::SessionRequired, AppError::ForeignOrigin;
    /// Errors of a sign-in.
    SignInErrors: AppError::WrongCredentials, AppError::SecondFactorRequired, AppError::WrongCode, AppError::ForeignOrigin;
    /// Nothing has this id.
    NotFoundError: AppError::NotFound;
    /// The query is invalid.
    QueryErrors: AppError::invalid("limit", "A message about the invalid field.");
    /// The body is invalid.
    BodyErrors: AppError::Malformed, AppError::TooLarge, AppError::UnsupportedMedia,
        AppError::invalid("name", "A message about the invalid field.");
    /// The session is the one that makes the request.
    CurrentSessionError: AppError::CurrentSession;
    /// The caller's role does not allow it.
    RoleError: AppError::NotInRole;
    /// The organization would have no owner.
    LastOwnerError: AppError::LastOwner;
    /// The `If-Match` header names an earlier version.
    OutdatedError: AppError::Outdated;
    /// The audit event is not sealed yet.
    NotSealedError: AppError::NotSealed;
    /// The user has 64 API tokens.
    TokenLimitError: AppError::TooManyTokens;
}

fn describe(errors: &[AppError]) -> BTreeMap<String, RefOr<Response>> {
    let mut by_status: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for error in errors {
        by_status.entry(error.status().to_string()).or_default().push(format!("`{}`: {error}", error.name()));
    }
    let problem = || ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).build();
    let response =
        |lines: Vec<String>| ResponseBuilder::new().description(lines.join("\n")).content("application/problem+json", problem()).build();
    by_status.into_iter().map(|(status, lines)| (status, response(lines).into())).collect()
}
