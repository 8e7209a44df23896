//! Describes clients by user agent and client hints: browser and operating system, API client, or unknown.

mod api_clients;
mod browsers;
mod cache;

pub use api_clients::cli_user_agent;

use std::{
    path::Path,
    sync::{Mutex, MutexGuard},
};

use anyhow::Context as _;
use user_agent_parser::UserAgentParser;

use crate::foundation::client::{
    device::{Device, DeviceKind, Form},
    headers::UserAgentHeaders,
};
use cache::Cache;

/// Recognizes devices by their user agents. Loading takes a quarter of a second, so load it in the background.
pub struct UserAgents {
    parser: UserAgentParser,
    cache: Mutex<Cache>,
}

impl UserAgents {
    /// Loads uap-core's patterns.
    ///
    /// Errors: a file that cannot be read or parsed.
    pub fn load(patterns: &Path) -> anyhow::Result<Self> {
        let parser = UserAgentParser::from_path(patterns).with_context(|| format!("{} cannot be used", patterns.display()))?;
        Ok(Self { parser, cache: Mutex::default() })
    }

    /// Returns the description of a client if it is cached. Fast enough for an async thread.
    pub fn cached(&self, agent: &UserAgentHeaders) -> Option<Device> {
        self.lock_cache().get(agent)
    }

    /// Describes a client. Takes up to tens of milliseconds for a user agent that is not cached, so do not call it on an async thread.
    pub fn describe(&self, agent: &UserAgentHeaders) -> Device {
        if let Some(device) = self.cached(agent) {
            return device;
        }
        let device = self.parse(agent);
        self.lock_cache().insert(agent.clone(), device.clone());
        device
    }

    fn lock_cache(&self) -> MutexGuard<'_, Cache> {
        self.cache.lock().expect("no code panics while it holds the cache")
    }

    fn parse(&self, agent: &UserAgentHeaders) -> Device {
        if let Some(client) = api_clients::recognize(&agent.user_agent) {
            return client;
        }
        let product = self.parser.parse_product(&agent.user_agent).name.filter(|name| name != "Other");
        match product {
            Some(name) if agent.user_agent.starts_with("Mozilla/") || agent.user_agent.starts_with("Opera/") => {
                let os = self.parser.parse_os(&agent.user_agent);
                browsers::describe(agent, &name, os.name.as_deref(), os.major.as_deref())
            }
            Some(name) => api_clients::describe_api_client(&name),
            None => unknown(),
        }
    }
}

fn unknown() -> Device {
    Device { label: "Unknown client".to_owned(), browser: None, os: None, kind: DeviceKind::Unknown, form: Form::Unknown }
}

#[cfg(test)]
mod tests;
