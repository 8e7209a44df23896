//! The process limit of open files. Every connection counts against it.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Files that are open besides connections: the database, logs, keys, and files that are read briefly.
const RESERVED: u64 = 256;

/// Raises the soft limit of open files to the hard limit. Many systems start programs with a soft limit of 1,024.
///
/// Errors: those of `setrlimit`. The limit is then unchanged.
pub fn raise_limit() -> std::io::Result<()> {
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    Ok(setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum })?)
}

/// Returns how many connections fit into the limit of open files. `None` if there is no limit.
pub fn max_connections() -> Option<u64> {
    getrlimit(Resource::Nofile).current.map(|limit| limit.saturating_sub(RESERVED))
}
