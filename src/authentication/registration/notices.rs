//! Mails to all administrators about new and invited administrators.

use std::net::IpAddr;

use crate::{
    accounts::{model::Account, store as accounts},
    foundation::{db::Tx, ids::UserId, services::Services},
    mail::{self, Content, Kind},
};

const WHY: &str = "Administrators get this email when an administrator is invited or added.";

/// Notifies all administrators that the owner of this email address was invited as an administrator. `ip` is `None` for the command line.
pub async fn notify_of_invited_administrator(
    tx: &mut Tx,
    services: &Services,
    email: &str,
    inviter: &str,
    ip: Option<IpAddr>,
) -> sqlx::Result<()> {
    let content = Content::new("Someone was invited as an administrator", WHY)
        .paragraph("An invitation was sent. Whoever opens it can create an administrator account.")
        .fact("Email address", email)
        .fact("Invited by", inviter);
    let content = match ip {
        Some(ip) => content.fact("IP address", ip.to_string()),
        None => content,
    };
    let content = content.button("Review invitations", "/admin").note("If you do not expect this, cancel the invitation there.");
    notify_administrators(tx, services, None, content).await
}

/// Notifies all other administrators of a new administrator. `added_by` is a username or "the command line".
pub async fn notify_of_new_administrator(tx: &mut Tx, services: &Services, account: &Account, added_by: &str) -> sqlx::Result<()> {
    let content = Content::new(format!("New administrator: {}", account.username), WHY)
        .paragraph("A new administrator account was created.")
        .fact("Username", &account.username)
        .fact("Email address", &account.email)
        .fact("Added by", added_by)
        .button("Review accounts", "/admin")
        .note("If you do not expect this, disable the account there.");
    notify_administrators(tx, services, Some(&account.id), content).await
}

async fn notify_administrators(tx: &mut Tx, services: &Services, except: Option<&UserId>, content: Content) -> sqlx::Result<()> {
    for administrator in accounts::administrators(tx).await? {
        if Some(&administrator.id) != except {
            mail::enqueue(tx, services, &administrator, Kind::AdministratorAdded, content.clone()).await?;
        }
    }
    Ok(())
}
