//! The doors of the page about two-factor authentication.

use leptos::prelude::*;

use crate::{
    error::AppError,
    proof::{
        actions::require_fresh,
        api::{path as confirm_path, proven},
    },
    sessions::{caller, model::HOME, next::Next},
    two_factor::actions,
    ui::{
        date::date,
        plain_form::{Led, lead},
    },
};

/// The page.
pub const PAGE: &str = "/profile/two-factor";

/// What the page shows.
pub enum Opened {
    /// It is off.
    Off,
    /// It is off still: what was prepared.
    Prepared {
        /// The seed, to type.
        seed: String,
        /// The seed, to scan: SVG of ours.
        qr_code: String,
        /// The codes to recover by.
        recovery_codes: Vec<String>,
    },
    /// It is on.
    On {
        /// Since when.
        since: String,
        /// How many codes to recover by are left.
        codes_left: i64,
        /// New ones, to be kept now.
        new_codes: Vec<String>,
    },
}

/// What the page shows. What was prepared asks for a fresh proof: without one it leads to where that is given.
pub async fn open(step: bool) -> Result<Opened, AppError> {
    let (services, caller) = caller::caller()?;
    let status = actions::status(&services, &caller.account.id).await?;
    let is_fresh = require_fresh(&services, &caller).is_ok();
    match status.since {
        Some(since) => {
            let new_codes = if is_fresh { actions::new_codes(&services, &caller).await? } else { Vec::new() };
            Ok(Opened::On { since: date(since), codes_left: status.codes_left, new_codes })
        }
        None if step && !is_fresh => {
            leptos_axum::redirect(&confirm_path(&Next::parse(PAGE)));
            Ok(Opened::Off)
        }
        None if step => match actions::prepared(&services, &caller).await {
            Ok(actions::Prepared { seed, qr_code, recovery_codes }) => Ok(Opened::Prepared { seed, qr_code, recovery_codes }),
            Err(AppError::NotFound) => Ok(Opened::Off),
            Err(error) => Err(error),
        },
        None => Ok(Opened::Off),
    }
}

/// Prepares a factor, and leads to the first of three steps.
#[server(prefix = "/api/ui", endpoint = "prepare_two_factor")]
pub async fn prepare_two_factor() -> Result<String, AppError> {
    let prepare = async || {
        let (services, caller) = caller::caller()?;
        actions::prepare(&services, &caller).await?;
        Ok(Led::to(format!("{PAGE}?step=1")))
    };
    lead(proven(prepare().await, PAGE), PAGE, &[])
}

/// Turns the factor on by its first code.
#[server(prefix = "/api/ui", endpoint = "enable_two_factor")]
pub async fn enable_two_factor(code: String) -> Result<String, AppError> {
    let enable = async || {
        let (services, caller) = caller::caller()?;
        actions::enable(&services, &caller, &code).await?;
        Ok(Led::to(HOME).saying("Two-factor authentication is on."))
    };
    lead(proven(enable().await, PAGE), &format!("{PAGE}?step=3"), &[])
}

/// Turns it off.
#[server(prefix = "/api/ui", endpoint = "disable_two_factor")]
pub async fn disable_two_factor(password: String, code: String) -> Result<String, AppError> {
    let disable = async || {
        let (services, caller) = caller::caller()?;
        actions::disable(&services, &caller, password.into(), &code).await?;
        Ok(Led::to(HOME).saying("Two-factor authentication is off."))
    };
    lead(disable().await, PAGE, &[])
}

/// Makes new recovery codes, and leads to where they are shown.
#[server(prefix = "/api/ui", endpoint = "renew_recovery_codes")]
pub async fn renew_recovery_codes(password: String, code: String) -> Result<String, AppError> {
    let renew = async || {
        let (services, caller) = caller::caller()?;
        actions::renew_codes(&services, &caller, password.into(), &code).await?;
        Ok(Led::to(PAGE))
    };
    lead(proven(renew().await, PAGE), PAGE, &[])
}

/// The new recovery codes were kept: they are never shown again.
#[server(prefix = "/api/ui", endpoint = "keep_recovery_codes")]
pub async fn keep_recovery_codes() -> Result<String, AppError> {
    let keep = async || {
        let (services, caller) = caller::caller()?;
        actions::forget_new_codes(&services, &caller).await?;
        Ok(Led::to(HOME).saying("Your new recovery codes are in force."))
    };
    lead(keep().await, PAGE, &[])
}
