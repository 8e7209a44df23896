//! Data of the login page, and the messages about ended sessions.

use chrono::Duration;

use crate::{
    foundation::config::Registration,
    sessions::model::EndReason,
    ui::{form_response::Flash, time::span},
};

/// Data of the login page.
pub struct LoginPageData {
    /// Message about why the last session of this browser ended, if one did.
    pub end_message: Option<String>,
    /// Whether the password was verified and a code is required too.
    pub needs_code: bool,
    /// Whether no account exists yet: the page then explains how to create the first one.
    pub is_first_start: bool,
    /// Who may create an account.
    pub registration: Registration,
    /// Message of the previous form, and the values typed there.
    pub flash: Flash,
}

/// Returns the message to the user about why a session ended. `None` if it needs none.
pub fn end_message(reason: EndReason, idle_timeout: Duration) -> Option<String> {
    Some(match reason {
        EndReason::SignedOut | EndReason::Replaced => return None,
        EndReason::Revoked => "You were signed out from another device.".to_owned(),
        EndReason::RevokedByAdministrator | EndReason::EverybodySignedOut => "An administrator signed you out.".to_owned(),
        EndReason::IdleTimeout => {
            format!("Your session ended after {} without use. Sign in to go on.", span(idle_timeout.num_milliseconds()))
        }
        EndReason::AbsoluteTimeout => "Your session reached its maximum lifetime. Sign in to go on.".to_owned(),
        EndReason::Evicted => "You had too many sessions, so this one, the least recently used, was ended.".to_owned(),
        EndReason::PasswordChanged => "Your password was changed, so you were signed out here.".to_owned(),
        EndReason::PasswordReset => "Your password was reset, so you were signed out everywhere.".to_owned(),
        EndReason::Disowned => "You were signed out because this sign-in was reported as not yours. Choose a new password.".to_owned(),
        EndReason::AccountDisabled => "You were signed out. To sign in again, contact your administrator.".to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn end_reasons_have_messages() {
        let words = end_message(EndReason::IdleTimeout, Duration::days(14)).unwrap();
        assert_eq!(words, "Your session ended after 14 days without use. Sign in to go on.");
        assert_eq!(end_message(EndReason::SignedOut, Duration::days(14)), None);
    }
}
