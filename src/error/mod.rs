//! The errors of the application: one enum, with one status and one sentence for the user per variant, and the form in which they are
//! sent.

pub mod problem;

#[cfg(feature = "ssr")]
mod app_error;
#[cfg(feature = "ssr")]
pub mod described;
#[cfg(feature = "ssr")]
mod responses;

#[cfg(feature = "ssr")]
pub use app_error::AppError;
