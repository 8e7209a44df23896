//! What the user agent and client hints say: browser and system, an API client, or unknown.

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

use crate::foundation::{
    agent::Agent,
    device::{Device, DeviceKind, Form},
};
use cache::Cache;

/// Tells devices by their user agents. Loading takes a quarter of a second: do it in the background.
pub struct UserAgents {
    parser: UserAgentParser,
    described: Mutex<Cache>,
}

impl UserAgents {
    /// Loads uap-core's patterns.
    pub fn load(patterns: &Path) -> anyhow::Result<Self> {
        let parser = UserAgentParser::from_path(patterns).with_context(|| format!("{} cannot be used", patterns.display()))?;
        Ok(Self { parser, described: Mutex::default() })
    }

    /// What this client is, if it was described lately: fast enough for an async thread.
    pub fn cached(&self, agent: &Agent) -> Option<Device> {
        self.described().get(agent)
    }

    /// What this client is. Up to tens of milliseconds for the first strings: not for an async thread.
    pub fn describe(&self, agent: &Agent) -> Device {
        if let Some(device) = self.cached(agent) {
            return device;
        }
        let device = self.parse(agent);
        self.described().insert(agent.clone(), device.clone());
        device
    }

    fn described(&self) -> MutexGuard<'_, Cache> {
        self.described.lock().expect("no code panics while it holds the cache")
    }

    fn parse(&self, agent: &Agent) -> Device {
        if let Some(client) = api_clients::recognize(&agent.user_agent) {
            return client;
        }
        let product = self.parser.parse_product(&agent.user_agent).name.filter(|name| name != "Other");
        match product {
            Some(name) if agent.user_agent.starts_with("Mozilla/") || agent.user_agent.starts_with("Opera/") => {
                let os = self.parser.parse_os(&agent.user_agent);
                browsers::describe(agent, &name, os.name.as_deref(), os.major.as_deref())
            }
            Some(name) => api_clients::named(&name),
            None => unknown(),
        }
    }
}

fn unknown() -> Device {
    Device { label: "Unknown client".to_owned(), browser: None, os: None, kind: DeviceKind::Unknown, form: Form::Unknown }
}

#[cfg(test)]
mod tests;
