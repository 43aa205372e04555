import { loweringLimit } from '../append/statuslimit.js';
import { capabilitiesForClient, isAllowed } from '../capabilities.js';
import { WireError } from '../wire/error.js';
import { readResponse } from '../wire/response.js';
import { type NumberRange, normalise } from '../wire/sequenceset.js';
import { uidOf } from '../wire/uid.js';
import { Selected } from '../selected.js';
import { mailboxKey } from '../wire/mailbox.js';
import { LIMITS } from '../wire/limits.js';
import type { Fragment, LineFragment } from '../wire/framer.js';
import type { Context } from './context.js';
import { LateUID } from './lateuid.js';
import type { Completion, Sink, Wait } from './queue.js';
import { ProviderViolation } from './violation.js';

const STAR = 0x2a;
const PLUS = 0x2b;

/** `* 12 FETCH` and `* OK`. */
const UNTAGGED = /^\* (?:([0-9]+) )?([A-Za-z]{1,12})/;
const TAGGED = /^([^ ]{1,512}) (OK|NO|BAD)(?=[ \r\n])/i;
/** The response code of a status response (RFC 9051 §7.1). */
const CODE = /^[^ ]+ [A-Za-z]+ \[([A-Za-z0-9-]+)(?: ([^\]\r\n]*))?/;
/** RFC 9051 §9, `nz-number`. */
const UIDVALIDITY = /^[1-9][0-9]{0,9}$/;
/** Octets of a line that these need to see. */
const HEAD_ROOM = 1024;

const MAX_NUMBER = 0xffff_ffff;
/** More digits than the largest number has. */
const LONG_NUMBER = /^\* [0-9]{11}/;

const drop: Sink = () => undefined;

/**
 * From the provider to the client: responses pass as they came, but for those of our own commands and for capabilities. On the way it
 * is noted which commands are answered, and what the responses tell about the mailbox.
 */
export class Responses {
  readonly #context: Context;
  readonly #pass: Sink;
  /** Where the fragments of the present response go. */
  #sink: Sink = drop;

  constructor(context: Context) {
    this.#context = context;
    this.#pass = ({ bytes }) => {
      context.toClient.add(bytes);
      return undefined;
    };
  }

  /** Takes the next fragment. Throws ProviderViolation. */
  take(fragment: Fragment): Wait {
    if (fragment.kind === 'line' && fragment.first) {
      this.#sink = this.#begin(fragment);
      // From here on: where it cannot begin, the client has nothing of it and can be told.
      this.#context.midResponse = this.#sink !== drop;
    }
    const waits = this.#sink(fragment);
    if (fragment.kind !== 'line' || !fragment.last) return waits;
    return waits === undefined ? this.#end() : waits.then(() => this.#end());
  }

  #end(): Wait {
    this.#context.responseEnded();
    return undefined;
  }

  #begin(line: LineFragment): Sink {
    switch (line.bytes[0]) {
      case STAR:
        return this.#context.queue.head?.own?.untagged(line) ?? this.#untagged(line);
      case PLUS:
        return this.#context.queue.continued() ? this.#pass : drop;
      default:
        return this.#tagged(line);
    }
  }

  #untagged(line: LineFragment): Sink {
    const { bytes } = line;
    const [, digits, keyword] = UNTAGGED.exec(bytes.toString('latin1', 0, 32)) ?? [];
    const number = Number(digits ?? 0);
    // RFC 9051 §9, `number`. The client would read it in another way than we do, or not at all.
    if (number > MAX_NUMBER || LONG_NUMBER.test(bytes.toString('latin1', 0, 13))) throw outOfRange();
    switch (keyword?.toUpperCase()) {
      case 'FETCH':
        return this.#fetch(line, number, digits ?? '');
      case 'EXISTS':
        if (number > LIMITS.sequenceNumbers) throw outOfRange();
        this.#context.selected.numbering.exists(number);
        return this.#context.held.none
          ? this.#pass
          : this.#instead(`* ${number + this.#context.held.count} EXISTS\r\n`);
      case 'EXPUNGE':
        return this.#expunge(number);
      case 'VANISHED':
        return this.#vanished();
      case 'CAPABILITY':
        return this.#instead(this.#capabilities(wholeLine(line)));
      case 'STATUS':
        return this.#mailboxStatus();
      case 'ENABLED':
        return this.#enabled(wholeLine(line));
      case 'BYE':
        this.#context.saidBye = true;
        return this.#status(line);
      case 'OK':
      case 'NO':
      case 'BAD':
        return this.#status(line);
      default:
        return this.#pass;
    }
  }

  #mailboxStatus(): Sink {
    const { account, mailboxEncoding, toClient } = this.#context;
    if (!account.capabilities.includes('APPENDLIMIT')) return this.#pass;
    return loweringLimit(
      (octets) => {
        toClient.add(octets);
      },
      (mailbox) => account.exempt.has(mailboxKey(mailbox, mailboxEncoding)),
    );
  }

  /** Sends a line in place of the response. */
  #instead(line: string): Sink {
    this.#context.toClient.add(Buffer.from(line, 'latin1'));
    return drop;
  }

  #fetch(line: LineFragment, number: number, digits: string): Sink {
    const { numbering } = this.#context.selected;
    const pass = this.#renumbered(number, digits);
    const uid = uidOf(line.bytes);
    if (uid !== undefined) numbering.learn(number, uid);
    if (uid !== undefined || line.last) return pass;
    const late = new LateUID();
    return (fragment) => {
      const found = late.take(fragment);
      if (found !== undefined) numbering.learn(number, found);
      return pass(fragment);
    };
  }

  /** Passes a response about a message with the number that it has for the client. */
  #renumbered(number: number, digits: string): Sink {
    const { held } = this.#context;
    if (held.none) return this.#pass;
    const before = `* ${digits} `.length;
    const head = Buffer.from(`* ${held.clientNumber(number)} `);
    let first = true;
    return (fragment) => {
      const rest = first ? Buffer.concat([head, fragment.bytes.subarray(before)]) : fragment.bytes;
      first = false;
      this.#context.toClient.add(rest);
      return undefined;
    };
  }

  #expunge(number: number): Sink {
    const { held, queue, selected, mayExpunge } = this.#context;
    if (!selected.numbering.expunge(number)) return mayExpunge ? this.#pass : drop;
    if (mayExpunge && held.none) return this.#pass;
    if (queue.numbersAhead) throw unexpectedExpunge();
    held.hold(number);
    return drop;
  }

  /** VANISHED (RFC 7162 §3.2.10): read whole, because its UIDs may be many. */
  #vanished(): Sink {
    const pieces: Buffer[] = [];
    let octets = 0;
    return (fragment) => {
      this.#context.midResponse = false;
      pieces.push(Buffer.from(fragment.bytes));
      octets += fragment.bytes.length;
      if (octets > LIMITS.gatheredOctets) throw tooLong('a VANISHED');
      if (fragment.kind !== 'line' || !fragment.last) return undefined;
      const line = Buffer.concat(pieces);
      const uids = vanishedUIDs(line);
      if (uids.length > 0) {
        const { held, selected, mayExpunge } = this.#context;
        if (!mayExpunge || !held.none) throw unexpectedExpunge();
        selected.numbering.vanish(uids);
      }
      this.#context.toClient.add(line);
      return undefined;
    };
  }

  /** An untagged status response, whose code may tell of the mailbox or of capabilities. */
  #status(line: LineFragment): Sink {
    const { name, argument } = codeOf(line);
    switch (name) {
      case 'CAPABILITY':
        return this.#instead(this.#capabilityCode(wholeLine(line)));
      case 'UIDVALIDITY':
        this.#context.selected.uidValidity = UIDVALIDITY.test(argument) ? Number(argument) : undefined;
        return this.#pass;
      case 'CLOSED':
        this.#closed();
        return this.#pass;
      default:
        return this.#pass;
    }
  }

  /** RFC 9051 §7.1: what comes after it is of the mailbox that is being selected, or of none. */
  #closed(): void {
    const { queue, selected } = this.#context;
    const selecting = queue.head?.row.treatment === 'select';
    this.#context.select(new Selected(selecting ? selected.mailbox : undefined));
  }

  #tagged(line: LineFragment): Sink {
    const { bytes } = line;
    const [, tag = '', completion = 'BAD'] = TAGGED.exec(bytes.toString('latin1', 0, HEAD_ROOM)) ?? [];
    const entry = this.#context.queue.find(tag);
    // Nobody asked for it: a client could take it for the answer to a command that it has not sent yet.
    if (entry === undefined) return drop;
    const outcome = completion.toUpperCase() as Completion;
    const instead = entry.completed?.(outcome, bytes);
    this.#context.queue.remove(entry);
    if (entry.own !== undefined) {
      entry.own.done(outcome, bytes);
      return drop;
    }
    if (instead !== undefined) return this.#instead(instead);
    // The line may be long: COPYUID lists what was copied.
    return codeOf(line).name === 'CAPABILITY' ? this.#instead(this.#capabilityCode(wholeLine(line))) : this.#pass;
  }

  /** `* ENABLED …` (RFC 5161), less what nobody was allowed to enable. */
  #enabled(text: string): Sink {
    const [, , ...names] = text.trimEnd().split(' ');
    const allowed = names.filter(isAllowed);
    // RFC 6855 §3, RFC 9051 §5.1.
    if (allowed.some((name) => /^(?:UTF8=ACCEPT|IMAP4rev2)$/i.test(name))) this.#context.mailboxEncoding = 'utf-8';
    return this.#instead(`${['* ENABLED', ...allowed].join(' ')}\r\n`);
  }

  /** `* CAPABILITY …`, less what clients are not told of. */
  #capabilities(text: string): string {
    const [, , ...names] = text.trimEnd().split(' ');
    return `* CAPABILITY ${capabilitiesForClient(names, this.#context.compressed).join(' ')}\r\n`;
  }

  /** The same in a response code. */
  #capabilityCode(text: string): string {
    return text.replace(/\[CAPABILITY ([^\]\r\n]*)\]?/i, (_, names: string) => {
      return `[CAPABILITY ${capabilitiesForClient(names.split(' '), this.#context.compressed).join(' ')}]`;
    });
  }
}

/** The response code of a status response. Its name is in upper case, and empty where there is none. */
function codeOf({ bytes }: LineFragment): { readonly name: string; readonly argument: string } {
  const [, name = '', argument = ''] = CODE.exec(bytes.toString('latin1', 0, HEAD_ROOM)) ?? [];
  return { name: name.toUpperCase(), argument };
}

/** The UIDs of the messages that are gone from the mailbox as the client knows it: none with EARLIER, which came before that. */
function vanishedUIDs(line: Buffer): readonly NumberRange[] {
  try {
    const response = readResponse([line]);
    if (response.kind !== 'vanished' || response.earlier || response.uids === '$') return [];
    return normalise(response.uids, 0);
  } catch (error) {
    if (error instanceof WireError)
      throw new ProviderViolation('The mail provider sent a VANISHED response that cannot be read.');
    throw error;
  }
}

/** A response that has to be read whole and is one line by its grammar. */
function wholeLine(line: LineFragment): string {
  if (!line.last) throw tooLong('a status');
  return line.bytes.toString('latin1');
}

function outOfRange(): ProviderViolation {
  return new ProviderViolation('The mail provider sent a number that no mailbox has.');
}

function tooLong(what: string): ProviderViolation {
  return new ProviderViolation(`The mail provider sent ${what} response that is longer than any honest one.`);
}

function unexpectedExpunge(): ProviderViolation {
  return new ProviderViolation('The mail provider deleted messages while their numbers were in use (RFC 9051 §7.5.1).');
}
