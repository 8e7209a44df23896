//! The pages by which people join.

use leptos::prelude::*;

use crate::{
    error::AppError,
    foundation::config::Registration,
    registration::api::{OpenedInvitation, REGISTER, REQUEST_ACCESS, open_invitation, open_setup, registration},
    ui::{
        door::{Door, asked, queried},
        field::{Failure, Field, NewPasswordField, Said},
        loaded::failed,
        plain_form::{self, Flash},
    },
};

/// The page.
#[component]
pub fn SetupPage() -> impl IntoView {
    let token = queried("token");
    let form = {
        let token = token.clone();
        |opened: Result<Flash, AppError>| match opened {
            Ok(flash) => view! { <Setup token flash /> }.into_any(),
            Err(_) => view! { <Spent /> }.into_any(),
        }
    };
    view! { <Door title="First administrator" heading="Set up Whereabouts">{asked(open_setup(token), form)}</Door> }
}

#[component]
fn Setup(token: String, flash: Flash) -> impl IntoView {
    view! {
        <p class="notice">"You make the first account. It administers the service and can invite others."</p>
        <form class="card" method="post" action="/api/ui/make_first_administrator" data-sent>
            <Failure failure=flash.failure.clone() />
            <input type="hidden" name="token" value=token />
            <Field name="username" label="Username" autocomplete="username" value=flash.typed("username") />
            <Field name="email" label="Email" autocomplete="email" kind="email" value=flash.typed("email") />
            <NewPasswordField />
            <button class="primary">"Create administrator"</button>
        </form>
    }
}

#[component]
fn Spent() -> impl IntoView {
    view! {
        <p class="notice">
            "This link was used already, or is not whole. Restart the server for a new one, or " <a href="/login">"sign in"</a> "."
        </p>
    }
}

/// Creates an account: by an invitation's link, or, where registration is open, from an address that gets one.
#[component]
pub fn RegisterPage() -> impl IntoView {
    let token = queried("token");
    let page = match (token.is_empty(), registration()) {
        (false, _) => asked(open_invitation(token), |opened| match opened {
            Ok(invitation) => view! { <Join invitation /> }.into_any(),
            Err(error) => view! { {failed(&error)} <p class="hint"><a href="/login">"Sign in"</a></p> }.into_any(),
        }),
        (true, Registration::Open) => view! { <AskToJoin flash=plain_form::take() /> }.into_any(),
        (true, Registration::Invite) => view! { <ByInvitation /> }.into_any(),
    };
    view! { <Door title="Create your account">{page}</Door> }
}

#[component]
fn Join(invitation: OpenedInvitation) -> impl IntoView {
    let OpenedInvitation { token, email, flash } = invitation;
    let username = flash.typed("username");
    view! {
        <form class="card" method="post" action="/api/ui/join" data-sent>
            <Said flash />
            <p>"Your email address is "<strong>{email}</strong>"."</p>
            <input type="hidden" name="token" value=token />
            <Field name="username" label="Username" autocomplete="username" value=username hint="3 to 32 letters, digits, dots, dashes and underscores." />
            <NewPasswordField />
            <button class="primary">"Create account"</button>
        </form>
    }
}

#[component]
fn AskToJoin(flash: Flash) -> impl IntoView {
    let email = flash.typed("email");
    view! {
        <form class="card" method="post" action="/api/ui/ask_to_join" data-sent>
            <Said flash />
            <p>"Type your email address. We mail you a link by which you choose a username and a password."</p>
            <Field name="email" label="Email" autocomplete="email" kind="email" value=email />
            <button class="primary">"Mail me a link"</button>
            <p class="hint">"No mail after some minutes? Ask once more. "<a href="/login">"Back to signing in"</a></p>
        </form>
    }
}

#[component]
fn ByInvitation() -> impl IntoView {
    view! {
        <p class="notice">"Accounts here are made by invitation. If you have one, open the link in its mail."</p>
        <p class="hint"><a href=REQUEST_ACCESS>"Request access"</a>" or "<a href="/login">"sign in"</a>"."</p>
    }
}

/// Asks an administrator for access.
#[component]
pub fn RequestAccessPage() -> impl IntoView {
    let page = match registration() {
        Registration::Open => {
            view! { <p class="notice">"Everybody may join here: "<a href=REGISTER>"create your account"</a>"."</p> }.into_any()
        }
        Registration::Invite => view! { <RequestAccess flash=plain_form::take() /> }.into_any(),
    };
    view! { <Door title="Request access">{page}</Door> }
}

#[component]
fn RequestAccess(flash: Flash) -> impl IntoView {
    let (email, words) = (flash.typed("email"), flash.typed("words"));
    view! {
        <form class="card" method="post" action="/api/ui/request_access" data-sent>
            <Said flash />
            <p>"Accounts here are made by invitation. Tell an administrator who you are, and where to invite you."</p>
            <Field name="email" label="Email" autocomplete="email" kind="email" value=email />
            <div class="field">
                <label for="words">"Who you are, and what for"</label>
                <textarea id="words" name="words" rows="3" maxlength="500">{words}</textarea>
            </div>
            <button class="primary">"Request access"</button>
            <p class="hint"><a href="/login">"Back to signing in"</a></p>
        </form>
    }
}
