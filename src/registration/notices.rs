//! Mails to all administrators about who becomes one.

use std::net::IpAddr;

use crate::{
    accounts::{model::Account, store as accounts},
    foundation::{db::Tx, ids::UserId, services::Services},
    mail::{self, Kind, Letter},
    registration::invitations::Invitation,
};

const WHY: &str = "Administrators are notified whenever somebody is to become one.";

/// Notifies all administrators of an invitation as an administrator. `ip` is `None` for the command line.
pub async fn administrator_invited(
    tx: &mut Tx,
    services: &Services,
    invitation: &Invitation,
    inviter: &str,
    ip: Option<IpAddr>,
) -> sqlx::Result<()> {
    let letter = Letter::new("Somebody was invited as an administrator", WHY)
        .say("An invitation was sent. Whoever opens it can create an account that administers Whereabouts.")
        .fact("Email address", &invitation.email)
        .fact("Invited by", inviter);
    let letter = match ip {
        Some(ip) => letter.fact("IP address", ip.to_string()),
        None => letter,
    };
    let letter = letter.lead("Review invitations", "/admin").advise("If you do not expect this, cancel the invitation there.");
    notify_administrators(tx, services, None, letter).await
}

/// Notifies all other administrators of a new one. `added_by` is a username or "the command line".
pub async fn administrator_added(tx: &mut Tx, services: &Services, account: &Account, added_by: &str) -> sqlx::Result<()> {
    let letter = Letter::new(format!("New administrator: {}", account.username), WHY)
        .say("There is a new account that administers Whereabouts.")
        .fact("Username", &account.username)
        .fact("Email address", &account.email)
        .fact("Added by", added_by)
        .lead("Review accounts", "/admin")
        .advise("If you do not expect this, disable the account there.");
    notify_administrators(tx, services, Some(&account.id), letter).await
}

async fn notify_administrators(tx: &mut Tx, services: &Services, except: Option<&UserId>, letter: Letter) -> sqlx::Result<()> {
    for administrator in accounts::administrators(tx).await? {
        if Some(&administrator.id) != except {
            mail::tell(tx, services, &administrator, Kind::AdministratorAdded, letter.clone()).await?;
        }
    }
    Ok(())
}
