/** Plays a dialogue to a provider directly and through what stands before it, and compares what comes back. */
import { type Endpoint, type Interpose, type MailServer, direct } from './endpoint.js';
import { fill } from './fixture.js';
import { normalise } from './normalise.js';
import { type Pace, SILENCE, replay } from './replay.js';
import type { Dialogue } from './script.js';

/** A response that is on one side only, or another one on each side. Texts are normalised. */
export interface Difference {
  readonly dialogue: string;
  readonly connection: number;
  /** Line of the dialogue's file that was being played. */
  readonly at: number;
  /** What the provider answers; undefined if nothing stands there. */
  readonly provider?: string;
  /** What comes through. */
  readonly through?: string;
}

/** A difference that is as it should be. Texts are matched as they are compared, and `null` stands for no response. */
export interface Allowed {
  readonly reason: string;
  readonly dialogue?: RegExp;
  readonly provider: RegExp | null;
  readonly through: RegExp | null;
}

export interface Comparison {
  readonly dialogue: Dialogue;
  readonly server: MailServer;
  readonly interpose: Interpose;
  readonly pace: Pace;
  readonly allowed?: readonly Allowed[];
}

let runs = 0;

/**
 * Resolves to the differences that are not allowed; rejects if the provider does not answer the dialogue to its end. Each side has a new user with the dialogue's fixture.
 */
export async function compare({
  dialogue,
  server,
  interpose,
  pace,
  allowed = [],
}: Comparison): Promise<readonly Difference[]> {
  const run = String(++runs).padStart(4, '0');
  const play = async (user: string, way: Interpose): Promise<Sides> => {
    const provider = server.endpoint(user);
    await fill(provider, dialogue.fixture);
    const { endpoint, close } = await way(provider);
    try {
      return byConnection(await transcript(dialogue, endpoint, provider, pace));
    } finally {
      await close();
    }
  };
  // User names of one length, so that nothing that has a size differs.
  const [provider, through] = await Promise.all([play(`left${run}`, direct), play(`rite${run}`, interpose)]);
  const silent = [...provider.values()].flat().find(({ text }) => text === SILENCE.toString('latin1'));
  if (silent !== undefined)
    throw new Error(`${dialogue.name}.txt, line ${silent.at}: ${server.name} says nothing, so the dialogue is wrong.`);
  return [...new Set([...provider.keys(), ...through.keys()])]
    .flatMap((connection) => differences(provider.get(connection) ?? [], through.get(connection) ?? [], connection))
    .map((difference) => ({ dialogue: dialogue.name, ...difference }))
    .filter((difference) => !allowed.some((rule) => allows(rule, difference)));
}

interface Line {
  readonly at: number;
  readonly connection: number;
  readonly text: string;
}

type Sides = ReadonlyMap<number, readonly Line[]>;

/** What comes through speaks of the provider's user, whatever the client is called on the way. */
async function transcript(
  dialogue: Dialogue,
  endpoint: Endpoint,
  provider: Endpoint,
  pace: Pace,
): Promise<readonly Line[]> {
  const entries = await replay(dialogue, endpoint, pace);
  const texts = normalise(entries, provider);
  return entries.map(({ at, connection }, index) => ({ at, connection, text: texts[index] ?? '' }));
}

function byConnection(lines: readonly Line[]): Sides {
  const sides = new Map<number, Line[]>();
  for (const line of lines) sides.set(line.connection, [...(sides.get(line.connection) ?? []), line]);
  return sides;
}

/** Aligns two transcripts by their longest common subsequence; what is left over in the same place belongs together. */
function differences(
  provider: readonly Line[],
  through: readonly Line[],
  connection: number,
): Omit<Difference, 'dialogue'>[] {
  const same = lengths(provider, through);
  const found: Omit<Difference, 'dialogue'>[] = [];
  let [left, right]: [Line[], Line[]] = [[], []];
  const flush = (): void => {
    for (let i = 0; i < Math.max(left.length, right.length); i++) {
      const [a, b] = [left[i], right[i]];
      const at = a?.at ?? b?.at ?? 0;
      found.push({
        connection,
        at,
        ...(a === undefined ? {} : { provider: a.text }),
        ...(b === undefined ? {} : { through: b.text }),
      });
    }
    [left, right] = [[], []];
  };
  for (let i = 0, j = 0; i < provider.length || j < through.length;) {
    const [a, b] = [provider[i], through[j]];
    if (a?.text === b?.text) {
      flush();
      i++;
      j++;
    } else if (b === undefined || (a !== undefined && (same[i + 1]?.[j] ?? 0) >= (same[i]?.[j + 1] ?? 0))) {
      if (a !== undefined) left.push(a);
      i++;
    } else {
      right.push(b);
      j++;
    }
  }
  flush();
  return found;
}

/** `[i][j]` is the length of the longest common subsequence of what follows there. */
function lengths(provider: readonly Line[], through: readonly Line[]): number[][] {
  const table = Array.from({ length: provider.length + 1 }, () => new Array<number>(through.length + 1).fill(0));
  for (let i = provider.length - 1; i >= 0; i--)
    for (let j = through.length - 1; j >= 0; j--) {
      const [row, below] = [table[i], table[i + 1]];
      if (row === undefined || below === undefined) continue;
      row[j] =
        provider[i]?.text === through[j]?.text ? (below[j + 1] ?? 0) + 1 : Math.max(below[j] ?? 0, row[j + 1] ?? 0);
    }
  return table;
}

function allows(rule: Allowed, { dialogue, provider, through }: Difference): boolean {
  const fits = (pattern: RegExp | null, text: string | undefined): boolean =>
    pattern === null ? text === undefined : text !== undefined && pattern.test(text);
  return (rule.dialogue?.test(dialogue) ?? true) && fits(rule.provider, provider) && fits(rule.through, through);
}
