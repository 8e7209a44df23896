//! Event listeners, timers and promises. All of them share one type of closure, because each type adds code on both sides.

use js_sys::{Function, Promise};
use wasm_bindgen::{JsCast, JsValue, closure::Closure};
use web_sys::{Element, Event, EventTarget};

use crate::page::window;

type Handler = Box<dyn FnMut(JsValue)>;

/// Calls `handle` for every event of this name, for the lifetime of the target.
pub fn listen(target: &EventTarget, name: &str, mut handle: impl FnMut(Event) + 'static) {
    let listener = function(move |event| handle(event.unchecked_into()));
    // This fails only for a listener that is not a function.
    let _ = target.add_event_listener_with_callback(name, &listener);
}

/// Calls `handle` once, after so many milliseconds. It cannot be canceled: the ids of a test's clock do not fit
/// into web-sys' `i32`.
pub fn after(milliseconds: i32, handle: impl FnOnce() + 'static) {
    let handle = function_of(once(|_| handle()));
    // This and the next fail only for a handler that is not a function.
    let _ = window().set_timeout_with_callback_and_timeout_and_arguments_0(&handle, milliseconds);
}

/// Calls `handle` every so many milliseconds, for the lifetime of the page.
pub fn every(milliseconds: i32, mut handle: impl FnMut() + 'static) {
    let handle = function(move |_| handle());
    let _ = window().set_interval_with_callback_and_timeout_and_arguments_0(&handle, milliseconds);
}

/// Calls `handle` with the value of a promise, or with its error. `handle` can tell which by the type.
pub fn settle(promise: &Promise, handle: impl FnOnce(JsValue) + 'static) {
    let callback = callback(once(handle));
    let _ = promise.then2(&callback, &callback);
    let _ = callback.into_js_value(); // see `function`
}

/// Returns a function for JavaScript. It frees its closure when JavaScript drops it.
pub fn function(handle: impl FnMut(JsValue) + 'static) -> Function {
    function_of(Box::new(handle))
}

/// Returns the element around the target of an event that matches the selector.
pub fn closest_target(event: &Event, selector: &str) -> Option<Element> {
    // The target may be the document, which is no element.
    event.target()?.dyn_into::<Element>().ok()?.closest(selector).ok()?
}

fn once(handle: impl FnOnce(JsValue) + 'static) -> Handler {
    let mut handle = Some(handle);
    Box::new(move |value| {
        if let Some(handle) = handle.take() {
            handle(value);
        }
    })
}

fn function_of(handle: Handler) -> Function {
    callback(handle).into_js_value().unchecked_into()
}

fn callback(handle: Handler) -> Closure<dyn FnMut(JsValue)> {
    Closure::wrap_aborting(handle)
}
