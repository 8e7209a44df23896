//! What the card does when one of its requests fails.

use whereabouts_enhance::page;

use crate::error::problem::Problem;

/// Shows why a request failed. If the session has ended, redirects to the login page instead, which says so.
pub fn report(problem: &Problem) {
    if problem.is_not_signed_in() { page::redirect_to_login() } else { page::announce("status-notice", &problem.title) }
}

/// Shows why a revocation failed. If the response did not arrive, only the list can show what ended.
pub fn report_revocation(what: &str, problem: &Problem) {
    if problem.is_unconfirmed() {
        let text =
            ["Could not confirm that ", what, " ended because the server did not respond. The list updates when the connection is back."];
        page::announce("status-notice", &text.concat());
    } else {
        report(problem);
    }
}
