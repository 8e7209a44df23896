//! A mail server on loopback, and the mails that it took.

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

/// A mail that did not come by then does not come.
const PATIENCE: Duration = Duration::from_secs(15);

/// A mail, as its reader sees it.
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

    /// The path and query of the link that it leads to, and the secret in it.
    pub fn link(&self, page: &str) -> (String, String) {
        let start = self.text.find(&format!("{page}?token=")).unwrap_or_else(|| panic!("no {page} in {self:?}"));
        let path = self.text[start..].split_whitespace().next().unwrap().to_owned();
        let token = path.split_once("token=").unwrap().1.to_owned();
        (path, token)
    }
}

/// What it replies to whoever has a mail, if it takes none.
type Refusal = Arc<Mutex<Option<&'static str>>>;

pub struct Smtp {
    pub addr: SocketAddr,
    taken: tokio::sync::Mutex<UnboundedReceiver<Mail>>,
    refusal: Refusal,
    hangs: Arc<AtomicBool>,
    hung: Arc<Notify>,
}

impl Smtp {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (sender, taken) = unbounded_channel();
        let (addr, refusal) = (listener.local_addr().unwrap(), Refusal::default());
        let (hangs, hung) = (Arc::<AtomicBool>::default(), Arc::<Notify>::default());
        let (server_refusal, server_hangs, server_hung) = (refusal.clone(), hangs.clone(), hung.clone());
        tokio::spawn(async move {
            let mut silent = Vec::new();
            while let Ok((socket, _)) = listener.accept().await {
                if server_hangs.load(Ordering::SeqCst) {
                    silent.push(socket);
                    server_hung.notify_one();
                } else {
                    tokio::spawn(serve(socket, sender.clone(), server_refusal.clone()));
                }
            }
        });
        Self { addr, taken: tokio::sync::Mutex::new(taken), refusal, hangs, hung }
    }

    /// Has it accept connections from now on and never answer on them.
    pub fn hang(&self) {
        self.hangs.store(true, Ordering::SeqCst);
    }

    /// Returns once a client waits for an answer that does not come.
    pub async fn is_waited_for(&self) {
        tokio::time::timeout(PATIENCE, self.hung.notified()).await.expect("a client");
    }

    /// Whether it takes no mail from now on (450, "try again later").
    pub fn refuse(&self, refuses: bool) {
        *self.refusal.lock().unwrap() = refuses.then_some("450 later");
    }

    /// Has it take no mail from now on, and reply this.
    pub fn refuse_with(&self, reply: &'static str) {
        *self.refusal.lock().unwrap() = Some(reply);
    }

    /// The mails that came and were not read yet.
    pub async fn all(&self) -> Vec<Mail> {
        let mut taken = self.taken.lock().await;
        std::iter::from_fn(|| taken.try_recv().ok()).collect()
    }

    /// The next mail that comes.
    pub async fn next(&self) -> Mail {
        tokio::time::timeout(PATIENCE, self.taken.lock().await.recv()).await.expect("a mail").expect("a server")
    }

    /// The next mail to this address; others are put aside for good.
    pub async fn next_to(&self, address: &str) -> Mail {
        loop {
            let mail = self.next().await;
            if mail.to == address {
                return mail;
            }
        }
    }
}

/// One connection: RFC 5321, as far as a client needs it.
async fn serve(socket: TcpStream, taken: UnboundedSender<Mail>, refusal: Refusal) -> std::io::Result<()> {
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
                let _ = taken.send(Mail::parse(&raw));
                b"250 taken\r\n"
            }
            Some("QUIT") => b"221 bye\r\n",
            _ => b"250 ok\r\n",
        };
        write.write_all(answer).await?;
    }
    Ok(())
}
