//! The profile's door for its page.

use leptos::prelude::*;
use serde::{Deserialize, Serialize};

use crate::{accounts::model::Account, error::AppError};

/// What the frame of a page says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Opened {
    /// Who is signed in.
    pub account: Account,
    /// What the page before wants said.
    pub notice: String,
    /// When API tokens were used in the last days; empty if none was.
    pub tokens_used: String,
}

/// What guards the account, as the Security tab says it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Guards {
    /// When the password was chosen.
    pub password: String,
    /// Since when the second factor is on, and how many recovery codes are left.
    pub second_factor: String,
    /// Whether it is on.
    pub is_on: bool,
}

/// What guards the account.
#[server(prefix = "/api/ui", endpoint = "open_guards")]
pub async fn open_guards() -> Result<Guards, AppError> {
    use crate::{proof::store::password, sessions::caller, two_factor::actions as two_factor, ui::plain_form::tell};
    let read = async || {
        let (services, caller) = caller::caller()?;
        let changed = password(&mut services.db.read().await?, &caller.account.id).await?;
        let (_, changed_at) = changed.ok_or(AppError::NotSignedIn)?;
        let status = two_factor::status(&services, &caller.account.id).await?;
        Ok(Guards::of(services.clock.now(), changed_at, &status))
    };
    tell(read().await)
}

#[cfg(feature = "ssr")]
impl Guards {
    fn of(
        now: chrono::DateTime<chrono::Utc>,
        changed_at: chrono::DateTime<chrono::Utc>,
        status: &crate::two_factor::actions::Status,
    ) -> Self {
        use crate::ui::{date::date, time::ago};
        let left =
            if status.codes_left == 1 { "1 recovery code left".to_owned() } else { format!("{} recovery codes left", status.codes_left) };
        let second_factor = match status.since {
            Some(since) => format!("Enabled since {}. {left}.", date(since)),
            None => "Off. A stolen password alone would do.".to_owned(),
        };
        Self { password: format!("Changed {}.", ago(now, changed_at)), second_factor, is_on: status.since.is_some() }
    }
}

/// Who is signed in, and what the page before wants said.
#[server(prefix = "/api/ui", endpoint = "open_profile")]
pub async fn open_profile() -> Result<Opened, AppError> {
    use crate::{
        api_tokens::{actions::used_since, model::LATELY},
        sessions::caller,
        ui::{plain_form, time::ago},
    };
    let (services, caller) = plain_form::tell(caller::caller())?;
    let now = services.clock.now();
    let tokens_used = match plain_form::tell(used_since(&services, &caller.account.id, now - LATELY).await)? {
        Some((1, last)) => format!("1 API token was used in the last 7 days: {}.", ago(now, last)),
        Some((count, last)) => format!("{count} API tokens were used in the last 7 days, the last one {}.", ago(now, last)),
        None => String::new(),
    };
    let flash = plain_form::take();
    let notice = flash.failure.map(|failure| failure.to_string()).or(flash.notice).unwrap_or_default();
    Ok(Opened { account: caller.client.account, notice, tokens_used })
}
