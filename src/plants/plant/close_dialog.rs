//! The dialog that closes remote access of a plant. Without a script it is a page of its own.

use leptos::prelude::*;

use crate::{
    permissions::model::MAX_REASON_CHARS,
    plants::plant::{api::plant_path, load::PlantPageData},
    ui::{
        field::{Failure, escape},
        form_response::Flash,
        number::count_of,
    },
};

/// Renders the dialog, with what an earlier try of it left.
pub fn close_dialog(data: &PlantPageData, flash: Flash) -> impl IntoView + use<> {
    let PlantPageData { plant, organization_name, may, owners, .. } = data;
    let page = plant_path(&plant.id);
    let cancel = page.clone();
    let devices = match plant.devices {
        0 => "nothing behind it answers".to_owned(),
        1 => "its only device answers nobody, you included".to_owned(),
        count => format!("its {} answer nobody, you included", count_of(count, "device")),
    };
    let reopening = if may.administer {
        "You can reopen it at any time.".to_owned()
    } else {
        format!("Only owners and administrators of {organization_name} can reopen it.")
    };
    let hint = match owners {
        0 => "It is kept in the audit log.".to_owned(),
        1 => "It is kept in the audit log and mailed to the owner.".to_owned(),
        count => format!("It is kept in the audit log and mailed to the {count} owners."),
    };
    let reason = flash.typed("reason");
    view! {
        <dialog open data-modal=page class="close-dialog" aria-labelledby="close-title" aria-describedby="close-text">
            <h2 id="close-title">{format!("Close remote access to {}?", plant.name)}</h2>
            <p id="close-text">{format!("From the next request on, {devices}. {reopening}")}</p>
            <form method="post" action="/api/ui/close_remote_access" data-sent>
                <Failure failure=flash.failure />
                <input type="hidden" name="plant" value=plant.id.to_string() />
                <div class="field">
                    <label for="reason">"Reason"</label>
                    <textarea id="reason" name="reason" rows="3" maxlength=MAX_REASON_CHARS.to_string() required autofocus
                        aria-describedby="reason-hint">{escape(&reason)}</textarea>
                    <p class="hint" id="reason-hint">{hint}</p>
                </div>
                <div class="buttons">
                    <a class="outlined" href=cancel>"Cancel"</a>
                    <button class="filled danger">"Close remote access"</button>
                </div>
            </form>
        </dialog>
    }
}
