//! The setup page's doors.

use leptos::prelude::*;

use crate::error::AppError;

/// Whether this one-time link still makes the first administrator.
#[server(prefix = "/api/ui", endpoint = "open_setup")]
pub async fn open_setup(token: String) -> Result<Option<AppError>, AppError> {
    use std::sync::Arc;

    use crate::{foundation::services::Services, registration::actions, ui::plain_form};
    let services = expect_context::<Arc<Services>>();
    let is_good = actions::is_link_good(&services, &token).await;
    plain_form::tell(is_good.and_then(|is_good| if is_good { Ok(plain_form::take().failure) } else { Err(AppError::NotFound) }))
}

/// Makes the first administrator; then one signs in.
#[server(prefix = "/api/ui", endpoint = "make_first_administrator")]
pub async fn make_first_administrator(token: String, username: String, email: String, password: String) -> Result<(), AppError> {
    use std::sync::Arc;

    use crate::{
        accounts::actions::NewAccount,
        foundation::services::Services,
        registration::actions,
        ui::plain_form::{Flash, answer},
    };
    let services = expect_context::<Arc<Services>>();
    let account = NewAccount { username: username.clone(), email, password: password.into(), is_admin: true };
    let made = actions::make_first_administrator(&services, &token, account).await.map(|_| ());
    let query = serde_urlencoded::to_string([("token", &token)]).unwrap_or_default(); // a pair of strings always encodes
    let path = if made.is_ok() { "/login".to_owned() } else { format!("/setup?{query}") };
    answer(made, &path, |result| Flash { failure: result.as_ref().err().cloned(), typed: username, ..Flash::default() })
}
