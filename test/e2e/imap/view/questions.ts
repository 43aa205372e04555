/** FETCH commands as clients send them, and as none does; the same for the same random numbers. */

const NAMES = ['Subject', 'FROM', 'to', 'Date', 'Content-Type', 'X-Number', 'X-Nothing', 'Received', 'MIME-Version'];
const FREE = ['FLAGS', 'UID', 'INTERNALDATE', 'MODSEQ'];
const TOLD = ['ENVELOPE', 'BODY', 'BODYSTRUCTURE', 'RFC822.SIZE', 'PREVIEW', 'RFC822.HEADER'];
const OFFSETS = [0, 0, 1, 17, 100, 1000, 65_536, 4_000_000_000];
const COUNTS = [1, 2, 50, 1000, 131_072, 4_000_000_000];

export class Questions {
  readonly #random: () => number;

  constructor(random: () => number) {
    this.#random = random;
  }

  /** A command for a mailbox whose messages have these UIDs: what follows the tag. */
  next(uids: readonly number[]): string {
    const byUID = this.#chance(0.4);
    const set = byUID ? this.#set(uids, (uids.at(-1) ?? 0) + 3) : this.#set(Array.from(uids, (_, index) => index + 1));
    const items = this.#chance(0.1) ? this.#one(['ALL', 'FAST', 'FULL']) : this.#items();
    // Behind one item without parentheses Dovecot takes a modifier for a part of it.
    const modifier = items.startsWith('(') && this.#chance(0.05) ? ' (CHANGEDSINCE 1)' : '';
    return `${byUID ? 'UID ' : ''}FETCH ${set} ${items}${modifier}`;
  }

  #set(numbers: readonly number[], most = Math.max(...numbers)): string {
    const number = (): string => (this.#chance(0.05) ? '*' : String(this.#one(numbers)));
    const range = (): string => {
      const first = this.#one(numbers);
      return `${first}:${Math.min(most, first + this.#below(5))}`;
    };
    return Array.from({ length: 1 + this.#below(3) }, () => (this.#chance(0.3) ? range() : number())).join(',');
  }

  #items(): string {
    const all = Array.from({ length: 1 + this.#below(4) }, () => this.#item());
    // Of two that have one name in the answer nobody can tell which is which.
    const byName = new Map(all.map((item) => [item.replace('.PEEK', '').replace(/\.\d+>$/, '>'), item]));
    const items = [...byName.values()];
    return items.length === 1 && this.#chance(0.5) ? items.join('') : `(${items.join(' ')})`;
  }

  #item(): string {
    if (this.#chance(0.15)) return this.#one(FREE);
    if (this.#chance(0.3)) return this.#one(TOLD);
    if (this.#chance(0.05)) return this.#one(['RFC822', 'RFC822.TEXT']);
    // One in ten sets \Seen.
    const peek = this.#chance(0.9) ? '.PEEK' : '';
    if (this.#chance(0.8)) return `BODY${peek}[${this.#section()}]${this.#partial()}`;
    const part = this.#chance(0.1) ? '' : this.#path();
    return this.#chance(0.3) ? `BINARY.SIZE[${part}]` : `BINARY${peek}[${part}]${this.#partial()}`;
  }

  #section(): string {
    if (this.#chance(0.4)) return this.#one(['', '', 'HEADER', 'TEXT', this.#fields(), this.#fields()]);
    const path = this.#path();
    return this.#chance(0.4) ? path : `${path}.${this.#one(['HEADER', 'TEXT', 'MIME', 'MIME', this.#fields()])}`;
  }

  #path(): string {
    return Array.from({ length: 1 + this.#below(3) }, () => 1 + this.#below(3)).join('.');
  }

  #fields(): string {
    const names = new Set(Array.from({ length: 1 + this.#below(3) }, () => this.#one(NAMES)));
    return `HEADER.FIELDS${this.#chance(0.3) ? '.NOT' : ''} (${[...names].join(' ')})`;
  }

  #partial(): string {
    return this.#chance(0.6) ? '' : `<${this.#one(OFFSETS)}.${this.#one(COUNTS)}>`;
  }

  #chance(probability: number): boolean {
    return this.#random() < probability;
  }

  #below(limit: number): number {
    return Math.floor(this.#random() * limit);
  }

  #one<T>(things: readonly T[]): T {
    const thing = things[this.#below(things.length)];
    if (thing === undefined) throw new Error('There is nothing to choose from.');
    return thing;
  }
}
