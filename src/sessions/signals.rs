//! What the live channel keeps for the whole page.

use leptos::prelude::*;

#[cfg(feature = "hydrate")]
use crate::error::AppError;
use crate::sessions::model::{PAGE, Query, Sessions};

/// The page's live part: one channel fills it, views read it.
#[derive(Clone, Copy)]
pub struct Live {
    /// The list, once a view has shown it.
    pub list: RwSignal<Option<Sessions>>,
    /// What of it is shown.
    pub query: RwSignal<Query>,
    /// Whether the channel is open.
    pub connected: RwSignal<bool>,
    /// The last sign-in elsewhere, while this page was open.
    pub arrived: RwSignal<String>,
    /// The last thing said to the person.
    pub said: RwSignal<String>,
    /// The person signs out on this page: what it sent leads on, and nothing else is to.
    pub is_signing_out: StoredValue<bool>,
    /// The open channel, to say on it what is shown.
    #[cfg(feature = "hydrate")]
    pub socket: StoredValue<Option<web_sys::WebSocket>, LocalStorage>,
}

impl Live {
    /// For a page whose channel is still to open.
    pub fn new(said: String) -> Self {
        Self {
            list: RwSignal::new(None),
            query: RwSignal::new(Query { search: String::new(), show: PAGE }),
            connected: RwSignal::new(true),
            arrived: RwSignal::default(),
            said: RwSignal::new(said),
            is_signing_out: StoredValue::new(false),
            #[cfg(feature = "hydrate")]
            socket: StoredValue::new_local(None),
        }
    }

    /// Tells the person something, aloud too.
    pub fn say(self, words: impl Into<String>) {
        self.said.set(words.into());
    }

    /// Tells the person that a revocation was refused, or that its answer did not come: then only the list can tell what ended.
    #[cfg(feature = "hydrate")]
    pub fn report_revocation_failure(self, what: &str, error: &AppError) {
        self.say(match error.is_unconfirmed() {
            true => format!("Could not confirm that {what} ended: the server did not answer. The list shows the truth once it is back."),
            false => error.to_string(),
        });
    }

    /// What is said of the last sign-in elsewhere.
    pub fn arrival(self) -> String {
        self.arrived.with(|name| if name.is_empty() { String::new() } else { format!("New sign-in: {name}.") })
    }
}
