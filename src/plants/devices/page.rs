//! The pages that create and edit a device.

use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_params_map;

use crate::{
    layout::{crumbs::Crumbs, frame::framed_with, narrow::query_parameter},
    plants::{
        deletion::DeletionDialog,
        devices::api::{DevicePage, edit_path, open_edit, open_new},
        model::Device,
        plant::api::plant_path,
    },
    ui::{
        field::{Field, FlashMessages},
        form_response::{Flash, with_query},
        icon::Icon,
    },
};

/// Kinds of devices that the form suggests. Any other may be entered.
const KINDS: [&str; 8] = ["inverter", "data logger", "camera", "network switch", "meter", "battery", "controller", "weather station"];

/// Fields that the address has if the form leads back after reauthentication.
const FIELDS: [&str; 4] = ["name", "kind", "host", "upgrades"];

/// The page that creates a device.
#[component]
pub fn NewDevicePage() -> impl IntoView {
    let entered = FIELDS.map(|field| (field, query_parameter(field)));
    framed_with(open_new(query_parameter("plant")), |page, flash| {
        let flash = flash.or_typed(entered);
        view! { <DeviceForm page flash title="Add a device".to_owned() action="/api/ui/create_device" submit="Add device" /> }.into_any()
    })
}

/// The page that edits a device.
#[component]
pub fn EditDevicePage() -> impl IntoView {
    let id = use_params_map().with_untracked(|params| params.get("id").unwrap_or_default()); // the route has it
    let is_deleting = query_parameter("confirm") == "delete";
    let entered = FIELDS.map(|field| (field, query_parameter(field)));
    framed_with(open_edit(id), move |page, mut flash| {
        let Some(Device { id, name, .. }) = page.device.clone() else { return ().into_any() }; // `open_edit` always finds one
        flash = flash.or_typed(entered);
        let dialog_flash = if is_deleting { std::mem::take(&mut flash) } else { Flash::default() };
        let dialog = is_deleting.then(|| {
            let (name, sentence, id) = (name.clone(), "It can no longer be opened here.".to_owned(), id.to_string());
            view! { <DeletionDialog name sentence action="/api/ui/delete_device" back=edit_path(&id) id flash=dialog_flash /> }
        });
        view! {
            <DeviceForm page flash title=format!("Edit {name}") action="/api/ui/edit_device" submit="Save" />
            {dialog}
        }
        .into_any()
    })
}

#[component]
fn DeviceForm(page: DevicePage, flash: Flash, title: String, action: &'static str, submit: &'static str) -> impl IntoView {
    let DevicePage { plant, device, suffixes } = page;
    let back = plant_path(&plant.id);
    let is_typed = flash.typed.contains_key("name");
    let value = |field: &str, saved: fn(&Device) -> String| match is_typed {
        true => flash.typed(field),
        false => device.as_ref().map(saved).unwrap_or_default(),
    };
    let (name, kind, host) = (value("name", |d| d.name.clone()), value("kind", |d| d.kind.clone()), value("host", |d| d.host.clone()));
    let upgrades = !value("upgrades", |d| if d.upgrades { "yes".to_owned() } else { String::new() }).is_empty();
    let saved = device.clone().filter(|device| is_typed && (device.name != name || device.kind != kind || device.host != host));
    let hidden = match &device {
        Some(device) => vec![("id", device.id.to_string()), ("version", device.version.to_string())],
        None => vec![("plant", plant.id.to_string())],
    };
    let hidden = hidden.into_iter().map(|(name, value)| view! { <input type="hidden" name=name value=value /> }).collect_view();
    let kinds = KINDS.map(|kind| view! { <option value=kind></option> });
    view! {
        <Title text=title.clone() />
        <Crumbs links=vec![("/plants".to_owned(), "Plants".to_owned()), (back.clone(), plant.name.clone())] />
        <h1>{title}</h1>
        <div class="form-page">
            <form class="card narrow-card" method="post" action=action data-sent>
                <FlashMessages flash />
                {saved.map(|saved| view! {
                    <p class="notice warning">"Saved is: "<strong>{saved.name}</strong>", "{saved.kind}", "{saved.host}"."</p>
                })}
                {hidden}
                <Field name="name" label="Name" autocomplete="off" value=name />
                <div class="field">
                    <label for="kind">"Kind"</label>
                    <input id="kind" name="kind" list="kinds" required autocomplete="off" value=kind />
                    <datalist id="kinds">{kinds}</datalist>
                </div>
                <Field name="host" label="Host name" autocomplete="off" value=host inputmode="url" hint="Without https:// and without a port." />
                <label class="check">
                    <input type="checkbox" name="upgrades" value="yes" checked=upgrades aria-describedby="upgrades-hint" />
                    <span>"Allow WebSockets"<small id="upgrades-hint">"An open one goes on after access was ended, until the proxy cuts it."</small></span>
                </label>
                <div class="buttons"><a class="outlined" href=back>"Cancel"</a><button class="primary">{submit}</button></div>
            </form>
            <Words suffixes id=device.map(|device| device.id.to_string()) />
        </div>
    }
}

/// The words beside the form.
#[component]
fn Words(suffixes: Vec<String>, id: Option<String>) -> impl IntoView {
    let hosts = match suffixes.as_slice() {
        [] => "A platform administrator must assign a domain to the organization first.".to_owned(),
        suffixes => format!("Host names lie under {}.", suffixes.join(" or ")),
    };
    let deletion = id.map(|id| {
        let path = with_query(&edit_path(&id), &[("confirm", "delete")]);
        view! { <li>{Icon::Trash.draw()}<span><a href=path>"Delete this device"</a><small>"Nobody can open it here any longer."</small></span></li> }
    });
    view! {
        <div class="aside">
            <h2>"The host name"</h2>
            <ul>
                <li>{Icon::Network.draw()}<span>{hosts}<small>"So that no organization can claim the devices of another."</small></span></li>
                <li>{Icon::Lock.draw()}<span>"It must lead to the reverse proxy"<small>"A device that also answers beside it is not protected."</small></span></li>
                {deletion}
            </ul>
        </div>
    }
}
