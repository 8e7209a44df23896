//! argon2id, off the async threads, and at most as many at once as there are cores (LIM-4).

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        mpsc::{Receiver, Sender, channel},
    },
    thread,
};

use argon2::{
    Algorithm, Argon2, Block, Params, PasswordHash, Version,
    password_hash::{Output, ParamsString, Salt, SaltString, rand_core::OsRng},
};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};
use unicode_normalization::UnicodeNormalization;

/// How many hashes may wait for each core. Whoever finds the queue full is refused at once instead of waiting for seconds.
const QUEUED_PER_CORE: usize = 32;
/// The nice value of the threads that hash: under load, requests of signed-in people get the processor first (LIM-4).
#[cfg(target_os = "linux")]
const NICE: i32 = 10;

/// The work that one hash costs.
#[derive(Debug, Clone, Copy)]
pub struct Cost {
    /// Memory, in KiB.
    pub memory_kib: u32,
    /// Passes over that memory.
    pub passes: u32,
    /// Lanes that could be computed in parallel.
    pub lanes: u32,
}

impl Cost {
    /// 19 MiB, 2 passes, 1 lane: OWASP's password storage cheat sheet (PWD-1, ASVS 11.4.2).
    pub const STANDARD: Self = Self { memory_kib: 19 * 1024, passes: 2, lanes: 1 };

    fn params(self) -> Params {
        Params::new(self.memory_kib, self.passes, self.lanes, None).expect("the parameters are within argon2's bounds")
    }
}

/// Hashes and verifies passwords on one thread per core. Each thread takes the next password itself instead of waiting for an
/// async thread to find an idle core.
pub struct Hasher {
    jobs: Sender<Job>,
    slots: Arc<Semaphore>,
    cost: Cost,
    /// The hash of no password: an unknown user costs what a known one does (ENU-1).
    nobody: String,
}

type Job = Box<dyn FnOnce(&mut Memory) + Send>;

/// Too many passwords wait to be hashed.
#[derive(Debug, thiserror::Error)]
#[error("too many passwords wait to be hashed")]
pub struct Overloaded;

impl Hasher {
    /// A hasher for this machine, at the standard cost.
    pub fn new() -> Self {
        Self::with_cost(Cost::STANDARD)
    }

    /// A hasher for this machine at another cost. Tests that hash thousands of passwords use a low one.
    pub fn with_cost(cost: Cost) -> Self {
        let cores = thread::available_parallelism().map_or(1, usize::from);
        Self::on(cores, cores * QUEUED_PER_CORE, cost)
    }

    fn on(cores: usize, queued: usize, cost: Cost) -> Self {
        // Unbounded, since every job holds a slot and there are only so many.
        let (jobs, waiting) = channel();
        let waiting = Arc::new(Mutex::new(waiting));
        for _ in 0..cores {
            let waiting = waiting.clone();
            thread::Builder::new().name("hasher".to_owned()).spawn(move || work(&waiting)).expect("the system gives threads");
        }
        let secret = SecretString::from(crate::foundation::secret::Secret::generate().reveal());
        let nobody = Memory::default().hash(&secret, cost);
        Self { jobs, slots: Arc::new(Semaphore::new(cores + queued)), cost, nobody }
    }

    /// Reserves the place of one hash in the queue, before anything is written for it: load that cannot be handled is shed
    /// without touching the database (LIM-4).
    ///
    /// Errors: [`Overloaded`] if the queue is full.
    pub fn reserve(&self) -> Result<Slot<'_>, Overloaded> {
        let permit = self.slots.clone().try_acquire_owned().map_err(|_| Overloaded)?;
        Ok(Slot { hasher: self, permit })
    }

    /// Whether a hash costs less than those of this hasher (PWD-1, ASVS 11.4.2). True for what is no hash.
    pub fn is_outdated(&self, hash: &str) -> bool {
        let params = PasswordHash::new(hash).ok().and_then(|hash| Params::try_from(&hash).ok());
        let Cost { memory_kib, passes, lanes } = self.cost;
        params.is_none_or(|params| params.m_cost() < memory_kib || params.t_cost() < passes || params.p_cost() < lanes)
    }
}

/// A reserved place in the queue, good for one hash. Dropped unused, it is free again.
pub struct Slot<'a> {
    hasher: &'a Hasher,
    permit: OwnedSemaphorePermit,
}

impl Slot<'_> {
    /// Hashes a password. Returns a PHC string with a salt of its own.
    pub async fn hash(self, password: SecretString) -> String {
        let cost = self.hasher.cost;
        self.run(move |memory| memory.hash(&password, cost)).await
    }

    /// Verifies a password. Without a stored hash it verifies against a dummy one, so that unknown users take as long (ENU-1).
    pub async fn verify(self, password: SecretString, stored: Option<String>) -> bool {
        let is_known = stored.is_some();
        let against = stored.unwrap_or_else(|| self.hasher.nobody.clone());
        self.run(move |memory| memory.verify(&password, &against)).await && is_known
    }

    async fn run<T: Send + 'static>(self, work: impl FnOnce(&mut Memory) -> T + Send + 'static) -> T {
        let Self { hasher, permit } = self;
        let (answer, answered) = oneshot::channel();
        let job = move |memory: &mut Memory| {
            // Whoever asked may have gone while this waited.
            if !answer.is_closed() {
                let _ = answer.send(work(memory));
            }
            drop(permit); // held until here, since a job whose client has gone still occupies its place
        };
        hasher.jobs.send(Box::new(job)).expect("the threads live as long as the hasher");
        answered.await.expect("hashing does not panic")
    }
}

/// Works until the hasher is gone.
fn work(waiting: &Mutex<Receiver<Job>>) {
    lower_priority();
    let mut memory = Memory::default();
    let next = || waiting.lock().unwrap_or_else(PoisonError::into_inner).recv(); // a queue is whole whatever panicked
    while let Ok(job) = next() {
        job(&mut memory);
    }
}

/// On Linux a priority belongs to a thread; elsewhere it would be that of the whole process, which stays as it is.
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

/// Hashes on this thread, once, at the standard cost: for the command line.
pub fn hash(password: &SecretString) -> String {
    Memory::default().hash(password, Cost::STANDARD)
}

/// What argon2id fills as it goes. Used again, it need not be had from the system anew: a fifth of the work.
#[derive(Default)]
pub struct Memory(Vec<Block>);

impl Memory {
    /// Hashes a password. Returns a PHC string with a salt of its own.
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

    /// Whether the password is that of this hash, by the hash's own parameters. Compared in constant time.
    pub fn verify(&mut self, password: &SecretString, hash: &str) -> bool {
        PasswordHash::new(hash).is_ok_and(|hash| self.matches(password, &hash).unwrap_or(false)) // no hash of ours: no match
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
            Ok(argon2.hash_password_into_with_memory(normal(password).as_bytes(), salt, output, &mut self.0)?)
        })
        .ok()
    }
}

/// One form for passwords that look alike, whatever keyboard they were typed on (PWD-2).
fn normal(password: &SecretString) -> String {
    password.expose_secret().nfc().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_password_is_verified_and_its_absence_is_not() {
        let hasher = Hasher::new();
        let hash = hasher.reserve().unwrap().hash("café au lait".into()).await;
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        let verify = async |password: &str, stored| hasher.reserve().unwrap().verify(password.into(), stored).await;
        assert!(verify("cafe\u{301} au lait", Some(hash.clone())).await);
        assert!(!verify("cafe au lait", Some(hash)).await);
        assert!(!verify("café au lait", None).await);
    }

    /// PWD-1: whatever wrote a hash, its own parameters count; what is no hash matches nothing.
    #[test]
    fn hashes_of_others_are_read() {
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

    /// PWD-1: whatever costs less than today's hashes is to be hashed again.
    #[test]
    fn cheap_hashes_are_outdated() {
        let standard = Hasher::on(0, 0, Cost::STANDARD);
        let cheap = Memory::default().hash(&"x".into(), Cost { memory_kib: 8, passes: 1, lanes: 1 });
        assert!(standard.is_outdated(&cheap) && standard.is_outdated("no hash") && !standard.is_outdated(&super::hash(&"x".into())));
    }

    /// LIM-4: the threads that hash, and they alone, have a lower priority.
    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn hashing_gives_way_to_requests() {
        let priority = || rustix::process::getpriority_process(None).unwrap();
        let before = priority();
        let hasher = Hasher::on(1, 1, Cost::STANDARD);
        assert_eq!(hasher.reserve().unwrap().run(move |_| priority()).await, NICE.max(before));
        assert_eq!(priority(), before);
    }

    /// LIM-4: a full queue refuses at once; a slot that is dropped, or whose hash is computed, is free again.
    #[tokio::test]
    async fn a_full_queue_refuses_at_once() {
        let hasher = Hasher::on(1, 1, Cost::STANDARD);
        let (first, second) = (hasher.reserve().unwrap(), hasher.reserve().unwrap());
        assert!(hasher.reserve().is_err());
        drop(first);
        let third = hasher.reserve().unwrap();
        assert!(hasher.reserve().is_err());
        assert!(!second.verify("x".into(), None).await && !third.verify("x".into(), None).await);
        let permits = hasher.slots.clone().acquire_many_owned(2).await; // returns once both jobs are over
        assert!(permits.is_ok());
    }
}
