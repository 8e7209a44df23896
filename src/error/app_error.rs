//! The errors of the application: one enum, with one status and one sentence for the user per variant.

use serde::{Deserialize, Serialize};

/// An error that is shown to a user or returned to a script. Its message says what happened and what to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum AppError {
    /// Some part of the sign-in was wrong. Does not reveal which (ENU-1).
    #[error("The username, email address or password is incorrect.")]
    WrongCredentials,
    /// A rate limit refused the attempt.
    #[error("Too many attempts. Try again in {}.", seconds_in_words(*.seconds))]
    TooManyAttempts {
        /// How long to wait.
        seconds: u64,
    },
    /// The password was correct; a code is required too.
    #[error("Enter the code from your authenticator app or a recovery code.")]
    SecondFactorRequired,
    /// The code is wrong or was already used.
    #[error("The code is incorrect or was already used. Wait for the next code and try again.")]
    WrongCode,
    /// The password was entered too long ago, or was changed since.
    #[error("Your sign-in has expired. Sign in again.")]
    SignInExpired,
    /// A recent reauthentication is required for actions that could take the account over.
    #[error("Confirm your password to continue.")]
    ReauthenticationRequired,
    /// The one-time token was consumed, canceled, or has expired.
    #[error("This link was already used or has expired. Request a new one.")]
    LinkExpired,
    /// More concurrent sign-ins than the server can handle.
    #[error("The server is busy. Try again in a moment.")]
    Busy,
    /// There is no session, or it has ended.
    #[error("You are not signed in. Sign in to continue.")]
    NotSignedIn,
    /// Only administrators may do this.
    #[error("Only administrators can do this.")]
    NotPermitted,
    /// The caller may know of it, but their role does not allow this (AUT-2).
    #[error("Your role does not allow this. Ask an owner or administrator of the organization.")]
    NotInRole,
    /// The permission group of the API token does not allow this (API-2).
    #[error("The permission group of this API token does not allow this. Nothing was changed.")]
    NotInGroup,
    /// This requires a session, not an API token (API-3).
    #[error("An API token cannot do this. Sign in with your password instead.")]
    SessionRequired,
    /// The user has the maximum number of API tokens.
    #[error("You have reached the limit of 64 API tokens. Revoke one that you no longer use, then try again.")]
    TooManyTokens,
    /// It does not exist, has ended, or belongs to another user. Does not reveal which (SES-6).
    #[error("Not found. It may have ended already.")]
    NotFound,
    /// The session is the one that makes the request (SES-7).
    #[error("This is your current session. To end it, sign out.")]
    CurrentSession,
    /// The last owner of an organization cannot leave, be removed or get another role (AUT-6).
    #[error("This is the last owner of the organization. Name another owner first.")]
    LastOwner,
    /// The audit event is not in the signed tree yet (AUD-3).
    #[error("This event is not sealed yet, so it has no receipt. Try again in a moment.")]
    NotSealed,
    /// It was changed after the caller read it.
    #[error("Somebody else changed this in the meantime. Compare your entries with the current state, then save again.")]
    Outdated,
    /// The input is invalid.
    #[error("{message}")]
    Invalid {
        /// The invalid field.
        field: String,
        /// What is wrong with it, and what would be right.
        message: String,
    },
    /// The body of an API request cannot be parsed.
    #[error("The request body is not valid JSON.")]
    Malformed,
    /// The body of an API request has another media type (API-5).
    #[error("The request body must be JSON in UTF-8, sent with content-type: application/json.")]
    UnsupportedMedia,
    /// The body of the request exceeds the size limit (LIM-5).
    #[error("This request is too large.")]
    TooLarge,
    /// The path does not support this method.
    #[error("This method is not allowed here.")]
    MethodNotAllowed,
    /// The request did not come from this site (WEB-2).
    #[error("This request did not come from this site, so nothing was changed. Reload the page and try again.")]
    ForeignOrigin,
    /// The request was sent to another host name than this site's (NET-2).
    #[error("This site is not configured for this address.")]
    ForeignHost,
    /// The database or another component does not respond (LOG-6).
    #[error("The service is unavailable right now. Nothing was changed. Try again in a moment.")]
    Unavailable,
    /// The database did not respond to a commit, which may or may not have happened.
    #[error("The server could not confirm this change because the database did not respond. Check in a moment whether it was made.")]
    Unconfirmed,
    /// An internal error (LOG-5).
    #[error("Something went wrong on the server. If it happens again, give your administrator this id: {id}.")]
    Internal {
        /// Identifies the error in the log.
        id: String,
    },
    /// The request did not arrive completely in time (NET-3).
    #[error("This request took too long to arrive. Try again.")]
    TooSlow,
}

impl AppError {
    /// Creates an error about the input of one field.
    pub fn invalid(field: &str, message: impl Into<String>) -> Self {
        Self::Invalid { field: field.to_owned(), message: message.into() }
    }

    /// Returns the seconds until the next attempt is allowed. `None` if no rate limit refused the request.
    pub fn wait_seconds(&self) -> Option<u64> {
        if let Self::TooManyAttempts { seconds } = self { Some(*seconds) } else { None }
    }

    /// Returns the seconds after which to try again, for the `Retry-After` header. `None` if trying again does not help.
    pub fn retry_after(&self) -> Option<u64> {
        match self {
            Self::Busy | Self::Unavailable | Self::NotSealed => Some(1),
            _ => self.wait_seconds(),
        }
    }

    /// Returns the HTTP status.
    pub fn status(&self) -> u16 {
        match self {
            Self::Malformed => 400,
            Self::WrongCredentials | Self::NotSignedIn | Self::SecondFactorRequired | Self::WrongCode | Self::SignInExpired => 401,
            Self::ForeignOrigin
            | Self::ReauthenticationRequired
            | Self::NotPermitted
            | Self::NotInRole
            | Self::NotInGroup
            | Self::SessionRequired => 403,
            Self::NotFound => 404,
            Self::MethodNotAllowed => 405,
            Self::TooSlow => 408,
            Self::CurrentSession | Self::TooManyTokens | Self::LastOwner | Self::NotSealed => 409,
            Self::LinkExpired => 410,
            Self::Outdated => 412,
            Self::TooLarge => 413,
            Self::UnsupportedMedia => 415,
            Self::ForeignHost => 421,
            Self::Invalid { .. } => 422,
            Self::TooManyAttempts { .. } => 429,
            Self::Internal { .. } => 500,
            Self::Busy | Self::Unavailable | Self::Unconfirmed => 503,
        }
    }

    /// Returns a stable name for scripts: the `type` of RFC 9457.
    pub fn name(&self) -> &'static str {
        match self {
            Self::WrongCredentials => "wrong-credentials",
            Self::TooManyAttempts { .. } => "too-many-attempts",
            Self::SecondFactorRequired => "second-factor-required",
            Self::WrongCode => "wrong-code",
            Self::SignInExpired => "sign-in-expired",
            Self::ReauthenticationRequired => "reauthentication-required",
            Self::LinkExpired => "link-expired",
            Self::Busy => "busy",
            Self::NotSignedIn => "not-signed-in",
            Self::NotPermitted => "not-permitted",
            Self::NotInRole => "not-in-role",
            Self::LastOwner => "last-owner",
            Self::NotSealed => "not-sealed",
            Self::Outdated => "outdated",
            Self::NotInGroup => "not-in-group",
            Self::SessionRequired => "session-required",
            Self::TooManyTokens => "too-many-tokens",
            Self::Malformed => "malformed",
            Self::UnsupportedMedia => "unsupported-media-type",
            Self::TooLarge => "too-large",
            Self::MethodNotAllowed => "method-not-allowed",
            Self::NotFound => "not-found",
            Self::CurrentSession => "current-session",
            Self::Invalid { .. } => "invalid",
            Self::ForeignOrigin => "foreign-origin",
            Self::ForeignHost => "foreign-host",
            Self::TooSlow => "too-slow",
            Self::Unavailable => "unavailable",
            Self::Unconfirmed => "unconfirmed",
            Self::Internal { .. } => "internal",
        }
    }
}

/// Formats a duration: "30 seconds", "2 minutes".
fn seconds_in_words(seconds: u64) -> String {
    match seconds {
        1 => "1 second".to_owned(),
        ..=119 => format!("{seconds} seconds"),
        _ => format!("{} minutes", seconds.div_ceil(60)),
    }
}
