//! What a page asks the server for before it shows it. The answer comes with the page's HTML; a browser asks only where it
//! went on to a page by itself.

use std::{any::Any, convert::Infallible, fmt, pin::Pin, str::FromStr, sync::Arc};

use leptos::prelude::*;
use serde::{Serialize, de::DeserializeOwned};

use crate::error::AppError;

/// Shows what `ask` answers, by `view`; and its words where it fails.
///
/// Whatever the answer's type, waiting for it is one type: a page loads that code once, and not once a question.
pub fn loaded<T, A>(
    ask: impl Fn() -> A + Send + Sync + 'static,
    view: impl Fn(Result<T, AppError>) -> AnyView + Send + Sync + 'static,
) -> AnyView
where
    T: Clone + Serialize + DeserializeOwned + Send + Sync + 'static,
    A: Future<Output = Result<T, AppError>> + Send + 'static,
{
    let ask = move || {
        let answer = ask();
        Box::pin(async move { Answer::new(answer.await) }) as Asked
    };
    show(Box::new(ask), Arc::new(move |answer| view(answer.read())))
}

/// The words of a failure, where a page or a part of it would be.
pub fn failed(error: &AppError) -> AnyView {
    view! { <p role="alert" class="failure">{error.to_string()}</p> }.into_any()
}

type Asked = Pin<Box<dyn Future<Output = Answer> + Send>>;

fn show(ask: Box<dyn Fn() -> Asked + Send + Sync>, view: Arc<dyn Fn(Answer) -> AnyView + Send + Sync>) -> AnyView {
    let answer = Resource::new_str(|| (), move |()| ask());
    view! {
        <Suspense>
            {move || {
                let view = view.clone();
                Suspend::new(async move { view(answer.await) })
            }}
        </Suspense>
    }
    .into_any()
}

/// An answer of any type: what was answered here, or the JSON of what was answered on the server.
#[derive(Clone)]
struct Answer {
    here: Option<Arc<dyn Any + Send + Sync>>,
    json: String,
}

impl Answer {
    fn new<T: Serialize + Send + Sync + 'static>(answer: Result<T, AppError>) -> Self {
        // Only the server's answer travels.
        let json = if cfg!(feature = "ssr") { serde_json::to_string(&answer).expect("what doors answer is JSON") } else { String::new() };
        Self { here: Some(Arc::new(answer)), json }
    }

    fn read<T: Clone + DeserializeOwned + 'static>(&self) -> Result<T, AppError> {
        match self.here.as_ref().and_then(|here| here.downcast_ref::<Result<T, AppError>>()) {
            Some(answer) => answer.clone(),
            None => serde_json::from_slice(self.json.as_bytes()).unwrap_or(Err(AppError::NoAnswer)),
        }
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.json)
    }
}

impl FromStr for Answer {
    type Err = Infallible;

    fn from_str(json: &str) -> Result<Self, Infallible> {
        Ok(Self { here: None, json: json.to_owned() })
    }
}
