//! What the user agent and client hints say: browser and system, an API client, or unknown.

mod api_clients;
mod browsers;

pub use api_clients::cli_user_agent;

use std::path::Path;

use anyhow::Context as _;
use user_agent_parser::UserAgentParser;

use crate::foundation::{
    agent::Agent,
    device::{Device, DeviceKind, Form},
};

/// Tells devices by their user agents. Loading takes a quarter of a second: do it in the background.
pub struct UserAgents(UserAgentParser);

impl UserAgents {
    /// Loads uap-core's patterns.
    pub fn load(patterns: &Path) -> anyhow::Result<Self> {
        UserAgentParser::from_path(patterns).map(Self).with_context(|| format!("{} cannot be used", patterns.display()))
    }

    /// What this client is. Up to tens of milliseconds for the first strings: not for an async thread.
    pub fn describe(&self, agent: &Agent) -> Device {
        if let Some(client) = api_clients::recognize(&agent.user_agent) {
            return client;
        }
        let product = self.0.parse_product(&agent.user_agent).name.filter(|name| name != "Other");
        match product {
            Some(name) if agent.user_agent.starts_with("Mozilla/") || agent.user_agent.starts_with("Opera/") => {
                let os = self.0.parse_os(&agent.user_agent);
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
