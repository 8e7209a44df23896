//! The door of the page that asks for the password again.

use leptos::prelude::*;

use crate::{
    error::AppError,
    proof::actions,
    sessions::{browser, caller, next::Next},
    ui::plain_form::{Led, lead, with_query},
};

/// Takes the password again, and leads back to what needed it.
#[server(prefix = "/api/ui", endpoint = "confirm_password")]
pub async fn confirm_password(password: String, next: String) -> Result<String, AppError> {
    let next = Next::parse(&next);
    let confirm = async || {
        let (services, caller) = caller::caller()?;
        let token = actions::confirm(&services, &caller, password.into()).await?;
        browser::give(&services, &token);
        Ok(Led::to(next.path()))
    };
    lead(confirm().await, &path(&next), &[])
}

/// Whoever has to prove themselves first is led there, and back to the page.
pub fn proven(result: Result<Led, AppError>, page: &str) -> Result<Led, AppError> {
    match result {
        Err(AppError::ProofNeeded) => Ok(Led::to(path(&Next::parse(page)))),
        other => other,
    }
}

/// The page that asks for the password again, and leads back there.
pub fn path(next: &Next) -> String {
    with_query("/confirm", &[("next", next.path())])
}
