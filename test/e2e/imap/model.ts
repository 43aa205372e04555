/** What a client must believe of the mailbox that it has selected, from what the server has told it. Pure. */
import { pieces } from './responses.js';

/** Commands as RFC 9051 §7.5.1 sorts them: by message numbers (FETCH, STORE, SEARCH), by UID, and the others. */
export type CommandKind = 'number' | 'uid' | 'other';

/** What is true of messages whoever asks: all connections share it. */
export interface Truth {
  /** `X-Number` of each UID. */
  readonly numbers: Map<number, number>;
}

export interface Believed {
  uid: number | undefined;
  /** As told last, sorted, without \Recent; undefined after a change that was asked to be silent. */
  flags: string | undefined;
}

/** A server, or what stands before it, that has said what cannot be. */
export class Violation extends Error {
  override readonly name = 'Violation';
}

export class Mailbox {
  readonly messages: Believed[] = [];
  readonly #truth: Truth;

  constructor(truth: Truth) {
    this.#truth = truth;
  }

  /** Takes an untagged response, while commands of these kinds are under way. Throws a `Violation`. */
  apply(response: Buffer, underWay: readonly CommandKind[]): void {
    const head = response.toString('latin1', 0, 4000);
    const [, digits, word] = /^\* (\d+) (EXISTS|EXPUNGE|FETCH)\b/.exec(head) ?? [];
    const number = Number(digits);
    switch (word) {
      case 'EXISTS':
        this.#exists(number);
        return;
      case 'EXPUNGE':
        this.#mayExpunge(head, underWay);
        this.#known(number, head);
        this.messages.splice(number - 1, 1);
        return;
      case 'FETCH':
        this.#fetch(number, response);
        return;
      default:
        break;
    }
    const [, set] = /^\* VANISHED ([\d:,]+)\r\n$/.exec(head) ?? [];
    if (set !== undefined) {
      this.#mayExpunge(head, underWay);
      for (const uid of members(set)) this.#vanish(uid);
    }
    const [, found] = /^\* SEARCH( [\d ]*)\r\n$/.exec(head) ?? [];
    // Of several searches under way one may be by UID, and nothing tells which this is.
    if (found !== undefined && !underWay.includes('uid'))
      for (const one of found.trim().split(' ')) this.#known(Number(one), head);
  }

  /** The flags of these messages are about to change without a word. */
  forget(number: number): void {
    const message = this.messages[number - 1];
    if (message !== undefined) message.flags = undefined;
  }

  forgetUID(uid: number): void {
    // A message whose UID is not known yet may be the one.
    for (const message of this.messages)
      if (message.uid === uid || message.uid === undefined) message.flags = undefined;
  }

  #exists(count: number): void {
    if (count < this.messages.length)
      throw new Violation(`${count} EXISTS, but there are ${this.messages.length} messages.`);
    while (this.messages.length < count) this.messages.push({ uid: undefined, flags: undefined });
  }

  #mayExpunge(response: string, underWay: readonly CommandKind[]): void {
    if (underWay.length === 0) return;
    if (underWay.every((kind) => kind === 'number'))
      throw new Violation(`${response.trim()} came while only FETCH, STORE or SEARCH was under way.`);
  }

  #known(number: number, response: string): Believed {
    const message = this.messages[number - 1];
    if (message === undefined)
      throw new Violation(`${response.slice(0, 80)}: there are ${this.messages.length} messages.`);
    return message;
  }

  #fetch(number: number, response: Buffer): void {
    const parts = pieces(response);
    const text = parts.map((part) => part.text).join('');
    const message = this.#known(number, text);
    const [, uid] = /\bUID (\d+)/.exec(text) ?? [];
    if (uid !== undefined) this.#learn(number, message, Number(uid));
    const [, flags] = /\bFLAGS \(([^)]*)\)/.exec(text) ?? [];
    if (flags !== undefined) message.flags = flagList(flags);
    const [, sign] = /^X-Number: (\d+)/im.exec(parts[0]?.literal?.toString('latin1') ?? '') ?? [];
    if (sign === undefined || uid === undefined) return;
    const before = this.#truth.numbers.get(Number(uid)) ?? Number(sign);
    if (before !== Number(sign)) throw new Violation(`UID ${uid} is message ${sign}, and was ${before}.`);
    this.#truth.numbers.set(Number(uid), before);
  }

  #learn(number: number, message: Believed, uid: number): void {
    if (message.uid !== undefined && message.uid !== uid)
      throw new Violation(`Message ${number} has UID ${uid}, and had ${message.uid}.`);
    const lower = this.messages.slice(0, number - 1).findLast((one) => one.uid !== undefined)?.uid ?? 0;
    const upper = this.messages.slice(number).find((one) => one.uid !== undefined)?.uid ?? Infinity;
    if (uid <= lower || uid >= upper)
      throw new Violation(`Message ${number} has UID ${uid}, which is not between ${lower} and ${upper}.`);
    message.uid = uid;
  }

  #vanish(uid: number): void {
    let at = this.messages.findIndex((message) => message.uid === uid);
    if (at === -1) {
      // One whose UID was not told yet: those stand between the UIDs around it.
      const after = this.messages.findLastIndex((message) => message.uid !== undefined && message.uid < uid);
      at = this.messages[after + 1]?.uid === undefined ? after + 1 : -1;
    }
    if (at === -1 || at >= this.messages.length) throw new Violation(`UID ${uid} vanished, and was not there.`);
    this.messages.splice(at, 1);
  }
}

export function flagList(flags: string): string {
  return flags
    .split(' ')
    .filter((flag) => flag !== '' && flag !== '\\Recent')
    .sort()
    .join(' ');
}

function members(set: string): number[] {
  return set.split(',').flatMap((range) => {
    const [from = 0, to = from] = range.split(':').map(Number);
    return Array.from({ length: to - from + 1 }, (_, index) => from + index);
  });
}
