//! The page about two-factor authentication: turned on in a dialog of three steps, and managed from then on.

use leptos::prelude::*;
use leptos_meta::Title;

use crate::{
    framed::framed_with,
    two_factor::api::{Opened, PAGE, open},
    ui::{
        door::queried,
        field::{Field, PasswordField, Said},
        plain_form::Flash,
    },
};

/// The page.
#[component]
pub fn TwoFactorPage() -> impl IntoView {
    let step = queried("step").parse().unwrap_or(0_u8);
    framed_with(open(step > 0), move |opened, flash| {
        let page = match opened {
            Opened::Off => view! { <Off flash /> }.into_any(),
            Opened::Prepared { seed, qr_code, recovery_codes } => match step {
                1 => view! { <Scan seed qr_code /> }.into_any(),
                2 => view! { <KeepCodes recovery_codes /> }.into_any(),
                _ => view! { <FirstCode flash /> }.into_any(),
            },
            Opened::On { since, codes_left, new_codes } if new_codes.is_empty() => view! { <On since codes_left flash /> }.into_any(),
            Opened::On { new_codes, .. } => view! { <NewCodes new_codes /> }.into_any(),
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
            <Said flash />
            <p>"With it on, signing in takes your password and a code from an app on your phone: a stolen password alone opens nothing."</p>
            <p>"You need an authenticator app, any that reads QR codes of time-based codes."</p>
            <div class="buttons"><button class="primary">"Set up"</button></div>
        </form>
    }
}

/// One of the three steps.
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
            // Drawn by us, of our own words.
            <div class="qr" role="img" aria-label="QR code of the secret below" inner_html=qr_code></div>
            <p>"Or type this secret into it:"</p>
            <p class="secret"><code id="seed">{seed}</code></p>
            <div class="buttons">
                <button type="button" class="quiet needs-script" data-copies="seed">"Copy"</button>
                <a class="outlined" href="/profile?tab=security">"Cancel"</a>
                <a class="outlined strong" href=format!("{PAGE}?step=2")>"Next"</a>
            </div>
        </Step>
    }
}

#[component]
fn KeepCodes(recovery_codes: Vec<String>) -> impl IntoView {
    view! {
        <Step number=2 title="Keep your recovery codes">
            <p>"Each opens your account once, should you lose your phone. They are shown this once: keep them where your phone is not."</p>
            <Codes codes=recovery_codes />
            <div class="buttons">
                <a class="outlined" href=format!("{PAGE}?step=1")>"Back"</a>
                <a class="outlined strong" href=format!("{PAGE}?step=3")>"I have kept them"</a>
            </div>
        </Step>
    }
}

#[component]
fn FirstCode(flash: Flash) -> impl IntoView {
    view! {
        <Step number=3 title="Type the code that your app shows">
            <form method="post" action="/api/ui/enable_two_factor" data-sent>
                <Said flash />
                <CodeField />
                <p class="hint">"Nothing is on before this code is right."</p>
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

/// Recovery codes, to copy, to save, or to print.
#[component]
fn Codes(codes: Vec<String>) -> impl IntoView {
    let text = codes.join("\n") + "\n";
    let file: String = text.replace(' ', "%20").replace('\n', "%0A");
    view! {
        <pre class="codes" id="codes" tabindex="0" aria-label="Recovery codes">{text}</pre>
        <p class="ways">
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
            <p>"Those from before open nothing any more. These are shown this once: keep them where your phone is not."</p>
            <Codes codes=new_codes />
            <form method="post" action="/api/ui/keep_recovery_codes" data-sent>
                <div class="buttons"><button class="primary">"I have kept them"</button></div>
            </form>
        </dialog>
    }
}

#[component]
fn On(since: String, codes_left: i64, flash: Flash) -> impl IntoView {
    let left = if codes_left == 1 { "1 recovery code is left.".to_owned() } else { format!("{codes_left} recovery codes are left.") };
    view! {
        <section class="card narrow-card">
            <p><span class="badge on">"Enabled"</span>{format!(" On since {since}. {left}")}</p>
            <p class="hint">"Both of these ask for your password and a code, and a mail tells you that they were done."</p>
        </section>
        <form class="card narrow-card" method="post" data-sent action="/api/ui/renew_recovery_codes">
            <h2>"New recovery codes, or off"</h2>
            <Said flash />
            <PasswordField />
            <CodeField />
            <div class="buttons">
                <button class="outlined danger" formaction="/api/ui/disable_two_factor">"Turn off"</button>
                <button class="primary">"Make new recovery codes"</button>
            </div>
        </form>
    }
}
