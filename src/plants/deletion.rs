//! The dialog that deletes something: it says what goes with it, and asks for the name.

use leptos::prelude::*;

use crate::{
    error::AppError,
    plants::{actions::Contents, model::normalize_name},
    ui::{
        field::{Field, FlashMessages},
        form_response::Flash,
        number::count_of,
    },
};

/// The dialog.
#[component]
pub fn DeletionDialog(
    /// Name of what is deleted.
    name: String,
    /// What goes with it, as a sentence.
    sentence: String,
    /// URL that the form is sent to.
    action: &'static str,
    /// Id of what is deleted.
    id: String,
    /// Where "Cancel" leads.
    back: String,
    /// What came of the last submission.
    flash: Flash,
    /// Further fields.
    #[prop(optional)]
    children: Option<Children>,
) -> impl IntoView {
    let cancel = back.clone();
    view! {
        <dialog open data-modal=back aria-labelledby="delete" class="step">
            <h2 id="delete">"Delete "{name.clone()}"?"</h2>
            <p>{sentence}" This cannot be undone."</p>
            <form method="post" action=action data-sent>
                <FlashMessages flash />
                <input type="hidden" name="id" value=id />
                {children.map(|children| children())}
                <Field name="confirmed" label=format!("Enter “{name}” to confirm") autocomplete="off" />
                <div class="buttons">
                    <a class="outlined" href=cancel>"Cancel"</a>
                    <button class="filled danger">"Delete"</button>
                </div>
            </form>
        </dialog>
    }
}

/// Checks the name that was entered to confirm a deletion.
///
/// Errors: it is another name.
pub fn check_confirmed(entered: &str, name: &str) -> Result<(), AppError> {
    let message = "This is not the name. Enter it as it is shown.";
    if normalize_name(entered) == normalize_name(name) { Ok(()) } else { Err(AppError::invalid("confirmed", message)) }
}

/// Says what goes with a deletion: "2 plants, 12 devices and 3 grants go with it."
pub fn sentence(contents: Contents, counts_plants: bool) -> String {
    let Contents { portfolios, plants, devices, grants } = contents;
    let all = [
        (portfolios, "portfolio", counts_plants && portfolios > 1),
        (plants, "plant", counts_plants),
        (devices, "device", true),
        (grants, "grant", true),
    ];
    let shown = all.into_iter().filter(|(number, _, is_shown)| *is_shown && *number > 0);
    let parts: Vec<_> = shown.map(|(number, noun, _)| count_of(number, noun)).collect();
    match parts.split_last() {
        None => "Nothing else goes with it.".to_owned(),
        Some((last, [])) => format!("{last} {} with it.", if last.starts_with("1 ") { "goes" } else { "go" }),
        Some((last, first)) => format!("{} and {last} go with it.", first.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sentence_names_what_there_is() {
        let contents = |plants, devices, grants| Contents { portfolios: 1, plants, devices, grants };
        assert_eq!(sentence(contents(2, 12, 3), true), "2 plants, 12 devices and 3 grants go with it.");
        assert_eq!(sentence(contents(1, 1, 0), false), "1 device goes with it.");
        assert_eq!(sentence(contents(1, 0, 0), false), "Nothing else goes with it.");
    }

    #[test]
    fn the_name_confirms_in_any_case() {
        assert!(check_confirmed(" solarpark SÜD", "Solarpark Süd").is_ok() && check_confirmed("Solarpark", "Solarpark Süd").is_err());
    }
}
