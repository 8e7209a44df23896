//! Browser end of the live channel: a WebSocket that reconnects whenever it closes or falls silent, and redirects to the login page
//! when the session ends.

use std::cell::Cell;

use js_sys::{Math, Uint8Array};
use wasm_bindgen::{JsCast, JsValue, prelude::wasm_bindgen};
use web_sys::{BinaryType, MessageEvent, WebSocket};

use crate::{
    events::{self, after, closest_target, function},
    http, page, refresh,
};

/// Path of the channel.
const PATH: &str = "/live";
/// A channel on which nothing arrived for this long is dead, in milliseconds. The server sends a heartbeat every 5 seconds.
const SILENCE_TIMEOUT: i32 = 12_000;
/// First and longest pause before reconnecting, in milliseconds. Each is shortened or lengthened by up to half at random, so that
/// pages which were disconnected together do not all reconnect together.
const INITIAL_BACKOFF: u32 = 1_000;
const MAX_BACKOFF: u32 = 3_000;
/// A sign-out that has not left the page by then failed, in milliseconds.
const SIGN_OUT_TIMEOUT: i32 = 10_000;
/// HTTP status of a request without a session.
const UNAUTHORIZED: u16 = 401;

/// Receives the binary messages of the channel.
pub type OnMessage = Box<dyn FnMut(&[u8])>;

#[wasm_bindgen]
extern "C" {
    /// A `Uint8Array`. `js_sys` asserts the length when it copies one, with all the code that formats a failed assertion.
    #[wasm_bindgen(js_name = Uint8Array)]
    type Bytes;
    #[wasm_bindgen(method, js_class = Uint8Array, js_name = slice)]
    fn copied(this: &Bytes) -> Box<[u8]>;
}

/// The one channel of the page. Cells only: a `RefCell` would add code that panics.
struct Channel {
    /// Query of the URL, for the next connection.
    query: Cell<String>,
    /// Whether the query has changed since the connection was opened.
    is_query_outdated: Cell<bool>,
    on_message: Cell<Option<OnMessage>>,
    socket: Cell<Option<WebSocket>>,
    /// Whether a message arrived on the current connection.
    has_received: Cell<bool>,
    /// Whether the page shows that there is no connection.
    is_shown_offline: Cell<bool>,
    /// Number of the latest sign of life: a timer of [`SILENCE_TIMEOUT`] counts only if nothing came after it.
    sign_of_life: Cell<u32>,
    /// The last pause before reconnecting, in milliseconds.
    backoff: Cell<u32>,
    /// Whether the user is signing out on this page: the form's own redirect must then be the only one.
    is_signing_out: Cell<bool>,
}

thread_local! {
    /// `None` until the channel is opened.
    static CHANNEL: Cell<Option<&'static Channel>> = const { Cell::new(None) };
}

/// Opens the channel for the lifetime of the page. `query` is the query of its URL; `on_message` receives every binary message.
/// Does nothing if it is open already.
pub fn open(query: &str, on_message: Option<OnMessage>) {
    if current().is_some() {
        return;
    }
    // Leaked on purpose: the channel lives as long as the page.
    let channel: &Channel = Box::leak(Box::new(Channel {
        query: Cell::new(String::from(query)),
        is_query_outdated: Cell::new(false),
        on_message: Cell::new(on_message),
        socket: Cell::new(None),
        has_received: Cell::new(false),
        is_shown_offline: Cell::new(false),
        sign_of_life: Cell::new(0),
        backoff: Cell::new(INITIAL_BACKOFF),
        is_signing_out: Cell::new(false),
    }));
    let _ = CHANNEL.try_with(|current| current.set(Some(channel)));
    channel.listen();
    channel.connect();
}

/// Changes the query, and sends it to the server: at once if the channel is connected, or as soon as it is.
/// Does nothing before [`open`].
pub fn set_query(query: &str) {
    if let Some(channel) = current() {
        channel.query.set(String::from(query));
        channel.send_query();
    }
}

/// Returns the channel. `None` until it is opened. `LocalKey::get` would add code that panics.
fn current() -> Option<&'static Channel> {
    CHANNEL.try_with(Cell::get).ok()?
}

impl Channel {
    fn listen(&'static self) {
        events::listen(&page::window(), "offline", move |_| self.show_connected(false));
        events::listen(&page::window(), "submit", move |event| {
            if closest_target(&event, "form[action='/api/ui/sign_out']").is_some() {
                self.is_signing_out.set(true);
                // The user may have stopped it.
                after(SIGN_OUT_TIMEOUT, move || self.is_signing_out.set(false));
            }
        });
        // The link of the notice leads to the list, so there is nothing more to announce.
        events::listen(&page::window(), "click", |event| {
            if closest_target(&event, ".status-sign-in a").is_some() {
                page::announce("status-sign-in", "");
            }
        });
    }

    fn connect(&'static self) {
        self.has_received.set(false);
        self.is_query_outdated.set(false);
        self.renew_silence();
        let origin = page::window().location().origin().unwrap_or_default(); // a loaded page has an origin
        let Ok(socket) = WebSocket::new(&channel_url(&origin, &self.query())) else { return self.reconnect() };
        socket.set_binary_type(BinaryType::Arraybuffer);
        socket.set_onmessage(Some(&function(move |event| {
            self.receive(&event.unchecked_into::<MessageEvent>().data());
        })));
        // A connection that fails closes, too.
        socket.set_onclose(Some(&function(move |_| self.reconnect())));
        self.socket.set(Some(socket));
    }

    fn receive(&'static self, data: &JsValue) {
        self.renew_silence();
        if !self.has_received.replace(true) && self.is_query_outdated.get() {
            self.send_query();
        }
        self.show_connected(true);
        let Some(text) = data.as_string() else { return self.pass_on(data) };
        match Text::parse(&text) {
            Text::SignedOut => self.end(),
            Text::SignedIn(name) => page::announce("status-sign-in", &(String::from("New sign-in: ") + name + ".")),
            Text::Audit => refresh::start(),
            Text::Other => {}
        }
    }

    /// Passes a binary message on.
    fn pass_on(&self, data: &JsValue) {
        // Taken out of its cell while it runs, because it may call `set_query`.
        if let Some(mut on_message) = self.on_message.take() {
            on_message(&Uint8Array::new(data).unchecked_ref::<Bytes>().copied());
            self.on_message.set(Some(on_message));
        }
    }

    /// Drops the connection and opens another one after a pause, unless the session has ended. A plain request to the same path tells:
    /// browsers do not say why a WebSocket was refused. The request does not count as a use of the session.
    fn reconnect(&'static self) {
        self.disconnect();
        self.show_connected(false);
        http::get_status(PATH, move |status| if status == UNAUTHORIZED { self.end() } else { self.connect_later() });
    }

    fn connect_later(&'static self) {
        let backoff = if self.has_received.get() { INITIAL_BACKOFF } else { next_backoff(self.backoff.get()) };
        self.backoff.set(backoff);
        after((f64::from(backoff) * (0.5 + Math::random())) as i32, move || self.connect());
    }

    /// Redirects to the login page after the session ended elsewhere. Does nothing while the page signs out itself.
    fn end(&self) {
        self.disconnect();
        if !self.is_signing_out.get() {
            page::redirect_to_login();
        }
    }

    fn disconnect(&self) {
        self.count_sign_of_life();
        if let Some(socket) = self.socket.take() {
            // A dead connection may take minutes to close, and must not be heard of again.
            socket.set_onmessage(None);
            socket.set_onclose(None);
            let _ = socket.close();
        }
    }

    fn renew_silence(&'static self) {
        let number = self.count_sign_of_life();
        after(SILENCE_TIMEOUT, move || {
            if self.sign_of_life.get() == number {
                self.reconnect();
            }
        });
    }

    /// Invalidates the timer of the silence. Returns the new number.
    fn count_sign_of_life(&self) -> u32 {
        let number = self.sign_of_life.get().wrapping_add(1);
        self.sign_of_life.set(number);
        number
    }

    fn show_connected(&self, is_connected: bool) {
        // Only changes: every write to a status line may be announced.
        if self.is_shown_offline.replace(!is_connected) == is_connected {
            page::announce("status-offline", if is_connected { "" } else { "No connection. The list may be out of date." });
        }
    }

    /// Sends the query. If the connection is not open yet, it is sent with the first message that arrives.
    fn send_query(&self) {
        if let Some(socket) = self.socket.take() {
            self.is_query_outdated.set(socket.send_with_str(&self.query()).is_err());
            self.socket.set(Some(socket));
        }
    }

    fn query(&self) -> String {
        let query = self.query.take();
        self.query.set(query.clone());
        query
    }
}

/// A text message of the server.
#[derive(Debug, PartialEq)]
enum Text<'a> {
    /// The session of this page ended.
    SignedOut,
    /// Somebody signed in elsewhere, with a session of this name.
    SignedIn(&'a str),
    /// There are new audit events.
    Audit,
    /// A heartbeat, or a message of a later version.
    Other,
}

impl<'a> Text<'a> {
    fn parse(text: &'a str) -> Self {
        match text.strip_prefix("signed-in ") {
            Some(name) => Self::SignedIn(name),
            None if text == "signed-out" => Self::SignedOut,
            None if text == "audit" => Self::Audit,
            None => Self::Other,
        }
    }
}

/// Returns the URL of the channel: WebSockets have the schemes `ws` and `wss` where pages have `http` and `https`.
fn channel_url(origin: &str, query: &str) -> String {
    String::from("ws") + origin.strip_prefix("http").unwrap_or_default() + PATH + "?" + query
}

/// Returns the pause after another connection that failed at once.
fn next_backoff(last: u32) -> u32 {
    (last * 2).min(MAX_BACKOFF)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_told_apart() {
        let cases = [
            ("heartbeat", Text::Other),
            ("signed-out", Text::SignedOut),
            ("audit", Text::Audit),
            ("signed-in Safari on iPhone", Text::SignedIn("Safari on iPhone")),
            ("signed-in signed-out", Text::SignedIn("signed-out")),
            ("signed-out of something", Text::Other),
            ("{\"SignedOut\":null}", Text::Other),
        ];
        for (text, expected) in cases {
            assert_eq!(Text::parse(text), expected);
        }
    }

    #[test]
    fn the_url_has_the_scheme_of_a_web_socket() {
        assert_eq!(channel_url("http://127.0.0.1:3000", "show=25"), "ws://127.0.0.1:3000/live?show=25");
        assert_eq!(channel_url("https://example.com", ""), "wss://example.com/live?");
    }

    #[test]
    fn pauses_grow_to_three_seconds() {
        assert_eq!([next_backoff(1_000), next_backoff(2_000), next_backoff(3_000)], [2_000, 3_000, 3_000]);
    }
}
