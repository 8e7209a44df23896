//! The members of an organization, and the dialogs about one of them.

use leptos::prelude::*;

use crate::{
    foundation::ids::UserId,
    layout::frame::initials,
    permissions::{
        members::{api::member_path, model::Member},
        model::OrganizationRole,
    },
    ui::{
        field::{Field, FlashMessages, SelectField},
        form_response::{Flash, with_query},
        icon::Icon,
    },
};

/// What the caller may do with members.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MemberRights {
    /// To manage administrators and members.
    pub administers: bool,
    /// To manage owners too.
    pub manages_owners: bool,
    /// To name an owner, because there is none.
    pub names_owner: bool,
}

impl MemberRights {
    /// Returns the roles that the caller may give.
    fn roles(self) -> Vec<(String, String)> {
        let may_give = |role: &OrganizationRole| match role {
            OrganizationRole::Owner => self.manages_owners || self.names_owner,
            OrganizationRole::Administrator | OrganizationRole::Member => self.administers,
        };
        OrganizationRole::ALL.into_iter().filter(may_give).map(|role| (role.key().to_owned(), role.name().to_owned())).collect()
    }
}

/// A page of the members of an organization.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemberList {
    /// The members, by username.
    pub rows: Vec<Member>,
    /// Whether the organization has an enabled owner, on this page or not.
    pub has_owner: bool,
    /// What they were searched by. Empty for all.
    pub search: String,
    /// Whether there is a page before it.
    pub is_continued: bool,
    /// The cursor of the next page. `None` on the last page.
    pub next: Option<String>,
}

/// The list with a form to add somebody.
#[component]
pub fn Members(
    /// Id of the organization.
    organization: String,
    /// The members.
    list: MemberList,
    /// The caller.
    own_id: UserId,
    /// What the caller may do.
    rights: MemberRights,
    /// Whether the form to add somebody is shown. A dialog has a field of the same name.
    can_add: bool,
    /// What was typed before the form was refused.
    flash: Flash,
) -> impl IntoView {
    let MemberList { rows, has_owner, search, is_continued, next } = list;
    let roles = rights.roles();
    let form = (can_add && !roles.is_empty()).then(|| view! { <AddMember organization=organization.clone() roles flash /> });
    let row = |member: Member| view! { <MemberRow organization=organization.clone() own_id=own_id.clone() member rights /> };
    let (is_empty, is_search) = (rows.is_empty(), !search.is_empty());
    let rows = rows.into_iter().map(row).collect_view();
    let path = format!("/organizations/{organization}");
    let words = if is_search { "All members" } else { "First members" };
    let first = (is_continued || is_search).then(|| view! { <p class="more"><a href=path.clone()>{words}</a></p> });
    let has_more = next.is_some();
    let next = next.map(|after| with_query(&path, &[("members", &search), ("members_after", &after)]));
    let find = (has_more || first.is_some()).then(|| {
        view! {
            <form class="tools" role="search" method="get" action=path>
                <label class="seek">
                    <span class="visually-hidden">"Search members"</span>
                    {Icon::Search.draw()}
                    <input type="search" name="members" value=search placeholder="Name or email" />
                </label>
                <button class="outlined">"Search"</button>
            </form>
        }
    });
    view! {
        <section class="card section people" aria-labelledby="members">
            <header>
                <div><h2 id="members">"Members"</h2><p>"Who administers the organization. Access to plants comes by grants alone."</p></div>
            </header>
            {(!has_owner).then(|| view! { <p class="notice warning">"No owner"</p> })}
            {find}
            <ul>{rows}</ul>
            {(is_empty && is_search).then(|| view! { <p class="hint">"No member matches this search."</p> })}
            {next.map(|next| view! { <p class="more"><a href=next rel="next">"Next members"</a></p> })}
            {first}
            {form}
        </section>
    }
}

#[component]
fn MemberRow(organization: String, own_id: UserId, member: Member, rights: MemberRights) -> impl IntoView {
    let Member { user, role, enabled, .. } = member;
    let (is_own, id) = (user.id == own_id, user.id.to_string());
    let may_change = rights.manages_owners || (rights.administers && role != OrganizationRole::Owner && !is_own);
    let (leave, remove) = match is_own {
        true => ("Leave", "Leave the organization".to_owned()),
        false => ("Remove", format!("Remove {}", user.name)),
    };
    let change = format!("Change role of {}", user.name);
    let reach = rights.administers.then(|| format!("/organizations/{organization}/people/{id}"));
    let name = match reach {
        Some(path) => view! { <a href=path>{user.name.clone()}</a> }.into_any(),
        None => view! { {user.name.clone()} }.into_any(),
    };
    view! {
        <li>
            <span class="face" aria-hidden="true">{initials(&user.name)}</span>
            <div>
                <strong>{name}</strong>
                {is_own.then(|| view! { <span class="badge plain">"You"</span> })}
                {(!enabled).then(|| view! { <span class="badge plain">"Disabled"</span> })}
                <small>{role.name()}</small>
            </div>
            <div class="row-actions">
                {may_change.then(|| view! { <a class="quiet" href=member_path(&organization, "role", &id) aria-label=change>"Change role"</a> })}
                {(may_change || is_own).then(|| view! { <a class="quiet danger" href=member_path(&organization, "remove", &id) aria-label=remove>{leave}</a> })}
            </div>
        </li>
    }
}

#[component]
fn AddMember(organization: String, roles: Vec<(String, String)>, flash: Flash) -> impl IntoView {
    view! {
        <form class="add" method="post" action="/api/ui/set_member" data-sent aria-label="Add a member">
            <div role="alert" class="failure is-empty"></div>
            <input type="hidden" name="organization" value=organization />
            <Field name="user" label="Username or email" autocomplete="off" value=flash.typed("user") />
            <SelectField name="role" label="Role" options=roles value=flash.typed("member_role") />
            <button class="outlined">"Add member"</button>
        </form>
    }
}

/// The dialog that gives a member another role.
#[component]
pub fn RoleDialog(organization: String, member: Member, rights: MemberRights, back: String, flash: Flash) -> impl IntoView {
    let Member { user, role, .. } = member;
    let cancel = back.clone();
    view! {
        <dialog open data-modal=back aria-labelledby="change-role" class="step">
            <h2 id="change-role">"Change the role of "{user.name}</h2>
            <form method="post" action="/api/ui/set_member" data-sent>
                <FlashMessages flash />
                <input type="hidden" name="organization" value=organization />
                <input type="hidden" name="user" value=user.id.to_string() />
                <SelectField name="role" label="New role" options=rights.roles() value=role.key() />
                <div class="buttons"><a class="outlined" href=cancel>"Cancel"</a><button class="primary">"Change role"</button></div>
            </form>
        </dialog>
    }
}

/// The dialog that removes a member.
#[component]
pub fn RemoveDialog(organization: String, member: Member, is_own: bool, back: String, flash: Flash) -> impl IntoView {
    let (name, id) = (member.user.name, member.user.id.to_string());
    let (title, submit) = match is_own {
        true => ("Leave this organization?".to_owned(), "Leave"),
        false => (format!("Remove {name} from this organization?"), "Remove"),
    };
    let cancel = back.clone();
    view! {
        <dialog open data-modal=back aria-labelledby="remove-member" class="step">
            <h2 id="remove-member">{title}</h2>
            <p>"The role ends, and with it all grants in this organization, from the next request on."</p>
            <form method="post" action="/api/ui/remove_member" data-sent>
                <FlashMessages flash />
                <input type="hidden" name="organization" value=organization />
                <input type="hidden" name="user" value=id />
                <div class="buttons"><a class="outlined" href=cancel>"Cancel"</a><button class="filled danger">{submit}</button></div>
            </form>
        </dialog>
    }
}
