//! What the login page says, and why a sign-in is needed.

use chrono::Duration;

use crate::{
    foundation::config::Registration,
    sessions::model::EndReason,
    ui::{plain_form::Flash, time::span},
};

/// What the login page has to say before anything is typed.
pub struct Welcome {
    /// Why the last session ended, if one did.
    pub ended: Option<String>,
    /// The password was right; a code is needed too.
    pub needs_code: bool,
    /// No account exists yet: how to make the first one.
    pub is_first_start: bool,
    /// Who makes an account here.
    pub registration: Registration,
    /// What the page before wants said, and what was typed before.
    pub flash: Flash,
}

/// Why a session ended, to its person.
pub fn in_words(reason: EndReason, idle_timeout: Duration) -> Option<String> {
    Some(match reason {
        EndReason::SignedOut | EndReason::Replaced => return None,
        EndReason::Revoked => "You were signed out from another device.".to_owned(),
        EndReason::RevokedByAdministrator => "An administrator signed you out.".to_owned(),
        EndReason::Idle => format!("Your session ended after {} without use. Sign in to go on.", span(idle_timeout)),
        EndReason::TooOld => "Your session reached its greatest age. Sign in to go on.".to_owned(),
        EndReason::Displaced => "You were signed in at too many places, so this one, longest unused, was signed out.".to_owned(),
        EndReason::PasswordChanged => "Your password was changed, so you were signed out here.".to_owned(),
        EndReason::PasswordReset => "A new password was chosen, so you were signed out everywhere.".to_owned(),
        EndReason::Disowned => "You were signed out: this sign-in was said not to be yours. Choose a new password.".to_owned(),
        EndReason::AccountDisabled => "You were signed out. To sign in again, ask your administrator.".to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_is_told_in_words() {
        let words = in_words(EndReason::Idle, Duration::days(14)).unwrap();
        assert_eq!(words, "Your session ended after 14 days without use. Sign in to go on.");
        assert_eq!(in_words(EndReason::SignedOut, Duration::days(14)), None);
    }
}
