//! The vendors of an organization, and the dialog that ends all access of one.

use chrono::{DateTime, Utc};
use leptos::prelude::*;

use crate::{
    layout::frame::initials,
    permissions::vendors::{
        api::end_path,
        model::{Vendor, VendorPerson},
    },
    ui::{
        date::{day, last_day},
        field::FlashMessages,
        form_response::Flash,
        icon::Icon,
        number::count_of,
    },
};

/// The list.
#[component]
pub fn Vendors(
    /// Id of the organization.
    organization: String,
    /// The vendors, by name.
    vendors: Vec<Vendor>,
    /// The user's time zone.
    zone: String,
    /// The current time.
    now: DateTime<Utc>,
) -> impl IntoView {
    let summary = if vendors.is_empty() {
        "No company from outside has access. Name one when you grant access."
    } else {
        "Companies from outside. Their access always ends."
    };
    let card = |vendor: Vendor| view! { <VendorRow organization=organization.clone() vendor zone=zone.clone() now /> };
    view! {
        <section class="card section reach vendors" aria-labelledby="vendors">
            <header><div><h2 id="vendors">"Vendors"</h2><p>{summary}</p></div></header>
            <ul>{vendors.into_iter().map(card).collect_view()}</ul>
        </section>
    }
}

#[component]
fn VendorRow(organization: String, vendor: Vendor, zone: String, now: DateTime<Utc>) -> impl IntoView {
    let Vendor { id, name, people, plants, expires_at, last_used_at } = vendor;
    let (id, has_access) = (id.to_string(), expires_at.is_some());
    let end = has_access.then(|| {
        let (path, label) = (end_path(&organization, &id), format!("End all access of {name}"));
        view! { <a class="quiet danger" href=path aria-label=label>"End all access"</a> }
    });
    let reach = match expires_at {
        Some(end) => format!("Reaches {}, until {}", count_of(plants, "plant"), last_day(end, &zone, now)),
        None => "Reaches nothing".to_owned(),
    };
    let used = last_used_at.map_or_else(|| "Never used".to_owned(), |used| format!("Last used on {}", day(used, &zone, now)));
    let person = |person: VendorPerson| {
        view! { <PersonRow organization=organization.clone() vendor=id.clone() name=name.clone() person now zone=zone.clone() /> }
    };
    view! {
        <li>
            <div class="person">
                <span class="tile small">{Icon::Wrench.draw()}</span>
                <div><strong>{name.clone()}</strong><small>{reach}". "{used}"."</small></div>
                {end}
            </div>
            <ul class="whys">{people.into_iter().map(person).collect_view()}</ul>
        </li>
    }
}

#[component]
fn PersonRow(organization: String, vendor: String, name: String, person: VendorPerson, now: DateTime<Utc>, zone: String) -> impl IntoView {
    let VendorPerson { user, plants, expires_at, .. } = person;
    let detail = match expires_at {
        Some(end) => format!("{}, until {}", count_of(plants, "plant"), last_day(end, &zone, now)),
        None => "no access".to_owned(),
    };
    let path = format!("/organizations/{organization}/people/{}", user.id);
    let remove = expires_at.is_none().then(|| {
        let label = format!("Remove {} from {name}", user.name);
        view! {
            <form method="post" action="/api/ui/remove_vendor_person" data-sent>
                <div role="alert" class="failure is-empty"></div>
                <input type="hidden" name="organization" value=organization.clone() />
                <input type="hidden" name="vendor" value=vendor.clone() />
                <input type="hidden" name="user" value=user.id.to_string() />
                <button class="quiet" aria-label=label>"Remove"</button>
            </form>
        }
    });
    view! {
        <li>
            <span class="face small" aria-hidden="true">{initials(&user.name)}</span>
            <span><a href=path>{user.name.clone()}</a></span>
            {remove}
            <small>{detail}</small>
        </li>
    }
}

/// The dialog that ends all access of a vendor.
#[component]
pub fn EndAccessDialog(organization: String, vendor: Vendor, back: String, flash: Flash) -> impl IntoView {
    let Vendor { id, name, people, plants, .. } = vendor;
    let cancel = back.clone();
    let person = |person: VendorPerson| {
        let (name, plants) = (person.user.name, count_of(person.plants, "plant"));
        view! { <li><span class="face" aria-hidden="true">{initials(&name)}</span><div>{name}<small>"loses access to "{plants}</small></div></li> }
    };
    let people: Vec<_> = people.into_iter().filter(|person| person.expires_at.is_some()).collect();
    let more = people.len().saturating_sub(5);
    view! {
        <dialog open data-modal=back aria-labelledby="end-vendor" class="step">
            <h2 id="end-vendor">"End all access of "{name.clone()}"?"</h2>
            <p>"From the next request on, its people reach none of the "{count_of(plants, "plant")}" of this organization. Their accounts, and what other organizations granted, stay."</p>
            <ul class="names">
                {people.into_iter().take(5).map(person).collect_view()}
                {(more > 0).then(|| view! { <li class="more">{format!("and {more} more")}</li> })}
            </ul>
            <form method="post" action="/api/ui/end_vendor_access" data-sent>
                <FlashMessages flash />
                <input type="hidden" name="organization" value=organization />
                <input type="hidden" name="vendor" value=id.to_string() />
                <div class="buttons"><a class="outlined" href=cancel>"Cancel"</a><button class="filled danger">"End all access"</button></div>
            </form>
        </dialog>
    }
}
