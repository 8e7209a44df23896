//! The devices of a plant.

use leptos::prelude::*;

use crate::{
    plants::{
        devices::api::{edit_path, new_path},
        model::{Device, normalize_name},
        plant::{
            api::plant_path,
            load::{PlantPageData, SHOWN_AT_MOST},
        },
    },
    ui::{form_response::with_query, icon::Icon, number::count_of},
};

/// Words in the kind of a device, and the icon of such a device.
const ICONS: [(&str, Icon); 8] = [
    ("inverter", Icon::Cpu),
    ("logger", Icon::Database),
    ("camera", Icon::Camera),
    ("switch", Icon::Network),
    ("router", Icon::Network),
    ("network", Icon::Network),
    ("meter", Icon::Gauge),
    ("battery", Icon::Battery),
];

/// Renders the region of the devices.
pub fn devices(data: &mut PlantPageData, has_focus: bool) -> impl IntoView + use<> {
    let mut devices = std::mem::take(&mut data.devices);
    devices.sort_by_cached_key(|device| natural_key(&device.name));
    let PlantPageData { plant, may, is_continued, next_devices, .. } = data;
    let (total, shown) = (plant.devices, devices.len());
    let is_closed = plant.remote_access.closed;
    let summary = if total == 0 { "No device yet.".to_owned() } else { count_of(total, "device") + "." };
    let path = plant_path(&plant.id);
    let more = next_devices.as_ref().map(|after| match total <= SHOWN_AT_MOST {
        true => (with_query(&path, &[("devices", "all")]), format!("Show all {}", count_of(total, "device"))),
        false => (with_query(&path, &[("devices_after", after)]), "Next devices".to_owned()),
    });
    let more = more.map(|(path, words)| view! { <p class="more"><a href=path>{words}</a></p> });
    let first = is_continued.then(|| view! { <p class="more"><a href=path>"First devices"</a></p> });
    let rows = devices.into_iter().map(|device| row(device, may.open, may.edit, is_closed)).collect_view();
    let add = may.edit.then(|| {
        let path = new_path(plant.id.as_str());
        view! { <a class="outlined with-icon" href=path aria-label="Add a device">{Icon::Plus.draw()}"Add"</a> }
    });
    view! {
        <section class="card section devices" aria-labelledby="devices">
            <header><div><h2 id="devices" tabindex="-1" autofocus=has_focus>"Devices"</h2><p>{summary}</p></div>{add}</header>
            {(shown > 0).then(|| view! { <ul>{rows}</ul> })}
            {more}
            {first}
        </section>
    }
}

fn row(device: Device, may_open: bool, may_edit: bool, is_closed: bool) -> impl IntoView {
    let Device { id, name, kind, host, .. } = device;
    let link = format!("Open {name}");
    let edit = format!("Edit {name}");
    let title = match may_edit {
        true => view! { <a href=edit_path(id.as_str()) aria-label=edit>{name.clone()}</a> }.into_any(),
        false => name.clone().into_any(),
    };
    let kind_line = (name.to_lowercase() != kind.to_lowercase()).then(|| view! { <p class="use">{capitalize(&kind)}</p> });
    let way_in = match (may_open, is_closed) {
        (false, _) => None,
        (true, true) => Some(view! { <span class="shut">{Icon::Lock.draw()}"Closed"</span> }.into_any()),
        (true, false) => Some(
            view! {
                <a class="outlined with-icon" href=format!("https://{host}/") target="_blank" rel="noopener" aria-label=link>
                    "Open"{Icon::ArrowUpRight.draw()}
                </a>
            }
            .into_any(),
        ),
    };
    view! {
        <li>
            <span class="tile small">{icon(&kind).draw()}</span>
            <div><p class="what"><strong>{title}</strong><code>{host}</code></p>{kind_line}</div>
            {way_in}
        </li>
    }
}

/// Returns the icon of a kind of device, which is free text.
fn icon(kind: &str) -> Icon {
    let kind = kind.to_lowercase();
    ICONS.into_iter().find(|(word, _)| kind.contains(word)).map_or(Icon::Cpu, |(_, icon)| icon)
}

/// Returns a key by which names sort as people expect: "Inverter 2" before "Inverter 10".
fn natural_key(name: &str) -> Vec<(u64, String)> {
    let name = normalize_name(name);
    let is_same_part = |one: &u8, next: &u8| one.is_ascii_digit() == next.is_ascii_digit();
    let parts = name.as_bytes().chunk_by(is_same_part).map(String::from_utf8_lossy);
    parts.map(|part| part.parse().map_or_else(|_| (u64::MAX, part.into_owned()), |number| (number, String::new()))).collect()
}

/// Capitalizes the first letter.
fn capitalize(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_sort_by_their_numbers() {
        let mut names = ["Inverter 10", "inverter 2", "Camera", "Inverter", "Éclair 3", "2 Logger", "10 Logger", "Inverter 2b"];
        names.sort_by_cached_key(|name| natural_key(name));
        assert_eq!(names, ["2 Logger", "10 Logger", "Camera", "Inverter", "inverter 2", "Inverter 2b", "Inverter 10", "Éclair 3"]);
    }

    #[test]
    fn the_icon_follows_the_kind() {
        let cases = [
            ("inverter", Icon::Cpu),
            ("Data logger", Icon::Database),
            ("camera", Icon::Camera),
            ("network switch", Icon::Network),
            ("Router", Icon::Network),
            ("smart meter", Icon::Gauge),
            ("battery system", Icon::Battery),
            ("coffee machine", Icon::Cpu),
        ];
        for (kind, expected) in cases {
            assert_eq!(icon(kind), expected, "{kind}");
        }
        assert_eq!((capitalize("inverter"), capitalize("élan"), capitalize("")), ("Inverter".into(), "Élan".into(), String::new()));
    }
}
