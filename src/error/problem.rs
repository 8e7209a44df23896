//! Errors as they are sent: problem details (RFC 9457), for the API and for the scripts of pages alike.

use leptos::{
    prelude::{FromServerFnError, ServerFnErrorErr},
    server_fn::{Bytes, ContentType, Decodes, Encodes, Format, FormatType},
};

/// An error in the format of RFC 9457.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "ssr", derive(serde::Serialize, serde::Deserialize, utoipa::ToSchema))]
pub struct Problem {
    /// Stable name of the error, for scripts.
    #[cfg_attr(feature = "ssr", schema(example = "not-signed-in"))]
    pub r#type: String,
    /// Message for people: what happened and what to do.
    pub title: String,
    /// The HTTP status.
    #[cfg_attr(feature = "ssr", schema(minimum = 400, maximum = 599))]
    pub status: u16,
    /// The invalid field, if one is.
    #[cfg_attr(feature = "ssr", serde(skip_serializing_if = "Option::is_none"))]
    pub field: Option<String>,
    /// Seconds until the next attempt is allowed, if a rate limit refused this one.
    #[cfg_attr(feature = "ssr", serde(skip_serializing_if = "Option::is_none"))]
    pub seconds: Option<u64>,
}

impl Problem {
    /// Returns whether the session has ended.
    pub fn is_not_signed_in(&self) -> bool {
        self.r#type == "not-signed-in"
    }

    /// Returns whether the request may have been carried out although it failed.
    pub fn is_unconfirmed(&self) -> bool {
        matches!(self.r#type.as_str(), "no-answer" | "too-slow" | "unconfirmed" | "internal")
    }

    /// The problem of a script whose request got no answer, or one that it cannot read.
    #[cfg(not(feature = "ssr"))]
    fn no_answer() -> Self {
        let title = "The server did not respond. Try again.".to_owned();
        Self { r#type: "no-answer".to_owned(), title, status: 503, field: None, seconds: None }
    }
}

#[cfg(feature = "ssr")]
impl From<super::AppError> for Problem {
    fn from(error: super::AppError) -> Self {
        let field = if let super::AppError::Invalid { field, .. } = &error { Some(field.clone()) } else { None };
        let (status, seconds) = (error.status(), error.wait_seconds());
        Self { r#type: error.name().to_owned(), title: error.to_string(), status, field, seconds }
    }
}

impl FromServerFnError for Problem {
    type Encoder = ProblemEncoding;

    /// Returns the problem of a request that Leptos could not parse, or whose answer it could not read.
    #[cfg(feature = "ssr")]
    fn from_server_fn_error(error: ServerFnErrorErr) -> Self {
        use super::AppError;
        let error = match error {
            ServerFnErrorErr::Args(_) | ServerFnErrorErr::MissingArg(_) | ServerFnErrorErr::Deserialization(_) => {
                AppError::invalid("form", "The form was incomplete. Fill it in again.")
            }
            other => AppError::internal(&other),
        };
        // No code of ours has run that could have set the status.
        error.set_response();
        error.into()
    }

    /// Returns the problem of a request without a readable answer.
    #[cfg(not(feature = "ssr"))]
    fn from_server_fn_error(_: ServerFnErrorErr) -> Self {
        Self::no_answer()
    }
}

/// The encoding of problems: JSON, which browsers parse without code of ours.
pub struct ProblemEncoding;

impl ContentType for ProblemEncoding {
    const CONTENT_TYPE: &'static str = "application/problem+json";
}

impl FormatType for ProblemEncoding {
    const FORMAT_TYPE: Format = Format::Text;
}

#[cfg(feature = "ssr")]
impl Encodes<Problem> for ProblemEncoding {
    type Error = serde_json::Error;

    fn encode(problem: &Problem) -> Result<Bytes, serde_json::Error> {
        serde_json::to_vec(problem).map(Bytes::from)
    }
}

#[cfg(feature = "ssr")]
impl Decodes<Problem> for ProblemEncoding {
    type Error = serde_json::Error;

    fn decode(bytes: Bytes) -> Result<Problem, serde_json::Error> {
        serde_json::from_slice(&bytes)
    }
}

#[cfg(not(feature = "ssr"))]
impl Encodes<Problem> for ProblemEncoding {
    type Error = &'static str;

    fn encode(_: &Problem) -> Result<Bytes, &'static str> {
        Err("browsers send no problems")
    }
}

#[cfg(not(feature = "ssr"))]
impl Decodes<Problem> for ProblemEncoding {
    type Error = &'static str;

    fn decode(bytes: Bytes) -> Result<Problem, &'static str> {
        let text = String::from_utf8_lossy(&bytes);
        let json = js_sys::JSON::parse(&text).map_err(|_| "not JSON")?;
        let read = |name: &str| js_sys::Reflect::get(&json, &name.into()).ok();
        let read_text = |name: &str| read(name)?.as_string();
        let problem = Problem {
            r#type: read_text("type").ok_or("no type")?,
            title: read_text("title").ok_or("no title")?,
            status: read("status").and_then(|status| status.as_f64()).unwrap_or_default() as u16,
            field: read_text("field"),
            seconds: None, // no card has a countdown
        };
        Ok(problem)
    }
}
