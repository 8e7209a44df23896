//! A row of the Active Sessions card.

use leptos::{either::Either, ev::SubmitEvent, html, prelude::*};

use crate::{
    foundation::client::{
        device::{DeviceKind, Form},
        location::Location,
    },
    foundation::timestamp::SECOND,
    sessions::{details::Details, live::list::LiveList, model::Session},
    ui::{
        icon::{Icon, country_flag},
        later::later,
        time::{Time, ago, ahead},
    },
};

/// A row of the table of sessions.
#[component]
pub fn Row(row: Session, list: LiveList) -> impl IntoView {
    let is_current = row.current;
    // Highlights a session that is created while the page is open.
    let is_arriving = list.clock.now().since(row.created_at) < 10 * SECOND && !is_current;
    let (id, focused) = (row.id.clone(), row.id.clone());
    let class = move || {
        if list.is_leaving(&id) {
            Some("is-leaving")
        } else if list.is_ended(&id) {
            Some("is-ended")
        } else {
            is_arriving.then_some("is-arriving")
        }
    };
    let session = list.row(row.id.clone(), row);
    view! {
        <tr role="row" class=class aria-current=is_current.then_some("true")
            on:focusin=move |_| list.focused.set(Some(focused.clone())) on:focusout=move |_| list.focused.set(None)>
            {later(move || cells(session, list, is_current))}
        </tr>
    }
}

/// The cells of the row of a session.
fn cells(session: Memo<Session>, list: LiveList, is_current: bool) -> impl IntoView {
    view! {
        <td role="cell" class="device"><DeviceCell session list /></td>
        <td role="cell" class="location">{move || place(session.with(|session| session.location.clone()))}</td>
        <td role="cell" class="address"><span title=Signal::derive(move || session.with(|session| session.ip.clone()))>{Signal::derive(move || session.with(|session| short_address(&session.ip)))}</span></td>
        <td role="cell" class="last-active"><LastActive session list /></td>
        <td role="cell" class="expires">
            <span class="narrow">"Expires "</span>
            <Time time=Signal::derive(move || session.with(|session| session.expires_at))
                text=Signal::derive(move || ahead(list.clock.now(), session.with(|session| session.expires_at))) />
        </td>
        <td role="cell" class="row-actions">{(!is_current).then(|| view! { <Revoke session list /> })}</td>
    }
}

#[component]
fn DeviceCell(session: Memo<Session>, list: LiveList) -> impl IntoView {
    let is_new = Memo::new(move |_| session.with(|session| session.is_new(list.clock.now()) && !session.current));
    let badges = move || {
        session.with(|session| {
            view! {
                {session.current.then(|| view! { <span class="badge current">"Current session"</span> })}
                {is_new.get().then(|| view! { <span class="badge">"New"</span> })}
                {session.new_location.then(|| view! { <span class="badge">"New location"</span> })}
                {kind_label(session.device.kind).map(|label| view! { <span class="kind">{label}</span> })}
            }
        })
    };
    // In the browser, the details become reactive when they are opened: most never are, and 25 rows of them are most of hydration.
    let (is_opened, static_part) = (RwSignal::new(false), NodeRef::<html::Div>::new());
    view! {
        <span class="tile">{move || icon(session.with(|session| session.device.form)).draw()}</span>
        <details on:toggle=move |_| open_details(is_opened, static_part)>
            <summary>
                <span class="label">{Signal::derive(move || session.with(|session| session.device.label.clone()))}</span>
                {Icon::Chevron.draw()}
                <span class="badges">{badges}</span>
            </summary>
            <div class="details" node_ref=static_part hidden=is_opened inner_html=static_details(session, list)></div>
            {move || is_opened.get().then(|| view! { <Details session list /> })}
        </details>
    }
}

/// Returns the HTML of the details until they are opened, which also serves pages without a script. Only the server renders it; hydration
/// leaves it as it is.
#[cfg_attr(not(feature = "ssr"), expect(unused_variables, reason = "only the server renders it"))]
fn static_details(session: Memo<Session>, list: LiveList) -> String {
    #[cfg(feature = "ssr")]
    return crate::sessions::details::contents(session, list).into_view().to_html();
    #[cfg(not(feature = "ssr"))]
    String::new()
}

/// Replaces the static details by reactive ones, once.
#[cfg_attr(not(feature = "hydrate"), expect(unused_variables, reason = "only a browser opens them"))]
fn open_details(is_opened: RwSignal<bool>, static_part: NodeRef<html::Div>) {
    #[cfg(feature = "hydrate")]
    if !is_opened.get_untracked() {
        is_opened.set(true);
        if let Some(part) = static_part.get_untracked() {
            part.set_inner_html("");
        }
    }
}

/// Returns the label for a device kind; `None` for browsers.
fn kind_label(kind: DeviceKind) -> Option<&'static str> {
    match kind {
        DeviceKind::Browser => None,
        DeviceKind::ApiClient => Some("API client"),
        DeviceKind::Unknown => Some("Did not identify itself"),
    }
}

/// Returns the icon for a device form.
pub fn icon(form: Form) -> Icon {
    match form {
        Form::Desktop => Icon::Desktop,
        Form::Laptop => Icon::Laptop,
        Form::Phone => Icon::Phone,
        Form::Tablet => Icon::Tablet,
        Form::Api => Icon::Terminal,
        Form::Unknown => Icon::Unknown,
    }
}

/// Renders flag, city and country, or the location label if they are unknown.
fn place(location: Location) -> impl IntoView {
    let Location { label, city, country, country_code } = location;
    let flag = match country_code {
        Some(code) => Either::Left(country_flag(&code)),
        None => Either::Right(if label == "Private network" { Icon::Network } else { Icon::Pin }.draw()),
    };
    let text = match (city, country) {
        (Some(city), Some(country)) => Either::Left(view! { <span class="city">{city}</span> <span class="country">{country}</span> }),
        _ => Either::Right(view! { <span class="city">{label}</span> }),
    };
    view! { {flag} <span class="place">{text}</span> }
}

#[component]
fn LastActive(session: Memo<Session>, list: LiveList) -> impl IntoView {
    let time = Signal::derive(move || session.with(|session| session.last_active_at));
    let window = list.with(|list| list.online_window) * SECOND;
    let is_online = Memo::new(move |_| list.clock.now().since(time.get()) < window && !list.has_ended(session));
    let text = Signal::derive(move || match (list.has_ended(session), is_online.get()) {
        (true, _) => "Ended".to_owned(),
        (false, true) => "Online".to_owned(),
        (false, false) => ago(list.clock.now(), time.get()),
    });
    view! { <span class:online=is_online><Time time text /></span> }
}

/// The Revoke button. Without scripts its form is posted, and the next page shows the result.
#[component]
fn Revoke(session: Memo<Session>, list: LiveList) -> impl IntoView {
    let is_busy = RwSignal::new(false);
    let name =
        Signal::derive(move || session.with(|session| "Revoke ".to_owned() + &session.device.label + ", " + &session.location.label));
    let id = session.with_untracked(|session| session.id.as_str().to_owned());
    let button_id = "revoke-".to_owned() + &id;
    let is_disabled = Signal::derive(move || if is_busy.get() || list.has_ended(session) { "true" } else { "false" });
    view! {
        <form method="post" action="/api/ui/revoke_session" on:submit=move |event| submit(&event, session, list, is_busy)>
            <input type="hidden" name="id" value=id />
            <button id=button_id class="quiet danger" aria-label=name aria-disabled=is_disabled>"Revoke"</button>
        </form>
    }
}

/// Revokes the session without leaving the page. If that fails, the row stays.
#[cfg_attr(not(feature = "hydrate"), expect(unused_variables, reason = "only a browser submits"))]
fn submit(event: &SubmitEvent, session: Memo<Session>, list: LiveList, is_busy: RwSignal<bool>) {
    #[cfg(feature = "hydrate")]
    {
        use crate::sessions::{api::revoke_session, failure};
        use whereabouts_enhance::page;
        event.prevent_default();
        if is_busy.get_untracked() || untrack(|| list.has_ended(session)) {
            return;
        }
        is_busy.set(true);
        let id = session.with_untracked(|session| session.id.clone());
        let position = list.position(&id);
        leptos::task::spawn_local(async move {
            match revoke_session(id.as_str().to_owned()).await {
                Ok(message) => {
                    let next = list.neighbor(&id, position);
                    list.remove(&id);
                    page::announce("status-notice", &message);
                    let is_focused = next.is_some_and(|next| page::focus(&("[id='revoke-".to_owned() + next.as_str() + "']")));
                    if !is_focused {
                        page::focus("#active-sessions");
                    }
                }
                Err(problem) => {
                    is_busy.set(false);
                    failure::report_revocation("this session", &problem);
                }
            }
        });
    }
}

/// Shortens a long IPv6 address in the middle, because its start identifies the network and its end the host.
fn short_address(ip: &str) -> String {
    let parts: Vec<&str> = ip.split(':').collect();
    match parts.as_slice() {
        [a, b, .., z] if ip.len() > 20 => [a, ":", b, ":…:", z].concat(),
        _ => ip.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_addresses_are_shortened_in_the_middle() {
        assert_eq!(short_address("2a00:23c8:1234:5678:9abc:def0:1234:91e1"), "2a00:23c8:…:91e1");
        for short in ["81.2.69.142", "255.255.255.255", "2001:db8::1", "::1"] {
            assert_eq!(short_address(short), short);
        }
    }
}
