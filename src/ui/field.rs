//! Fields of a form, and the words when it was refused. Drawn by the server; `ui/helps.rs` makes them pleasant where a
//! script runs.

use leptos::prelude::*;

use crate::{error::AppError, ui::plain_form::Flash};

/// A text field with its label above. Its name for the form is its id too.
#[component]
pub fn Field(
    /// Name in the form, and id.
    name: &'static str,
    /// The label.
    #[prop(into)]
    label: String,
    /// What a password manager puts in.
    autocomplete: &'static str,
    /// What is in it at first.
    #[prop(into, optional)]
    value: String,
    /// `text`, `email`.
    #[prop(default = "text")]
    kind: &'static str,
    /// Which keyboard a phone shows.
    #[prop(optional)]
    inputmode: Option<&'static str>,
    /// Help below it.
    #[prop(optional)]
    hint: Option<&'static str>,
    /// Whether it may stay empty.
    #[prop(optional)]
    optional: bool,
) -> impl IntoView {
    let hint_id = hint.map(|_| format!("{name}-hint"));
    view! {
        <div class="field">
            <label for=name>{label}</label>
            <input id=name name=name type=kind value=value autocomplete=autocomplete inputmode=inputmode autocapitalize="none" spellcheck="false"
                required=!optional aria-describedby=hint_id.clone() />
            {hint.map(|hint| view! { <p class="hint" id=hint_id>{hint}</p> })}
        </div>
    }
}

/// A password that is known. "Show" appears where a script can make it work.
#[component]
pub fn PasswordField(
    /// Name in the form, and id.
    #[prop(default = "password")]
    name: &'static str,
    /// The label.
    #[prop(default = "Password")]
    label: &'static str,
) -> impl IntoView {
    view! { <div class="field"><label for=name>{label}</label>{password(name, "current-password", None)}</div> }
}

/// A password that is chosen, with help: how long it may be, and how strong it is.
#[component]
pub fn NewPasswordField(
    /// Name in the form, and id.
    #[prop(default = "password")]
    name: &'static str,
    /// The label.
    #[prop(default = "Password")]
    label: &'static str,
) -> impl IntoView {
    view! {
        <div class="field">
            <label for=name>{label}</label>
            {password(name, "new-password", Some("strength"))}
            <p class="hint" id="strength" aria-live="polite" data-strength-of=name>"At least 8 characters; 12 or more are better. Spaces count too."</p>
        </div>
    }
}

fn password(name: &'static str, autocomplete: &'static str, described_by: Option<&'static str>) -> impl IntoView {
    view! {
        <div class="password">
            <input id=name name=name type="password" autocomplete=autocomplete maxlength="1024" required aria-describedby=described_by />
            <button type="button" class="quiet needs-script" aria-pressed="false" aria-controls=name data-shows=name>
                <span>"Show"</span><span class="visually-hidden">" password"</span>
            </button>
        </div>
    }
}

/// What the page before wants said of this form: what was done, or why it was refused.
#[component]
pub fn Said(
    /// What the page before said.
    flash: Flash,
) -> impl IntoView {
    view! {
        {flash.notice.map(|words| view! { <p class="notice" role="status">{words}</p> })}
        <Failure failure=flash.failure />
    }
}

/// Why a form was refused. Where that passes by itself, `ui/helps.rs` counts the seconds down.
#[component]
pub fn Failure(
    /// What went wrong, if anything.
    failure: Option<AppError>,
) -> impl IntoView {
    let seconds = failure.as_ref().and_then(AppError::wait).unwrap_or_default(); // no wait: nothing counts
    let class = if failure.is_some() { "failure" } else { "failure is-empty" };
    view! { <div role="alert" class=class data-seconds=seconds>{failure.map(|failure| failure.to_string())}</div> }
}
