//! The page of an organization, for those who administer it and for platform administrators, and the page that creates one.

use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_params_map;

use crate::{
    authentication::registration::view::AccessInvitations,
    layout::{crumbs::Crumbs, frame::framed_with, narrow::query_parameter},
    permissions::grants::form as grants,
    permissions::{
        members::view::{Members, RemoveDialog, RoleDialog},
        model::{OrganizationRole, ScopeKind},
        vendors::view::{EndAccessDialog, Vendors},
    },
    plants::{
        deletion::{DeletionDialog, sentence},
        organizations::api::{OrganizationPageData, OrganizationQuery, open_new, open_organization, organization_path},
        portfolios::view::{DeletePortfolioDialog, Portfolios, RenamePortfolioDialog},
    },
    ui::{
        field::{Field, FlashMessages, TextArea},
        form_response::{Flash, forbid_compression, with_query},
        icon::Icon,
        number::count_of,
    },
};

/// The page.
#[component]
pub fn OrganizationPage() -> impl IntoView {
    let id = use_params_map().with_untracked(|params| params.get("id").unwrap_or_default()); // the route has it
    let dialog = OpenDialog::from_address();
    let entered = ["user", "member_role", "name", "host_suffixes"].map(|field| (field, query_parameter(field)));
    let query = OrganizationQuery {
        search: query_parameter("members").trim().to_owned(),
        members_after: query_parameter("members_after"),
        chosen: dialog.member().unwrap_or_default().to_owned(),
        invitations_after: query_parameter("invitations_after"),
    };
    if !query.search.is_empty() {
        forbid_compression();
    }
    framed_with(open_organization(id, query), move |page, flash| {
        let open = view_dialog(&dialog, &page, flash.clone());
        // A dialog shows its own messages, unless what it was about is gone.
        let messages = if open.is_none() { flash.or_typed(entered) } else { Flash::default() };
        view! {
            <Title text=page.details.organization.name.clone() />
            <Crumbs links=vec![("/plants".to_owned(), "Plants".to_owned())] />
            {head(&page)}
            <FlashMessages flash=Flash { typed: Default::default(), ..messages.clone() } />
            <Sections page has_dialog=open.is_some() flash=messages />
            {open}
        }
        .into_any()
    })
}

/// The dialog that the address opens, with the id of what it is about.
#[derive(Debug, Clone, PartialEq, Eq)]
enum OpenDialog {
    None,
    Delete,
    RenamePortfolio(String),
    DeletePortfolio(String),
    ChangeRole(String),
    RemoveMember(String),
    EndVendor(String),
}

impl OpenDialog {
    fn from_address() -> Self {
        if query_parameter("confirm") == "delete" {
            return Self::Delete;
        }
        let about = |name: &str| Some(query_parameter(name)).filter(|id| !id.is_empty());
        let portfolio = about("rename").map(Self::RenamePortfolio).or_else(|| about("delete").map(Self::DeletePortfolio));
        let member = || about("role").map(Self::ChangeRole).or_else(|| about("remove").map(Self::RemoveMember));
        portfolio.or_else(member).or_else(|| about("end").map(Self::EndVendor)).unwrap_or(Self::None)
    }

    /// Returns the id of the member that it is about.
    fn member(&self) -> Option<&str> {
        match self {
            Self::ChangeRole(id) | Self::RemoveMember(id) => Some(id),
            _ => None,
        }
    }
}

/// Renders the dialog that the address opens. `None` if there is nothing that it could be about.
fn view_dialog(dialog: &OpenDialog, page: &OrganizationPageData, flash: Flash) -> Option<AnyView> {
    let organization = page.details.organization.id.to_string();
    let back = organization_path(&organization);
    let portfolio = |id: &str| page.portfolios.iter().find(|summary| summary.portfolio.id.as_str() == id).cloned();
    let member = |id: &str| page.chosen_member.clone().filter(|member| member.user.id.as_str() == id);
    Some(match dialog {
        OpenDialog::None => return None,
        OpenDialog::Delete => {
            let (name, sentence) = (page.details.organization.name.clone(), sentence(page.contents?, true));
            view! { <DeletionDialog name sentence action="/api/ui/delete_organization" id=organization back flash /> }.into_any()
        }
        OpenDialog::RenamePortfolio(id) => view! { <RenamePortfolioDialog summary=portfolio(id)? back flash /> }.into_any(),
        OpenDialog::DeletePortfolio(id) => view! { <DeletePortfolioDialog summary=portfolio(id)? back flash /> }.into_any(),
        OpenDialog::ChangeRole(id) => view! { <RoleDialog organization member=member(id)? rights=page.rights back flash /> }.into_any(),
        OpenDialog::RemoveMember(id) => {
            let member = member(id)?;
            view! { <RemoveDialog organization is_own=member.user.id == page.own_id member back flash /> }.into_any()
        }
        OpenDialog::EndVendor(id) => {
            let vendor = page.vendors.iter().flatten().find(|vendor| vendor.id.as_str() == id).cloned()?;
            view! { <EndAccessDialog organization vendor back flash /> }.into_any()
        }
    })
}

/// The title with the numbers, and the button that grants access.
fn head(page: &OrganizationPageData) -> impl IntoView + use<> {
    let organization = &page.details.organization;
    let summary = match (page.details.counts, organization.your_role) {
        (Some(counts), role) => {
            let role = role.map(|role| format!(" You are {}.", crate::permissions::members::api::with_article(role))).unwrap_or_default();
            let (portfolios, plants) = (count_of(counts.portfolios, "portfolio"), count_of(counts.plants, "plant"));
            format!("{portfolios}, {plants}, {}.{role}", count_of(counts.devices, "device"))
        }
        (None, _) => "You can see some of its plants.".to_owned(),
    };
    let at = grants::key(ScopeKind::Organization, organization.id.as_str());
    let grant = page.rights.administers.then(|| {
        view! { <a class="outlined strong" href=with_query(grants::PAGE, &[("at", &at)])>"Grant access"</a> }
    });
    view! {
        <div class="head">
            <div><h1>{organization.name.clone()}</h1><p>{summary}</p></div>
            <div class="ways">
                <a class="outlined" href=with_query("/plants", &[("organization", organization.id.as_str())])>"Its plants"</a>
                {grant}
            </div>
        </div>
    }
}

/// The cards. Behind a dialog they have no form with a field of the same name as one of the dialog: labels would lead to the wrong one.
#[component]
fn Sections(page: OrganizationPageData, has_dialog: bool, flash: Flash) -> impl IntoView {
    let OrganizationPageData {
        details,
        portfolios,
        members,
        chosen_member: _,
        vendors,
        invitations,
        next_invitations,
        contents,
        rights,
        is_platform_administrator,
        own_id,
        time_zone,
        now,
    } = page;
    let organization = details.organization.id.to_string();
    let is_owner = details.organization.your_role == Some(OrganizationRole::Owner);
    let members = members.map(|list| {
        view! { <Members organization=organization.clone() list own_id rights can_add=!has_dialog flash=flash.clone() /> }
    });
    let zone = time_zone.clone();
    let vendors = vendors.map(|vendors| view! { <Vendors organization=organization.clone() vendors zone now /> });
    let invitations = (!invitations.is_empty()).then(|| {
        view! { <AccessInvitations organization=organization.clone() invitations next=next_invitations zone=time_zone now /> }
    });
    let name = details.organization.name.clone();
    let settings = (!has_dialog && (is_owner || is_platform_administrator)).then(|| {
        let (suffixes, can_delete) = (details.host_suffixes.clone(), contents.is_some());
        view! { <Settings id=organization.clone() name suffixes is_platform_administrator can_delete flash=flash.clone() /> }
    });
    view! {
        <div class="two">
            <div>
                {rights.administers.then(|| view! { <Portfolios organization=organization.clone() portfolios flash /> })}
                {members}
                {invitations}
            </div>
            <div>{vendors}{settings}</div>
        </div>
    }
}

/// Name, host suffixes and deletion.
#[component]
fn Settings(
    id: String,
    name: String,
    suffixes: Option<Vec<String>>,
    is_platform_administrator: bool,
    can_delete: bool,
    flash: Flash,
) -> impl IntoView {
    let typed_or = |field: &str, saved: String| if flash.typed.contains_key(field) { flash.typed(field) } else { saved };
    let typed_suffixes = typed_or("host_suffixes", suffixes.clone().unwrap_or_default().join("\n")); // platform administrators have them
    let name = typed_or("name", name);
    let assign = is_platform_administrator.then(|| {
        view! {
            <form class="add" method="post" action="/api/ui/assign_host_suffixes" data-sent aria-label="Host suffixes">
                <div role="alert" class="failure is-empty"></div>
                <input type="hidden" name="id" value=id.clone() />
                <TextArea name="host_suffixes" label="Host suffixes" value=typed_suffixes optional=true
                    hint="The domains under which its devices lie, one in each line." />
                <button class="outlined">"Save host suffixes"</button>
            </form>
        }
    });
    let shown = (!is_platform_administrator).then(|| {
        let suffixes =
            suffixes.filter(|suffixes| !suffixes.is_empty()).map_or_else(|| "none yet".to_owned(), |suffixes| suffixes.join(", "));
        view! { <footer>"Host suffixes of its devices: "{suffixes}". Platform administrators assign them."</footer> }
    });
    let delete = can_delete.then(|| {
        let path = with_query(&organization_path(&id), &[("confirm", "delete")]);
        view! { <footer><a class="quiet danger" href=path>"Delete this organization"</a></footer> }
    });
    view! {
        <section class="card section" aria-labelledby="settings">
            <header><h2 id="settings">"Settings"</h2></header>
            <form class="add" method="post" action="/api/ui/rename_organization" data-sent aria-label="Name">
                <div role="alert" class="failure is-empty"></div>
                <input type="hidden" name="id" value=id.clone() />
                <Field name="name" label="Name" autocomplete="off" value=name />
                <button class="outlined">"Save name"</button>
            </form>
            {assign} {shown} {delete}
        </section>
    }
}

/// The page that creates an organization.
#[component]
pub fn NewOrganizationPage() -> impl IntoView {
    let entered = ["name", "owner", "host_suffixes"].map(|field| (field, query_parameter(field)));
    framed_with(open_new(), |(), flash| {
        let flash = flash.or_typed(entered);
        view! {
            <Title text="Add an organization" />
            <Crumbs links=vec![("/plants".to_owned(), "Plants".to_owned())] />
            <h1>"Add an organization"</h1>
            <div class="form-page">
                <form class="card narrow-card" method="post" action="/api/ui/create_organization" data-sent>
                    <FlashMessages flash=flash.clone() />
                    <Field name="name" label="Name" autocomplete="organization" value=flash.typed("name") />
                    <Field name="owner" label="First owner" autocomplete="off" value=flash.typed("owner") optional=true
                        hint="Username or email address of an account. Empty: you." />
                    <TextArea name="host_suffixes" label="Host suffixes" value=flash.typed("host_suffixes") optional=true
                        hint="The domains under which its devices lie, one in each line." />
                    <div class="buttons"><a class="outlined" href="/plants">"Cancel"</a><button class="primary">"Add organization"</button></div>
                </form>
                <div class="aside">
                    <h2>"What happens then"</h2>
                    <ul>
                        <li>{Icon::Users.draw()}<span>"The owner manages it"<small>"Portfolios, plants, members and grants."</small></span></li>
                        <li>{Icon::Lock.draw()}<span>"You do not reach its plants"<small>"Nobody does without a grant, platform administrators neither."</small></span></li>
                    </ul>
                </div>
            </div>
        }
        .into_any()
    })
}
