//! The two-factor page: setup in a dialog of three steps, and management afterwards.

use leptos::prelude::*;
use leptos_meta::Title;

use crate::{
    authentication::two_factor::api::{PAGE, TwoFactorPageData, load},
    layout::{frame::framed_with, narrow::query_parameter},
    ui::{
        field::{Field, FlashMessages, PasswordField},
        form_response::Flash,
    },
};

/// Renders the page.
#[component]
pub fn TwoFactorPage() -> impl IntoView {
    let step = query_parameter("step").parse().unwrap_or(0_u8);
    framed_with(load(step > 0), move |data, flash| {
        let page = match data {
            TwoFactorPageData::Off => view! { <Off flash /> }.into_any(),
            TwoFactorPageData::Prepared { seed, qr_code, recovery_codes } => match step {
                1 => view! { <Scan seed qr_code /> }.into_any(),
                2 => view! { <KeepCodes recovery_codes /> }.into_any(),
                _ => view! { <FirstCode flash /> }.into_any(),
            },
            TwoFactorPageData::On { since, codes_left, new_codes } if new_codes.is_empty() => {
                view! { <On since codes_left flash /> }.into_any()
            }
            TwoFactorPageData::On { new_codes, .. } => view! { <NewCodes new_codes /> }.into_any(),
        };
        view! {
            <Title text="Two-factor authentication" />
            <p class="back"><a href="/profile?tab=security">"Security"</a></p>
            <h1>"Two-factor authentication"</h1>
            {page}
        }
        .into_any()
    })
}

#[component]
fn Off(flash: Flash) -> impl IntoView {
    view! {
        <form class="card narrow-card" method="post" action="/api/ui/prepare_two_factor" data-sent>
            <FlashMessages flash />
            <p>"Signing in asks for your password and a code from an app on your phone, so a stolen password is not enough."</p>
            <p>"You need an authenticator app that supports time-based codes (TOTP)."</p>
            <div class="buttons"><button class="primary">"Set up"</button></div>
        </form>
    }
}

/// Renders the dialog of one of the three steps.
#[component]
fn Step(number: u8, title: &'static str, children: Children) -> impl IntoView {
    view! {
        <dialog open data-modal="/profile?tab=security" aria-labelledby="step" class="step">
            <p class="hint">{format!("Step {number} of 3")}</p>
            <h2 id="step">{title}</h2>
            {children()}
        </dialog>
    }
}

#[component]
fn Scan(seed: String, qr_code: String) -> impl IntoView {
    view! {
        <Step number=1 title="Scan this with your app">
            // SVG that the server generated, so inner_html is safe.
            <div class="qr" role="img" aria-label="QR code of the secret below" inner_html=qr_code></div>
            <p>"Or enter this secret in the app:"</p>
            <p class="secret"><code id="seed">{seed}</code></p>
            <div class="buttons">
                <button type="button" class="quiet needs-script" data-copies="seed">"Copy"</button>
                <a class="outlined" href="/profile?tab=security">"Cancel"</a>
                <a class="outlined prominent" href=format!("{PAGE}?step=2")>"Next"</a>
            </div>
        </Step>
    }
}

#[component]
fn KeepCodes(recovery_codes: Vec<String>) -> impl IntoView {
    view! {
        <Step number=2 title="Save your recovery codes">
            <p>"If you lose your phone, use one of them to sign in. Each works once. They are shown only once, so keep them in a safe place, not on your phone."</p>
            <Codes codes=recovery_codes />
            <div class="buttons">
                <a class="outlined" href=format!("{PAGE}?step=1")>"Back"</a>
                <a class="outlined prominent" href=format!("{PAGE}?step=3")>"I have saved them"</a>
            </div>
        </Step>
    }
}

#[component]
fn FirstCode(flash: Flash) -> impl IntoView {
    view! {
        <Step number=3 title="Enter the code from your app">
            <form method="post" action="/api/ui/enable_two_factor" data-sent>
                <FlashMessages flash />
                <CodeField />
                <p class="hint">"Two-factor authentication turns on once the code is verified."</p>
                <div class="buttons">
                    <a class="outlined" href=format!("{PAGE}?step=2")>"Back"</a>
                    <button class="primary">"Turn on"</button>
                </div>
            </form>
        </Step>
    }
}

#[component]
fn CodeField() -> impl IntoView {
    view! { <Field name="code" label="Authentication code" autocomplete="one-time-code" inputmode="numeric" /> }
}

/// Renders recovery codes with buttons to copy, download and print them.
#[component]
fn Codes(codes: Vec<String>) -> impl IntoView {
    let text = codes.join("\n") + "\n";
    let file: String = text.replace(' ', "%20").replace('\n', "%0A");
    view! {
        <pre class="recovery-codes" id="codes" tabindex="0" aria-label="Recovery codes">{text}</pre>
        <p class="card-actions">
            <button type="button" class="quiet needs-script" data-copies="codes">"Copy"</button>
            <a class="quiet" download="whereabouts-recovery-codes.txt" href=format!("data:text/plain;charset=utf-8,{file}")>"Download"</a>
            <button type="button" class="quiet needs-script" data-prints>"Print"</button>
        </p>
    }
}

#[component]
fn NewCodes(new_codes: Vec<String>) -> impl IntoView {
    view! {
        <dialog open data-modal=PAGE aria-labelledby="new-codes" class="step">
            <h2 id="new-codes">"Your new recovery codes"</h2>
            <p>"Your previous codes no longer work. These are shown only once, so keep them in a safe place, not on your phone."</p>
            <Codes codes=new_codes />
            <form method="post" action="/api/ui/confirm_recovery_codes" data-sent>
                <div class="buttons"><button class="primary">"I have saved them"</button></div>
            </form>
        </dialog>
    }
}

#[component]
fn On(since: String, codes_left: i64, flash: Flash) -> impl IntoView {
    let left = if codes_left == 1 { "1 recovery code is left.".to_owned() } else { format!("{codes_left} recovery codes are left.") };
    view! {
        <section class="card narrow-card">
            <p><span class="badge on">"Enabled"</span>{format!(" Since {since}. {left}")}</p>
            <p class="hint">"Both changes require your password and a code. You get an email about them."</p>
        </section>
        <form class="card narrow-card" method="post" data-sent action="/api/ui/renew_recovery_codes">
            <h2>"Change two-factor authentication"</h2>
            <FlashMessages flash />
            <PasswordField />
            <CodeField />
            <div class="buttons">
                <button class="outlined danger" formaction="/api/ui/disable_two_factor">"Turn off"</button>
                <button class="primary">"Create new recovery codes"</button>
            </div>
        </form>
    }
}
