//! The clock, which is passed as an argument: no other code may read the system time (enforced by `clippy.toml`).

use chrono::{DateTime, SubsecRound, Utc};
use tokio::sync::watch;

/// Source of the current time, truncated to microseconds: the finest precision that both databases store.
#[derive(Clone)]
pub enum Clock {
    /// The system clock.
    System,
    /// A clock that stands still until a test advances it.
    Manual(watch::Sender<DateTime<Utc>>),
}

impl Clock {
    /// Creates a manual clock that stands at `now`.
    pub fn manual(now: DateTime<Utc>) -> Self {
        Self::Manual(watch::Sender::new(now.trunc_subsecs(6)))
    }

    /// Returns the current time.
    #[expect(clippy::disallowed_methods, reason = "the only place that reads the system time")]
    pub fn now(&self) -> DateTime<Utc> {
        match self {
            Self::System => Utc::now().trunc_subsecs(6),
            Self::Manual(time) => *time.borrow(),
        }
    }

    /// Advances a manual clock. Has no effect on the system clock.
    pub fn advance(&self, by: chrono::Duration) {
        if let Self::Manual(time) = self {
            time.send_modify(|now| *now += by);
        }
    }

    /// Sleeps until this clock reaches `time`.
    pub async fn sleep_until(&self, time: DateTime<Utc>) {
        match self {
            Self::System => {
                let wait = (time - self.now()).to_std().unwrap_or_default(); // in the past: no wait
                tokio::time::sleep(wait).await;
            }
            Self::Manual(now) => {
                // Cannot fail: `self` holds the sender, so the channel stays open.
                let _ = now.subscribe().wait_for(|now| *now >= time).await;
            }
        }
    }
}
