//! `whereabouts invite`.

use clap::Args;

use crate::{
    admin::actions as admin, authentication::registration::invitations::Invitation, cli::open_services, foundation::config::Config,
    reauthentication::actor::Actor,
};

/// Invite someone by email to create an account. The running server sends the email.
#[derive(Args)]
pub struct Invite {
    /// Email address of the invitation and of the account.
    email: String,
    /// Create an administrator account.
    #[arg(long)]
    admin: bool,
    #[command(flatten)]
    config: Config,
}

pub async fn run(Invite { email, admin: is_admin, config }: Invite) -> anyhow::Result<()> {
    let services = open_services(config).await?;
    let invitation = Invitation::new(email, is_admin);
    admin::invite(&services, &invitation, Actor::CommandLine).await?;
    println!("An invitation is on its way to {}.", invitation.email);
    Ok(())
}
