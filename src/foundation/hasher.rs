//! argon2id, off the async threads, and at most as many at once as there are cores (LIM-4).

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use argon2::{
    Algorithm, Argon2, Params, PasswordHash, PasswordHasher, PasswordVerifier, Version,
    password_hash::{SaltString, rand_core::OsRng},
};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::Semaphore;
use unicode_normalization::UnicodeNormalization;

/// 19 MiB, 2 passes, 1 lane: OWASP's password storage cheat sheet (PWD-1, ASVS 11.4.2).
const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;
/// Who finds more than this many waiting for each core is told so at once, rather than made to wait.
const QUEUE_A_CORE: usize = 32;

/// Hashes and verifies passwords.
pub struct Hasher {
    cores: Arc<Semaphore>,
    waiting: AtomicUsize,
    queue: usize,
    /// The hash of no password: an unknown user costs what a known one does (ENU-1).
    nobody: String,
}

/// Too many passwords wait to be hashed.
#[derive(Debug, thiserror::Error)]
#[error("too many passwords wait to be hashed")]
pub struct Overloaded;

impl Hasher {
    /// One for this machine.
    pub fn new() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let nobody = hash(&SecretString::from(crate::foundation::secret::Secret::generate().reveal()));
        Self { cores: Arc::new(Semaphore::new(cores)), waiting: AtomicUsize::new(0), queue: cores * QUEUE_A_CORE, nobody }
    }

    /// The hash of a password, as a PHC string with a salt of its own.
    pub async fn hash(&self, password: SecretString) -> Result<String, Overloaded> {
        self.run(move || hash(&password)).await
    }

    /// Whether the password is that of this hash. Without a hash it takes as long, and says no.
    pub async fn verify(&self, password: SecretString, known: Option<String>) -> Result<bool, Overloaded> {
        let somebody = known.is_some();
        let against = known.unwrap_or_else(|| self.nobody.clone());
        self.run(move || verify(&password, &against)).await.map(|right| right && somebody)
    }

    async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, Overloaded> {
        let place = Place::take(&self.waiting, self.queue)?;
        let core = self.cores.clone().acquire_owned().await.map_err(|_| Overloaded)?;
        drop(place);
        let done = tokio::task::spawn_blocking(move || {
            let _core = core;
            work()
        });
        Ok(done.await.expect("hashing does not panic"))
    }
}

impl Default for Hasher {
    fn default() -> Self {
        Self::new()
    }
}

/// A place in the queue, given back when dropped: also when the client goes away while it waits.
struct Place<'a>(&'a AtomicUsize);

impl<'a> Place<'a> {
    fn take(waiting: &'a AtomicUsize, most: usize) -> Result<Self, Overloaded> {
        let place = Self(waiting);
        if waiting.fetch_add(1, Ordering::Relaxed) >= most { Err(Overloaded) } else { Ok(place) }
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Hashes on this thread: for the command line.
pub fn hash(password: &SecretString) -> String {
    let salt = SaltString::generate(&mut OsRng);
    argon2id().hash_password(normal(password).as_bytes(), &salt).expect("the parameters are argon2's own").to_string()
}

/// Verifies on this thread: for benchmarks.
pub fn verify(password: &SecretString, hash: &str) -> bool {
    PasswordHash::new(hash).is_ok_and(|hash| argon2id().verify_password(normal(password).as_bytes(), &hash).is_ok())
}

fn argon2id() -> Argon2<'static> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None).expect("the parameters are within argon2's bounds");
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
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

    /// LIM-4
    #[tokio::test]
    async fn a_full_queue_is_told_at_once() {
        let hasher = Hasher { queue: 0, ..Hasher::new() };
        assert!(hasher.verify("x".into(), None).await.is_err());
        assert_eq!(hasher.waiting.load(Ordering::Relaxed), 0);
    }
}
