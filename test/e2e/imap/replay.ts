/** Plays a dialogue to an endpoint and writes down what comes back. */
import { type Connection, ConnectionEnded, type Cuts, expectOK, login, open } from './client.js';
import type { Endpoint } from './endpoint.js';
import { type CommandLine, type Dialogue, type Start, type Step, unescape } from './script.js';

/**
 * How a dialogue is sent: each command when the one before is done, cut in one of three ways; or as a pipeline, in which all up to the next
 * thing that has to be waited for is one write. (Were it several, it would be chance what a server finds when it looks, and Dovecot answers
 * in another order then.)
 */
export type Pace = Cuts | 'pipelined';

/** What came back on one connection, in its order. */
export interface Entry {
  readonly connection: number;
  /** Line in the dialogue's file of the step that was waiting. */
  readonly at: number;
  readonly octets: Buffer;
}

/** Stands where a connection ended, and where a response did not come in time. */
export const END = Buffer.from('(end)');
export const SILENCE = Buffer.from('(silence)');

/** Dialogues ask for nothing that takes long. */
const PATIENCE = 10_000;

interface Talk {
  readonly number: number;
  readonly connection: Connection;
  /** What waits for the end of a pipeline. */
  readonly unsent: Buffer[];
  /** Tags of commands that are sent and whose end has not been waited for. */
  readonly outstanding: string[];
  /** Values that the dialogue may send back. */
  readonly variables: Map<string, string>;
  over: boolean;
}

/** Plays a dialogue to its end. Rejects only where a connection cannot be made. */
export async function replay(dialogue: Dialogue, endpoint: Endpoint, pace: Pace): Promise<readonly Entry[]> {
  const entries: Entry[] = [];
  const talks = new Map<number, Talk>();
  let current: Talk | undefined;
  try {
    for (const number of new Set(dialogue.steps.map(({ connection }) => connection))) {
      talks.set(number, await begin(number, endpoint, dialogue.start));
    }
    for (const step of dialogue.steps) {
      const talk = talks.get(step.connection);
      if (talk === undefined) continue;
      const recordOf =
        (from: Talk): Record =>
        (octets) => {
          entries.push({ connection: from.number, at: step.at, octets });
          learn(from, octets);
        };
      if (current !== undefined && current !== talk) await settle(current, recordOf(current));
      current = talk;
      if (!talk.over) await play(step, talk, pace, recordOf(talk));
    }
    for (const [connection, talk] of talks)
      await settle(talk, (octets) => entries.push({ connection, at: Infinity, octets }));
    return entries;
  } finally {
    for (const { connection } of talks.values()) connection.close();
  }
}

type Record = (octets: Buffer) => void;

async function begin(number: number, endpoint: Endpoint, start: Start): Promise<Talk> {
  const connection = start === 'greeting' ? await open(endpoint) : await login(endpoint);
  if (start === 'selected') await expectOK(connection, 'select', 'SELECT INBOX');
  const plain = Buffer.from(`\0${endpoint.user}\0${endpoint.password}`).toString('base64');
  const variables = new Map([
    ['USER', endpoint.user],
    ['PASSWORD', endpoint.password],
    ['PLAIN', plain],
  ]);
  return { number, connection, unsent: [], outstanding: [], variables, over: false };
}

async function play(step: Step, talk: Talk, pace: Pace, record: Record): Promise<void> {
  switch (step.kind) {
    case 'command': {
      // What is sent next may hang on what has not come yet.
      if (step.lines.some(({ text }) => /\$(?:UIDVALIDITY|HIGHESTMODSEQ)/.test(text))) await settle(talk, record);
      const [tag = ''] = (step.lines[0]?.text ?? '').split(' ');
      const refused = await send(step.lines, tag, talk, pace, record);
      if (refused || !step.awaited) return;
      talk.outstanding.push(`${tag} `);
      if (pace !== 'pipelined') await settle(talk, record);
      return;
    }
    case 'octets':
      await write(talk, expand(step.text, talk), pace);
      return;
    case 'wait':
      await settle(talk, record);
      await waitFor([step.prefix], talk, record);
      return;
    case 'tls':
      await settle(talk, record);
      await talk.connection.startTLS();
      return;
    case 'compression':
      await settle(talk, record);
      talk.connection.startCompression();
      return;
    case 'end':
      await settle(talk, record);
      await waitFor([], talk, record);
      return;
  }
}

/** Sends a command. True if a synchronising literal was refused, and so the rest was not sent. */
async function send(
  lines: readonly CommandLine[],
  tag: string,
  talk: Talk,
  pace: Pace,
  record: Record,
): Promise<boolean> {
  let unsent: Buffer[] = [];
  for (const { text, literal } of lines) {
    unsent.push(expand(text, talk), Buffer.from('\r\n'));
    if (literal === undefined) continue;
    if (/\{\d+\}$/.test(text)) {
      await settle(talk, record);
      await write(talk, Buffer.concat(unsent), pace);
      unsent = [];
      const answer = await waitFor(['+', `${tag} `], talk, record);
      if (answer !== '+') return true;
    }
    unsent.push(literal);
  }
  await write(talk, Buffer.concat(unsent), pace);
  return false;
}

async function write({ connection, unsent }: Talk, octets: Buffer, pace: Pace): Promise<void> {
  if (pace === 'pipelined') unsent.push(octets);
  else await connection.write(octets, pace);
}

async function flush({ connection, unsent }: Talk): Promise<void> {
  if (unsent.length > 0) await connection.write(Buffer.concat(unsent.splice(0)));
}

/** Waits for the ends of all commands that were sent. */
async function settle(talk: Talk, record: Record): Promise<void> {
  await flush(talk);
  while (talk.outstanding.length > 0 && !talk.over) {
    const found = await waitFor(talk.outstanding, talk, record);
    if (found !== undefined) talk.outstanding.splice(talk.outstanding.indexOf(found), 1);
  }
}

/** Reads until a response begins with one of the prefixes; undefined at the end of the connection, or of patience. */
async function waitFor(prefixes: readonly string[], talk: Talk, record: Record): Promise<string | undefined> {
  await flush(talk);
  while (!talk.over) {
    try {
      const response = await talk.connection.read(PATIENCE);
      record(response);
      const found = prefixes.find((prefix) => response.subarray(0, prefix.length).equals(Buffer.from(prefix)));
      if (found !== undefined) return found;
    } catch (error) {
      record(error instanceof ConnectionEnded ? END : SILENCE);
      talk.over = true;
    }
  }
  return undefined;
}

function learn({ variables }: Talk, response: Buffer): void {
  if (response.length > 1000) return;
  for (const [, name = '', value = ''] of response
    .toString('latin1')
    .matchAll(/\[(UIDVALIDITY|HIGHESTMODSEQ) (\d+)\]/g))
    variables.set(name, value);
}

function expand(text: string, { variables }: Talk): Buffer {
  return unescape(text.replace(/\$([A-Z]+)/g, (whole, name: string) => variables.get(name) ?? whole));
}
