//! A mail server on loopback, and the emails that it received.

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use mail_parser::MessageParser;
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    sync::{
        Notify,
        mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel},
    },
};

/// An email that has not arrived by then will not arrive.
const MAIL_TIMEOUT: Duration = Duration::from_secs(15);

/// An email as its reader sees it.
#[derive(Debug)]
pub struct Mail {
    pub to: String,
    pub subject: String,
    pub text: String,
    pub html: String,
}

impl Mail {
    fn parse(raw: &[u8]) -> Self {
        let mail = MessageParser::default().parse(raw).unwrap();
        let to = mail.to().unwrap().first().unwrap().address().unwrap().to_owned();
        let (text, html) = (mail.body_text(0).unwrap().into_owned(), mail.body_html(0).unwrap().into_owned());
        Self { to, subject: mail.subject().unwrap().to_owned(), text, html }
    }

    /// Returns the path and query of the link to `page` in this email, and the one-time token in it.
    pub fn link(&self, page: &str) -> (String, String) {
        let start = self.text.find(&format!("{page}?token=")).unwrap_or_else(|| panic!("no {page} in {self:?}"));
        let path = self.text[start..].split_whitespace().next().unwrap().to_owned();
        let token = path.split_once("token=").unwrap().1.to_owned();
        (path, token)
    }
}

/// The reply to MAIL while the server refuses emails; otherwise `None`.
type Refusal = Arc<Mutex<Option<&'static str>>>;

pub struct Smtp {
    pub addr: SocketAddr,
    received: tokio::sync::Mutex<UnboundedReceiver<Mail>>,
    refusal: Refusal,
    is_hanging: Arc<AtomicBool>,
    client_waits: Arc<Notify>,
}

impl Smtp {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (sender, received) = unbounded_channel();
        let (addr, refusal) = (listener.local_addr().unwrap(), Refusal::default());
        let (is_hanging, client_waits) = (Arc::<AtomicBool>::default(), Arc::<Notify>::default());
        let (server_refusal, server_is_hanging, server_client_waits) = (refusal.clone(), is_hanging.clone(), client_waits.clone());
        tokio::spawn(async move {
            let mut unanswered = Vec::new();
            while let Ok((socket, _)) = listener.accept().await {
                if server_is_hanging.load(Ordering::SeqCst) {
                    unanswered.push(socket);
                    server_client_waits.notify_one();
                } else {
                    tokio::spawn(serve(socket, sender.clone(), server_refusal.clone()));
                }
            }
        });
        Self { addr, received: tokio::sync::Mutex::new(received), refusal, is_hanging, client_waits }
    }

    /// From now on, accepts connections and never answers on them.
    pub fn hang(&self) {
        self.is_hanging.store(true, Ordering::SeqCst);
    }

    /// Returns once a client is connected and waits for an answer.
    pub async fn wait_for_hanging_client(&self) {
        tokio::time::timeout(MAIL_TIMEOUT, self.client_waits.notified()).await.expect("a client");
    }

    /// From now on, refuses all emails with 450 ("try again later"), or accepts them again.
    pub fn set_refusing(&self, is_refusing: bool) {
        *self.refusal.lock().unwrap() = is_refusing.then_some("450 later");
    }

    /// From now on, refuses all emails with this reply.
    pub fn refuse_with(&self, reply: &'static str) {
        *self.refusal.lock().unwrap() = Some(reply);
    }

    /// Takes the emails that have arrived and were not read yet.
    pub async fn take_all(&self) -> Vec<Mail> {
        let mut received = self.received.lock().await;
        std::iter::from_fn(|| received.try_recv().ok()).collect()
    }

    /// Waits for the next email.
    pub async fn next(&self) -> Mail {
        tokio::time::timeout(MAIL_TIMEOUT, self.received.lock().await.recv()).await.expect("a mail").expect("a server")
    }

    /// Waits for the next email to this address. Discards emails to others.
    pub async fn next_for(&self, address: &str) -> Mail {
        loop {
            let mail = self.next().await;
            if mail.to == address {
                return mail;
            }
        }
    }
}

/// Serves one connection: RFC 5321, as far as a client needs it.
async fn serve(socket: TcpStream, sender: UnboundedSender<Mail>, refusal: Refusal) -> std::io::Result<()> {
    let (read, mut write) = socket.into_split();
    let mut lines = BufReader::new(read).split(b'\n');
    write.write_all(b"220 sink\r\n").await?;
    while let Some(line) = lines.next_segment().await? {
        let command = String::from_utf8_lossy(&line).to_ascii_uppercase();
        let refused = *refusal.lock().unwrap();
        let answer: &[u8] = match command.split_whitespace().next() {
            Some("EHLO") => b"250 sink\r\n",
            Some("MAIL") if let Some(reply) = refused => &[reply.as_bytes(), b"\r\n"].concat(),
            Some("DATA") => {
                write.write_all(b"354 go on\r\n").await?;
                let mut raw = Vec::new();
                while let Some(line) = lines.next_segment().await? {
                    if line == b".\r" {
                        break;
                    }
                    raw.extend_from_slice(line.strip_prefix(b".").unwrap_or(&line));
                    raw.push(b'\n');
                }
                let _ = sender.send(Mail::parse(&raw));
                b"250 taken\r\n"
            }
            Some("QUIT") => b"221 bye\r\n",
            _ => b"250 ok\r\n",
        };
        write.write_all(answer).await?;
    }
    Ok(())
}
