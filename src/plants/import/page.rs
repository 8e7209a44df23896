//! The page that imports plants and devices from a CSV file: the text, then what it would create or which lines are wrong.

use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_params_map;

use crate::{
    layout::{crumbs::Crumbs, frame::framed_with, narrow::query_parameter},
    plants::{
        import::{
            api::{ImportPageData, draft_gone, import_path, open_import},
            plan::{COLUMNS, LineError, Plan, PlannedDevice, PlannedPlant},
        },
        organizations::api::organization_path,
        view::kind_icon,
    },
    ui::{
        field::{FlashMessages, TextArea},
        form_response::{Flash, no_referrer},
        icon::Icon,
        number::count_of,
    },
};

const EXAMPLE: &str = "portfolio,plant,kind,place,country,capacity_kw,device,device_kind,host\n\
    North,Solarpark Süd,solar,Eggebek,DE,12400,Inverter 1,inverter,inverter-1.sued.example\n\
    North,Solarpark Süd,,,,,Data logger,data logger,logger.sued.example";
/// Plants that the preview names, and hosts that other plants had.
const MAX_NAMED: usize = 20;

/// The page.
#[component]
pub fn ImportPage() -> impl IntoView {
    let id = use_params_map().with_untracked(|params| params.get("id").unwrap_or_default()); // the route has it
    no_referrer();
    framed_with(open_import(id, query_parameter("draft")), |page, mut flash| {
        let ImportPageData { organization, organization_name, draft, is_draft_gone } = page;
        if is_draft_gone {
            flash.failure = Some(draft_gone());
        }
        let step = match draft {
            Some((token, _, plan)) if plan.errors.is_empty() => {
                view! { <Preview organization=organization.clone() token plan flash /> }.into_any()
            }
            Some((_, text, plan)) => view! { <Paste organization=organization.clone() text errors=plan.errors flash /> }.into_any(),
            None => {
                let text = flash.typed("text");
                view! { <Paste organization=organization.clone() text errors=Vec::new() flash /> }.into_any()
            }
        };
        view! {
            <Title text="Import plants" />
            <Crumbs links=vec![("/plants".to_owned(), "Plants".to_owned()), (organization_path(&organization), organization_name)] />
            <h1>"Import plants"</h1>
            {step}
        }
        .into_any()
    })
}

/// The first step: the text of the file, with the lines that are wrong.
#[component]
fn Paste(organization: String, text: String, errors: Vec<LineError>, flash: Flash) -> impl IntoView {
    let count = errors.len() as i64;
    let line = |LineError { line, field, message }: LineError| {
        let place = if field.is_empty() { format!("Line {line}") } else { format!("Line {line}, {field}") };
        view! { <li><strong>{place}</strong>": "{message}</li> }
    };
    let problems = (count > 0).then(|| {
        view! {
            <div class="failure" role="alert">
                <p>{format!("Nothing was imported: {} to correct.", count_of(count, "thing"))}</p>
                <ul>{errors.into_iter().map(line).collect_view()}</ul>
            </div>
        }
    });
    view! {
        <div class="form-page">
            <form class="card narrow-card" method="post" action="/api/ui/preview_import" data-sent>
                <FlashMessages flash />
                {problems}
                <input type="hidden" name="organization" value=organization.clone() />
                <TextArea name="text" label="Content of the CSV file" rows=12 value=text hint="Paste it with its header line. Up to 48 kB; the command line imports larger files." />
                <div class="buttons"><a class="outlined" href=organization_path(&organization)>"Cancel"</a><button class="primary">"Show what it adds"</button></div>
            </form>
            <div class="aside">
                <h2>"The columns"</h2>
                <p>{COLUMNS.join(", ")}</p>
                <p>"Each line is a device, or a plant without one. What is known of a plant need not be repeated. Missing portfolios are added."</p>
                <pre class="sample" tabindex="0" role="region" aria-label="Example">{EXAMPLE}</pre>
            </div>
        </div>
    }
}

/// The second step: what the file would add.
#[component]
fn Preview(organization: String, token: String, plan: Plan, flash: Flash) -> impl IntoView {
    let Plan { portfolios, plants, devices, .. } = plan;
    let counts = [(portfolios.len(), "portfolio"), (plants.len(), "plant"), (devices.len(), "device")];
    let counts = counts.map(|(count, noun)| count_of(count as i64, noun)).join(", ");
    let more = plants.len().saturating_sub(MAX_NAMED);
    let row = |PlannedPlant { portfolio, fields, .. }: PlannedPlant| {
        view! { <li><span class="tile small">{kind_icon(fields.kind).draw()}</span><div>{fields.name}<small>{portfolio}</small></div></li> }
    };
    let again = import_path(&organization);
    view! {
        <form class="card narrow-card" method="post" action="/api/ui/import_plants" data-sent>
            <FlashMessages flash />
            <p>"The file adds "<strong>{counts}</strong>". Every line is right."</p>
            <MovedHosts devices />
            <ul class="names">
                {plants.into_iter().take(MAX_NAMED).map(row).collect_view()}
                {(more > 0).then(|| view! { <li class="more">{Icon::Plus.draw()}{format!("and {more} more")}</li> })}
            </ul>
            <input type="hidden" name="organization" value=organization />
            <input type="hidden" name="draft" value=token />
            <div class="buttons"><a class="outlined" href=again>"Start again"</a><button class="primary">"Import"</button></div>
        </form>
    }
}

/// A note about hosts that other plants had: whoever may open the devices of their new plants reaches what answers there.
#[component]
fn MovedHosts(devices: Vec<PlannedDevice>) -> impl IntoView {
    let moved: Vec<_> =
        devices.into_iter().filter_map(|PlannedDevice { former_plant, fields, .. }| Some((fields.host, former_plant?))).collect();
    let more = moved.len().saturating_sub(MAX_NAMED);
    (!moved.is_empty()).then(|| {
        let row = |(host, plant): (String, String)| view! { <li><strong>{host}</strong>" was a host of "{plant}"."</li> };
        view! {
            <div class="notice warning">
                <p>"Whoever may open devices of the new plant reaches what answers at these hosts:"</p>
                <ul>
                    {moved.into_iter().take(MAX_NAMED).map(row).collect_view()}
                    {(more > 0).then(|| view! { <li>{format!("and {more} more")}</li> })}
                </ul>
            </div>
        }
    })
}
