//! Browser end of the live channel: passes the page's query to the channel, and its messages to the list.

use leptos::prelude::*;
use whereabouts_enhance::{channel, page, refresh};

use crate::{
    foundation::wire::{self, WireError},
    sessions::{live::list::LiveList, model::LiveMessage},
};

/// Opens the channel, and keeps it open for the lifetime of the page.
pub fn open(list: LiveList) {
    let query = list.query.with_untracked(|query| query.to_url());
    channel::open(&query, Some(Box::new(move |message| receive(list, message))));
}

/// Sends the page's query on the channel: the server filters the lists it sends by it.
pub fn send_query(list: LiveList) {
    channel::set_query(&list.query.with_untracked(|query| query.to_url()));
}

/// Applies a message to the list. A page that was loaded before the server was upgraded reloads; a malformed message is ignored.
fn receive(list: LiveList, message: &[u8]) {
    match wire::decode(message) {
        Ok(message) => {
            // A list may be the first to tell of an end.
            if matches!(message, LiveMessage::Gone { .. } | LiveMessage::List(_)) {
                refresh::start();
            }
            list.apply(message);
        }
        Err(WireError::OtherVersion) => page::reload_once(message.first().copied().unwrap_or_default()), // another version: not empty
        Err(WireError::Malformed) => {}
    }
}
