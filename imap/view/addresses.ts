import type { EnvelopeAddress } from '#imap/wire/envelope';
import type { Allowance } from './allowance.js';
import { octetsOf, proseOctets } from './fieldvalue.js';
import { type Outcome, WordReader } from './words.js';

/**
 * What stands for a piece of an address that is missing. IMAP has no other way to say it: a host of NIL begins a group (RFC 9051 §7.5.2).
 * The words are Dovecot's.
 */
const NO_MAILBOX = 'MISSING_MAILBOX';
const NO_DOMAIN = 'MISSING_DOMAIN';
const BAD_ROUTE = 'INVALID_ROUTE';
const BAD_ADDRESS = 'SYNTAX_ERROR';

/** An address while it is read. */
interface Draft {
  name?: string | undefined;
  route?: string;
  mailbox?: string | undefined;
  domain?: string;
  /** What was read follows the grammar. */
  isValid: boolean;
}

/** The addresses in the text of a From, To or like field (RFC 5322 §3.4). A malformed one is there too, with what could be read of it. */
export function readAddressList(text: string, allowance: Allowance): readonly EnvelopeAddress[] {
  return new AddressReader(text, allowance).list();
}

class AddressReader {
  readonly #reader: WordReader;
  readonly #allowance: Allowance;
  readonly #addresses: EnvelopeAddress[] = [];

  constructor(text: string, allowance: Allowance) {
    this.#reader = new WordReader(text);
    this.#allowance = allowance;
  }

  list(): readonly EnvelopeAddress[] {
    const reader = this.#reader;
    if (reader.space() !== 'more') return this.#addresses;
    while (this.#allowance.take() && this.#address() !== 'end' && reader.peek() === ',') {
      reader.at++;
      const outcome = reader.space();
      // A comment that does not end is an address that nobody can read.
      if (outcome === 'broken') this.#add({ isValid: false });
      if (outcome !== 'more') break;
    }
    return this.#addresses;
  }

  #address(): Outcome {
    const start = this.#reader.at;
    const outcome = this.#group();
    if (outcome !== undefined) return outcome;
    this.#reader.at = start;
    return this.#mailbox();
  }

  /** Undefined where none begins here. */
  #group(): Outcome | undefined {
    const reader = this.#reader;
    reader.word = '';
    if (reader.phrase() !== 'more' || reader.peek() !== ':') return undefined;
    reader.at++;
    let outcome = reader.space();
    this.#addresses.push(groupMark(reader.take()));
    if (outcome === 'more' && reader.peek() !== ';') {
      for (;;) {
        this.#mailbox();
        if (reader.peek() !== ',' || !this.#allowance.take()) break;
        reader.at++;
        if (reader.space() === 'more') continue;
        outcome = 'broken';
        break;
      }
    }
    if (outcome !== 'broken' && reader.peek() === ';') {
      reader.at++;
      outcome = reader.space();
    } else outcome = 'broken';
    this.#addresses.push(groupMark(undefined));
    return outcome === 'end' ? 'end' : 'more';
  }

  #mailbox(): Outcome {
    const start = this.#reader.at;
    const draft: Draft = { isValid: true };
    let outcome = this.#nameAndAddress(draft);
    if (outcome === undefined) {
      this.#reader.at = start;
      outcome = this.#addressAlone(draft);
      // A word that is no address is shown as a name.
      if (!draft.isValid && draft.name === undefined && draft.mailbox !== undefined && draft.domain === undefined) {
        draft.name = draft.mailbox;
        draft.mailbox = undefined;
      }
    }
    this.#add(draft);
    return outcome;
  }

  /** `name <address>`. Undefined where it is none. */
  #nameAndAddress(draft: Draft): Outcome | undefined {
    const reader = this.#reader;
    reader.word = '';
    if (reader.phrase() !== 'more' || reader.peek() !== '<') return undefined;
    draft.name = reader.take() || undefined;
    if (this.#angleAddress(draft) === 'broken') {
      draft.domain = BAD_ADDRESS;
      draft.isValid = false;
    }
    return reader.atEnd ? 'end' : 'more';
  }

  #angleAddress(draft: Draft): Outcome {
    const reader = this.#reader;
    reader.at++;
    if (reader.space() !== 'more') return 'broken';
    if (reader.peek() === '@' && (!this.#route(draft) || reader.space() !== 'more')) return 'broken';
    if (reader.peek() !== '>') {
      if (this.#localPart(draft) !== 'more') return 'broken';
      if (reader.peek() === '@' && this.#domain(draft) !== 'more') return 'broken';
      if (reader.peek() !== '>') return 'broken';
    }
    reader.at++;
    return reader.space();
  }

  /** `@a,@b:` (RFC 5322 §4.4). False where the text ends in it. */
  #route(draft: Draft): boolean {
    const reader = this.#reader;
    const read = this.#readRoute(draft);
    if (read && reader.peek() === ':') {
      reader.at++;
      return true;
    }
    draft.route = BAD_ROUTE;
    return !reader.atEnd;
  }

  #readRoute(draft: Draft): boolean {
    const reader = this.#reader;
    let route = '';
    while (reader.peek() === '@') {
      reader.word = '';
      const outcome = this.#domainAfterAt();
      route += `${route === '' ? '' : ','}@${reader.take()}`;
      if (outcome !== 'more') return false;
      while (reader.space() === 'more' && reader.peek() === ',') reader.at++;
    }
    if (reader.atEnd) return false;
    draft.route = route;
    return true;
  }

  /** An address without angle brackets, and what stands where it should be. */
  #addressAlone(draft: Draft): Outcome {
    const reader = this.#reader;
    reader.comment = '';
    const isQuoted = reader.peek() === '"';
    let outcome = this.#localPart(draft);
    if (outcome !== 'more') draft.isValid = false;
    let hasDomain = false;
    if (outcome !== 'end' && reader.peek() === '@') {
      hasDomain = true;
      const behind = this.#domain(draft);
      if (behind !== 'more') outcome = behind;
    }
    // `address (name)` is how names were written before RFC 822.
    if (reader.comment !== '') draft.name = reader.comment;
    else if (!hasDomain) {
      outcome = 'broken';
      draft.isValid = false;
      const word = reader.word;
      reader.word = `${word} `;
      reader.phrase();
      const words = reader.take();
      if (words.length > word.length + 1) {
        draft.mailbox = undefined;
        draft.name = words;
      } else if (!isQuoted) draft.domain = '';
    }
    return outcome;
  }

  #localPart(draft: Draft): Outcome {
    const reader = this.#reader;
    reader.word = '';
    const outcome = reader.peek() === '"' ? reader.quotedString() : reader.dotsAndAtoms();
    if (outcome !== 'broken') draft.mailbox = reader.word;
    return outcome;
  }

  #domain(draft: Draft): Outcome {
    const reader = this.#reader;
    reader.word = '';
    const outcome = this.#domainAfterAt();
    if (outcome !== 'broken') draft.domain = reader.word;
    return outcome;
  }

  #domainAfterAt(): Outcome {
    const reader = this.#reader;
    reader.at++;
    if (reader.space() !== 'more') return 'broken';
    return reader.peek() === '[' ? reader.domainLiteral() : reader.dotAtom();
  }

  #add({ name, route, mailbox, domain }: Draft): void {
    this.#addresses.push({
      name: name === undefined ? undefined : proseOctets(name),
      route: route === undefined ? undefined : octetsOf(route),
      mailbox: octetsOf(mailbox ?? NO_MAILBOX),
      host: octetsOf(domain === undefined || domain === '' ? NO_DOMAIN : domain),
    });
  }
}

function groupMark(name: string | undefined): EnvelopeAddress {
  const mailbox = name === undefined ? undefined : octetsOf(name);
  return { name: undefined, route: undefined, mailbox, host: undefined };
}
