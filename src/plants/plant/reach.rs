//! Who can reach a plant: people with every reason why, or a number and the person's own reasons.

use chrono::{DateTime, Duration, Utc};
use leptos::prelude::*;

use crate::{
    foundation::ids::UserId,
    layout::frame::initials,
    permissions::{
        model::{Grant, OrganizationRole, Person, Role, ScopeKind},
        reach::{model::PersonWithAccess, page::open_by_tokens},
        vendors::{api::end_path, store::VendorReach},
    },
    plants::{
        plant::{
            api::plant_path,
            load::{Known, PlantPageData, Reach},
        },
        view::kind_icon,
    },
    reauthentication::actor::COMMAND_LINE,
    ui::{
        date::{day, last_day},
        form_response::with_query,
        icon::Icon,
        number::{count_of, format_count},
        time::{ahead, exact},
    },
};

/// A grant that ends within this time is marked.
const ENDS_SOON: Duration = Duration::days(7);
/// A grant that opens devices and was not used for this long is marked.
const UNUSED: Duration = Duration::days(90);

/// What the lines of a grant depend on.
struct Reader {
    user: UserId,
    now: DateTime<Utc>,
    time_zone: String,
    /// Icon of the kind of the plant.
    plant: Icon,
    /// Path of the page on which the reader may end grants. `None` for those who may not.
    ends_at: Option<String>,
}

/// Renders the region.
pub fn reach(data: PlantPageData, has_focus: bool) -> impl IntoView {
    let PlantPageData { plant, organization_name, may, reach, vendors, user, time_zone, now, .. } = data;
    let Reach { people, vendor_people, known } = reach;
    let page = plant_path(&plant.id);
    let ends_at = may.administer.then(|| page.clone());
    let reader = Reader { user, now, time_zone, plant: kind_icon(plant.kind), ends_at };
    let vendors = vendors.into_iter().map(|vendor| vendor_end(vendor, plant.organization.as_str())).collect_view();
    let shows_all = format!("{}?people=all", plant_path(&plant.id));
    let list = match known {
        Known::Everybody(grants) => everybody(grants, people, &shows_all, &organization_name, &reader).into_any(),
        Known::Own(grants, membership) => own(grants, membership, &organization_name, &reader).into_any(),
    };
    view! {
        <section class="card section reach" aria-labelledby="reach">
            <header>
                <div><h2 id="reach" tabindex="-1" autofocus=has_focus>"Who can reach this"</h2><p>{summary(people, vendor_people)}</p></div>
                {may.administer.then(|| view! {
                    <form method="get" action=page>
                        <input type="hidden" name="grant" value="new" />
                        <button class="outlined prominent">"Grant access"</button>
                    </form>
                })}
            </header>
            {list}
            {vendors}
        </section>
    }
}

/// Counts the people: "5 people, 1 from a vendor".
fn summary(people: i64, vendor_people: i64) -> String {
    let vendors = match vendor_people {
        0 => String::new(),
        1 => ", 1 from a vendor".to_owned(),
        count => format!(", {count} from vendors"),
    };
    match people {
        0 => "Nobody yet".to_owned(),
        1 => format!("1 person{vendors}"),
        count => format!("{} people{vendors}", format_count(count)),
    }
}

/// The line about a vendor whose people can reach the plant.
fn vendor_end(VendorReach { id, name, plants }: VendorReach, organization: &str) -> impl IntoView + use<> {
    let (path, label) = (end_path(organization, id.as_str()), format!("End all access of {name}"));
    view! {
        <footer class="vendor-end">
            <span>{format!("{name} reaches {}.", count_of(plants, "plant"))}</span>
            <a class="quiet danger" href=path aria-label=label>"End all access"</a>
        </footer>
    }
}

/// The people, each with every grant.
fn everybody(listed: Vec<PersonWithAccess>, people: i64, shows_all: &str, organization: &str, reader: &Reader) -> impl IntoView + use<> {
    let rows: Vec<_> = listed.into_iter().map(|listed| person(listed, reader)).collect();
    let (is_empty, is_cut) = (rows.is_empty(), i64::try_from(rows.len()).is_ok_and(|shown| shown < people));
    let more = is_cut
        .then(|| view! { <p class="more"><a href=shows_all.to_owned()>{format!("Show all {} people", format_count(people))}</a></p> });
    view! {
        {(!is_empty).then(|| view! { <ul>{rows}</ul> })}
        {more}
        <footer>{format!("Owners and administrators of {organization} manage this plant too. They open no device without a grant.")}</footer>
    }
}

fn person(listed: PersonWithAccess, reader: &Reader) -> impl IntoView + use<> {
    let PersonWithAccess { user, vendor, mut reasons, api_tokens, .. } = listed;
    reasons.sort_by_key(|grant| (grant.scope.kind, grant.granted_at));
    let vendor = vendor.map(|vendor| view! { <span class="badge vendor">{Icon::Wrench.draw()}{vendor}</span> });
    let is_own = (user.id == reader.user).then(|| view! { <span class="badge plain">"You"</span> });
    view! {
        <li>
            <div class="person">
                <span class="face" aria-hidden="true">{initials(&user.name)}</span>
                <div><strong>{user.name}</strong>{is_own}{vendor}</div>
            </div>
            <ul class="whys">{reasons.iter().map(|grant| why(grant, reader)).collect_view()}{open_by_tokens(&api_tokens)}</ul>
        </li>
    }
}

/// The access of the person who reads the page, if they may not know of others.
fn own(grants: Vec<Grant>, membership: Option<OrganizationRole>, organization: &str, reader: &Reader) -> impl IntoView + use<> {
    let membership = membership.filter(|role| role.administers()).map(|role| {
        view! { <li><span class="icon small-icon">{Icon::Building.draw()}</span><span>{format!("{} of {organization}", role.name())}</span></li> }
    });
    view! {
        <div class="own-access">
            <h3>"Your access"</h3>
            <ul class="whys">{grants.iter().map(|grant| why(grant, reader)).collect_view()}{membership}</ul>
        </div>
    }
}

/// A grant in two lines: role and scope; by whom, since when and until when.
fn why(grant: &Grant, reader: &Reader) -> impl IntoView + use<> {
    let Reader { user, now, time_zone, plant, ends_at } = reader;
    let icon = match grant.scope.kind {
        ScopeKind::Organization => Icon::Building,
        ScopeKind::Portfolio => Icon::Layers,
        ScopeKind::Plant => *plant,
    };
    let by = granter(grant.granted_by.as_ref(), user);
    let granted = format!("granted by {by} on {}", day(grant.granted_at, time_zone, *now).replace(' ', "\u{a0}"));
    let end = grant.expires_at.map(|end| {
        let (class, words) = end_in_words(end, time_zone, *now);
        view! { ", "<time class=class datetime=end.to_rfc3339() title=exact(end, time_zone)>{words}</time> }
    });
    let what = format!("{} by {}", grant.role.name(), grant.scope.name);
    let end_link = ends_at.as_ref().map(|page| {
        let label = format!("End: {what}, {}", grant.user.name);
        view! { <a class="quiet" href=with_query(page, &[("end", grant.id.as_str())]) aria-label=label>"End"</a> }
    });
    let unused = is_unused(grant, *now).then(|| view! { <span class="unused">"Not used for 90 days"</span> });
    view! {
        <li>
            <span class="icon small-icon">{icon.draw()}</span>
            <span>{what}</span>
            {end_link}
            <small>{granted}{end}{unused}</small>
        </li>
    }
}

fn granter(by: Option<&Person>, reader: &UserId) -> String {
    match by {
        None => COMMAND_LINE.to_owned(),
        Some(person) if person.id == *reader => "you".to_owned(),
        Some(person) => person.name.clone(),
    }
}

/// Says when a grant ends, and how: "until 1 June", or "ends in 3 days" within a week.
fn end_in_words(end: DateTime<Utc>, time_zone: &str, now: DateTime<Utc>) -> (&'static str, String) {
    if end - now < ENDS_SOON {
        ("soon", format!("ends {}", ahead(now, end)))
    } else {
        ("until-day", format!("until {}", last_day(end, time_zone, now)))
    }
}

/// Returns whether a grant that opens devices has not opened any for 90 days.
fn is_unused(grant: &Grant, now: DateTime<Utc>) -> bool {
    let opens = matches!(grant.role, Role::Technician | Role::Operator);
    opens && now - grant.last_used_at.unwrap_or(grant.granted_at) > UNUSED
}
