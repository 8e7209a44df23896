// A real mail server on loopback, and the mails that people get from it.
import type { AddressInfo } from 'node:net';
import { type ParsedMail, simpleParser } from 'mailparser';
import { SMTPServer } from 'smtp-server';

/** One that did not come by then does not come. */
const PATIENCE = 30_000;

type Mail = { to: string; subject: string; text: string; html: string };
type Wish = { fits: (mail: Mail) => boolean; take: (mail: Mail) => void };

export class Mails {
  private readonly come: Mail[] = [];
  private wishes: Wish[] = [];

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
    const wish = this.wishes.find(({ fits }) => fits(mail));
    if (!wish) {
      this.come.push(mail);
      return;
    }
    this.wishes = this.wishes.filter((other) => other !== wish);
    wish.take(mail);
  }

  /** The mail to this address about this, which came or is still to come; each is given out once. */
  to(address: string, subject: string | RegExp): Promise<Mail> {
    const fits = (mail: Mail) => mail.to === address && (typeof subject === 'string' ? mail.subject === subject : subject.test(mail.subject));
    const index = this.come.findIndex(fits);
    const [mail] = index < 0 ? [] : this.come.splice(index, 1);
    if (mail) return Promise.resolve(mail);
    return new Promise((take, fail) => {
      const late = setTimeout(() => fail(new Error(`no mail to ${address} about ${subject}`)), PATIENCE);
      this.wishes.push({ fits, take: (arrived) => (clearTimeout(late), take(arrived)) });
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

/** The path that a mail leads to. */
export function link(mail: Mail): string {
  const found = /https?:\/\/[^/\s]+(\/\S*token=\S+)/.exec(mail.text);
  if (!found?.[1]) throw new Error(`no link in ${mail.text}`);
  return found[1];
}
