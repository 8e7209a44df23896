// A real mail server on loopback, and the emails that it receives for users.
import type { AddressInfo } from 'node:net';
import { type ParsedMail, simpleParser } from 'mailparser';
import { SMTPServer } from 'smtp-server';

/** How long to wait for an email. */
const TIMEOUT_MS = 30_000;

type Mail = { to: string; subject: string; text: string; html: string };
type Waiter = { matches: (mail: Mail) => boolean; resolve: (mail: Mail) => void };

export class Mails {
  private readonly received: Mail[] = [];
  private waiters: Waiter[] = [];

  private constructor(private readonly server: SMTPServer) {}

  static async start(): Promise<Mails> {
    const server: SMTPServer = new SMTPServer({
      authOptional: true,
      disabledCommands: ['STARTTLS'],
      onData: (stream, _session, done) => {
        simpleParser(stream).then((mail) => {
          mails.arrive(read(mail));
          done();
        }, done);
      },
    });
    const mails = new Mails(server);
    await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready));
    return mails;
  }

  get url(): string {
    return `smtp://127.0.0.1:${(this.server.server.address() as AddressInfo).port}`;
  }

  private arrive(mail: Mail): void {
    const waiter = this.waiters.find(({ matches }) => matches(mail));
    if (!waiter) {
      this.received.push(mail);
      return;
    }
    this.waiters = this.waiters.filter((other) => other !== waiter);
    waiter.resolve(mail);
  }

  /** Takes the email to this address with this subject, or waits for it. Returns each email once. */
  to(address: string, subject: string | RegExp): Promise<Mail> {
    const matches = (mail: Mail) => mail.to === address && (typeof subject === 'string' ? mail.subject === subject : subject.test(mail.subject));
    const index = this.received.findIndex(matches);
    const [mail] = index < 0 ? [] : this.received.splice(index, 1);
    if (mail) return Promise.resolve(mail);
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`no email to ${address} with the subject ${subject}`)), TIMEOUT_MS);
      this.waiters.push({ matches, resolve: (mail) => (clearTimeout(timer), resolve(mail)) });
    });
  }

  stop(): Promise<void> {
    return new Promise((done) => this.server.close(() => done()));
  }
}

function read(mail: ParsedMail): Mail {
  const to = Array.isArray(mail.to) ? mail.to[0] : mail.to;
  return { to: to?.value[0]?.address ?? '', subject: mail.subject ?? '', text: mail.text ?? '', html: mail.html || '' };
}

/** Returns the path and query of the link in an email. */
export function link(mail: Mail): string {
  const found = /https?:\/\/[^/\s]+(\/\S*token=\S+)/.exec(mail.text);
  if (!found?.[1]) throw new Error(`no link in ${mail.text}`);
  return found[1];
}
