import assert from 'node:assert/strict';
import { type Ending, type PipeOptions, pipe } from '#imap/pipe/pipe';
import { Framer } from '#imap/wire/framer';
import type { Connection } from '#lib/net/connection';
import { type MemoryConnection, connectionPair } from '#test/lib/net/memory';

/** How what one side sends is cut into chunks. */
export type Cut = (bytes: Buffer) => Iterable<Buffer>;

/**
 * Plays a transcript, whose form transcripts/README.md tells, against a pipe. Rejects where it goes another way; resolves to how the
 * session ended.
 */
export async function replay(text: string, cut: Cut, options: Partial<PipeOptions> = {}): Promise<Ending> {
  const [clientSide, client] = connectionPair();
  const [providerSide, provider] = connectionPair();
  const literals = /^#! literals (plus|minus|none)$/m.exec(text)?.[1] as PipeOptions['literals'] | undefined;
  const session = pipe(
    { connection: clientSide, framer: new Framer('client') },
    { connection: providerSide, framer: new Framer('provider') },
    { literals: literals ?? 'plus', signal: new AbortController().signal, ...options },
  );
  const player = new Player(new Ear(client), new Ear(provider), cut);
  try {
    for (const [at, line] of text.split('\n').entries()) {
      await player.step(line).catch((error: unknown) => {
        throw new Error(`line ${at + 1}: ${line}`, { cause: error });
      });
    }
  } finally {
    client.destroy();
    provider.destroy();
  }
  return session;
}

class Player {
  readonly #client: Ear;
  readonly #provider: Ear;
  readonly #cut: Cut;
  /** What `%1` to `%9` stand for. */
  readonly #names = new Map<string, string>();

  constructor(client: Ear, provider: Ear, cut: Cut) {
    this.#client = client;
    this.#provider = provider;
    this.#cut = cut;
  }

  async step(line: string): Promise<void> {
    const [, who, kind = '', rest = ''] = /^([CPcp])([:|.!])(?: (.*))?$/.exec(line) ?? [];
    if (who === undefined) {
      assert.match(line, /^(?:#|\s*$)/, 'no step');
      return;
    }
    const ear = who.toUpperCase() === 'C' ? this.#client : this.#provider;
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
