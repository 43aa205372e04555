import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import type { Connection } from '#lib/net/connection';
import { type MemoryConnection, cut } from '#test/lib/net/memory';

/** How what one side sends is cut into chunks. */
export type Cut = (bytes: Buffer) => Iterable<Buffer>;

/** Plays one transcript against what is tested. Rejects where it goes another way. */
export type Replay = (text: string, cut: Cut) => Promise<unknown>;

/** The far ends of the connections, by the letters that transcripts have for them. */
export type Sides = Readonly<Record<string, MemoryConnection>>;

/** Tests with the transcripts of a folder, whose form its README.md tells: each whole, an octet at a time, and cut at random. */
export function playTranscripts(what: string, folder: string, replay: Replay): void {
  describe(what, { concurrency: 8, timeout: 20_000 }, () => {
    for (const name of readdirSync(folder).filter((file) => file.endsWith('.txt'))) {
      const text = readFileSync(join(folder, name), 'utf8');
      const play = async (how: Cut): Promise<void> => {
        await replay(text, how);
      };
      it(`${name}, whole`, () => play((bytes) => [bytes]));
      // Some only mean something whole, or would take a turn for each of very many octets.
      if (text.startsWith('#! whole')) continue;
      it(`${name}, an octet at a time`, () => play((bytes) => cut(bytes, 1)));
      for (const seed of [1, 2, 3]) it(`${name}, cut at random (${seed})`, () => play(randomCuts(seed)));
    }
  });
}

/** Goes through the steps of a transcript, and breaks the connections off at the end. */
export async function playSteps(text: string, how: Cut, sides: Sides): Promise<void> {
  const player = new Player(sides, how);
  try {
    for (const [at, line] of text.split('\n').entries()) {
      await player.step(line).catch((error: unknown) => {
        throw new Error(`line ${at + 1}: ${line}`, { cause: error });
      });
    }
  } finally {
    for (const side of Object.values(sides)) side.destroy();
  }
}

function randomCuts(seed: number): Cut {
  const next = numbers(seed);
  return (bytes) => cut(bytes, () => 1 + ((next() >>> 8) % 40));
}

/** Numbers that look random and are the same each time (Numerical Recipes' generator). */
function numbers(seed: number): () => number {
  let state = seed;
  return () => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0);
}

class Player {
  readonly #ears: ReadonlyMap<string, Ear>;
  readonly #cut: Cut;
  /** What `%1` to `%9` stand for. */
  readonly #names = new Map<string, string>();

  constructor(sides: Sides, how: Cut) {
    this.#ears = new Map(Object.entries(sides).map(([letter, connection]) => [letter, new Ear(connection)]));
    this.#cut = how;
  }

  async step(line: string): Promise<void> {
    const [, who = '', kind = '', rest = ''] = /^([A-Za-z])([:|.!])(?: (.*))?$/.exec(line) ?? [];
    const ear = this.#ears.get(who.toUpperCase());
    if (ear === undefined) {
      assert.match(line, /^(?:#|\s*$)/, 'no step');
      return;
    }
    const octets = unescape(rest) + (kind === ':' ? '\r\n' : '');
    if (who === who.toLowerCase()) {
      await (kind === '.' || kind === '!' ? ear.ended() : this.#expect(ear, octets));
    } else if (kind === '!') {
      ear.connection.lose();
    } else if (kind === '.') {
      await ear.connection.end();
    } else {
      const named = octets.replace(/%[1-9]/g, (name) => this.#names.get(name) ?? name);
      for (const piece of this.#cut(Buffer.from(named, 'latin1'))) {
        ear.connection.write(piece);
        await turn();
      }
    }
  }

  async #expect(ear: Ear, octets: string): Promise<void> {
    let rest = octets;
    for (let match = /%[1-9]/.exec(rest); match !== null; match = /%[1-9]/.exec(rest)) {
      const [name] = match;
      await ear.expect(rest.slice(0, match.index));
      const known = this.#names.get(name);
      if (known === undefined) this.#names.set(name, await ear.word());
      else await ear.expect(known);
      rest = rest.slice(match.index + name.length);
    }
    await ear.expect(rest);
  }
}

/** Milliseconds to wait for octets that a transcript expects. */
const PATIENCE = 3_000;

/** Listens at the far end of a connection. */
class Ear {
  readonly connection: MemoryConnection;
  #heard = '';
  #over = false;
  #news: () => void = () => undefined;

  constructor(connection: MemoryConnection) {
    this.connection = connection;
    void this.#listen(connection);
  }

  async #listen(connection: Connection): Promise<void> {
    try {
      for (let chunk = await connection.read(); chunk !== undefined; chunk = await connection.read()) {
        this.#heard += chunk.toString('latin1');
        this.#news();
      }
    } catch {
      // Broken off: over as well.
    }
    this.#over = true;
    this.#news();
  }

  /** The next octets are these. */
  async expect(octets: string): Promise<void> {
    await this.#until(() => this.#heard.length >= octets.length || !octets.startsWith(this.#heard));
    assert.equal(this.#heard.slice(0, octets.length), octets);
    this.#heard = this.#heard.slice(octets.length);
  }

  /** The octets up to a space or line end. */
  async word(): Promise<string> {
    await this.#until(() => /[ \r]/.test(this.#heard));
    const word = this.#heard.slice(0, this.#heard.search(/[ \r]/));
    this.#heard = this.#heard.slice(word.length);
    return word;
  }

  /** Nothing more came before the end. */
  async ended(): Promise<void> {
    await this.#until(() => this.#over || this.#heard !== '');
    assert.equal(this.#heard, '');
  }

  async #until(condition: () => boolean): Promise<void> {
    const deadline = Date.now() + PATIENCE;
    while (!condition() && !(this.#over && this.#heard === '')) {
      const left = deadline - Date.now();
      if (left <= 0) throw new Error(`not within ${PATIENCE} ms; so far ${JSON.stringify(this.#heard)}`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, left);
        this.#news = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }
}

/** Lets the side under test work on what has come. */
async function turn(): Promise<void> {
  for (let i = 0; i < 3; i++) await new Promise<void>((resolve) => setImmediate(resolve));
}

function unescape(text: string): string {
  return text
    .replace(/\\\((\d+)\*(.)\)/g, (_, count: string, what: string) => what.repeat(Number(count)))
    .replace(/\\x([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(parseInt(hex, 16)))
    .replace(/\\r/g, '\r')
    .replace(/\\n/g, '\n');
}
