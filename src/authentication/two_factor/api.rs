//! Server functions of the two-factor page.

use leptos::prelude::*;

use crate::{
    authentication::two_factor::actions,
    error::{AppError, problem::Problem},
    reauthentication::{
        actions::require_recent,
        api::{or_reauthenticate, reauthentication_path},
    },
    sessions::{caller, model::HOME, redirect::RedirectPath},
    ui::{
        date::date,
        form_response::{FormOutcome, forbid_compression, respond},
    },
};

/// Path of the page.
pub const PAGE: &str = "/profile/two-factor";

/// Data of the page.
pub enum TwoFactorPageData {
    /// Two-factor authentication is off.
    Off,
    /// Off, with a factor prepared.
    Prepared {
        /// The seed as text.
        seed: String,
        /// The seed as a QR code, in SVG generated here.
        qr_code: String,
        /// The recovery codes.
        recovery_codes: Vec<String>,
    },
    /// Two-factor authentication is on.
    On {
        /// The date on which it was enabled.
        since: String,
        /// Number of unused recovery codes.
        codes_left: i64,
        /// New recovery codes that the user has not confirmed to have saved.
        new_codes: Vec<String>,
    },
}

/// Loads the data of the page. During setup (`is_setup`) a recent reauthentication is required: without one this redirects to the
/// reauthentication page.
pub async fn load(is_setup: bool) -> Result<TwoFactorPageData, AppError> {
    let (services, caller) = caller::current_session()?;
    let status = actions::status(&services, &caller.account.id).await?;
    let is_recent = require_recent(&services, &caller).is_ok();
    match status.since {
        Some(since) => {
            let new_codes = if is_recent { actions::new_codes(&services, &caller).await? } else { Vec::new() };
            if !new_codes.is_empty() {
                forbid_compression();
            }
            Ok(TwoFactorPageData::On { since: date(since), codes_left: status.codes_left, new_codes })
        }
        None if is_setup && !is_recent => {
            leptos_axum::redirect(&reauthentication_path(&RedirectPath::parse(PAGE)));
            Ok(TwoFactorPageData::Off)
        }
        None if is_setup => match actions::find_prepared(&services, &caller).await {
            Ok(actions::Prepared { seed, qr_code, recovery_codes }) => {
                forbid_compression();
                Ok(TwoFactorPageData::Prepared { seed, qr_code, recovery_codes })
            }
            Err(AppError::NotFound) => Ok(TwoFactorPageData::Off),
            Err(error) => Err(error),
        },
        None => Ok(TwoFactorPageData::Off),
    }
}

/// Prepares a factor and redirects to the first of three steps.
#[server(prefix = "/api/ui", endpoint = "prepare_two_factor")]
pub async fn prepare_two_factor() -> Result<String, Problem> {
    let prepare = async || {
        let (services, caller) = caller::current_session()?;
        actions::prepare(&services, &caller).await?;
        Ok(FormOutcome::redirect_to(format!("{PAGE}?step=1")))
    };
    respond(or_reauthenticate(prepare().await, PAGE), PAGE, &[])
}

/// Enables the factor with its first code.
#[server(prefix = "/api/ui", endpoint = "enable_two_factor")]
pub async fn enable_two_factor(code: String) -> Result<String, Problem> {
    let enable = async || {
        let (services, caller) = caller::current_session()?;
        actions::enable(&services, &caller, &code).await?;
        Ok(FormOutcome::redirect_to(HOME).with_notice("Two-factor authentication is on."))
    };
    respond(or_reauthenticate(enable().await, PAGE), &format!("{PAGE}?step=3"), &[])
}

/// Disables the factor.
#[server(prefix = "/api/ui", endpoint = "disable_two_factor")]
pub async fn disable_two_factor(password: String, code: String) -> Result<String, Problem> {
    let disable = async || {
        let (services, caller) = caller::current_session()?;
        actions::disable(&services, &caller, password.into(), &code).await?;
        Ok(FormOutcome::redirect_to(HOME).with_notice("Two-factor authentication is off."))
    };
    respond(disable().await, PAGE, &[])
}

/// Creates new recovery codes and redirects to the page that shows them.
#[server(prefix = "/api/ui", endpoint = "renew_recovery_codes")]
pub async fn renew_recovery_codes(password: String, code: String) -> Result<String, Problem> {
    let renew = async || {
        let (services, caller) = caller::current_session()?;
        actions::renew_codes(&services, &caller, password.into(), &code).await?;
        Ok(FormOutcome::redirect_to(PAGE))
    };
    respond(or_reauthenticate(renew().await, PAGE), PAGE, &[])
}

/// Confirms that the user has saved the new recovery codes. They are never shown again.
#[server(prefix = "/api/ui", endpoint = "confirm_recovery_codes")]
pub async fn confirm_recovery_codes() -> Result<String, Problem> {
    let keep = async || {
        let (services, caller) = caller::current_session()?;
        actions::clear_new_codes(&services, &caller).await?;
        Ok(FormOutcome::redirect_to(HOME).with_notice("Your new recovery codes are active."))
    };
    respond(keep().await, PAGE, &[])
}
