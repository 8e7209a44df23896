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
}

/// Who is signed in, and what the page before wants said.
#[server(prefix = "/api/ui", endpoint = "open_profile")]
pub async fn open_profile() -> Result<Opened, AppError> {
    use crate::{sessions::caller, ui::plain_form};
    let (_, caller) = plain_form::tell(caller::caller())?;
    let flash = plain_form::take();
    let notice = flash.failure.map(|failure| failure.to_string()).or(flash.notice).unwrap_or_default();
    Ok(Opened { account: caller.account, notice })
}
