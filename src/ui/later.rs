//! Hydration in short tasks: a long list does not keep the page from handling input.

use leptos::{
    prelude::*,
    reactive::owner::Owner,
    tachys::{
        html::attribute::{Attribute, any_attribute::AnyAttribute},
        hydration::Cursor,
        view::{Position, PositionState, Render, RenderHtml, add_attr::AddAnyAttr},
    },
};
use std::{cell::RefCell, rc::Rc};

/// All children of an element, hydrated in a later task. Until then the element shows what the server rendered.
pub struct Later<F> {
    view: F,
    owner: Owner,
}

/// Renders the children of an element, which has no others, and hydrates them in a later task.
pub fn later<V: IntoView, F: FnOnce() -> V + Send + 'static>(view: F) -> Later<F> {
    Later { view, owner: Owner::current().unwrap_or_default() }
}

impl<V: IntoView, F: FnOnce() -> V> Later<F> {
    /// Creates the view and passes it on.
    fn with_view<T>(self, then: impl FnOnce(View<V>) -> T) -> T {
        let Self { view, owner } = self;
        owner.with(|| then(view().into_view()))
    }
}

impl<V: IntoView + 'static, F: FnOnce() -> V + Send + 'static> Render for Later<F> {
    /// `None` until it is hydrated.
    type State = Rc<RefCell<Option<<View<V> as Render>::State>>>;

    fn build(self) -> Self::State {
        Rc::new(RefCell::new(Some(self.with_view(Render::build))))
    }

    fn rebuild(self, state: &mut Self::State) {
        if let Some(state) = state.borrow_mut().as_mut() {
            self.with_view(|view| view.rebuild(state));
        }
    }
}

impl<V: IntoView + 'static, F: FnOnce() -> V + Send + 'static> AddAnyAttr for Later<F> {
    type Output<SomeNewAttr: Attribute> = Self;

    fn add_any_attr<NewAttr: Attribute>(self, _: NewAttr) -> Self::Output<NewAttr> {
        self
    }
}

impl<V: IntoView + 'static, F: FnOnce() -> V + Send + 'static> RenderHtml for Later<F> {
    type AsyncOutput = Self;
    type Owned = Self;
    const MIN_LENGTH: usize = V::MIN_LENGTH;

    fn dry_resolve(&mut self) {}

    async fn resolve(self) -> Self {
        self
    }

    fn to_html_with_buf(
        self,
        buf: &mut String,
        position: &mut Position,
        escape: bool,
        mark_branches: bool,
        extra_attrs: Vec<AnyAttribute>,
    ) {
        self.with_view(|view| view.to_html_with_buf(buf, position, escape, mark_branches, extra_attrs));
    }

    #[cfg_attr(not(feature = "hydrate"), expect(unused_variables, reason = "only a browser hydrates"))]
    fn hydrate<const FROM_SERVER: bool>(self, cursor: &Cursor, _: &PositionState) -> Self::State {
        let state = Self::State::default();
        #[cfg(feature = "hydrate")]
        {
            use wasm_bindgen::JsCast;
            let (element, is_wanted) = (cursor.current(), Rc::downgrade(&state));
            tasks::add_part(move || {
                // The element may have been removed meanwhile.
                if let Some(state) = is_wanted.upgrade() {
                    let hydrate =
                        |view: View<V>| view.hydrate::<FROM_SERVER>(&Cursor::new(element.unchecked_into()), &PositionState::default());
                    *state.borrow_mut() = Some(self.with_view(hydrate));
                }
            });
        }
        state
    }

    fn into_owned(self) -> Self {
        self
    }
}

#[cfg(feature = "hydrate")]
pub use tasks::{add_part, run, when_hydrated};

/// What is left to do until the page is hydrated.
#[cfg(feature = "hydrate")]
mod tasks {
    use std::{cell::RefCell, collections::VecDeque, time::Duration};

    use leptos::prelude::set_timeout;

    type Task = Box<dyn FnOnce()>;

    /// How long the parts of one task may take, in milliseconds: four times as long on a slow phone, which is still below the 50 ms from
    /// which on a task counts as long.
    const TASK_MILLISECONDS: f64 = 10.0;

    thread_local! {
        static PARTS: RefCell<VecDeque<Task>> = const { RefCell::new(VecDeque::new()) };
        static LAST: RefCell<VecDeque<Task>> = const { RefCell::new(VecDeque::new()) };
    }

    /// Adds the hydration of a part of the page.
    pub fn add_part(part: impl FnOnce() + 'static) {
        PARTS.with_borrow_mut(|parts| parts.push_back(Box::new(part)));
    }

    /// Calls this function when every part is hydrated. What changes a part must wait for that: hydration takes it for what the server
    /// rendered.
    pub fn when_hydrated(last: impl FnOnce() + 'static) {
        LAST.with_borrow_mut(|all| all.push_back(Box::new(last)));
    }

    /// Hydrates the parts in short tasks.
    pub fn run() {
        set_timeout(run_next, Duration::ZERO);
    }

    fn run_next() {
        let next = || PARTS.with_borrow_mut(VecDeque::pop_front).or_else(|| LAST.with_borrow_mut(VecDeque::pop_front));
        let end = js_sys::Date::now() + TASK_MILLISECONDS;
        while let Some(task) = next() {
            task();
            if js_sys::Date::now() >= end {
                return run();
            }
        }
    }
}
