//! Form fields and form messages, rendered by the server. The crate `enhance` enhances them where a script runs.

use leptos::prelude::*;

use crate::{error::AppError, ui::form_response::Flash};

/// A text field with its label above. Its form name is also its id.
#[component]
pub fn Field(
    /// Form name and id.
    name: &'static str,
    /// The label.
    #[prop(into)]
    label: String,
    /// The `autocomplete` attribute, for password managers.
    autocomplete: &'static str,
    /// Initial value.
    #[prop(into, optional)]
    value: String,
    /// Input type: `text` or `email`.
    #[prop(default = "text")]
    kind: &'static str,
    /// Keyboard that a phone shows.
    #[prop(optional)]
    inputmode: Option<&'static str>,
    /// Help text below the field.
    #[prop(optional)]
    hint: Option<&'static str>,
    /// Whether the field may stay empty.
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

/// A field for several lines of text. Its form name is also its id.
#[component]
pub fn TextArea(
    /// Form name and id.
    name: &'static str,
    /// The label.
    #[prop(into)]
    label: String,
    /// Height in lines.
    #[prop(default = 2)]
    rows: u32,
    /// Initial value.
    #[prop(into, optional)]
    value: String,
    /// Help text below the field.
    #[prop(optional, into)]
    hint: Option<String>,
    /// Whether the field has the focus when its page or dialog opens.
    #[prop(optional)]
    autofocus: bool,
    /// Whether the field may stay empty.
    #[prop(optional)]
    optional: bool,
) -> impl IntoView {
    let hint_id = hint.as_ref().map(|_| format!("{name}-hint"));
    view! {
        <div class="field">
            <label for=name>{label}</label>
            <textarea id=name name=name rows=rows.to_string() required=!optional autofocus=autofocus aria-describedby=hint_id.clone()>{escape(&value)}</textarea>
            {hint.map(|hint| view! { <p class="hint" id=hint_id>{hint}</p> })}
        </div>
    }
}

/// Returns the content of a `textarea`: Leptos escapes that of every other element, but not this one's. A line break at its beginning is
/// doubled, because browsers drop the first.
pub fn escape(text: &str) -> String {
    let escaped = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    if escaped.starts_with(['\n', '\r']) { format!("\n{escaped}") } else { escaped }
}

/// A choice of one option. Its form name is also its id.
#[component]
pub fn SelectField(
    /// Form name and id.
    name: &'static str,
    /// The label.
    #[prop(into)]
    label: String,
    /// Value and text of each option.
    options: Vec<(String, String)>,
    /// Value of the selected option.
    #[prop(into, optional)]
    value: String,
    /// Help text below the field.
    #[prop(optional, into)]
    hint: Option<String>,
) -> impl IntoView {
    let hint_id = hint.as_ref().map(|_| format!("{name}-hint"));
    let option = |(key, text): (String, String)| {
        let is_selected = key == value;
        view! { <option value=key selected=is_selected>{text}</option> }
    };
    view! {
        <div class="field">
            <label for=name>{label}</label>
            <select id=name name=name aria-describedby=hint_id.clone()>{options.into_iter().map(option).collect_view()}</select>
            {hint.map(|hint| view! { <p class="hint" id=hint_id>{hint}</p> })}
        </div>
    }
}

/// A field for the current password. "Show" only appears where a script runs.
#[component]
pub fn PasswordField(
    /// Form name and id.
    #[prop(default = "password")]
    name: &'static str,
    /// The label.
    #[prop(default = "Password")]
    label: &'static str,
) -> impl IntoView {
    view! { <div class="field"><label for=name>{label}</label>{password_input(name, "current-password", None)}</div> }
}

/// A field for a new password, with a hint about its length and strength.
#[component]
pub fn NewPasswordField(
    /// Form name and id.
    #[prop(default = "password")]
    name: &'static str,
    /// The label.
    #[prop(default = "Password")]
    label: &'static str,
) -> impl IntoView {
    view! {
        <div class="field">
            <label for=name>{label}</label>
            {password_input(name, "new-password", Some("strength"))}
            <p class="hint" id="strength" aria-live="polite" data-strength-of=name>"At least 8 characters; 12 or more are better. Spaces count too."</p>
        </div>
    }
}

fn password_input(name: &'static str, autocomplete: &'static str, described_by: Option<&'static str>) -> impl IntoView {
    view! {
        <div class="password">
            <input id=name name=name type="password" autocomplete=autocomplete maxlength="1024" required aria-describedby=described_by />
            <button type="button" class="quiet needs-script" aria-pressed="false" aria-controls=name data-shows=name>
                <span>"Show"</span><span class="visually-hidden">" password"</span>
            </button>
        </div>
    }
}

/// The messages of the previous form submission: what was done, or why it was refused.
#[component]
pub fn FlashMessages(
    /// The flash of the previous submission.
    flash: Flash,
) -> impl IntoView {
    view! {
        {flash.notice.map(|notice| view! { <p class="notice" role="status">{notice}</p> })}
        <Failure failure=flash.failure />
    }
}

/// The reason why a form was refused. If the user only has to wait, a script counts the seconds down.
#[component]
pub fn Failure(
    /// The error. `None`: an empty alert for the script to fill.
    failure: Option<AppError>,
) -> impl IntoView {
    let seconds = failure.as_ref().and_then(AppError::wait_seconds).unwrap_or_default(); // no wait: no countdown
    let class = if failure.is_some() { "failure" } else { "failure is-empty" };
    view! { <div role="alert" class=class data-seconds=seconds>{failure.map(|failure| failure.to_string())}</div> }
}

/// Renders an error in place of a page or a part of it.
pub fn error_message(error: &AppError) -> AnyView {
    view! { <p role="alert" class="failure">{error.to_string()}</p> }.into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_of_a_field_is_no_markup() {
        let page = view! { <TextArea name="reason" label="Reason" value="</textarea><b>&amp;" /> }.to_html();
        assert!(page.contains(">&lt;/textarea&gt;&lt;b&gt;&amp;amp;</textarea>"), "{page}");
        assert_eq!(escape("\nfirst"), "\n\nfirst");
    }
}
