//! Time is an argument: nothing else in the crate may ask the system for it (`clippy.toml`).

use chrono::{DateTime, SubsecRound, Utc};
use tokio::sync::watch;

/// Says what time it is, in microseconds: the finest that both databases keep.
#[derive(Clone)]
pub enum Clock {
    /// The machine's own clock.
    System,
    /// One that stands until a test moves it.
    Manual(watch::Sender<DateTime<Utc>>),
}

impl Clock {
    /// A clock that stands at `now`.
    pub fn manual(now: DateTime<Utc>) -> Self {
        Self::Manual(watch::Sender::new(now.trunc_subsecs(6)))
    }

    /// The time.
    #[expect(clippy::disallowed_methods, reason = "the one place that asks")]
    pub fn now(&self) -> DateTime<Utc> {
        match self {
            Self::System => Utc::now().trunc_subsecs(6),
            Self::Manual(time) => *time.borrow(),
        }
    }

    /// Moves a manual clock on. The system's clock is not ours to move: it stays.
    pub fn advance(&self, by: chrono::Duration) {
        if let Self::Manual(time) = self {
            time.send_modify(|now| *now += by);
        }
    }

    /// Returns once `time` has come, on whichever clock this is.
    pub async fn sleep_until(&self, time: DateTime<Utc>) {
        match self {
            Self::System => {
                let wait = (time - self.now()).to_std().unwrap_or_default(); // past: no wait
                tokio::time::sleep(wait).await;
            }
            Self::Manual(now) => {
                // The sender is held here, so the channel cannot close under us.
                let _ = now.subscribe().wait_for(|now| *now >= time).await;
            }
        }
    }
}
