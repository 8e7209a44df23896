//! A flood of sign-ins at a fixed rate, each from its own address, whatever the responses are.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use reqwest::{Client, StatusCode};
use serde_json::json;
use tokio::{
    sync::Semaphore,
    task::JoinHandle,
    time::{MissedTickBehavior, interval, sleep},
};

/// Sign-ins per second.
const RATE: u32 = 500;
/// Maximum sign-ins that wait for a response at the same time. Beyond it the flood is slower than its rate.
const MAX_OUTSTANDING: u32 = 1_000;

#[derive(Default)]
struct Counts {
    sent: AtomicU32,
    shed: AtomicU32,
}

/// Maximum wait for the queue of hashes to fill: a machine that has not shed load by then checks all passwords in time.
const QUEUE_FILL_TIMEOUT: Duration = Duration::from_secs(5);

/// A flood that runs until it is stopped or dropped.
pub struct Flood {
    started: Instant,
    counts: Arc<Counts>,
    outstanding: Arc<Semaphore>,
    sending: JoinHandle<()>,
}

impl Flood {
    /// Starts a flood against this URL. Returns once load is shed, or after [`QUEUE_FILL_TIMEOUT`].
    pub async fn start(url: String) -> Self {
        let counts = Arc::new(Counts::default());
        let outstanding = Arc::new(Semaphore::new(MAX_OUTSTANDING as usize));
        let sending = tokio::spawn(send(url, counts.clone(), outstanding.clone()));
        let flood = Self { started: Instant::now(), counts, outstanding, sending };
        while flood.counts.shed.load(Ordering::Relaxed) == 0 && flood.started.elapsed() < QUEUE_FILL_TIMEOUT {
            sleep(Duration::from_millis(10)).await;
        }
        flood
    }

    /// Stops the flood and waits for its last responses. Returns a summary of its rate.
    pub async fn stop(self) -> anyhow::Result<String> {
        self.sending.abort();
        let seconds = self.started.elapsed().as_secs_f64();
        drop(self.outstanding.acquire_many(MAX_OUTSTANDING).await?);
        let per_second = |count: &AtomicU32| f64::from(count.load(Ordering::Relaxed)) / seconds;
        Ok(format!("{:.0} sign-ins a second, {:.0} of them shed", per_second(&self.counts.sent), per_second(&self.counts.shed)))
    }
}

impl Drop for Flood {
    fn drop(&mut self) {
        self.sending.abort();
    }
}

async fn send(url: String, counts: Arc<Counts>, outstanding: Arc<Semaphore>) {
    let http = Client::new();
    let mut ticks = interval(Duration::from_secs(1) / RATE);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
    for number in 0_u32.. {
        ticks.tick().await;
        let Ok(permit) = outstanding.clone().acquire_owned().await else { return };
        let [_, a, b, c] = number.to_be_bytes();
        let body = json!({ "identifier": format!("nobody{number}"), "password": "a wrong guess" });
        let request = http.post(&url).header("x-forwarded-for", format!("10.{a}.{b}.{c}")).json(&body);
        let counts = counts.clone();
        tokio::spawn(async move {
            counts.sent.fetch_add(1, Ordering::Relaxed);
            if request.send().await.is_ok_and(|answer| answer.status() == StatusCode::SERVICE_UNAVAILABLE) {
                counts.shed.fetch_add(1, Ordering::Relaxed);
            }
            drop(permit);
        });
    }
}
