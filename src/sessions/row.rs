//! One row of the card.

use leptos::{ev::SubmitEvent, prelude::*};

use crate::{
    foundation::{
        device::{DeviceKind, Form},
        location::Location,
    },
    sessions::{details::Details, live_list::LiveList, model::Session},
    ui::{
        dynamic::{aria, dynamic, flag, words},
        icon::{Icon, country_flag},
        time::{Time, ago, ahead},
    },
};

/// The row.
#[component]
pub fn Row(row: Session, list: LiveList) -> impl IntoView {
    let id = row.id.clone();
    let is_current = row.current;
    let is_leaving = flag(move || list.leaving.with(|leaving| leaving.contains(&id)));
    // A row that comes while one looks is told apart from those that were there.
    let is_arriving = row.created_at > list.clock.now() - chrono::Duration::seconds(10) && !is_current;
    let focused = row.id.clone();
    let session = list.row(row.id.clone(), row);
    view! {
        <tr role="row" class:is-leaving=is_leaving class:is-arriving=is_arriving class:is-ended=flag(move || list.has_ended(session))
            aria-current=is_current.then_some("true")
            on:focusin=move |_| list.focused.set(Some(focused.clone())) on:focusout=move |_| list.focused.set(None)>
            <td role="cell" class="device"><DeviceCell session list /></td>
            <td role="cell" class="location">{dynamic(move || session.with(|session| view! { <Place location=session.location.clone() /> }.into_any()))}</td>
            <td role="cell" class="address"><span title=words(move || session.with(|session| session.ip.clone()))>{words(move || session.with(|session| short_address(&session.ip)))}</span></td>
            <td role="cell" class="last-active"><LastActive session list /></td>
            <td role="cell" class="expires">
                <span class="narrow">"Expires "</span>
                <Time time=Signal::derive(move || session.with(|session| session.expires_at))
                    told=words(move || ahead(list.clock.now(), session.with(|session| session.expires_at))) />
            </td>
            <td role="cell" class="act">{(!is_current).then(|| view! { <Revoke session list /> })}</td>
        </tr>
    }
}

#[component]
fn DeviceCell(session: Memo<Session>, list: LiveList) -> impl IntoView {
    let is_new = Memo::new(move |_| session.with(|session| session.is_new(list.clock.now()) && !session.current));
    let badges = dynamic(move || {
        session.with(|session| {
            view! {
                {session.current.then(|| view! { <span class="badge current">"Current session"</span> })}
                {is_new.get().then(|| view! { <span class="badge">"New"</span> })}
                {session.new_location.then(|| view! { <span class="badge">"New location"</span> })}
                {kind_in_words(session.device.kind).map(|words| view! { <span class="kind">{words}</span> })}
            }
            .into_any()
        })
    });
    view! {
        <span class="tile">{dynamic(move || session.with(|session| icon(session.device.form).draw()))}</span>
        <details>
            <summary>
                <span class="label">{words(move || session.with(|session| session.device.label.clone()))}</span>
                {Icon::Chevron.draw()}
                <span class="badges">{badges}</span>
            </summary>
            <Details session list />
        </details>
    }
}

fn kind_in_words(kind: DeviceKind) -> Option<&'static str> {
    match kind {
        DeviceKind::Browser => None,
        DeviceKind::ApiClient => Some("API client"),
        DeviceKind::Unknown => Some("Did not identify itself"),
    }
}

/// The icon of a device.
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

/// Flag, city and country; or what is known instead.
#[component]
fn Place(location: Location) -> impl IntoView {
    let Location { label, city, country, country_code } = location;
    let flag = match country_code {
        Some(code) => country_flag(&code),
        None if label == "Private network" => Icon::Network.draw(),
        None => Icon::Pin.draw(),
    };
    let words = match (city, country) {
        (Some(city), Some(country)) => view! { <span class="city">{city}</span> <span class="country">{country}</span> }.into_any(),
        _ => view! { <span class="city">{label}</span> }.into_any(),
    };
    view! { {flag} <span class="place">{words}</span> }
}

#[component]
fn LastActive(session: Memo<Session>, list: LiveList) -> impl IntoView {
    let time = Signal::derive(move || session.with(|session| session.last_active_at));
    let window = chrono::Duration::seconds(list.with(|list| list.online_window));
    let is_online = Memo::new(move |_| list.clock.now() - time.get() < window && !list.has_ended(session));
    let told = words(move || match (list.has_ended(session), is_online.get()) {
        (true, _) => "Ended".to_owned(),
        (false, true) => "Online".to_owned(),
        (false, false) => ago(list.clock.now(), time.get()),
    });
    view! { <span class:online=flag(move || is_online.get())><Time time told /></span> }
}

/// A form with one button; without a script it posts, and the next page says what happened.
#[component]
fn Revoke(session: Memo<Session>, list: LiveList) -> impl IntoView {
    let is_busy = RwSignal::new(false);
    let name = words(move || {
        format!(
            "Revoke {}, {}",
            session.with(|session| session.device.label.clone()),
            session.with(|session| session.location.label.clone())
        )
    });
    let id = session.with_untracked(|session| session.id.to_string());
    let button_id = format!("revoke-{id}");
    view! {
        <form method="post" action="/api/ui/revoke_session" on:submit=move |event| submit(&event, session, list, is_busy)>
            <input type="hidden" name="id" value=id />
            <button id=button_id class="quiet danger" aria-label=name aria-disabled=aria(move || is_busy.get() || list.has_ended(session))>"Revoke"</button>
        </form>
    }
}

/// Ends it without leaving the page. The row stays when that fails.
#[cfg_attr(not(feature = "hydrate"), expect(unused_variables, reason = "only a browser submits"))]
fn submit(event: &SubmitEvent, session: Memo<Session>, list: LiveList, is_busy: RwSignal<bool>) {
    #[cfg(feature = "hydrate")]
    {
        use crate::{error::AppError, sessions::api::revoke_session, ui::browser};
        event.prevent_default();
        if is_busy.get_untracked() || untrack(|| list.has_ended(session)) {
            return;
        }
        is_busy.set(true);
        let id = session.with_untracked(|session| session.id.clone());
        let at = list.position(&id);
        leptos::task::spawn_local(async move {
            match revoke_session(id.to_string()).await {
                Ok(words) => {
                    let next = list.neighbour(&id, at);
                    list.take_out(&id);
                    list.live.say(words);
                    next.filter(|next| browser::focus(&format!("[id='revoke-{next}']")))
                        .is_none()
                        .then(|| browser::focus("#active-sessions"));
                }
                Err(AppError::NotSignedIn) => browser::leave(),
                Err(error) => {
                    is_busy.set(false);
                    list.live.report_revocation_failure("this session", &error);
                }
            }
        });
    }
}

/// An IPv6 address is cut in the middle: its beginning says the network, its end the machine.
fn short_address(ip: &str) -> String {
    let parts: Vec<&str> = ip.split(':').collect();
    match parts.as_slice() {
        [a, b, .., z] if ip.len() > 20 => format!("{a}:{b}:…:{z}"),
        _ => ip.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_address_is_cut_in_the_middle() {
        assert_eq!(short_address("2a00:23c8:1234:5678:9abc:def0:1234:91e1"), "2a00:23c8:…:91e1");
        for whole in ["81.2.69.142", "255.255.255.255", "2001:db8::1", "::1"] {
            assert_eq!(short_address(whole), whole);
        }
    }
}
