//! The HTTP server: one router for every feature, the workers, and shutdown.

mod compression;
mod content;
mod error_page;
mod errors;
mod gate;
mod guard;
mod headers;
mod health;
mod log_throttle;
mod metrics;
mod quota;
mod request_id;
mod router;
mod serve;
mod socket;
mod workers;

pub use router::{Site, router};
pub use serve::{serve, serve_with};
pub use workers::{Listeners, Worker, run, start_workers};
