//! Pages of a signed-in person that are forms: the frame around them, and who is there.

use leptos::prelude::*;

use crate::{
    accounts::model::Account,
    error::AppError,
    frame::Frame,
    sessions::caller,
    ui::{
        door::asked,
        loaded::failed,
        plain_form::{self, Flash},
    },
};

/// Draws a page for its caller. The gate has led everybody else to the login page.
pub fn framed(page: impl FnOnce(Account, Flash) -> AnyView) -> AnyView {
    match caller::caller() {
        Ok((_, caller)) => {
            let view = page(caller.account.clone(), plain_form::take());
            view! { <Frame account=caller.client.account notice=String::new()>{view}</Frame> }.into_any()
        }
        Err(error) => failed(&error),
    }
}

/// Draws a page that first asks for something of the caller.
pub fn framed_with<T: Send + 'static>(
    ask: impl Future<Output = Result<T, AppError>> + Send + 'static,
    view: impl FnOnce(T, Flash) -> AnyView + Send + 'static,
) -> AnyView {
    framed(|_, flash| {
        asked(ask, |answer| match answer {
            Ok(answer) => view(answer, flash),
            Err(error) => failed(&error),
        })
    })
}
