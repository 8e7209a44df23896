//! A flood of sign-ins: so many a second, each from an address of its own, whatever becomes of them.

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
    time::{MissedTickBehavior, interval},
};

/// Sign-ins a second.
const RATE: u32 = 500;
/// Sign-ins that wait for an answer at the same time; beyond that the flood is slower than its rate.
const OUTSTANDING: usize = 1_000;

#[derive(Default)]
struct Counts {
    sent: AtomicU32,
    shed: AtomicU32,
}

/// A flood that goes on until it is stopped or dropped.
pub struct Flood {
    started: Instant,
    counts: Arc<Counts>,
    sending: JoinHandle<()>,
}

impl Flood {
    /// Starts one against this URL.
    pub fn start(url: String) -> Self {
        let counts = Arc::new(Counts::default());
        Self { started: Instant::now(), sending: tokio::spawn(send(url, counts.clone())), counts }
    }

    /// Stops it, and says how much it was.
    pub fn stop(self) -> String {
        self.sending.abort();
        let seconds = self.started.elapsed().as_secs_f64();
        let per_second = |count: &AtomicU32| f64::from(count.load(Ordering::Relaxed)) / seconds;
        format!("{:.0} sign-ins a second, {:.0} of them shed", per_second(&self.counts.sent), per_second(&self.counts.shed))
    }
}

impl Drop for Flood {
    fn drop(&mut self) {
        self.sending.abort();
    }
}

async fn send(url: String, counts: Arc<Counts>) {
    let (http, outstanding) = (Client::new(), Arc::new(Semaphore::new(OUTSTANDING)));
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
