//! Parts of a page that change. Each is one type whatever it says, so that a page loads its code once and not once a use.

use leptos::prelude::*;

/// Words that change.
pub fn words(say: impl Fn() -> String + Send + Sync + 'static) -> Signal<String> {
    Signal::derive(say)
}

/// A state that changes.
pub fn flag(is: impl Fn() -> bool + Send + Sync + 'static) -> Signal<bool> {
    Signal::derive(is)
}

/// A state that changes, as ARIA writes it.
pub fn aria(is: impl Fn() -> bool + Send + Sync + 'static) -> Signal<String> {
    words(move || is().to_string())
}

/// A view that is made anew whenever what it reads changes.
pub fn dynamic(view: impl Fn() -> AnyView + Send + Sync + 'static) -> AnyView {
    run(ViewFn::from(view))
}

fn run(view: ViewFn) -> AnyView {
    (move || view.run()).into_any()
}

/// A view that is there or not. While it is there it stays the same one.
pub fn when(is: impl Fn() -> bool + Send + Sync + 'static, view: impl Fn() -> AnyView + Send + Sync + 'static) -> AnyView {
    let is = Memo::new(move |_| is());
    dynamic(move || if is.get() { view() } else { ().into_any() })
}
