//! Password hashing with argon2id, on threads of its own: at most one hash per core at a time (LIM-4).

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        mpsc::{Receiver, Sender, channel},
    },
    thread,
    time::{Duration, Instant},
};

use argon2::{
    Algorithm, Argon2, Block, Params, PasswordHash, Version,
    password_hash::{Output, ParamsString, Salt, SaltString, rand_core::OsRng},
};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};
use unicode_normalization::UnicodeNormalization;

/// Hashes that may be queued per core. Requests beyond that are refused at once instead of waiting for seconds.
const QUEUED_PER_CORE: usize = 32;
/// The nice value of the hashing threads: under load, the requests of signed-in users are scheduled first (LIM-4).
#[cfg(target_os = "linux")]
const NICE: i32 = 10;
/// Length of the windows in which shed requests are counted.
const WINDOW: Duration = Duration::from_millis(100);

/// The cost parameters of a hash.
#[derive(Debug, Clone, Copy)]
pub struct Cost {
    /// Memory, in KiB.
    pub memory_kib: u32,
    /// Number of passes over the memory.
    pub passes: u32,
    /// Number of lanes, which could be computed in parallel.
    pub lanes: u32,
}

impl Cost {
    /// 19 MiB, 2 passes, 1 lane: OWASP's password storage cheat sheet (PWD-1, ASVS 11.4.2).
    pub const STANDARD: Self = Self { memory_kib: 19 * 1024, passes: 2, lanes: 1 };

    fn params(self) -> Params {
        Params::new(self.memory_kib, self.passes, self.lanes, None).expect("the parameters are within argon2's bounds")
    }
}

/// Hashes and verifies passwords on one thread per core. Each thread takes the next job from the queue itself instead of waiting for an
/// async thread to find an idle core.
pub struct Hasher {
    jobs: Sender<Job>,
    slots: Arc<Semaphore>,
    overload: Arc<Overload>,
    cost: Cost,
    /// The dummy hash that is verified for unknown users, so that they take as long as known ones (ENU-1).
    dummy_hash: String,
}

type Job = Box<dyn FnOnce(&mut Memory) + Send>;

/// The hashing queue is full.
#[derive(Debug, thiserror::Error)]
#[error("too many passwords wait to be hashed")]
pub struct Overloaded;

impl Hasher {
    /// Creates a hasher with one thread per core, at the standard cost.
    pub fn new() -> Self {
        Self::with_cost(Cost::STANDARD)
    }

    /// Creates a hasher with one thread per core, at another cost. Tests that hash thousands of passwords use a low one.
    pub fn with_cost(cost: Cost) -> Self {
        let cores = thread::available_parallelism().map_or(1, usize::from);
        Self::with_limits(cores, cores * QUEUED_PER_CORE, cost, WINDOW)
    }

    fn with_limits(cores: usize, queue_size: usize, cost: Cost, window: Duration) -> Self {
        // Unbounded: every job holds a slot, and the number of slots is limited.
        let (jobs, queue) = channel();
        let queue = Arc::new(Mutex::new(queue));
        let overload =
            Arc::new(Overload { sheds: Mutex::new(Sheds { since: Instant::now(), in_current_window: 0, in_last_window: 0 }), window });
        for thread in 0..cores {
            let queue = queue.clone();
            let overload = (thread > 0 && thread == cores - 1).then(|| overload.clone());
            let work = move || run_worker(&queue, overload.as_deref());
            thread::Builder::new().name("hasher".to_owned()).spawn(work).expect("the system can start threads");
        }
        let secret = SecretString::from(crate::foundation::crypto::secret::Secret::generate().reveal());
        let dummy_hash = Memory::default().hash(&secret, cost);
        Self { jobs, slots: Arc::new(Semaphore::new(cores + queue_size)), overload, cost, dummy_hash }
    }

    /// Reserves a place in the queue for one hash. Call it before writing anything, so that excess load is shed without touching the
    /// database (LIM-4).
    ///
    /// Errors: [`Overloaded`] if the queue is full.
    pub fn reserve(&self) -> Result<Slot<'_>, Overloaded> {
        match self.slots.clone().try_acquire_owned() {
            Ok(permit) => Ok(Slot { hasher: self, permit }),
            Err(_) => {
                self.overload.shed(Instant::now());
                Err(Overloaded)
            }
        }
    }

    /// Returns whether load was shed in the current or the previous window.
    pub fn is_overloaded(&self) -> bool {
        let sheds = self.overload.lock(Instant::now());
        sheds.in_current_window > 0 || sheds.in_last_window > 0
    }

    /// Returns whether a hash has a lower cost than those of this hasher (PWD-1, ASVS 11.4.2). True for invalid hashes.
    pub fn is_outdated(&self, hash: &str) -> bool {
        let params = PasswordHash::new(hash).ok().and_then(|hash| Params::try_from(&hash).ok());
        let Cost { memory_kib, passes, lanes } = self.cost;
        params.is_none_or(|params| params.m_cost() < memory_kib || params.t_cost() < passes || params.p_cost() < lanes)
    }
}

/// A reserved place in the queue, for one hash. Dropping it frees the place.
pub struct Slot<'a> {
    hasher: &'a Hasher,
    permit: OwnedSemaphorePermit,
}

impl Slot<'_> {
    /// Hashes a password with a random salt. Returns a PHC string.
    pub async fn hash(self, password: SecretString) -> String {
        let cost = self.hasher.cost;
        self.run(move |memory| memory.hash(&password, cost)).await
    }

    /// Verifies a password. Without a stored hash it verifies against a dummy one, so that unknown users take as long (ENU-1).
    pub async fn verify(self, password: SecretString, stored: Option<String>) -> bool {
        let is_known = stored.is_some();
        let against = stored.unwrap_or_else(|| self.hasher.dummy_hash.clone());
        self.run(move |memory| memory.verify(&password, &against)).await && is_known
    }

    async fn run<T: Send + 'static>(self, work: impl FnOnce(&mut Memory) -> T + Send + 'static) -> T {
        let Self { hasher, permit } = self;
        let (result, received) = oneshot::channel();
        let job = move |memory: &mut Memory| {
            // The request may have been canceled while this was queued.
            if !result.is_closed() {
                let _ = result.send(work(memory));
            }
            drop(permit); // held until here, since the job of a canceled request still occupies its place
        };
        hasher.jobs.send(Box::new(job)).expect("the threads live as long as the hasher");
        received.await.expect("hashing does not panic")
    }
}

/// Tracks how much load is shed. While more was shed in a window than one thread could have hashed in it, one thread pauses and leaves its
/// core to requests: a core that is hashing is not immediately available to a thread of higher priority (LIM-4). The pause therefore ends
/// when all threads together can handle the load.
struct Overload {
    sheds: Mutex<Sheds>,
    window: Duration,
}

struct Sheds {
    /// The start of the current window.
    since: Instant,
    in_current_window: u32,
    in_last_window: u32,
}

impl Sheds {
    fn roll(&mut self, window: Duration, now: Instant) {
        let windows = now.duration_since(self.since).as_nanos() / window.as_nanos();
        if windows > 0 {
            self.in_last_window = if windows == 1 { self.in_current_window } else { 0 };
            self.in_current_window = 0;
            self.since = if windows == 1 { self.since + window } else { now };
        }
    }
}

impl Overload {
    fn shed(&self, now: Instant) {
        let mut sheds = self.lock(now);
        sheds.in_current_window = sheds.in_current_window.saturating_add(1);
    }

    /// Returns how long the pausing thread should pause, given the duration of a hash. `None` if the thread is needed.
    fn pause(&self, hash: Duration, now: Instant) -> Option<Duration> {
        let sheds = self.lock(now);
        (hash.saturating_mul(sheds.in_last_window) > self.window).then(|| (sheds.since + self.window).duration_since(now))
    }

    fn lock(&self, now: Instant) -> MutexGuard<'_, Sheds> {
        let mut sheds = self.sheds.lock().unwrap_or_else(PoisonError::into_inner); // counters stay valid after a panic
        sheds.roll(self.window, now);
        sheds
    }
}

/// Runs jobs until the hasher is dropped. A thread that has an `overload` pauses after a hash while load is shed.
fn run_worker(queue: &Mutex<Receiver<Job>>, overload: Option<&Overload>) {
    lower_priority();
    let mut memory = Memory::default();
    let next = || queue.lock().unwrap_or_else(PoisonError::into_inner).recv(); // a queue stays valid after a panic
    while let Ok(job) = next() {
        let started = Instant::now();
        job(&mut memory);
        let hash = started.elapsed();
        while let Some(pause) = overload.and_then(|overload| overload.pause(hash, Instant::now())) {
            thread::sleep(pause);
        }
    }
}

/// Lowers the priority of this thread. Only on Linux, where threads have a priority of their own; elsewhere it would change the process.
fn lower_priority() {
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::setpriority_process(None, NICE) {
        tracing::warn!(%error, "password hashing keeps its normal priority");
    }
}

impl Default for Hasher {
    fn default() -> Self {
        Self::new()
    }
}

/// Hashes a password on the current thread, at the standard cost. For the command line.
pub fn hash(password: &SecretString) -> String {
    Memory::default().hash(password, Cost::STANDARD)
}

/// The working memory of argon2id. Reusing it saves the allocation, which is a fifth of the work.
#[derive(Default)]
pub struct Memory(Vec<Block>);

impl Memory {
    /// Hashes a password with a random salt. Returns a PHC string.
    pub fn hash(&mut self, password: &SecretString, cost: Cost) -> String {
        let params = cost.params();
        let salt = SaltString::generate(&mut OsRng);
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params.clone());
        let output = self.output(&argon2, password, salt.as_salt(), Params::DEFAULT_OUTPUT_LEN);
        let hash = PasswordHash {
            algorithm: Algorithm::Argon2id.ident(),
            version: Some(Version::V0x13.into()),
            params: ParamsString::try_from(&params).expect("the parameters are argon2's own"),
            salt: Some(salt.as_salt()),
            hash: Some(output.expect("salt and length are argon2's own")),
        };
        hash.to_string()
    }

    /// Verifies a password with the parameters of the hash, in constant time. Returns false for invalid hashes.
    pub fn verify(&mut self, password: &SecretString, hash: &str) -> bool {
        PasswordHash::new(hash).is_ok_and(|hash| self.matches(password, &hash).unwrap_or(false))
    }

    fn matches(&mut self, password: &SecretString, hash: &PasswordHash<'_>) -> Option<bool> {
        let (version, algorithm) = (Version::try_from(hash.version?).ok()?, Algorithm::try_from(hash.algorithm).ok()?);
        let argon2 = Argon2::new(algorithm, version, Params::try_from(hash).ok()?);
        let expected = hash.hash?;
        self.output(&argon2, password, hash.salt?, expected.len()).map(|output| output == expected)
    }

    fn output(&mut self, argon2: &Argon2<'_>, password: &SecretString, salt: Salt<'_>, length: usize) -> Option<Output> {
        self.0.resize(argon2.params().block_count(), Block::default());
        let mut buffer = [0; Salt::MAX_LENGTH];
        let salt = salt.decode_b64(&mut buffer).ok()?;
        Output::init_with(length, |output| {
            Ok(argon2.hash_password_into_with_memory(normalize(password).as_bytes(), salt, output, &mut self.0)?)
        })
        .ok()
    }
}

/// Normalizes a password to Unicode NFC, so that it does not depend on the keyboard (PWD-2).
fn normalize(password: &SecretString) -> String {
    password.expose_secret().nfc().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn passwords_are_verified_and_missing_hashes_fail() {
        let hasher = Hasher::new();
        let hash = hasher.reserve().unwrap().hash("café au lait".into()).await;
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        let verify = async |password: &str, stored| hasher.reserve().unwrap().verify(password.into(), stored).await;
        assert!(verify("cafe\u{301} au lait", Some(hash.clone())).await);
        assert!(!verify("cafe au lait", Some(hash)).await);
        assert!(!verify("café au lait", None).await);
    }

    /// PWD-1: a hash is verified with its own parameters; an invalid hash matches no password.
    #[test]
    fn hashes_with_other_parameters_are_verified() {
        use argon2::PasswordHasher as _;
        let strong = Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::new(21 * 1024, 3, 2, None).unwrap());
        let salt = SaltString::generate(&mut OsRng);
        let hash = strong.hash_password(b"correct horse", &salt).unwrap().to_string();
        let mut memory = Memory::default();
        assert!(memory.verify(&"correct horse".into(), &hash) && !memory.verify(&"correct hors".into(), &hash));
        assert!(memory.verify(&"x".into(), &super::hash(&"x".into())));
        for broken in ["", "x", "$argon2id$v=19$m=19456,t=2,p=1", "$2b$12$abcdefghijklmnopqrstuv"] {
            assert!(!memory.verify(&"correct horse".into(), broken), "{broken}");
        }
    }

    /// PWD-1: a hash with a lower cost than the current one is outdated.
    #[test]
    fn cheap_hashes_are_outdated() {
        let standard = Hasher::with_limits(0, 0, Cost::STANDARD, WINDOW);
        let cheap = Memory::default().hash(&"x".into(), Cost { memory_kib: 8, passes: 1, lanes: 1 });
        assert!(standard.is_outdated(&cheap) && standard.is_outdated("no hash") && !standard.is_outdated(&super::hash(&"x".into())));
    }

    /// LIM-4: only the hashing threads have a lower priority.
    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn hashing_threads_have_a_lower_priority() {
        let priority = || rustix::process::getpriority_process(None).unwrap();
        let before = priority();
        let hasher = Hasher::with_limits(1, 1, Cost::STANDARD, WINDOW);
        assert_eq!(hasher.reserve().unwrap().run(move |_| priority()).await, NICE.max(before));
        assert_eq!(priority(), before);
    }

    /// LIM-4: while load is shed, one of two threads pauses.
    #[tokio::test]
    async fn one_core_is_left_to_requests_while_load_is_shed() {
        let hasher = Hasher::with_limits(2, 10, Cost::STANDARD, Duration::from_hours(1));
        hasher.overload.lock(Instant::now()).in_last_window = u32::MAX;
        let mut slots: Vec<_> = std::iter::from_fn(|| hasher.reserve().ok()).collect();
        let both = Arc::new(std::sync::Barrier::new(2));
        let meet = async |slot: Slot<'_>| {
            let both = both.clone();
            slot.run(move |_| both.wait().is_leader()).await
        };
        tokio::join!(meet(slots.remove(0)), meet(slots.remove(0)));
        let hash = |memory: &mut Memory| (memory.hash(&"x".into(), Cost::STANDARD), thread::current().id()).1;
        let threads = futures::future::join_all(slots.into_iter().map(|slot| slot.run(hash))).await;
        assert!(threads.len() == 10 && threads.iter().all(|thread| *thread == threads[0]), "{threads:?}");
    }

    /// LIM-4: a thread pauses while more is shed than it could hash, and resumes once all threads together can handle the load.
    #[test]
    fn the_pause_ends_with_the_overload() {
        let (start, second, hash) = (Instant::now(), Duration::from_secs(1), Duration::from_millis(10));
        let overload = Overload { sheds: Mutex::new(Sheds { since: start, in_current_window: 0, in_last_window: 0 }), window: second };
        let shed = |times: u32, at: Instant| (0..times).for_each(|_| overload.shed(at));
        shed(101, start);
        assert_eq!(overload.pause(hash, start), None);
        assert_eq!(overload.pause(hash, start + second), Some(second));
        assert_eq!(overload.pause(hash, start + second * 3 / 2), Some(second / 2));
        // As much as the pausing thread could hash.
        shed(100, start + second * 3 / 2);
        assert_eq!(overload.pause(hash, start + second * 2), None);
        shed(101, start + second * 2);
        assert_eq!(overload.pause(hash, start + second * 4), None);
    }

    /// LIM-4: a full queue refuses at once; a slot is free again when it is dropped or its hash is computed.
    #[tokio::test]
    async fn a_full_queue_refuses_at_once() {
        let hasher = Hasher::with_limits(1, 1, Cost::STANDARD, WINDOW);
        let (first, second) = (hasher.reserve().unwrap(), hasher.reserve().unwrap());
        assert!(hasher.reserve().is_err());
        drop(first);
        let third = hasher.reserve().unwrap();
        assert!(hasher.reserve().is_err());
        assert!(!second.verify("x".into(), None).await && !third.verify("x".into(), None).await);
        let permits = hasher.slots.clone().acquire_many_owned(2).await; // returns once both jobs are finished
        assert!(permits.is_ok());
    }
}
