//! The registration pages.

use leptos::prelude::*;

use crate::{
    authentication::registration::api::{InvitationPageData, REGISTER, REQUEST_ACCESS, load_invitation, load_setup, registration_mode},
    error::AppError,
    foundation::config::Registration,
    layout::narrow::{NarrowPage, query_parameter, render_async},
    ui::{
        field::{Failure, Field, FlashMessages, NewPasswordField, error_message, escape},
        form_response::{self, Flash},
    },
};

/// Renders the page that creates the first administrator.
#[component]
pub fn SetupPage() -> impl IntoView {
    let token = query_parameter("token");
    let form = {
        let token = token.clone();
        |data: Result<Flash, AppError>| match data {
            Ok(flash) => view! { <Setup token flash /> }.into_any(),
            Err(_) => view! { <InvalidLink /> }.into_any(),
        }
    };
    view! { <NarrowPage title="First administrator" heading="Set up Whereabouts">{render_async(load_setup(token), form)}</NarrowPage> }
}

#[component]
fn Setup(token: String, flash: Flash) -> impl IntoView {
    view! {
        <p class="notice">"Create the first account, an administrator who can invite others."</p>
        <form class="card" method="post" action="/api/ui/create_first_administrator" data-sent>
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
fn InvalidLink() -> impl IntoView {
    view! {
        <p class="notice">
            "This link was already used or is incomplete. Restart the server to get a new one, or " <a href="/login">"sign in"</a> "."
        </p>
    }
}

/// Renders the registration page: the account form for an invitation link, or, with open registration, the form that requests a link.
#[component]
pub fn RegisterPage() -> impl IntoView {
    let token = query_parameter("token");
    let page = match (token.is_empty(), registration_mode()) {
        (false, _) => render_async(load_invitation(token), |data| match data {
            Ok(invitation) => view! { <AcceptInvitation invitation /> }.into_any(),
            Err(error) => view! { {error_message(&error)} <p class="hint"><a href="/login">"Sign in"</a></p> }.into_any(),
        }),
        (true, Registration::Open) => view! { <RequestRegistration flash=form_response::take_flash() /> }.into_any(),
        (true, Registration::Invite) => view! { <RegistrationByInvitation /> }.into_any(),
    };
    view! { <NarrowPage title="Create your account">{page}</NarrowPage> }
}

#[component]
fn AcceptInvitation(invitation: InvitationPageData) -> impl IntoView {
    let InvitationPageData { token, email, flash } = invitation;
    let username = flash.typed("username");
    view! {
        <form class="card" method="post" action="/api/ui/accept_invitation" data-sent>
            <FlashMessages flash />
            <p>"Your email address is "<strong>{email}</strong>"."</p>
            <input type="hidden" name="token" value=token />
            <Field name="username" label="Username" autocomplete="username" value=username hint="3 to 32 letters, digits, dots, dashes or underscores." />
            <NewPasswordField />
            <button class="primary">"Create account"</button>
        </form>
    }
}

#[component]
fn RequestRegistration(flash: Flash) -> impl IntoView {
    let email = flash.typed("email");
    view! {
        <form class="card" method="post" action="/api/ui/request_registration" data-sent>
            <FlashMessages flash />
            <p>"Enter your email address. We will email you a link to create your account."</p>
            <Field name="email" label="Email" autocomplete="email" kind="email" value=email />
            <button class="primary">"Email me a link"</button>
            <p class="hint">"No email after a few minutes? Try again. "<a href="/login">"Back to sign-in"</a></p>
        </form>
    }
}

#[component]
fn RegistrationByInvitation() -> impl IntoView {
    view! {
        <p class="notice">"Accounts are created by invitation. If you have one, open the link in the email."</p>
        <p class="hint"><a href=REQUEST_ACCESS>"Request access"</a>" or "<a href="/login">"sign in"</a>"."</p>
    }
}

/// Renders the page that requests access from an administrator.
#[component]
pub fn RequestAccessPage() -> impl IntoView {
    let page = match registration_mode() {
        Registration::Open => {
            view! { <p class="notice">"Registration is open: "<a href=REGISTER>"create your account"</a>"."</p> }.into_any()
        }
        Registration::Invite => view! { <RequestAccess flash=form_response::take_flash() /> }.into_any(),
    };
    view! { <NarrowPage title="Request access">{page}</NarrowPage> }
}

#[component]
fn RequestAccess(flash: Flash) -> impl IntoView {
    let (email, message) = (flash.typed("email"), flash.typed("message"));
    view! {
        <form class="card" method="post" action="/api/ui/request_access" data-sent>
            <FlashMessages flash />
            <p>"Accounts are created by invitation. Tell an administrator who you are and where to send the invitation."</p>
            <Field name="email" label="Email" autocomplete="email" kind="email" value=email />
            <div class="field">
                <label for="message">"Who you are and why you need access"</label>
                <textarea id="message" name="message" rows="3" maxlength="500">{escape(&message)}</textarea>
            </div>
            <button class="primary">"Request access"</button>
            <p class="hint"><a href="/login">"Back to sign-in"</a></p>
        </form>
    }
}
