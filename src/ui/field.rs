//! A labelled field, and the words when a form was refused.

use leptos::prelude::*;

use crate::{
    error::AppError,
    ui::dynamic::{aria, flag, words},
};

/// A text field with its label above. Its name for the form is its id too.
#[component]
pub fn Field(
    /// Name in the form, and id.
    name: &'static str,
    /// The label.
    label: &'static str,
    /// What a password manager puts in.
    autocomplete: &'static str,
    /// What is in it at first.
    #[prop(into, optional)]
    value: String,
    /// `text`, `email`.
    #[prop(default = "text")]
    kind: &'static str,
    /// Help below it.
    #[prop(optional)]
    hint: Option<&'static str>,
) -> impl IntoView {
    let hint_id = hint.map(|_| format!("{name}-hint"));
    view! {
        <div class="field">
            <label for=name>{label}</label>
            <input id=name name=name type=kind value=value autocomplete=autocomplete autocapitalize="none" spellcheck="false" required
                aria-describedby=hint_id.clone() />
            {hint.map(|hint| view! { <p class="hint" id=hint_id>{hint}</p> })}
        </div>
    }
}

/// A password field; "Show" appears where a script can make it work.
#[component]
pub fn PasswordField(
    /// `current-password` or `new-password`.
    autocomplete: &'static str,
    /// Help below it.
    #[prop(optional)]
    hint: Option<&'static str>,
) -> impl IntoView {
    let is_shown = RwSignal::new(false);
    let hint_id = hint.map(|_| "password-hint");
    view! {
        <div class="field">
            <label for="password">"Password"</label>
            <div class="password">
                <input id="password" name="password" type=words(move || if is_shown.get() { "text" } else { "password" }.to_owned())
                    autocomplete=autocomplete required aria-describedby=hint_id />
                <button type="button" class="quiet needs-script" aria-pressed=aria(move || is_shown.get()) aria-controls="password"
                    on:click=move |_| is_shown.update(|shown| *shown = !*shown)>
                    {words(move || if is_shown.get() { "Hide" } else { "Show" }.to_owned())}
                    <span class="visually-hidden">" password"</span>
                </button>
            </div>
            {hint.map(|hint| view! { <p class="hint" id=hint_id>{hint}</p> })}
        </div>
    }
}

/// Why a form was refused. Where that passes by itself, it says how long it still takes.
#[component]
pub fn Failure(
    /// What went wrong, if anything.
    failure: RwSignal<Option<AppError>>,
) -> impl IntoView {
    #[cfg(feature = "hydrate")]
    count_down(failure);
    view! {
        <div role="alert" class="failure" class:is-empty=flag(move || failure.with(Option::is_none))>
            {words(move || failure.get().map(|failure| failure.to_string()).unwrap_or_default())}
        </div>
    }
}

/// The wait of "Too many attempts" goes by while one looks.
#[cfg(feature = "hydrate")]
fn count_down(failure: RwSignal<Option<AppError>>) {
    let tick = move || {
        let Some(AppError::TooManyAttempts { seconds }) = failure.get_untracked() else { return };
        failure.set((seconds > 1).then_some(AppError::TooManyAttempts { seconds: seconds.saturating_sub(1) }));
    };
    if let Ok(ticking) = set_interval_with_handle(tick, std::time::Duration::from_secs(1)) {
        on_cleanup(move || ticking.clear());
    }
}
