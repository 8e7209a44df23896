//! Metrics for operators, in the OpenMetrics text format, which Prometheus reads.

use std::{fmt, sync::atomic::Ordering};

use axum::http::StatusCode;
use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric, text},
    metrics::{
        counter::{ConstCounter, Counter},
        family::Family,
        gauge::ConstGauge,
    },
    registry::Registry,
};

use crate::foundation::{channels::Channels, connections::Connections, db::Db};

/// The `Content-Type` of [`Metrics::render`].
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// All metrics. No label contains data from a request.
pub struct Metrics {
    registry: Registry,
    worker_failures: Family<WorkerLabel, Counter>,
    job_panics: Counter,
    responses: Family<StatusLabel, Counter>,
}

/// Reads counts that are kept elsewhere, on each scrape.
struct ConnectionCollector {
    connections: Connections,
    channels: Channels,
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
    /// Registers all metrics, including the counter of the database.
    pub fn new(db: &Db, connections: &Connections, channels: &Channels) -> Self {
        let mut registry = Registry::with_prefix("whereabouts");
        let (worker_failures, job_panics, responses) = Default::default();
        registry.register(
            "worker_failures",
            "Workers that panicked or returned before the stop, and were started again",
            Family::clone(&worker_failures),
        );
        registry.register("background_job_panics", "Background jobs that panicked", Counter::clone(&job_panics));
        registry.register("http_responses", "Responses of the site by class of status", Family::clone(&responses));
        registry.register("database_deadline_misses", "Statements that PostgreSQL did not answer in time", db.missed_deadlines());
        registry.register_collector(Box::new(ConnectionCollector { connections: connections.clone(), channels: channels.clone() }));
        Self { registry, worker_failures, job_panics, responses }
    }

    /// Counts a worker that failed and was restarted.
    pub fn count_worker_failure(&self, worker: &'static str) {
        self.worker_failures.get_or_create(&WorkerLabel { worker }).inc();
    }

    /// Counts a background job that panicked.
    pub fn count_job_panic(&self) {
        self.job_panics.inc();
    }

    /// Counts a response by its class of status.
    pub fn count_response(&self, status: StatusCode) {
        let status = match status.as_u16() {
            ..200 => "1xx",
            200..300 => "2xx",
            300..400 => "3xx",
            400..500 => "4xx",
            500.. => "5xx",
        };
        self.responses.get_or_create(&StatusLabel { status }).inc();
    }

    /// Renders all metrics.
    ///
    /// Errors: none in practice, since writing to a string does not fail.
    pub fn render(&self) -> Result<String, fmt::Error> {
        let mut written = String::new();
        text::encode(&mut written, &self.registry)?;
        Ok(written)
    }
}

impl Collector for ConnectionCollector {
    fn encode(&self, mut encoder: DescriptorEncoder) -> Result<(), fmt::Error> {
        let counters = self.connections.counters();
        let mut write = |name: &str, help: &str, metric: &dyn EncodeMetric| {
            metric.encode(encoder.encode_descriptor(name, help, None, metric.metric_type())?)
        };
        write("live_channels", "Open live channels", &gauge(self.channels.count()))?;
        write("connections", "Open connections, live channels included", &gauge(self.connections.count()))?;
        for (name, help, count) in [
            ("connections_refused", "Connections refused because the node has as many as it may", &counters.refused),
            (
                "connections_refused_by_network",
                "Connections refused because their network has as many as it may",
                &counters.refused_by_network,
            ),
            ("connections_silent", "Connections closed because no request arrived in time", &counters.silent),
        ] {
            write(name, help, &ConstCounter::new(count.load(Ordering::Relaxed)))?;
        }
        Ok(())
    }
}

impl fmt::Debug for ConnectionCollector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConnectionCollector").finish_non_exhaustive()
    }
}

fn gauge(count: usize) -> ConstGauge<i64> {
    ConstGauge::new(i64::try_from(count).unwrap_or(i64::MAX)) // cannot overflow in practice
}
