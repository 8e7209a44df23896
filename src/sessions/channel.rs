//! The page's end of the live channel: opened once, and again after every cut.

use std::time::Duration;

use futures_util::{
    StreamExt,
    future::{Either, select},
};
use gloo_net::{
    http::Request,
    websocket::{Message, futures::WebSocket},
};
use gloo_timers::future::sleep;
use leptos::{prelude::*, task::spawn_local};

use crate::{
    sessions::{
        model::{News, Query},
        signals::Live,
        wire::{PATH, SILENCE_SECONDS},
    },
    ui::browser,
};

/// Pauses before the channel is opened again, each made up to half shorter or longer by chance: pages that were cut off together
/// do not all come back together.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(3);
/// HTTP's "not signed in".
const UNAUTHORIZED: u16 = 401;

/// Keeps one channel open for as long as the page lives.
pub fn open(live: Live) {
    let cut = window_event_listener(leptos::ev::offline, move |_| live.connected.set(false));
    on_cleanup(move || cut.remove());
    spawn_local(async move {
        let mut pause = FIRST_PAUSE;
        loop {
            let cut = listen(live).await;
            if cut == Cut::SignedOut || is_refused().await {
                return leave(live);
            }
            if live.connected.try_set(false).is_some() {
                return; // the page is gone
            }
            pause = if cut == Cut::Open { FIRST_PAUSE } else { (pause * 2).min(LONGEST_PAUSE) };
            sleep(pause.mul_f64(0.5 + js_sys::Math::random())).await;
        }
    });
}

/// How a channel ended.
#[derive(Clone, Copy, PartialEq)]
enum Cut {
    /// Before anything was heard.
    Shut,
    /// After something was heard.
    Open,
    /// With the word that the session ended.
    SignedOut,
}

/// Hears until the channel is cut.
async fn listen(live: Live) -> Cut {
    let Some(query) = live.query.try_get_untracked() else { return Cut::Shut };
    let Ok(channel) = web_sys::WebSocket::new(&address(&query)) else { return Cut::Shut };
    let Ok(mut socket) = WebSocket::try_from(channel.clone()) else { return Cut::Shut };
    live.socket.try_set_value(Some(channel));
    let mut cut = Cut::Shut;
    loop {
        let silence = sleep(Duration::from_secs(SILENCE_SECONDS));
        match select(socket.next(), silence).await {
            Either::Left((Some(Ok(Message::Text(text))), _)) => {
                if cut == Cut::Shut {
                    send_query(live); // it may have changed since
                }
                cut = Cut::Open;
                live.connected.try_set(true);
                if hear(live, &text) == Cut::SignedOut {
                    return Cut::SignedOut;
                }
            }
            Either::Left((Some(Ok(Message::Bytes(_))), _)) => {}
            Either::Left((Some(Err(_)) | None, _)) | Either::Right(_) => return cut,
        }
    }
}

/// Says what the page now shows, where the channel is open: the server cuts the lists that it sends to it.
pub fn send_query(live: Live) {
    let Some(query) = live.query.try_get_untracked() else { return };
    live.socket.with_value(|socket| {
        // One that is not open is told when it is.
        let _ = socket.as_ref().map(|socket| socket.send_with_str(&shown(&query)));
    });
}

/// An empty text is a heartbeat.
fn hear(live: Live, text: &str) -> Cut {
    match serde_json::from_slice(text.as_bytes()) {
        Ok(News::SignedOut) => return Cut::SignedOut,
        Ok(news) => {
            if let News::Row { session, began: true, .. } = &news {
                live.arrived.try_set(session.name());
            }
            let search = live.query.try_get_untracked().unwrap_or_default().search;
            live.list.try_update(|list| {
                if let Some(list) = list {
                    list.hear(news, &search);
                }
            });
        }
        Err(_) => {}
    }
    Cut::Open
}

/// The session ended: somewhere else, unless the page gone or its own form says otherwise.
fn leave(live: Live) {
    if live.is_signing_out.try_get_value() == Some(false) {
        browser::leave();
    }
}

/// A browser does not say why a channel was refused, so the page asks by a plain request. It is no use of the session.
async fn is_refused() -> bool {
    let answer = Request::get(PATH).send().await;
    answer.is_ok_and(|answer| answer.status() == UNAUTHORIZED)
}

fn address(query: &Query) -> String {
    let location = window().location();
    let scheme = if location.protocol().is_ok_and(|protocol| protocol == "https:") { "wss" } else { "ws" };
    let host = location.host().unwrap_or_default(); // a page that was loaded has a host
    format!("{scheme}://{host}{PATH}?{}", shown(query))
}

fn shown(query: &Query) -> String {
    let shown = [("search", query.search.clone()), ("show", query.show.to_string())];
    serde_urlencoded::to_string(shown).unwrap_or_default() // pairs of strings always encode
}
