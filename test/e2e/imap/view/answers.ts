/** FETCH responses as what they say: without the order of their items, and without how their strings are spelled. Pure. */
import { pieces } from '../responses.js';

/** An atom, a string, or a list. NIL is an atom. */
export type Value = { readonly atom: string } | { readonly text: string } | readonly Value[];

/** What was told of one message: values by the name of the item, in capitals. */
export type Items = Map<string, Value>;

export interface Answers {
  /** By message number. */
  readonly messages: ReadonlyMap<number, Items>;
  /** OK, NO or BAD, and its response code without arguments. */
  readonly completion: string;
}

/** What the responses to one command say: those before the tagged one, and that. */
export function readAnswers(responses: readonly Buffer[]): Answers {
  const messages = new Map<number, Items>();
  let completion = '';
  for (const response of responses) {
    const [, number] = /^\* (\d+) FETCH \(/.exec(response.toString('latin1', 0, 40)) ?? [];
    if (number === undefined) {
      const [, tag, status = '', code = ''] =
        /^(\S+) (OK|NO|BAD)\b(?: \[([A-Z-]+))?/.exec(response.toString('latin1', 0, 200)) ?? [];
      if (tag !== undefined && tag !== '*') completion = `${status} ${code}`.trimEnd();
      continue;
    }
    const items: Items = messages.get(Number(number)) ?? new Map<string, Value>();
    messages.set(Number(number), items);
    for (const [name, value] of readItems(response)) {
      const before = items.get(name);
      // These may be told once more, when the command has changed them.
      const mayChange = name === 'FLAGS' || name === 'MODSEQ';
      if (before !== undefined && !mayChange && JSON.stringify(before) !== JSON.stringify(value)) {
        throw new Error(`${name} of message ${number} is told in two ways.`);
      }
      items.set(name, value);
    }
  }
  return { messages, completion };
}

/** The items of one FETCH response. Throws an error that shows what is not well-formed. */
export function readItems(response: Buffer): [string, Value][] {
  const reader = new ValueReader(response);
  reader.expect(/\* \d+ FETCH \(/y);
  const items: [string, Value][] = [];
  do {
    const name = reader.expect(/[A-Z0-9.-]+(?:\[(?:[^\]"]|"[^"]*")*\])?(?:<\d+>)?/iy).toUpperCase();
    reader.expect(/ /y);
    items.push([name, reader.value()]);
  } while (reader.take(/ /y));
  reader.expect(/\)\r\n$/y);
  return items;
}

class ValueReader {
  /** Literals are marks in it: NUL and the number of the literal. */
  readonly #text: string;
  readonly #literals: Buffer[] = [];
  #at = 0;

  constructor(response: Buffer) {
    this.#text = pieces(response)
      .map(({ text, literal }) => {
        if (literal === undefined) return text;
        this.#literals.push(literal);
        return `${text.replace(/~?\{\d+\}\r\n$/, '')}\0${this.#literals.length - 1};`;
      })
      .join('');
  }

  take(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at;
    const [found] = pattern.exec(this.#text) ?? [];
    if (found !== undefined) this.#at += found.length;
    return found;
  }

  expect(pattern: RegExp): string {
    const found = this.take(pattern);
    if (found === undefined) {
      const context = this.#text.slice(Math.max(0, this.#at - 60), this.#at + 100);
      throw new Error(`Expected ${pattern.source} in ${JSON.stringify(context)}`);
    }
    return found;
  }

  value(): Value {
    const literal = this.take(/\0\d+;/y);
    if (literal !== undefined) {
      return { text: (this.#literals[Number(literal.slice(1, -1))] ?? Buffer.alloc(0)).toString('latin1') };
    }
    const quoted = this.take(/"(?:[^"\\\r\n\0]|\\["\\])*"/y);
    if (quoted !== undefined) return { text: quoted.slice(1, -1).replace(/\\(.)/g, '$1') };
    if (this.take(/\(/y) === undefined) return { atom: this.expect(/[^ ()"{\r\n\0]+/y) };
    const list: Value[] = [];
    // Bodies of a multipart follow one another without a space.
    while (this.take(/\)/y) === undefined) {
      list.push(this.value());
      this.take(/ /y);
    }
    return list;
  }
}
