//! argon2id, off the async threads, and at most as many at once as there are cores (LIM-4).

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    thread,
};

use argon2::{
    Algorithm, Argon2, Block, Params, PasswordHash, Version,
    password_hash::{Output, ParamsString, Salt, SaltString, rand_core::OsRng},
};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::oneshot;
use unicode_normalization::UnicodeNormalization;

/// 19 MiB, 2 passes, 1 lane: OWASP's password storage cheat sheet (PWD-1, ASVS 11.4.2).
const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;
/// Who finds more than this many waiting for each core is told so at once, rather than made to wait.
const QUEUE_A_CORE: usize = 32;

/// Hashes and verifies passwords, on threads of their own: one a core takes the next password itself, without waiting for
/// an async thread to find a core that is free.
pub struct Hasher {
    jobs: SyncSender<Job>,
    /// The hash of no password: an unknown user costs what a known one does (ENU-1).
    nobody: String,
}

type Job = Box<dyn FnOnce(&mut Memory) + Send>;

/// Too many passwords wait to be hashed.
#[derive(Debug, thiserror::Error)]
#[error("too many passwords wait to be hashed")]
pub struct Overloaded;

impl Hasher {
    /// One for this machine.
    pub fn new() -> Self {
        let cores = thread::available_parallelism().map_or(1, usize::from);
        Self::on(cores, cores * QUEUE_A_CORE)
    }

    fn on(cores: usize, queue: usize) -> Self {
        let (jobs, queued) = sync_channel(queue);
        let queued = Arc::new(Mutex::new(queued));
        for _ in 0..cores {
            let queued = queued.clone();
            thread::Builder::new().name("hasher".to_owned()).spawn(move || work(&queued)).expect("the system gives threads");
        }
        Self { jobs, nobody: hash(&SecretString::from(crate::foundation::secret::Secret::generate().reveal())) }
    }

    /// The hash of a password, as a PHC string with a salt of its own.
    pub async fn hash(&self, password: SecretString) -> Result<String, Overloaded> {
        self.run(move |memory| memory.hash(&password)).await
    }

    /// Whether the password is that of this hash. Without a hash it takes as long, and says no.
    pub async fn verify(&self, password: SecretString, known: Option<String>) -> Result<bool, Overloaded> {
        let somebody = known.is_some();
        let against = known.unwrap_or_else(|| self.nobody.clone());
        self.run(move |memory| memory.verify(&password, &against)).await.map(|right| right && somebody)
    }

    async fn run<T: Send + 'static>(&self, work: impl FnOnce(&mut Memory) -> T + Send + 'static) -> Result<T, Overloaded> {
        let (answer, answered) = oneshot::channel();
        let job = move |memory: &mut Memory| {
            // Whoever asked may have gone while this waited.
            if !answer.is_closed() {
                let _ = answer.send(work(memory));
            }
        };
        self.jobs.try_send(Box::new(job)).map_err(|_| Overloaded)?;
        Ok(answered.await.expect("hashing does not panic"))
    }
}

/// Works until the hasher is gone.
/// Whether a hash was made with parameters below those of today (PWD-1, ASVS 11.4.2).
pub fn is_outdated(hash: &str) -> bool {
    let params = PasswordHash::new(hash).ok().and_then(|hash| Params::try_from(&hash).ok());
    params.is_none_or(|params| params.m_cost() < MEMORY_KIB || params.t_cost() < PASSES || params.p_cost() < LANES)
}

fn work(queued: &Mutex<Receiver<Job>>) {
    let mut memory = Memory::default();
    let next = || queued.lock().unwrap_or_else(PoisonError::into_inner).recv(); // a queue is whole whatever panicked
    while let Ok(job) = next() {
        job(&mut memory);
    }
}

impl Default for Hasher {
    fn default() -> Self {
        Self::new()
    }
}

/// Hashes on this thread, once: for the command line.
pub fn hash(password: &SecretString) -> String {
    Memory::default().hash(password)
}

/// What argon2id fills as it goes. Used again, it need not be had from the system anew: a fifth of the work.
#[derive(Default)]
pub struct Memory(Vec<Block>);

impl Memory {
    /// The hash of a password, as a PHC string with a salt of its own.
    pub fn hash(&mut self, password: &SecretString) -> String {
        let params = Params::new(MEMORY_KIB, PASSES, LANES, None).expect("the parameters are within argon2's bounds");
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
        let hash = hasher.hash("café au lait".into()).await.unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        assert!(hasher.verify("cafe\u{301} au lait".into(), Some(hash.clone())).await.unwrap());
        assert!(!hasher.verify("cafe au lait".into(), Some(hash)).await.unwrap());
        assert!(!hasher.verify("café au lait".into(), None).await.unwrap());
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

    /// LIM-4
    #[tokio::test]
    async fn a_full_queue_is_told_at_once() {
        assert!(Hasher::on(0, 0).verify("x".into(), None).await.is_err());
    }
}
