//! The roof: it puts every feature under one router, serves it, and stops it.

mod content;
mod errors;
mod gate;
mod guard;
mod headers;
mod health;
mod log_throttle;
mod metrics;
mod router;
mod serve;
mod socket;
mod workers;

pub use router::{Site, router};
pub use serve::{serve, serve_with};
pub use workers::{Listeners, Worker, run, start_workers};
