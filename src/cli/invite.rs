//! `whereabouts invite`.

use clap::Args;

use crate::{
    admin::actions::{self as admin, By},
    cli::open_services,
    foundation::config::Config,
    registration::invitations::Invitation,
};

/// Mail somebody a link that makes an account. The running server sends it.
#[derive(Args)]
pub struct Invite {
    /// Where the link is mailed to; the account gets this address.
    email: String,
    /// Make it an administrator.
    #[arg(long)]
    admin: bool,
    #[command(flatten)]
    config: Config,
}

pub async fn run(Invite { email, admin: is_admin, config }: Invite) -> anyhow::Result<()> {
    let services = open_services(config).await?;
    let invitation = Invitation { email, is_admin };
    admin::invite(&services, &invitation, By::CommandLine).await?;
    println!("An invitation is on its way to {}.", invitation.email);
    Ok(())
}
