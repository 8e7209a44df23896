//! What a script does for forms that the server drew: it sends them without leaving the page, so that nothing typed is lost
//! when they are refused; shows passwords and how strong they are; copies and prints; counts seconds down. Whatever it
//! does not reach works without it.

use gloo_net::http::{Request, Response};
use leptos::{ev, prelude::*, task::spawn_local};
use wasm_bindgen::JsCast;
use web_sys::{Element, Event, FormData, HtmlDialogElement, HtmlFormElement, HtmlInputElement, UrlSearchParams};

use crate::{
    error::AppError,
    ui::{browser, tab_keys},
};

/// Sent once it was not typed on for so long.
const TYPING: std::time::Duration = std::time::Duration::from_millis(300);

/// Helps with every form of this page, those that come later too.
pub fn help() {
    let _ = window_event_listener(ev::submit, |event| submit(&event));
    let _ = window_event_listener(ev::click, |event| click(&event));
    let _ = window_event_listener(ev::input, |event| input(&event));
    tab_keys::listen();
    count_down();
    open_dialog();
}

fn target(event: &Event, selector: &str) -> Option<Element> {
    event.target()?.dyn_into::<Element>().ok()?.closest(selector).ok()?
}

fn find(selector: &str) -> Option<Element> {
    document().query_selector(selector).ok()?
}

fn submit(event: &ev::SubmitEvent) {
    let Some(form) = target(event, "form[data-sent]").and_then(|form| form.dyn_into::<HtmlFormElement>().ok()) else { return };
    event.prevent_default();
    if form.has_attribute("aria-busy") {
        return;
    }
    let submitter = event.submitter();
    let _ = form.set_attribute("aria-busy", "true");
    spawn_local(async move {
        match send(&form, submitter.as_ref().map(AsRef::as_ref)).await {
            Ok(path) => browser::go(&path),
            Err(error) => {
                refuse(&form, &error);
                let _ = form.remove_attribute("aria-busy");
            }
        }
    });
}

/// Posts a form; where it leads.
async fn send(form: &HtmlFormElement, submitter: Option<&Element>) -> Result<String, AppError> {
    let fields = FormData::new_with_form(form).ok().and_then(|data| UrlSearchParams::new_with_str_sequence_sequence(&data).ok());
    let fields = fields.ok_or(AppError::NoAnswer)?;
    if let Some((name, value)) = submitter.and_then(|button| Some((button.get_attribute("name")?, button.get_attribute("value")?))) {
        fields.append(&name, &value);
    }
    // A button may send the form elsewhere.
    let elsewhere = submitter.and_then(|button| button.get_attribute("formaction"));
    let answer = post(&elsewhere.unwrap_or_else(|| form.action()), String::from(fields.to_string())).await?;
    let text = answer.binary().await.map_err(|_| AppError::NoAnswer)?;
    if answer.ok() {
        return serde_json::from_slice(&text).map_err(|_| AppError::NoAnswer);
    }
    Err(serde_json::from_slice(&text).unwrap_or(AppError::NoAnswer))
}

async fn post(address: &str, body: String) -> Result<Response, AppError> {
    let request = Request::post(address).header("accept", "application/json").header("content-type", "application/x-www-form-urlencoded");
    request.body(body).map_err(|_| AppError::NoAnswer)?.send().await.map_err(|_| AppError::NoAnswer)
}

/// Says why, and leads to the field that it is about.
fn refuse(form: &HtmlFormElement, error: &AppError) {
    if let Some(alert) = form.query_selector("[role=alert]").ok().flatten() {
        remove_countdown(&alert);
        alert.set_text_content(Some(&error.to_string()));
        let _ = alert.set_attribute("class", "failure");
        let _ = alert.set_attribute("data-seconds", &error.wait().unwrap_or_default().to_string());
    }
    let field = match error {
        AppError::Invalid { field, .. } => format!("#{field}"),
        _ => "#password, #code".to_owned(),
    };
    browser::focus(&field);
}

fn click(event: &ev::MouseEvent) {
    if let Some(button) = target(event, "[data-shows]") {
        show(&button);
    } else if let Some(button) = target(event, "[data-copies]") {
        copy(&button);
    } else if target(event, "[data-prints]").is_some() {
        let _ = window().print();
    }
}

/// Shows a password, or hides it again.
fn show(button: &Element) {
    let Some(field) = button.get_attribute("data-shows").and_then(|name| document().get_element_by_id(&name)) else { return };
    let is_shown = field.get_attribute("type").is_some_and(|kind| kind == "text");
    let _ = field.set_attribute("type", if is_shown { "password" } else { "text" });
    let _ = button.set_attribute("aria-pressed", if is_shown { "false" } else { "true" });
    if let Some(word) = button.first_element_child() {
        word.set_text_content(Some(if is_shown { "Show" } else { "Hide" }));
    }
}

fn copy(button: &Element) {
    let text =
        button.get_attribute("data-copies").and_then(|name| document().get_element_by_id(&name)).and_then(|text| text.text_content());
    let copied = text.map(|text| window().navigator().clipboard().write_text(&text));
    let button = button.clone();
    spawn_local(async move {
        if let Some(copied) = copied {
            let words = if wasm_bindgen_futures::JsFuture::from(copied).await.is_ok() { "Copied" } else { "Could not copy" };
            button.set_text_content(Some(words));
        }
    });
}

/// Asks how strong a password is, once nobody types on.
fn input(event: &Event) {
    let Some(field) = target(event, "input").and_then(|field| field.dyn_into::<HtmlInputElement>().ok()) else { return };
    let Some(words) = find(&format!("[data-strength-of=\"{}\"]", field.id())) else { return };
    let typed = field.value();
    let ask = move || {
        if field.value() == typed && !typed.is_empty() {
            spawn_local(async move {
                if let Some(strength) = strength(&typed).await
                    && field.value() == typed
                {
                    // The first character is the score, for the style sheet.
                    let _ = words.set_attribute("data-score", &strength[..1]);
                    words.set_text_content(Some(&strength[1..]));
                }
            });
        }
    };
    set_timeout(ask, TYPING);
}

async fn strength(password: &str) -> Option<String> {
    let body = serde_urlencoded::to_string([("password", password)]).ok()?;
    let answer = post("/api/ui/password_strength", body).await.ok().filter(Response::ok)?;
    serde_json::from_slice(&answer.binary().await.ok()?).ok()
}

/// Counts the wait of "Too many attempts" down for whoever looks at it. A screen reader announces each change of an alert, so
/// the alert says the wait once, and then that it is over; the seconds tick beside it.
fn count_down() {
    let tick = || {
        let Some(alert) = find("[data-seconds]:not([data-seconds='0'])") else { return };
        let seconds = alert.get_attribute("data-seconds").and_then(|seconds| seconds.parse().ok()).unwrap_or(0_u64).saturating_sub(1);
        let _ = alert.set_attribute("data-seconds", &seconds.to_string());
        if seconds > 0 {
            let _ = alert.set_attribute("class", "visually-hidden");
            show_countdown(&alert, &AppError::TooManyAttempts { seconds }.to_string());
        } else {
            remove_countdown(&alert);
            let _ = alert.set_attribute("class", "notice");
            alert.set_text_content(Some("You can try again now."));
        }
    };
    let _ = set_interval_with_handle(tick, std::time::Duration::from_secs(1));
}

/// Shows these words next to an alert, hidden from screen readers.
fn show_countdown(alert: &Element, words: &str) {
    let countdown = countdown(alert).or_else(|| {
        let new = document().create_element("div").ok()?;
        new.set_attribute("class", "failure").ok()?;
        new.set_attribute("aria-hidden", "true").ok()?;
        alert.insert_adjacent_element("afterend", &new).ok()?
    });
    if let Some(countdown) = countdown {
        countdown.set_text_content(Some(words));
    }
}

fn remove_countdown(alert: &Element) {
    if let Some(countdown) = countdown(alert) {
        countdown.remove();
    }
}

fn countdown(alert: &Element) -> Option<Element> {
    alert.next_element_sibling().filter(|next| next.has_attribute("aria-hidden"))
}

/// A dialog that the server drew open becomes one that holds the focus. Escape leads where its "Cancel" does.
fn open_dialog() {
    let Some(dialog) = find("dialog[data-modal]").and_then(|dialog| dialog.dyn_into::<HtmlDialogElement>().ok()) else { return };
    dialog.close();
    let _ = dialog.show_modal();
    let _ = window_event_listener(ev::keydown, move |event| {
        if event.key() == "Escape" {
            browser::go(&dialog.get_attribute("data-modal").unwrap_or_default()); // asked for above
        }
    });
}
