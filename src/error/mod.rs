//! What can go wrong, once: one enum, one match to a status, one to a sentence for the person.

#[cfg(feature = "ssr")]
pub mod described;
#[cfg(feature = "ssr")]
mod problem;

use leptos::{
    prelude::{FromServerFnError, ServerFnErrorErr},
    server_fn::codec::JsonEncoding,
};
use serde::{Deserialize, Serialize};

/// A failure that a person or a script is told of. Its words say what happened and what to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum AppError {
    /// Any part of a sign-in was wrong: which one is not said (ENU-1).
    #[error("That username, email or password is not right.")]
    WrongCredentials,
    /// Tries are slowed down.
    #[error("Too many attempts. Try again in {}.", seconds_in_words(*.seconds))]
    TooManyAttempts {
        /// How long to wait.
        seconds: u64,
    },
    /// The password was right; a code is needed too.
    #[error("Enter the code from your authenticator app, or a recovery code.")]
    SecondFactorRequired,
    /// The code is another, or was used already.
    #[error("That code is not right, or was used already. Wait for the next one and try again.")]
    WrongCode,
    /// The password was given too long ago, or changed since.
    #[error("That took too long. Sign in again.")]
    HalfWayOver,
    /// What could take the account over asks for the password again.
    #[error("Confirm your password to go on.")]
    ProofNeeded,
    /// A one-time link that was spent, cancelled, or is too old.
    #[error("This link was used already, or is too old. Ask for a new one.")]
    SpentLink,
    /// More sign-ins at once than the machine can check.
    #[error("The server is busy. Try again in a moment.")]
    Busy,
    /// No session, or one that ended.
    #[error("You are not signed in. Sign in to go on.")]
    NotSignedIn,
    /// A person may not do this.
    #[error("Only administrators can do this.")]
    NotPermitted,
    /// An API token asks for what is not in its permission group (API-2).
    #[error("The permission group of this API token does not allow that. Nothing was done.")]
    NotInGroup,
    /// An API token asks for what takes a session (API-3).
    #[error("An API token cannot do this. Sign in with your password instead.")]
    SessionNeeded,
    /// Nobody has more API tokens.
    #[error("You have 64 API tokens, and nobody has more. Revoke one that is not used any more, then try again.")]
    TooManyTokens,
    /// It does not exist, has ended, or is another person's: which one is not said (SES-6).
    #[error("There is no such thing here. It may have ended already.")]
    NotFound,
    /// The session that makes the request (SES-7).
    #[error("This is the session that you are using. To end it, sign out.")]
    CurrentSession,
    /// Somebody typed what cannot be taken.
    #[error("{message}")]
    Invalid {
        /// The field that it is about.
        field: String,
        /// What is wrong with it and what would be right.
        message: String,
    },
    /// The body of a request of the API cannot be read.
    #[error("The body of this request is not JSON.")]
    Malformed,
    /// The body of a request of the API is of another kind (API-5).
    #[error("The body of this request must be JSON in UTF-8: send it with content-type: application/json.")]
    UnsupportedMedia,
    /// The body of a request is longer than any that we take (LIM-5).
    #[error("This request is too large.")]
    TooLarge,
    /// The method is none that this address has.
    #[error("This method is not possible here.")]
    MethodNotAllowed,
    /// The request did not come from this site (WEB-2).
    #[error("This request did not come from this site, so nothing was done. Open the page anew and try again.")]
    ForeignOrigin,
    /// The request was sent to another name than this site's (NET-2).
    #[error("This address is not the one this site is set up for.")]
    ForeignHost,
    /// The database or another part does not answer (LOG-6).
    #[error("The service cannot answer now. Nothing was changed. Try again in a moment.")]
    Unavailable,
    /// The database did not answer a commit, which may or may not have happened.
    #[error("The server could not confirm that this was done: the database did not answer. Check in a moment whether it was.")]
    Unconfirmed,
    /// A fault of ours (LOG-5).
    #[error("Something went wrong on the server. If it happens again, give your administrator this id: {id}.")]
    Internal {
        /// Finds the fault in the log.
        id: String,
    },
    /// It did not arrive whole in time (NET-3).
    #[error("This request took too long to arrive. Try again.")]
    TooSlow,
    /// The browser got no answer.
    #[error("The server did not answer. Try again.")]
    NoAnswer,
}

impl AppError {
    /// Input of one field that cannot be taken.
    pub fn invalid(field: &str, message: impl Into<String>) -> Self {
        Self::Invalid { field: field.to_owned(), message: message.into() }
    }

    /// In how many seconds to try again, where a try was one too many.
    pub fn wait(&self) -> Option<u64> {
        if let Self::TooManyAttempts { seconds } = self { Some(*seconds) } else { None }
    }

    /// Seconds after which it is worth trying again: the `Retry-After` of its response. `None` if trying again does not help.
    #[cfg(feature = "ssr")]
    pub fn retry_after(&self) -> Option<u64> {
        match self {
            Self::Busy | Self::Unavailable => Some(1),
            _ => self.wait(),
        }
    }

    /// Returns true if the request may have been carried out although it failed.
    pub fn is_unconfirmed(&self) -> bool {
        matches!(self, Self::NoAnswer | Self::TooSlow | Self::Unconfirmed | Self::Internal { .. })
    }

    /// The HTTP status.
    pub fn status(&self) -> u16 {
        match self {
            Self::Malformed => 400,
            Self::WrongCredentials | Self::NotSignedIn | Self::SecondFactorRequired | Self::WrongCode | Self::HalfWayOver => 401,
            Self::ForeignOrigin | Self::ProofNeeded | Self::NotPermitted | Self::NotInGroup | Self::SessionNeeded => 403,
            Self::NotFound => 404,
            Self::MethodNotAllowed => 405,
            Self::TooSlow => 408,
            Self::CurrentSession | Self::TooManyTokens => 409,
            Self::SpentLink => 410,
            Self::TooLarge => 413,
            Self::UnsupportedMedia => 415,
            Self::ForeignHost => 421,
            Self::Invalid { .. } => 422,
            Self::TooManyAttempts { .. } => 429,
            Self::Internal { .. } => 500,
            Self::Busy | Self::Unavailable | Self::Unconfirmed | Self::NoAnswer => 503,
        }
    }

    /// A stable name for scripts: the `type` of RFC 9457.
    pub fn name(&self) -> &'static str {
        match self {
            Self::WrongCredentials => "wrong-credentials",
            Self::TooManyAttempts { .. } => "too-many-attempts",
            Self::SecondFactorRequired => "second-factor-required",
            Self::WrongCode => "wrong-code",
            Self::HalfWayOver => "half-way-over",
            Self::ProofNeeded => "proof-needed",
            Self::SpentLink => "spent-link",
            Self::Busy => "busy",
            Self::NotSignedIn => "not-signed-in",
            Self::NotPermitted => "not-permitted",
            Self::NotInGroup => "not-in-group",
            Self::SessionNeeded => "session-needed",
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
            Self::Unavailable | Self::NoAnswer => "unavailable",
            Self::Unconfirmed => "unconfirmed",
            Self::Internal { .. } => "internal",
        }
    }
}

/// "30 seconds", "2 minutes".
fn seconds_in_words(seconds: u64) -> String {
    match seconds {
        1 => "1 second".to_owned(),
        ..=119 => format!("{seconds} seconds"),
        _ => format!("{} minutes", seconds.div_ceil(60)),
    }
}

impl FromServerFnError for AppError {
    type Encoder = JsonEncoding;

    fn from_server_fn_error(error: ServerFnErrorErr) -> Self {
        match error {
            ServerFnErrorErr::Args(_) | ServerFnErrorErr::MissingArg(_) | ServerFnErrorErr::Deserialization(_) => {
                let error = Self::invalid("form", "The form was not complete. Fill it in again.");
                // Read before any code of ours runs, so that nobody else gives it its status.
                #[cfg(feature = "ssr")]
                error.set_response();
                error
            }
            _ => Self::NoAnswer,
        }
    }
}
