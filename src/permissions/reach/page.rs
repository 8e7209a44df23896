//! The page that shows what one person can reach in an organization, for those who administer it.

use chrono::{DateTime, Utc};
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_params_map;

use crate::{
    error::AppError,
    foundation::ids::OrganizationId,
    layout::{
        crumbs::Crumbs,
        frame::{framed_with, initials},
    },
    permissions::{
        grants::page::scope_icon,
        model::Grant,
        reach::{
            actions,
            model::{GrantReach, ReachOfPerson, TokenWithAccess},
        },
        store,
    },
    sessions::caller::current_session,
    ui::{
        date::{day, last_day},
        field::FlashMessages,
        icon::Icon,
        number::count_of,
    },
};

/// The data of the page.
struct PersonPageData {
    reach: ReachOfPerson,
    organization: String,
    organization_name: String,
    time_zone: String,
    now: DateTime<Utc>,
}

async fn open_person(organization: String, user: String) -> Result<PersonPageData, AppError> {
    let load = async || {
        let (services, caller) = current_session()?;
        let id = OrganizationId::parse(&organization).ok_or(AppError::NotFound)?;
        let reach = actions::person(&services, &caller, &id, &user).await?;
        let organization_name = store::organization_name(&mut services.db.read().await?, &id).await?;
        let time_zone = caller.account.time_zone.clone();
        Ok(PersonPageData { reach, organization, organization_name, time_zone, now: services.clock.now() })
    };
    load().await.inspect_err(AppError::set_response)
}

/// The page.
#[component]
pub fn PersonPage() -> impl IntoView {
    let parameter = |name: &str| use_params_map().with_untracked(|params| params.get(name).unwrap_or_default()); // the route has them
    framed_with(open_person(parameter("id"), parameter("user")), |page, flash| {
        let PersonPageData { reach, organization, organization_name, time_zone, now } = page;
        let ReachOfPerson { user, role, vendor, grants, api_tokens } = reach;
        let title = format!("What {} can reach", user.name);
        let summary = match grants.len() {
            0 => "No access to plants of this organization.".to_owned(),
            count => format!("{} in this organization.", count_of(count as i64, "grant")),
        };
        let is_empty = grants.is_empty();
        let row = |reach: GrantReach| view! { <GrantRow reach zone=time_zone.clone() now /> };
        view! {
            <Title text=title.clone() />
            <Crumbs links=vec![("/plants".to_owned(), "Plants".to_owned()), (format!("/organizations/{organization}"), organization_name)] />
            <h1>{title}</h1>
            <FlashMessages flash />
            <section class="card section reach" aria-label="Grants">
                <header>
                    <div class="person">
                        <span class="face" aria-hidden="true">{initials(&user.name)}</span>
                        <div>
                            <strong>{user.name.clone()}</strong>
                            {role.map(|role| view! { <span class="badge plain">{role.name()}</span> })}
                            {vendor.map(|vendor| view! { <span class="badge vendor">{Icon::Wrench.draw()}{vendor}</span> })}
                            <small>{user.username}</small>
                        </div>
                    </div>
                    <p>{summary}</p>
                </header>
                {(!is_empty).then(|| view! { <ul class="whys wide">{grants.into_iter().map(row).collect_view()}{open_by_tokens(&api_tokens)}</ul> })}
            </section>
        }
        .into_any()
    })
}

#[component]
fn GrantRow(reach: GrantReach, zone: String, now: DateTime<Utc>) -> impl IntoView {
    let GrantReach { grant, plants, devices } = reach;
    let size = format!("{}, {}", count_of(plants, "plant"), count_of(devices, "device"));
    let Grant { role, scope, reason, granted_by, granted_at, expires_at, .. } = grant;
    let by = granted_by.map_or_else(|| "the command line".to_owned(), |by| by.name);
    let until = expires_at.map_or_else(|| "no end".to_owned(), |end| format!("until {}", last_day(end, &zone, now)));
    view! {
        <li>
            {scope_icon(scope.kind).draw()}
            <span>{role.name()}" by "<strong>{scope.name}</strong></span>
            <span class="muted">{size}</span>
            <small>{format!("granted by {by} on {}, {until}", day(granted_at, &zone, now))}</small>
            <small>{reason}</small>
        </li>
    }
}

/// The line about the API tokens that open devices. `None` without any.
pub fn open_by_tokens(tokens: &[TokenWithAccess]) -> Option<impl IntoView + use<>> {
    let names: Vec<_> = tokens.iter().map(|token| format!("{} ({})", token.name, token.group.name())).collect();
    (!names.is_empty()).then(|| {
        view! {
            <li>
                <span class="icon small-icon">{Icon::Key.draw()}</span>
                <span>{count_of(names.len() as i64, "API token")}{if names.len() == 1 { " that opens devices" } else { " that open devices" }}</span>
                <small>{names.join(", ")}</small>
            </li>
        }
    })
}
