//! What operators measure, in the text format of OpenMetrics, which Prometheus reads.

use axum::http::StatusCode;
use prometheus_client::{
    encoding::{EncodeLabelSet, text},
    metrics::{counter::Counter, family::Family, gauge::Gauge},
    registry::Registry,
};

use crate::foundation::db::Db;

/// The `Content-Type` of [`Metrics::render`].
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// All that is measured. No label holds anything that a request says.
pub struct Metrics {
    registry: Registry,
    worker_failures: Family<WorkerLabel, Counter>,
    job_panics: Counter,
    responses: Family<StatusLabel, Counter>,
    live_channels: Gauge,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct WorkerLabel {
    worker: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct StatusLabel {
    status: &'static str,
}

impl Metrics {
    /// Registers all metrics, those that the database counts included.
    pub fn new(db: &Db) -> Self {
        let mut registry = Registry::with_prefix("whereabouts");
        let (worker_failures, job_panics, responses, live_channels) = Default::default();
        registry.register(
            "worker_failures",
            "Workers that panicked or returned before the stop, and were started again",
            Family::clone(&worker_failures),
        );
        registry.register("background_job_panics", "Background jobs that panicked", Counter::clone(&job_panics));
        registry.register("http_responses", "Responses of the site by class of status", Family::clone(&responses));
        registry.register("live_channels", "Open live channels", Gauge::clone(&live_channels));
        registry.register("database_deadline_misses", "Statements that PostgreSQL did not answer in time", db.missed_deadlines());
        Self { registry, worker_failures, job_panics, responses, live_channels }
    }

    /// Counts a worker that was started again.
    pub fn worker_failed(&self, worker: &'static str) {
        self.worker_failures.get_or_create(&WorkerLabel { worker }).inc();
    }

    /// Counts a background job that panicked.
    pub fn job_panicked(&self) {
        self.job_panics.inc();
    }

    /// Counts a response.
    pub fn responded(&self, status: StatusCode) {
        let status = match status.as_u16() {
            ..200 => "1xx",
            200..300 => "2xx",
            300..400 => "3xx",
            400..500 => "4xx",
            500.. => "5xx",
        };
        self.responses.get_or_create(&StatusLabel { status }).inc();
    }

    /// Writes all of them, with the number of live channels that are open now.
    ///
    /// Errors: none in practice, since writing to a string does not fail.
    pub fn render(&self, live_channels: usize) -> Result<String, std::fmt::Error> {
        self.live_channels.set(i64::try_from(live_channels).unwrap_or(i64::MAX));
        let mut written = String::new();
        text::encode(&mut written, &self.registry)?;
        Ok(written)
    }
}
