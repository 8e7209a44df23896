//! Hydration in short tasks: a long list does not keep the page from handling input.

use std::{cell::RefCell, rc::Rc};

use leptos::{
    prelude::*,
    reactive::owner::Owner,
    tachys::{
        html::attribute::{Attribute, any_attribute::AnyAttribute},
        hydration::Cursor,
        view::{Position, PositionState, Render, RenderHtml, add_attr::AddAnyAttr},
    },
};

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
            let (element, weak_state) = (cursor.current(), Rc::downgrade(&state));
            tasks::add_part(move || {
                // The element may have been removed meanwhile.
                if let Some(state) = weak_state.upgrade() {
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
pub use tasks::{hydrate_now, run, when_hydrated};

/// What is left to do until the page is hydrated.
#[cfg(feature = "hydrate")]
mod tasks {
    use std::{cell::RefCell, thread::LocalKey, time::Duration};

    use leptos::prelude::{document, set_timeout};

    type Queue = RefCell<Vec<Box<dyn FnOnce()>>>;

    /// A task ends with the part that exceeds this many milliseconds, so that it stays below the 50 from which on a task counts as long.
    const TASK_MILLISECONDS: f64 = 10.0;

    thread_local! {
        static PARTS: Queue = const { RefCell::new(Vec::new()) };
        static LAST: Queue = const { RefCell::new(Vec::new()) };
    }

    fn add(queue: &'static LocalKey<Queue>, task: Box<dyn FnOnce()>) {
        queue.with_borrow_mut(|tasks| tasks.push(task));
    }

    fn next(queue: &'static LocalKey<Queue>) -> Option<Box<dyn FnOnce()>> {
        queue.with_borrow_mut(|tasks| (!tasks.is_empty()).then(|| tasks.remove(0)))
    }

    /// Adds the hydration of a part of the page.
    pub(super) fn add_part(part: impl FnOnce() + 'static) {
        add(&PARTS, Box::new(part));
    }

    /// Calls this function when every part is hydrated. What changes a part must wait for that or call [`hydrate_now`], because hydration
    /// assumes that the HTML shows the current state.
    pub fn when_hydrated(last: impl FnOnce() + 'static) {
        add(&LAST, Box::new(last));
    }

    /// Hydrates the page in short tasks: this part, then those that it leaves for later.
    pub fn run(first: impl FnOnce() + 'static) {
        add_part(first);
        continue_later();
    }

    /// Hydrates at once what is left.
    pub fn hydrate_now() {
        while let Some(part) = next(&PARTS) {
            part();
        }
    }

    fn continue_later() {
        set_timeout(run_next, Duration::ZERO);
    }

    fn run_next() {
        let start = js_sys::Date::now();
        // A hidden page gets no input, and only one task a second.
        let is_over = || js_sys::Date::now() - start >= TASK_MILLISECONDS && !document().hidden();
        while let Some(task) = next(&PARTS).or_else(|| next(&LAST)) {
            task();
            if is_over() {
                return continue_later();
            }
        }
    }
}
