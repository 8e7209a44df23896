//! How mails leave: by SMTP, or as files where no server is set.

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
    mail::letter::Mail,
};

/// A server that cannot be reached for so long is tried again later.
const PATIENCE: Duration = Duration::from_secs(30);
/// A mail is taken within this time, or tried again later. lettre's own timeout covers no more than the connection, so a server that
/// accepts it and then says nothing would hold the worker for ever. Shorter than a worker's lease of a mail.
const SENT_WITHIN: Duration = Duration::from_secs(60);

/// The way that mails take.
pub struct Transport {
    from: Mailbox,
    way: Way,
}

enum Way {
    Smtp(Box<AsyncSmtpTransport<Tokio1Executor>>),
    Files(PathBuf),
}

/// Whether the settings of mail are understood.
pub fn check(config: &Config) -> anyhow::Result<()> {
    sender(config)?;
    if let Some(url) = &config.smtp_url {
        smtp(url)?;
    }
    Ok(())
}

fn sender(config: &Config) -> anyhow::Result<Mailbox> {
    let host = config.public_url().authority;
    let host = host.rsplit_once(':').map_or(host.as_str(), |(host, _)| host);
    let named = config.mail_from.clone().unwrap_or_else(|| format!("Whereabouts <whereabouts@{host}>"));
    named.parse().ok().context("WHEREABOUTS_MAIL_FROM is no address: write it like Whereabouts <no-reply@example.com>")
}

fn smtp(url: &str) -> anyhow::Result<AsyncSmtpTransport<Tokio1Executor>> {
    // What is wrong is not told in full: the URL holds a password.
    let builder = AsyncSmtpTransport::<Tokio1Executor>::from_url(url).ok();
    let builder = builder.context("WHEREABOUTS_SMTP_URL must be smtps://HOST, or smtp://HOST:PORT?tls=required (or opportunistic)")?;
    Ok(builder.timeout(Some(PATIENCE)).build())
}

impl Transport {
    /// As the settings say.
    pub fn new(config: &Config) -> anyhow::Result<Self> {
        let way = match &config.smtp_url {
            Some(url) => Way::Smtp(Box::new(smtp(url)?)),
            None => Way::Files(config.storage.data_dir.join("outbox")),
        };
        Ok(Self { from: sender(config)?, way })
    }

    /// Sends one mail. What comes back says why it could not, without its address or its words.
    pub async fn send(&self, id: &MailId, mail: &Mail) -> anyhow::Result<()> {
        let message = self.message(id, mail)?;
        match &self.way {
            Way::Smtp(server) => {
                let sent = timeout(SENT_WITHIN, server.send(message)).await.context("the mail server did not answer in time")?;
                sent.map(drop).map_err(|error| anyhow!("the mail server did not take it: {}", class(&error)))
            }
            Way::Files(folder) => {
                let file = folder.join(format!("{id}.eml"));
                write(folder, &file, &message.formatted()).with_context(|| format!("{} cannot be written", file.display()))?;
                tracing::info!(file = %file.display(), "no mail server is set: a mail was written to a file");
                Ok(())
            }
        }
    }

    fn message(&self, id: &MailId, mail: &Mail) -> anyhow::Result<Message> {
        let message = Message::builder()
            .from(self.from.clone())
            // An address without the person's name: nothing of theirs gets into a header but what was checked.
            .to(Mailbox::new(None, mail.to.parse().ok().context("the address is none")?))
            .subject(&mail.subject)
            // The same at every try: a server that took it before the answer was lost sees that it is the same mail.
            .message_id(Some(format!("<{id}@{}>", self.from.email.domain())))
            .multipart(MultiPart::alternative_plain_html(mail.text.clone(), mail.html.clone()));
        message.ok().context("the mail cannot be written")
    }
}

/// What kind of failure it was, with the code of the server's reply. Without the reply's text, which usually quotes the address that
/// the mail went to (LOG-3).
fn class(error: &smtp::Error) -> String {
    if let Some(code) = error.status() {
        return format!("it replied {code}");
    }
    let sources = std::iter::successors(error.source(), |&error| error.source());
    if let Some(error) = sources.filter_map(|error| error.downcast_ref::<std::io::Error>()).next() {
        return error.kind().to_string();
    }
    let words = match error {
        error if error.is_tls() => "TLS failed",
        error if error.is_response() => "its reply cannot be read",
        error if error.is_client() => "it does not support what the mail needs",
        _ => "the connection failed",
    };
    words.to_owned()
}

/// For its owner alone (OPS-2).
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
    use crate::mail::Letter;

    /// A server that accepts connections and never says a word does not hold whoever sends. Time passes as soon as everybody waits for it.
    #[tokio::test(start_paused = true)]
    async fn a_silent_server_is_given_up() {
        #[derive(clap::Parser)]
        struct Options {
            #[command(flatten)]
            config: Config,
        }
        let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("smtp://{}", silent.local_addr().unwrap());
        let config = Options::try_parse_from(["test", "--smtp-url", &url]).unwrap().config;
        let mail = Letter::new("Subject", "Why.").write("alice@example.com", "https://site.example");
        let sending = async { Transport::new(&config).unwrap().send(&MailId::new(chrono::DateTime::UNIX_EPOCH), &mail).await };
        let accepting = async { (silent.accept().await.unwrap(), std::future::pending::<()>().await) };
        let error = tokio::select! {
            sent = timeout(Duration::from_secs(300), sending) => sent.expect("to be given up").unwrap_err(),
            _ = accepting => unreachable!("it never ends"),
        };
        assert_eq!(error.to_string(), "the mail server did not answer in time");
    }
}
