import { Numbering } from './numbering.js';

/** What names a message for ever (RFC 9051 §2.3.1.1): the key of all that is remembered of it. */
export interface MessageName {
  /** As `mailboxKey` makes it. */
  readonly mailbox: string;
  readonly uidValidity: number;
  readonly uid: number;
}

/** A mailbox that the provider has selected for this session, or none, as the client's command and the provider's responses have told. */
export class Selected {
  readonly numbering = new Numbering();
  /** As `mailboxKey` makes it. Undefined where none is selected, and where its name could not be read. */
  mailbox: string | undefined;
  #uidValidity: number | undefined;

  constructor(mailbox?: string) {
    this.mailbox = mailbox;
  }

  get uidValidity(): number | undefined {
    return this.#uidValidity;
  }

  /** `* OK [UIDVALIDITY value]`. With another one than before, UIDs mean other messages. */
  set uidValidity(value: number | undefined) {
    if (this.#uidValidity !== undefined && this.#uidValidity !== value) this.numbering.forget();
    this.#uidValidity = value;
  }

  /** The name of the message with this number, or undefined where not all of it has been told. */
  nameOf(number: number): MessageName | undefined {
    const { mailbox, uidValidity } = this;
    const uid = this.numbering.uid(number);
    if (mailbox === undefined || uidValidity === undefined || uid === undefined) return undefined;
    return { mailbox, uidValidity, uid };
  }
}
