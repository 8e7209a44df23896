//! Sends mails by SMTP, or writes them to files if no server is configured.

use std::{
    error::Error as _,
    io::Write,
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context as _, anyhow};
use lettre::{
    AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor,
    message::{Mailbox, MultiPart},
    transport::smtp,
};

use tokio::time::timeout;

use crate::{
    foundation::{config::Config, ids::MailId},
    mail::content::Mail,
};

/// Timeout of the SMTP connection. The mail is tried again later.
const CONNECTION_TIMEOUT: Duration = Duration::from_secs(30);
/// Timeout of sending a mail, which is then tried again later. lettre's own timeout covers only the connection, so a server that accepts
/// it and then does not respond would block the worker forever. Shorter than the worker's lease of a mail.
const SEND_TIMEOUT: Duration = Duration::from_secs(60);

/// Sends mails.
pub struct Transport {
    from: Mailbox,
    backend: Backend,
}

enum Backend {
    Smtp(Box<AsyncSmtpTransport<Tokio1Executor>>),
    Files(PathBuf),
}

/// Checks the mail settings.
///
/// Errors: an invalid sender address or SMTP URL.
pub fn check_config(config: &Config) -> anyhow::Result<()> {
    parse_sender(config)?;
    if let Some(url) = &config.smtp_url {
        create_smtp_client(url)?;
    }
    Ok(())
}

fn parse_sender(config: &Config) -> anyhow::Result<Mailbox> {
    let host = config.public_url().authority;
    let host = host.rsplit_once(':').map_or(host.as_str(), |(host, _)| host);
    let sender = config.mail_from.clone().unwrap_or_else(|| format!("Whereabouts <whereabouts@{host}>"));
    sender.parse().ok().context("WHEREABOUTS_MAIL_FROM is not an address: write it like Whereabouts <no-reply@example.com>")
}

fn create_smtp_client(url: &str) -> anyhow::Result<AsyncSmtpTransport<Tokio1Executor>> {
    // The cause is not included: the URL contains a password.
    let builder = AsyncSmtpTransport::<Tokio1Executor>::from_url(url).ok();
    let builder = builder.context("WHEREABOUTS_SMTP_URL must be smtps://HOST, or smtp://HOST:PORT?tls=required (or opportunistic)")?;
    Ok(builder.timeout(Some(CONNECTION_TIMEOUT)).build())
}

impl Transport {
    /// Creates a transport from the settings.
    ///
    /// Errors: an invalid sender address or SMTP URL.
    pub fn new(config: &Config) -> anyhow::Result<Self> {
        let backend = match &config.smtp_url {
            Some(url) => Backend::Smtp(Box::new(create_smtp_client(url)?)),
            None => Backend::Files(config.storage.data_dir.join("outbox")),
        };
        Ok(Self { from: parse_sender(config)?, backend })
    }

    /// Sends a mail.
    ///
    /// Errors: why it could not be sent, without its address or content.
    pub async fn send(&self, id: &MailId, mail: &Mail) -> anyhow::Result<()> {
        let message = self.message(id, mail)?;
        match &self.backend {
            Backend::Smtp(server) => {
                let sent = timeout(SEND_TIMEOUT, server.send(message)).await.context("the mail server did not answer in time")?;
                sent.map(drop).map_err(|error| anyhow!("the mail server refused the mail: {}", describe_smtp_error(&error)))
            }
            Backend::Files(folder) => {
                let file = folder.join(format!("{id}.eml"));
                write(folder, &file, &message.formatted()).with_context(|| format!("{} cannot be written", file.display()))?;
                tracing::info!(file = %file.display(), "no mail server is configured: a mail was written to a file");
                Ok(())
            }
        }
    }

    fn message(&self, id: &MailId, mail: &Mail) -> anyhow::Result<Message> {
        let message = Message::builder()
            .from(self.from.clone())
            // The address without the user's name, so that only validated input gets into a header.
            .to(Mailbox::new(None, mail.to.parse().ok().context("the address is invalid")?))
            .subject(&mail.subject)
            // The same for every attempt: a server that accepted the mail, but whose reply was lost, can recognize it.
            .message_id(Some(format!("<{id}@{}>", self.from.email.domain())))
            .multipart(MultiPart::alternative_plain_html(mail.text.clone(), mail.html.clone()));
        message.ok().context("the mail cannot be written")
    }
}

/// Describes an SMTP error with the status code of the server's reply. Without the reply's text, which usually quotes the recipient's
/// address (LOG-3).
fn describe_smtp_error(error: &smtp::Error) -> String {
    if let Some(code) = error.status() {
        return format!("it replied {code}");
    }
    let sources = std::iter::successors(error.source(), |&error| error.source());
    if let Some(error) = sources.filter_map(|error| error.downcast_ref::<std::io::Error>()).next() {
        return error.kind().to_string();
    }
    let description = match error {
        error if error.is_tls() => "TLS failed",
        error if error.is_response() => "its reply cannot be read",
        error if error.is_client() => "it does not support what the mail needs",
        _ => "the connection failed",
    };
    description.to_owned()
}

/// Writes a file that only its owner can read (OPS-2).
fn write(folder: &Path, file: &Path, bytes: &[u8]) -> std::io::Result<()> {
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    let mut file = std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(file)?;
    file.write_all(bytes)?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;
    use tokio::net::TcpListener;

    use super::*;
    use crate::mail::Content;

    /// A server that accepts connections and never responds does not block the sender. Time is paused and advances when all tasks wait.
    #[tokio::test(start_paused = true)]
    async fn an_unresponsive_server_times_out() {
        #[derive(clap::Parser)]
        struct Options {
            #[command(flatten)]
            config: Config,
        }
        let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("smtp://{}", silent.local_addr().unwrap());
        let config = Options::try_parse_from(["test", "--smtp-url", &url]).unwrap().config;
        let mail = Content::new("Subject", "Why.").render("alice@example.com", "https://site.example");
        let sending = async { Transport::new(&config).unwrap().send(&MailId::new(chrono::DateTime::UNIX_EPOCH), &mail).await };
        let accepting = async { (silent.accept().await.unwrap(), std::future::pending::<()>().await) };
        let error = tokio::select! {
            sent = timeout(Duration::from_secs(300), sending) => sent.expect("to be given up").unwrap_err(),
            _ = accepting => unreachable!("it never ends"),
        };
        assert_eq!(error.to_string(), "the mail server did not answer in time");
    }
}
