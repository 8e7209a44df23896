//! The limit of open files, which every connection counts against.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Files that are open besides connections: the database, logs, keys, and what is read for a moment.
const RESERVED: u64 = 256;

/// Raises the soft limit of open files to the hard one. Many systems start programs with 1,024.
///
/// Errors: those of `setrlimit`; the limit stays as it was.
pub fn raise_limit() -> std::io::Result<()> {
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    Ok(setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum })?)
}

/// Returns how many connections fit into the limit of open files. `None` if it has none.
pub fn max_connections() -> Option<u64> {
    getrlimit(Resource::Nofile).current.map(|limit| limit.saturating_sub(RESERVED))
}
