//! The arithmetic of rate limits, as pure functions. Times are in milliseconds.

use chrono::Duration;

/// Failures without a wait in a backoff, since people mistype.
const FREE_FAILURES: i64 = 5;
const FIRST_WAIT: Duration = Duration::seconds(5);
const MAX_WAIT: Duration = Duration::minutes(15);
/// Time in which one failure of a backoff decays. Not shorter than the longest wait, so that no rhythm of guesses outpaces it: 96
/// guesses a day at most.
const DECAY: Duration = MAX_WAIT;
/// A tally restarts after this long without a failure.
const TALLY_LIFETIME: Duration = Duration::hours(24);

/// The stored state of one limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct State {
    /// Backoff or tally: failed attempts, as of the last one. Bucket: 0.
    pub failures: i64,
    /// Backoff or tally: time of the last failure. Bucket: time at which it is full again. In Unix milliseconds.
    pub at_ms: i64,
}

/// How a limit counts and refuses attempts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// Each failure after the first few doubles the wait before the next attempt. Failures decay over time.
    Backoff,
    /// Each attempt takes a token. Tokens are refilled at a constant rate.
    Bucket(Bucket),
    /// Counts failures and refuses none. A tally does not decay, so that it detects guesses that are too slow for a backoff.
    Tally,
}

/// A token bucket. Its state is one number: the time at which it is full again (GCRA, as in the crate `governor`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bucket {
    /// Tokens in a full bucket.
    pub burst: i64,
    /// Time in which one token is refilled.
    pub refill: Duration,
}

impl Rule {
    /// Counts an attempt as failed in advance. Returns the new state.
    ///
    /// Errors: the milliseconds to wait, at least 1, if the attempt is refused. A refused attempt changes nothing.
    pub fn attempt(self, state: State, now_ms: i64) -> Result<State, i64> {
        match self {
            Self::Backoff => attempt_backoff(state, now_ms),
            Self::Bucket(bucket) => bucket.attempt(state, now_ms),
            Self::Tally => Ok(count_failure(state, now_ms)),
        }
    }
}

fn attempt_backoff(state: State, now_ms: i64) -> Result<State, i64> {
    let since = (now_ms - state.at_ms).max(0); // another node's clock may be ahead
    let wait = wait_after(state.failures).num_milliseconds();
    if since < wait {
        return Err(wait - since);
    }
    let left = (state.failures - since / DECAY.num_milliseconds()).max(0);
    Ok(State { failures: left + 1, at_ms: now_ms.max(state.at_ms) })
}

fn count_failure(state: State, now_ms: i64) -> State {
    let is_forgotten = now_ms - state.at_ms >= TALLY_LIFETIME.num_milliseconds();
    let before = if is_forgotten { 0 } else { state.failures };
    State { failures: before + 1, at_ms: now_ms.max(state.at_ms) }
}

/// Returns the wait after this many failures: 5, 10, 20 … seconds, at most 15 minutes.
fn wait_after(failures: i64) -> Duration {
    match failures - FREE_FAILURES {
        ..0 => Duration::zero(),
        doublings @ 0..8 => (FIRST_WAIT * (1 << doublings)).min(MAX_WAIT),
        8.. => MAX_WAIT,
    }
}

impl Bucket {
    fn attempt(self, state: State, now_ms: i64) -> Result<State, i64> {
        let refill_ms = self.refill.num_milliseconds();
        let full_at = state.at_ms.max(now_ms) + refill_ms;
        let latest = now_ms + self.burst * refill_ms;
        if full_at > latest { Err(full_at - latest) } else { Ok(State { failures: 0, at_ms: full_at }) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: i64 = 60_000;
    const BUCKET: Rule = Rule::Bucket(Bucket { burst: 3, refill: Duration::minutes(1) });

    /// LIM-1
    #[test]
    fn waits_grow_up_to_a_quarter_of_an_hour() {
        let waits = [4, 5, 6, 7, 12, 13, 1000].map(|failures| wait_after(failures).num_seconds());
        assert_eq!(waits, [0, 5, 10, 20, 640, 900, 900]);
    }

    /// LIM-1: after the fifth failure there is a wait, and failures decay: after a day none is left.
    #[test]
    fn a_backoff_waits_and_decays() {
        let mut state = State::default();
        for failure in 1..=5 {
            state = Rule::Backoff.attempt(state, MINUTE).unwrap();
            assert_eq!(state.failures, failure);
        }
        assert_eq!(Rule::Backoff.attempt(state, MINUTE + 4_000), Err(1_000));
        assert_eq!(Rule::Backoff.attempt(state, MINUTE + 5_000).unwrap().failures, 6);
        assert_eq!(Rule::Backoff.attempt(state, MINUTE + 30 * MINUTE).unwrap().failures, 4);
        assert_eq!(Rule::Backoff.attempt(state, MINUTE + 24 * 60 * MINUTE).unwrap().failures, 1);
    }

    /// LIM-1: a bucket is empty after its burst, and refills one token at a time, never beyond its burst.
    #[test]
    fn a_bucket_refills() {
        let now = 1_000 * MINUTE;
        let spend = |state, at| BUCKET.attempt(state, at);
        let empty = (0..3).fold(State::default(), |state, _| spend(state, now).unwrap());
        assert_eq!(spend(empty, now), Err(MINUTE));
        assert_eq!(spend(empty, now + MINUTE - 1), Err(1));
        let again = spend(empty, now + MINUTE).unwrap();
        assert_eq!(spend(again, now + MINUTE), Err(MINUTE));
        let later = now + 100 * MINUTE;
        let empty = (0..3).fold(again, |state, _| spend(state, later).unwrap());
        assert_eq!(spend(empty, later), Err(MINUTE));
    }

    /// ALT-1: a tally refuses nothing and keeps all failures until there was none for 24 hours.
    #[test]
    fn a_tally_counts_however_slowly_failures_come() {
        let (mut state, mut now) = (State::default(), MINUTE);
        for failure in 1..=1000 {
            state = Rule::Tally.attempt(state, now).unwrap();
            assert_eq!(state.failures, failure);
            now += if failure % 2 == 0 { 0 } else { 24 * 60 * MINUTE - 1 };
        }
        assert_eq!(Rule::Tally.attempt(state, state.at_ms + 24 * 60 * MINUTE).unwrap().failures, 1);
        // Another node's clock may be behind.
        let behind = Rule::Tally.attempt(state, state.at_ms - MINUTE).unwrap();
        assert_eq!(behind, State { failures: 1001, at_ms: state.at_ms });
    }

    proptest::proptest! {
        /// LIM-1, LIM-2: in any rhythm, a day allows no more guesses than the free ones, those of the first waits, and one per quarter
        /// of an hour. Within the 90 seconds of a code, it is at most ten.
        #[test]
        fn no_rhythm_of_guesses_outpaces_a_backoff(pauses in proptest::collection::vec(0..20 * MINUTE, 1..200)) {
            let (mut now, mut state, mut passed) = (0, State::default(), Vec::new());
            for pause in pauses {
                now += pause;
                if let Ok(next) = Rule::Backoff.attempt(state, now) {
                    state = next;
                    passed.push(now);
                }
            }
            let within = |length| passed.iter().map(|from| passed.iter().filter(|at| (*from..from + length).contains(at)).count()).max();
            proptest::prop_assert!(within(24 * 60 * MINUTE).unwrap_or(0) <= 5 + 8 + 96);
            proptest::prop_assert!(within(90_000).unwrap_or(0) <= 10);
        }
    }
}
